"""Rights that a container could get, keep or be given by mistake (docs/security.md, "Rights")."""
import contextlib
import json
import os
import re
import socket
import subprocess

import pytest

import instance
from hostile import compiled, image
from instance import BUSYBOX, container, eventually, pod, shell
from test_images import FILE
from oci_runtime import oci  # noqa: F401

NET = {"hostNetwork": True}


def kernel(name):
    with open("/proc/sys/" + name) as f:
        return f.read().strip()


@pytest.fixture
def core_pattern():
    before = kernel("kernel/core_pattern")
    yield
    assert kernel("kernel/core_pattern") == before, "a kernel parameter of the machine was changed"


# --- kernel parameters (CVE-2022-0811, CRI-O: a second one behind a "+")

NAMES = ["kernel.core_pattern", "kernel.shm_rmid_forced+kernel.core_pattern", "net.ipv4.../../../kernel.core_pattern", "net/../kernel/core_pattern",
         "kernel.shm_rmid_forced/../core_pattern", "kernel/shm/../core_pattern", "net.ipv4.ip_forward\n", "kernel.msg/../core_pattern", "vm.overcommit_memory",
         "kernel.modprobe", "fs.mqueue/../../kernel/core_pattern", "kernel.shm/", "/kernel/core_pattern", "net.."]


@pytest.mark.parametrize("name", NAMES)
def test_sysctls_of_a_pod_are_its_own(seapod, core_pattern, name):
    web = pod("web", restartPolicy="Never", securityContext={"sysctls": [{"name": name, "value": "1"}]})
    web["metadata"]["annotations"] = {"seapod.io/network": "none"}
    assert seapod.apply(web, check=False).returncode != 0
    seapod.run("delete", "pod", "web", "--now", "--ignore-not-found")


@pytest.mark.parametrize("value", ["1+kernel.core_pattern=|/bin/evil", "1\nkernel.core_pattern=|/bin/evil"])
def test_a_value_is_a_value(seapod, core_pattern, value):
    web = pod("web", restartPolicy="Never", securityContext={"sysctls": [{"name": "kernel.shm_rmid_forced", "value": value}]})
    web["metadata"]["annotations"] = {"seapod.io/network": "none"}
    seapod.apply(web, check=False)
    seapod.run("delete", "pod", "web", "--now", "--ignore-not-found")


@pytest.mark.parametrize("name", NAMES)
def test_sysctls_of_a_bundle_are_its_own(oci, core_pattern, name):
    oci.config["linux"]["sysctl"] = {name: "1"}
    oci.refuses("sysctl")


# --- capabilities


def capabilities(status):
    return {key: int(value, 16) for key, value in re.findall(r"^(Cap\w+):\s*([0-9a-f]+)$", status, re.M)}


def test_no_capability_is_inherited(seapod):
    """CVE-2022-24769 (Docker, containerd), CVE-2022-29162 (runc), CVE-2022-27650 (crun), CVE-2022-27649 (Podman): a file's inheritable capabilities
    would become a user's."""
    seapod.apply(pod("web", container("root"), container("user", securityContext={"runAsUser": 1000}), **NET))
    for name in ("root", "user"):
        for who in ("1", "self"):
            caps = capabilities(seapod.sh("web", f"cat /proc/{who}/status", c=name))
            assert caps["CapInh"] == 0 and caps["CapAmb"] == 0
            assert name == "root" or caps["CapEff"] == caps["CapPrm"] == 0


def test_exec_of_a_bundle_has_no_more_than_its_process(oci):
    """CVE-2022-29162, CVE-2022-27650: exec with --cap made them inheritable, too."""
    oci.up()
    caps = capabilities(oci.call("exec", "--cap", "CAP_KILL", oci.id, "cat", "/proc/self/status").stdout)
    assert caps["CapInh"] == 0 and caps["CapAmb"] == 0
    other = capabilities(oci.call("exec", "--user", "1000:1000", oci.id, "cat", "/proc/self/status").stdout)
    assert other["CapEff"] == other["CapPrm"] == other["CapInh"] == 0


@pytest.mark.parametrize("user", ["1", "1:", ":1", "+1", "0x1", "1:2:3", "4294967296", "4294967295", "-1", "1a", "", " 1"])
def test_the_user_of_exec_is_who_was_asked_for(oci, user):
    """CVE-2026-30892 (crun): a user that is read wrongly is root."""
    oci.up()
    done = oci.call("exec", "--user", user, oci.id, "sh", "-c", "id -u; id -g", check=False)
    assert done.returncode != 0 or done.stdout.split() == ["1", "0"], (done.stdout, done.stderr)


