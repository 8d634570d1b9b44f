"""seapod-oci whose caller is not root: bare, with a user namespace in the configuration, and below a rootless Podman."""
import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile

import pytest

import instance
import leaks
import world
from instance import eventually
from oci_runtime import Runtime, own

pytestmark = own
USER = 4711  # nobody's id, and in no file


class Ordinary(Runtime):
    """The runtime called by an ordinary user, to whom bundle and state belong."""

    def __init__(self, build, uid=USER):
        super().__init__()
        self.command = ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "--inh-caps=-all", "--bounding-set=+all",
                        f"{build}/seapod-oci"]
        del self.config["linux"]["cgroupsPath"]
        self.config["mounts"][2]["options"].remove("gid=5")
        self.namespace("user")
        one = [{"containerID": 0, "hostID": uid, "size": 1}]
        self.config["linux"].update(uidMappings=one, gidMappings=one)
        for path, below, names in os.walk(self.dir):
            for name in [".", *below, *names]:
                os.lchown(os.path.join(path, name), uid, uid)
        os.chmod(self.dir, 0o711)


@pytest.fixture(scope="module")
def build():
    """The build, where an ordinary user can reach it wherever this checkout is."""
    path = tempfile.mkdtemp(prefix="seapod-rootless-build-")
    subprocess.run(["mount", "--bind", instance.BUILD, path], check=True)
    yield path
    subprocess.run(["umount", path], check=True)
    os.rmdir(path)


@pytest.fixture
def oci(build):
    r = Ordinary(build)
    yield r
    r.call("delete", "--force", r.id)
    assert [name for name in os.listdir(r.root) if not name.startswith(".")] == []
    shutil.rmtree(r.dir)


def test_an_ordinary_user_runs_a_container(oci):
    out = oci.sh("id -u; cat /proc/self/uid_map; hostname; echo >/dev/null && echo device; touch /made; ps | wc -l; grep CapEff /proc/self/status")
    assert out.split() == ["0", "0", str(USER), "1", "box", "device", "4", "CapEff:", "0000000000000421"]
    assert os.stat(oci.bundle + "/rootfs/made").st_uid == USER


def test_its_life(oci):
    oci.up()
    state = oci.state()
    assert state["status"] == "running"
    with open(f"/proc/{state['pid']}/status") as f:
        assert f"Uid:\t{USER}\t" in f.read()
    assert oci.exec("sh", "-c", "id -u; hostname; ls /proc/1/exe; exit 3", check=False).stdout == "0\nbox\n/proc/1/exe\n"
    oci.call("kill", oci.id, "KILL")
    oci.stopped()
    oci.call("delete", oci.id)
    oci.create()


