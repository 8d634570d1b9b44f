"""Names that answer: the server that comes with the first pod, Kubernetes' records, short names, and what a server has to endure."""
import json
import os
import signal
import socket

import pytest

import world
from instance import container, eventually, pod
from names import asked_all_the_time, dig, name, status

pytestmark = pytest.mark.bridge


def gateway(seapod):
    return json.loads(seapod.out("network", "inspect", "bridge"))["gateway"]


def service(name, **spec):
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "default"}, "spec": spec}


def put(seapod, obj):
    """An object of the store, as `apply` leaves it there."""
    folder = f"{seapod.root}/objects/services/{obj['metadata']['namespace']}"
    os.makedirs(folder, mode=0o700, exist_ok=True)
    path = f"{folder}/{obj['metadata']['name']}.json"
    with open(folder + "/.new", "w") as f:
        json.dump(obj, f)
    os.rename(folder + "/.new", path)


def labelled(name, labels, *containers, **spec):
    made = pod(name, *containers, **spec)
    made["metadata"]["labels"] = labels
    return made


def answers(seapod, *words, server=None):
    """Asks until the server has come."""
    at = server or gateway(seapod)
    return eventually(lambda: dig(at, *words) or None, f"an answer to {words}")


@pytest.fixture
def on(seapod):
    """An instance whose pods have DNS."""
    seapod.run("dns", "on")
    yield seapod


def serve(seapod, *words):
    process = seapod.start("dns", "serve", *words)
    eventually(lambda: "running as a service" in seapod.out("dns", "status"), "the server")
    eventually(lambda: dig("127.0.0.56", "dns-version.cluster.local", "TXT") or "--zone" in words or "--port" in words)
    return process


# --- the server

def test_it_is_off_until_somebody_turns_it_on(seapod):
    seapod.apply(pod("web"))
    assert gateway(seapod) not in seapod.sh("web", "cat /etc/resolv.conf")
    assert seapod.out("dns", "status").splitlines() == ["pods:    off", "server:  not running"]


def test_it_comes_with_the_first_pod_and_goes_with_the_last(on):
    assert "not running" in on.out("dns", "status")
    on.apply([pod("a"), pod("b")])
    eventually(lambda: "running for pods (process " in on.out("dns", "status"))
    on.delete("a", "--now")
    assert on.ip("b") in eventually(lambda: on.sh("b", "nslookup -type=a b. 2>/dev/null | tail -2"))
    on.delete("b", "--now")
    eventually(lambda: "not running" in on.out("dns", "status"))
    on.apply(pod("c"))
    assert answers(on, "c.default.pod.cluster.local") == [on.ip("c")]


def test_resolv_conf(on):
    on.apply(pod("web"))
    lines = on.sh("web", "cat /etc/resolv.conf").splitlines()
    assert lines[0] == f"nameserver {gateway(on)}"
    assert lines[1].startswith("search default.svc.cluster.local svc.cluster.local cluster.local")
    assert lines[2] == "options ndots:5"


def test_another_zone_and_other_policies(seapod):
    seapod.run("dns", "on", "--zone", "pods.example")
    seapod.apply([pod("web"), pod("plain", dnsPolicy="Default"), pod("host", hostNetwork=True, dnsPolicy="ClusterFirstWithHostNet")])
    assert "search default.svc.pods.example svc.pods.example pods.example" in seapod.sh("web", "cat /etc/resolv.conf")
    assert "pods.example" not in seapod.sh("plain", "cat /etc/resolv.conf")
    assert "nameserver 127.0.0.56" in seapod.sh("host", "cat /etc/resolv.conf")
    assert answers(seapod, "web.default.pod.pods.example") == [seapod.ip("web")]


def test_serve_takes_over(on):
    on.apply(pod("web"))
    eventually(lambda: "running for pods" in on.out("dns", "status"))
    served = on.start("dns", "serve")
    eventually(lambda: "running as a service" in on.out("dns", "status"))
    assert answers(on, "web.default.pod.cluster.local") == [on.ip("web")]
    assert "runs already" in on.fails("dns", "serve")
    served.terminate()
    assert served.wait(10) == 0


