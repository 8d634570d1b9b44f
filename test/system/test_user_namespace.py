"""hostUsers: false: root in the pod is nobody on the host (KEP-127)."""
import os
import subprocess

import pytest

from instance import container, eventually, kill, pod, shell

NONE = {"seapod.io/network": "none"}


def users(name="web", *containers, **spec):
    made = pod(name, *containers, hostUsers=False, **spec)
    made["metadata"]["annotations"] = dict(NONE)
    return made


def host_uid(pid):
    return os.stat(f"/proc/{pid}").st_uid


def test_root_in_the_pod_is_nobody_on_the_host(seapod):
    seapod.apply(users())
    assert seapod.sh("web", "id -u; cat /proc/self/uid_map").split() == ["0", "0", str(host_uid(seapod.pid("web"))), "65536"]
    assert host_uid(seapod.pid("web")) >= 0x70000000


def test_two_pods_have_no_id_in_common(seapod):
    seapod.apply([users("a"), users("b"), users("c")])
    first = {host_uid(seapod.pid(name)) // 65536 for name in "abc"}
    assert len(first) == 3


def test_files_belong_to_the_pods_own_users(seapod, tmp_path):
    """The image's, the pod's and those of volumes of every kind; what is written to a volume belongs to the same ids on the host."""
    (tmp_path / "in").write_text("x")
    os.chown(tmp_path, 1000, 1000)
    volumes = {"disk": {"emptyDir": {}}, "memory": {"emptyDir": {"medium": "Memory"}}, "host": {"hostPath": {"path": str(tmp_path)}},
               "words": {"downwardAPI": {"items": [{"path": "name", "fieldRef": {"fieldPath": "metadata.name"}}]}}}
    seapod.apply(users("web", container(volumeMounts=[{"name": name, "mountPath": f"/v/{name}"} for name in volumes]),
                       volumes=[{"name": name, **source} for name, source in volumes.items()]))
    paths = "/ /bin /etc/hosts /dev/shm /v/disk /v/memory /v/words/name"
    assert set(seapod.sh("web", f"stat -L -c %u:%g {paths}").split()) == {"0:0"}
    assert seapod.sh("web", "stat -c %u /v/host") == "1000"
    seapod.sh("web", "for d in disk memory host; do touch /v/$d/f && chown 1234 /v/$d/f; done; touch /root-file /etc/hosts")
    assert os.stat(tmp_path / "f").st_uid == 1234
    assert seapod.sh("web", "stat -c %u /v/disk/f /v/memory/f /root-file").split() == ["1234", "1234", "0"]


def test_the_pods_network_is_its_own_roots(seapod):
    """What the namespaces hold belongs to the pod's root, also what is mounted of them."""
    seapod.apply(users("web", container(securityContext={"capabilities": {"add": ["NET_ADMIN"]}})))
    seapod.sh("web", "ip link set lo mtu 1400")
    assert seapod.sh("web", "cat /sys/class/net/lo/mtu") == "1400"
    assert seapod.exec("web", "sh", "-c", "echo 1 > /proc/sys/kernel/sysrq", check=False).returncode != 0


@pytest.mark.bridge
def test_it_has_an_address_and_published_ports(web):
    web.apply(users("web", shell("echo hello > /tmp/index.html; exec httpd -f -p 80 -h /tmp", ports=[
        {"containerPort": 80, "hostPort": 8081}])) | {"metadata": {"name": "web"}})
    assert eventually(lambda: subprocess.run(["curl", "-s", "127.0.0.1:8081/index.html"], stdout=subprocess.PIPE, text=True).stdout) == "hello\n"


def test_sysctls_of_both_namespaces_are_set(seapod):
    seapod.apply(users(securityContext={"sysctls": [{"name": "kernel.shm_rmid_forced", "value": "1"},
                                                    {"name": "net.ipv4.ip_unprivileged_port_start", "value": "81"}]}))
    assert seapod.sh("web", "cat /proc/sys/kernel/shm_rmid_forced /proc/sys/net/ipv4/ip_unprivileged_port_start").split() == ["1", "81"]


def test_exec_terminals_and_restarts(seapod):
    seapod.apply(users("web", container(tty=True, stdin=True, securityContext={"runAsUser": 1000})))
    assert seapod.sh("web", "id -u") == "1000"
    kill(seapod.pid("web"))
    eventually(lambda: seapod.restarts("web", "main") == 1 and seapod.sh("web", "id -u", check=False) == "1000")
    assert seapod.sh("web", "stat -c %u /dev/pts/0") == "1000"


def test_output_can_be_opened_again(seapod):
    seapod.apply(users("web", shell("echo again > /dev/stdout; exec sleep 99", securityContext={"runAsUser": 1000})))
    eventually(lambda: "again" in seapod.logs("web"))


def test_containers_share_their_processes(seapod):
    seapod.apply(users("web", shell("exec sleep 98", "a"), shell("exec sleep 97", "b"), shareProcessNamespace=True))
    assert "sleep 98" in eventually(lambda: seapod.sh("web", "ps", c="b"))
    assert seapod.sh("web", "readlink /proc/1/ns/user", c="a", check=False) == ""


def test_proc_may_be_unmasked(seapod):
    seapod.apply(users("web", container("a"), container("b", securityContext={"procMount": "Unmasked"})))
    assert seapod.exec("web", "sh", "-c", "cat /proc/interrupts | wc -c", c="a").stdout.strip() == "0"
    assert int(seapod.exec("web", "sh", "-c", "cat /proc/interrupts | wc -c", c="b").stdout) > 0
    assert "proc /proc/sys" in seapod.sh("web", "cat /proc/mounts", c="a")
    assert "proc /proc/sys" not in seapod.sh("web", "cat /proc/mounts", c="b")


def test_privileged_in_the_pod_is_not_privileged_on_the_host(seapod):
    seapod.apply(users("web", container(securityContext={"privileged": True})))
    assert seapod.exec("web", "sh", "-c", "mkdir /m && mount -t tmpfs none /m && ls /m").returncode == 0
    assert seapod.exec("web", "sh", "-c", "echo 1 > /proc/sys/vm/drop_caches", check=False).returncode != 0


def test_a_network_of_others_cannot_be_joined(seapod):
    made = users()
    made["metadata"]["annotations"] = {"seapod.io/network": "container:other"}
    assert "hostUsers" in seapod.rejects(made)
