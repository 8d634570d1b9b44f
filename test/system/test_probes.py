"""Probes: what is asked, what counts, and what follows (Kubernetes docs "Liveness, Readiness, and Startup Probes")."""
import os

import pytest

from instance import container, eventually, kill, pod, shell
from probe_server import Grpc, Http

NET = {"hostNetwork": True}
FAST = {"periodSeconds": 1, "failureThreshold": 1}


def get(server, path="/", **more):
    return {"httpGet": {"host": "127.0.0.1", "port": server.port, "path": path, **more}, **FAST}


def command(*words, **more):
    return {"exec": {"command": list(words)}, **FAST, **more}


def is_ready(seapod, name="web", container="main"):
    return seapod.status(name, container)["ready"]


def events(seapod, name="web"):
    """(reason, message) of all that happened to a pod."""
    return [(e["reason"], e["message"]) for e in seapod.events(name)]


def told(seapod, reason, words, name="web"):
    def is_told():
        all_of_them = events(seapod, name)
        assert any(r == reason and words in m for r, m in all_of_them), all_of_them
        return True
    return eventually(is_told, f"the event {reason} … {words}")


def test_readiness_by_http(seapod):
    with Http() as server:
        server.answer = (503, {}, b"not yet")
        probe = get(server, "/healthz?x=1", httpHeaders=[{"name": "X-Token", "value": "t 1"}])
        seapod.apply(pod("web", container(readinessProbe=probe), **NET))
        told(seapod, "Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503")
        status = seapod.status("web")
        assert not is_ready(seapod) and status["phase"] == "Running" and status["containerStatuses"][0]["started"]
        assert {c["type"]: c["status"] for c in status["conditions"]}["Ready"] == "False"
        assert "0/1" in seapod.out("get", "pods")
        server.answer = (204, {}, b"")
        seapod.run("wait", "pod", "web", "--for=condition=Ready")
        server.answer = (404, {}, b"")
        eventually(lambda: not is_ready(seapod))
        assert seapod.restarts("web", "main") == 0
    path, headers = server.requests[0]
    assert path == "/healthz?x=1" and headers["X-Token"] == "t 1" and headers["Host"] == f"127.0.0.1:{server.port}"
    assert headers["User-Agent"].startswith("kube-probe/") and headers["Accept"] == "*/*" and headers["Connection"] == "close"


def test_headers_can_be_replaced(seapod):
    with Http() as server:
        own = {"Host": "example.org", "User-Agent": "me", "Accept": "text/plain"}
        probe = get(server, httpHeaders=[{"name": name, "value": value} for name, value in own.items()])
        seapod.apply(pod("web", container(readinessProbe=probe), **NET))
        seapod.run("wait", "pod", "web", "--for=condition=Ready")
    assert {name: server.requests[0][1][name] for name in own} == own


def test_a_header_with_a_line_break_is_refused(seapod):
    probe = {"httpGet": {"port": 80, "httpHeaders": [{"name": "X", "value": "a\r\nY: b"}]}}
    assert "header" in seapod.rejects(pod("web", container(readinessProbe=probe)))


def test_redirects_as_the_kubelet_follows_them(seapod):
    with Http() as server, Http(tls=True) as secure:
        def answer(request):
            return {"/hop": (302, {"Location": "/end"}, b""), "/end": (200, {}, b""), "/loop": (301, {"Location": "/loop"}, b""),
                    "/tls": (307, {"Location": f"https://127.0.0.1:{secure.port}/secret"}, b""),
                    "/away": (302, {"Location": "http://elsewhere.example/x"}, b"")}[request.path]
        server.answer = answer
        secure.answer = (302, {"Location": f"http://127.0.0.1:{server.port}/end"}, b"")
        seapod.apply(pod("web", *(container(name, readinessProbe=get(server, "/" + name)) for name in ("hop", "loop", "tls", "away")), **NET))
        for name in ("hop", "tls", "away"):
            eventually(lambda: is_ready(seapod, "web", name))
        told(seapod, "ProbeWarning", "Readiness probe warning: Probe terminated redirects")
        told(seapod, "Unhealthy", "stopped after 10 redirects")
        assert secure.requests[0][0] == "/secret" and not is_ready(seapod, "web", "loop")


