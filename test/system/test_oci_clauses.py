"""Clauses of the OCI runtime specification that the other files do not meet on their way; oci_runtime.py."""
import os
import subprocess

import pytest

from hostile import compiled
from oci_runtime import OCI, own
from test_escapes_privileges import KEYS

# config.md "Linux mount options": those that MUST be implemented.
OPTIONS = """async atime defaults dev diratime dirsync exec iversion lazytime loud noatime nodev nodiratime noexec noiversion nolazytime norelatime
nostrictatime nosuid relatime ro rw silent strictatime suid sync""".split()
BIND_OPTIONS = "bind rbind private rprivate shared rshared slave rslave unbindable runbindable".split()


@pytest.mark.parametrize("command", ["state", "start", "kill", "delete"])
def test_operations_need_an_id(oci, command):
    assert oci.call(command, check=False).returncode != 0


def test_a_container_without_a_process_is_not_started(oci):
    """Whether create refuses it or start does."""
    del oci.config["process"]
    assert oci.create(check=False).returncode != 0 or oci.call("start", oci.id, check=False).returncode != 0


def test_a_start_hook_that_fails_ends_the_container(oci):
    oci.config["process"]["args"] = ["touch", "/tmp/ran"]
    oci.config["hooks"] = {"startContainer": [{"path": "/bin/false"}], "poststop": [{"path": "/bin/touch", "args": ["touch", oci.dir + "/after"]}]}
    oci.create()
    assert oci.call("start", oci.id, check=False).returncode != 0
    oci.stopped()
    assert not os.path.exists(oci.bundle + "/rootfs/tmp/ran")
    oci.call("delete", oci.id)
    assert os.path.exists(oci.dir + "/after")


def test_hooks_run_in_the_namespaces_that_are_said(oci):
    """config.md "POSIX-platform Hooks": createContainer in the container's, with a path of the runtime's; the others in the runtime's."""
    names = ("prestart", "createRuntime", "createContainer", "poststart", "poststop")
    oci.config["hooks"] = {name: [{"path": "/bin/sh", "args": ["sh", "-c", f"readlink /proc/self/ns/net /proc/self/ns/mnt >{oci.dir}/{name}"]}]
                           for name in names}
    oci.up()
    pid = oci.state()["pid"]
    inside, outside = ([os.readlink(f"/proc/{p}/ns/{n}") for n in ("net", "mnt")] for p in (pid, "self"))
    oci.call("kill", oci.id, "KILL")
    oci.stopped()
    oci.call("delete", oci.id)
    for name in names:
        with open(f"{oci.dir}/{name}") as f:
            found = f.read().split()
        assert found[0] == (inside if name == "createContainer" else outside)[0], name
        assert name == "createContainer" or found[1] == outside[1], name


def test_a_size_without_a_terminal_is_passed_over(oci):
    oci.config["process"]["consoleSize"] = {"height": 10, "width": 10}
    assert oci.sh("test -t 0 || echo none") == "none\n"


def test_a_relative_destination_is_below_the_root(oci):
    oci.config["mounts"].append({"destination": "somewhere/below", "type": "tmpfs", "source": "tmpfs"})
    assert oci.sh("grep -c ' /somewhere/below ' /proc/self/mounts") == "1\n"


@pytest.mark.parametrize("option", OPTIONS)
def test_options_of_mounts_that_must_be(oci, option):
    oci.config["mounts"].append({"destination": "/there", "type": "tmpfs", "source": "tmpfs", "options": [option]})
    assert oci.sh("grep -c ' /there ' /proc/self/mounts") == "1\n"


@pytest.mark.parametrize("option", BIND_OPTIONS)
def test_options_of_binds_that_must_be(oci, option):
    os.makedirs(oci.dir + "/source")
    oci.config["mounts"].append({"destination": "/there", "type": "bind", "source": oci.dir + "/source", "options": ["bind", option]})
    assert oci.sh("grep -c ' /there ' /proc/self/mounts") == "1\n"


def test_remount(oci):
    oci.config["mounts"] += [{"destination": "/there", "type": "tmpfs", "source": "tmpfs"},
                             {"destination": "/there", "type": "tmpfs", "source": "tmpfs", "options": ["remount", "ro"]}]
    assert oci.run("touch", "/there/file", check=False).returncode != 0


@pytest.mark.parametrize("annotations", [{"": "value"}, {"key": 1}, ["key"]])
def test_annotations_are_texts_with_names(oci, annotations):
    oci.config["annotations"] = annotations
    oci.refuses("annotations")


def test_no_new_keyring(oci, tmp_path):
    """The caller's session keyring is the container's then; without the option it is not (test_escapes_privileges.py)."""
    compiled(oci.bundle + "/rootfs/bin", "keys", KEYS, "-static")
    oci.config["process"]["args"] = ["keys"]
    oci.write()
    join = ("import ctypes, os, sys; libc = ctypes.CDLL(None); libc.syscall(250, 1, 0); "  # keyctl(KEYCTL_JOIN_SESSION_KEYRING)
            "libc.syscall(248, b'user', b'seapod-secret', b'x', 1, -3); os.execv(sys.argv[1], sys.argv[1:])")
    done = subprocess.run(["/usr/bin/python3", "-c", join, OCI, "--root", oci.root, "run", "--no-new-keyring", "--bundle", oci.bundle, oci.id],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20)
    assert done.stdout == "found\n"


@own
def test_a_label_of_mounts_without_selinux(oci):
    if os.path.exists("/sys/fs/selinux/enforce"):
        pytest.skip("SELinux is active")
    oci.config["linux"]["mountLabel"] = "system_u:object_r:container_file_t:s0"
    oci.refuses("linux.mountLabel", "SELinux")
