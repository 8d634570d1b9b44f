"""--systemd-cgroup with a real systemd (systemd_world.py): a container's cgroup is a scope of it."""
import os
import shutil
import subprocess

import pytest

import instance
from instance import eventually
from oci_runtime import OCI, V2, one_container, own
from systemd_world import SYSTEMD, Systemd

pytestmark = pytest.mark.skipif(not (os.path.exists(SYSTEMD) and shutil.which("busctl") and shutil.which("dbus-daemon")),
                                reason="systemd or dbus is not installed")
MEMORY = "MemoryMax" if V2 else "MemoryLimit"


@pytest.fixture(scope="module")
def systemd():
    made = Systemd()
    yield made
    made.end()


@pytest.fixture
def scope(systemd):
    """A container to be made in systemd's world, and the scope that it is to have."""
    with one_container(systemd.dir) as oci:
        oci.command = [*systemd.enter(), OCI, "--systemd-cgroup"]
        oci.config["linux"]["cgroupsPath"] = f"machine-a.slice:test:{oci.id}"
        oci.unit = f"test-{oci.id}.scope"
        oci.cgroup = f"/machine.slice/machine-a.slice/{oci.unit}"
        yield oci
        oci.call("delete", "--force", oci.id)
        assert not systemd.has(oci.unit)


def cgroups(systemd, oci):
    lines = systemd("cat", f"/proc/{oci.state()['pid']}/cgroup").stdout.splitlines()
    return {line.split(":", 2)[2] for line in lines} - {"/"}


def test_a_container_is_a_scope(systemd, scope):
    scope.config["linux"]["resources"].update(memory={"limit": 67108864}, pids={"limit": 33}, cpu={"shares": 512, "quota": 50000, "period": 100000})
    scope.up()
    assert systemd.has(scope.unit)
    assert systemd.property(scope.unit, "Slice") == "machine-a.slice"
    assert systemd.property(scope.unit, "Delegate") == "yes"
    assert systemd.property(scope.unit, MEMORY) == "67108864"
    assert systemd.property(scope.unit, "TasksMax") == "33"
    assert systemd.property(scope.unit, "CPUQuotaPerSecUSec") == "500ms"
    assert systemd.property(scope.unit, "DevicePolicy") == "strict"
    assert cgroups(systemd, scope) == {scope.cgroup}
    assert scope.exec("echo", "in").stdout == "in\n"
    scope.call("kill", scope.id, "KILL")
    scope.stopped()
    scope.call("delete", scope.id)
    assert not systemd.has(scope.unit)
    scope.create()  # the name is free at once


def test_without_a_path_it_is_in_system_slice(systemd, scope):
    del scope.config["linux"]["cgroupsPath"]
    scope.unit = f"seapod-oci-{scope.id}.scope"
    scope.up()
    assert systemd.has(scope.unit) and systemd.property(scope.unit, "Slice") == "system.slice"


def test_an_update_is_systemds_too(systemd, scope):
    """What systemd does not know it would write over."""
    scope.up()
    scope.call("update", "--memory", "33554432", "--pids-limit", "44", scope.id)
    assert systemd.property(scope.unit, "TasksMax") == "44"
    systemd("systemctl", "daemon-reload")
    assert systemd.property(scope.unit, MEMORY) == "33554432"
    assert cgroups(systemd, scope) == {scope.cgroup}


def test_pause_and_figures(scope):
    scope.up()
    scope.call("pause", scope.id)
    assert scope.status() == "paused"
    scope.call("resume", scope.id)
    assert '"current":1' in scope.call("events", "--stats", scope.id).stdout.replace(" ", "")


@own
@pytest.mark.parametrize("path, words", [
    ("/plain/path", "SLICE:PREFIX:NAME"), ("a.slice:b", "SLICE:PREFIX:NAME"), ("a:b:c:d", "SLICE:PREFIX:NAME"),
    ("noslice:a:b", "'noslice' is not the name of a slice"), ("a--b.slice:a:b", "'a--b.slice'"), ("../x.slice:a:b", "'../x.slice'"),
    ("a.slice:x/y:b", "x/y-b.scope"),
])
def test_what_is_no_unit_is_refused(scope, path, words):
    scope.config["linux"]["cgroupsPath"] = path
    scope.refuses("linux.cgroupsPath", words)


@own
def test_a_unit_that_is_there(systemd, scope):
    systemd("systemd-run", "--scope", "--unit", scope.unit, "sh", "-c", "sleep 100 >/dev/null 2>&1 </dev/null &")
    scope.refuses("linux.cgroupsPath", scope.unit, "already")
    assert systemd.has(scope.unit)
    systemd("systemctl", "stop", scope.unit)


@own
def test_a_creator_that_is_killed_leaves_no_scope(systemd, scope):
    scope.config["hooks"] = {"createRuntime": [{"path": "/bin/sleep", "args": ["sleep", "30"]}]}
    scope.write()
    creator = subprocess.Popen([*scope.command, "--root", scope.root, "create", "--bundle", scope.bundle, scope.id],
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    eventually(lambda: systemd.has(scope.unit), "the scope")
    with open(f"/proc/{creator.pid}/task/{creator.pid}/children") as f:  # nsenter waits for it
        os.kill(int(f.read().split()[0]), 9)
    creator.wait()
    eventually(lambda: not systemd.has(scope.unit), "the scope to be gone")


@own
def test_a_creation_that_fails_leaves_no_scope(systemd, scope):
    scope.config["process"]["args"] = ["no-such-program"]
    scope.refuses("no-such-program")
    assert not systemd.has(scope.unit)


@own
def test_without_systemd_it_says_so(oci):
    oci.command = ["env", "DBUS_SYSTEM_BUS_ADDRESS=unix:path=/none", OCI, "--systemd-cgroup"]
    oci.config["linux"]["cgroupsPath"] = "a.slice:b:c"
    oci.refuses("--systemd-cgroup", "D-Bus")


@pytest.mark.skipif(not shutil.which("podman"), reason="podman is not installed")
def test_podman_with_the_systemd_manager(systemd):
    home = systemd.dir + "/podman"
    os.makedirs(home)
    with open(home + "/containers.conf", "w") as f:
        f.write('[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=1000:1000"]\n')
    podman = [f"CONTAINERS_CONF={home}/containers.conf", "podman", "--root", home + "/root", "--runroot", home + "/run", "--tmpdir",
              home + "/tmp", "--storage-driver", "vfs", "--cgroup-manager", "systemd", "--events-backend", "none", "--runtime", OCI]

    def call(*args):
        return systemd("env", *podman, *args).stdout
    call("load", "-i", f"{instance.IMAGES}/busybox.tar")
    assert call("run", "--rm", "--network", "none", "--memory", "32m", "seapod.test/busybox", "echo", "hello") == "hello\n"
    name = call("run", "-d", "--network", "none", "--name", "main", "seapod.test/busybox", "sleep", "100").strip()
    assert systemd.has(f"libpod-{name}.scope")
    assert call("exec", "main", "echo", "in") == "in\n"
    call("rm", "-f", "-t", "0", "main")
    assert not systemd.has(f"libpod-{name}.scope")
