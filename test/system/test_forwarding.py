"""Services forward: from everywhere to ready pods, at once after each change, and never to a pod that is gone."""
import collections
import os
import socket
import subprocess
import threading
import time

import pytest

import world
from instance import container, eventually, kill, pod, shell
from test_networks import on
from test_ports import ECHO_UDP, fetch, fetch_from_other_host, free_port
from test_services import service, spec_of

pytestmark = pytest.mark.bridge
SERVE = "mkdir -p /tmp/w; echo $NAME > /tmp/w/index.html; touch /tmp/ready; exec httpd -f -p 8080 -h /tmp/w"
READY = {"exec": {"command": ["test", "-e", "/tmp/ready"]}, "periodSeconds": 1}


def backend(name, app="web", labels=None, **spec):
    """A pod that answers with its name on 8080, a port with the name http."""
    made = pod(name, shell(f"NAME={name}; {SERVE}", ports=[{"name": "http", "containerPort": 8080}]), **spec)
    made["metadata"]["labels"] = {"app": app, **(labels or {})}
    return made


def probed(name, **more):
    made = backend(name, **more)
    made["spec"]["containers"][0]["readinessProbe"] = {**READY, "initialDelaySeconds": 0}
    return made


def address(seapod, name="web"):
    return spec_of(seapod, name)["clusterIP"]


def who(address, port=80, times=24):
    """Who answers, and how often; None: nobody."""
    return collections.Counter(fetch(f"[{address}]" if ":" in address else address, port) for _ in range(times))


def inside(seapod, name, address, port=80):
    host = f"[{address}]" if ":" in address else address
    return seapod.sh(name, f"timeout 3 wget -qO- http://{host}:{port}/", check=False)


def refused(address, port=80):
    begin = time.monotonic()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((address, port), timeout=5)
    return time.monotonic() - begin


def names(*all):
    return set(all)


# --- an address

def test_it_spreads_over_its_pods(seapod):
    seapod.apply([service("web", {"app": "web"}, [{"port": 80, "targetPort": "http"}]), *[backend(f"p{i}") for i in range(3)], backend("other", app="db")])
    ip = address(seapod)
    eventually(lambda: set(who(ip, times=40)) == names("p0", "p1", "p2"))
    counts = who(ip, times=90)
    assert min(counts.values()) > 10, counts
    assert inside(seapod, "other", ip) in names("p0", "p1", "p2")
    assert {inside(seapod, "p0", ip) for _ in range(20)} == names("p0", "p1", "p2"), "hairpin: a pod by its own Service"


def test_without_pods_it_refuses_at_once(seapod):
    seapod.apply([service("web", {"app": "web"}), pod("client")])
    ip = address(seapod)
    assert refused(ip) < 1
    assert refused(ip, 81) < 1, "a port that the Service has not"
    begin = time.monotonic()
    assert seapod.exec("client", "nc", ip, "80", check=False).returncode != 0
    assert time.monotonic() - begin < 2


def test_a_pod_before_and_after_its_service(seapod):
    seapod.apply(backend("before"))
    seapod.apply(service("web", {"app": "web"}, [{"port": 80, "targetPort": 8080}]))
    ip = address(seapod)
    eventually(lambda: set(who(ip, times=3)) == {"before"})
    seapod.apply(backend("after"))
    eventually(lambda: set(who(ip)) == names("before", "after"))
    seapod.run("delete", "service", "web")
    assert fetch(ip, 80) is None
    assert fetch(seapod.ip("after"), 8080) == "after"


def test_readiness_decides(seapod):
    seapod.apply([service("web", {"app": "web"}, [{"port": 80, "targetPort": 8080}]), probed("a"), probed("b")])
    ip = address(seapod)
    eventually(lambda: set(who(ip)) == names("a", "b"))
    seapod.sh("a", "rm /tmp/ready")
    eventually(lambda: set(who(ip)) == {"b"})
    seapod.sh("a", "touch /tmp/ready")
    eventually(lambda: set(who(ip)) == names("a", "b"))


