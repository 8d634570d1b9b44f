"""Watching: get -w, events -w, describe, top, wait for a JSON path."""

from instance import container, eventually, pod, shell

NET = {"hostNetwork": True}


def follow(process):
    """The lines of a command as they come."""
    lines = []

    def more():
        lines.append(process.stdout.readline().split())
        return lines[-1]
    return more


def test_get_watch_has_a_row_for_each_change(seapod):
    seapod.apply(pod("old", **NET))
    more = follow(seapod.start("get", "pods", "-w"))
    assert more()[:3] == ["NAME", "READY", "STATUS"] and more()[:3] == ["old", "1/1", "Running"]
    seapod.apply(pod("job", shell("exit 0"), restartPolicy="Never", **NET))
    rows = []
    while rows[-1:] != [["job", "0/1", "Completed"]]:
        rows.append(more()[:3])
    assert all(row[0] == "job" for row in rows)


def test_get_watch_of_one_pod_ends_with_it(seapod):
    seapod.apply(pod("web", **NET))
    watching = seapod.start("get", "pod", "web", "-w", "--no-headers")
    more = follow(watching)
    assert more()[0] == "web"
    seapod.delete("web", "--now")
    assert watching.wait(timeout=10) == 0


def test_get_watch_is_for_pods_as_a_table(seapod):
    assert "--watch" in seapod.fails("get", "configmaps", "-w", code=2)
    assert "--watch" in seapod.fails("get", "pods", "-w", "-o", "json", code=2)


def test_events_watch(seapod):
    seapod.apply(pod("web", **NET))
    more = follow(seapod.start("events", "web", "-w", "--no-headers"))
    assert [more()[2] for _ in range(2)] == ["Created", "Started"]
    seapod.run("restart", "web")
    assert more()[2] == "Killing"


def test_events_of_a_pods_life(seapod):
    seapod.apply(pod("web", container("a"), shell("exit 1", "b"), **NET))
    eventually(lambda: any(e["reason"] == "BackOff" for e in seapod.events("web")))
    started = next(e for e in seapod.events("web") if e["reason"] == "Started")
    assert started["involvedObject"]["uid"] == seapod.uid("web") and started["kind"] == "Event" and started["type"] == "Normal"
    assert "BackOff" in seapod.out("describe", "pod", "web").split("Events:")[1]
    assert "Started" not in seapod.out("events", "--types=Warning")
    seapod.run("stop", "web")
    assert any(e["reason"] == "Killing" for e in seapod.events("web"))  # of a pod that has ended, too


def test_describe_tells_of_probes(seapod):
    probe = {"httpGet": {"port": 80, "path": "/healthz"}, "periodSeconds": 3600, "initialDelaySeconds": 5}
    seapod.apply(pod("web", container(livenessProbe=probe), **NET))
    assert "http-get http://:80/healthz delay=5s timeout=1s period=3600s #success=1 #failure=3" in seapod.out("describe", "pod", "web")


def test_conditions_keep_the_time_of_their_change(seapod):
    seapod.apply(pod("web", container("a"), shell("sleep 0.3; exit 1", "b"), **NET))
    first = {c["type"]: c["lastTransitionTime"] for c in seapod.status("web")["conditions"]}
    eventually(lambda: seapod.restarts("web", "b") >= 1 and "waiting" in seapod.status("web", "b")["state"])
    conditions = {c["type"]: c for c in seapod.status("web")["conditions"]}
    assert conditions["PodScheduled"]["lastTransitionTime"] == first["PodScheduled"]
    assert conditions["ContainersReady"]["reason"] == "ContainersNotReady"
    assert conditions["ContainersReady"]["message"] == "containers with unready status: [b]"


def test_top(seapod):
    """The busy one asks for processors, so that it gets some on a machine that has other work."""
    hot = shell("while :; do :; done", "hot", resources={"requests": {"cpu": "2"}})
    seapod.apply(pod("busy", hot, container("cold"), **NET))
    seapod.apply(pod("idle", **NET))

    def rows(*args):
        return [line.split() for line in seapod.out("top", "--no-headers", *args).splitlines()]

    def cpu(row, column):
        return int(row[column].rstrip("m"))

    def pods():
        of = {row[0]: row for row in rows()}
        assert cpu(of["busy"], 1) > 50 > cpu(of["idle"], 1), of
        return of
    idle = eventually(pods)["idle"]
    assert idle[2].endswith("i") and int(idle[3]) >= 1
    by_name = {row[1]: row for row in rows("pod", "busy", "--containers")}
    assert set(by_name) == {"hot", "cold"} and by_name["hot"][0] == "busy" and cpu(by_name["hot"], 2) > cpu(by_name["cold"], 2)
    assert seapod.out("top").split("\n")[0].split()[:4] == ["NAME", "CPU(cores)", "MEMORY(bytes)", "PIDS"]
    assert "nobody" in seapod.fails("top", "pod", "nobody")
    seapod.run("stop", "busy")
    assert [row[0] for row in rows()] == ["idle"]


def test_wait_for_a_json_path(seapod):
    seapod.apply(pod("web", shell("sleep 0.3; exit 1", "b"), container("a"), **NET))
    seapod.run("wait", "pod", "web", "--for=jsonpath={.status.containerStatuses[0].restartCount}=1", "--timeout", "20s")
    seapod.run("wait", "pod/web", "--for", "jsonpath={.spec.containers[1].name}=a")
    seapod.run("wait", "pod/web", "--for=jsonpath={.metadata.uid}")
    assert ".status.nothing" in seapod.fails("wait", "pod/web", "--for=jsonpath={.status.nothing}", "--timeout", "100ms")
    for wrong in ("{.a[?(@.b]}=c", "{.a", "{.a[}=1", "{.a}b"):
        seapod.fails("wait", "pod/web", "--for=jsonpath=" + wrong, code=2)
