"""Budgets: what a container and what a pod may use, and how it is said when the kernel enforced it."""
import os

import pytest

from instance import container, eventually, pod, shell

NET = {"hostNetwork": True}
# Needs some 60 MB: the shell doubles a string.
HOG = "x=0123456789abcdef; while [ ${#x} -lt 33554432 ]; do x=$x$x; done; echo ${#x}; sleep 99"


def cgroup_files(seapod, name, *wanted, container="main"):
    """The first of the WANTED files (v2, v1) in the cgroup of the pod's only container, and in the pod's."""
    pid = seapod.pid(name, container)
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
    assert own in ("256", "35")  # v1: 1024 a processor; v2: 100 a processor


def annotated(manifest, **notes):
    manifest["metadata"]["annotations"] = {f"seapod.io/{key.replace('_', '-')}": value for key, value in notes.items()}
    return manifest


def test_processes_are_limited_for_the_pod(seapod):
    seapod.apply(limited())
    own, pods = cgroup_files(seapod, "web", "pids.max")
    assert own == "max" and 0 < int(pods) <= 4096


@pytest.mark.parametrize("wish,limit", [("70", "70"), ("-1", "max"), ("max", "max")])
def test_the_limit_of_processes_can_be_chosen(seapod, wish, limit):
    seapod.apply(annotated(limited(), pids_limit=wish))
    assert cgroup_files(seapod, "web", "pids.max")[1] == limit


def test_run_limits_processes(seapod):
    seapod.run("run", "-d", "--name", "web", "--net", "host", "--pids-limit", "71", "seapod.test/busybox", "sleep", "99")
    assert cgroup_files(seapod, "web", "pids.max", container="web")[1] == "71"
    said = seapod.fails("run", "--rm", "--net", "none", "--pids-limit", "x", "seapod.test/busybox", "true", code=2)
    assert "--pids-limit takes a number of processes" in said


@pytest.mark.parametrize("wish", ["0", "many", "-2", "12x"])
def test_a_wrong_limit_of_processes_is_named(seapod, wish):
    assert f"pids-limit is '{wish}'" in seapod.rejects(annotated(limited(), pids_limit=wish))


def test_a_fork_bomb_stays_in_its_pod_and_ends_with_it(seapod):
    seapod.apply(annotated(pod("web", shell("f() { f & f & wait; }; f"), container("good"), **NET), pids_limit="60"))
    uid = seapod.uid("web")
    found = [f"/sys/fs/cgroup{part}/seapod-{seapod.tag}/pod{uid}/pids.current" for part in ("", "/pids")]
    current = next(path for path in found if os.path.exists(path))
    eventually(lambda: int(open(current).read()) > 50)
    assert int(open(current).read()) <= 60
    seapod.delete("web", "--now")
    assert not os.path.exists(current)


def test_a_node_of_any_device_can_be_made_but_not_opened(seapod):
    seapod.apply(limited())
    seapod.sh("web", "mknod /memory c 1 1 && mknod /disk b 7 0 && mknod /zero c 1 5")
    for name in ("memory", "disk"):
        tried = seapod.exec("web", "dd", f"if=/{name}", "of=/dev/null", "bs=1", "count=1", check=False)
        assert tried.returncode == 1 and "Operation not permitted" in tried.stderr
    assert seapod.sh("web", "dd if=/zero bs=8 count=1 2>/dev/null | wc -c") == "8"


def test_the_pods_own_resources_are_its_cgroups(seapod):
    seapod.apply(limited(resources={"limits": {"cpu": "1", "memory": "64Mi"}, "requests": {"cpu": "500m"}}))
    assert cgroup_files(seapod, "web", "cpu.max", "cpu.cfs_quota_us")[1].split()[0] == "100000"
    assert cgroup_files(seapod, "web", "memory.max", "memory.limit_in_bytes")[1] == str(64 << 20)
    assert cgroup_files(seapod, "web", "cpu.shares", "cpu.weight")[1] in ("512", "59")


def test_requests_of_all_containers_are_the_pods_share(seapod):
    seapod.apply(pod("web", container(resources={"requests": {"cpu": "250m"}}),
                     container("two", resources={"requests": {"cpu": "750m"}}), **NET))
    own, pods = cgroup_files(seapod, "web", "cpu.shares", "cpu.weight")
    assert (own, pods) in (("256", "1024"), ("35", "100"))


@pytest.mark.parametrize("limits,requests,qos", [
    (None, None, "BestEffort"), (None, {"cpu": "10m"}, "Burstable"),
    ({"cpu": "100m", "memory": "64Mi"}, None, "Guaranteed")])
def test_qos_class(seapod, limits, requests, qos):
    seapod.apply(limited(limits=limits, requests=requests))
    assert seapod.status("web")["qosClass"] == qos
    adj = int(open(f"/proc/{seapod.pid('web')}/oom_score_adj").read())
    assert adj == 1000 if qos == "BestEffort" else True


