"""Published ports: from other hosts, the host's own addresses, 127.0.0.1 and the pod itself; one owner a port."""
import json
import os
import socket
import subprocess
import sys
import time

import pytest

import world
from instance import BUSYBOX, SEAPOD, container, eventually, kill, pod, shell

pytestmark = pytest.mark.bridge
SERVE = "mkdir -p /tmp/w; echo $HOSTNAME > /tmp/w/index.html; exec httpd -f -p 80 -h /tmp/w"
ECHO_UDP = """
const s = require("dgram").createSocket("udp4");
s.on("message", (m, from) => s.send(process.env.NAME + ":" + m, from.port, from.address));
s.bind(53);
process.on("SIGTERM", () => process.exit());
"""


def free_port(kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_INET, kind) as s:
        s.bind(("0.0.0.0", 0))
        return s.getsockname()[1]


def server(name, port, **more):
    return pod(name, shell(f"HOSTNAME={name}; {SERVE}", ports=[{"containerPort": 80, "hostPort": port, **more}]))


def fetch(address, port):
    done = subprocess.run(["curl", "-sf", "--max-time", "2", f"http://{address}:{port}/"], stdout=subprocess.PIPE, text=True)
    return done.stdout.strip() if done.returncode == 0 else None


def fetch_from_other_host(address, port):
    return world.on_other_host("curl", "-sf", "--max-time", "2", f"http://{address}:{port}/", check=False).stdout.strip()


def test_from_every_side(seapod):
    port = free_port()
    seapod.apply(server("web", port))
    eventually(lambda: fetch(world.HOST, port) == "web", "the host's own address to answer")
    assert fetch_from_other_host(world.HOST, port) == "web"
    assert fetch("127.0.0.1", port) == "web"
    assert seapod.sh("web", f"wget -qO- http://{world.HOST}:{port}/") == "web", "hairpin: the pod by its published port"
    assert fetch(seapod.ip("web"), 80) == "web"


def test_of_a_sidecar(seapod):
    port = free_port()
    sidecar = shell(f"HOSTNAME=web; {SERVE}", "sidecar", ports=[{"containerPort": 80, "hostPort": port}], restartPolicy="Always")
    seapod.apply(pod("web", initContainers=[sidecar]))
    eventually(lambda: fetch(world.HOST, port) == "web")


def test_from_another_pod_by_the_hosts_address(seapod):
    port = free_port()
    seapod.apply([server("web", port), pod("client")])
    eventually(lambda: seapod.sh("client", f"wget -qO- http://{world.HOST}:{port}/", check=False) == "web")


def test_run_publishes_as_docker_does(seapod):
    port = free_port()
    seapod.run("run", "-d", "--name", "web", "-p", f"{port}:80", BUSYBOX, "sh", "-c", "HOSTNAME=web; " + SERVE)
    eventually(lambda: fetch(world.HOST, port) == "web")
    assert str(port) in seapod.out("ps")


def test_a_free_port_is_chosen_when_none_is_given(seapod):
    seapod.run("run", "-d", "--name", "web", "-p", "80", BUSYBOX, "sh", "-c", "HOSTNAME=web; " + SERVE)
    port = seapod.get("web")["spec"]["containers"][0]["ports"][0]["hostPort"]
    assert port > 0
    eventually(lambda: fetch(world.HOST, port) == "web")


def test_a_range(seapod):
    first = next(p for p in range(23000, 30000, 10) if all(fetch(world.HOST, p + i) is None for i in range(3)))
    serve = "for i in 0 1 2; do mkdir -p /tmp/$i; echo $i > /tmp/$i/index.html; httpd -p $((8000 + i)) -h /tmp/$i; done; exec sleep 99"
    seapod.run("run", "-d", "--name", "web", "-p", f"{first}-{first + 2}:8000-8002", BUSYBOX, "sh", "-c", serve)
    for i in range(3):
        eventually(lambda: fetch(world.HOST, first + i) == str(i))


