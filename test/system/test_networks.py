"""Networks of one's own: made and removed, of every driver; who is on them, and who can reach whom."""
import json
import os
import subprocess

import pytest

import world
from instance import BUSYBOX, STAY, container, eventually, kill, pod, shell
from test_ports import SERVE, fetch, fetch_from_other_host, free_port, server

pytestmark = pytest.mark.bridge


def call(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def inspect(seapod, name):
    return json.loads(seapod.out("network", "inspect", name))


def on(networks, manifest, **notes):
    manifest["metadata"]["annotations"] = {"seapod.io/network": networks, **{f"seapod.io/{k}": v for k, v in notes.items()}}
    return manifest


def get(seapod, name, url):
    return seapod.sh(name, f"timeout 1 wget -qO- http://{url}/", check=False)


# --- made and removed

def test_create_ls_rm(seapod):
    assert seapod.out("network", "create", "front", "--subnet", "172.30.1.0/24") == "network/front created"
    assert ["front", "bridge", "172.30.1.0/24", "172.30.1.1"] in [line.split()[:4] for line in seapod.out("network", "ls").splitlines()]
    seapod.apply(on("front", pod("a")))
    assert seapod.ip("a") == "172.30.1.2"
    assert "in use by the pod 'a'" in seapod.fails("network", "rm", "front")
    seapod.delete("a", "--now")
    seapod.run("network", "rm", "front")
    assert "'front'" in seapod.rejects(on("front", pod("a")))


@pytest.mark.parametrize("options, says", [
    (["--subnet", "172.30.1.0/30"], "from /8 to /29"), (["--subnet", "172.30.1.5/24"], "no right subnet"), (["--subnet", "fd00::1/64"], "no right subnet6"),
    (["--subnet", "192.0.2.0/24"], "the host has a route over"), (["--subnet", "172.30.0.0/16"], "overlaps that of the network 'there'"),
    (["--subnet", "172.31.0.0/24", "--gateway", "10.0.0.1"], "no right gateway"), (["--subnet", "172.31.0.0/24", "--ip-range", "172.32.0.0/28"], "no right ipRange"),
    (["--driver", "vxlan"], "no driver 'vxlan'"), (["--driver", "macvlan", "--subnet", "172.31.0.0/24"], "needs a parent"),
    (["--driver", "macvlan", "--parent", "nosuch", "--subnet", "172.31.0.0/24"], "no link of this host"), (["--driver", "macvlan", "--parent", "eth0"], "needs the subnet"),
    (["--parent", "eth0"], "has no parent"), (["--mode", "l2"], "has no mode"),
])
def test_networks_that_are_wrong(seapod, options, says):
    seapod.run("network", "create", "there", "--subnet", "172.30.0.0/20")
    assert says in seapod.fails("network", "create", "new", *options)
    assert not os.path.exists(f"{seapod.root}/networks/new.json")


def test_names_that_are_wrong(seapod):
    for name, says in (("Front", "'Front'"), ("../x", "'../x'"), ("host", "meaning of its own"), ("none", "meaning of its own")):
        assert says in seapod.fails("network", "create", name)
    seapod.run("network", "create", "front")
    assert "already" in seapod.fails("network", "create", "front")


def test_a_static_address(seapod):
    seapod.run("network", "create", "front", "--subnet", "172.30.1.0/24", "--ip-range", "172.30.1.128/25")
    seapod.apply([on("front", pod("a"), ip="172.30.1.7"), on("front", pod("b"))])
    assert seapod.ip("a") == "172.30.1.7" and seapod.ip("b") == "172.30.1.128"
    assert "in use by the pod 'a'" in seapod.rejects(on("front", pod("c"), ip="172.30.1.7"))
    for wrong in ("172.30.1.1", "10.0.0.1"):
        assert "cannot be had" in seapod.rejects(on("front", pod("c"), ip=wrong))
    assert "no IPv4 address" in seapod.rejects(on("front", pod("c"), ip="x"))
    out = seapod.out("run", "--rm", "--net=front", "--ip", "172.30.1.9", BUSYBOX, "ip", "-4", "-o", "addr", "show", "eth0")
    assert "172.30.1.9/24" in out


# --- who reaches whom

def test_networks_are_apart(seapod):
    port = free_port()
    seapod.run("network", "create", "front")
    seapod.run("network", "create", "back")
    seapod.apply([on("front", server("web", port)), on("front", pod("near")), on("back", pod("far")), pod("default")])
    web = seapod.ip("web")
    eventually(lambda: get(seapod, "near", web) == "web")
    assert get(seapod, "far", web) == "" and get(seapod, "default", web) == ""
    assert get(seapod, "far", f"{world.HOST}:{port}") == "web", "a published port is for everybody"
    assert fetch(world.HOST, port) == "web" and fetch_from_other_host(world.HOST, port) == "web"
    assert seapod.exec("far", "ping", "-c", "1", "-W", "1", world.OTHER, check=False).returncode == 0


def test_an_internal_network(seapod):
    seapod.run("network", "create", "vault", "--internal")
    seapod.apply([on("vault", pod("db", shell(f"HOSTNAME=db; {SERVE}"))), on("vault", pod("client"))])
    eventually(lambda: get(seapod, "client", seapod.ip("db")) == "db")
    assert "default" not in seapod.sh("client", "ip route")
    gateway = inspect(seapod, "vault")["gateway"]
    seapod.apply(on("vault", pod("evil", container(securityContext={"privileged": True}))))
    seapod.sh("evil", f"ip route add default via {gateway}")
    assert seapod.exec("evil", "ping", "-c", "1", "-W", "1", world.OTHER, check=False).returncode != 0
    assert "internal" in seapod.rejects(on("vault", server("web", free_port())))


def test_a_pod_on_several_networks(seapod):
    seapod.run("network", "create", "front", "--subnet", "172.30.1.0/24")
    seapod.run("network", "create", "back", "--subnet", "172.30.2.0/24")
    seapod.apply(on("front,back", pod("both", shell(f"HOSTNAME=both; {SERVE}")), **{"default-route": "back", "ip": "back=172.30.2.9"}))
    seapod.apply([on("front", pod("f")), on("back", pod("b"))])
    assert seapod.status("both")["podIPs"] == [{"ip": "172.30.1.2"}, {"ip": "172.30.2.9"}]
    eventually(lambda: get(seapod, "f", "172.30.1.2") == "both")
    assert get(seapod, "b", "172.30.2.9") == "both" and get(seapod, "f", "172.30.2.9") == ""
    assert "default via 172.30.2.1 dev eth1" in seapod.sh("both", "ip route")
    assert "twice" in seapod.rejects(on("front,front", pod("x")))
    assert "not on the network" in seapod.rejects(on("front", pod("x"), **{"default-route": "back"}))
    kill(seapod.keeper("both"))  # a child of it, which heals the rules, may have its locks for a moment longer
    eventually(lambda: seapod.run("get", "pods") and
               [[e["pod"] for e in inspect(seapod, name)["endpoints"]] for name in ("front", "back")] == [["f"], ["b"]])


def test_run_on_two_networks_with_an_alias(seapod):
    seapod.run("network", "create", "front")
    seapod.run("run", "-d", "--name", "a", "--network", "bridge", "--network", "front", "--network-alias", "db", BUSYBOX, *STAY)
    assert [e["aliases"] for name in ("bridge", "front") for e in inspect(seapod, name)["endpoints"]] == [["db"], ["db"]]


# --- IPv6

def test_dual_stack(seapod):
    port = free_port()
    call("ip", "-6", "addr", "add", "2001:db8::2/64", "dev", "eth0", "nodad")
    world.on_other_host("ip", "-6", "addr", "add", "2001:db8::1/64", "dev", "eth0", "nodad")
    try:
        seapod.run("network", "create", "bridge", "--ipv6")
        serve = f"mkdir -p /tmp/w; echo web > /tmp/w/index.html; exec httpd -f -p [::]:80 -h /tmp/w"
        seapod.apply([pod("web", shell(serve, ports=[{"containerPort": 80, "hostPort": port}])), pod("client")])
        four, six = (each["ip"] for each in seapod.status("web")["podIPs"])
        assert six.startswith("fd") and "." in four
        eventually(lambda: get(seapod, "client", f"[{six}]") == "web")
        assert fetch(f"[{six}]", 80) == "web", "the host reaches its pods"
        assert fetch("[2001:db8::2]", port) == "web" and fetch_from_other_host("[2001:db8::2]", port) == "web"
        assert fetch_from_other_host(world.HOST, port) == "web"
        assert seapod.exec("client", "ping", "-6", "-c", "1", "-W", "1", "2001:db8::1", check=False).returncode == 0, "by the host's address"
        world.on_other_host("ip", "-6", "route", "add", six, "via", "2001:db8::2")
        assert fetch_from_other_host(f"[{six}]", 80) == "", "only published ports"
        call("nft", "delete", "table", "inet", seapod.table)
        call("ip", "link", "del", seapod.bridge)
        seapod.run("network", "reload")
        eventually(lambda: get(seapod, "client", f"[{six}]") == "web")
        assert fetch_from_other_host("[2001:db8::2]", port) == "web"
    finally:
        call("ip", "-6", "addr", "del", "2001:db8::2/64", "dev", "eth0")
        world.on_other_host("ip", "-6", "addr", "del", "2001:db8::1/64", "dev", "eth0")


def test_a_port_on_an_ipv6_address(seapod):
    port = free_port()
    call("ip", "-6", "addr", "add", "2001:db8::3/64", "dev", "eth0", "nodad")
    try:
        seapod.run("network", "create", "six", "--ipv6", "--subnet", "fd00:5ea:90d::/64")
        serve = "mkdir -p /tmp/w; echo web > /tmp/w/index.html; exec httpd -f -p [::]:80 -h /tmp/w"
        seapod.run("run", "-d", "--net=six", "-p", f"[2001:db8::3]:{port}:80", "--name", "web", BUSYBOX, "sh", "-c", serve)
        eventually(lambda: fetch("[2001:db8::3]", port) == "web")
        assert fetch(world.HOST, port) is None
        assert seapod.status("web")["podIPs"][1]["ip"] == "fd00:5ea:90d::2"
    finally:
        call("ip", "-6", "addr", "del", "2001:db8::3/64", "dev", "eth0")


def test_a_pod_cannot_send_under_another_ipv6_address(seapod):
    seapod.run("network", "create", "bridge", "--ipv6")
    serve = "mkdir -p /tmp/w; echo web > /tmp/w/index.html; exec httpd -f -p [::]:80 -h /tmp/w"
    seapod.apply([pod("web", shell(serve)), pod("victim"), pod("evil", container(securityContext={"privileged": True}))])
    web, victim, evil = (seapod.status(name)["podIPs"][1]["ip"] for name in ("web", "victim", "evil"))
    eventually(lambda: get(seapod, "evil", f"[{web}]") == "web")
    seapod.sh("evil", f"ip -6 addr del {evil}/128 dev eth0; ip -6 addr add {victim}/128 dev eth0")
    assert get(seapod, "evil", f"[{web}]") == ""


# --- other drivers

def test_a_routed_network(seapod):
    port = free_port()
    seapod.run("network", "create", "flat", "--driver", "routed", "--ipv6")
    seapod.apply([on("flat", server("web", port)), on("flat", pod("client")), on("flat", pod("evil", container(securityContext={"privileged": True}))), pod("other")])
    web = seapod.ip("web")
    eventually(lambda: get(seapod, "client", web) == "web")
    assert fetch(web, 80) == "web" and fetch(world.HOST, port) == "web" and fetch("127.0.0.1", port) == "web"
    assert fetch_from_other_host(world.HOST, port) == "web"
    assert get(seapod, "web", f"{world.HOST}:{port}") == "web", "hairpin"
    assert get(seapod, "other", web) == "" and "master" not in call("ip", "-o", "link", "show", inspect(seapod, "flat")["endpoints"][0]["link"])
    assert seapod.exec("client", "ping", "-c", "1", "-W", "1", world.OTHER, check=False).returncode == 0
    six = [e["address6"] for e in inspect(seapod, "flat")["endpoints"] if e["pod"] == "web"][0]
    assert seapod.exec("client", "ping", "-6", "-c", "1", "-W", "1", six, check=False).returncode == 0
    seapod.sh("evil", f"ip addr del {seapod.ip('evil')}/32 dev eth0; ip addr add {seapod.ip('client')}/32 dev eth0; ip route add default dev eth0", check=False)
    assert get(seapod, "evil", web) == "", "nobody forges addresses"
    for link in [e["link"] for e in inspect(seapod, "flat")["endpoints"] if e["pod"] == "web"]:
        call("ip", "link", "del", link)
    call("ip", "link", "del", inspect(seapod, "flat")["bridge"])
    assert "1 of 4 pods connected again" in seapod.out("network", "reload")
    eventually(lambda: get(seapod, "client", web) == "web")


def test_macvlan(seapod):
    seapod.run("network", "create", "lan", "--driver", "macvlan", "--parent", "eth0", "--subnet", "192.0.2.0/24", "--gateway", world.OTHER,
               "--ip-range", "192.0.2.128/25")
    seapod.apply([on("lan", pod("a")), on("lan", pod("b"))])
    a, b = seapod.ip("a"), seapod.ip("b")
    assert a.startswith("192.0.2.1") and a != b
    assert seapod.exec("a", "ping", "-c", "1", "-W", "1", b, check=False).returncode == 0
    assert world.on_other_host("busybox", "ping", "-c", "1", "-W", "1", a, check=False).returncode == 0
    assert "none of this host's own" in seapod.rejects(on("lan", server("web", free_port())))


def test_ipvlan(seapod):
    """As macvlan, where the kernel has it; a clear word where it has not."""
    seapod.run("network", "create", "lan", "--driver", "ipvlan", "--parent", "eth0", "--subnet", "192.0.2.0/24", "--ip-range", "192.0.2.128/25")
    done = seapod.run("run", "--rm", "--net=lan", BUSYBOX, "ping", "-c", "1", "-W", "1", world.OTHER, check=False)
    assert done.returncode == 0 or "this kernel has no ipvlan" in done.stderr


def test_ports_are_published_where_the_network_says(seapod):
    port = free_port()
    seapod.run("network", "create", "home", "--publish-at", "127.0.0.1")
    seapod.apply(on("home", server("web", port)))
    eventually(lambda: fetch("127.0.0.1", port) == "web")
    assert fetch(world.HOST, port) is None


def test_ports_in_a_row_are_one_element(seapod):
    first = 23000
    seapod.run("run", "-d", "--name", "web", "-p", f"{first}-{first + 100}:{first}-{first + 100}", BUSYBOX, "sh", "-c",
               f"mkdir -p /tmp/w; echo last > /tmp/w/index.html; exec httpd -f -p {first + 100} -h /tmp/w")
    eventually(lambda: fetch(world.HOST, first + 100) == "last")
    assert fetch_from_other_host(world.HOST, first + 100) == "last"
    rules = call("nft", "list", "map", "inet", seapod.table, "ranges")
    assert f"{first}-{first + 100}" in rules
    call("nft", "delete", "table", "inet", seapod.table)
    seapod.run("network", "reload")
    assert fetch(world.HOST, first + 100) == "last"
