"""Clauses of the OCI runtime specification: what a container sees of files: `root`, `mounts` (config.md), `devices`, masked and read-only paths (config-linux.md); oci_runtime.py."""
import os
import subprocess

import pytest

from oci_runtime import own


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


@own
def test_a_mount_with_mapped_ids(oci):
    os.makedirs(oci.dir + "/data")
    mapping = [{"containerID": 0, "hostID": 1000, "size": 10}]
    oci.config["mounts"].append({"destination": "/data", "source": oci.dir + "/data", "options": ["bind", "idmap"],
                                 "uidMappings": mapping, "gidMappings": mapping})
    assert oci.sh("stat -c %u /data") == "1000\n"
    del oci.config["mounts"][-1]["gidMappings"]
    oci.refuses("mounts[5].uidMappings")


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


@pytest.mark.parametrize("word, found", [("shared", "shared:"), ("slave", "master:"), ("private", ""), ("unbindable", "unbindable"),
                                         ("rshared", "shared:"), ("rprivate", "")])
def test_propagation_of_the_root(oci, word, found):
    subprocess.run(["mount", "--bind", oci.bundle, oci.bundle], check=True)
    subprocess.run(["mount", "--make-shared", oci.bundle], check=True)
    try:
        oci.config["linux"]["rootfsPropagation"] = word
        fields = next(line.split() for line in oci.sh("cat /proc/self/mountinfo").splitlines() if line.split()[4] == "/")
    finally:
        subprocess.run(["umount", oci.bundle], check=True)
    optional = " ".join(fields[6:fields.index("-")])
    assert found in optional and (found or not optional), optional


@own
def test_a_slave_root_follows_the_host(oci):
    os.makedirs(oci.bundle + "/rootfs/data")
    subprocess.run(["mount", "--bind", oci.bundle, oci.bundle], check=True)
    subprocess.run(["mount", "--make-shared", oci.bundle], check=True)
    try:
        oci.config["linux"]["rootfsPropagation"] = "slave"
        oci.up()
        subprocess.run(["mount", "-t", "tmpfs", "later", oci.bundle + "/rootfs/data"], check=True)
        assert "later" in oci.exec("cat", "/proc/mounts").stdout
        oci.call("delete", "--force", oci.id)
    finally:
        subprocess.run(["umount", "-R", oci.bundle], check=True)


@own
def test_no_pivot(oci):
    """For a host whose root cannot be pivoted: the same by chroot."""
    oci.config["process"]["args"] = ["sh", "-c", "ls /"]
    oci.write()
    done = oci.call("run", "--no-pivot", "--bundle", oci.bundle, oci.id)
    assert "tmp" in done.stdout.split() and "home" not in done.stdout.split()
