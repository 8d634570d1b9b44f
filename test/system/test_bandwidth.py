"""The Kubernetes annotations that limit a pod's bandwidth, measured."""
import json
import socket
import subprocess
import time

import pytest

import world
from instance import BUSYBOX, container, eventually, pod, shell

pytestmark = pytest.mark.bridge
SEND = "while :; do dd if=/dev/zero bs=64k count=400 2>/dev/null | nc -l -p 5001; done"
RECEIVE = "while :; do nc -l -p 5002 >/dev/null; done"


def limited(name, *containers, **limits):
    manifest = pod(name, *containers)
    manifest["metadata"]["annotations"] = {f"kubernetes.io/{way}-bandwidth": amount for way, amount in limits.items()}
    return manifest


def out_of(ip, seconds=1.5):
    """Mbit/s that come from a pod which sends."""
    with eventually(lambda: socket.create_connection((ip, 5001), timeout=5)) as s:
        total, begin = 0, time.monotonic()
        while time.monotonic() - begin < seconds and (data := s.recv(1 << 16)):
            total += len(data)
        return total * 8 / (time.monotonic() - begin) / 1e6


def into(ip, seconds=1.5):
    """Mbit/s that a pod takes. What waits in sockets and queues at the end is not much beside it."""
    with eventually(lambda: socket.create_connection((ip, 5002), timeout=5)) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 16)
        total, begin = 0, time.monotonic()
        while time.monotonic() - begin < seconds:
            total += s.send(bytes(1 << 14))
        return total * 8 / (time.monotonic() - begin) / 1e6


def test_into_a_pod_and_out_of_it(seapod):
    seapod.apply([limited("slow", shell(SEND, "send"), shell(RECEIVE, "receive"), ingress="20M", egress="40M"),
                  limited("free", shell(SEND, "send"), shell(RECEIVE, "receive"))])
    assert 25 < out_of(seapod.ip("slow")) < 50 and 12 < into(seapod.ip("slow")) < 30
    assert out_of(seapod.ip("free")) > 200 and into(seapod.ip("free")) > 200
    subprocess.run(["ip", "link", "del", seapod.bridge], check=True)
    for endpoint in json.loads(seapod.out("network", "inspect", "bridge"))["endpoints"]:
        subprocess.run(["ip", "link", "del", endpoint["link"]], check=True)
    seapod.run("network", "reload")
    assert 25 < out_of(seapod.ip("slow")) < 50 and 12 < into(seapod.ip("slow")) < 30


def test_on_a_routed_network(seapod):
    seapod.run("network", "create", "flat", "--driver", "routed")
    manifest = limited("slow", shell(SEND), egress="40M")
    manifest["metadata"]["annotations"]["seapod.io/network"] = "flat"
    seapod.apply(manifest)
    assert 25 < out_of(seapod.ip("slow")) < 50


@pytest.mark.parametrize("amount, says", [("fast", "'fast' is no number of bits a second"), ("999", "from 1k to 1P"), ("2P", "from 1k to 1P")])
def test_amounts_that_are_wrong(seapod, amount, says):
    assert says in seapod.rejects(limited("web", container(), egress=amount))