@pytest.mark.parametrize("words, said, code", [
    (["frobnicate"], "no verb 'frobnicate'", 2), ([], "a verb", 2), (["serve", "--allow", "nonsense"], "'nonsense' is no network", 2),
    (["serve", "--upstream", "x:y:z"], "'x:y:z' is no address", 2), (["serve", "--zone", "a..b"], "'a..b' is no zone", 2),
    (["serve", "--listen", "198.51.100.300"], "'198.51.100.300' is no address", 2), (["serve", "--rate", "-1"], "'-1' is no number", 2),
    (["on", "--allow", "nonsense"], "'nonsense' is no network", 2),
])
def test_wrong_words(seapod, words, said, code):
    assert said in seapod.fails("dns", *words, code=code)


def test_the_port_of_another_program(seapod):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.56", 53))
        assert "cannot listen on port 53 of 127.0.0.56: " in seapod.fails("dns", "serve")


def test_a_server_that_is_killed_comes_with_the_next_pod(on):
    on.apply(pod("a"))
    pid = int(eventually(lambda: on.out("dns", "status").split("process ")[1:])[0].split(")")[0])
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: "not running" in on.out("dns", "status"))
    on.apply(pod("b"))
    assert answers(on, "a.default.pod.cluster.local") == [on.ip("a")]


# --- names

def test_pods_by_name_address_and_word(on):
    seapod = on
    seapod.apply([pod("web", container("nginx"), container("log")), pod("db", hostname="postgres")])
    answers(seapod, "db.default.pod.cluster.local")
    at, web, db = gateway(seapod), seapod.ip("web"), seapod.ip("db")
    assert dig(at, "web.default.pod.cluster.local") == [web]
    assert dig(at, web.replace(".", "-") + ".default.pod.cluster.local") == [web]
    assert dig(at, "-x", web) == ["web.default.pod.cluster.local."]
    for word, ip in (("web", web), ("nginx", web), ("db", db), ("postgres", db), ("main", db)):
        assert f"Address: {ip}" in seapod.sh("web", f"nslookup -type=a {word}."), word
    assert dig(at, "dns-version.cluster.local", "TXT") == ['"1.1.0"']
    assert dig("127.0.0.56", "WEB.default.Pod.CLUSTER.local") == [web]


def test_a_word_is_for_the_own_namespace(on):
    seapod = on
    there = pod("db")
    there["metadata"]["namespace"] = "prod"
    other = pod("web")
    other["metadata"]["namespace"] = "prod"
    seapod.apply([there, other, pod("web")])
    ip = seapod.get("db", namespace="prod")["status"]["podIP"]
    assert "NXDOMAIN" in seapod.sh("web", "nslookup -type=a db. 2>&1; true")
    assert ip in seapod.run("exec", "-n", "prod", "web", "--", "nslookup", "-type=a", "db.").stdout
    assert ip in seapod.sh("web", "nslookup -type=a db.prod.pod.cluster.local")


def test_a_pod_that_dies_has_no_name(on):
    seapod = on
    seapod.apply([pod("a"), pod("b")])
    at = gateway(seapod)
    assert dig(at, "a.default.pod.cluster.local")
    os.kill(seapod.keeper("a"), 9)
    eventually(lambda: not dig(at, "a.default.pod.cluster.local"), "the dead pod's name to go")
    assert dig(at, "b.default.pod.cluster.local")


def test_negative_answers_have_the_soa(on):
    seapod = on
    seapod.apply(pod("web"))
    at = gateway(seapod)
    for name, kind, code in (("nosuch.default.svc.cluster.local", "A", "NXDOMAIN"), ("web.default.pod.cluster.local", "AAAA", "NOERROR"),
                             ("default.pod.cluster.local", "A", "NOERROR")):
        got, flags, text = status(at, name, kind)
        assert got == code and "aa" in flags and "SOA\tns.dns.cluster.local." in text, text


