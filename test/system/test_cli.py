"""The command line itself: help, wrong usage, near misses, completion."""
import os
import re
import subprocess

import pytest

import instance
from instance import container, pod


def commands(bare):
    return [line.split()[0] for line in bare.out("help").splitlines() if re.match(r"  [a-z]", line)]


def test_every_command_tells_about_itself(bare):
    found = commands(bare)
    assert len(found) > 15
    for name in found:
        said = bare.out("help", name)
        assert f"Usage: seapod {name}" in said
        assert said == bare.out(name, "--help")
        assert name == "oci" or max(map(len, said.splitlines())) <= 80, name
    assert bare.out("get", "-h") == bare.out("help", "get")
    assert bare.out("run", "--name", "x", "--help") == bare.out("help", "run")


def test_without_a_command_it_helps_and_fails(bare):
    done = bare.run(check=False)
    assert (done.returncode, done.stderr) == (2, "") and "Usage: seapod" in done.stdout


@pytest.mark.parametrize("args,said", [
    (["aply"], "did you mean 'apply'"),
    (["create", "-f", "x"], "seapod apply -f FILE"),
    (["--rot", "/x", "ps"], "no option '--rot'"),
    (["--root"], "needs a value"),
    (["get", "pods", "--wacth-only"], "get has no option '--wacth-only'"),
    (["apply", "--dry-rum", "-f", "x"], "did you mean '--dry-run'"),
    (["apply"], "-f FILE"),
    (["logs"], "a pod's name"),
    (["exec", "web"], "needs a command"),
    (["delete", "pod"], "the name of a pod"),
    (["delete", "web", "x"], "no kind 'web'"),
    (["completion", "tcsh"], "bash, zsh, fish"),
    (["help", "gte"], "did you mean 'get'"),
])
def test_wrong_usage_is_one_line_that_helps(bare, args, said):
    assert said in bare.fails(*args, code=2)


def test_help_and_explain_need_no_instance(tmp_path):
    """As a user who may not write anywhere."""
    env = {"SEAPOD_ROOT": "/proc/no", "SEAPOD_RUN": "/proc/no", "PATH": "/usr/bin:/bin"}
    for args in ["help"], ["explain", "pod"], ["version"], ["completion", "bash"], ["ps", "--help"]:
        subprocess.run([instance.SEAPOD, *args], env=env, check=True, stdout=subprocess.DEVNULL)


def test_global_options_stand_anywhere(bare, tmp_path):
    elsewhere = ["--root", tmp_path / "root", f"--run={tmp_path}/run"]
    assert str(tmp_path) in bare.out(*elsewhere, "system", "info")
    assert str(tmp_path) in bare.out("system", "info", *elsewhere)
    assert "namespace other" in bare.run("-n", "other", "get", "pods").stderr


def test_names_as_get_prints_them(seapod):
    seapod.apply([instance.pod(name, hostNetwork=True) for name in ("a", "b", "c")])
    names = seapod.out("get", "pods", "-o", "name").split()
    assert names == ["pod/a", "pod/b", "pod/c"]
    assert seapod.sh("pod/a", "hostname") != ""
    assert "pod/c deleted" in seapod.out("delete", "--now", *names)
    assert seapod.out("get", "pods", "-o", "name") == ""


def test_rm_f_is_dockers(seapod):
    seapod.run("run", "-d", "--net=host", "--name", "a", instance.BUSYBOX, *instance.STAY)
    seapod.run("rm", "-f", "a")
    assert seapod.out("get", "pods", "-o", "name") == ""


def test_completion_knows_commands_options_and_pods(seapod):
    seapod.apply(instance.pod("web", instance.container("nginx"), instance.container("node"), hostNetwork=True))

    def candidates(*words):
        return [line.split("\t")[0] for line in seapod.out("completion", "words", *words).splitlines()]
    assert candidates("res") == ["resize", "restart"]
    assert candidates("get", "p") == ["pods", "persistentvolumeclaims"]
    assert candidates("get", "pods", "") == candidates("logs", "") == ["web"]
    assert candidates("logs", "web", "-c", "n") == ["nginx", "node"]
    assert candidates("exec", "web", "-c", "") == ["nginx", "node"]
    assert candidates("exec", "web", "--", "") == []
    assert candidates("run", "-d", "") == [instance.BUSYBOX]
    assert candidates("apply", "--wait=r") == ["--wait=running", "--wait=ready"]
    assert candidates("apply", "--wait", "=", "r") == ["running", "ready"]
    assert candidates("apply", "-f", "") == [":files"]
    assert candidates("get", "pods", "-o", "j") == ["json", "jsonpath="]
    assert candidates("label", "pods", "w") == ["web"]
    assert candidates("inspect", "w") == ["web"]
    assert candidates("-n", "other", "get", "pods", "") == candidates("nosuch", "") == []


def test_completion_in_bash(seapod):
    script = seapod.out("completion", "bash")
    asked = 'COMP_WORDS=(seapod get con); COMP_CWORD=2; _seapod; echo "${COMPREPLY[@]}"'
    done = subprocess.run(["bash", "--norc", "-c", f"seapod() {{ {instance.SEAPOD} \"$@\"; }}; {script}\n{asked}"], env=seapod.env,
                          text=True, stdout=subprocess.PIPE)
    assert done.stdout.split() == ["configmaps"]


@pytest.mark.skipif(not os.path.exists(instance.BUILD + "/man/seapod.1"), reason="built without scdoc")
def test_the_manual_knows_every_command_and_option(bare):
    with open(instance.BUILD + "/man/seapod.1") as f:
        page = f.read().replace("\\-", "-").replace("\\fB", "").replace("\\fR", "").replace("\\&", "")
    for name in commands(bare):
        assert f'.SS seapod {name}' in page, name
        for option in re.findall(r"^ .*(--[a-z-]+)", bare.out("help", name).partition("Options:")[2], re.M):
            assert option in page, f"{name} {option}"


def test_all_needs_a_kind_and_no_names(seapod):
    seapod.apply(pod("web", container()))
    for words in (["pod", "web"], ["cm", "x"], ["web"], []):
        assert seapod.run("delete", *words, "--all", check=False).returncode == 2
    assert seapod.run("wait", "cm", "x", "--for=delete", check=False).returncode == 2
    assert seapod.phase("web") == "Running"
    seapod.run("delete", "pods", "--all", "--now")
    assert "No pods" in seapod.run("get", "pods").stdout + seapod.run("get", "pods").stderr