def test_publish_not_ready_addresses(seapod):
    seapod.apply([service("web", {"app": "web"}, [{"port": 80, "targetPort": 8080}], publishNotReadyAddresses=True), probed("a")])
    ip = address(seapod)
    eventually(lambda: set(who(ip, times=3)) == {"a"})
    seapod.sh("a", "rm /tmp/ready")
    eventually(lambda: seapod.out("get", "pod", "a").splitlines()[1].split()[1] == "0/1")
    assert set(who(ip, times=5)) == {"a"}


def test_named_ports_differ_from_pod_to_pod(seapod):
    one = backend("one")
    two = pod("two", shell("mkdir /tmp/w; echo two > /tmp/w/index.html; exec httpd -f -p 9090 -h /tmp/w", ports=[{"name": "http", "containerPort": 9090}]))
    without = pod("without", shell("exec httpd -f -p 8080 -h /tmp"))
    two["metadata"]["labels"] = without["metadata"]["labels"] = {"app": "web"}
    seapod.apply([service("web", {"app": "web"}, [{"port": 80, "targetPort": "http"}]), one, two, without])
    ip = address(seapod)
    eventually(lambda: set(who(ip)) == names("one", "two"))


def test_several_ports_and_a_change_of_them(seapod):
    seapod.apply([service("web", {"app": "web"}, [{"name": "a", "port": 80, "targetPort": 8080}, {"name": "b", "port": 81, "targetPort": "http"}]), backend("p")])
    ip = address(seapod)
    eventually(lambda: fetch(ip, 80) == fetch(ip, 81) == "p")
    seapod.apply(service("web", {"app": "web"}, [{"name": "a", "port": 82, "targetPort": 8080}, {"name": "b", "port": 81, "targetPort": 1}]))
    assert fetch(ip, 82) == "p"
    refused(ip, 80)
    assert fetch(ip, 81) is None, "nothing listens on the new target port"
    seapod.apply(service("web", {"app": "none"}, [{"name": "a", "port": 82, "targetPort": 8080}]))
    refused(ip, 82)


def test_labels_of_a_running_pod(seapod):
    seapod.apply([service("web", {"app": "web", "tier": "front"}, [{"port": 80, "targetPort": 8080}]), backend("p")])
    ip = address(seapod)
    eventually(lambda: fetch(seapod.ip("p"), 8080) == "p")
    refused(ip)
    seapod.apply(backend("p", labels={"tier": "front"}))
    eventually(lambda: fetch(ip, 80) == "p")
    seapod.apply(backend("p", labels={"tier": "back"}))
    eventually(lambda: fetch(ip, 80) is None)


def test_only_pods_of_its_namespace(seapod):
    other = backend("p")
    other["metadata"]["namespace"] = "elsewhere"
    seapod.apply([service("web", {"app": "web"}, [{"port": 80, "targetPort": 8080}]), other])
    eventually(lambda: seapod.get("p", namespace="elsewhere")["status"]["conditions"])
    refused(address(seapod))


def test_udp(web):
    image = "seapod.demo/node"
    ports = [{"port": 53, "protocol": "UDP", "targetPort": 53}]
    def node(name):
        made = pod(name, {"name": "main", "image": image, "command": ["node", "-e", ECHO_UDP], "env": [{"name": "NAME", "value": name}]})
        made["metadata"]["labels"] = {"app": "echo"}
        return made
    web.apply([service("echo", {"app": "echo"}, ports), node("a")])
    ip = address(web, "echo")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:  # one socket: for the kernel all of it is one flow
        s.settimeout(0.5)
        def ask():
            try:
                s.sendto(b"x", (ip, 53))
                return s.recv(100).decode()
            except (TimeoutError, ConnectionRefusedError):
                return None
        eventually(lambda: ask() == "a:x")
        web.apply(node("b"))
        eventually(lambda: web.out("get", "pod", "b").splitlines()[1].split()[2] == "Running")
        web.delete("a", "--now")
        eventually(lambda: ask() == "b:x", "the flow to follow to the pod that is left")