def test_https_is_not_verified(seapod):
    with Http(tls=True) as server:
        seapod.apply(pod("web", container(readinessProbe=get(server, scheme="HTTPS")), **NET))
        seapod.run("wait", "pod", "web", "--for=condition=Ready")
        server.answer = (500, {}, b"")
        eventually(lambda: not is_ready(seapod))


def test_https_to_what_has_no_tls(seapod):
    with Http() as server:
        seapod.apply(pod("web", container(readinessProbe=get(server, scheme="HTTPS")), **NET))
        told(seapod, "Unhealthy", "TLS handshake failed")


def test_a_name_as_host(seapod):
    with Http() as server:
        def connect(host):
            return {"tcpSocket": {"host": host, "port": server.port}, **FAST}
        seapod.apply(pod("web", container("a", readinessProbe={"httpGet": {"host": "localhost", "port": server.port}, **FAST}),
                         container("b", readinessProbe=connect("localhost")),
                         container("c", readinessProbe=connect("no..name")), **NET))
        eventually(lambda: is_ready(seapod, "web", "a") and is_ready(seapod, "web", "b"))
        told(seapod, "Unhealthy", "cannot find 'no..name'")


def test_what_is_not_http_fails(seapod):
    seapod.apply(pod("web", shell("while :; do echo 'SSH-2.0-x' | nc -l -p 8080; done", readinessProbe={"httpGet": {"port": 8080}, **FAST})))
    told(seapod, "Unhealthy", "the answer is not HTTP")


def test_an_answer_that_does_not_end_is_a_failure(seapod):
    with Http() as server:
        over = []

        def answer(request):
            request.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
            request.wfile.flush()
            eventually(lambda: over, seconds=20)
            return 200, {}, b""
        server.answer = answer
        seapod.apply(pod("web", container(readinessProbe=get(server)), **NET))
        told(seapod, "Unhealthy", "no result within 1s")
        over.append(True)


def test_a_named_port_on_the_pods_own_network(seapod):
    web = shell("mkdir /www; touch /www/index.html; exec httpd -f -p 8080 -h /www", ports=[{"name": "http", "containerPort": 8080}],
                readinessProbe={"httpGet": {"port": "http"}, **FAST}, livenessProbe={"tcpSocket": {"port": "http"}, **FAST})
    seapod.apply(pod("web", web))
    seapod.run("wait", "pod", "web", "--for=condition=Ready")
    assert seapod.restarts("web", "main") == 0


def test_a_port_without_a_name_cannot_be_tried(seapod):
    seapod.apply(pod("web", container(livenessProbe={"httpGet": {"port": "nosuch"}, **FAST}), **NET))
    told(seapod, "Unhealthy", "Liveness probe errored and resulted in unknown state: the container has no port called 'nosuch'")
    assert seapod.restarts("web", "main") == 0


def test_exec_runs_in_the_container_in_its_root_directory(seapod):
    probe = command("sh", "-c", "echo $(pwd) $WHO $(id -u); exit 3")
    seapod.apply(pod("web", container(workingDir="/tmp", env=[{"name": "WHO", "value": "me"}], securityContext={"runAsUser": 5},
                                      readinessProbe=probe), **NET))
    told(seapod, "Unhealthy", "Readiness probe failed: / me 5")


def test_exec_that_does_not_end_is_killed_with_all_it_has_started(seapod):
    seapod.apply(pod("web", container(readinessProbe=command("sh", "-c", "sleep 1234 & sleep 1235", periodSeconds=3600)), **NET))
    told(seapod, "Unhealthy", "no result within 1s")
    sleeping = "for p in /proc/[0-9]*; do tr '\\0' ' ' 2>/dev/null <$p/cmdline; echo; done | grep -c '^sleep 123' || true"
    eventually(lambda: seapod.sh("web", sleeping) == "0")


def test_exec_of_what_is_not_there_says_nothing_about_the_container(seapod):
    seapod.apply(pod("web", container(livenessProbe=command("/nosuch")), **NET))
    told(seapod, "Unhealthy", "Liveness probe errored")
    assert seapod.restarts("web", "main") == 0


