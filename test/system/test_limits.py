"""Budgets: what a container and what a pod may use, and how it is said when the kernel enforced it."""
import os

import pytest

from instance import container, eventually, pod, shell

NET = {"hostNetwork": True}
# Needs some 60 MB: the shell doubles a string.
HOG = "x=0123456789abcdef; while [ ${#x} -lt 33554432 ]; do x=$x$x; done; echo ${#x}; sleep 99"


def cgroup_files(seapod, name, *wanted):
    """The first of the WANTED files (v2, v1) in the cgroup of the pod's only container, and in the pod's."""
    pid = seapod.pid(name)
    with open(f"/proc/{pid}/cgroup") as f:
        for line in f:
            _, controllers, path = line.rstrip("\n").split(":", 2)
            for folder in ("/sys/fs/cgroup", f"/sys/fs/cgroup/{controllers}", *(f"/sys/fs/cgroup/{c}" for c in controllers.split(","))):
                for file in wanted:
                    if os.path.exists(f"{folder}{path}/{file}") and path != "/":
                        yield_own, yield_pod = f"{folder}{path}/{file}", f"{folder}{os.path.dirname(path)}/{file}"
                        with open(yield_own) as own, open(yield_pod) as above:
                            return own.read().strip(), above.read().strip()
    raise AssertionError(f"none of {wanted}")


def limited(name="web", limits=None, requests=None, command=None, **spec):
    resources = {key: value for key, value in (("limits", limits), ("requests", requests)) if value}
    return pod(name, container(command=command, resources=resources), **NET, **spec)


def test_an_oom_kill_is_told_as_one(seapod):
    seapod.apply(limited(limits={"memory": "16Mi"}, command=["sh", "-c", HOG], restartPolicy="Never"))
    ended = eventually(lambda: seapod.status("web", "main")["state"].get("terminated"))
    assert (ended["reason"], ended["exitCode"]) == ("OOMKilled", 137)
    assert seapod.phase("web") == "Failed"


def test_a_kill_that_is_no_oom_kill_is_told_apart(seapod):
    seapod.apply(limited(limits={"memory": "64Mi"}, restartPolicy="Never"))
    os.kill(seapod.pid("web"), 9)
    ended = eventually(lambda: seapod.status("web", "main")["state"].get("terminated"))
    assert (ended["reason"], ended["exitCode"], ended["signal"]) == ("Error", 137, 9)


def test_the_pods_budget_is_shared(seapod):
    """Neither container has a limit; together they may not use more than the pod's."""
    seapod.apply(pod("web", container("good"), shell(HOG, "bad"), resources={"limits": {"memory": "24Mi"}},
                     restartPolicy="Never", **NET))
    ended = eventually(lambda: seapod.status("web", "bad")["state"].get("terminated"))
    assert ended["exitCode"] == 137
    assert "running" in seapod.status("web", "good")["state"]


def test_memory_limit_of_container_and_pod(seapod):
    seapod.apply(limited(limits={"memory": "64Mi"}))
    own, pods = cgroup_files(seapod, "web", "memory.max", "memory.limit_in_bytes")
    assert (own, pods) == (str(64 << 20), str(64 << 20))


def test_cpu_limit_is_a_quota(seapod):
    seapod.apply(limited(limits={"cpu": "500m", "memory": "64Mi"}))
    own, _ = cgroup_files(seapod, "web", "cpu.max", "cpu.cfs_quota_us")
    assert own.split()[0] == "50000"


def test_cpu_request_is_a_share(seapod):
    seapod.apply(limited(requests={"cpu": "250m"}))
    own, _ = cgroup_files(seapod, "web", "cpu.shares", "cpu.weight")
    assert own in ("256", "10", "11", "35")  # v1 shares; v2 by the conversions in use


def test_pids_are_limited_for_the_pod(seapod):
    own, pods = (seapod.apply(limited()), cgroup_files(seapod, "web", "pids.max"))[1]
    assert "max" in (own, pods) or int(own) > 0


@pytest.mark.parametrize("limits,requests,qos", [
    (None, None, "BestEffort"), (None, {"cpu": "10m"}, "Burstable"),
    ({"cpu": "100m", "memory": "64Mi"}, None, "Guaranteed")])
def test_qos_class(seapod, limits, requests, qos):
    seapod.apply(limited(limits=limits, requests=requests))
    assert seapod.status("web")["qosClass"] == qos
    adj = int(open(f"/proc/{seapod.pid('web')}/oom_score_adj").read())
    assert adj == 1000 if qos == "BestEffort" else True


@pytest.mark.parametrize("resources,word", [
    ({"limits": {"memory": "64MiB"}}, "64MiB"), ({"limits": {"cpu": "-1"}}, "-1"),
    ({"limits": {"memory": "1Mi"}, "requests": {"memory": "2Mi"}}, "memory")])
def test_bad_quantities(seapod, resources, word):
    assert word in seapod.rejects(pod("web", container(resources=resources), **NET))


def test_a_container_sees_its_limit_in_its_own_cgroup(seapod):
    seapod.apply(limited(limits={"memory": "64Mi"}))
    seen = seapod.sh("web", "cat /sys/fs/cgroup/memory.max 2>/dev/null || cat /sys/fs/cgroup/memory/memory.limit_in_bytes")
    assert seen == str(64 << 20)
