"""Firewalls of the host beside Seapod's: what they block, how they are opened, and what `seapod system check` says of it."""
import contextlib
import json
import subprocess

import pytest

import world
from instance import eventually, pod
from test_ports import fetch, fetch_from_other_host, free_port, server

pytestmark = pytest.mark.bridge


def nft(text):
    subprocess.run(["nft", "-f", "-"], input=text, check=True, text=True)


@contextlib.contextmanager
def drop_policy():
    nft("table inet fw { chain forward { type filter hook forward priority filter; policy drop; ct state established,related accept; }; }")
    try:
        yield
    finally:
        nft("delete table inet fw")


@contextlib.contextmanager
def docker_rules():
    """What Docker leaves in iptables (iptables-nft): FORWARD drops, and asks DOCKER-USER first."""
    rules = ["-P FORWARD DROP", "-N DOCKER-USER", "-A FORWARD -j DOCKER-USER", "-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
             "-A DOCKER-USER -j RETURN"]
    for rule in rules:
        iptables(rule)
    try:
        yield
    finally:
        nft("delete table ip filter")


def iptables(rule):
    subprocess.run(["iptables-nft", *rule.split()], check=True)


def check(seapod, code):
    done = seapod.run("system", "check", "-o", "json", check=False)
    findings = json.loads(done.stdout)
    assert done.returncode == code, findings
    return findings


def firewall_problems(seapod):
    return [f for f in check(seapod, 1) if f["level"] == "problem" and f["subject"] == "firewall"]


def reaches_out(seapod, name):
    return seapod.exec(name, "ping", "-c", "1", "-W", "1", world.OTHER, check=False).returncode == 0


@pytest.mark.parametrize("firewall, opening", [
    (drop_policy, lambda link: nft(f"insert rule inet fw forward oifname {link} accept; insert rule inet fw forward iifname {link} accept")),
    (docker_rules, lambda link: [iptables(f"-I DOCKER-USER {way} {link} -j ACCEPT") for way in ("-o", "-i")]),
])
def test_another_table_drops_until_it_is_opened(seapod, firewall, opening):
    port = free_port()
    seapod.apply([server("web", port), pod("client")])
    eventually(lambda: fetch_from_other_host(world.HOST, port) == "web" and reaches_out(seapod, "client"))
    assert not [f for f in check(seapod, 0) if f["level"] == "problem"]
    with firewall():
        assert fetch_from_other_host(world.HOST, port) == "" and not reaches_out(seapod, "client")
        assert fetch(world.HOST, port) == "web", "what the host itself sends is not forwarded"
        said = firewall_problems(seapod)
        assert len(said) == 1 and seapod.bridge in said[0]["finding"] and seapod.bridge in said[0]["todo"]
        opening(seapod.bridge)
        assert fetch_from_other_host(world.HOST, port) == "web" and reaches_out(seapod, "client")
        assert [f["finding"] for f in check(seapod, 0) if f["subject"] == "firewall"][0].endswith("lets pods through")


def test_the_advice_is_what_helps(seapod):
    port = free_port()
    seapod.apply(server("web", port))
    eventually(lambda: fetch_from_other_host(world.HOST, port) == "web")
    with drop_policy():
        for command in firewall_problems(seapod)[0]["todo"].split("; "):
            subprocess.run(command.split(), check=True)
        assert fetch_from_other_host(world.HOST, port) == "web"


def test_a_firewall_sees_who_calls_and_can_refuse_him(seapod):
    """By the source address, and by the port of the pod or of the host (ct original)."""
    port, other = free_port(), free_port()
    seapod.apply([server("web", port), server("blog", other)])
    eventually(lambda: fetch_from_other_host(world.HOST, port) == "web" and fetch_from_other_host(world.HOST, other) == "blog")
    nft(f"table inet fw {{ chain forward {{ type filter hook forward priority filter; ip saddr {world.OTHER} meta l4proto tcp ct original proto-dst {port} counter drop; }}; }}")
    try:
        assert fetch_from_other_host(world.HOST, port) == "" and fetch_from_other_host(world.HOST, other) == "blog"
        assert fetch(world.HOST, port) == "web"
        assert "packets 0" not in subprocess.run(["nft", "list", "table", "inet", "fw"], check=True, stdout=subprocess.PIPE, text=True).stdout
    finally:
        nft("delete table inet fw")


def test_check_by_lines(seapod):
    out = seapod.out("system", "check")
    assert all(line.split()[0] in ("ok", "note") for line in out.splitlines()) and "nftables" in out
    with drop_policy():
        done = seapod.run("system", "check", check=False)
        assert done.returncode == 1 and " on this host stand" in done.stderr
        assert [line for line in done.stdout.splitlines() if line.startswith("problem")]
    seapod.fails("system", "check", "-o", "xml", code=2)
    seapod.fails("system", "info", "-o", "json", code=2)