def test_free_ports_of_one_address(seapod):
    seapod.run("run", "-d", "--name", "web", "-p", "127.0.0.1::80", "-p", "81-82", BUSYBOX, "sh", "-c", "HOSTNAME=web; " + SERVE)
    ports = seapod.get("web")["spec"]["containers"][0]["ports"]
    assert len({port["hostPort"] for port in ports}) == 3 and 0 not in {port["hostPort"] for port in ports}
    eventually(lambda: fetch("127.0.0.1", ports[0]["hostPort"]) == "web")
    assert fetch(world.HOST, ports[0]["hostPort"]) is None


def test_the_first_free_one_of_a_range(seapod):
    """As Docker has it: several ports of the host for one of the pod are a choice."""
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 23100))
        for name, port in (("first", 23101), ("second", 23102)):
            seapod.run("run", "-d", "--name", name, "-p", "23100-23102:80", BUSYBOX, "sh", "-c", f"HOSTNAME={name}; {SERVE}")
            assert seapod.get(name)["spec"]["containers"][0]["ports"][0]["hostPort"] == port
            eventually(lambda: fetch(world.HOST, port) == name)
        assert "each of the host ports 23100-23102/TCP is in use" in seapod.fails("run", "-d", "-p", "23100-23102:80", BUSYBOX, "true", code=125)
    seapod.run("stop", "-t", "0", "first")
    seapod.run("start", "first")
    assert seapod.get("first")["spec"]["containers"][0]["ports"][0]["hostPort"] == 23101


def test_all_that_the_image_exposes(seapod, tmp_path):
    (tmp_path / "Dockerfile").write_text(f"FROM {BUSYBOX}\nEXPOSE 80 53/udp 443\n")
    seapod.run("build", "-t", "exposing", tmp_path)
    seapod.run("run", "-d", "--name", "web", "-P", "-p", "24443:443", "exposing", "sh", "-c", "HOSTNAME=web; " + SERVE)
    ports = {(p["containerPort"], p["protocol"]): p["hostPort"] for p in seapod.get("web")["spec"]["containers"][0]["ports"]}
    assert set(ports) == {(80, "TCP"), (53, "UDP"), (443, "TCP")} and ports[443, "TCP"] == 24443 and ports[53, "UDP"] > 0
    eventually(lambda: fetch(world.HOST, ports[80, "TCP"]) == "web")


def test_nothing_is_published_of_the_hosts_network(seapod):
    done = seapod.run("run", "--rm", "--net=host", "-p", "8080:80", "-P", BUSYBOX, "echo", "hello")
    assert done.stdout == "hello\n" and "warning: with --net=host nothing is published" in done.stderr


def test_a_thousand_and_one_ports_are_one_element(seapod):
    """More than the keeper may have files open at first; and its containers' limit is what it was."""
    serve = "mkdir -p /tmp/w; echo last > /tmp/w/index.html; exec httpd -f -p 25000 -h /tmp/w"
    small = f"ulimit -Sn 256; exec {SEAPOD} run -d --name web -p 24000-25000:24000-25000 {BUSYBOX} sh -c '{serve}'"
    subprocess.run(["bash", "-c", small], env=seapod.env, check=True, stdout=subprocess.DEVNULL)
    eventually(lambda: fetch(world.HOST, 25000) == "last")
    ranges = json.loads(subprocess.run(["nft", "-j", "list", "map", "inet", seapod.table, "ranges"], check=True, stdout=subprocess.PIPE).stdout)
    assert len([entry["map"] for entry in ranges["nftables"] if "map" in entry][0]["elem"]) == 1
    assert seapod.sh("web", "ulimit -Sn") == "256"
    assert "24500/TCP is in use by the pod 'web'" in seapod.fails("run", "--rm", "-p", "24500:80", BUSYBOX, "true", code=125)


@pytest.mark.parametrize("port, says", [("::1:80:80", "brackets"), ("1-3:1-2", "3 ports of the host for 2"), ("http", "'http' is no number"),
                                        ("80:80/icmp", "no protocol 'icmp'"), ("1-5000", "at most 4096"), ("0:80", "no port 0"), (":80", "no host port"),
                                        ("80:", "after the ':'"), ("[::1:80:80", "no ']'"), ("65536", "more than 65535"), ("9-8", "ends before")])
