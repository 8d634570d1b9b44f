"""Clauses of the OCI runtime specification: `namespaces` (config-linux.md) and what is set in them; oci_runtime.py."""
import os
import shutil
import subprocess

from instance import eventually
from oci_runtime import OCI, OTHER, Runtime, own


def test_hostname(oci):
    oci.config["domainname"] = "example.org"
    assert oci.sh("hostname; cat /proc/sys/kernel/domainname") in ("box\nexample.org\n", "box\n(none)\n" if OTHER else "")
    oci.namespace("uts", add=False)
    oci.refuses("hostname", "UTS namespace")


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
def test_a_time_namespace(oci):
    oci.namespace("time")
    oci.config["linux"]["timeOffsets"] = {"boottime": {"secs": 1000000}, "monotonic": {"secs": 5, "nanosecs": 7}}
    out = oci.sh("cat /proc/uptime /proc/self/timens_offsets").split()
    with open("/proc/uptime") as f:
        assert float(out[0]) - float(f.read().split()[0]) > 999000


def test_sysctl(oci):
    oci.config["linux"]["sysctl"] = {"net.ipv4.ip_forward": "1", "kernel.shm_rmid_forced": "1"}
    assert oci.sh("cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/shm_rmid_forced") == "1\n1\n"
    oci.namespace("network", add=False)
    oci.refuses("linux.sysctl", "network namespace")