def test_host_network_and_other_networks(seapod):
    port = free_port()
    seapod.run("network", "create", "flat", "--driver", "routed")
    seapod.run("network", "create", "vault", "--internal")
    host = pod("host", shell(f"mkdir /tmp/w; echo host > /tmp/w/index.html; exec httpd -f -p {port} -h /tmp/w", ports=[{"name": "http", "containerPort": port}]), hostNetwork=True)
    host["metadata"]["labels"] = {"app": "web"}
    seapod.apply([service("web", {"app": "web"}, [{"port": 80, "targetPort": "http"}]), backend("bridged"), on("flat", backend("routed")), on("vault", backend("locked")), host])
    ip = address(seapod)
    everybody = names("bridged", "routed", "host")
    eventually(lambda: set(who(ip)) == everybody, "all but the pod of the internal network")
    for client in everybody:
        assert {inside(seapod, client, ip) for _ in range(24)} == everybody, client
    assert inside(seapod, "locked", ip) == ""


def test_ipv6_and_both(seapod):
    seapod.run("network", "create", "bridge", "--ipv6")
    ports = [{"port": 80, "targetPort": 8080}]
    seapod.apply([service("web", {"app": "web"}, ports, ipFamilyPolicy="PreferDualStack"), service("six", {"app": "web"}, ports, ipFamilies=["IPv6"], sessionAffinity="ClientIP"),
                  *[pod_ for pod_ in (backend("a"), backend("b"))]])
    four, six = spec_of(seapod, "web")["clusterIPs"]
    assert spec_of(seapod, "web")["ipFamilies"] == ["IPv4", "IPv6"] and ":" in six
    eventually(lambda: set(who(four)) == set(who(six)) == names("a", "b"))
    assert {inside(seapod, "a", six) for _ in range(16)} == names("a", "b")
    only = address(seapod, "six")
    assert len(who(only)) == 1 and None not in who(only), "session affinity"
    seapod.delete("a", "--now")
    seapod.delete("b", "--now")
    eventually(lambda: fetch(f"[{six}]", 80) is None)
    refused(six)


def test_prefer_dual_stack_without_ipv6_is_ipv4(bare):
    bare.apply(service("web", {"app": "web"}, ipFamilyPolicy="PreferDualStack"))
    assert spec_of(bare, "web")["ipFamilies"] == ["IPv4"]


# --- affinity

def test_clients_keep_their_pod(seapod):
    seapod.apply([service("web", {"app": "web"}, [{"port": 80, "targetPort": 8080}], sessionAffinity="ClientIP"), *[backend(f"p{i}") for i in range(3)]])
    ip = address(seapod)
    eventually(lambda: seapod.get("p2")["status"]["containerStatuses"][0]["ready"])
    mine = fetch(ip, 80)
    assert who(ip, times=12) == {mine: 12}
    seapod.delete(mine, "--now")
    eventually(lambda: fetch(ip, 80) not in (mine, None))
    assert len(who(ip, times=12)) == 1
    seapod.apply(backend("more"))
    assert len(who(ip, times=12)) == 1, "one more pod does not move a client"


def test_affinity_has_an_end(seapod):
    config = {"clientIP": {"timeoutSeconds": 1}}
    seapod.apply([service("web", {"app": "web"}, [{"port": 80, "targetPort": 8080}], sessionAffinity="ClientIP", sessionAffinityConfig=config), *[backend(f"p{i}") for i in range(4)]])
    ip = address(seapod)
    eventually(lambda: fetch(ip, 80))
    seen = set()

    def another():
        seen.add(fetch(ip, 80))
        time.sleep(1.2)
        return len(seen - {None}) > 1
    eventually(another, "a client that was away to be given another pod", seconds=20)


# --- the host's ports

