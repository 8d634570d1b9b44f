"""Clauses of the OCI runtime specification: `netDevices` (config-linux.md "Network Devices")."""
import json
import os
import subprocess

import pytest

from oci_runtime import own

pytestmark = own  # runc has them since 1.4, crun since 1.24


def ip(*words):
    return subprocess.run(["ip", *words], check=True, stdout=subprocess.PIPE, text=True).stdout


@pytest.fixture
def device():
    """One half of a pair, with addresses of both families: a lasting one, one that ends, and one for the link only."""
    name = f"sp{os.getpid() % 100000}"
    ip("link", "add", name, "type", "veth", "peer", "name", "peer" + name)
    ip("link", "set", "peer" + name, "up")
    ip("link", "set", name, "mtu", "1400", "address", "02:00:00:00:00:07", "up")
    ip("address", "add", "192.0.2.77/25", "dev", name)
    ip("address", "add", "2001:db8::77/64", "dev", name, "nodad")
    ip("address", "add", "192.0.2.200/25", "dev", name, "valid_lft", "1000", "preferred_lft", "1000")
    yield name
    subprocess.run(["ip", "link", "del", "peer" + name], stderr=subprocess.DEVNULL)


def inside(oci):
    out = subprocess.run(["nsenter", "-t", str(oci.state()["pid"]), "-n", "ip", "-j", "address"], check=True, stdout=subprocess.PIPE, text=True)
    return {link["ifname"]: link for link in json.loads(out.stdout)}


def test_a_device_moves_with_its_addresses(oci, device):
    oci.config["linux"]["netDevices"] = {device: {}}
    oci.up()
    assert f" {device}@" not in ip("link")
    link = inside(oci)[device]
    assert link["mtu"] == 1400 and link["address"] == "02:00:00:00:00:07" and "UP" in link["flags"]
    assert {(a["local"], a["prefixlen"]) for a in link["addr_info"] if a["scope"] == "global"} == {("192.0.2.77", 25), ("2001:db8::77", 64)}


@pytest.mark.parametrize("wanted, got", [("eth0", "eth0"), ("eth%d", "eth0"), ("net%d", "net0")])
def test_a_device_is_renamed(oci, device, wanted, got):
    oci.config["linux"]["netDevices"] = {device: {"name": wanted}}
    oci.up()
    assert set(inside(oci)) == {"lo", got}


def test_it_comes_before_the_hooks(oci, device):
    oci.config["linux"]["netDevices"] = {device: {"name": "eth7"}}
    oci.config["hooks"] = {"createContainer": [{"path": "/bin/sh", "args": ["sh", "-c", f"ls /sys/class/net; ip link show eth7 >{oci.dir}/seen"],
                                                "env": ["PATH=/usr/bin:/bin:/usr/sbin:/sbin"]}]}
    oci.up()
    with open(oci.dir + "/seen") as f:
        assert "eth7" in f.read()


@pytest.mark.parametrize("change, words", [
    (lambda c, d: c.update(netDevices={"no-such-dev": {}}), ["linux.netDevices", "no-such-dev"]),
    (lambda c, d: c.update(netDevices={d: {"name": "lo"}}), ["linux.netDevices", "'lo' already"]),
    (lambda c, d: c.update(netDevices={d: {"name": "a/b"}}), ["linux.netDevices." , "not a name"]),
    (lambda c, d: c.update(netDevices={d: {"name": "%d%d"}}), ["linux.netDevices.", "'%'"]),
    (lambda c, d: c.update(netDevices={d: {"name": "x" * 16}}), ["linux.netDevices.", "1 to 15"]),
    (lambda c, d: c.update(netDevices={d: 7}), ["linux.netDevices.", "wanted a map"]),
    (lambda c, d: c.update(netDevices={d: {}}, namespaces=[n for n in c["namespaces"] if n["type"] != "network"]),
     ["linux.netDevices", "network namespace"]),
])
def test_what_cannot_be_moved_is_refused_and_stays(oci, device, change, words):
    change(oci.config["linux"], device)
    oci.refuses(*words)
    assert f" {device}@" in ip("link")
