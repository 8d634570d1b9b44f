"""Published ports: from other hosts, the host's own addresses, 127.0.0.1 and the pod itself; one owner a port."""
import json
import socket
import subprocess

import pytest

import world
from instance import BUSYBOX, container, eventually, pod, shell

pytestmark = pytest.mark.bridge
SERVE = "mkdir -p /tmp/w; echo $HOSTNAME > /tmp/w/index.html; exec httpd -f -p 80 -h /tmp/w"
ECHO_UDP = "exec nc -u -l -p 53 -s 0.0.0.0 -e cat"


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


def test_one_address_only(seapod):
    port = free_port()
    seapod.apply(server("web", port, hostIP="127.0.0.1"))
    eventually(lambda: fetch("127.0.0.1", port) == "web")
    assert fetch(world.HOST, port) is None
    assert fetch_from_other_host(world.HOST, port) == ""


def test_udp(seapod):
    port = free_port(socket.SOCK_DGRAM)
    seapod.apply(pod("dns", shell(ECHO_UDP, ports=[{"containerPort": 53, "hostPort": port, "protocol": "UDP"}])))

    def answer():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(0.3)
            s.sendto(b"ping\n", (world.HOST, port))
            return s.recv(10) == b"ping\n"
    eventually(answer)


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
    assert str(port) in said


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
    port = free_port()
    seapod.apply(server("web", port))
    eventually(lambda: fetch(world.HOST, port) == "web")
    subprocess.run(["nft", "delete", "table", "inet", seapod.table], check=True)
    assert fetch(world.HOST, port) is None
    seapod.run("network", "reload")
    assert fetch(world.HOST, port) == "web"
