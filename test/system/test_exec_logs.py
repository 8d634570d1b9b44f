"""exec and logs: a command in a container, and what its program has said."""
import json
import os
import pty
import re
import subprocess

import pytest

from instance import SEAPOD, container, eventually, pod, shell

NET = {"hostNetwork": True}


@pytest.fixture
def box(seapod):
    seapod.apply(pod("box", container("a"), container("b", env=[{"name": "WHO", "value": "b"}]), **NET))
    return seapod


@pytest.mark.parametrize("command,code", [(["true"], 0), (["sh", "-c", "exit 9"], 9), (["nosuch"], 127),
                                          (["/etc/passwd"], 126), (["sh", "-c", "kill -9 $$"], 137)])
def test_exit_codes(box, command, code):
    assert box.exec("box", *command, check=False).returncode == code


def test_both_streams_stay_apart(box):
    done = box.exec("box", "sh", "-c", "echo out; echo err >&2", c="a")
    assert (done.stdout, done.stderr) == ("out\n", "err\n")


def test_standard_input_only_with_i(box):
    assert box.exec("box", "cat", input="hello").stdout == "hello"
    assert box.run("exec", "box", "--", "cat", input="ignored").stdout == ""


def test_it_is_in_the_containers_namespaces_cgroup_and_environment(box):
    assert box.sh("box", "echo $WHO; cat /proc/1/cgroup", c="b") == box.sh("box", "echo b; cat /proc/self/cgroup", c="b")


def test_many_at_once(box):
    running = [box.start("exec", "box", "--", "sh", "-c", f"echo {i}; exit {i}") for i in range(12)]
    for i, process in enumerate(running):
        out, err = process.communicate(timeout=20)
        assert (out, process.returncode) == (f"{i}\n", i), err


def test_a_closed_client_ends_nothing_else(box):
    process = box.start("exec", "box", "--", "sleep", "77")
    eventually(lambda: "sleep 77" in box.sh("box", "ps"))
    process.kill()
    process.wait()
    assert box.phase("box") == "Running" and box.exec("box", "true").returncode == 0


def test_a_terminal_of_ones_own(box):
    master, slave = pty.openpty()
    os.set_blocking(master, False)
    process = subprocess.Popen([SEAPOD, "exec", "-it", "box", "--", "sh", "-c", "tty; stty size; exit 4"], env=box.env,
                               stdin=slave, stdout=slave, stderr=slave)
    assert process.wait(timeout=10) == 4
    os.close(slave)
    seen = b""
    try:
        while part := os.read(master, 4096):
            seen += part
    except OSError:
        pass
    os.close(master)
    assert b"/dev/pts/" in seen


def test_exec_where_there_is_nothing(box):
    assert "nobody" in box.fails("exec", "nobody", "--", "true", code=125)
    said = box.fails("exec", "box", "-c", "nobody", "--", "true", code=125)
    assert "nobody" in said and "a" in said


def test_exec_keeps_no_descriptor_in_the_keeper(box):
    keeper = box.keeper("box")

    def count():
        return len(os.listdir(f"/proc/{keeper}/fd"))
    box.exec("box", "true")
    before = count()
    for _ in range(20):
        box.exec("box", "true")
    eventually(lambda: count() <= before)  # BEFORE may have caught the keeper still closing


# --- logs


def test_what_was_said(seapod):
    seapod.apply(pod("talk", shell("echo one; echo two >&2; printf three; sleep 99"), **NET))
    eventually(lambda: seapod.logs("talk").splitlines() == ["one", "two", "three"] or
               seapod.logs("talk").splitlines()[:2] == ["one", "two"])
    assert seapod.logs("talk", "--tail", "1").splitlines()[-1] in ("two", "three")


def test_the_file_is_in_the_cri_format(seapod):
    seapod.apply(pod("talk", shell("echo out; echo err >&2; sleep 99"), **NET))
    uid = seapod.uid("talk")
    path = f"{seapod.root}/log/pods/default_talk_{uid}/main/0.log"
    eventually(lambda: len(open(path).read().splitlines()) == 2)
    lines = sorted(open(path).read().splitlines(), key=lambda line: line.split()[1])
    stamp = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}(Z|[+-]\d\d:\d\d)"
    assert re.fullmatch(stamp + " stderr F err", lines[0]) and re.fullmatch(stamp + " stdout F out", lines[1])


def test_follow_ends_with_the_container(seapod):
    seapod.apply(pod("talk", shell("for i in 1 2 3; do echo $i; sleep 0.1; done"), restartPolicy="Never", **NET))
    process = seapod.start("logs", "-f", "talk")
    out, err = process.communicate(timeout=10)
    assert out.split() == ["1", "2", "3"], err