def test_a_terminal_and_a_read_only_root(oci):
    oci.config["root"]["readonly"] = True
    oci.config["mounts"].append({"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["mode=1777"]})
    assert oci.sh("touch /x 2>&- || echo refused; touch /tmp/x && echo made; wc -c </proc/keys") == "refused\nmade\n0\n"


def test_what_an_ordinary_user_cannot_have(oci):
    oci.config["linux"]["resources"]["pids"] = {"limit": 5}
    oci.refuses("linux.resources", "cgroup")
    del oci.config["linux"]["resources"]["pids"]
    oci.config["process"]["user"]["additionalGids"] = [7]
    oci.refuses("process.user.additionalGids")
    del oci.config["process"]["user"]["additionalGids"]
    oci.config["linux"]["uidMappings"] = [{"containerID": 0, "hostID": USER + 1, "size": 1}]
    oci.refuses("linux.uidMappings", str(USER))
    oci.config["linux"]["uidMappings"] = [{"containerID": 0, "hostID": USER, "size": 2}]
    oci.refuses("linux.uidMappings", "newuidmap")
    oci.namespace("user", add=False)
    oci.config["linux"].update(uidMappings=[], gidMappings=[])
    oci.refuses("linux.namespaces", "user namespace")


def its_processes():
    """The user's processes below pytest, none of anybody else; what has ended is reaped."""
    leaks.processes(())
    found = []
    for pid in world.descendants():
        with contextlib.suppress(OSError):
            if os.stat(f"/proc/{pid}").st_uid == USER:
                found.append(pid)
    return found


@pytest.fixture(scope="module")
def subordinate():
    """A user with subordinate ids; the files that say so are put over the machine's in this world only (world.py)."""
    if not shutil.which("newuidmap"):
        pytest.skip("uidmap is not installed")
    made = tempfile.mkdtemp(prefix="seapod-rootless-")
    lines = {"passwd": "tester:x:4711:4711::/:/bin/sh\n", "group": "tester:x:4711:\n", "subuid": "tester:300000:65536\n",
             "subgid": "tester:300000:65536\n"}
    for name, line in lines.items():
        with open("/etc/" + name) as f:
            text = f.read()
        with open(f"{made}/{name}", "w") as f:
            f.write(text + line)
        subprocess.run(["mount", "--bind", f"{made}/{name}", "/etc/" + name], check=True)
    yield pwd.getpwuid(USER)
    for name in lines:
        subprocess.run(["umount", "/etc/" + name], check=True)
    shutil.rmtree(made)


def test_subordinate_ids(subordinate, build):
    oci = Ordinary(build)
    more = [{"containerID": 0, "hostID": USER, "size": 1}, {"containerID": 1, "hostID": 300000, "size": 65536}]
    oci.config["linux"].update(uidMappings=more, gidMappings=more)
    oci.config["process"]["user"] = {"uid": 5, "gid": 6, "additionalGids": [7]}
    os.chmod(oci.bundle + "/rootfs/tmp", 0o777)
    try:
        assert oci.sh("id -u; id -g; grep ^Groups: /proc/self/status; touch /tmp/made").replace("\t", "") == "5\n6\nGroups:7 \n"
        assert os.stat(oci.bundle + "/rootfs/tmp/made").st_uid == 300004
        more[1]["hostID"] = 400000
        oci.refuses("linux.uidMappings", "/etc/subuid")
    finally:
        shutil.rmtree(oci.dir)


@pytest.mark.skipif(not shutil.which("podman"), reason="podman is not installed")
def test_rootless_podman(subordinate, build):
    home = tempfile.mkdtemp(prefix="seapod-rootless-podman-")
    os.mkdir(home + "/run", 0o700)
    for path in (home, home + "/run"):
        os.chown(path, USER, USER)
    with open(home + "/containers.conf", "w") as f:
        f.write('[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=1000:1000"]\n')
    env = {"HOME": home, "XDG_RUNTIME_DIR": home + "/run", "PATH": os.environ["PATH"], "CONTAINERS_CONF": home + "/containers.conf"}

    def podman(*args):
        with tempfile.TemporaryFile("w+") as out:
            process = subprocess.Popen(["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "podman", "--storage-driver", "vfs",
                                        "--cgroup-manager", "cgroupfs", "--events-backend", "none", "--runtime", f"{build}/seapod-oci", *args], cwd="/", env=env,
                                       stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)

            def ended():  # Podman waits for its conmon, which we inherit, to be reaped
                leaks.processes({process.pid})
                return process.poll() is not None
            eventually(ended, "podman to end", seconds=60)
            out.seek(0)
            said = out.read()
        assert process.returncode == 0, said
        return "".join(line for line in said.splitlines(True) if "level=" not in line)
    try:
        shutil.copy(f"{instance.IMAGES}/busybox.tar", home)
        podman("load", "-i", f"{home}/busybox.tar")
        podman("run", "-d", "--network", "none", "--name", "main", "seapod.test/busybox", "sleep", "100")
        out = podman("exec", "main", "sh", "-c", "id -u; echo >/dev/null && echo device; head -1 /proc/1/uid_map; ls /proc/1/exe")
        assert out.split() == ["0", "device", "0", str(USER), "1", "/proc/1/exe"]
        assert podman("exec", "-u", "5", "main", "id", "-u") == "5\n"
        podman("rm", "-f", "-t", "0", "main")
    finally:
        for pid in its_processes():  # Podman keeps one, which holds its namespaces
            os.kill(pid, 9)
        eventually(lambda: not its_processes(), "its processes to end")
        shutil.rmtree(home, ignore_errors=True)
