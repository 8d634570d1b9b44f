"""Killed at any step, a thousand times: then nothing is claimed that is not in use. `make campaign` has N=1000; the suite has fewer."""
import json
import os
import random
import signal
import subprocess
import time

import pytest

import leaks
import world
from instance import BUSYBOX, eventually, pod, shell

pytestmark = pytest.mark.bridge
N = int(os.environ.get("SEAPOD_CAMPAIGN", "40"))
SEED = int(os.environ.get("SEAPOD_CAMPAIGN_SEED", "0")) or random.randrange(1 << 30)
STAY = "trap 'exit 0' TERM; sleep 3600 & wait"


def victim(i, dice):
    """A pod that claims all there is: a name, addresses on two networks, ports, a cgroup, mounts, links."""
    first = 26000 + 40 * (i % 50)
    ports = [{"containerPort": 80, "hostPort": first}, {"containerPort": 53, "hostPort": first + 1, "protocol": "UDP"},
             *({"containerPort": first + j, "hostPort": first + j} for j in range(2, 6))]
    manifest = pod(f"p{i % 50}", shell(STAY, ports=ports, volumeMounts=[{"name": "v", "mountPath": "/v"}]), volumes=[{"name": "v", "emptyDir": {}}])
    manifest["metadata"]["annotations"] = {"seapod.io/network": dice.choice(["bridge", "bridge,back", "flat"])}
    return manifest


def keepers():
    return [pid for pid, (state, line) in world.descendants().items() if line.startswith("seapod-keeper") and state != "Z"]


def strike(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def step(seapod, i, dice):
    """Begins something, and kills who does it, or a keeper, at some moment of it."""
    what = dice.choice(["apply", "apply", "apply", "delete", "stop", "start", "run"])
    name = f"p{i % 50}"
    if what == "apply":
        process = seapod.start("apply", "-f", "-", stdin=subprocess.PIPE)
        process.stdin.write(json.dumps(victim(i, dice)))
        process.stdin.close()
        process.stdin = None
    elif what == "run":
        process = seapod.start("run", "--rm", "--name", name, "-p", "80", BUSYBOX, "true")
    else:
        process = seapod.start(*{"delete": ("delete", "pod", name, "--now"), "stop": ("stop", "-t", "0", name), "start": ("start", name)}[what])
    time.sleep(dice.uniform(0, 0.03) if dice.random() < 0.8 else 0.1)
    target = dice.choice(["cli", "keeper", "both", "nobody"])
    if target in ("cli", "both"):
        process.kill()
    if target in ("keeper", "both"):
        for pid in dice.sample(found, 1) if (found := keepers()) else []:
            strike(pid)
    try:
        process.wait(timeout=20)
    finally:
        seapod.started.remove(process)
        for pipe in (process.stdout, process.stderr):
            pipe.close()


def claimed(seapod):
    """What of the instance is held: addresses, elements of rules, links, names."""
    held = [path for path in leaks.locks(seapod.root, seapod.run_dir) if "/networks/" in path or "/names/" in path]
    elements = [e for e in leaks.firewall() if e.startswith("element of " + seapod.table) and any(f"/{m}" in e for m in ("ports", "ranges", "pods", "self"))]
    bridges = {seapod.bridge, *(json.loads(seapod.out("network", "inspect", n))["bridge"] for n in ("bridge", "back", "flat"))}
    return held + elements + [link for link in leaks.links() if link.startswith(seapod.bridge[:9]) and link not in bridges]


def delete_all(seapod):
    """Again and again: a keeper whose command was killed may only now be on its way."""
    for each in json.loads(seapod.out("get", "pods", "-o", "json")).get("items", []):
        seapod.run("delete", "pod", each["metadata"]["name"], "--now", "--ignore-not-found")


def test_killed_at_any_step(seapod):
    dice = random.Random(SEED)
    print(f"SEAPOD_CAMPAIGN_SEED={SEED}")
    seapod.run("network", "create", "back")
    seapod.run("network", "create", "flat", "--driver", "routed", "--ipv6")
    for i in range(N):
        step(seapod, i, dice)
        if i % 25 and i != N - 1:
            continue
        eventually(lambda: delete_all(seapod) or not keepers(), "every keeper to have ended", seconds=20)
        seapod.run("get", "pods")
        eventually(lambda: not claimed(seapod), f"nothing to be claimed after {i + 1} steps (seed {SEED}); there is {claimed(seapod)}")
    seapod.apply(victim(0, dice))
    assert seapod.phase("p0") == "Running"
