"""`checkpoint` and `restore` with runc's options (runc-checkpoint(8), runc-restore(8)); oci_runtime.py. They need a criu that works on this kernel:
CRIU=/path/to/criu names one that is not along PATH."""
import os
import shutil
import socket
import subprocess

import pytest

import world
from instance import eventually
from oci_runtime import OCI, own
from test_oci_commands import read_terminal, receive_terminal
from test_oci_podman import containerd, installed, needs_containerd, podman  # noqa: F401  (fixtures)

CRIU = os.environ.get("CRIU", "criu")
COUNTER = "i=0; while :; do i=$((i+1)); echo $i >/tmp/n.new; mv /tmp/n.new /tmp/n; sleep 0.02; done"


def criu_works(*feature):
    try:
        return subprocess.run([CRIU, "check", *feature], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0
    except OSError:
        return False


@pytest.fixture
def criu(oci):
    if not criu_works():
        pytest.skip("no criu that works on this kernel (criu check)")
    oci.command = [OCI, "--criu", CRIU]
    oci.images = oci.dir + "/images"
    yield oci


def quietly(oci, *args, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL):
    """A command whose container keeps files of names as its own."""
    done = subprocess.run([*oci.command, "--root", oci.root, *args], stdin=stdin, stdout=stdout, stderr=subprocess.DEVNULL, timeout=30)
    if done.returncode != 0:  # once more, for its words
        raise AssertionError(oci.call(*args, check=False).stderr)


def up(oci, script=COUNTER, **more):
    oci.config["process"]["args"] = ["sh", "-c", script]
    oci.write()
    quietly(oci, "create", "--bundle", oci.bundle, oci.id, **more)
    quietly(oci, "start", oci.id)
    return oci.state()["pid"]


def checkpoint(oci, *options):
    return oci.call("checkpoint", "--image-path", oci.images, *options, oci.id)


def restore(oci, *options, **more):
    quietly(oci, "restore", "--detach", "--bundle", oci.bundle, "--image-path", oci.images, *options, oci.id, **more)


def count(oci):
    with open(oci.bundle + "/rootfs/tmp/n") as f:
        return int(f.read())


def goes_on(oci, after):
    eventually(lambda: count(oci) > after, "the counter to go on")


def counting(oci):
    eventually(lambda: os.path.exists(oci.bundle + "/rootfs/tmp/n") and count(oci) > 2, "the counter to begin")


def test_a_container_is_written_down_and_goes_on(criu):
    os.makedirs(criu.dir + "/volume")
    criu.config["mounts"] += [{"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": ["ro"]},
                              {"destination": "/var/data", "type": "bind", "source": criu.dir + "/volume", "options": ["rbind"]}]
    up(criu)
    counting(criu)
    checkpoint(criu)
    assert criu.call("state", criu.id, check=False).returncode != 0  # as with runc it has become files
    before = count(criu)
    restore(criu, "--pid-file", criu.dir + "/pid")
    goes_on(criu, before)
    assert count(criu) < before + 200  # and did not begin again
    state = criu.state()
    assert state["status"] == "running" and state["rootfs"] == criu.bundle + "/rootfs"
    with open(criu.dir + "/pid") as f:
        assert int(f.read()) == state["pid"]
    assert criu.exec("sh", "-c", "echo 7 >/var/data/file; hostname; readlink /proc/1/exe").stdout == "box\n/bin/busybox\n"
    assert os.path.exists(criu.dir + "/volume/file")
    with open(f"/proc/{state['pid']}/cgroup") as f:
        assert f.read().count(criu.cgroup) >= 1
    criu.call("pause", criu.id)
    assert criu.status() == "paused"
    criu.call("resume", criu.id)
    criu.call("kill", criu.id, "KILL")
    criu.stopped()
    criu.call("delete", criu.id)


def test_a_restored_container_is_written_down_again(criu):
    up(criu)
    counting(criu)
    for _ in range(2):
        checkpoint(criu)
        before = count(criu)
        restore(criu)
        goes_on(criu, before)


def test_leave_running_and_work_path(criu):
    pid = up(criu)
    counting(criu)
    checkpoint(criu, "--leave-running", "--work-path", criu.dir + "/work")
    assert criu.state()["pid"] == pid and os.path.exists(criu.dir + "/work/dump.log")
    goes_on(criu, count(criu))


def test_pre_dump_and_what_has_changed_since(criu):
    if not criu_works("--feature", "mem_dirty_track"):
        pytest.skip("this kernel does not track which memory is written to (CONFIG_MEM_SOFT_DIRTY)")
    up(criu)
    counting(criu)
    criu.call("checkpoint", "--image-path", criu.dir + "/first", "--pre-dump", criu.id)
    goes_on(criu, count(criu))
    checkpoint(criu, "--parent-path", "../first")
    before = count(criu)
    restore(criu)
    goes_on(criu, before)


def test_a_paused_container_is_written_down(criu):
    up(criu)
    counting(criu)
    criu.call("pause", criu.id)
    checkpoint(criu)
    before = count(criu)
    restore(criu)
    goes_on(criu, before)


def test_a_network_namespace_of_another(criu):
    """As in a pod: it is not written down, and the restored container joins the one of its configuration."""
    holder = subprocess.Popen(["unshare", "--net", "sleep", "60"])
    try:
        eventually(lambda: os.readlink(f"/proc/{holder.pid}/ns/net") != os.readlink("/proc/self/ns/net"))
        criu.namespace("network", path=f"/proc/{holder.pid}/ns/net")
        up(criu)
        counting(criu)
        checkpoint(criu)
        before = count(criu)
        restore(criu)
        goes_on(criu, before)
        assert os.readlink(f"/proc/{criu.state()['pid']}/ns/net") == os.readlink(f"/proc/{holder.pid}/ns/net")
        criu.call("delete", "--force", criu.id)
    finally:
        holder.kill()
        holder.wait()


def test_pipes_of_the_caller(criu):
    """What standard output was is the restoring caller's now."""
    reader, writer = os.pipe()
    up(criu, "while :; do echo tick; sleep 0.05; done", stdout=writer)
    os.close(writer)
    assert os.read(reader, 5) == b"tick\n"
    checkpoint(criu)
    os.close(reader)
    reader, writer = os.pipe()
    restore(criu, stdout=writer)
    os.close(writer)
    assert os.read(reader, 5) == b"tick\n"
    os.close(reader)


def test_a_terminal(criu):
    criu.config["process"]["terminal"] = True
    criu.config["process"]["args"] = ["sh", "-c", "echo ready; while read line; do echo got $line; done"]
    criu.write()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(criu.dir + "/console")
        server.listen()
        server.settimeout(10)
        quietly(criu, "create", "--bundle", criu.bundle, "--console-socket", criu.dir + "/console", criu.id)
        master = receive_terminal(server)
        criu.start()
        read_terminal(master, b"ready\r\n")
        checkpoint(criu)
        os.close(master)
        restore(criu, "--console-socket", criu.dir + "/console")
        master = receive_terminal(server)
        os.write(master, b"word\n")
        assert "got word" in read_terminal(master, b"got word\r\n")
        criu.call("delete", "--force", criu.id)
        os.close(master)


def test_restore_in_front_gives_the_exit_code(criu):
    up(criu, "while ! test -e /tmp/end; do sleep 0.02; done; exit 7")
    checkpoint(criu)
    with open(criu.bundle + "/rootfs/tmp/end", "w"):
        pass
    assert criu.call("restore", "--bundle", criu.bundle, "--image-path", criu.images, criu.id, check=False).returncode == 7
    assert criu.call("state", criu.id, check=False).returncode != 0


def test_what_criu_cannot_do_is_told_with_its_words(criu):
    criu.up()  # its standard output is a file without a name, which nobody can open again
    criu.call("checkpoint", "--image-path", criu.images, criu.id)
    done = criu.call("restore", "--detach", "--bundle", criu.bundle, "--image-path", criu.images, criu.id, check=False)
    assert done.returncode == 1 and f"(its log is '{criu.images}/restore.log')" in done.stderr
    assert len(done.stderr.splitlines()) == 1 and "criu failed: " in done.stderr
    assert criu.call("state", criu.id, check=False).returncode != 0


@own
def test_without_criu_it_is_said(oci):
    oci.up()
    oci.command = [OCI, "--criu", oci.dir + "/no-criu"]
    done = oci.call("checkpoint", "--image-path", oci.dir + "/images", oci.id, check=False)
    assert done.returncode == 1 and "no-criu' is not there" in done.stderr and len(done.stderr.splitlines()) == 1
    assert oci.status() == "running"
    oci.call("delete", "--force", oci.id)
    done = oci.call("restore", "--bundle", oci.bundle, "--image-path", oci.dir + "/images", oci.id, check=False)
    assert "no-criu' is not there" in done.stderr and oci.call("state", oci.id, check=False).returncode != 0
    os.mkdir(oci.dir + "/empty")
    done = oci.call("restore", "--bundle", oci.bundle, "--image-path", oci.dir + "/empty", oci.id, check=False)
    assert "there is no checkpoint" in done.stderr and oci.call("state", oci.id, check=False).returncode != 0
    done = oci.call("restore", "--bundle", oci.bundle, "--image-path", oci.dir + "/none", oci.id, check=False)
    assert "--image-path" in done.stderr and not os.path.exists(oci.dir + "/none")


@own
def test_what_criu_answers_is_not_believed(oci):
    """A program that is not criu: an error, and the container goes on."""
    for name, script in (("silent", "exit 0"), ("noise", "printf '\\377\\377\\377\\377' >&3"), ("early", "printf '\\010\\001' >&3")):
        with open(oci.dir + "/" + name, "w") as f:
            f.write("#!/bin/sh\n" + script + "\n")
        os.chmod(oci.dir + "/" + name, 0o755)
    oci.up()
    for name in ("silent", "noise", "early"):
        oci.command = [OCI, "--criu", oci.dir + "/" + name]
        done = oci.call("checkpoint", "--image-path", oci.dir + "/images", oci.id, check=False)
        assert done.returncode == 1 and "criu failed" in done.stderr, name
        assert oci.status() == "running"


@own
def test_options_of_checkpoint(oci):
    oci.up()
    for options, word in ((["--lazy-pages"], "--lazy-pages"), (["--manage-cgroups-mode", "hard"], "--manage-cgroups-mode"),
                          (["--empty-ns", "uts"], "--empty-ns")):
        done = oci.call("checkpoint", "--image-path", oci.dir + "/images", *options, oci.id, check=False)
        assert done.returncode == 1 and word in done.stderr
    oci.call("delete", "--force", oci.id)
    oci.create()
    assert "it is created, not running" in oci.call("checkpoint", oci.id, check=False).stderr
    assert not [line for _, line in world.descendants().values() if "swrk" in line]


@pytest.fixture
def along_path(monkeypatch):
    """Podman and containerd look for a program `criu`."""
    if not criu_works():
        pytest.skip("no criu that works on this kernel (criu check)")
    monkeypatch.setenv("PATH", os.path.dirname(shutil.which(CRIU)) + ":" + os.environ["PATH"])


PRINT = "i=0; while :; do i=$((i+1)); echo $i >/n.new; mv /n.new /n; sleep 0.02; done"


@pytest.mark.parametrize("options", [[], ["--read-only-tmpfs", "--hostname", "other", "--tmpfs", "/fast"]])
def test_podman(along_path, podman, options):
    podman.env["PATH"] = os.environ["PATH"]
    podman.up("main", *options, command=("sh", "-c", PRINT))
    eventually(lambda: podman("exec", "main", "cat", "/n", check=False).stdout)
    podman("container", "checkpoint", "main")
    assert podman.state() == "exited"
    podman("container", "restore", "main")
    assert podman.state() == "running"
    before = int(podman("exec", "main", "cat", "/n").stdout)
    eventually(lambda: int(podman("exec", "main", "cat", "/n").stdout) > before)
    podman("rm", "-f", "-t", "0", "main")


def test_podman_from_an_archive(along_path, podman):
    """The container of an archive is another one, with another root."""
    podman.env["PATH"] = os.environ["PATH"]
    podman.up("main", command=("sh", "-c", PRINT))
    eventually(lambda: podman("exec", "main", "cat", "/n", check=False).stdout)
    podman("container", "checkpoint", "--export", podman.dir + "/archive", "--compress", "none", "main")
    podman("rm", "-f", "-t", "0", "main")
    podman("container", "restore", "--import", podman.dir + "/archive", "--name", "second")
    before = int(podman("exec", "second", "cat", "/n").stdout)
    eventually(lambda: int(podman("exec", "second", "cat", "/n").stdout) > before)
    podman("rm", "-f", "-t", "0", "second")


@needs_containerd
def test_containerd(along_path, containerd):
    containerd.run("-d", "main", command=["sh", "-c", PRINT])
    containerd("task", "checkpoint", "--image-path", containerd.dir + "/images", "--work-path", containerd.dir + "/work", "main")
    assert os.path.exists(containerd.dir + "/images/inventory.img") and containerd.tasks() == {"main": "RUNNING"}
    containerd("container", "checkpoint", "--rw", "--task", "main", "seapod.test/checkpoint:1")
    containerd("task", "kill", "-s", "KILL", "main")
    eventually(lambda: containerd.tasks() == {"main": "STOPPED"})
    containerd("task", "rm", "main", check=False)
    containerd("container", "rm", "main")
    containerd("container", "restore", "--live", "second", "seapod.test/checkpoint:1")
    assert containerd.tasks() == {"second": "RUNNING"}
    containerd("task", "kill", "-s", "KILL", "second")
    eventually(lambda: containerd.tasks() == {"second": "STOPPED"})
    containerd("task", "rm", "second", check=False)
    containerd("container", "rm", "second")