def test_ports_that_are_wrong(seapod, port, says):
    assert says in seapod.fails("run", "--rm", "-p", port, BUSYBOX, "true", code=2)


def test_an_address_that_the_host_has_not(seapod):
    assert "198.51.100.7" in seapod.rejects(server("web", free_port(), hostIP="198.51.100.7"))
    assert "has IPv4 only" in seapod.rejects(server("web", free_port(), hostIP="::1"))


@pytest.mark.parametrize("mode", ["none", "container:owner"])
def test_ports_need_a_network_of_ones_own(seapod, mode):
    seapod.apply(pod("owner"))
    assert "published" in seapod.fails("run", "--rm", f"--net={mode}", "-p", "80", BUSYBOX, "true", code=125)


def test_sctp(seapod):
    """Published like the others where the kernel has it; a clear word where it has not."""
    manifest = pod("web", container(ports=[{"containerPort": 9, "hostPort": 9, "protocol": "SCTP"}]))
    try:
        socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_SCTP).close()
    except OSError:
        assert "this kernel has no SCTP" in seapod.rejects(manifest)
    else:
        seapod.apply(manifest)


def test_one_address_only(seapod):
    port = free_port()
    seapod.apply(server("web", port, hostIP="127.0.0.1"))
    eventually(lambda: fetch("127.0.0.1", port) == "web")
    assert fetch(world.HOST, port) is None
    assert fetch_from_other_host(world.HOST, port) == ""


def udp_server(name, port, **more):
    node = {"name": "main", "image": "seapod.demo/node", "command": ["node", "-e", ECHO_UDP], "env": [{"name": "NAME", "value": name}],
            "ports": [{"containerPort": 53, "hostPort": port, "protocol": "UDP", **more}]}
    return pod(name, node)


ASK_UDP = "import socket, sys; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(0.5); " \
          "s.sendto(b'hi', (sys.argv[1], int(sys.argv[2]))); print(s.recv(99).decode())"


