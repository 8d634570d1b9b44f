"""What a keeper has to live with: clients that are rude, containers that are hostile, and resources that run out."""
import array
import json
import os
import resource
import signal
import socket
import subprocess
import time

import pytest

import leaks
import world
from instance import STAY, container, eventually, kill, pod, shell

NET = {"hostNetwork": True}


def ctl(seapod, name="web"):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    s.settimeout(5)
    s.connect(f"{seapod.run_dir}/pods/{seapod.uid(name)}/ctl")
    return s


def ask(s, verb, fds=(), **more):
    s.sendmsg([json.dumps({"verb": verb, **more}).encode()],
              [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else [])
    return json.loads(s.recv(65536))


def cpu_ticks(pid):
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def memory_kib(pid):
    if "ASAN_OPTIONS" in os.environ:  # which keeps what is freed
        return 0
    with open(f"/proc/{pid}/smaps_rollup") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("Private_Dirty"))


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


# --- clients


def test_more_connections_than_descriptors(seapod):
    """Nobody is let in any more, and the keeper does not run hot for it; then all is as before."""
    seapod.apply(pod("web", **NET))
    keeper = seapod.keeper("web")
    resource.prlimit(keeper, resource.RLIMIT_NOFILE, (descriptors(keeper) + 20, 1024))
    held = []
    for _ in range(60):
        try:
            held.append(ctl(seapod))
        except OSError:
            pass
    before = cpu_ticks(keeper)
    time.sleep(1)
    spent = cpu_ticks(keeper) - before
    for s in held:
        s.close()
    assert spent < 20, "the keeper spins"
    assert eventually(lambda: seapod.exec("web", "echo", "alive", check=False).stdout) == "alive\n"


def test_a_watcher_that_does_not_read_gets_the_last_word(seapod):
    seapod.apply(pod("web", container("calm"), **NET))
    keeper = seapod.keeper("web")
    memory = memory_kib(keeper)
    s = ctl(seapod)
    assert ask(s, "watch")["event"] == "ok"
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    for _ in range(400):
        with ctl(seapod) as other:
            ask(other, "restart", container="calm", grace=0)
            other.recv(65536)
    assert memory_kib(keeper) < memory + 200
    assert eventually(lambda: seapod.status("web", "calm")["ready"])
    last, s_end = None, time.monotonic() + 5
    s.settimeout(0.5)
    with pytest.raises(TimeoutError):
        while time.monotonic() < s_end:
            last = json.loads(s.recv(65536))
    assert last["event"] == "status" and last["ready"], last


def test_attached_and_gone_leaves_nothing(seapod):
    """A container that says nothing: a tap is not found to be without a reader by writing to it."""
    seapod.apply(pod("web", **NET))
    keeper = seapod.keeper("web")
    before = descriptors(keeper)
    for _ in range(30):
        s = ctl(seapod)
        s.send(b'{"verb":"attach"}')
        _, fds, _, _ = socket.recv_fds(s, 65536, 8)
        for fd in fds:
            os.close(fd)
        s.close()
    eventually(lambda: descriptors(keeper) <= before, "the taps to go", seconds=2)


def test_a_tap_that_nobody_reads_holds_only_the_container(seapod):
    seapod.apply(pod("web", shell("while :; do echo yyyyyyyyyyyyyyyyyyyyyyyyyyyyy; done", "loud"), container("calm"), **NET))
    s = ctl(seapod)
    s.send(b'{"verb":"attach","container":"loud"}')
    _, fds, _, _ = socket.recv_fds(s, 65536, 8)
    time.sleep(0.3)
    assert seapod.exec("web", "echo", "alive", c="calm").stdout == "alive\n"
    seapod.delete("web", "--now")
    for fd in fds:
        os.close(fd)


def test_wrong_signals_are_refused(seapod):
    seapod.apply(pod("web", **NET))
    for number in (0, -1, 65, 2**31 - 1):
        with ctl(seapod) as s:
            assert ask(s, "kill", signal=number)["event"] == "error"
    assert seapod.phase("web") == "Running"


# --- containers


