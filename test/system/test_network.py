"""The network that pods are on: made once, made anew from files, full, crowded by the host's routes; and who can reach whom."""
import json
import os
import socket
import subprocess

import pytest

import world
from instance import BUSYBOX, STAY, container, eventually, kill, pod, shell
from test_ports import SERVE, fetch, fetch_from_other_host, free_port, server

pytestmark = pytest.mark.bridge


def call(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def inspect(seapod):
    return json.loads(seapod.out("network", "inspect", "bridge"))


def give_subnet(seapod, **facts):
    os.makedirs(f"{seapod.root}/networks", exist_ok=True)
    with open(f"{seapod.root}/networks/bridge.json", "w") as f:
        json.dump(facts, f)


def admin(name, script=None, **more):
    """A pod that may do with its own network what it likes."""
    return pod(name, container(command=["sh", "-c", script] if script else STAY,
                               securityContext={"capabilities": {"add": ["NET_ADMIN", "NET_RAW"]}}, **more))


# --- what it is

def test_ls_and_inspect(seapod):
    port = free_port()
    seapod.apply(server("web", port))
    lines = seapod.out("network", "ls").splitlines()
    facts = inspect(seapod)
    assert lines[0].split() == ["NAME", "DRIVER", "SUBNET", "GATEWAY", "LINK", "PODS"]
    assert lines[1].split() == ["bridge", "bridge", facts["subnet"], facts["gateway"], seapod.bridge, "1"]
    assert facts["bridgeExists"] and facts["rulesExist"]
    [endpoint] = facts["endpoints"]
    assert endpoint["pod"] == "web" and endpoint["address"] == seapod.ip("web") and endpoint["keeper"] == seapod.keeper("web")
    assert endpoint["ports"] == [{"protocol": "TCP", "hostPort": port, "containerPort": 80}]
    seapod.delete("web", "--now")
    assert inspect(seapod)["endpoints"] == []


def test_a_network_in_use_stays(seapod):
    seapod.apply(pod("web"))
    assert "web" in seapod.fails("network", "rm", "bridge")
    seapod.delete("web", "--now")
    seapod.run("network", "rm", "bridge")
    assert seapod.bridge not in call("ip", "-o", "link") and seapod.table not in call("nft", "list", "tables")
    seapod.apply(pod("web"))


def test_there_is_no_other_network(seapod):
    assert "'lan'" in seapod.fails("network", "inspect", "lan")
    assert "frobnicate" in seapod.fails("network", "frobnicate", code=2)


def test_many_make_it_at_once(seapod):
    started = [seapod.start("run", "--rm", "--name", f"p{i}", BUSYBOX, "ip", "-4", "-o", "addr", "show", "eth0") for i in range(6)]
    out = [process.communicate(timeout=60) for process in started]
    assert [process.returncode for process in started] == [0] * 6, out
    assert len({o.split("inet ")[1].split("/")[0] for o, _ in out}) == 6, out


def test_the_subnet_is_one_that_the_host_has_no_route_to(seapod):
    call("ip", "route", "add", "10.128.0.0/9", "dev", "eth0")
    call("ip", "route", "add", "10.100.0.0/15", "dev", "eth0")
    try:
        seapod.apply(pod("a"))
        assert 102 <= int(inspect(seapod)["subnet"].split(".")[1]) < 128
    finally:
        call("ip", "route", "del", "10.128.0.0/9")
        call("ip", "route", "del", "10.100.0.0/15")


def test_another_subnet_when_the_host_has_got_a_route_over_it(seapod):
    seapod.apply(pod("a"))
    subnet = inspect(seapod)["subnet"]
    seapod.delete("a", "--now")
    call("ip", "link", "del", seapod.bridge)
    call("ip", "route", "add", subnet, "dev", "eth0")
    try:
        seapod.apply(pod("a"))
        assert inspect(seapod)["subnet"] != subnet
    finally:
        call("ip", "route", "del", subnet)


def test_no_subnet_is_free(seapod):
    call("ip", "route", "add", "10.0.0.0/8", "dev", "eth0")
    try:
        assert "no subnet is free" in seapod.rejects(pod("a"))
        give_subnet(seapod, subnet="172.30.0.0/24", fixed=True)
        seapod.apply(pod("a"))
        assert seapod.ip("a").startswith("172.30.0.")
    finally:
        call("ip", "route", "del", "10.0.0.0/8")


@pytest.mark.parametrize("subnet", ["10.1.2.0", "10.1.2.0/30", "10.1.2.1/24", "fd00::/64", "", None])
def test_a_wrong_subnet(seapod, subnet):
    give_subnet(seapod, subnet=subnet)
    assert "bridge.json" in seapod.rejects(pod("a"))


def test_a_full_network(seapod):
    give_subnet(seapod, subnet="10.99.0.0/29", fixed=True)  # the network, the gateway, five pods, broadcast
    seapod.apply([pod(f"p{i}") for i in range(5)])
    assert "all 5 addresses of the network are in use" in seapod.rejects(pod("more"))
    given_back = seapod.ip("p2")
    seapod.delete("p2", "--now")
    seapod.apply(pod("more"))
    assert seapod.ip("more") == given_back


def test_the_mtu_is_that_of_the_way_out(seapod):
    call("ip", "link", "set", "eth0", "mtu", "1400")
    try:
        seapod.apply(pod("a"))
        assert seapod.sh("a", "cat /sys/class/net/eth0/mtu") == "1400"
        assert "mtu 1400" in call("ip", "link", "show", seapod.bridge)
    finally:
        call("ip", "link", "set", "eth0", "mtu", "1500")


# --- made anew

def working(seapod, port):
    """A published port answers, and pods reach each other and the host's neighbours."""
    return (fetch(world.HOST, port) == "web" and fetch_from_other_host(world.HOST, port) == "web" and
            seapod.sh("client", f"timeout 1 wget -qO- http://{seapod.ip('web')}/", check=False) == "web" and
            seapod.exec("client", "ping", "-c", "1", "-W", "1", world.OTHER, check=False).returncode == 0)


@pytest.fixture
def pair(seapod):
    seapod.port = free_port()
    seapod.apply([server("web", seapod.port), pod("client")])
    eventually(lambda: working(seapod, seapod.port))
    return seapod


def test_a_deleted_bridge(pair):
    call("ip", "link", "del", pair.bridge)
    assert not working(pair, pair.port)
    pair.run("network", "reload")
    eventually(lambda: working(pair, pair.port))


def test_a_deleted_veth(pair):
    [link] = [e["link"] for e in inspect(pair)["endpoints"] if e["pod"] == "web"]
    call("ip", "link", "del", link)
    assert not working(pair, pair.port)
    assert "1 of 2 pods connected again" in pair.out("network", "reload")
    eventually(lambda: working(pair, pair.port))


def test_all_of_it_deleted(pair):
    for command in ("ip link del " + pair.bridge, f"nft delete table inet {pair.table}", f"nft delete table bridge {pair.table}",
                    *("ip link del " + e["link"] for e in inspect(pair)["endpoints"]), "sysctl -w net.ipv4.ip_forward=0"):
        call(*command.split())
    pair.run("network", "reload")
    eventually(lambda: working(pair, pair.port))


@pytest.mark.parametrize("table", ["inet", "bridge"])
def test_a_deleted_table_heals_with_the_next_pod(pair, table):
    call("nft", "delete", "table", table, pair.table)
    pair.apply(pod("third"))
    assert working(pair, pair.port)


def test_a_deleted_bridge_heals_with_the_next_pod(pair):
    call("ip", "link", "del", pair.bridge)
    pair.apply(pod("third"))
    eventually(lambda: working(pair, pair.port))


def test_reload_changes_nothing_that_is_right(pair):
    def picture():
        return call("nft", "list", "ruleset"), call("ip", "-o", "addr"), call("ip", "neigh", "show", "nud", "permanent")
    before = picture()
    assert "2 pods" in pair.out("network", "reload")
    assert picture() == before


def test_what_a_killed_keeper_left_does_not_lead_to_the_next_pod(seapod):
    """Its address may be given to another pod; its published port is not that pod's."""
    give_subnet(seapod, subnet="10.99.0.0/29", fixed=True)
    port = free_port()
    seapod.apply(server("web", port))
    address = seapod.ip("web")
    eventually(lambda: fetch(world.HOST, port) == "web")
    kill(seapod.keeper("web"))
    eventually(lambda: seapod.bridge + "v" not in call("ip", "-o", "link") and seapod.bridge[:9] + "v" not in call("ip", "-o", "link"))
    for name in "abcde":
        seapod.apply(pod(name, shell("HOSTNAME=wrong; " + SERVE)))
        if seapod.ip(name) == address:
            break
    assert seapod.ip(name) == address
    eventually(lambda: fetch(address, 80) == "wrong")
    assert fetch(world.HOST, port) is None
    assert str(port) not in call("nft", "list", "table", "inet", seapod.table)


# --- who can reach whom

def test_other_hosts_reach_published_ports_only(seapod):
    port = free_port()
    seapod.apply(server("web", port))
    address = seapod.ip("web")
    eventually(lambda: fetch_from_other_host(world.HOST, port) == "web")
    world.on_other_host("ip", "route", "add", address, "via", world.HOST)
    try:
        ping = ("busybox", "ping", "-c", "1", "-W", "1")
        assert world.on_other_host(*ping, world.HOST, check=False).returncode == 0, "the program itself works"
        assert fetch_from_other_host(address, 80) == ""
        assert world.on_other_host(*ping, address, check=False).returncode != 0
    finally:
        world.on_other_host("ip", "route", "del", address)
    assert fetch(address, 80) == "web", "the host itself reaches its pods"


def test_a_pod_cannot_send_under_another_address(seapod):
    seapod.apply([server("web", free_port()), pod("victim"), admin("evil")])
    web, victim, evil = (seapod.ip(name) for name in ("web", "victim", "evil"))
    ask = f"timeout 1 wget -qO- http://{web}/"
    eventually(lambda: seapod.sh("evil", ask, check=False) == "web")
    seapod.delete("victim", "--now")  # even when nobody has it
    seapod.sh("evil", f"ip addr del {evil}/16 dev eth0; ip addr add {victim}/16 dev eth0; ip route add default via {web}")
    assert seapod.sh("evil", ask, check=False) == ""
    assert seapod.exec("evil", "arping", "-c", "1", "-w", "1", "-I", "eth0", "-s", victim, web, check=False).returncode != 0
    seapod.sh("evil", f"ip addr del {victim}/16 dev eth0; ip addr add {evil}/16 dev eth0")
    assert seapod.sh("evil", ask, check=False) == "web"
    seapod.sh("evil", "ip link set eth0 down; ip link set eth0 address 0a:58:01:02:03:04; ip link set eth0 up")
    assert seapod.sh("evil", ask, check=False) == ""


def test_a_pod_cannot_answer_for_another(seapod):
    """ARP: what the host knows of a pod's hardware address, and a pod of its gateway's, is not learnt from the network."""
    seapod.apply([server("web", free_port()), admin("evil")])
    web, gateway = seapod.ip("web"), inspect(seapod)["gateway"]
    eventually(lambda: fetch(web, 80) == "web")
    seapod.sh("evil", f"ip addr add {web}/16 dev eth0; ip addr add {gateway}/16 dev eth0; for i in 1 2 3; do "
                      f"arping -A -c 1 -I eth0 -s {web} {web}; arping -U -c 1 -I eth0 -s {gateway} {gateway}; done >/dev/null", check=False)
    assert fetch(web, 80) == "web"
    assert "PERMANENT" in call("ip", "neigh", "show", web)
    assert seapod.exec("web", "ping", "-c", "1", "-W", "1", world.OTHER, check=False).returncode == 0


def test_a_pod_does_not_reach_the_hosts_loopback(seapod):
    """route_localnet, which lets the host's 127.0.0.1 reach published ports, must not let pods reach the host's."""
    seapod.apply(pod("evil", container(securityContext={"privileged": True})))
    gateway = inspect(seapod)["gateway"]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        seapod.sh("evil", "sysctl -w net.ipv4.conf.all.route_localnet=1 >/dev/null; ip addr del 127.0.0.1/8 dev lo; "
                          f"ip route del local 127.0.0.0/8 table local; ip route add 127.0.0.1/32 via {gateway} dev eth0 src {seapod.ip('evil')}",
                  check=False)
        assert "via" in seapod.sh("evil", "ip route get 127.0.0.1", check=False)
        assert seapod.exec("evil", "nc", "-w", "1", "127.0.0.1", port, check=False).returncode != 0


def test_there_is_no_ipv6(seapod):
    seapod.apply(pod("a"))
    assert "inet6" not in seapod.sh("a", "ip addr show eth0")
    assert "inet6" not in call("ip", "addr", "show", seapod.bridge)
    with open(f"/proc/sys/net/ipv6/conf/{seapod.bridge}/disable_ipv6") as f:
        assert f.read().strip() == "1", "else a pod could announce itself to the host as a router"


def test_the_bridge_keeps_its_hardware_address(seapod):
    """By itself it would take the smallest of its ports', and pods would lose their gateway as others come and go."""
    def address():
        return json.loads(call("ip", "-j", "link", "show", seapod.bridge))[0]["address"]
    seapod.apply(pod("a"))
    before = address()
    for i in range(3):
        seapod.apply(pod(f"p{i}"))
        assert address() == before