def test_previous(seapod):
    seapod.apply(pod("talk", shell("echo $$ $(cat /v/n); echo x >> /v/n; exit 1", volumeMounts=[{"name": "v", "mountPath": "/v"}]),
                     volumes=[{"name": "v", "emptyDir": {}}], **NET))
    eventually(lambda: seapod.restarts("talk", "main") >= 1)
    eventually(lambda: "x" not in seapod.logs("talk", "-p"))


def test_it_is_said_which_container_is_meant_when_there_are_several(box):
    for command in (["logs", "box"], ["exec", "box", "--", "true"], ["cp", "box:/etc/passwd", "/dev/fd/1"]):
        assert box.run(*command, check=False).stderr.startswith('Defaulted container "a" out of: a, b\n'), command
    assert "has no container 'x' (a, b)" in box.fails("logs", "box", "-c", "x")
    noted = pod("noted", container("a"), container("b", env=[{"name": "WHO", "value": "b"}]), **NET)
    noted["metadata"]["annotations"] = {"kubectl.kubernetes.io/default-container": "b"}
    box.apply(noted)
    assert box.sh("noted", "echo $WHO") == "b"


def test_exec_takes_variables_as_docker_does(box):
    box.env["OURS"] = "here"
    assert box.out("exec", "-c", "a", "-e", "A=1=2", "-e", "OURS", "-e", "NOSUCH", "box", "env").splitlines()[-2:] \
        == ["A=1=2", "OURS=here"]
    assert "'=x' is not NAME=VALUE" in box.fails("exec", "-e", "=x", "box", "--", "env", code=2)


def test_exec_as_another_user(box):
    assert box.out("exec", "-c", "a", "-u", "1000:2000", "box", "id") == "uid=1000 gid=2000"
    assert box.out("exec", "-c", "a", "-u", "nobody", "box", "sh", "-c", "id -un; id -G") == "nobody\n65534"
    assert "has no user 'nosuch'" in box.run("exec", "-u", "nosuch", "box", "id", check=False).stderr
    box.apply(pod("meek", container(), securityContext={"runAsUser": 7, "runAsNonRoot": True}, **NET))
    assert "runAsNonRoot is true" in box.run("exec", "-u", "0", "meek", "id", check=False).stderr
    assert box.out("exec", "-u", "8", "meek", "id", "-u") == "8"


def test_logs_of_many(seapod):
    seapod.apply([pod(name, shell(f"echo {name} one", "one"), shell(f"sleep 1.2; echo {name} two", "two"),
                      restartPolicy="Never", **NET) for name in ("a", "b")])
    seapod.apply({**pod("c", shell("seq 20"), restartPolicy="Never", **NET), "metadata": {"name": "c", "labels": {"x": "y"}}})
    assert sorted(seapod.logs("a", "--all-containers", "-f").splitlines()) == ["a one", "a two"]
    assert sorted(seapod.logs("b", "--all-containers", "--prefix", "-f").splitlines())[0] == "[pod/b/one] b one"
    eventually(lambda: seapod.phase("c") == "Succeeded")
    assert seapod.logs("-l", "x=y").splitlines() == [str(n) for n in range(11, 21)]
    assert len(seapod.logs("-l", "x in (y,z)", "--tail=-1").splitlines()) == 20
    assert seapod.logs("b", "two", "--since", "1h") == "b two"
    assert seapod.logs("b", "two", "--since-time", "2100-01-01T00:00:00Z") == ""
    assert re.match(r"\d{4}-\S+Z b two$", seapod.logs("b", "-c", "two", "-t"))
    assert "No pods with these labels" in seapod.run("logs", "-l", "no=body").stderr
    assert "exclude each other" in seapod.fails("logs", "a", "one", "--all-containers", code=2)
    assert "is not a duration" in seapod.fails("logs", "a", "--since", "x", code=2)


def test_a_long_line_and_a_lot_of_lines(seapod):
    seapod.apply(pod("talk", shell("head -c 100000 /dev/zero | tr '\\0' x; echo; seq 1 20000"), restartPolicy="Never", **NET))
    eventually(lambda: seapod.phase("talk") == "Succeeded")
    lines = seapod.logs("talk").splitlines()
    assert lines[0] == "x" * 100000
    assert lines[1:] == [str(n) for n in range(1, 20001)]


def test_timestamps(seapod):
    seapod.apply(pod("talk", shell("echo hi"), restartPolicy="Never", **NET))
    eventually(lambda: re.match(r"\d{4}-\S+Z hi$", seapod.logs("talk", "--timestamps")))


def test_json_of_status_is_valid_at_every_moment(seapod):
    seapod.apply(pod("busy", shell("exit 1"), **NET))
    for _ in range(30):
        json.loads(seapod.out("get", "pods", "busy", "-o", "json"))
