"""Start order, restarts, back-off, ends: what a kubelet does, done by the keeper."""
import time

import pytest

from instance import BUSYBOX, STAY, container, eventually, kill, pod, shell

NET = {"hostNetwork": True}


def ended(seapod, name, container="main"):
    return eventually(lambda: seapod.status(name, container)["state"].get("terminated"))


@pytest.mark.parametrize("code,phase,reason", [(0, "Succeeded", "Completed"), (3, "Failed", "Error")])
def test_never_restarted(seapod, code, phase, reason):
    seapod.apply(pod("job", shell(f"exit {code}"), restartPolicy="Never", **NET))
    assert (ended(seapod, "job")["exitCode"], ended(seapod, "job")["reason"]) == (code, reason)
    eventually(lambda: seapod.phase("job") == phase)
    assert seapod.restarts("job", "main") == 0


def test_on_failure(seapod):
    seapod.apply(pod("job", shell("test -e /v/x || { touch /v/x; exit 1; }", volumeMounts=[{"name": "v", "mountPath": "/v"}]),
                     volumes=[{"name": "v", "emptyDir": {}}], restartPolicy="OnFailure", **NET))
    eventually(lambda: seapod.phase("job") == "Succeeded", seconds=15)
    assert seapod.restarts("job", "main") == 1


def test_always_restarts_and_then_backs_off(seapod):
    seapod.apply(pod("crash", shell("exit 1"), **NET))
    waiting = eventually(lambda: seapod.status("crash", "main")["state"].get("waiting"))
    assert waiting["reason"] == "CrashLoopBackOff" and "10s" in waiting["message"]
    assert seapod.phase("crash") == "Running"
    assert "CrashLoopBackOff" in seapod.out("get", "pods")


def test_the_back_off_can_be_changed_for_a_pod_and_for_all(seapod):
    quick = pod("quick", shell("exit 1"), **NET)
    quick["metadata"]["annotations"] = {"seapod.io/backoff-initial": "20ms", "seapod.io/backoff-max": "50ms"}
    seapod.apply(quick)
    eventually(lambda: seapod.restarts("quick", "main") >= 4)
    seapod.env["SEAPOD_BACKOFF_INITIAL"] = "30s"
    seapod.apply(pod("slow", shell("exit 1"), **NET))
    waiting = eventually(lambda: seapod.status("slow", "main")["state"].get("waiting"))
    assert "back-off 30s" in waiting["message"]
    quick["metadata"]["annotations"]["seapod.io/backoff-reset"] = "never"
    assert "backoff-reset" in seapod.rejects(quick)


def test_init_containers_run_in_order_and_first(seapod):
    step = {"volumeMounts": [{"name": "v", "mountPath": "/v"}]}
    seapod.apply(pod("web", shell("cat /v/log; sleep 99", **step),
                     initContainers=[shell("sleep 0.1; echo one >> /v/log", "one", **step),
                                     shell("echo two >> /v/log", "two", **step)],
                     volumes=[{"name": "v", "emptyDir": {}}], **NET))
    eventually(lambda: seapod.logs("web", "-c", "main").split() == ["one", "two"])
    assert [c["state"]["terminated"]["reason"] for c in seapod.status("web")["initContainerStatuses"]] == ["Completed"] * 2


def test_a_failed_init_container_fails_the_pod(seapod):
    seapod.apply(pod("web", initContainers=[shell("exit 5", "first")], restartPolicy="Never", **NET), check=False)
    eventually(lambda: seapod.phase("web") == "Failed")
    assert "waiting" in seapod.status("web", "main")["state"]
    assert "Init:Error" in seapod.out("get", "pods")


def test_a_sidecar_starts_first_and_ends_last(seapod):
    say = "trap 'echo {n} ends >> /v/log; exit 0' TERM; echo {n} starts >> /v/log; while :; do sleep 9 & wait; done"
    step = {"volumeMounts": [{"name": "v", "mountPath": "/v"}]}
    seapod.apply(pod("web", shell(say.format(n="app"), "app", **step),
                     initContainers=[shell(say.format(n="side"), "side", restartPolicy="Always", **step)],
                     volumes=[{"name": "v", "hostPath": {"path": seapod.dir}}], **NET))
    log = f"{seapod.dir}/log"
    # Started is not the same as having written: which line is first is the scheduler's.
    eventually(lambda: sorted(open(log).read().split("\n")[:-1]) == ["app starts", "side starts"])
    began = [seapod.status("web", name)["state"]["running"]["startedAt"] for name in ("side", "app")]
    assert began == sorted(began)
    seapod.run("stop", "web")
    assert open(log).read().split("\n")[2:-1] == ["app ends", "side ends"]


