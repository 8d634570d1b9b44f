"""Hooks and restarts in place: postStart, preStop, stopSignal, restart rules (Kubernetes docs "Container Lifecycle Hooks", KEP-5307, KEP-5532)."""
import pathlib
import time

from instance import STAY, container, eventually, pod, shell
from probe_server import Http

NET = {"hostNetwork": True}


def exec_(script):
    return {"exec": {"command": ["sh", "-c", script]}}


def shared(seapod, *containers, **spec):
    """A pod whose containers share the instance's directory at /v, where they leave word for the test."""
    for c in [*containers, *spec.get("initContainers", [])]:
        c["volumeMounts"] = [{"name": "v", "mountPath": "/v"}]
    return pod("web", *containers, volumes=[{"name": "v", "hostPath": {"path": seapod.dir}}], **spec, **NET)


def lines(seapod, name="log"):
    path = pathlib.Path(seapod.dir, name)
    return path.read_text().splitlines() if path.exists() else []


def reasons(seapod, name="web"):
    return [e["reason"] for e in seapod.events(name)]


def test_a_container_runs_once_its_post_start_hook_is_over(seapod):
    hook = {"postStart": exec_("while ! test -e /v/go; do sleep 0.02; done")}
    seapod.apply(shared(seapod, container(lifecycle=hook)))
    status = seapod.status("web", "main")
    assert status["state"]["waiting"]["reason"] == "ContainerCreating" and not status["ready"] and not status["started"]
    assert seapod.phase("web") == "Pending"
    seapod.sh("web", "touch /v/go")
    eventually(lambda: seapod.status("web", "main")["ready"] and seapod.phase("web") == "Running")


def test_a_failed_post_start_hook_kills_the_container(seapod):
    seapod.apply(shared(seapod, container(lifecycle={"postStart": exec_("echo tried >> /v/log; echo no luck; exit 3")})))
    eventually(lambda: seapod.restarts("web", "main") == 1)
    assert any(e["reason"] == "FailedPostStartHook" and "no luck" in e["message"] for e in seapod.events("web"))
    assert "tried" in lines(seapod)


def test_a_sidecar_with_a_post_start_hook_holds_the_next_step(seapod):
    side = container("side", restartPolicy="Always", lifecycle={"postStart": exec_("sleep 0.3; echo hook >> /v/log")})
    seapod.apply(shared(seapod, shell("echo main >> /v/log; " + STAY[2]), initContainers=[side]))
    eventually(lambda: lines(seapod) == ["hook", "main"])


def test_pre_stop_comes_before_the_signal(seapod):
    main = shell("trap 'echo term >> /v/log; exit 0' TERM; while :; do sleep 9 & wait; done",
                 lifecycle={"preStop": exec_("echo hook >> /v/log; sleep 0.2; echo over >> /v/log")})
    seapod.apply(shared(seapod, main, terminationGracePeriodSeconds=20))
    seapod.delete("web")
    assert lines(seapod) == ["hook", "over", "term"]


def test_pre_stop_does_not_run_after_a_crash(seapod):
    seapod.apply(shared(seapod, shell("sleep 0.2; exit 1", lifecycle={"preStop": exec_("echo hook >> /v/log")}), restartPolicy="Never"))
    eventually(lambda: seapod.phase("web") == "Failed")
    assert not any("Hook" in reason for reason in reasons(seapod))
    seapod.delete("web")
    eventually(lambda: not __import__("os").path.exists(f"{seapod.dir}/log"))


def test_pre_stop_uses_the_grace_period_and_leaves_two_seconds(seapod):
    deaf = shell("trap '' TERM; while :; do sleep 1; done", lifecycle={"preStop": exec_("sleep 99")})
    seapod.apply(shared(seapod, deaf, terminationGracePeriodSeconds=1))
    begin = time.monotonic()
    stop = seapod.start("stop", "web")
    eventually(lambda: "FailedPreStopHook" in reasons(seapod))
    assert stop.wait(timeout=30) == 0
    assert 2.8 < time.monotonic() - begin < 15
    seapod.delete("web")


def test_pre_stop_of_a_container_that_a_probe_ends(seapod):
    main = container(lifecycle={"preStop": exec_("echo hook >> /v/log")},
                     livenessProbe={**exec_("false"), "periodSeconds": 1, "failureThreshold": 1})
    seapod.apply(shared(seapod, main))
    eventually(lambda: seapod.restarts("web", "main") == 1)
    assert lines(seapod)[0] == "hook"


def test_force_does_not_wait_for_hooks(seapod):
    seapod.apply(shared(seapod, container(lifecycle={"preStop": {"sleep": {"seconds": 600}}}), terminationGracePeriodSeconds=900))
    begin = time.monotonic()
    ending = seapod.start("delete", "pod", "web")
    eventually(lambda: seapod.out("get", "pods").count("Terminating"))
    seapod.delete("web", "--force")
    assert ending.wait(timeout=10) == 0 and time.monotonic() - begin < 20


