"""The containers of a pod share one network, and it outlives every one of them."""
import os

import pytest

import world
from instance import BUSYBOX, STAY, container, eventually, kill, pod, shell

bridge = pytest.mark.bridge
SERVE = "mkdir -p /tmp/w; echo hello > /tmp/w/index.html; exec httpd -f -p {port} -h /tmp/w"


@bridge
def test_containers_meet_on_127_0_0_1(seapod):
    seapod.apply(pod("web", shell(SERVE.format(port=8080), "server"), container("client")))
    eventually(lambda: seapod.sh("web", "wget -qO- http://127.0.0.1:8080/", c="client", check=False) == "hello")


def test_containers_meet_without_any_network(seapod):
    seapod.run("run", "-d", "--net=none", "--name", "alone", BUSYBOX, "sh", "-c", SERVE.format(port=80))
    eventually(lambda: seapod.sh("alone", "wget -qO- http://127.0.0.1/", check=False) == "hello")
    assert [line for line in seapod.sh("alone", "ip -o link").splitlines() if "lo:" not in line] == []


def test_they_share_net_ipc_and_uts_but_not_pid_and_mounts(seapod):
    seapod.apply(pod("web", container("a"), container("b"), hostNetwork=True))

    def namespaces(c):
        return {kind: seapod.sh("web", f"readlink /proc/self/ns/{kind}", c=c) for kind in ("net", "ipc", "uts", "pid", "mnt")}
    a, b = namespaces("a"), namespaces("b")
    assert {kind for kind in a if a[kind] == b[kind]} == {"net", "ipc", "uts"}
    assert a["net"] == os.readlink("/proc/self/ns/net") and a["ipc"] != os.readlink("/proc/self/ns/ipc")


def test_each_container_is_pid_1(seapod):
    seapod.apply(pod("web", container("a"), container("b"), hostNetwork=True))
    assert seapod.sh("web", "tr '\\0' ' ' < /proc/1/cmdline", c="b").startswith("sh -c trap")


def test_share_process_namespace(seapod):
    seapod.apply(pod("web", container("a"), shell("exec sleep 4242", "b"), hostNetwork=True, shareProcessNamespace=True))
    assert "sleep 4242" in seapod.sh("web", "ps", c="a")
    assert seapod.sh("web", "tr '\\0' ' ' < /proc/1/cmdline", c="b").strip() == "/seapod-init"


def test_the_shared_process_namespace_outlives_its_containers(seapod):
    """A container ends with all that it started; the others and the namespace stay; orphans are reaped."""
    leaves = "sleep 4343 & (sleep 0 &) ; while [ ! -e /tmp/end ]; do sleep 0.05; done"
    seapod.apply(pod("web", container("a"), shell(leaves, "b"), hostNetwork=True, shareProcessNamespace=True))
    before = seapod.sh("web", "readlink /proc/self/ns/pid", c="a")
    assert "4343" in seapod.sh("web", "ps", c="a")
    seapod.sh("web", "touch /tmp/end", c="b")
    eventually(lambda: seapod.restarts("web", "b") == 1 and seapod.status("web", "b")["state"].get("running"))
    assert seapod.sh("web", "readlink /proc/self/ns/pid", c="b") == before
    left = lambda: seapod.sh("web", "ps | grep -c 'root  *sleep 4343$'", c="a", check=False)
    eventually(lambda: left() == "1", "what the first run left to be gone, and the second to be there")
    assert "Z" not in seapod.sh("web", "sed -n 's/^State:[[:space:]]*//p' /proc/[0-9]*/status", c="a")


def test_posix_shared_memory_is_the_pods(seapod):
    seapod.apply(pod("web", container("a"), container("b"), hostNetwork=True))
    seapod.sh("web", "echo hello > /dev/shm/x", c="a")
    assert seapod.sh("web", "cat /dev/shm/x", c="b") == "hello"
    assert not os.path.exists("/dev/shm/x")


@bridge
def test_the_pod_has_one_address(seapod):
    seapod.apply(pod("web", container("a"), container("b")))
    ip = seapod.ip("web")
    for c in "ab":
        assert f"inet {ip}/" in seapod.sh("web", "ip -4 addr show eth0", c=c)
    assert seapod.status("web")["podIPs"] == [{"ip": ip}]


@bridge
def test_pods_reach_each_other_and_the_host(seapod):
    seapod.apply([pod("a", shell(SERVE.format(port=80))), pod("b")])
    eventually(lambda: seapod.sh("b", f"wget -qO- http://{seapod.ip('a')}/", check=False) == "hello")
    assert seapod.ip("a") != seapod.ip("b")


@bridge
def test_pods_reach_other_hosts_by_the_hosts_address(seapod):
    seapod.apply(pod("a"))
    server = world.on_other_host("sh", "-c", "busybox nc -l -p 7007 -e true >/dev/null 2>&1 & echo $!").stdout.strip()
    try:
        eventually(lambda: seapod.exec("a", "nc", "-w", "2", world.OTHER, "7007", check=False).returncode == 0)
    finally:
        world.on_other_host("kill", server, check=False)


@bridge
def test_a_restarted_container_finds_the_same_network(seapod):
    seapod.apply(pod("web", container("a"), container("b")))
    address, namespace = seapod.ip("web"), seapod.sh("web", "readlink /proc/self/ns/net", c="b")
    kill(seapod.pid("web", "a"))
    eventually(lambda: seapod.restarts("web", "a") == 1 and "running" in seapod.status("web", "a")["state"])
    assert seapod.ip("web") == address
    assert seapod.sh("web", "readlink /proc/self/ns/net", c="a") == namespace
    assert seapod.restarts("web", "b") == 0