def test_nothing_grows_from_run_to_run(seapod):
    """A container may end and start for years: memory, descriptors and files stay what they are."""
    seapod.apply(pod("web", container("calm"), container("a", volumeMounts=[{"name": "v", "mountPath": "/v"}]),
                     volumes=[{"name": "v", "emptyDir": {}}], **NET))
    keeper, uid = seapod.keeper("web"), seapod.uid("web")

    def again(times):
        for _ in range(times):
            with ctl(seapod) as s:
                ask(s, "restart", container="a", grace=0)
                s.recv(65536)
        eventually(lambda: seapod.status("web", "a").get("ready"))
        return memory_kib(keeper), descriptors(keeper)
    memory, fds = again(20)
    more_memory, more_fds = again(150)
    assert more_fds <= fds
    assert more_memory - memory < 150, f"{more_memory - memory} KiB more after 150 runs"
    assert sorted(os.listdir(f"{seapod.root}/pods/{uid}/container.a")) == ["upper", "work"]
    assert len(os.listdir(f"{seapod.root}/log/pods/default_web_{uid}/a")) <= 2


def test_a_termination_message_of_any_bytes(seapod):
    script = r"""printf 'caf\303\251 \377\376 \001 "x" \303' > /dev/termination-log; exit 3"""
    seapod.apply(pod("web", shell(script), restartPolicy="Never", **NET))
    eventually(lambda: seapod.phase("web") == "Failed")
    message = seapod.status("web", "main")["state"]["terminated"]["message"]
    assert message.startswith("café ") and '"x"' in message


def test_a_message_from_the_log(seapod):
    """terminationMessagePolicy FallbackToLogsOnError: only of one that fails and says nothing itself."""
    def message(script, policy="FallbackToLogsOnError"):
        seapod.apply(pod("web", shell(script, terminationMessagePolicy=policy), restartPolicy="Never", **NET))
        eventually(lambda: seapod.phase("web") in ("Failed", "Succeeded"))
        said = seapod.status("web", "main")["state"]["terminated"].get("message", "")
        seapod.delete("web")
        return said
    assert message("echo one; echo two >&2; exit 1") == "one\ntwo\n"
    assert message("echo one") == ""
    assert message("echo one; exit 1", "File") == ""
    assert message("echo one; printf own > /dev/termination-log; exit 1") == "own"
    assert len(message("seq 1 10000; exit 1").splitlines()) == 80


def test_termination_message_and_hosts_cannot_fill_the_machine(seapod):
    """What a container may write to outside its own files is small: /run is everybody's."""
    seapod.apply(pod("web", **NET))
    for path in ("/dev/termination-log", "/etc/hosts", "/etc/resolv.conf"):
        seapod.exec("web", "dd", "if=/dev/zero", f"of={path}", "bs=1M", "count=64", check=False)
    assert seapod.sh("web", "echo lost > /dev/termination-log; df -m /etc/hosts | tail -1 | awk '{print $2}'") == "1"
    used = sum(os.lstat(os.path.join(folder, name)).st_size for folder, _, names in os.walk(seapod.run_dir) for name in names)
    assert used < 8 << 20


def test_one_that_forks_all_the_time_ends_with_its_container(seapod):
    bomb = "trap '' TERM; f() { while :; do (setsid sleep 100 &) ; sleep 0.01; done; }; f & f & f"
    seapod.apply(pod("web", shell(bomb), **NET))
    time.sleep(0.3)
    start = time.monotonic()
    seapod.delete("web", "--now")
    assert time.monotonic() - start < 5
    eventually(lambda: not leaks.processes({world.other_host.pid}))


def test_directories_without_end_are_removed(seapod):
    deep = "cd /v && i=0 && while [ $i -lt 2000 ]; do mkdir d && cd d && i=$((i+1)) || exit 1; done; touch f; echo done"
    seapod.apply(pod("web", container(volumeMounts=[{"name": "v", "mountPath": "/v"}]), volumes=[{"name": "v", "emptyDir": {}}], **NET))
    assert seapod.sh("web", deep) == "done"
    keeper = seapod.keeper("web")
    resource.prlimit(keeper, resource.RLIMIT_NOFILE, (256, 256))
    seapod.delete("web", "--now")


@pytest.mark.parametrize("spec", [{"hostPID": True}, {"shareProcessNamespace": True}, {}], ids=["host", "shared", "own"])
def test_what_a_container_leaves_running_goes_with_its_keeper(seapod, spec):
    """With the host's process namespace nothing but the control group knows whose it is."""
    seapod.apply(pod("web", shell("setsid sleep 4321 & setsid sh -c 'sleep 4322 & wait' & " + STAY[2]), **spec, **NET))
    eventually(lambda: len([p for p in leaks.processes({world.other_host.pid}) if ": sleep 432" in p]) == 2)
    kill(seapod.keeper("web"))
    eventually(lambda: "web" not in seapod.out("ps"))
    eventually(lambda: not leaks.processes({world.other_host.pid}), seconds=3)