def test_services(on):
    seapod = on
    put(seapod, service("web", clusterIP="10.96.0.10", clusterIPs=["10.96.0.10", "fd00::10"], selector={"app": "web"},
                        ports=[{"name": "http", "port": 80}, {"name": "dns", "port": 53, "protocol": "UDP"}, ]))
    put(seapod, service("db", clusterIP="None", selector={"app": "db"}, ports=[{"name": "sql", "port": 5432, "targetPort": "psql"}]))
    put(seapod, service("ext", type="ExternalName", externalName="web.default.svc.cluster.local"))
    db = {"ports": [{"name": "psql", "containerPort": 15432}]}
    seapod.apply([labelled("db-0", {"app": "db"}, container(**db), hostname="db-0", subdomain="db"), labelled("db-1", {"app": "db"}, container(**db))])
    at, zone = gateway(seapod), "default.svc.cluster.local"
    ips = [seapod.ip("db-0"), seapod.ip("db-1")]
    assert dig(at, f"web.{zone}") == ["10.96.0.10"] and dig(at, f"web.{zone}", "AAAA") == ["fd00::10"]
    assert dig(at, f"_http._tcp.web.{zone}", "SRV") == [f"0 100 80 web.{zone}."]
    assert dig(at, f"_dns._udp.web.{zone}", "SRV") == [f"0 100 53 web.{zone}."]
    assert dig(at, "-x", "10.96.0.10") == [f"web.{zone}."] and dig(at, "-x", "fd00::10") == [f"web.{zone}."]
    assert dig(at, f"ext.{zone}") == ["10.96.0.10", f"web.{zone}."]
    eventually(lambda: dig(at, f"db.{zone}") == sorted(ips), "both endpoints")
    assert dig(at, f"db-0.db.{zone}") == ips[:1]
    second = ips[1].replace(".", "-")
    assert dig(at, f"_sql._tcp.db.{zone}", "SRV") == sorted([f"0 50 15432 db-0.db.{zone}.", f"0 50 15432 {second}.db.{zone}."])
    assert f"db-0.db.{zone}." in dig(at, "-x", ips[0])
    seapod.delete("db-1", "--now")
    eventually(lambda: dig(at, f"db.{zone}") == ips[:1], "the endpoint to go")
    os.unlink(f"{seapod.root}/objects/services/default/db.json")
    eventually(lambda: status(at, f"db.{zone}")[0] == "NXDOMAIN", "the service to go")


def test_answers_rotate(on):
    seapod = on
    put(seapod, service("all", clusterIP="None", selector={"app": "x"}))
    seapod.apply([labelled(f"x{i}", {"app": "x"}) for i in range(3)])
    at = gateway(seapod)
    eventually(lambda: len(dig(at, "all.default.svc.cluster.local")) == 3)
    first = {dig(at, "all.default.svc.cluster.local", ordered=True)[0] for _ in range(9)}
    assert len(first) == 3


# --- who may ask, and what a server has to endure

def test_strangers_are_refused(on):
    seapod = on
    serve(seapod, "--listen", world.HOST)
    ask = ["dig", "+tries=1", "+time=1", f"@{world.HOST}", "dns-version.cluster.local", "TXT"]
    answered = [world.on_other_host(*ask, check=False).stdout for _ in range(2)]
    assert all("status: REFUSED" in a and "1.1.0" not in a for a in answered)


def test_who_is_allowed_is_answered(on):
    seapod = on
    serve(seapod, "--listen", world.HOST, "--allow", world.OTHER + "/32", "--zone", "pods.example")
    assert "1.1.0" in world.on_other_host("dig", f"@{world.HOST}", "dns-version.pods.example", "TXT").stdout