def test_a_failed_liveness_probe_restarts_the_container(seapod):
    seapod.apply(pod("web", container(livenessProbe=command("test", "!", "-e", "/tmp/sick")), container("other"), **NET))
    seapod.sh("web", "touch /tmp/sick")
    eventually(lambda: seapod.restarts("web", "main") == 1 and is_ready(seapod))
    assert ("Killing", "Container main failed liveness probe, will be restarted") in events(seapod)
    assert seapod.status("web", "main")["lastState"]["terminated"]["exitCode"] == 0  # it heeds TERM
    assert seapod.restarts("web", "other") == 0


def test_a_failed_liveness_probe_ends_what_is_never_restarted(seapod):
    seapod.apply(pod("job", container(livenessProbe=command("false")), restartPolicy="Never", **NET))
    eventually(lambda: seapod.phase("job") == "Succeeded")
    assert ("Killing", "Container main failed liveness probe") in events(seapod, "job")


def test_the_probes_own_grace_period(seapod):
    deaf = shell("trap '' TERM; while :; do sleep 1; done", livenessProbe=command("false", terminationGracePeriodSeconds=1))
    seapod.apply(pod("web", deaf, terminationGracePeriodSeconds=600, **NET))
    eventually(lambda: seapod.restarts("web", "main") == 1)
    assert seapod.status("web", "main")["lastState"]["terminated"]["exitCode"] == 137
    seapod.delete("web", "--now")


def test_startup_holds_the_others_and_the_next_step(seapod):
    step = {"volumeMounts": [{"name": "v", "mountPath": "/v"}]}
    side = container("side", restartPolicy="Always", startupProbe=command("test", "-e", "/v/started", failureThreshold=60),
                     readinessProbe=command("touch", "/v/asked"), **step)
    seapod.apply(pod("web", initContainers=[side], volumes=[{"name": "v", "hostPath": {"path": seapod.dir}}], **NET), "--timeout", "100ms",
                 check=False)
    told(seapod, "Unhealthy", "Startup probe failed")
    assert not seapod.status("web", "side")["started"] and "waiting" in seapod.status("web", "main")["state"]
    assert "asked" not in seapod.sh("web", "ls /v", c="side").split()
    seapod.sh("web", "touch /v/started", c="side")
    seapod.run("wait", "pod", "web", "--for=condition=Ready")
    assert seapod.status("web", "side")["started"] and "asked" in seapod.sh("web", "ls /v", c="side").split()


def test_a_failed_startup_probe_restarts_the_container(seapod):
    seapod.apply(pod("web", container(startupProbe=command("false", failureThreshold=2)), **NET))
    eventually(lambda: seapod.restarts("web", "main") == 1)
    assert ("Killing", "Container main failed startup probe, will be restarted") in events(seapod)


def test_success_threshold(seapod):
    with Http() as server:
        seapod.apply(pod("web", container(readinessProbe={**get(server), "successThreshold": 3}), **NET))
        seapod.run("wait", "pod", "web", "--for=condition=Ready")
        assert len(server.requests) >= 3


def test_initial_delay(seapod):
    with Http() as late, Http() as soon:
        seapod.apply(pod("web", container("late", readinessProbe={**get(late), "initialDelaySeconds": 3600}),
                         container("soon", readinessProbe=get(soon)), **NET))
        eventually(lambda: is_ready(seapod, "web", "soon"))
        assert not is_ready(seapod, "web", "late") and not late.requests


def test_tcp(seapod):
    script = "while ! test -e /tmp/on; do sleep 0.02; done; while :; do nc -l -p 8080 </dev/null; done"
    seapod.apply(pod("web", shell(script, readinessProbe={"tcpSocket": {"port": 8080}, **FAST})))
    told(seapod, "Unhealthy", "Readiness probe failed: cannot connect to 10.")
    seapod.sh("web", "touch /tmp/on")
    seapod.run("wait", "pod", "web", "--for=condition=Ready")