@pytest.mark.parametrize("uid", [4294967296, 4294967295, 2147483648 * 2 + 1000, -1])
def test_a_users_number_does_not_wrap_to_root(seapod, tmp_path, uid):
    """CVE-2024-40635 (containerd): a number beyond 32 bits is root."""
    seapod.rejects(pod("web", securityContext={"runAsUser": uid}, **NET))
    name = image(seapod, tmp_path, User=f"{uid}:{uid}", Cmd=["id", "-u"])
    assert seapod.run("run", "--rm", "--net=none", name, check=False).stdout.strip() != "0"


@pytest.mark.parametrize("uid", [4294967296, 4294967295, -1])
def test_a_bundles_user_does_not_wrap_to_root(oci, uid):
    oci.config["process"]["user"] = {"uid": uid, "gid": uid}
    oci.refuses("uid")


def test_an_images_user_is_not_root_by_another_name(seapod, tmp_path):
    """runAsNonRoot looks at the number that a name stands for, not at the name."""
    name = image(seapod, tmp_path, ("etc/passwd", FILE, b"app:x:0:0::/:\n00:x:0:0::/:\n"), User="app", Cmd=["id", "-u"])
    for user in ("app", "00", "0000000000"):
        image(seapod, tmp_path, ("etc/passwd", FILE, b"app:x:0:0::/:\n00:x:0:0::/:\n"), User=user, Cmd=["id", "-u"])
        web = pod("web", {"name": "main", "image": name}, securityContext={"runAsNonRoot": True}, restartPolicy="Never", **NET)
        assert "runAsNonRoot" in seapod.apply(web, check=False).stderr
        seapod.delete("web", "--now")


def test_an_images_groups_are_limited(seapod, tmp_path):
    """CVE-2026-47262 (containerd): an /etc/group without end holds the runtime up."""
    lines = b"".join(b"g:x:%d:app\n" % i for i in range(1000, 70000))[:1024 * 1024 - 100]
    name = image(seapod, tmp_path, ("etc/passwd", FILE, b"app:x:5:5::/:\n"), ("etc/group", FILE, lines), User="app", Cmd=["id", "-u"])
    done = seapod.run("run", "--rm", "--net=none", name, check=False, timeout=5)
    assert done.returncode != 0 and "/etc/group" in done.stderr, done.stderr


# --- namespaces, cgroups, keys


def test_no_user_namespace_gives_capabilities_back(seapod):
    """CVE-2022-0492 (kernel): in a user namespace of its own a container mounts a cgroup hierarchy and sets its release_agent."""
    seapod.apply(pod("web", **NET))
    for script in ("unshare -r true", "unshare -rm mount -t tmpfs x /tmp", "unshare -rC mount -t cgroup -o rdma x /tmp", "unshare -m true",
                   "mount -t proc x /tmp", "mount -o remount,rw /sys", "mount -o bind /proc/sys /tmp", "umount /proc/kcore", "umount /proc/sys"):
        assert seapod.exec("web", "sh", "-c", script, check=False).returncode != 0, script


@pytest.mark.parametrize("security", [{}, {"capabilities": {"add": ["ALL"]}, "seccompProfile": {"type": "RuntimeDefault"}}])
def test_control_groups_cannot_be_written(seapod, security):
    """CVE-2023-25809 (runc): /sys/fs/cgroup is writable after all."""
    seapod.apply(pod("web", container(securityContext=security), **NET))
    said = seapod.sh("web", "for f in $(find /sys/fs/cgroup -type d | head -50); do mkdir $f/new && echo made $f; echo 1 >$f/cgroup.procs && echo wrote $f; done; "
                            "find / -xdev -name release_agent 2>/dev/null; true", check=False)
    assert "made" not in said and "wrote" not in said and "release_agent" not in said


def test_a_bundles_control_groups_are_read_only_when_it_says_so(oci):
    oci.config["mounts"].append({"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": ["ro", "nosuid", "noexec", "nodev"]})
    said = oci.sh("for f in /sys/fs/cgroup /sys/fs/cgroup/*; do [ -d $f ] && mkdir $f/new && echo made; done; grep cgroup /proc/mounts")
    assert "made" not in said and " rw," not in said


KEYS = r"""
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>
int main(void)
{
	/* keyctl(KEYCTL_SEARCH, session or user keyring, "user", "seapod-secret", 0) */
	long session = syscall(SYS_keyctl, 10, -3, "user", "seapod-secret", 0), user = syscall(SYS_keyctl, 10, -4, "user", "seapod-secret", 0);
	puts(session >= 0 ? "found" : "none");
	return user >= 0;
}
"""