def test_packets_that_are_none(on):
    seapod = on
    seapod.apply(pod("web"))
    at = gateway(seapod)
    header = bytes.fromhex("123401000001000000000000")
    question = bytes.fromhex("03776562000001 0001".replace(" ", ""))
    packets = [b"", b"\x00", header[:11], header, header + b"\xc0\x0c\x00\x01\x00\x01", header + b"\x3fweb", header + question[:-1], b"\xff" * 600,
               header + b"\xc0\x0e\xc0\x0c\x00\x01\x00\x01", header[:4] + b"\xff\xff" + header[6:] + question,
               header[:2] + b"\x81" + header[3:] + question, header + question + b"\x00\x00\x29\xff\xff\x00\x01\x00\x00\x00\x00",
               header[:10] + b"\x00\x01" + question + b"\x00\x00\x29\x10\x00\x00\x00\x00\x00\x00\x04\x00\x0a\x00\x08"]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        for packet in packets:
            s.sendto(packet, (at, 53))
    for packet in packets:
        with socket.create_connection((at, 53), timeout=5) as s:
            s.sendall(len(packet).to_bytes(2, "big") + packet)
    with socket.create_connection((at, 53), timeout=5) as s:
        s.sendall(b"\xff\xff" + b"\x00" * 100)
    assert dig(at, "web.default.pod.cluster.local") == [seapod.ip("web")]
    assert dig(at, "web.default.pod.cluster.local", "+tcp") == [seapod.ip("web")]


def test_one_client_does_not_take_all_connections(on):
    """Who says a byte now and then holds a connection for as long as it likes."""
    seapod = on
    seapod.apply(pod("web"))
    at, name = gateway(seapod), "web.default.pod.cluster.local"
    answers(seapod, name)
    held = []
    try:
        for _ in range(300):
            held.append(socket.create_connection((at, 53), timeout=5, source_address=("127.0.0.9", 0)))
        for _ in range(3):
            assert dig(at, name, "+tcp") == [seapod.ip("web")]
    finally:
        for s in held:
            s.close()
    assert dig(at, name, "+tcp", "-b", "127.0.0.9") == [seapod.ip("web")]


def test_the_servers_lock_is_roots(on):
    """A lock for reading, which anybody may take who may read, would keep the server from starting."""
    on.apply(pod("web"))
    answers(on, "web.default.pod.cluster.local")
    assert os.stat(on.run_dir + "/dns").st_mode & 0o077 == 0


def test_edns_and_its_errors(on):
    seapod = on
    seapod.apply(pod("web"))
    at, name = gateway(seapod), "web.default.pod.cluster.local"
    assert "BADVERS" in status(at, name, "+edns=1", "+noednsneg")[0]
    assert "NOTIMP" in status(at, name, "+opcode=NOTIFY")[0]
    assert "Transfer failed" in status(at, "cluster.local", "AXFR")[2]
    assert "COOKIE: " in status(at, name, "+cookie")[2] and "(good)" in status(at, name, "+cookie")[2]
    assert "EDNS" not in status(at, name, "+noedns")[2]


def test_what_is_too_long_comes_by_tcp(on):
    seapod = on
    seapod.apply(pod("web"))
    for i in range(60):
        put(seapod, service(f"s{i}", clusterIP=f"10.96.1.{i}"))
    put(seapod, service("many", clusterIP="x", clusterIPs=[f"10.97.0.{i}" for i in range(120)]))
    at = gateway(seapod)
    eventually(lambda: len(dig(at, "many.default.svc.cluster.local")) == 120, "all addresses, by TCP")
    assert "tc" in status(at, "many.default.svc.cluster.local", "+ignore")[1]


# --- changes