def test_sleep(seapod):
    seapod.apply(shared(seapod, container(lifecycle={"preStop": {"sleep": {"seconds": 1}}, "postStart": {"sleep": {"seconds": 0}}}),
                        terminationGracePeriodSeconds=30))
    begin = time.monotonic()
    seapod.delete("web")
    assert 1 <= time.monotonic() - begin < 10


def test_sleep_after_the_start(seapod):
    begin = time.monotonic()
    seapod.apply(shared(seapod, container(lifecycle={"postStart": {"sleep": {"seconds": 2}}})))
    assert seapod.status("web", "main")["state"]["waiting"]["reason"] == "ContainerCreating"
    eventually(lambda: seapod.status("web", "main")["ready"])
    assert time.monotonic() - begin >= 2


def test_http_hooks_count_any_answer(seapod):
    with Http() as server:
        server.answer = (500, {}, b"")
        def hook(path):
            return {"httpGet": {"host": "127.0.0.1", "port": server.port, "path": path}}
        seapod.apply(shared(seapod, container(lifecycle={"postStart": hook("/start"), "preStop": hook("/stop")})))
        seapod.run("wait", "pod", "web", "--for=condition=Ready")
        seapod.delete("web")
        assert [path for path, _ in server.requests] == ["/start", "/stop"]
        assert server.requests[0][1]["User-Agent"].startswith("kube-lifecycle/")


def test_a_sidecars_hook_runs_at_once_and_its_signal_comes_last(seapod):
    say = "trap 'echo {n} term >> /v/log; exit 0' TERM; while :; do sleep 9 & wait; done"
    side = shell(say.format(n="side"), "side", restartPolicy="Always", lifecycle={"preStop": exec_("echo side hook >> /v/log")})
    main = shell(say.format(n="main"), lifecycle={"preStop": exec_("until grep -q side /v/log; do sleep 0.02; done; echo main hook >> /v/log")})
    seapod.apply(shared(seapod, main, initContainers=[side], terminationGracePeriodSeconds=20))
    seapod.delete("web")
    assert lines(seapod) == ["side hook", "main hook", "main term", "side term"]


def test_stop_signal(seapod):
    main = shell("trap 'echo usr1 >> /v/log; exit 0' USR1; trap '' TERM; echo up >> /v/log; while :; do sleep 9 & wait; done",
                 lifecycle={"stopSignal": "SIGUSR1"})
    seapod.apply(shared(seapod, main, os={"name": "linux"}, terminationGracePeriodSeconds=20))
    eventually(lambda: lines(seapod) == ["up"])
    seapod.delete("web")
    assert lines(seapod) == ["up", "usr1"]


def test_all_containers_begin_anew_in_the_same_sandbox(seapod):
    rule = {"action": "RestartAllContainers", "exitCodes": {"operator": "In", "values": [88]}}
    first = shell("echo init >> /v/log", "first")
    side = container("side", restartPolicy="Always")
    main = shell("echo main >> /v/log; while ! test -e /v/fail; do sleep 0.02; done; rm /v/fail; exit 88", restartPolicy="Never",
                 restartPolicyRules=[rule])
    done = shell("exit 0", "done", restartPolicy="Never")
    manifest = shared(seapod, main, done, initContainers=[first, side], restartPolicy="Never")
    del manifest["spec"]["hostNetwork"]
    seapod.apply(manifest)
    eventually(lambda: lines(seapod) == ["init", "main"] and "terminated" in seapod.status("web", "done")["state"])
    before = seapod.get("web")
    seapod.sh("web", "touch /v/fail", c="side")
    eventually(lambda: lines(seapod) == ["init", "main"] * 2 and seapod.phase("web") == "Running")
    after = seapod.get("web")
    assert after["metadata"]["uid"] == before["metadata"]["uid"] and after["status"]["podIP"] == before["status"]["podIP"]
    assert [seapod.restarts("web", name) for name in ("first", "side", "main", "done")] == [1, 1, 1, 1]
    assert seapod.status("web", "main")["lastState"]["terminated"]["exitCode"] == 88
    assert seapod.status("web", "side")["lastState"]["terminated"]["exitCode"] == 137  # without grace
    condition = next(c for c in after["status"]["conditions"] if c["type"] == "AllContainersRestarting")
    assert condition["status"] == "False" and condition["message"] == "Container main exited with code 88, triggering pod restart"


def test_a_rule_that_does_not_fit_leaves_it_to_the_policy(seapod):
    rule = {"action": "RestartAllContainers", "exitCodes": {"operator": "NotIn", "values": [0, 5]}}
    seapod.apply(pod("job", shell("exit 5", restartPolicy="Never", restartPolicyRules=[rule]), restartPolicy="Never", **NET))
    eventually(lambda: seapod.phase("job") == "Failed")
    assert seapod.restarts("job", "main") == 0