def test_who_asked_for_more_memory_is_killed_later(seapod):
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")

    def asks(name, share, **more):
        return container(name, resources={"requests": {"memory": str(int(whole * share))}} if share else {}, **more)

    def score(name):
        with open(f"/proc/{seapod.pid('web', name)}/oom_score_adj") as f:
            return int(f.read())
    seapod.apply(pod("web", asks("large", 0.4), asks("small", 0.1), container("none"),
                     initContainers=[asks("side", 0, restartPolicy="Always")], **NET))
    assert [round(score(name), -1) for name in ("large", "small", "none", "side")] == [600, 900, 1000, 1000]
    seapod.delete("web", "--now")
    # Of the pod's half, a tenth is the one's; the rest is everybody's.
    seapod.apply(pod("web", asks("one", 0.1), container("two"), resources={"requests": {"memory": str(whole // 2)}}, **NET))
    assert [round(score(name), -1) for name in ("one", "two")] == [700, 800]


@pytest.mark.parametrize("resources,word", [
    ({"limits": {"memory": "64MiB"}}, "64MiB"), ({"limits": {"cpu": "-1"}}, "-1"),
    ({"limits": {"memory": "1Mi"}, "requests": {"memory": "2Mi"}}, "memory")])
def test_bad_quantities(seapod, resources, word):
    assert word in seapod.rejects(pod("web", container(resources=resources), **NET))


def test_a_container_sees_its_limit_in_its_own_cgroup(seapod):
    seapod.apply(limited(limits={"memory": "64Mi"}))
    seen = seapod.sh("web", "cat /sys/fs/cgroup/memory.max 2>/dev/null || cat /sys/fs/cgroup/memory/memory.limit_in_bytes")
    assert seen == str(64 << 20)


def test_a_containers_view_of_its_cgroup_is_its_own_and_read_only(seapod):
    seapod.apply(limited(limits={"memory": "64Mi"}))
    assert all(line.endswith(":/") for line in seapod.sh("web", "cat /proc/self/cgroup").splitlines())
    seapod.sh("web", "cd /sys/fs/cgroup; for d in . cpu memory pids; do ! [ -d $d ] || ! mkdir $d/x 2>/dev/null || exit 1; done")
    tried = seapod.exec("web", "mkdir", "/sys/fs/cgroup/x", check=False)
    assert tried.returncode == 1 and "Read-only file system" in tried.stderr
    assert seapod.sh("web", "cat /sys/fs/cgroup/pids.current /sys/fs/cgroup/pids/pids.current 2>/dev/null; true").isdigit()


def test_a_privileged_container_divides_its_cgroup_and_is_still_entered_and_removed(seapod):
    """What systemd or a container engine in it does; on version 2 its group itself then takes no process any more."""
    script = """
        cd /sys/fs/cgroup; [ -f cgroup.procs ] || cd pids
        mkdir sub; for p in $(cat cgroup.procs); do echo $p > sub/cgroup.procs; done
        [ ! -f cgroup.subtree_control ] || echo +pids > cgroup.subtree_control
        echo divided > /ready; while :; do sleep 1; done"""
    seapod.apply(pod("web", shell(script, securityContext={"privileged": True}), **NET))
    eventually(lambda: seapod.exec("web", "cat", "/ready", check=False).stdout == "divided\n")
    assert seapod.sh("web", "cat /sys/fs/cgroup/sub/cgroup.procs /sys/fs/cgroup/pids/sub/cgroup.procs 2>/dev/null | wc -l") > "1"
    seapod.delete("web", "--now")


def test_what_a_pod_takes_on_disk_is_limited(seapod):
    """The kubelet's three rules and its words; all at once, since each is looked at every 10 s only."""
    def writer(file, **more):
        return shell(f"dd if=/dev/zero of={file} bs=1M count=3 2>/dev/null; sleep 99", **more)

    limit, volume = {"limits": {"ephemeral-storage": "1Mi"}}, {"volumeMounts": [{"name": "v", "mountPath": "/v"}]}
    much = {"limits": {"ephemeral-storage": "100Mi"}}
    on_disk = {"volumes": [{"name": "v", "emptyDir": {"sizeLimit": "1Mi"}}]}
    plain = {"volumes": [{"name": "v", "emptyDir": {}}]}
    says = {
        "volume": 'Usage of EmptyDir volume "v" exceeds the limit "1Mi". ',
        "sum": "Pod ephemeral local storage usage exceeds the total limit of containers 1Mi. ",
        "own": 'Container main exceeded its local ephemeral storage limit "1Mi". ',
    }
    for manifest in (pod("volume", writer("/v/file", **volume), **on_disk, **NET),
                     pod("sum", writer("/v/file", resources=limit, **volume), **plain, **NET),
                     pod("own", writer("/file", resources=limit), container("other", resources=much), **NET),
                     pod("fits", writer("/v/file", resources=much, **volume), **plain, **NET)):
        assert seapod.apply(manifest).stderr == ""
    for name, message in says.items():
        status = eventually(lambda: (s := seapod.status(name))["phase"] == "Failed" and s, seconds=25)
        assert (status["reason"], status["message"]) == ("Evicted", message)
        assert message in [e["message"] for e in seapod.events(name) if e["reason"] == "Evicted"]
    assert seapod.phase("fits") == "Running"