def test_no_lookup_fails_while_everything_changes(seapod):
    """One name is asked for all the time, as fast as it is answered, while Services and pods come and go."""
    put(seapod, service("steady", clusterIP="10.96.0.1"))
    serve(seapod)
    eventually(lambda: dig("127.0.0.56", "steady.default.svc.cluster.local") == ["10.96.0.1"])
    with asked_all_the_time("127.0.0.56", "steady.default.svc.cluster.local", "10.96.0.1"):
        for i in range(1000):
            put(seapod, service(f"s{i}", clusterIP=f"10.97.{i // 250}.{i % 250}"))
        for i in range(10):
            seapod.apply(pod(f"p{i}"))
        for i in range(1000):
            os.unlink(f"{seapod.root}/objects/services/default/s{i}.json")
        for i in range(10):
            seapod.delete(f"p{i}", "--now")
        eventually(lambda: dig("127.0.0.56", "s999.default.svc.cluster.local") == [], "the last change to be seen")


def test_services_as_they_are_applied(seapod):
    made = labelled("web", {"app": "web"})
    seapod.apply([service("web", selector={"app": "web"}, ports=[{"name": "http", "port": 80}]),
                  service("all", clusterIP="None", selector={"app": "web"}, ports=[{"name": "http", "port": 80}]), made])
    serve(seapod)
    ip = seapod.get("web", kind="services")["spec"]["clusterIP"]
    eventually(lambda: dig("127.0.0.56", "web.default.svc.cluster.local") == [ip])
    eventually(lambda: dig("127.0.0.56", "all.default.svc.cluster.local") == [seapod.ip("web")])
    assert dig("127.0.0.56", "_http._tcp.web.default.svc.cluster.local", "SRV") == ["0 100 80 web.default.svc.cluster.local."]
    seapod.run("delete", "service", "web")
    eventually(lambda: status("127.0.0.56", "web.default.svc.cluster.local")[0] == "NXDOMAIN")


def test_a_pod_asks_at_the_gateway_of_its_own_network(on):
    on.run("network", "create", "front", "--subnet", "172.30.9.0/24")
    on.apply([pod("web"), {**pod("far"), "metadata": {"name": "far", "annotations": {"seapod.io/network": "front"}}}])
    assert "nameserver 172.30.9.1" in on.sh("far", "cat /etc/resolv.conf")
    assert f"nameserver {gateway(on)}" in on.sh("web", "cat /etc/resolv.conf")
    eventually(lambda: on.ip("far") in on.sh("far", "nslookup far.", check=False), "its own name; busybox only looks below the search path without the dot")


# --- networks of their own

def test_a_word_is_for_those_on_the_same_network(on):
    """As Docker's DNS has it: whom one cannot reach, one does not hear of; who is on both is known to each by the address that is there."""
    seapod = on
    for network in ("front", "back"):
        seapod.run("network", "create", network)

    def place(name, networks, aliases=""):
        made = pod(name)
        made["metadata"]["annotations"] = {"seapod.io/network": networks, "seapod.io/aliases": aliases}
        return made
    seapod.apply([place("web", "front"), place("db", "back", "sql,cache"), place("proxy", "front,back", "gate")])
    ips = [ip["ip"] for ip in seapod.status("proxy")["podIPs"]]
    try:
        assert seapod.ip("db") in eventually(lambda: seapod.sh("proxy", "nslookup -type=a db. 2>&1; true")), "it is on back, too"
        for word, known in (("proxy", True), ("gate", True), ("db", False), ("sql", False)):
            said = seapod.sh("web", f"nslookup -type=a {word}. 2>&1; true")
            assert (ips[0] in said and ips[1] not in said) if known else "NXDOMAIN" in said, (word, said)
        said = seapod.sh("db", "nslookup -type=a gate. 2>&1; true")
        assert ips[1] in said and ips[0] not in said
        assert seapod.ip("db") in seapod.sh("proxy", "nslookup -type=a cache. 2>&1; true")
        assert dig("127.0.0.56", "db.default.pod.cluster.local") == [seapod.ip("db")], "whole names are the same for all"
    finally:
        for name in ("web", "db", "proxy"):
            seapod.delete(name, "--now")
        for network in ("front", "back"):
            seapod.run("network", "rm", network)
