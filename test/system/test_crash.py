"""Crashes: a pod lives and dies with its keeper, and whoever comes next finds a clean house."""
import json
import os
import shutil
import signal
import subprocess
import time

import pytest

import leaks
import world
import instance
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
    eventually(lambda: not processes())
    assert "pod/web" in seapod.apply(FULL).stdout
    assert seapod.phase("web") == "Running"


@pytest.mark.bridge
@pytest.mark.parametrize("delay_us", [0, 200, 500, 1000, 1500, 2000, 3000, 4000, 6000, 9000])
def test_keeper_killed_while_it_starts(seapod, delay_us):
    process = seapod.start("apply", "-f", "-", stdin=-1)
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


def gone(seapod):
    folder = f"{seapod.run_dir}/gone"
    return os.listdir(folder) if os.path.isdir(folder) else []


@pytest.fixture
def slow_end(seapod):
    """A pod "web" that was deleted, and whose keeper still removes what it has on the disk: very many files."""
    seapod.apply(pod("web", container(volumeMounts=[{"name": "v", "mountPath": "/v"}]), hostNetwork=True, volumes=[{"name": "v", "emptyDir": {}}]))
    seapod.sh("web", "cd /v; for d in $(seq 30); do mkdir $d; (cd $d; touch $(seq 1000)); done")
    uid, keeper = seapod.uid("web"), seapod.keeper("web")
    seapod.run("delete", "pod", "web", "--now")
    return uid, keeper


def test_delete_does_not_wait_for_the_disk(seapod, slow_end):
    """The pod is gone for everybody; its files go when they go."""
    uid, keeper = slow_end
    assert gone(seapod) == [f"default_web_{uid}"] and os.path.isdir(f"{seapod.root}/pods/{uid}")
    assert "web" not in seapod.out("ps", "-a") and not os.path.exists(f"{seapod.run_dir}/pods/{uid}")
    assert "pod/web created" in seapod.apply(pod("web", hostNetwork=True)).stdout
    assert gone(seapod) == [f"default_web_{uid}"], "who looks while it is removed leaves it to the keeper"
    eventually(lambda: not gone(seapod) and not os.path.exists(f"{seapod.root}/pods/{uid}"), seconds=20)
    assert os.listdir(f"{seapod.root}/pods") == [seapod.uid("web")]


def test_keeper_killed_while_it_removes_files(seapod, slow_end):
    uid, keeper = slow_end
    kill(keeper)
    assert gone(seapod) and os.path.exists(f"{seapod.root}/pods/{uid}")
    eventually(lambda: not processes())
    assert "web" not in seapod.out("ps", "-a")
    assert not gone(seapod) and not os.path.exists(f"{seapod.root}/pods/{uid}"), "the next command has removed the rest"


def test_a_killed_client_leaves_a_pod_or_nothing(seapod):
    for delay in (0, 0.001, 0.003, 0.006):
        process = seapod.start("apply", "-f", "-", stdin=-1)
        process.stdin.write(json.dumps(pod("web", hostNetwork=True)))
        process.stdin.close()
        process.stdin = None
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        process.wait()
        # its keeper may be on the way still, and then nothing is there that could be deleted
        eventually(lambda: seapod.run("delete", "pod", "web", "--now", "--ignore-not-found", check=False).returncode == 0 and
                   not [line for state, line in world.descendants().values() if seapod.run_dir in line and state != "Z"])


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


# --- killed at a system call

STEPS = int(os.environ.get("SEAPOD_TEST_STEPS", "16"))  # how many of the keeper's system calls are tried; 0: every one

# Stands in for the keeper and has it killed as it enters the Nth system call, N being in a file beside it.
STAND_IN = r"""
#include <stdio.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	char when[64] = "", inject[128], path[4096], trace[4096];
	snprintf(path, sizeof(path), "%s.when", argv[3]);
	FILE *f = fopen(path, "re");
	if (argc != 4 || !f || !fgets(when, sizeof(when), f))
		return 2;
	fclose(f);
	snprintf(inject, sizeof(inject), "--inject=all:signal=SIGKILL:when=%s", when);
	snprintf(trace, sizeof(trace), "%s.trace", argv[3]);
	snprintf(path, sizeof(path), "%s.real", argv[3]);
	execlp("strace", "strace", "-E", "ASAN_OPTIONS=detect_leaks=0", "-o", trace, inject, path, argv[1], argv[2], argv[3], (char *)NULL);
	return 3;
}
"""
NEVER = 65535


class Breakable:
    def __init__(self, directory, seapod):
        self.seapod, self.keeper = seapod, f"{directory}/seapod-keeper"
        for name in ("seapod", "seapod-image", "seapod-seccomp", "seapod-init", "seapod-keeper"):
            shutil.copy(f"{instance.BUILD}/{name}", f"{directory}/{name}" + (".real" if name == "seapod-keeper" else ""))
        subprocess.run(["cc", "-x", "c", "-o", self.keeper, "-"], input=STAND_IN, text=True, check=True)
        self.program = f"{directory}/seapod"

    def run(self, *args, **more):
        return subprocess.run([self.program, *args], env=self.seapod.env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=20, **more)

    def apply(self, when):
        with open(self.keeper + ".when", "w") as f:
            f.write(str(when))
        return self.run("apply", "-f", "-", input=instance.text(FULL))

    def calls(self):
        with open(self.keeper + ".trace", errors="replace") as f:
            return sum("(" in line for line in f)

    def clean(self, when):
        """Whatever the keeper was at: nothing of the pod runs any more, and the next command can have its name, address and port."""
        eventually(lambda: not processes(), f"the processes to end with a keeper killed at system call {when}", seconds=3)
        assert "web" not in self.seapod.out("ps"), when
        assert "pod/web created" in self.seapod.apply(FULL).stdout, when
        self.seapod.delete("web", "--now")
        eventually(lambda: not self.left(), f"nothing to be left of a pod whose keeper was killed at system call {when}", seconds=3)

    def left(self):
        found = leaks.look(self.seapod.root, self.seapod.run_dir, self.seapod.tag)
        return [each for each in found["files"] | found["mounts"] if self.seapod.dir in each and "/run/layers/" not in each]


@pytest.fixture
def breakable(seapod, tmp_path):
    if not shutil.which("strace") or not shutil.which("cc"):
        pytest.skip("needs strace and cc")
    return Breakable(tmp_path, seapod)


def some(first, last):
    return range(first, last, max(1, (last - first) // STEPS) if STEPS else 1)


@pytest.mark.bridge
def test_keeper_killed_at_any_step_of_the_start(breakable):
    breakable.apply(NEVER)
    total = breakable.calls()
    breakable.run("delete", "pod", "web", "--now")
    for when in some(1, total):
        done = breakable.apply(when)
        assert done.returncode == 0 or done.stderr.startswith("seapod: "), (when, done)
        kill_keepers()
        breakable.clean(when)


@pytest.mark.bridge
def test_keeper_killed_at_any_step_of_the_end(breakable):
    breakable.apply(NEVER)
    begin = breakable.calls()
    breakable.run("delete", "pod", "web", "--now")
    end = breakable.calls()
    for when in some(begin, end):
        breakable.apply(when)
        done = breakable.run("delete", "pod", "web", "--now")
        assert done.returncode == 0 or done.stderr.startswith("seapod: "), (when, done)
        breakable.clean(when)


def kill_keepers():
    """One that got farther than was counted."""
    for pid in keepers():
        try:
            kill(pid)
        except ProcessLookupError:
            pass
