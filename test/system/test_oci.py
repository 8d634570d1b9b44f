"""`seapod oci`: the runtime specification's clauses as black-box tests, and the command line that runc and crun have.

OCI=/usr/sbin/runc runs the same tests on another runtime; docs/oci.md has the table of clauses. What is Seapod's own (sentences, checks
that others do not make) is marked `own` and skipped then.
"""
import array
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import pytest

import instance
import leaks
import world
from instance import eventually

OCI = os.environ.get("OCI", os.path.join(instance.BUILD, "seapod-oci"))
OTHER = "OCI" in os.environ
own = pytest.mark.skipif(OTHER, reason="Seapod's own")
V2 = os.path.exists("/sys/fs/cgroup/cgroup.controllers")
v1 = pytest.mark.skipif(V2, reason="of cgroup version 1")
v2 = pytest.mark.skipif(not V2, reason="of cgroup version 2")
APPLETS = ("sh cat ls id true false echo mount sleep ps ip hostname grep touch kill tty stat head readlink pwd wc test env sed tr mkdir "
           "chown dd nice date").split()
CAPS = ["CAP_CHOWN", "CAP_KILL", "CAP_NET_BIND_SERVICE"]


def config():
    """A small config.json: each test changes what it is about."""
    return {
        "ociVersion": "1.0.2",
        "process": {"user": {"uid": 0, "gid": 0}, "args": ["sleep", "100"], "env": ["PATH=/bin"], "cwd": "/",
                    "capabilities": {"bounding": CAPS, "effective": CAPS, "permitted": CAPS}},
        "root": {"path": "rootfs"},
        "hostname": "box",
        "mounts": [
            {"destination": "/proc", "type": "proc", "source": "proc"},
            {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]},
            {"destination": "/dev/pts", "type": "devpts", "source": "devpts",
             "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]},
            {"destination": "/dev/shm", "type": "tmpfs", "source": "shm", "options": ["nosuid", "noexec", "nodev", "mode=1777"]},
            {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "nodev", "ro"]},
        ],
        "linux": {
            "namespaces": [{"type": t} for t in ("pid", "network", "ipc", "uts", "mount")],
            "resources": {"devices": [{"allow": False, "access": "rwm"}]},
            "maskedPaths": ["/proc/keys", "/sys/firmware"],
            "readonlyPaths": ["/proc/sys"],
        },
    }