def test_the_callers_keys_are_not_the_containers(oci, tmp_path):
    """CVE-2014-9357's and CVE-2016-9962's time: Docker's containers had the session keyring of the daemon."""
    compiled(oci.bundle + "/rootfs/bin", "keys", KEYS, "-static")
    with open(tmp_path / "run", "w") as f:
        f.write("import ctypes, os, sys\n"
                "libc = ctypes.CDLL(None)\n"
                "libc.syscall(250, 1, 0)\n"  # keyctl(KEYCTL_JOIN_SESSION_KEYRING)
                "libc.syscall(248, b'user', b'seapod-secret', b'x', 1, -3)\n"  # add_key to it
                "os.execv(sys.argv[1], sys.argv[1:])\n")
    oci.config["process"]["args"] = ["keys"]
    oci.write()
    command = ["/usr/bin/python3", str(tmp_path / "run"), os.path.join(instance.BUILD, "seapod-oci"), "--root", oci.root, "run", "--bundle", oci.bundle, oci.id]
    assert subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL).stdout == "none\n"


# --- sockets


def test_there_is_no_abstract_socket_to_reach(seapod):
    """CVE-2020-15257 (containerd): the shim listened on an abstract socket, which every container with the host's network could talk to."""
    seapod.apply(pod("web", **NET))
    keeper = seapod.keeper("web")
    inodes = set()
    for n in os.listdir(f"/proc/{keeper}/fd"):
        with contextlib.suppress(FileNotFoundError):  # what it closes meanwhile is no socket that it listens on
            link = os.readlink(f"/proc/{keeper}/fd/{n}")
            inodes |= {link[8:-1]} if link.startswith("socket:[") else set()
    assert inodes
    with open("/proc/net/unix") as f:
        mine = [line.split() for line in f if line.split()[6] in inodes]
    assert not [line for line in mine if len(line) > 7 and line[7].startswith("@")]


def test_another_user_cannot_talk_to_a_keeper(seapod):
    """The socket is root's, and it asks who is at the other end, whatever the permissions of the directories above are."""
    seapod.apply(pod("web", **NET))
    path = f"{seapod.run_dir}/pods/{seapod.uid('web')}/ctl"
    assert os.stat(path).st_mode & 0o777 == 0o600
    os.chmod(path, 0o666)
    for folder in (seapod.dir, seapod.run_dir, seapod.run_dir + "/pods", os.path.dirname(path)):
        os.chmod(folder, 0o755)
    talk = ("import os, socket, sys\n"
            "os.chdir(os.path.dirname(sys.argv[1])); os.setgid(65534); os.setuid(65534)\n"
            "s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)\n"
            "s.connect('ctl')\n"
            "try:\n    s.send(b'{\"verb\":\"kill\",\"signal\":9}'); print(s.recv(1000).decode())\nexcept OSError: print('')\n")
    said = subprocess.run(["/usr/bin/python3", "-c", talk, path], capture_output=True, text=True)
    assert said.stdout.strip() == "" and seapod.phase("web") == "Running", said


# --- network (Kubernetes)


@pytest.mark.bridge
def test_router_advertisements_are_not_believed(seapod):
    """CVE-2020-10749, CVE-2020-13401, CVE-2020-13597: a pod advertises itself as the router of IPv6 and gets the others' and the host's traffic."""
    seapod.apply(pod("other"))
    # With what a pod has (NET_RAW) it can send any packet; it must not be heard.
    assert seapod.sh("other", "cat /proc/sys/net/ipv6/conf/eth0/disable_ipv6 2>/dev/null || echo 1") == "1"
    assert seapod.sh("other", "ip -6 route show default 2>/dev/null; true") == ""
    if os.path.exists(f"/proc/sys/net/ipv6/conf/{seapod.bridge}"):
        assert kernel(f"net/ipv6/conf/{seapod.bridge}/disable_ipv6") == "1"


@pytest.mark.bridge
def test_the_hosts_loopback_is_not_to_be_reached(seapod):
    """CVE-2020-8558: route_localnet of the bridge, which published ports on 127.0.0.1 need, lets neighbours send packets to 127.0.0.1."""
    security = {"capabilities": {"add": ["NET_ADMIN"]}}
    seapod.apply(pod("web", container(ports=[{"containerPort": 80, "hostPort": 18080, "hostIP": "127.0.0.1"}], securityContext=security)))
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    gateway = seapod.sh("web", "ip route | sed -n 's/default via \\([^ ]*\\).*/\\1/p'")
    script = f"ip rule add pref 1 lookup 100; ip rule del pref 0; ip addr del 127.0.0.1/8 dev lo; ip route add 127.0.0.1 via {gateway} dev eth0; nc -w 1 127.0.0.1 {port} </dev/null"
    listener.settimeout(0.5)
    seapod.exec("web", "sh", "-c", script, check=False)
    with pytest.raises(TimeoutError):
        listener.accept()
    listener.close()