def test_grpc(seapod):
    with Grpc() as server, Grpc(implemented=False) as bare, Http(address="0.0.0.0") as web:
        def probe(port, **more):
            return {"grpc": {"port": port, **more}, **FAST}
        seapod.apply(pod("web", container("whole", readinessProbe=probe(server.port)),
                         container("part", readinessProbe=probe(server.port, service="my.Service")),
                         container("bare", readinessProbe=probe(bare.port)), container("web", readinessProbe=probe(web.port)),
                         **NET))
        eventually(lambda: is_ready(seapod, "web", "whole") and is_ready(seapod, "web", "part"))
        assert b"" in server.asked and b"\x0a\x0amy.Service" in server.asked
        told(seapod, "Unhealthy", "this server does not implement the grpc health protocol")
        told(seapod, "Unhealthy", "the server does not speak gRPC")
        server.status = 2
        told(seapod, "Unhealthy", 'service unhealthy (responded with "NOT_SERVING")')
        eventually(lambda: not is_ready(seapod, "web", "whole"))


def test_events_are_counted_not_repeated(seapod):
    seapod.apply(pod("web", container(readinessProbe=command("false")), **NET))
    eventually(lambda: any(e["reason"] == "Unhealthy" and e["count"] >= 2 for e in seapod.events("web")))
    one = [e for e in seapod.events("web") if e["reason"] == "Unhealthy"]
    assert len(one) == 1 and one[0]["type"] == "Warning" and one[0]["involvedObject"]["fieldPath"] == "spec.containers{main}"


def test_readiness_gates_wait_for_a_condition_that_nobody_sets(seapod):
    seapod.apply(pod("web", readinessGates=[{"conditionType": "example.org/ready"}], **NET))
    eventually(lambda: is_ready(seapod))
    conditions = {c["type"]: c for c in seapod.status("web")["conditions"]}
    assert conditions["ContainersReady"]["status"] == "True" and conditions["Ready"]["status"] == "False"
    assert conditions["Ready"]["reason"] == "ReadinessGatesNotReady" and "example.org/ready" in conditions["Ready"]["message"]


@pytest.mark.parametrize("probe", [{"exec": {"command": ["true"]}, "tcpSocket": {"port": 1}}, {"periodSeconds": 1}])
def test_a_probe_has_one_handler(seapod, probe):
    assert "exactly one" in seapod.rejects(pod("web", container(livenessProbe=probe)))


def test_a_try_does_not_outlive_the_pod(seapod):
    """What is being tried at the end is let go; the fixture sees processes that stay."""
    seapod.apply(pod("web", container(readinessProbe=command("sleep", "99", timeoutSeconds=99)), **NET))
    keeper = seapod.keeper("web")
    eventually(lambda: len(seapod.children(keeper)) == 2)
    seapod.delete("web", "--now")


def test_a_pod_that_ends_is_as_ready_as_it_says(seapod):
    """kubelet: readiness is asked for until the end, liveness and startup are not; the sidecar's, too, while it waits for its turn."""
    said = lambda word, test: command("sh", "-c", f"echo {word} >> /v/log; {test}")
    hook = {"preStop": {"exec": {"command": ["sh", "-c", "while ! test -e /v/end; do sleep 0.05; done"]}}}
    mount = {"volumeMounts": [{"name": "v", "mountPath": "/v"}]}
    side = container("side", restartPolicy="Always", readinessProbe=said("side", "! test -e /v/busy"), **mount)
    main = container(readinessProbe=said("ready", "! test -e /v/busy"), livenessProbe=said("alive", "! test -e /v/busy"), lifecycle=hook, **mount)
    seapod.apply(pod("web", main, initContainers=[side], terminationGracePeriodSeconds=30, **NET,
                     volumes=[{"name": "v", "hostPath": {"path": seapod.dir}}]))
    ready = lambda: {c["type"]: (c["status"], c.get("reason")) for c in seapod.status("web")["conditions"]}["Ready"]
    log = lambda: open(seapod.dir + "/log").read().split()
    eventually(lambda: ready() == ("True", None) and "alive" in log())
    process = seapod.start("delete", "pod", "web")
    eventually(lambda: "deletionTimestamp" in seapod.get("web")["metadata"])
    before = log()
    assert ready() == ("True", None)
    open(seapod.dir + "/busy", "w").close()
    eventually(lambda: ready() == ("False", "ContainersNotReady") and not is_ready(seapod) and not is_ready(seapod, container="side"))
    after = log()[len(before):]
    assert "ready" in after and "side" in after and after.count("alive") <= 1  # one may have been under way
    open(seapod.dir + "/end", "w").close()
    assert process.wait(timeout=10) == 0