def test_a_sidecar_does_not_keep_a_job_alive(seapod):
    seapod.apply(pod("job", shell("exit 0"), initContainers=[container("side", restartPolicy="Always")],
                     restartPolicy="Never", **NET))
    eventually(lambda: seapod.phase("job") == "Succeeded")


def test_term_then_grace_then_kill(seapod):
    seapod.apply(pod("deaf", shell("trap '' TERM; while :; do sleep 1; done"), **NET))
    begin = time.monotonic()
    seapod.delete("deaf")
    assert 0.9 < time.monotonic() - begin < 5


def test_now_does_not_wait(seapod):
    seapod.apply(pod("deaf", shell("trap '' TERM; while :; do sleep 1; done"), terminationGracePeriodSeconds=30, **NET))
    begin = time.monotonic()
    seapod.delete("deaf", "--now")
    assert time.monotonic() - begin < 3


def test_delete_of_what_is_not_there(seapod):
    assert "nobody" in seapod.fails("delete", "pod", "nobody")
    seapod.run("delete", "pod", "nobody", "--ignore-not-found")


def test_start_of_what_ran_in_the_foreground(seapod):
    """It waited for its attach then; now there is nobody who would attach."""
    assert seapod.out("run", "--name", "web", "--net", "host", BUSYBOX, "echo", "once") == "once"
    eventually(lambda: seapod.phase("web") == "Succeeded")
    seapod.run("start", "web")
    eventually(lambda: seapod.phase("web") == "Succeeded")
    eventually(lambda: seapod.logs("web") == "once\nonce")


def test_stop_start_restart_kill_rm(seapod):
    seapod.apply(pod("web", **NET))
    first = seapod.get("web")["metadata"]["uid"]
    seapod.run("stop", "web")
    assert "web" in seapod.out("ps", "-a") and "web" not in seapod.out("ps")
    seapod.run("start", "web")
    eventually(lambda: "running" in seapod.status("web", "main")["state"])
    assert seapod.get("web")["metadata"]["uid"] == first
    seapod.run("restart", "web")
    eventually(lambda: "running" in seapod.status("web", "main")["state"])
    seapod.run("kill", "web")
    eventually(lambda: seapod.restarts("web", "main") >= 1)
    seapod.run("rm", "-f", "web")
    assert seapod.out("get", "pods", "-o", "name") == ""


def test_a_killed_container_is_started_again_at_once(seapod):
    seapod.apply(pod("web", container("a"), container("b"), **NET))
    kill(seapod.pid("web", "a"))
    eventually(lambda: seapod.restarts("web", "a") == 1 and "running" in seapod.status("web", "a")["state"], seconds=2)
    last = seapod.status("web", "a")["lastState"]["terminated"]
    assert (last["exitCode"], last["signal"]) == (137, 9)


def test_wait(seapod):
    waiting = None
    seapod.apply(pod("web", initContainers=[shell("sleep 0.3", "first")], **NET))
    seapod.run("wait", "pod", "web", "--for=condition=Ready", "--timeout", "10s")
    waiting = seapod.start("wait", "pod", "web", "--for=delete", "--timeout", "10s")
    seapod.delete("web", "--now")
    assert waiting.wait(timeout=10) == 0


def test_wait_gives_up(seapod):
    seapod.apply(pod("web", initContainers=[shell("sleep 60", "first")], **NET), "--timeout", "100ms", check=False)
    assert "web" in seapod.fails("wait", "pod", "web", "--for=condition=Ready", "--timeout", "200ms")


def test_pid_1_reaps_nothing_that_the_keeper_would_miss(seapod):
    """Orphans of a container become children of its PID 1, not of the keeper."""
    seapod.apply(pod("web", container(command=["sh", "-c", "(sleep 0.05 &) ; " + STAY[2]]), **NET))
    keeper = seapod.keeper("web")
    time.sleep(0.2)
    assert len(seapod.children(keeper)) == 1


def test_image_defaults_and_overrides(web):
    web.apply(pod("n", {"name": "main", "image": "seapod.demo/node", "args": ["node", "-p", "process.env.NODE_ENV"]},
                  restartPolicy="Never", **NET))
    eventually(lambda: web.logs("n") == "production", seconds=15)


def test_command_that_is_not_there_is_said(seapod):
    done = seapod.apply(pod("web", container(command=["nosuch"]), restartPolicy="Never", **NET), check=False)
    assert done.returncode == 1 and "nosuch" in done.stderr
    assert eventually(lambda: seapod.status("web", "main")["state"].get("terminated"))["exitCode"] == 127
