"""run: Docker's fingers. A pod with one container is that container, and `run` ends as its program ends."""
import signal
import time

import pytest

from instance import BUSYBOX, PATIENCE, STAY, eventually, container, pod

NET = "--net=none"


def run(seapod, *args, **more):
    return seapod.run("run", "--rm", NET, BUSYBOX, *args, check=False, **more)


def test_output_and_success(seapod):
    done = run(seapod, "sh", "-c", "echo out; echo err >&2")
    assert (done.returncode, done.stdout, done.stderr) == (0, "out\n", "err\n")
    assert seapod.out("get", "pods", "-o", "name") == ""


@pytest.mark.parametrize("command,code", [
    (["sh", "-c", "exit 7"], 7), (["sh", "-c", "kill -TERM $$"], 143 - 0), (["nosuch"], 127), (["/etc"], 126),
    (["/etc/passwd"], 126)])
def test_exit_code_is_the_programs_own(seapod, command, code):
    if code == 143:  # PID 1 ignores signals without a handler, so the death is a child's
        command = ["sh", "-c", "sh -c 'kill -TERM $$'; exit $?"]
    assert run(seapod, *command).returncode == code


def test_seapods_own_failure_is_125(seapod):
    assert "nosuch" in seapod.fails("run", "--rm", NET, "nosuch/image", code=125, lines=None)


def test_wrong_usage_is_2(seapod):
    assert seapod.fails("run", code=2, lines=None)
    assert "--detach" in seapod.fails("run", "--detahc", BUSYBOX, code=2, lines=None)


def test_standard_input(seapod):
    done = seapod.run("run", "--rm", "-i", NET, BUSYBOX, "wc", "-c", input="12345")
    assert done.stdout.strip() == "5"


def test_a_megabyte_through_standard_input_and_output(seapod):
    data = "0123456789abcdef" * 65536
    assert seapod.run("run", "--rm", "-i", NET, BUSYBOX, "cat", input=data).stdout == data


def test_nothing_is_lost_when_the_program_ends_before_it_was_read(seapod, tmp_path):
    """200 kB fit into the pipes between program and reader, so the program has long ended when the reader begins."""
    running = seapod.start("run", "--rm", "--name", "quick", NET, "-v", f"{tmp_path}:/d", BUSYBOX, "sh", "-c",
                           "until [ -e /d/go ]; do sleep 0.05; done; head -c 200000 /dev/zero")
    eventually(lambda: "Running" in seapod.run("get", "pods", "quick", check=False).stdout)
    (tmp_path / "go").touch()
    eventually(lambda: "Running" not in seapod.run("get", "pods", "quick", check=False).stdout)
    out, _ = running.communicate(timeout=20)
    assert len(out) == 200000 and running.returncode == 0


def test_environment_user_and_directory(seapod):
    out = seapod.out("run", "--rm", NET, "-e", "COLOR=red", "-u", "33:33", "-w", "/tmp", BUSYBOX,
                     "sh", "-c", "echo $COLOR $(id -u):$(id -g) $PWD")
    assert out == "red 33:33 /tmp"


def test_entrypoint(seapod):
    assert seapod.out("run", "--rm", NET, "--entrypoint", "echo", BUSYBOX, "hi") == "hi"


def test_detached_it_prints_its_name_and_runs_on(seapod):
    assert seapod.out("run", "-d", NET, "--name", "bg", BUSYBOX, *STAY) == "bg"
    assert seapod.phase("bg") == "Running"
    assert seapod.exec("bg", "echo", "there").stdout == "there\n"


def test_detached_with_rm_it_goes_when_it_ends(seapod):
    seapod.run("run", "-d", "--rm", NET, "--name", "bg", BUSYBOX, "sleep", "0.2")
    eventually(lambda: seapod.out("get", "pods", "-o", "name") == "")


def test_a_name_is_taken_once(seapod):
    seapod.run("run", "-d", NET, "--name", "bg", BUSYBOX, *STAY)
    assert "bg" in seapod.fails("run", "-d", NET, "--name", "bg", BUSYBOX, *STAY, code=125)


