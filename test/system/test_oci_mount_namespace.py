"""A container that has the machine's mount namespace, or one of others (config-linux.md "Namespaces"); oci_runtime.py.

The machine's: everything is mounted below a directory of the runtime's, and the root is changed by chroot(2). One of others: nothing is mounted
in it, and the root is a directory there.
"""
import os

import pytest

from oci_runtime import Runtime, own

pytestmark = own


def mnt(pid):
    return os.readlink(f"/proc/{pid}/ns/mnt")


def mounts():
    with open("/proc/self/mountinfo") as f:
        return f.read()


@pytest.fixture
def shared(oci):
    oci.namespace("mount", add=False)
    return oci


def test_without_a_mount_namespace_it_is_the_machines(shared):
    before = mounts()
    shared.up()
    pid = shared.state()["pid"]
    assert mnt(pid) == mnt("self")
    here = f"{shared.root}/{shared.id}/rootfs"
    assert f" {here}/proc " in mounts() and f" {here}/dev/pts " in mounts()
    shared.call("delete", "--force", shared.id)
    assert mounts() == before


def test_its_root_is_its_own(shared):
    shared.config["root"]["readonly"] = True
    shared.config["linux"]["maskedPaths"].append("/proc/uptime")
    assert shared.sh("ls /; cat /proc/uptime | wc -c; touch /x; echo x > /proc/sys/kernel/hostname; ls /proc/1/root/ | head -n 1") \
        == "bin\ndev\nproc\nsys\ntmp\n0\nbin\n"


def test_exec_is_in_its_root(shared):
    shared.up()
    assert shared.exec("ls", "/").stdout == "bin\ndev\nproc\nsys\ntmp\n"
    assert shared.exec("readlink", "/proc/self/root").stdout == "/\n"
    assert shared.exec("ls", "/proc/self/root/../..").stdout == "bin\ndev\nproc\nsys\ntmp\n"


def test_a_failed_creation_leaves_no_mounts(shared):
    before = mounts()
    shared.config["process"]["args"] = ["/none"]
    shared.refuses("/none")
    assert mounts() == before


def test_a_creator_that_is_killed_leaves_what_delete_finds(shared):
    """A hook keeps the creation open; then its creator dies."""
    before = mounts()
    shared.config["hooks"] = {"createRuntime": [{"path": "/bin/sh", "args": ["sh", "-c", "kill -9 $PPID; sleep 0.2"]}]}
    shared.create(check=False)
    assert mounts() != before
    shared.call("delete", "--force", shared.id)
    assert mounts() == before
    del shared.config["hooks"]
    shared.up()


def test_a_user_namespace_needs_one(shared):
    ids = [{"containerID": 0, "hostID": 200000, "size": 65536}]
    shared.namespace("user")
    shared.config["linux"].update(uidMappings=ids, gidMappings=ids)
    shared.refuses("linux.namespaces", "mount namespace")


@pytest.fixture
def visitor(oci):
    """A second container that joins the mount namespace of OCI, which runs, and whose whole world it sees."""
    oci.config["process"]["args"] = ["sh", "-c", "mkdir /tmp/inside; exec sleep 100"]
    oci.up()
    v = Runtime()
    v.namespace("mount", path=f"/proc/{oci.state()['pid']}/ns/mnt")
    v.config["root"]["path"] = "/"
    v.config["mounts"] = []
    v.config["linux"]["maskedPaths"] = v.config["linux"]["readonlyPaths"] = []
    yield v
    v.call("delete", "--force", v.id, check=False)
    import shutil
    shutil.rmtree(v.dir)


def test_a_mount_namespace_is_joined(oci, visitor):
    visitor.up()
    pid = visitor.state()["pid"]
    assert mnt(pid) == mnt(oci.state()["pid"]) != mnt("self")
    assert visitor.exec("ls", "/tmp").stdout == "inside\n"
    assert visitor.exec("ls", "/").stdout == "bin\ndev\nproc\nsys\ntmp\n"


def test_the_root_is_a_directory_in_it(oci, visitor):
    visitor.config["root"]["path"] = "/tmp"
    os.makedirs(oci.bundle + "/rootfs/tmp/bin", exist_ok=True)
    os.link(oci.bundle + "/rootfs/bin/busybox", oci.bundle + "/rootfs/tmp/bin/ls")
    os.link(oci.bundle + "/rootfs/bin/busybox", oci.bundle + "/rootfs/tmp/bin/sleep")
    visitor.up()
    assert visitor.exec("ls", "/").stdout == "bin\ninside\n"


def test_no_link_in_it_leads_to_the_runtimes_descriptors(oci, visitor):
    """Its owner makes the root a link to a descriptor of whoever comes in."""
    for fd in range(3, 12):
        link = f"{oci.bundle}/rootfs/tmp/door"
        if os.path.lexists(link):
            os.unlink(link)
        os.symlink(f"/proc/self/fd/{fd}", link)
        visitor.config["root"]["path"] = "/tmp/door"
        visitor.refuses("/tmp/door")


@pytest.mark.parametrize("change, word", [
    (lambda c: c["mounts"].append({"destination": "/proc", "type": "proc"}), "mounts"),
    (lambda c: c["root"].update(readonly=True), "root.readonly"),
    (lambda c: c["linux"].update(maskedPaths=["/proc/keys"]), "linux.maskedPaths"),
    (lambda c: c["linux"].update(devices=[{"type": "c", "path": "/dev/x", "major": 1, "minor": 3}]), "linux.devices"),
    (lambda c: c["process"].update(terminal=True), "process.terminal"),
])
def test_nothing_is_mounted_or_made_in_it(visitor, change, word):
    change(visitor.config)
    visitor.refuses(word, "mount namespace that others have")