@pytest.mark.parametrize("spec", [{"hostPID": True}, {"shareProcessNamespace": True}], ids=["host", "shared"])
def test_what_a_container_leaves_running_goes_with_its_end(seapod, spec):
    """Its first process has ended, its children have not, and hold its output."""
    seapod.apply(pod("web", shell("setsid sleep 4321 & echo done", "a"), container("b"), restartPolicy="OnFailure", **spec, **NET))
    eventually(lambda: "terminated" in seapod.status("web", "a")["state"])
    eventually(lambda: not [p for p in leaks.processes({world.other_host.pid}) if ": sleep 4321" in p], seconds=2)


def test_endless_output_without_a_newline(seapod):
    seapod.apply(pod("web", shell("exec tr '\\0' x < /dev/zero", "loud"), container("calm"), **NET))
    keeper = seapod.keeper("web")
    memory = memory_kib(keeper)
    time.sleep(1)
    assert memory_kib(keeper) < memory + 300
    assert seapod.exec("web", "echo", "alive", c="calm").stdout == "alive\n"
    files = os.listdir(f"{seapod.root}/log/pods/default_web_{seapod.uid('web')}/loud")
    assert len(files) <= 5
    seapod.delete("web", "--now")


# --- what runs out


@pytest.fixture
def small(seapod):
    """Mounts a small tmpfs over one of the instance's directories, with what is in it, and says how to fill it."""
    mounted = []

    def mount(path, size):
        subprocess.run(["sh", "-c", f"mkdir -p {path}.x && cp -al {path}/. {path}.x/ && mount -t tmpfs -o size={size} small {path} && "
                        f"cp -a {path}.x/. {path}/; rm -rf {path}.x"], check=True)
        mounted.append(path)
    yield mount
    seapod.empty()
    for path in mounted:
        subprocess.run(["umount", path], check=True)


def test_a_full_disk_loses_output_and_nothing_else(seapod, small):
    """After it, whole lines follow whole lines; and the keeper's own log, in memory, does not grow with every line lost."""
    os.makedirs(f"{seapod.root}/log")
    small(f"{seapod.root}/log", "1m")
    seapod.apply(pod("web", shell("i=0; while :; do i=$((i+1)); echo line $i of what it says; done"), **NET))
    logs = f"{seapod.root}/log/pods/default_web_{seapod.uid('web')}/main"
    eventually(lambda: os.path.getsize(f"{logs}/0.log") > 900_000)
    time.sleep(1)
    assert os.path.getsize(f"{seapod.run_dir}/pods/{seapod.uid('web')}/keeper.log") < 10_000
    assert seapod.exec("web", "echo", "alive").stdout == "alive\n"
    subprocess.run(["mount", "-o", "remount,size=2m", f"{seapod.root}/log"], check=True)
    eventually(lambda: os.path.getsize(f"{logs}/0.log") > 1_100_000)
    seapod.delete("web", "--now")


def test_no_room_for_state(seapod, small):
    os.makedirs(f"{seapod.run_dir}", exist_ok=True)
    small(seapod.run_dir, "64k")
    seapod.apply(pod("web", **NET))
    filler = os.open(f"{seapod.run_dir}/filler", os.O_WRONLY | os.O_CREAT)
    with pytest.raises(OSError):
        for _ in range(100):
            os.write(filler, b"x" * 4096)
    os.close(filler)
    assert "space" in seapod.rejects(pod("other", **NET)).lower()
    with ctl(seapod) as s:
        ask(s, "restart", grace=0)
        s.recv(65536)
    assert seapod.exec("web", "echo", "alive").stdout == "alive\n"
    os.unlink(f"{seapod.run_dir}/filler")
    eventually(lambda: seapod.restarts("web", "main") == 1, "the state to be written at last", seconds=5)
    assert "other" not in seapod.out("ps", "-a")
    seapod.apply(pod("other", **NET))


def test_no_room_for_a_container(seapod, small):
    """The store is full: one sentence, nothing half there; and the next one runs once there is room."""
    os.makedirs(f"{seapod.root}/pods")
    small(f"{seapod.root}/pods", "16k")
    filler = os.open(f"{seapod.root}/pods/filler", os.O_WRONLY | os.O_CREAT)
    with pytest.raises(OSError):
        for _ in range(100):
            os.write(filler, b"x" * 4096)
    done = seapod.run("apply", "-f", "-", input=json.dumps(pod("web", shell("echo x > /f; exec sleep 99"), restartPolicy="Never", **NET)),
                      check=False)
    os.close(filler)
    assert done.returncode in (0, 1)
    seapod.delete("web", "--now")
    os.unlink(f"{seapod.root}/pods/filler")
    seapod.apply(pod("web", **NET))
    assert seapod.phase("web") == "Running"


