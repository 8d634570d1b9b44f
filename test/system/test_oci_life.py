"""Clauses of the OCI runtime specification: the life of a container (runtime.md) and its hooks (config.md "POSIX-platform Hooks"); oci_runtime.py."""
import json
import os
import signal
import subprocess
import time

import pytest

import world
from instance import eventually
from oci_runtime import OCI, OTHER, own


def test_state_of_a_container_that_does_not_exist_is_an_error(oci):
    assert "does not exist" in oci.call("state", "nobody", check=False).stderr
    assert oci.call("state", check=False).returncode != 0


def test_the_life_of_a_container(oci):
    oci.config["annotations"] = {"org.example.key": "value"}
    oci.create()
    state = oci.state()
    assert (state["status"], state["id"], state["bundle"]) == ("created", oci.id, oci.bundle)
    assert state["annotations"]["org.example.key"] == "value" and state["ociVersion"]
    assert os.path.exists(f"/proc/{state['pid']}")
    oci.start()
    assert oci.status() == "running"
    with open(f"/proc/{state['pid']}/cmdline") as f:
        assert f.read().split("\0") == ["sleep", "100", ""]
    oci.call("kill", oci.id, "KILL")
    oci.stopped()
    oci.call("delete", oci.id)
    assert oci.call("state", oci.id, check=False).returncode != 0
    oci.create()  # the id can be used again


def test_create_needs_an_id_and_a_bundle(oci):
    oci.write()
    assert oci.call("create", "--bundle", oci.bundle, check=False).returncode != 0
    assert oci.call("create", "--bundle", oci.dir + "/none", oci.id, check=False).returncode != 0


def test_an_id_is_unique_and_valid(oci):
    oci.create()
    assert oci.create(check=False).returncode != 0
    assert oci.status() == "created"
    for bad in ("../x", "a/b", "", ".", "..", "a b"):
        assert oci.call("create", "--bundle", oci.bundle, bad, check=False).returncode != 0, bad


def test_the_program_does_not_run_before_start(oci):
    oci.config["process"]["args"] = ["touch", "/tmp/ran"]
    oci.create()
    assert not os.path.exists(oci.bundle + "/rootfs/tmp/ran")
    oci.start()
    eventually(lambda: os.path.exists(oci.bundle + "/rootfs/tmp/ran"))


def test_later_changes_of_the_configuration_do_not_count(oci):
    oci.config["process"]["args"] = ["touch", "/tmp/first"]
    oci.create()
    oci.config["process"]["args"] = ["touch", "/tmp/second"]
    oci.write()
    oci.start()
    eventually(lambda: os.path.exists(oci.bundle + "/rootfs/tmp/first"))
    assert not os.path.exists(oci.bundle + "/rootfs/tmp/second")


def test_start_only_what_is_created(oci):
    assert oci.call("start", oci.id, check=False).returncode != 0
    oci.up()
    assert oci.call("start", oci.id, check=False).returncode != 0
    assert oci.status() == "running"
    oci.call("kill", oci.id, "KILL")
    oci.stopped()
    assert oci.call("start", oci.id, check=False).returncode != 0


def test_kill_sends_the_signal(oci):
    oci.config["process"]["args"] = ["sh", "-c", "trap 'touch /tmp/usr1' USR1; touch /tmp/ready; while :; do sleep 0.05; done"]
    oci.up()
    eventually(lambda: os.path.exists(oci.bundle + "/rootfs/tmp/ready"), "the trap to be set")
    for name in ("USR1", "SIGUSR1", str(int(signal.SIGUSR1))):
        oci.call("kill", oci.id, name)
        eventually(lambda: os.path.exists(oci.bundle + "/rootfs/tmp/usr1"))
        os.unlink(oci.bundle + "/rootfs/tmp/usr1")
    assert oci.call("kill", oci.id, "NOSUCH", check=False).returncode != 0


def test_kill_only_what_runs(oci):
    assert oci.call("kill", oci.id, "TERM", check=False).returncode != 0
    oci.create()
    oci.call("kill", oci.id, "KILL")
    oci.stopped()
    assert "not running" in oci.call("kill", oci.id, "KILL", check=False).stderr


def test_delete_only_what_is_stopped(oci):
    assert oci.call("delete", oci.id, check=False).returncode != 0
    oci.up()
    assert oci.call("delete", oci.id, check=False).returncode != 0
    assert oci.status() == "running"
    oci.call("delete", "--force", oci.id)
    oci.call("delete", "--force", oci.id)  # again: fine


