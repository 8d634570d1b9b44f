"""What is missing, full or killed while a container is made: one error that says what, and nothing is left behind."""
import os
import shutil
import subprocess

import pytest

import world
from instance import eventually
from oci_runtime import OCI, own, v1

pytestmark = own
needs_strace = pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
MAKING = ("openat,mkdir,mkdirat,clone3,fsopen,fsconfig,fsmount,open_tree,move_mount,mount_setattr,rename,renameat,socketpair,socket,bind,"
          "unshare,pivot_root,setresuid,capset,prctl,memfd_create,dup2,fchdir,accept4,sendto")


def nothing_is_left(oci):
    def gone():
        assert not [line for _, line in world.descendants().values() if oci.bundle in line]
        for controller in os.listdir("/sys/fs/cgroup"):
            assert not os.path.exists(f"/sys/fs/cgroup/{controller}{oci.cgroup}"), controller
        if os.path.isdir(oci.root):
            assert [name for name in os.listdir(oci.root) if not name.startswith(".")] == []
        return True
    eventually(gone, "everything to be gone")


def fails_or_works(oci, *before):
    """run of `true` below the command BEFORE: False after one error."""
    oci.command = [*before, OCI]
    done = oci.run("true", check=False)
    oci.command = [OCI]
    if done.returncode != 0:
        said = [line for line in done.stderr.splitlines() if not line.startswith("seapod-oci: warning: ")]
        assert len(said) == 1 and said[0].startswith("seapod-oci: "), (before, done.stderr)
    nothing_is_left(oci)
    return done.returncode == 0


def test_too_few_descriptors(oci):
    worked = [fails_or_works(oci, "prlimit", f"--nofile={limit}:{limit}") for limit in range(4, 60, 2)]
    assert not worked[0] and worked[-1] and worked == sorted(worked)


def test_a_full_disk(oci):
    os.makedirs(oci.root)
    results = []
    for inodes in range(2, 12):
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"nr_inodes={inodes}", "small", oci.root], check=True)
        try:
            results.append(fails_or_works(oci))
        finally:
            subprocess.run(["umount", "-l", oci.root], check=True)
    assert not results[0] and results[-1]
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k", "small", oci.root], check=True)
    with open(oci.root + "/.full", "w") as f:
        f.write("x" * 4096)
    try:
        assert not fails_or_works(oci)
    finally:
        subprocess.run(["umount", "-l", oci.root], check=True)


@needs_strace
@pytest.mark.parametrize("error", ["ENOMEM", "EMFILE"])
def test_any_step_that_fails(oci, error):
    """Each process's call number N of those that make something fails."""
    results = [fails_or_works(oci, "strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={MAKING}", "-e",
                              f"inject={MAKING}:error={error}:when={n}") for n in range(1, 60, 4)]
    assert not all(results)


@needs_strace
def test_killed_at_any_step(oci):
    """Creator and container are killed at their call number N; delete removes what a creator could not."""
    killed = 0
    for n in range(1, 260, 13):
        oci.command = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"inject=all:signal=KILL:when={n}", OCI]
        killed += oci.run("true", check=False).returncode != 0
        oci.command = [OCI]
        oci.call("delete", "--force", oci.id)
        nothing_is_left(oci)
    assert killed > 5


@v1
def test_a_machine_without_a_controller(oci):
    without = ["unshare", "--mount", "sh", "-c", 'umount /sys/fs/cgroup/pids; exec "$@"', "sh"]
    assert fails_or_works(oci, *without)
    oci.config["linux"]["resources"]["pids"] = {"limit": 5}
    oci.command = [*without, OCI]
    oci.refuses("linux.resources.pids.limit", "pids.max")
    oci.command = ["unshare", "--mount", "sh", "-c", 'umount -R /sys/fs/cgroup; exec "$@"', "sh", OCI]
    del oci.config["linux"]["resources"]["pids"]
    oci.refuses("linux.resources.devices", "controller")
    oci.command = [OCI]