def test_raw_sockets_go_with_their_capability(seapod):
    """CVE-2020-14386's policy: who drops NET_RAW has no packet sockets."""
    seapod.apply(pod("web", container(securityContext={"capabilities": {"drop": ["NET_RAW"]}}), **NET))
    assert int(seapod.sh("web", "sed -n 's/^CapBnd:.//p' /proc/self/status"), 16) & (1 << 13) == 0


def test_the_pods_files_do_not_fill_the_disk(seapod):
    """CVE-2020-8557: /etc/hosts is on the host's disk, and nobody counts what is written to it."""
    seapod.apply(pod("web", container("a"), container("b"), **NET))
    for path in ("/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/dev/termination-log"):
        size = int(seapod.sh("web", f"dd if=/dev/zero of={path} bs=64k count=64 2>/dev/null; stat -c %s {path}", c="a", check=False))
        assert size <= 1024 * 1024, path
        seapod.sh("web", f": >{path}", c="a")


# --- things that are shared read-only (CVE-2022-0847's class: what is not to be written cannot be opened for writing either)


def test_what_is_shared_stays_as_it_is(seapod):
    """Two containers of one image: each has a layer of its own on top, and the image's files are below it."""
    seapod.apply(pod("web", shell("rm /bin/id; echo changed >/bin/id; echo x >>/bin/ls; exec sleep 1000", "a"), container("b"), **NET))
    eventually(lambda: seapod.sh("web", "head -c 7 /bin/id", c="a") == "changed")
    assert seapod.sh("web", "id -u", c="b") == "0"
    assert seapod.out("run", "--rm", "--net=none", BUSYBOX, "id", "-u") == "0"


# --- hooks


def test_a_containers_environment_is_not_a_hooks(oci):
    """CVE-2025-23266 (NVIDIA's toolkit): an image's LD_PRELOAD is loaded into a hook of the host."""
    hook = oci.dir + "/hook"
    with open(hook, "w") as f:
        f.write(f"#!/bin/sh\nenv >>{oci.dir}/env; pwd >>{oci.dir}/env\n")
    os.chmod(hook, 0o755)
    oci.config["process"]["env"] += ["LD_PRELOAD=/evil.so", "EVIL=1", "BASH_ENV=/evil"]
    oci.config["hooks"] = {name: [{"path": hook, "env": ["MINE=1"]}] for name in ("prestart", "createRuntime", "createContainer", "poststart", "poststop")}
    oci.run("true")
    with open(oci.dir + "/env") as f:
        said = f.read()
    assert said.count("MINE=1") == 5 and "EVIL" not in said and "evil" not in said


def test_an_images_labels_are_nothing_to_anybody(seapod, tmp_path):
    """CVE-2026-53488 (containerd): a label of the image is a command to a plugin. Here it is not even the pod's."""
    name = image(seapod, tmp_path, Labels={"containerd.io/restart.loguri": "binary:///bin/sh", "seapod.io/network": "host"}, Cmd=["sleep", "1000"])
    seapod.run("run", "-d", "--name", "web", "--net=none", name)
    assert "binary" not in json.dumps(seapod.get("web")) and "seapod.io/network\": \"host" not in json.dumps(seapod.get("web"))


# --- the terminal of who looks


def test_a_container_writes_no_escape_sequences_to_the_users_terminal(seapod):
    """CVE-2021-25743 (kubectl): messages of containers, printed as they are."""
    evil = "echo -e 'm\\033]0;evil\\007\\033[2J\\nStatus: all is well' >/dev/termination-log; exit 3"
    seapod.apply(pod("web", shell(evil), restartPolicy="Never", **NET))
    eventually(lambda: seapod.phase("web") == "Failed")
    assert "evil" in seapod.status("web", "main")["state"]["terminated"]["message"]
    for command in (["describe", "pod", "web"], ["get", "pods"], ["get", "pods", "-o", "yaml"], ["get", "pods", "-o", "json"], ["ps", "-a"]):
        said = seapod.out(*command)
        assert "\033" not in said and "\007" not in said and "\nStatus: all" not in said, command


def test_a_line_without_end_does_not_fill_the_keeper(seapod):
    """Nor the disk: parts of lines are written, and files are rotated away."""
    script = "dd if=/dev/zero bs=64k count=1000 2>/dev/null | tr '\\0' x; sleep 1000"
    seapod.apply(pod("web", shell(script), **NET))
    logs = f"{seapod.root}/log/pods/default_web_{seapod.uid('web')}/main"
    eventually(lambda: sum(e.stat().st_size for e in os.scandir(logs)) > 30 << 20, seconds=30)
    with open(f"/proc/{seapod.keeper('web')}/status") as f:
        assert int(re.search(r"VmHWM:\s+(\d+)", f.read()).group(1)) < 16 * 1024
    assert sum(e.stat().st_size for e in os.scandir(logs)) < 64 << 20