def test_no_descriptors_for_a_container(seapod):
    seapod.apply(pod("web", **NET))
    keeper = seapod.keeper("web")
    resource.prlimit(keeper, resource.RLIMIT_NOFILE, (descriptors(keeper) + 3, 1024))
    said = seapod.fails("exec", "web", "--", "true", code=125)
    assert "too many" in said.lower(), said
    resource.prlimit(keeper, resource.RLIMIT_NOFILE, (1024, 1024))
    assert seapod.exec("web", "echo", "alive").stdout == "alive\n"


def test_told_to_end_by_the_system(seapod):
    """TERM to the keeper itself, as a machine that shuts down sends it: the pod is stopped and stays listed."""
    seapod.apply(pod("web", shell("trap 'echo told; exit 0' TERM; echo up; while :; do sleep 0.01; done"), **NET))
    eventually(lambda: seapod.logs("web") == "up")
    os.kill(seapod.keeper("web"), signal.SIGTERM)
    eventually(lambda: seapod.phase("web") in ("Succeeded", "Failed"))
    assert seapod.logs("web") == "up\ntold"


# --- several at once


def test_started_twice_at_once_runs_once(seapod):
    """The one that comes second must not remove the directory of the first as its own."""
    seapod.apply(pod("web", **NET))
    for _ in range(5):
        seapod.run("stop", "-t", "0", "web")
        both = [seapod.start("start", "web") for _ in range(2)]
        for process in both:
            process.communicate(timeout=20)
        assert seapod.phase("web") == "Running"
        assert seapod.exec("web", "echo", "alive").stdout == "alive\n"


@pytest.mark.bridge
def test_a_pod_that_cannot_be_started_again_stays(seapod):
    ports = [{"containerPort": 80, "hostPort": 23459}]
    seapod.apply(pod("web", shell("echo said; " + STAY[2], ports=ports)))
    eventually(lambda: seapod.logs("web") == "said")
    seapod.run("stop", "-t", "0", "web")
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("0.0.0.0", 23459))
        s.listen()
        assert "23459" in seapod.fails("start", "web")
    assert seapod.logs("web") == "said"
    seapod.run("start", "web")
    assert seapod.phase("web") == "Running"


@pytest.mark.bridge
def test_twenty_pods_at_once(seapod):
    names = [f"p{i}" for i in range(20)]
    done = [seapod.start("apply", "-f", "-", stdin=-1) for _ in names]
    for process, name in zip(done, names):
        process.stdin.write(json.dumps(pod(name)))
        process.stdin.close()
        process.stdin = None
    for process in done:
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
    assert len({seapod.ip(name) for name in names}) == 20
    assert seapod.run("delete", "pod", *names, "--now", timeout=60).returncode == 0
    assert json.loads(seapod.out("get", "pods", "-o", "json"))["items"] == []


def test_deleted_while_it_starts(seapod):
    slow = pod("web", shell("sleep 0.2", "b"), initContainers=[shell("sleep 0.1", "i")], **NET)
    for delay in (0, 0.005, 0.01, 0.05, 0.12):
        apply = seapod.start("apply", "-f", "-", stdin=-1)
        apply.stdin.write(json.dumps(slow))
        apply.stdin.close()
        apply.stdin = None
        time.sleep(delay)
        seapod.run("delete", "pod", "web", "--now", "--ignore-not-found")
        apply.communicate(timeout=20)
        seapod.run("delete", "pod", "web", "--now", "--ignore-not-found")
        eventually(lambda: not leaks.processes({world.other_host.pid}), seconds=2)


def test_stopped_while_it_backs_off(seapod):
    seapod.apply(pod("web", shell("exit 7"), **NET))
    eventually(lambda: seapod.status("web", "main")["state"].get("waiting", {}).get("reason") == "CrashLoopBackOff")
    start = time.monotonic()
    seapod.run("stop", "web")
    assert time.monotonic() - start < 1
    assert seapod.phase("web") == "Failed"
    assert seapod.status("web", "main")["state"]["terminated"]["exitCode"] == 7


def test_deleted_as_it_ends_by_itself(seapod):
    """The keeper leaves just as the request comes: either way the pod is gone and nobody is told of an error."""
    for i in range(15):
        seapod.apply(pod("web", shell(f"sleep 0.0{i % 8 + 1}"), restartPolicy="Never", **NET))
        time.sleep(i * 0.004)
        seapod.delete("web", "--now")