def ask(address, port, run=subprocess.run):
    return run([sys.executable, "-c", ASK_UDP, address, str(port)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout.strip()


def ask_from_other_host(address, port):
    return world.on_other_host(sys.executable, "-c", ASK_UDP, address, str(port), check=False).stdout.strip()


def test_udp_from_every_side(web):
    port = free_port(socket.SOCK_DGRAM)
    web.apply(udp_server("dns", port))
    eventually(lambda: ask(world.HOST, port) == "dns:hi", "the host's own address to answer")
    assert ask_from_other_host(world.HOST, port) == "dns:hi"
    assert ask("127.0.0.1", port) == "dns:hi"
    itself = "const s = require('dgram').createSocket('udp4'); s.send('hi', %d, '%s'); s.on('message', m => { console.log('' + m); process.exit() }); " \
             "setTimeout(() => process.exit(1), 1000)"
    assert web.exec("dns", "node", "-e", itself % (port, world.HOST)).stdout.strip() == "dns:hi", "hairpin: the pod by its published port"


def test_udp_on_one_address_only(web):
    port = free_port(socket.SOCK_DGRAM)
    web.apply(udp_server("dns", port, hostIP="127.0.0.1"))
    eventually(lambda: ask("127.0.0.1", port) == "dns:hi")
    assert ask(world.HOST, port) == "" and ask_from_other_host(world.HOST, port) == ""


def test_a_udp_client_that_never_stops_follows_to_the_next_pod(web):
    """It has one socket, so for the kernel all it sends is one flow: which must not lead to nobody, or to a pod that is gone."""
    port = free_port(socket.SOCK_DGRAM)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(0.1)

        def answer():
            try:
                s.sendto(b"hi", (world.HOST, port))
                return s.recv(99).decode()
            except OSError:
                return ""
        assert answer() == ""
        for name in ("first", "second"):
            web.apply(udp_server(name, port))
            eventually(lambda: answer() == f"{name}:hi", f"{name} to answer")
            web.delete(name, "--now")


def test_tcp_and_udp_may_share_a_number(seapod):
    port = free_port()
    seapod.apply(pod("both", container(ports=[{"containerPort": 53, "hostPort": port, "protocol": "UDP"},
                                              {"containerPort": 53, "hostPort": port}])))
    assert seapod.phase("both") == "Running"


def test_a_taken_port_names_its_holder(seapod):
    port = free_port()
    seapod.apply(server("first", port))
    said = seapod.rejects(server("second", port))
    assert str(port) in said and "first" in said
    assert seapod.out("get", "pods", "-o", "name") == "pod/first"


def test_a_port_of_another_program_is_taken(seapod):
    with socket.socket() as s:
        s.bind(("0.0.0.0", 0))
        s.listen()
        port = s.getsockname()[1]
        said = seapod.rejects(server("web", port))
    assert str(port) in said and f"(process {os.getpid()})" in said


def test_a_pod_of_another_namespace_is_named_with_it(seapod):
    port = free_port()
    first = server("first", port)
    first["metadata"]["namespace"] = "blue"
    seapod.apply(first)
    assert "'blue/first'" in seapod.rejects(server("second", port))


def test_one_pod_asks_twice_for_a_port(seapod):
    ports = [{"containerPort": 80, "hostPort": 24680}, {"containerPort": 81, "hostPort": 24680}]
    assert "24680" in seapod.rejects(pod("web", container(ports=ports)), lines=None)


def test_late_packets_of_who_has_ended_keep_nobody_from_a_port(seapod):
    """Connections that a server has closed itself are remembered by the kernel for a minute (TIME_WAIT)."""
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("0.0.0.0", 0))
        s.listen()
        port = s.getsockname()[1]
        with socket.create_connection((world.HOST, port)) as client:
            s.accept()[0].close()
            client.recv(1)
    with open("/proc/net/tcp") as f:
        assert f":{port:04X} " in f.read(), "a connection in TIME_WAIT"
    seapod.apply(server("web", port))
    eventually(lambda: fetch(world.HOST, port) == "web")
    assert "'web'" in seapod.rejects(server("second", port))


def test_a_free_port_stays_the_pods_when_it_is_started_again(seapod):
    seapod.run("run", "-d", "--name", "web", "-p", "80", BUSYBOX, "sh", "-c", "HOSTNAME=web; " + SERVE)
    port = seapod.get("web")["spec"]["containers"][0]["ports"][0]["hostPort"]
    seapod.run("stop", "-t", "0", "web")
    assert fetch(world.HOST, port) is None
    seapod.run("start", "web")
    assert seapod.get("web")["spec"]["containers"][0]["ports"][0]["hostPort"] == port
    eventually(lambda: fetch(world.HOST, port) == "web")


def test_a_port_is_free_again_after_delete(seapod):
    port = free_port()
    for name in ("first", "second", "third"):
        seapod.apply(server(name, port))
        eventually(lambda: fetch(world.HOST, port) == name)
        seapod.delete(name, "--now")


def test_a_port_survives_its_containers_restart(seapod):
    port = free_port()
    seapod.apply(server("web", port))
    eventually(lambda: fetch(world.HOST, port) == "web")
    seapod.run("restart", "web")
    eventually(lambda: fetch(world.HOST, port) == "web")


def test_no_process_a_port(seapod):
    ports = [{"containerPort": 1000 + i, "hostPort": 21000 + i} for i in range(20)]
    before = len(world.descendants())
    seapod.apply(pod("many", container(command=["sleep", "99"], ports=ports)))
    assert len(world.descendants()) - before == 2  # the keeper and the container


def test_twenty_ports_are_twenty_elements_and_no_rules(seapod):
    def rules():
        out = subprocess.run(["nft", "-j", "list", "table", "inet", seapod.table], stdout=subprocess.PIPE, text=True).stdout
        return sum("rule" in entry for entry in json.loads(out)["nftables"])
    seapod.apply(pod("one", container(ports=[{"containerPort": 1, "hostPort": 20999}])))
    few = rules()
    seapod.apply(pod("many", container(ports=[{"containerPort": 1 + i, "hostPort": 21000 + i} for i in range(20)])))
    assert rules() == few


def test_a_flushed_rule_set_heals(seapod):
    """By command, and the table of the bridge family with it."""
    port = free_port()
    seapod.apply(server("web", port))
    eventually(lambda: fetch(world.HOST, port) == "web")
    subprocess.run(["nft", "delete", "table", "inet", seapod.table], check=True)
    seapod.run("network", "reload")
    assert fetch(world.HOST, port) == "web"


def listener(seapod):
    """The pid of the keeper that listens (net/rules_watch.h)."""
    with open(f"{seapod.run_dir}/networks/.watch", "rb") as f:
        return int.from_bytes(f.read(4), sys.byteorder)


def tables(seapod):
    out = subprocess.run(["nft", "list", "tables"], check=True, stdout=subprocess.PIPE, text=True).stdout
    return [line.split()[1] for line in out.splitlines() if line.split()[2] == seapod.table]


@pytest.mark.parametrize("flush", [["flush", "ruleset"], ["delete", "table", "inet"], ["delete", "table", "bridge"]])
def test_it_heals_by_itself(seapod, flush):
    port = free_port()
    seapod.apply(server("web", port))
    eventually(lambda: listener(seapod) == seapod.keeper("web"))
    eventually(lambda: fetch(world.HOST, port) == "web")
    subprocess.run(["nft", *flush, *([seapod.table] if "table" in flush else [])], check=True)
    eventually(lambda: sorted(tables(seapod)) == ["bridge", "inet"])
    assert fetch(world.HOST, port) == "web"
    assert "somebody has flushed" in seapod.keeper_log()


def test_it_heals_under_load(seapod):
    """Connections that there are go on; new ones wait for no more than a moment."""
    port = free_port()
    seapod.apply([server("web", port), *(pod(f"p{i}") for i in range(3))])
    eventually(lambda: os.path.exists(f"{seapod.run_dir}/networks/.watch") and fetch(world.HOST, port) == "web")
    load = subprocess.Popen([sys.executable, "-c", LOAD, world.HOST, str(port)], stdout=subprocess.PIPE, text=True)
    for _ in range(5):
        time.sleep(0.3)
        subprocess.run(["nft", "flush", "ruleset"], check=True)
        eventually(lambda: sorted(tables(seapod)) == ["bridge", "inet"])
    done, longest = load.communicate(timeout=20)[0].split()
    assert int(done) > 20 and float(longest) < 1, f"{done} answers; {longest} s without one"


LOAD = """
import socket, sys, time
end = time.monotonic() + 3
done, last, longest = 0, time.monotonic(), 0
while time.monotonic() < end:
    try:
        with socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=0.1) as s:
            s.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n")
            if b"200" in s.recv(99):
                done, now = done + 1, time.monotonic()
                last, longest = now, max(longest, now - last)
    except OSError:
        time.sleep(0.005)
print(done, round(max(longest, time.monotonic() - last), 2))
"""


def test_another_keeper_listens_when_the_first_has_ended(seapod):
    """In the order of their start, whatever they end of; and who comes late has all behind him."""
    port = free_port()
    seapod.apply(pod("a"))
    eventually(lambda: listener(seapod) == seapod.keeper("a"))
    seapod.apply([pod("b"), pod("c"), server("web", port)])
    keepers = {name: seapod.keeper(name) for name in ("a", "b", "c", "web")}
    time.sleep(1.3)  # they look for their place in the chain after a second
    kill(keepers["c"])
    seapod.delete("a", "--now")
    eventually(lambda: listener(seapod) in (keepers["b"], keepers["web"]))
    kill(keepers["b"])
    eventually(lambda: listener(seapod) == keepers["web"])
    subprocess.run(["nft", "flush", "ruleset"], check=True)
    eventually(lambda: fetch(world.HOST, port) == "web")
