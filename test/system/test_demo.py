"""make demo: the first thing that a new user sees."""
import re
import socket
import subprocess

import pytest

import instance

pytestmark = pytest.mark.bridge


def demo(web, verb, **env):
    done = subprocess.run([instance.TOP + "/scripts/demo", verb], env={**web.env, "BUILD": instance.BUILD, **env}, text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=60 * instance.PATIENCE)
    return done.returncode, done.stdout, done.stderr


def works(web, **env):
    code, said, wrong = demo(web, "up", **env)
    assert (code, wrong) == (0, ""), said + wrong
    return said


def test_it_shows_what_a_pod_shares(web):
    said = works(web)
    assert "The manifest: examples/demo/web.yaml" in said
    assert re.search(r"web +2/2 +Running +0 .*0\.0\.0\.0:8088->80/TCP", said)
    assert re.search(r"node v\d+\S* in pod web: visit 1 from \S+ by way of HTTP/1.1 nginx", said)
    assert len(re.findall(r"^  visit 1 from", said, re.M)) == 3
    assert "exit code 137" in said
    spent = [float(s) for s in re.findall(r"(\d\.\d\d) s$", said, re.M)]
    assert len(spent) == 2 and sum(spent) < 0.8, "half a CPU for one second"
    assert "127.0.0.1:8088" in said and "make demo-down" in said


def test_it_works_when_run_twice_and_at_another_port(web):
    works(web)
    assert "pod/web unchanged" in works(web)
    assert "0.0.0.0:9090->80/TCP" in works(web, PORT="9090")
    assert "pod/web unchanged" in works(web), "it stays where it is"


def test_it_finds_a_free_port(web):
    with socket.create_server(("", 8088)):
        assert "0.0.0.0:8089->80/TCP" in works(web)


def test_down_removes_it(web):
    works(web)
    code, said, wrong = demo(web, "down")
    assert (code, wrong) == (0, "")
    assert "pod/web deleted" in said
    assert web.out("get", "configmaps", "-o", "name") == ""
    assert demo(web, "down") == (0, "", "")


def test_another_pod_of_that_name_is_left_alone(web):
    web.apply(instance.pod("web"))
    for verb in "up", "down":
        code, _, wrong = demo(web, verb)
        assert code == 1 and "not the demo's" in wrong
    assert web.phase("web") == "Running"