@bridge
def test_a_joiner_shares_the_pod_of_its_owner(seapod):
    seapod.apply(pod("owner", shell(SERVE.format(port=8080))))
    seapod.run("run", "-d", "--net=container:owner", "--name", "joiner", BUSYBOX, *STAY)
    eventually(lambda: seapod.sh("joiner", "wget -qO- http://127.0.0.1:8080/", check=False) == "hello")
    assert seapod.ip("joiner") == seapod.ip("owner")


@bridge
def test_joiner_survives_owner_restart(seapod):
    """Docker's --net=container:X joins the process of X and is left without a network when X restarts."""
    seapod.apply(pod("owner", shell(SERVE.format(port=8080))))
    seapod.run("run", "-d", "--net=container:owner", "--name", "joiner", BUSYBOX, *STAY)
    kill(seapod.pid("owner"))
    eventually(lambda: seapod.restarts("owner", "main") == 1)
    eventually(lambda: seapod.sh("joiner", "wget -qO- http://127.0.0.1:8080/", check=False) == "hello")
    seapod.run("restart", "owner")
    eventually(lambda: seapod.sh("joiner", "wget -qO- http://127.0.0.1:8080/", check=False) == "hello")


@bridge
def test_an_owner_may_join_its_joiner_after_its_own_end(seapod):
    """Either start order: when the owner's container has finished, its pod is still there to join."""
    seapod.apply(pod("owner", shell("exit 0", "brief"), container("long"), restartPolicy="Never"))
    eventually(lambda: "terminated" in seapod.status("owner", "brief")["state"])
    seapod.run("run", "-d", "--net=container:owner", "--name", "joiner", BUSYBOX, *STAY)
    assert seapod.ip("joiner") == seapod.ip("owner")


@bridge
def test_owner_and_joiner_in_one_apply(seapod):
    joiner = pod("a-joiner")
    joiner["metadata"]["annotations"] = {"seapod.io/network": "container:owner"}
    said = seapod.apply([joiner, pod("owner")]).stdout
    assert said.splitlines() == ["pod/owner created", "pod/a-joiner created"]
    assert seapod.ip("a-joiner") == seapod.ip("owner")


def test_joining_what_is_not_there_is_an_error(seapod):
    assert "nobody" in seapod.fails("run", "--rm", "--net=container:nobody", BUSYBOX, "true", code=125)


def test_joining_a_namespace_by_its_path(seapod):
    path, hostname = f"/proc/{world.other_host.pid}/ns/net", os.uname().nodename
    out = seapod.out("run", "--rm", "--name", "guest", f"--net=ns:{path}", BUSYBOX, "sh", "-c", "readlink /proc/self/ns/net; hostname")
    assert out.split() == [os.readlink(path), "guest"]
    assert os.uname().nodename == hostname, "the pod's host name is its own"


def test_a_namespace_that_is_not_there(seapod):
    assert "/run/netns/none" in seapod.fails("run", "--rm", "--net=ns:/run/netns/none", BUSYBOX, "true", code=125)


def test_host_network_is_the_hosts(seapod):
    out = seapod.out("run", "--rm", "--net=host", BUSYBOX, "readlink", "/proc/self/ns/net")
    assert out == os.readlink("/proc/self/ns/net")


@bridge
def test_hosts_hostname_and_aliases(seapod):
    seapod.apply(pod("web", hostAliases=[{"ip": "10.1.2.3", "hostnames": ["db", "db.local"]}]))
    hosts = seapod.sh("web", "cat /etc/hosts")
    assert seapod.sh("web", "hostname; cat /etc/hostname").split() == ["web", "web"]
    assert any(line.split() == [seapod.ip("web"), "web"] for line in hosts.splitlines())
    assert any(line.split() == ["10.1.2.3", "db", "db.local"] for line in hosts.splitlines())


@bridge
def test_dns_config(seapod):
    seapod.apply(pod("web", dnsPolicy="None", dnsConfig={
        "nameservers": ["192.0.2.53"], "searches": ["example.org"], "options": [{"name": "ndots", "value": "2"}]}))
    assert seapod.sh("web", "cat /etc/resolv.conf").splitlines() == [
        "nameserver 192.0.2.53", "search example.org", "options ndots:2"]


@bridge
def test_many_pods_at_once_get_different_addresses(seapod):
    seapod.apply([pod(f"p{i}") for i in range(12)])
    assert len({seapod.ip(f"p{i}") for i in range(12)}) == 12


@bridge
def test_nginx_in_front_of_node(web):
    """The seed's article, with real programs."""
    import instance
    examples = instance.TOP + "/examples/demo"
    with open(f"{examples}/web.yaml") as f:
        manifest = f.read()
    web.apply(manifest)
    ip = web.ip("web")
    import subprocess

    def answer():
        done = subprocess.run(["curl", "-sf", "--max-time", "2", f"http://{ip}/"], stdout=subprocess.PIPE, text=True)
        return done.returncode == 0 and done.stdout
    said = eventually(answer, "nginx to pass on node's answer", seconds=20)
    assert "node" in said
    assert "nginx" in subprocess.run(["curl", "-sI", f"http://{ip}/"], stdout=subprocess.PIPE, text=True).stdout.lower()
