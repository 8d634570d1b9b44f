"""Crashes: a pod lives and dies with its keeper, and whoever comes next finds a clean house."""
import os
import signal
import time

import pytest

import leaks
import world
from instance import container, eventually, kill, pod, shell

PORT = {"containerPort": 80, "hostPort": 23456}
FULL = pod("web", container("a", ports=[PORT], volumeMounts=[{"name": "v", "mountPath": "/v"}]), container("b"),
           volumes=[{"name": "v", "emptyDir": {}}])


def keepers():
    return [pid for pid, (state, line) in world.descendants().items() if "seapod-keeper" in line.split(" ")[0] and state != "Z"]


def processes():
    return leaks.processes({world.other_host.pid})


@pytest.mark.bridge
def test_the_pod_dies_with_its_keeper(seapod):
    seapod.apply(FULL)
    kill(seapod.keeper("web"))
    eventually(lambda: not processes(), "the containers to die with their keeper", seconds=3)


@pytest.mark.bridge
def test_the_next_command_cleans_up(seapod):
    seapod.apply(FULL)
    kill(seapod.keeper("web"))
    eventually(lambda: not processes())
    assert "web" not in seapod.out("ps")
    assert not [e for e in leaks.firewall() if e.startswith("element of " + seapod.table)] or seapod.apply(FULL)


@pytest.mark.bridge
def test_the_same_pod_can_be_applied_again(seapod):
    seapod.apply(FULL)
    kill(seapod.keeper("web"))
    assert "pod/web" in seapod.apply(FULL).stdout
    assert seapod.phase("web") == "Running"


@pytest.mark.bridge
@pytest.mark.parametrize("delay_us", [0, 200, 500, 1000, 1500, 2000, 3000, 4000, 6000, 9000])
def test_keeper_killed_while_it_starts(seapod, delay_us):
    process = seapod.start("apply", "-f", "-", stdin=-1)
    import json
    process.stdin.write(json.dumps(FULL))
    process.stdin.close()
    process.stdin = None
    end = time.monotonic() + 5
    while not (found := keepers()) and process.poll() is None and time.monotonic() < end:
        pass
    time.sleep(delay_us / 1e6)
    for pid in found:
        try:
            kill(pid)
        except ProcessLookupError:
            pass
    process.wait(timeout=10)
    eventually(lambda: not processes(), seconds=3)
    seapod.run("ps")
    seapod.apply(FULL)
    assert seapod.phase("web") == "Running"


@pytest.mark.bridge
@pytest.mark.parametrize("delay_us", [0, 300, 1000, 3000, 10000])
def test_keeper_killed_while_it_ends(seapod, delay_us):
    seapod.apply(FULL)
    keeper = seapod.keeper("web")
    process = seapod.start("delete", "pod", "web")
    time.sleep(delay_us / 1e6)
    try:
        kill(keeper)
    except ProcessLookupError:
        pass
    process.wait(timeout=10)
    eventually(lambda: not processes(), seconds=3)
    seapod.apply(FULL)


def test_a_killed_client_leaves_a_pod_or_nothing(seapod):
    for delay in (0, 0.001, 0.003, 0.006):
        import json
        process = seapod.start("apply", "-f", "-", stdin=-1)
        process.stdin.write(json.dumps(pod("web", hostNetwork=True)))
        process.stdin.close()
        process.stdin = None
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        process.wait()
        eventually(lambda: seapod.run("delete", "pod", "web", "--now", "--ignore-not-found", check=False).returncode == 0)


def test_a_keeper_ignores_a_stranger_on_its_socket(seapod):
    import socket
    seapod.apply(pod("web", hostNetwork=True))
    ctl = f"{seapod.run_dir}/pods/{seapod.uid('web')}/ctl"
    for junk in (b"", b"{", b"\0" * 1000, b'{"verb":"nosuch"}', b"[" * 60000, b'{"verb":"exec"}'):
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
            s.connect(ctl)
            if junk:
                s.send(junk)
    held = []
    for _ in range(50):
        s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        s.settimeout(1)
        s.connect(ctl)
        held.append(s)
    assert seapod.exec("web", "echo", "alive").stdout == "alive\n"
    for s in held:
        s.close()


def test_a_full_disk_during_load(bare):
    """A store on a tmpfs that is too small: one error, and nothing half there."""
    import subprocess
    from instance import IMAGES
    os.makedirs(bare.root)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "small", bare.root], check=True)
    try:
        assert "space" in bare.fails("load", f"{IMAGES}/busybox.tar").lower()
        assert "busybox" not in bare.out("images")
        assert sum(len(names) for folder, _, names in os.walk(bare.root) if "/blobs/" in folder) == 0
    finally:
        subprocess.run(["umount", bare.root], check=True)