def test_a_pod_that_ends_before_it_has_started_is_asked_whether_it_is_ready(seapod):
    hook = {"preStop": {"exec": {"command": ["sleep", "2"]}}}
    seapod.apply(pod("web", container(startupProbe=command("false", failureThreshold=99), readinessProbe=command("true"), lifecycle=hook),
                     terminationGracePeriodSeconds=10, **NET))
    assert not seapod.status("web", "main")["started"]
    process = seapod.start("delete", "pod", "web")
    eventually(lambda: is_ready(seapod))
    assert process.wait(timeout=10) == 0


def test_a_pod_that_is_stopped_is_not_ready(seapod):
    hook = {"preStop": {"exec": {"command": ["sleep", "2"]}}}
    seapod.apply(pod("web", container(lifecycle=hook), terminationGracePeriodSeconds=10, **NET))
    process = seapod.start("stop", "web")
    ready = lambda: next(c for c in seapod.status("web")["conditions"] if c["type"] == "Ready")
    eventually(lambda: ready().get("reason") == "PodTerminating")
    assert process.wait(timeout=10) == 0


def probe_servers(seapod, keeper):
    """Processes that stay for the checks of a pod; not their copies, which have other descriptors for standard input."""
    found = []
    for pid in seapod.children(keeper):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                is_one = f.read() == b"seapod-probe\0serve\0"
            if is_one and os.readlink(f"/proc/{pid}/fd/2") == "/dev/null":
                found.append(int(pid))
        except OSError:
            pass
    return found


def test_one_process_that_is_nobody_stays_for_checks_by_tls(seapod):
    """It is started by the first such probe, replaced when it is gone, and ends with the keeper, however that ends."""
    with Http(tls=True) as server:
        seapod.apply(pod("web", container(readinessProbe=get(server, scheme="HTTPS")), container("b", livenessProbe=get(server, scheme="HTTPS")), **NET))
        eventually(lambda: is_ready(seapod) and len(server.requests) > 3)
        keeper = seapod.keeper("web")
        [first] = probe_servers(seapod, keeper)
        with open(f"/proc/{first}/status") as f:
            facts = dict(line.rstrip("\n").split(":\t", 1) for line in f)
        assert facts["Uid"].split() == ["65534"] * 4 and facts["Gid"].split() == ["65534"] * 4 and not facts["Groups"].strip()
        assert int(facts["CapEff"], 16) == int(facts["CapPrm"], 16) == 0 and facts["NoNewPrivs"] == "1"
        kill(first)
        asked = len(server.requests)
        eventually(lambda: len(server.requests) > asked + 3 and is_ready(seapod))
        [second] = probe_servers(seapod, keeper)
        assert second != first and seapod.restarts("web", "b") == 0
        kill(keeper)
        eventually(lambda: not os.path.exists(f"/proc/{second}/fd/0"))


def test_a_pod_without_checks_by_tls_has_no_process_for_them(seapod):
    with Http() as server:
        seapod.apply(pod("web", container(readinessProbe=get(server)), **NET))
        eventually(lambda: is_ready(seapod))
        assert probe_servers(seapod, seapod.keeper("web")) == []


def test_how_often_a_probe_tries(seapod):
    """Without periodSeconds the second try comes after 5 s at the earliest."""
    with Http() as server:
        seapod.apply(pod("web", container(readinessProbe={**get(server), "periodSeconds": 1}), **NET))
        eventually(lambda: len(server.requests) >= 4, seconds=4.5)


def test_how_often_in_a_row_it_must_fail(seapod):
    """Three times without failureThreshold."""
    with Http() as server:
        seapod.apply(pod("web", container(readinessProbe={**get(server), "failureThreshold": 5}), **NET))
        eventually(lambda: is_ready(seapod))
        server.answer = (500, {}, b"")
        before = len(server.requests)
        eventually(lambda: not is_ready(seapod))
        assert len(server.requests) - before >= 5


def test_how_long_a_try_may_take(seapod):
    """A second without timeoutSeconds."""
    seapod.apply(pod("web", container(readinessProbe=command("sleep", "1.5", timeoutSeconds=4)), container("b", readinessProbe=command("sleep", "1.5")), **NET))
    eventually(lambda: is_ready(seapod))
    assert not is_ready(seapod, container="b")
    told(seapod, "Unhealthy", "no result within 1s")