def test_node_ports(seapod):
    seapod.apply([service("web", {"app": "web"}, [{"port": 80, "targetPort": 8080, "nodePort": 30080}], type="NodePort"), backend("a"), backend("b")])
    for ask in (lambda: fetch(world.HOST, 30080), lambda: fetch("127.0.0.1", 30080), lambda: fetch_from_other_host(world.HOST, 30080), lambda: inside(seapod, "a", world.HOST, 30080)):
        eventually(lambda: {ask() for _ in range(16)} == names("a", "b"))
    seapod.run("delete", "service", "web")
    refused(world.HOST, 30080)


def test_a_node_port_that_is_taken(seapod):
    seapod.apply(pod("holder", container(ports=[{"containerPort": 80, "hostPort": 30090}])))
    said = seapod.rejects(service("web", {"app": "web"}, [{"port": 80, "nodePort": 30090}], type="NodePort"))
    assert "30090/TCP" in said and "the pod 'holder'" in said
    with socket.create_server(("0.0.0.0", 30091)):
        said = seapod.rejects(service("web", {"app": "web"}, [{"port": 80, "nodePort": 30091}], type="NodePort"))
        assert "30091/TCP" in said and f"(process {os.getpid()})" in said
    seapod.apply(service("web", {"app": "web"}, [{"port": 80, "nodePort": 30092}], type="NodePort"))
    said = seapod.rejects(pod("late", container(ports=[{"containerPort": 80, "hostPort": 30092}])))
    assert "30092/TCP" in said and "the service 'default/web'" in said
    seapod.run("delete", "service", "web")
    seapod.apply(pod("late", container(ports=[{"containerPort": 80, "hostPort": 30092}])))


def test_external_addresses(seapod):
    seapod.apply([service("web", {"app": "web"}, [{"port": 80, "targetPort": 8080}], externalIPs=["198.51.100.7"]), backend("a")])
    eventually(lambda: fetch("198.51.100.7", 80) == "a")
    world.on_other_host("ip", "route", "add", "198.51.100.7", "via", world.HOST)
    try:
        assert fetch_from_other_host("198.51.100.7", 80) == "a"
        seapod.delete("a", "--now")
        eventually(lambda: fetch("198.51.100.7", 80) is None)
        refused("198.51.100.7")
    finally:
        world.on_other_host("ip", "route", "del", "198.51.100.7")


# --- at once, and whatever happens

def test_a_killed_keeper_is_nobodys_endpoint(seapod):
    """Those that watch are keepers, too: all but one are killed, the one that has the watch among them."""
    seapod.apply([service("web", {"app": "web"}, [{"port": 80, "targetPort": 8080}]), *[backend(f"p{i}") for i in range(5)]])
    ip = address(seapod)
    eventually(lambda: set(who(ip, times=50)) == names(*[f"p{i}" for i in range(5)]))
    for i in range(4):
        kill(seapod.keeper(f"p{i}"))
    eventually(lambda: set(who(ip, times=20)) == {"p4"}, seconds=2)
    kill(seapod.keeper("p4"))
    seapod.run("get", "pods")
    refused(ip)


def test_a_change_is_there_within_100_ms(seapod):
    """From what makes the pod unready (its container is killed) to the refusal; the median of some."""
    seapod.apply([service("web", {"app": "web"}, [{"port": 80, "targetPort": 8080}])])
    ip, took = address(seapod), []
    for _ in range(5):
        seapod.apply(backend("p", restartPolicy="Never"), "--wait=ready")
        eventually(lambda: fetch(ip, 80) == "p")
        pid = seapod.pid("p")
        begin = time.monotonic()
        kill(pid)
        while subprocess.run(["nft", "list", "map", "inet", f"{seapod.table}_services", "live"], stdout=subprocess.PIPE, text=True).stdout.count("elements"):
            assert time.monotonic() - begin < 5
        took.append(time.monotonic() - begin)
        seapod.delete("p", "--now")
    assert sorted(took)[2] < 0.1 * float(os.environ.get("SEAPOD_TEST_PATIENCE", "1")), took


