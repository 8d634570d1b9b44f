"""Other amounts of CPU and memory for a pod that runs (KEP-1287, KEP-5419)."""
from instance import container, eventually, pod
from test_limits import cgroup_files

NET = {"hostNetwork": True}


def amounts(cpu="200m", memory="32Mi"):
    return {"limits": {"cpu": cpu, "memory": memory}}


def memory_of(seapod, name="web", who="main"):
    found = cgroup_files(seapod, name, "memory.max", "memory.limit_in_bytes", container=who)
    return [None if value == "max" else int(value) >> 20 for value in found]


def quota_of(seapod, name="web", who="main"):
    found = cgroup_files(seapod, name, "cpu.max", "cpu.cfs_quota_us", container=who)
    return [None if value.startswith("max") else int(value.split()[0]) for value in found]


def test_a_limit_changes_in_place(seapod):
    """Up and down, of the container and of the pod above it, and nothing is started again."""
    seapod.apply(pod("web", container(resources=amounts()), **NET))
    pid = seapod.pid("web")
    assert seapod.out("resize", "pod", "web", "--cpu", "400m", "--memory", "48Mi") == "pod/web resized"
    assert (memory_of(seapod), quota_of(seapod)) == ([48, 48], [40000, 40000])
    assert seapod.out("resize", "web", "--cpu", "100m", "--memory", "24Mi") == "pod/web resized"
    assert (memory_of(seapod), quota_of(seapod)) == ([24, 24], [10000, 10000])
    assert seapod.out("resize", "web", "--memory", "24Mi") == "pod/web unchanged"
    assert seapod.pid("web") == pid and seapod.restarts("web", "main") == 0
    status = seapod.status("web", "main")
    assert status["resources"]["limits"] == {"cpu": "100m", "memory": "24Mi"}
    assert status["allocatedResources"] == {"cpu": "100m", "memory": "24Mi"}
    assert seapod.status("web")["qosClass"] == "Guaranteed"


def test_apply_resizes_too(seapod):
    seapod.apply(pod("web", container("a", resources=amounts()), container("b", resources=amounts()), **NET))
    done = seapod.apply(pod("web", container("a", resources=amounts("800m")), container("b", resources=amounts("100m", "64Mi")), **NET))
    assert done.stdout == "pod/web configured\n"
    assert quota_of(seapod, who="a") == [80000, 90000] and quota_of(seapod, who="b") == [10000, 90000]
    assert memory_of(seapod, who="b") == [64, 96]


def test_no_registry_is_asked_again(seapod):
    """A pod that runs has its images; that their policy is Always does not make a resize a pull."""
    seapod.apply(pod("web", container(resources=amounts()), **NET))
    assert seapod.get("web")["spec"]["containers"][0]["imagePullPolicy"] == "Always"
    assert "pulling" not in seapod.run("resize", "web", "--cpu", "300m").stderr


def test_a_policy_may_want_a_restart(seapod):
    policy = [{"resourceName": "memory", "restartPolicy": "RestartContainer"}, {"resourceName": "cpu", "restartPolicy": "NotRequired"}]
    seapod.apply(pod("web", container(resources=amounts(), resizePolicy=policy), **NET))
    seapod.run("resize", "web", "--cpu", "300m")
    assert seapod.restarts("web", "main") == 0
    seapod.run("resize", "web", "--memory", "40Mi")
    eventually(lambda: seapod.restarts("web", "main") == 1 and "running" in seapod.status("web", "main")["state"])
    assert memory_of(seapod) == [40, 40] and quota_of(seapod) == [30000, 30000]
    never = pod("once", container(resources=amounts(), resizePolicy=policy), restartPolicy="Never", **NET)
    assert "RestartContainer needs" in seapod.rejects(never)


def test_less_than_what_is_used_is_refused(seapod):
    """The kernel would kill; it is said instead, and nothing changes."""
    shm = {"emptyDir": {"medium": "Memory"}}
    seapod.apply(pod("web", container(resources=amounts(), volumeMounts=[{"name": "m", "mountPath": "/m"}]),
                     volumes=[{"name": "m", **shm}], **NET))
    seapod.sh("web", "dd if=/dev/zero of=/m/f bs=1M count=20")
    assert "would be killed" in seapod.fails("resize", "web", "--memory", "8Mi")
    assert memory_of(seapod) == [32, 32] and seapod.restarts("web", "main") == 0
    assert seapod.get("web")["spec"]["containers"][0]["resources"]["limits"]["memory"] == "32Mi"


def test_the_pods_own_budget_changes(seapod):
    seapod.apply(pod("web", container("a"), container("b"), resources=amounts(), **NET))
    seapod.run("resize", "web", "--memory", "64Mi", "--cpu", "1")
    assert memory_of(seapod, who="a")[1] == 64 and quota_of(seapod, who="b")[1] == 100000
    assert seapod.status("web")["resources"]["limits"] == {"cpu": "1", "memory": "64Mi"}
    assert seapod.status("web")["allocatedResources"]["memory"] == "64Mi"


def test_what_cannot_change_is_said(seapod):
    seapod.apply(pod("web", container("a", resources=amounts()), container("b"), **NET))
    assert "say which" in seapod.fails("resize", "web", "--cpu", "1")
    assert "no container 'c'" in seapod.fails("resize", "web", "-c", "c", "--cpu", "1")
    assert "not taken away" in seapod.rejects(pod("web", container("a"), container("b"), **NET))
    seapod.apply(pod("one", container(resources=amounts()), **NET))
    assert "QoS class" in seapod.fails("resize", "one", "--cpu-request", "10m")
    seapod.fails("resize", "web", code=2, lines=None)