def test_without_rm_it_stays_listed(seapod):
    done = seapod.run("run", NET, "--name", "once", BUSYBOX, "sh", "-c", "echo said; exit 3", check=False)
    assert done.returncode == 3
    assert seapod.phase("once") == "Failed"
    assert seapod.logs("once") == "said"
    assert "once" in seapod.out("ps", "-a") and "once" not in seapod.out("ps")


def test_signals_are_forwarded(seapod):
    process = seapod.start("run", "--rm", "--name", "sig", NET, BUSYBOX, "sh", "-c",
                           "trap 'echo got; exit 5' TERM; echo ready; while :; do sleep 9 & wait; done")
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=10)
    assert (process.returncode, out) == (5, "got\n")


def test_a_terminal(seapod):
    out = seapod.run("run", "--rm", "-t", NET, BUSYBOX, "sh", "-c", "test -t 0 && test -t 1 && tty").stdout
    assert "/dev/pts/0" in out or "/dev/console" in out


def test_restart_always(seapod):
    seapod.run("run", "-d", NET, "--name", "again", "--restart", "always", BUSYBOX, "sh", "-c", "exit 1")
    eventually(lambda: seapod.status("again")["containerStatuses"][0]["lastState"]["terminated"]["exitCode"] == 1)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_in_the_foreground_what_is_started_again_can_be_left(seapod, number):
    """While it backs off no program takes the signal: it is this command's, and the pod goes on."""
    process = seapod.start("run", NET, "--name", "again", "--restart", "always", BUSYBOX, "sh", "-c", "echo once; exit 3")
    assert "exit code 3" in process.stderr.readline()
    eventually(lambda: "CrashLoopBackOff" in str(seapod.status("again", "again")["state"]))
    assert "not running" in seapod.fails("attach", "again", code=125)
    process.send_signal(number)
    out, _ = process.communicate(timeout=5)
    assert (process.returncode, out) == (128 + number, "once\n")
    assert seapod.phase("again") == "Running"


def test_in_the_foreground_the_last_run_tells_the_exit_code(seapod):
    seapod.env["SEAPOD_BACKOFF_INITIAL"] = "100ms"
    done = seapod.run("run", NET, "--name", "flaky", "--restart", "on-failure", "-v", f"{seapod.dir}:/d", BUSYBOX, "sh", "-c",
                      "test -e /d/second || { touch /d/second; exit 3; }")
    assert done.returncode == 0 and "exit code 3" in done.stderr


def test_memory_and_cpu_limits(seapod):
    seapod.run("run", "-d", NET, "--name", "small", "-m", "64m", "--cpus", "0.5", BUSYBOX, *STAY)
    limits = seapod.get("small")["spec"]["containers"][0]["resources"]["limits"]
    assert limits["memory"] in ("64Mi", "67108864") and limits["cpu"] in ("500m", "0.5")


def test_a_mounted_path(seapod, tmp_path):
    (tmp_path / "file").write_text("from the host\n")
    out = seapod.run("run", "--rm", NET, "-v", f"{tmp_path}:/data:ro", BUSYBOX, "sh", "-c",
                     "cat /data/file; touch /data/new 2>&1 || echo read-only").stdout
    assert out.startswith("from the host\n") and out.endswith("read-only\n")


def test_it_is_fast(seapod):
    """Not a benchmark (see bench/): only that nothing waits for a second somewhere."""
    times = []
    for _ in range(5):
        begin = time.monotonic()
        run(seapod, "true")
        times.append(time.monotonic() - begin)
    assert sorted(times)[2] < 1 * PATIENCE


def test_rm_removes_only_what_it_has_made(seapod):
    seapod.apply(pod("web", container(), hostNetwork=True))
    for more in ([], ["-d"]):
        done = seapod.run("run", "--rm", *more, "--name", "web", BUSYBOX, "true", check=False)
        assert done.returncode == 125 and "exists" in done.stderr
        assert seapod.phase("web") == "Running"
    done = seapod.run("run", "--rm", "--restart", "always", BUSYBOX, "true", check=False)
    assert done.returncode == 2 and "--restart" in done.stderr