def test_nobody_is_sent_to_a_pod_that_is_told_to_end(seapod):
    """From the moment on, and not when it has ended: a server may well answer for the whole of its grace period."""
    slow = backend("slow", terminationGracePeriodSeconds=5)  # httpd as process 1 does not heed TERM
    seapod.apply([service("web", {"app": "web"}, [{"port": 80, "targetPort": 8080}]), slow, backend("other")], "--wait=ready")
    ip = address(seapod)
    eventually(lambda: set(who(ip)) == names("slow", "other"))
    ending = seapod.start("delete", "pod", "slow")
    eventually(lambda: seapod.get("slow")["metadata"].get("deletionTimestamp"))
    assert set(who(ip, times=30)) == {"other"} and fetch(seapod.ip("slow"), 8080) == "slow"
    assert ending.wait() == 0


def test_a_rollout_under_load_fails_no_connection(seapod):
    """Pods come and go; one that goes is let finish what it has begun."""
    def one(name):
        made = backend(name)
        made["spec"]["containers"][0]["readinessProbe"] = {"tcpSocket": {"port": "http"}, "periodSeconds": 1}
        made["spec"]["containers"][0]["lifecycle"] = {"preStop": {"exec": {"command": ["sleep", "0.5"]}}}
        made["spec"]["terminationGracePeriodSeconds"] = 2
        return made
    seapod.apply([service("web", {"app": "web"}, [{"port": 80, "targetPort": 8080}]), one("v0"), one("w0")], "--wait=ready")
    ip, over, failures, done = address(seapod), threading.Event(), [], [0]
    eventually(lambda: len(who(ip)) == 2)

    def load():
        while not over.is_set():
            try:
                with socket.create_connection((ip, 80), timeout=3) as s:
                    s.sendall(b"GET / HTTP/1.0\r\n\r\n")
                    answer = b""
                    while part := s.recv(4096):
                        answer += part
                if b"200 OK" not in answer:
                    failures.append(answer)
            except OSError as e:
                failures.append(e)
            done[0] += 1
            time.sleep(0.002)
    clients = [threading.Thread(target=load) for _ in range(3)]
    for client in clients:
        client.start()
    for i in range(1, 5):
        for name in "vw":
            seapod.apply(one(f"{name}{i}"), "--wait=ready")
            seapod.delete(f"{name}{i - 1}")
    over.set()
    for client in clients:
        client.join()
    assert not failures and done[0] > 50, (done, failures[:3])


def test_reload_after_a_flush(seapod):
    seapod.apply([service("web", {"app": "web"}, [{"port": 80, "targetPort": 8080}], sessionAffinity="ClientIP"),
                  service("node", {"app": "web"}, [{"port": 80, "targetPort": 8080, "nodePort": 30080}], type="NodePort"), backend("a"), backend("b")], "--wait=ready")
    ip = address(seapod)
    eventually(lambda: {fetch(world.HOST, 30080) for _ in range(16)} == names("a", "b"))
    for flush in (["nft", "flush", "ruleset"], ["nft", "flush", "table", "inet", f"{seapod.table}_services"], ["nft", "delete", "table", "inet", f"{seapod.table}_services"],
                  ["ip", "route", "flush", "table", "main", "dev", "lo"]):
        subprocess.run(flush, check=True)
        seapod.run("network", "reload")
        assert fetch(ip, 80) in names("a", "b")
        assert {fetch(world.HOST, 30080) for _ in range(16)} == names("a", "b")


def test_nothing_is_left_when_the_last_service_goes(seapod):
    seapod.apply([service("web", {"app": "web"}, [{"port": 80, "targetPort": 8080}], sessionAffinity="ClientIP"), backend("a")])
    eventually(lambda: fetch(address(seapod), 80) == "a")
    seapod.run("delete", "service", "web")
    assert "_services" not in subprocess.run(["nft", "list", "tables"], stdout=subprocess.PIPE, text=True).stdout
    assert "dev lo" not in subprocess.run(["ip", "route"], stdout=subprocess.PIPE, text=True).stdout
    seapod.apply(service("web", {"app": "web"}, [{"port": 80, "targetPort": 8080}]))
    assert fetch(address(seapod), 80) == "a"
