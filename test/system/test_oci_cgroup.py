"""Clauses of the OCI runtime specification: `cgroupsPath` and `resources` (config-linux.md "Control groups"), pause and figures; oci_runtime.py."""
import json
import os
import shutil

from oci_runtime import Runtime, V2, own, v1, v2


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


@v1
def test_a_cpuset_that_another_has_just_made(oci):
    """It has no processors yet; nor has one whose maker was killed."""
    parent = f"/sys/fs/cgroup/cpuset/seapod-oci-test-{oci.id}"
    os.mkdir(parent)
    try:
        oci.config["linux"]["cgroupsPath"] = f"/seapod-oci-test-{oci.id}/{oci.id}"
        oci.create()
        oci.call("delete", "--force", oci.id)
    finally:
        for controller in os.listdir("/sys/fs/cgroup"):
            if os.path.isdir(left := f"/sys/fs/cgroup/{controller}/seapod-oci-test-{oci.id}"):
                os.rmdir(left)