def test_the_creator_may_be_killed(oci):
    """Without a record there is no container, and what was made of it is gone."""
    oci.config["hooks"] = {"createRuntime": [{"path": "/bin/sleep", "args": ["sleep", "30"]}]}
    oci.write()
    creator = subprocess.Popen([OCI, "--root", oci.root, "create", "--bundle", oci.bundle, oci.id], stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    eventually(lambda: "sleep" in str(world.descendants()))
    creator.kill()
    creator.wait()
    if OTHER:
        for pid, (_, line) in world.descendants().items():
            if line == "sleep 30":
                os.kill(pid, signal.SIGKILL)
        return
    eventually(lambda: not [line for _, line in world.descendants().values() if "sleep 30" in line or "create" in line])
    del oci.config["hooks"]
    oci.create()  # the id is free


@own
def test_a_creator_may_be_killed_at_any_moment(oci):
    """Whatever it has made by then, nothing runs, and delete removes the rest."""
    oci.write()
    for delay in range(0, 12):
        creator = subprocess.Popen([OCI, "--root", oci.root, "create", "--bundle", oci.bundle, oci.id], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(delay / 2000)
        creator.kill()
        creator.wait()
        oci.call("delete", "--force", oci.id)
        eventually(lambda: not [line for _, line in world.descendants().values() if oci.bundle in line])
        for controller in os.listdir("/sys/fs/cgroup"):
            assert not os.path.exists(f"/sys/fs/cgroup/{controller}{oci.cgroup}"), (controller, delay)


ORDER = ("prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop")


def test_hooks_run_in_their_order_with_the_state(oci):
    log = oci.dir + "/hooks"
    os.makedirs(oci.bundle + "/rootfs/log")
    oci.config["hooks"] = {name: [{"path": "/bin/sh", "args": ["sh", "-c", f"(echo {name}; cat; echo) >>{log}"]}] for name in ORDER}
    oci.config["hooks"]["startContainer"] = [{"path": "/bin/sh", "args": ["sh", "-c", "(echo startContainer; cat; echo) >>/log/file"]}]
    oci.create()
    oci.start()
    oci.call("kill", oci.id, "KILL")
    oci.stopped()
    oci.call("delete", oci.id)
    with open(log) as f:
        lines = [line for line in f.read().splitlines() if line]
    assert [line for line in lines if line[0] != "{"] == [name for name in ORDER if name != "startContainer"]
    states = [json.loads(line) for line in lines if line[0] == "{"]
    assert all(s["id"] == oci.id and s["bundle"] == oci.bundle for s in states)
    assert [s["status"] for s in states] == ["creating", "creating", "creating", "running", "stopped"] or OTHER
    assert states[0]["pid"] > 1 and states[2]["pid"] == 1 or OTHER
    with open(oci.bundle + "/rootfs/log/file") as f:
        name, state = f.read().splitlines()[:2]
    assert name == "startContainer" and json.loads(state)["status"] == "created"


@pytest.mark.parametrize("name", ["prestart", "createRuntime", "createContainer"])
def test_a_hook_that_fails_ends_the_creation(oci, name):
    oci.config["hooks"] = {name: [{"path": "/bin/false"}]}
    oci.refuses("failed with exit status 1")


@own
def test_a_hook_has_its_time(oci):
    oci.config["hooks"] = {"createRuntime": [{"path": "/bin/sleep", "args": ["sleep", "20"], "timeout": 1}]}
    oci.refuses("did not end in 1 s")


def test_a_poststop_hook_that_fails_is_a_warning(oci):
    oci.config["hooks"] = {"poststop": [{"path": "/bin/false"}, {"path": "/bin/touch", "args": ["touch", oci.dir + "/second"]}]}
    oci.create()
    oci.call("delete", "--force", oci.id)
    assert os.path.exists(oci.dir + "/second") or OTHER


@own
def test_a_hook_in_the_container_has_no_more_rights_than_its_process(oci):
    oci.config["hooks"] = {"startContainer": [{"path": "/bin/sh", "args": ["sh", "-c", "grep CapEff /proc/self/status >/tmp/caps"]}]}
    oci.up()
    with open(oci.bundle + "/rootfs/tmp/caps") as f:
        assert f.read() == "CapEff:\t0000000000000421\n"