class Runtime:
    """A bundle, a state directory, and the runtime's commands on them."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="seapod-oci-test-")
        self.bundle = self.dir + "/bundle"
        self.root = self.dir + "/state"
        self.id = "c" + os.path.basename(self.dir)[-8:].replace("_", "x")
        self.cgroup = "/seapod-oci-test/" + self.id
        os.makedirs(self.bundle + "/rootfs/bin")
        os.makedirs(self.bundle + "/rootfs/tmp")
        shutil.copy("/usr/bin/busybox", self.bundle + "/rootfs/bin/busybox")
        for name in APPLETS:
            os.symlink("busybox", f"{self.bundle}/rootfs/bin/{name}")
        self.config = config()
        self.config["linux"]["cgroupsPath"] = self.cgroup

    def write(self):
        with open(self.bundle + "/config.json", "w") as f:
            json.dump(self.config, f)

    def call(self, *args, check=True, input=None, timeout=20, **more):
        # Files, not pipes: a container keeps what create was given, and a reader of a pipe would wait for its end.
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            done = subprocess.run([OCI, "--root", self.root, *map(str, args)], stdin=subprocess.DEVNULL if input is None else input,
                                  stdout=out, stderr=err, timeout=timeout, **more)
            for f in (out, err):
                f.seek(0)
            done.stdout, done.stderr = out.read(), err.read()
        if check and done.returncode != 0:
            raise AssertionError(f"{' '.join(map(str, args))}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def create(self, *options, **more):
        self.write()
        return self.call("create", "--bundle", self.bundle, *options, self.id, **more)

    def start(self):
        return self.call("start", self.id)

    def run(self, *command, check=True, **more):
        """`run` in front; what the command prints."""
        if command:
            self.config["process"]["args"] = list(command)
        self.write()
        return self.call("run", "--bundle", self.bundle, self.id, check=check, **more)

    def sh(self, script, **more):
        return self.run("sh", "-c", script, **more).stdout

    def up(self):
        self.create()
        self.start()

    def exec(self, *args, check=True):
        return self.call("exec", self.id, *args, check=check)

    def state(self):
        return json.loads(self.call("state", self.id).stdout)

    def status(self):
        return self.state()["status"]

    def stopped(self):
        eventually(lambda: self.status() == "stopped", "the container to stop")

    def refuses(self, *words):
        """create fails, says WORDS, and there is no container."""
        done = self.create(check=False)
        assert done.returncode != 0
        if not OTHER:
            assert all(word in done.stderr for word in words), done.stderr
            assert len(done.stderr.splitlines()) == 1 and done.stderr.startswith("seapod-oci: "), done.stderr
        assert self.call("state", self.id, check=False).returncode != 0
        return done.stderr

    def cgroup_file(self, controller, name):
        with open(f"/sys/fs/cgroup/{'' if V2 else controller}{self.cgroup}/{name}") as f:
            return f.read().strip()

    def namespace(self, kind, add=True, **more):
        self.config["linux"]["namespaces"] = [n for n in self.config["linux"]["namespaces"] if n["type"] != kind]
        if add:
            self.config["linux"]["namespaces"].append({"type": kind, **more})


@pytest.fixture
def oci():
    r = Runtime()
    before = leaks.look()
    yield r
    r.call("delete", "--force", r.id, check=False)

    def clean():
        left = leaks.difference(before, leaks.look())
        assert not left, left
        for controller in os.listdir("/sys/fs/cgroup"):
            assert not os.path.exists(f"/sys/fs/cgroup/{controller}{r.cgroup}"), controller
        if os.path.isdir(r.root) and not OTHER:
            assert [name for name in os.listdir(r.root) if not name.startswith(".")] == []
        return True
    try:
        eventually(clean, "everything of the container to be gone", seconds=3)
    finally:
        shutil.rmtree(r.dir, ignore_errors=True)


# --- runtime.md: state, lifecycle, operations


def test_state_of_a_container_that_does_not_exist_is_an_error(oci):
    assert "does not exist" in oci.call("state", "nobody", check=False).stderr
    assert oci.call("state", check=False).returncode != 0


def test_the_life_of_a_container(oci):
    oci.config["annotations"] = {"org.example.key": "value"}
    oci.create()
    state = oci.state()
    assert (state["status"], state["id"], state["bundle"]) == ("created", oci.id, oci.bundle)
    assert state["annotations"]["org.example.key"] == "value" and state["ociVersion"]
    assert os.path.exists(f"/proc/{state['pid']}")
    oci.start()
    assert oci.status() == "running"
    with open(f"/proc/{state['pid']}/cmdline") as f:
        assert f.read().split("\0") == ["sleep", "100", ""]
    oci.call("kill", oci.id, "KILL")
    oci.stopped()
    oci.call("delete", oci.id)
    assert oci.call("state", oci.id, check=False).returncode != 0
    oci.create()  # the id can be used again


def test_create_needs_an_id_and_a_bundle(oci):
    oci.write()
    assert oci.call("create", "--bundle", oci.bundle, check=False).returncode != 0
    assert oci.call("create", "--bundle", oci.dir + "/none", oci.id, check=False).returncode != 0


def test_an_id_is_unique_and_valid(oci):
    oci.create()
    assert oci.create(check=False).returncode != 0
    assert oci.status() == "created"
    for bad in ("../x", "a/b", "", ".", "..", "a b"):
        assert oci.call("create", "--bundle", oci.bundle, bad, check=False).returncode != 0, bad


def test_the_program_does_not_run_before_start(oci):
    oci.config["process"]["args"] = ["touch", "/tmp/ran"]
    oci.create()
    assert not os.path.exists(oci.bundle + "/rootfs/tmp/ran")
    oci.start()
    eventually(lambda: os.path.exists(oci.bundle + "/rootfs/tmp/ran"))


def test_later_changes_of_the_configuration_do_not_count(oci):
    oci.config["process"]["args"] = ["touch", "/tmp/first"]
    oci.create()
    oci.config["process"]["args"] = ["touch", "/tmp/second"]
    oci.write()
    oci.start()
    eventually(lambda: os.path.exists(oci.bundle + "/rootfs/tmp/first"))
    assert not os.path.exists(oci.bundle + "/rootfs/tmp/second")


def test_start_only_what_is_created(oci):
    assert oci.call("start", oci.id, check=False).returncode != 0
    oci.up()
    assert oci.call("start", oci.id, check=False).returncode != 0
    assert oci.status() == "running"
    oci.call("kill", oci.id, "KILL")
    oci.stopped()
    assert oci.call("start", oci.id, check=False).returncode != 0


def test_kill_sends_the_signal(oci):
    oci.config["process"]["args"] = ["sh", "-c", "trap 'touch /tmp/usr1' USR1; touch /tmp/ready; while :; do sleep 0.05; done"]
    oci.up()
    eventually(lambda: os.path.exists(oci.bundle + "/rootfs/tmp/ready"), "the trap to be set")
    for name in ("USR1", "SIGUSR1", str(int(signal.SIGUSR1))):
        oci.call("kill", oci.id, name)
        eventually(lambda: os.path.exists(oci.bundle + "/rootfs/tmp/usr1"))
        os.unlink(oci.bundle + "/rootfs/tmp/usr1")
    assert oci.call("kill", oci.id, "NOSUCH", check=False).returncode != 0


def test_kill_only_what_runs(oci):
    assert oci.call("kill", oci.id, "TERM", check=False).returncode != 0
    oci.create()
    oci.call("kill", oci.id, "KILL")
    oci.stopped()
    assert "not running" in oci.call("kill", oci.id, "KILL", check=False).stderr


def test_delete_only_what_is_stopped(oci):
    assert oci.call("delete", oci.id, check=False).returncode != 0
    oci.up()
    assert oci.call("delete", oci.id, check=False).returncode != 0
    assert oci.status() == "running"
    oci.call("delete", "--force", oci.id)
    oci.call("delete", "--force", oci.id)  # again: fine


def test_the_creator_may_be_killed(oci):
    """Without a record there is no container, and what was made of it is gone."""
    oci.config["hooks"] = {"createRuntime": [{"path": "/bin/sleep", "args": ["sleep", "30"]}]}
    oci.write()
    creator = subprocess.Popen([OCI, "--root", oci.root, "create", "--bundle", oci.bundle, oci.id], stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    eventually(lambda: "sleep" in str(world.descendants()))
    creator.kill()
    creator.wait()
    if OTHER:
        for pid, (_, line) in world.descendants().items():
            if line == "sleep 30":
                os.kill(pid, signal.SIGKILL)
        return
    eventually(lambda: not [line for _, line in world.descendants().values() if "sleep 30" in line or "create" in line])
    del oci.config["hooks"]
    oci.create()  # the id is free


@own
def test_a_creator_may_be_killed_at_any_moment(oci):
    """Whatever it has made by then, nothing runs, and delete removes the rest."""
    oci.write()
    for delay in range(0, 12):
        creator = subprocess.Popen([OCI, "--root", oci.root, "create", "--bundle", oci.bundle, oci.id], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(delay / 2000)
        creator.kill()
        creator.wait()
        oci.call("delete", "--force", oci.id)
        eventually(lambda: not [line for _, line in world.descendants().values() if oci.bundle in line])
        for controller in os.listdir("/sys/fs/cgroup"):
            assert not os.path.exists(f"/sys/fs/cgroup/{controller}{oci.cgroup}"), (controller, delay)


@own
def test_listen_fds_go_on(oci):
    oci.config["process"]["args"] = ["sh", "-c", "echo $LISTEN_FDS $LISTEN_PID >&3"]
    oci.write()
    subprocess.run(["sh", "-c", f'LISTEN_FDS=1 exec "$@" 3>{oci.dir}/three', "sh", OCI, "--root", oci.root, "run", "--bundle", oci.bundle, oci.id],
                   check=True, timeout=20, stdin=subprocess.DEVNULL)
    with open(oci.dir + "/three") as f:
        assert f.read() == "1 1\n"


# --- config.md: process, root, mounts


def test_process_identity(oci):
    p = oci.config["process"]
    p["user"] = {"uid": 1000, "gid": 1001, "additionalGids": [7, 8], "umask": 0o027}
    p["cwd"] = "/tmp"
    p["env"] += ["WORD=two words"]
    out = oci.sh("id -u; id -g; grep ^Groups: /proc/self/status; umask; pwd; echo $WORD")
    assert out.replace("\t", "") == "1000\n1001\nGroups:7 8 \n0027\n/tmp\ntwo words\n"


def test_capabilities_and_no_new_privileges(oci):
    oci.config["process"]["noNewPrivileges"] = True
    out = oci.sh("grep -E '^Cap(Eff|Bnd|Prm)|NoNew' /proc/self/status")
    assert out.replace("\t", "") == "CapPrm:0000000000000421\nCapEff:0000000000000421\nCapBnd:0000000000000421\nNoNewPrivs:1\n"


def test_a_capability_that_cannot_be_granted_is_a_warning(oci):
    oci.config["process"]["capabilities"]["bounding"] = CAPS + ["CAP_NO_SUCH_THING"]
    done = oci.run("true")
    assert "CAP_NO_SUCH_THING" in done.stderr or OTHER


def test_rlimits(oci):
    limits = oci.config["process"]["rlimits"] = [{"type": "RLIMIT_NOFILE", "soft": 77, "hard": 99}]
    assert oci.sh("ulimit -n; ulimit -Hn") == "77\n99\n"
    limits.append({"type": "RLIMIT_NOFILE", "soft": 7, "hard": 9})
    oci.refuses("process.rlimits[1]", "twice")
    limits[1]["type"] = "RLIMIT_NO_SUCH"
    oci.refuses("process.rlimits[1].type", "RLIMIT_NO_SUCH")


def test_oom_score_adj(oci):
    oci.config["process"]["oomScoreAdj"] = 321
    assert oci.sh("cat /proc/self/oom_score_adj") == "321\n"
    del oci.config["process"]["oomScoreAdj"]
    with open("/proc/self/oom_score_adj") as f:
        assert oci.sh("cat /proc/self/oom_score_adj") == f.read()


@own
def test_scheduler_io_priority_and_personality(oci):
    p = oci.config["process"]
    p["scheduler"] = {"policy": "SCHED_BATCH", "nice": 5}
    p["ioPriority"] = {"class": "IOPRIO_CLASS_IDLE", "priority": 7}
    oci.config["linux"]["personality"] = {"domain": "LINUX32"}
    oci.up()
    pid = oci.state()["pid"]
    assert os.sched_getscheduler(pid) == os.SCHED_BATCH and os.getpriority(os.PRIO_PROCESS, pid) == 5
    with open(f"/proc/{pid}/personality") as f:
        assert f.read() == "00000008\n"
    p["scheduler"] = {"policy": "SCHED_NO_SUCH"}
    oci.call("delete", "-f", oci.id)
    oci.refuses("process.scheduler.policy", "SCHED_NO_SUCH")


def test_a_program_that_is_not_there(oci):
    oci.config["process"]["args"] = ["no-such-program"]
    done = oci.create(check=False)
    assert done.returncode != 0 and "no-such-program" in done.stderr and "not found" in done.stderr


def test_the_exit_code_of_run(oci):
    assert oci.run("sh", "-c", "exit 42", check=False).returncode == 42
    assert oci.run("sh", "-c", "kill -9 $$; sleep 1", check=False).returncode in (137, 0)  # the first process of a namespace survives it


def test_root(oci):
    oci.config["root"]["readonly"] = True
    assert oci.sh("touch /x 2>/dev/null || echo refused; touch /dev/shm/y && echo written") == "refused\nwritten\n"
    oci.config["root"] = {"path": oci.bundle + "/rootfs"}
    assert oci.sh("touch /x && echo written") == "written\n"
    oci.config["root"]["path"] = "none"
    oci.refuses("root.path", "none")
    del oci.config["root"]
    oci.refuses("root", "missing")


def test_mounts(oci):
    os.makedirs(oci.dir + "/data/below")
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", oci.dir + "/data/below"], check=True)
    try:
        with open(oci.dir + "/data/file", "w") as f:
            f.write("text")
        oci.config["mounts"] += [
            {"destination": "/ro", "source": oci.dir + "/data", "options": ["rbind", "ro", "nosuid", "nodev", "noexec"]},
            {"destination": "/rro", "source": oci.dir + "/data", "options": ["rbind", "rro"]},
            {"destination": "/rw", "type": "none", "source": "../data", "options": ["bind"]},
            {"destination": "relative", "type": "tmpfs", "source": "tmpfs", "options": ["size=4k", "noatime"]},
            {"destination": "/etc/one", "source": oci.dir + "/data/file", "options": ["bind", "ro"]},
        ]
        out = oci.sh("cat /etc/one; touch /rw/new && echo +rw; touch /ro/x 2>&-|| echo -ro; touch /ro/below/x && echo +below; "
                     "touch /rro/below/x 2>&- || echo -rro; grep -c ' /ro .*ro,nosuid,nodev,noexec' /proc/mounts; "
                     "grep -c '/relative tmpfs rw,noatime.*size=4k' /proc/mounts")
        assert out == "text+rw\n-ro\n+below\n-rro\n1\n1\n"
        assert os.path.exists(oci.dir + "/data/new")
    finally:
        subprocess.run(["umount", oci.dir + "/data/below"], check=True)


def test_mounts_that_cannot_be_made(oci):
    oci.config["mounts"].append({"destination": "/x", "type": "none", "source": oci.dir + "/none", "options": ["bind"]})
    oci.refuses("mounts[5].source", "none")
    oci.config["mounts"][5] = {"destination": "/x", "type": "nosuchfs", "source": "x"}
    oci.refuses("'/x'")
    oci.config["mounts"][5] = {"type": "tmpfs"}
    oci.refuses("mounts[5]", "'destination' is missing")


@own
def test_tmpcopyup(oci):
    os.makedirs(oci.bundle + "/rootfs/var/deep")
    with open(oci.bundle + "/rootfs/var/deep/file", "w") as f:
        f.write("from the image")
    oci.config["mounts"].append({"destination": "/var", "type": "tmpfs", "source": "tmpfs", "options": ["tmpcopyup", "rw"]})
    assert oci.sh("cat /var/deep/file; touch /var/new; grep -c ' /var tmpfs' /proc/mounts") == "from the image1\n"
    assert not os.path.exists(oci.bundle + "/rootfs/var/new")


def test_a_link_in_the_image_does_not_lead_out(oci):
    os.makedirs(oci.dir + "/outside")
    os.symlink(oci.dir + "/outside", oci.bundle + "/rootfs/link")
    oci.config["mounts"].append({"destination": "/link/made", "type": "tmpfs", "source": "tmpfs"})
    oci.run("true", check=False)
    assert os.listdir(oci.dir + "/outside") == []


def test_hostname(oci):
    oci.config["domainname"] = "example.org"
    assert oci.sh("hostname; cat /proc/sys/kernel/domainname") in ("box\nexample.org\n", "box\n(none)\n" if OTHER else "")
    oci.namespace("uts", add=False)
    oci.refuses("hostname", "UTS namespace")


def test_unknown_properties_are_passed_over(oci):
    oci.config["unknown"] = {"a": 1}
    oci.config["process"]["unknown"] = True
    oci.config["linux"]["unknown"] = []
    oci.config["linux"]["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "unknown": 1, "syscalls": [
        {"names": ["mkdir"], "action": "SCMP_ACT_ERRNO", "unknown": 1, "args": []}]}
    assert oci.run("echo", "fine").stdout == "fine\n"


@own
@pytest.mark.parametrize("change, words", [
    (lambda c: c.pop("ociVersion"), ["ociVersion", "missing"]),
    (lambda c: c.update(ociVersion="latest"), ["ociVersion", "SemVer"]),
    (lambda c: c.update(ociVersion="2.0.0"), ["ociVersion", "supports"]),
    (lambda c: c["process"].update(cwd="relative"), ["process.cwd", "absolute"]),
    (lambda c: c["process"].pop("cwd"), ["process", "'cwd' is missing"]),
    (lambda c: c["process"].update(args=[]), ["process.args"]),
    (lambda c: c["process"].update(apparmorProfile="some"), ["process.apparmorProfile"]),
    (lambda c: c["process"].update(selinuxLabel="some"), ["process.selinuxLabel"]),
    (lambda c: c["linux"]["namespaces"].append({"type": "pid"}), ["linux.namespaces[5].type", "two of 'pid'"]),
    (lambda c: c["linux"]["namespaces"].append({"type": "no"}), ["linux.namespaces[5].type", "no"]),
    (lambda c: c["linux"]["namespaces"][0].update(path="/proc/self/ns/net"), ["linux.namespaces[0].path", "not a pid namespace"]),
    (lambda c: c["linux"]["namespaces"][0].update(path="/none"), ["linux.namespaces[0].path", "/none"]),
    (lambda c: c["linux"].update(uidMappings=[{"containerID": 0, "hostID": 1, "size": 1}]), ["linux.uidMappings"]),
    (lambda c: c["linux"].update(devices=[{"type": "c", "path": "/dev/x"}]), ["linux.devices[0]"]),
    (lambda c: c["linux"].update(devices=[{"type": "x", "path": "/dev/x"}]), ["linux.devices[0].type"]),
    (lambda c: c["linux"].update(sysctl={"vm.swappiness": "1"}), ["linux.sysctl", "vm.swappiness"]),
    (lambda c: c["linux"].update(rootfsPropagation="sideways"), ["linux.rootfsPropagation"]),
    (lambda c: c["linux"].update(intelRdt={}), ["linux.intelRdt"]),
    (lambda c: c["linux"].update(mountLabel="x"), ["linux.mountLabel"]),
    (lambda c: c["linux"].update(seccomp={"defaultAction": "SCMP_ACT_NO"}), ["linux.seccomp", "SCMP_ACT_NO"]),
    (lambda c: c["linux"].update(seccomp={"syscalls": []}), ["linux.seccomp", "defaultAction"]),
    pytest.param(lambda c: c["linux"]["resources"].update(unified={"memory.high": "1"}), ["linux.resources.unified"], marks=v1),
    (lambda c: c["linux"]["resources"].update(cpu={"burst": 2, "quota": 1}), ["linux.resources.cpu.burst"]),
    (lambda c: c["linux"]["resources"].update(memory={"limit": "x"}), ["linux.resources.memory.limit"]),
    (lambda c: c["linux"].update(cgroupsPath="/../x"), ["linux.cgroupsPath"]),
    (lambda c: c.update(hooks={"poststop": [{"path": "relative"}]}), ["hooks.poststop[0].path", "absolute"]),
    (lambda c: c.update(hooks={"poststop": [{"path": "/x", "timeout": 0}]}), ["hooks.poststop[0].timeout"]),
    (lambda c: c.update(annotations={"": "x"}), ["annotations"]),
])
def test_what_must_not_be_is_refused_by_name(oci, change, words):
    change(oci.config)
    oci.refuses(*words)


# --- config.md: hooks

ORDER = ("prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop")


def test_hooks_run_in_their_order_with_the_state(oci):
    log = oci.dir + "/hooks"
    os.makedirs(oci.bundle + "/rootfs/log")
    oci.config["hooks"] = {name: [{"path": "/bin/sh", "args": ["sh", "-c", f"(echo {name}; cat; echo) >>{log}"]}] for name in ORDER}
    oci.config["hooks"]["startContainer"] = [{"path": "/bin/sh", "args": ["sh", "-c", "(echo startContainer; cat; echo) >>/log/file"]}]
    oci.create()
    oci.start()
    oci.call("kill", oci.id, "KILL")
    oci.stopped()
    oci.call("delete", oci.id)
    with open(log) as f:
        lines = [line for line in f.read().splitlines() if line]
    assert [line for line in lines if line[0] != "{"] == [name for name in ORDER if name != "startContainer"]
    states = [json.loads(line) for line in lines if line[0] == "{"]
    assert all(s["id"] == oci.id and s["bundle"] == oci.bundle for s in states)
    assert [s["status"] for s in states] == ["creating", "creating", "creating", "running", "stopped"] or OTHER
    assert states[0]["pid"] > 1 and states[2]["pid"] == 1 or OTHER
    with open(oci.bundle + "/rootfs/log/file") as f:
        name, state = f.read().splitlines()[:2]
    assert name == "startContainer" and json.loads(state)["status"] == "created"


@pytest.mark.parametrize("name", ["prestart", "createRuntime", "createContainer"])
def test_a_hook_that_fails_ends_the_creation(oci, name):
    oci.config["hooks"] = {name: [{"path": "/bin/false"}]}
    oci.refuses("failed with exit status 1")


@own
def test_a_hook_has_its_time(oci):
    oci.config["hooks"] = {"createRuntime": [{"path": "/bin/sleep", "args": ["sleep", "20"], "timeout": 1}]}
    oci.refuses("did not end in 1 s")


def test_a_poststop_hook_that_fails_is_a_warning(oci):
    oci.config["hooks"] = {"poststop": [{"path": "/bin/false"}, {"path": "/bin/touch", "args": ["touch", oci.dir + "/second"]}]}
    oci.create()
    oci.call("delete", "--force", oci.id)
    assert os.path.exists(oci.dir + "/second") or OTHER


@own
def test_a_hook_in_the_container_has_no_more_rights_than_its_process(oci):
    oci.config["hooks"] = {"startContainer": [{"path": "/bin/sh", "args": ["sh", "-c", "grep CapEff /proc/self/status >/tmp/caps"]}]}
    oci.up()
    with open(oci.bundle + "/rootfs/tmp/caps") as f:
        assert f.read() == "CapEff:\t0000000000000421\n"


# --- config-linux.md


def test_namespaces_are_new_or_inherited(oci):
    kinds = {"pid": "pid", "network": "net", "ipc": "ipc", "uts": "uts", "mount": "mnt"}
    oci.up()
    pid = oci.state()["pid"]
    for name in kinds.values():
        assert os.readlink(f"/proc/{pid}/ns/{name}") != os.readlink(f"/proc/self/ns/{name}"), name
    for name in ("user", "cgroup"):
        assert os.readlink(f"/proc/{pid}/ns/{name}") == os.readlink(f"/proc/self/ns/{name}"), name
    oci.call("delete", "--force", oci.id)
    oci.namespace("network", add=False)
    oci.config["mounts"] = [m for m in oci.config["mounts"] if m["destination"] != "/sys"]
    oci.config["linux"]["maskedPaths"] = []
    oci.up()
    pid = oci.state()["pid"]
    assert os.readlink(f"/proc/{pid}/ns/net") == os.readlink("/proc/self/ns/net")


def test_namespaces_are_joined_by_their_path(oci):
    holder = subprocess.Popen(["unshare", "--net", "--ipc", "--uts", "--pid", "--fork", "--kill-child", "sh", "-c", "echo up; exec sleep 100"],
                              stdout=subprocess.PIPE)
    try:
        holder.stdout.readline()
        with open(f"/proc/{holder.pid}/task/{holder.pid}/children") as f:
            first = f.read().split()[0]
        for kind, name in (("network", "net"), ("ipc", "ipc"), ("uts", "uts"), ("pid", "pid")):
            oci.namespace(kind, path=f"/proc/{first}/ns/{name}")
        oci.up()
        pid = oci.state()["pid"]
        for name in ("net", "ipc", "uts", "pid"):
            assert os.readlink(f"/proc/{pid}/ns/{name}") == os.readlink(f"/proc/{first}/ns/{name}"), name
        oci.call("delete", "--force", oci.id)
    finally:
        holder.kill()
        holder.communicate()


MAP = [{"containerID": 0, "hostID": 200000, "size": 65536}]


def with_user_namespace(oci):
    oci.namespace("user")
    oci.config["linux"]["uidMappings"] = oci.config["linux"]["gidMappings"] = MAP
    for path, _, names in os.walk(oci.bundle + "/rootfs"):
        for name in [".", *names]:
            os.lchown(os.path.join(path, name), 200000, 200000)
    for path in (oci.dir, oci.bundle):
        os.chmod(path, 0o711)


def test_a_user_namespace(oci):
    with_user_namespace(oci)
    oci.config["process"]["args"] = ["sh", "-c", "cat /proc/self/uid_map; id -u; touch /tmp/x; echo >/dev/null && echo device; sleep 100"]
    with open(oci.dir + "/out", "w+") as out:
        oci.write()
        subprocess.run([OCI, "--root", oci.root, "create", "--bundle", oci.bundle, oci.id], stdin=subprocess.DEVNULL, stdout=out,
                       stderr=out, check=True)
        oci.start()
        eventually(lambda: "device" in open(oci.dir + "/out").read())
        with open(oci.dir + "/out") as f:
            assert f.read().split() == ["0", "200000", "65536", "0", "device"]
    assert os.stat(oci.bundle + "/rootfs/tmp/x").st_uid == 200000
    assert oci.exec("sh", "-c", "id -u; cat /proc/self/uid_map").stdout.split() == ["0", "0", "200000", "65536"]
    pid = oci.state()["pid"]
    oci.call("kill", oci.id, "KILL")
    oci.stopped()
    assert pid


@own
def test_a_user_namespace_is_joined_with_new_others(oci):
    first = Runtime()
    with_user_namespace(first)
    with_user_namespace(oci)
    oci.config["linux"]["uidMappings"] = oci.config["linux"]["gidMappings"] = []
    first.up()
    try:
        pid = first.state()["pid"]
        oci.namespace("user", path=f"/proc/{pid}/ns/user")
        oci.namespace("network", path=f"/proc/{pid}/ns/net")
        oci.up()
        mine = oci.state()["pid"]
        for name in ("user", "net"):
            assert os.readlink(f"/proc/{mine}/ns/{name}") == os.readlink(f"/proc/{pid}/ns/{name}")
        assert os.readlink(f"/proc/{mine}/ns/pid") != os.readlink(f"/proc/{pid}/ns/pid")
        assert oci.exec("sh", "-c", "id -u; ls /proc/1/exe").stdout == "0\n/proc/1/exe\n"
        oci.call("delete", "--force", oci.id)
    finally:
        first.call("delete", "--force", first.id)
        shutil.rmtree(first.dir)


@own
def test_a_mount_with_mapped_ids(oci):
    os.makedirs(oci.dir + "/data")
    mapping = [{"containerID": 0, "hostID": 1000, "size": 10}]
    oci.config["mounts"].append({"destination": "/data", "source": oci.dir + "/data", "options": ["bind", "idmap"],
                                 "uidMappings": mapping, "gidMappings": mapping})
    assert oci.sh("stat -c %u /data") == "1000\n"
    del oci.config["mounts"][-1]["gidMappings"]
    oci.refuses("mounts[5].uidMappings")


@own
def test_a_time_namespace(oci):
    oci.namespace("time")
    oci.config["linux"]["timeOffsets"] = {"boottime": {"secs": 1000000}, "monotonic": {"secs": 5, "nanosecs": 7}}
    out = oci.sh("cat /proc/uptime /proc/self/timens_offsets").split()
    with open("/proc/uptime") as f:
        assert float(out[0]) - float(f.read().split()[0]) > 999000


def test_devices(oci):
    out = oci.sh("cd /dev; stat -c '%n %F %t:%T' null zero full random urandom tty; readlink ptmx")
    assert out == ("null character special file 1:3\nzero character special file 1:5\nfull character special file 1:7\n"
                   "random character special file 1:8\nurandom character special file 1:9\ntty character special file 5:0\n"
                   "pts/ptmx\n")
    oci.config["linux"]["devices"] = [
        {"type": "c", "path": "/dev/deep/fuse", "major": 10, "minor": 229, "fileMode": 0o640, "uid": 3, "gid": 4},
        {"type": "p", "path": "/tmp/pipe", "fileMode": 0o600},
    ]
    out = oci.sh("stat -c '%F %t:%T %a %u:%g' /dev/deep/fuse; stat -c '%F %a' /tmp/pipe; dd if=/dev/deep/fuse count=0 2>&- || echo denied")
    assert out == "character special file a:e5 640 3:4\nfifo 600\ndenied\n"


def test_a_device_where_something_else_is(oci):
    with open(oci.bundle + "/rootfs/tmp/file", "w"):
        pass
    oci.config["linux"]["devices"] = [{"type": "c", "path": "/tmp/file", "major": 10, "minor": 229}]
    oci.refuses("/tmp/file", "something else is there")


def test_masked_and_readonly_paths(oci):
    oci.config["linux"]["maskedPaths"].append("/none")
    out = oci.sh("wc -c </proc/keys; ls /sys/firmware | wc -l; echo x 2>&- >/proc/sys/kernel/printk || echo refused")
    assert out == "0\n0\nrefused\n"


def test_sysctl(oci):
    oci.config["linux"]["sysctl"] = {"net.ipv4.ip_forward": "1", "kernel.shm_rmid_forced": "1"}
    assert oci.sh("cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/shm_rmid_forced") == "1\n1\n"
    oci.namespace("network", add=False)
    oci.refuses("linux.sysctl", "network namespace")


@v1
def test_resources(oci):
    oci.config["linux"]["resources"].update({
        "memory": {"limit": 67108864, "reservation": 33554432, "swap": 134217728},
        "cpu": {"shares": 512, "quota": 50000, "period": 100000, "cpus": "0", "mems": "0"},
        "pids": {"limit": 33},
    })
    oci.up()
    assert oci.cgroup_file("memory", "memory.limit_in_bytes") == "67108864"
    assert oci.cgroup_file("memory", "memory.soft_limit_in_bytes") == "33554432"
    assert oci.cgroup_file("cpu", "cpu.shares") == "512"
    assert oci.cgroup_file("cpu", "cpu.cfs_quota_us") == "50000"
    assert oci.cgroup_file("cpuset", "cpuset.cpus") == "0"
    assert oci.cgroup_file("pids", "pids.max") == "33"
    assert oci.cgroup_file("pids", "cgroup.procs") == str(oci.state()["pid"])
    oci.call("update", "--memory", "33554432", "--memory-swap", "67108864", "--pids-limit", "44", oci.id)
    assert oci.cgroup_file("memory", "memory.limit_in_bytes") == "33554432"
    assert oci.cgroup_file("pids", "pids.max") == "44"
    assert oci.cgroup_file("cpu", "cpu.shares") == "512"


@v2
def test_resources_of_version_2(oci):
    oci.config["linux"]["resources"].update({
        "memory": {"limit": 67108864, "reservation": 33554432},
        "cpu": {"shares": 512, "quota": 50000, "period": 100000},
        "pids": {"limit": 33}, "unified": {"memory.high": "50331648"},
    })
    oci.up()
    assert oci.cgroup_file("memory", "memory.max") == "67108864"
    assert oci.cgroup_file("memory", "memory.low") == "33554432"
    assert oci.cgroup_file("memory", "memory.high") == "50331648"
    assert oci.cgroup_file("cpu", "cpu.weight") == "59"
    assert oci.cgroup_file("cpu", "cpu.max") == "50000 100000"
    assert oci.cgroup_file("pids", "pids.max") == "33"
    assert oci.cgroup_file("pids", "cgroup.procs") == str(oci.state()["pid"])
    oci.call("update", "--memory", "33554432", "--pids-limit", "44", oci.id)
    assert oci.cgroup_file("memory", "memory.max") == "33554432"
    assert oci.cgroup_file("pids", "pids.max") == "44"
    assert oci.cgroup_file("cpu", "cpu.weight") == "59"


@own
def test_a_limit_without_its_controller_is_refused(oci):
    oci.config["linux"]["resources"]["network"] = {"classID": 5}
    oci.refuses("linux.resources.network", "version 2" if V2 else "net_cls.classid")


def test_a_cgroup_that_is_in_use(oci):
    other = Runtime()
    other.config["linux"]["cgroupsPath"] = oci.cgroup
    try:
        other.up()
        oci.refuses("linux.cgroupsPath", "in use")
        assert other.status() == "running"
    finally:
        other.call("delete", "--force", other.id)
        shutil.rmtree(other.dir)


def test_devices_without_a_rule_do_not_open(oci):
    oci.config["linux"]["resources"]["devices"] = [{"allow": False, "access": "rwm"},
                                                   {"allow": True, "type": "b", "major": 7, "minor": 99, "access": "rw"}]
    oci.config["process"]["capabilities"]["effective"] = oci.config["process"]["capabilities"]["bounding"] = ["CAP_MKNOD"]
    oci.config["process"]["capabilities"]["permitted"] = ["CAP_MKNOD"]
    out = oci.sh("cd /tmp; mknod m c 1 1; mknod b b 7 99; mknod z c 1 5; for i in m b z; do head -c 1 $i; done 2>&1 | tr '\\0' z")
    assert "m: Operation not permitted" in out and "b: Operation not permitted" not in out and out.endswith("z")


@v1
def test_device_rules(oci):
    oci.config["linux"]["resources"]["devices"] += [{"allow": True, "type": "c", "major": 10, "minor": 229, "access": "rw"}]
    oci.up()
    rules = oci.cgroup_file("devices", "devices.list").splitlines()
    assert "c 10:229 rw" in rules and "c 1:3 rwm" in rules and "a *:* rwm" not in rules


def test_seccomp(oci):
    oci.config["linux"]["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"], "syscalls": [
        {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38}]}
    out = oci.sh("mkdir /tmp/x 2>&1; grep Seccomp: /proc/self/status")
    assert "implemented" in out and "Seccomp:\t2" in out
    oci.config["process"]["args"] = ["sleep", "100"]
    oci.up()
    assert "implemented" in oci.exec("mkdir", "/tmp/y", check=False).stderr


# --- the command line that conmon and containerd use


def test_pid_file_and_log(oci):
    oci.write()
    oci.call("--log", oci.dir + "/log", "--log-format", "json", "create", "--bundle", oci.bundle, "--pid-file", oci.dir + "/pid", oci.id)
    with open(oci.dir + "/pid") as f:
        assert int(f.read()) == oci.state()["pid"]
    oci.call("--log", oci.dir + "/log", "--log-format", "json", "create", "--bundle", oci.bundle, oci.id, check=False)
    with open(oci.dir + "/log") as f:
        last = json.loads(f.read().splitlines()[-1])
    assert last["level"] == "error" and last["msg"] and last["time"]


def test_preserved_descriptors(oci):
    oci.config["process"]["args"] = ["sh", "-c", "echo through >&3; ls /proc/self/fd | wc -l >&3"]
    oci.write()
    subprocess.run(["sh", "-c", f'exec "$@" 3>{oci.dir}/three 4>{oci.dir}/four', "sh", OCI, "--root", oci.root, "run", "--preserve-fds", "1",
                    "--bundle", oci.bundle, oci.id], check=True, timeout=20, stdin=subprocess.DEVNULL)
    with open(oci.dir + "/three") as f:
        assert f.read() == "through\n5\n"
    assert oci.call("create", "--preserve-fds", "50", "--bundle", oci.bundle, oci.id, check=False).returncode != 0


def test_only_three_descriptors(oci):
    assert oci.sh("ls /proc/self/fd | wc -l").strip() == "4"  # and that of ls


def receive_terminal(server):
    connection, _ = server.accept()
    with connection:
        fds = array.array("i")
        _, ancillary, _, _ = connection.recvmsg(100, socket.CMSG_LEN(4))
        fds.frombytes(ancillary[0][2][:4])
        return fds[0]


def read_terminal(fd, end):
    text = b""
    while end not in text:
        text += os.read(fd, 1000)
    return text.decode()


def test_a_terminal_through_the_console_socket(oci):
    oci.config["process"].update(terminal=True, consoleSize={"height": 33, "width": 99},
                                 args=["sh", "-c", "tty; stat -c %F /dev/console; test -t 0 && echo end; sleep 100"])
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(oci.dir + "/console")
        server.listen()
        server.settimeout(10)
        oci.create("--console-socket", oci.dir + "/console")
        master = receive_terminal(server)
        oci.start()
        assert read_terminal(master, b"end\r\n") == "/dev/pts/0\r\ncharacter special file\r\nend\r\n"
        assert os.get_terminal_size(master) == (99, 33)
        with open(oci.dir + "/process.json", "w") as f:
            json.dump({**oci.config["process"], "args": ["sh", "-c", "tty; echo end"]}, f)
        oci.call("exec", "--process", oci.dir + "/process.json", "--console-socket", oci.dir + "/console", "--detach", "--pid-file",
                 oci.dir + "/pid", oci.id)
        second = receive_terminal(server)
        assert read_terminal(second, b"end\r\n") == "/dev/pts/1\r\nend\r\n"
        with open(oci.dir + "/pid") as f:
            os.waitpid(int(f.read()), 0)
        os.close(master)
        os.close(second)


def test_a_terminal_needs_its_socket(oci):
    oci.config["process"]["terminal"] = True
    oci.refuses("process.terminal", "--console-socket")


def test_exec(oci):
    oci.up()
    assert oci.exec("sh", "-c", "hostname; ls /proc/1/exe; exit 9", check=False).returncode == 9
    out = oci.call("exec", "--user", "5:6", "--cwd", "/tmp", "--env", "A=b", oci.id, "sh", "-c", "id -u; id -g; pwd; echo $A").stdout
    assert out == "5\n6\n/tmp\nb\n"
    assert "CapEff:\t0000000000000421" in oci.exec("cat", "/proc/self/status").stdout
    assert oci.exec("no-such-program", check=False).returncode != 0
    pid = oci.state()["pid"]
    done = oci.call("exec", "--detach", "--pid-file", oci.dir + "/pid", oci.id, "sleep", "77")
    with open(oci.dir + "/pid") as f:
        second = int(f.read())
    assert os.readlink(f"/proc/{second}/ns/mnt") == os.readlink(f"/proc/{pid}/ns/mnt") and done.returncode == 0
    pids = json.loads(oci.call("ps", "--format", "json", oci.id).stdout)
    assert sorted(pids) == sorted([pid, second])
    oci.call("kill", oci.id, "KILL")
    os.waitpid(second, 0)  # its parent has ended: it is ours, and the first process waits for its end
    oci.stopped()
    assert oci.exec("true", check=False).returncode != 0


def test_pause_and_resume(oci):
    oci.up()
    oci.call("pause", oci.id)
    assert oci.status() == "paused"
    assert oci.call("exec", oci.id, "true", check=False).returncode != 0
    oci.call("resume", oci.id)
    assert oci.status() == "running"
    assert oci.call("resume", oci.id, check=False).returncode != 0
    oci.call("pause", oci.id)
    oci.call("delete", "--force", oci.id)


def test_list_and_events(oci):
    oci.up()
    listed = json.loads(oci.call("list", "--format", "json").stdout)
    assert [(c["id"], c["status"]) for c in listed] == [(oci.id, "running")]
    assert oci.call("list", "-q").stdout == oci.id + "\n"
    stats = json.loads(oci.call("events", "--stats", oci.id).stdout)
    assert stats["type"] == "stats" and stats["data"]["pids"]["current"] == 1 and stats["data"]["memory"]["usage"]["usage"] > 0


def test_spec_makes_a_bundle_that_runs(oci):
    os.makedirs(oci.dir + "/new")
    oci.call("spec", "--bundle", oci.dir + "/new")
    assert oci.call("spec", "--bundle", oci.dir + "/new", check=False).returncode != 0
    with open(oci.dir + "/new/config.json") as f:
        oci.config = json.load(f)
    oci.config["process"]["terminal"] = False
    oci.config["linux"]["cgroupsPath"] = oci.cgroup
    assert oci.sh("id -u; hostname | wc -l") == "0\n1\n"


@own
def test_features(oci):
    features = json.loads(oci.call("features").stdout)
    assert features["ociVersionMin"] == "1.0.0" and features["ociVersionMax"] == "1.3.0"
    assert {"ro", "rbind", "rro", "tmpcopyup"} <= set(features["mountOptions"])
    for namespace in features["linux"]["namespaces"]:
        assert namespace in ("cgroup", "ipc", "mount", "network", "pid", "time", "user", "uts")


@own
def test_seapod_oci_is_the_same(oci):
    done = subprocess.run([instance.SEAPOD, "oci", "--version"], stdout=subprocess.PIPE, text=True, check=True)
    assert done.stdout == oci.call("--version").stdout and "spec: 1.3.0" in done.stdout
    assert "--systemd-cgroup" in oci.call("--systemd-cgroup", "create", "--bundle", oci.bundle, oci.id, check=False).stderr
