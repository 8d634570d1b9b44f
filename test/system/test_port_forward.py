"""port-forward: ports of this machine that lead to the pod's own loopback."""
import re
import socket
import urllib.request

from instance import container, eventually, pod, shell

WEB = "mkdir /www; echo hello >/www/index.html; exec httpd -f -p 127.0.0.1:8080 -h /www"


def forward(seapod, *args):
    """The command, and the local ports that it says."""
    process = seapod.start("port-forward", *args)
    count = sum(not arg.startswith("-") for arg in args) - 1
    return process, [int(re.match(r"Forwarding from 127\.0\.0\.1:(\d+) -> \d+", process.stdout.readline())[1]) for _ in range(count)]


def fetch(port):
    return urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5).read()


def isolated(name, *containers):
    return {**pod(name, *containers), "metadata": {"name": name, "annotations": {"seapod.io/network": "none"}}}


def test_into_a_pod_without_a_network(seapod):
    seapod.apply(isolated("web", shell(WEB, ports=[{"name": "http", "containerPort": 8080}])))
    process, ports = forward(seapod, "web", ":8080", ":http")
    eventually(lambda: fetch(ports[0]) == b"hello\n")
    assert fetch(ports[1]) == b"hello\n"
    assert "Handling connection for" in process.stdout.readline()


def test_each_way_ends_by_itself(seapod):
    """What is sent arrives whole before the answer's end: half-closed connections."""
    seapod.apply(isolated("web", shell("while :; do nc -l -p 8080 -e sh -c 'wc -c'; done")))
    _, (port,) = forward(seapod, "pod/web", ":8080")

    def count():
        with socket.create_connection(("127.0.0.1", port), timeout=5) as s:
            s.sendall(b"x" * 1_000_000)
            s.shutdown(socket.SHUT_WR)
            return s.makefile().read().strip() == "1000000"
    eventually(count)


def test_a_port_where_nobody_listens(seapod):
    seapod.apply(isolated("web", container()))
    process, (port,) = forward(seapod, "web", ":81")
    with socket.create_connection(("127.0.0.1", port), timeout=5) as s:
        assert s.recv(1) == b""
    assert "port 81 of the pod" in process.stderr.readline()


def test_it_ends_with_the_pod(seapod):
    seapod.apply(isolated("web", container()))
    process, _ = forward(seapod, "web", ":80")
    seapod.delete("web", "--now")
    assert process.wait(timeout=10) == 1 and "ended" in process.stderr.read()


def test_what_cannot_be_forwarded(seapod):
    seapod.apply(isolated("web", container()))
    assert "nosuch" in seapod.fails("port-forward", "web", "8080:nosuch", code=2)
    assert "nobody" in seapod.fails("port-forward", "nobody", "80")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert "in use" in seapod.fails("port-forward", "web", f"{taken.getsockname()[1]}:80")


def test_whoever_connects_does_not_use_up_the_processes(seapod):
    seapod.apply(isolated("web", shell(WEB)))
    process, (port,) = forward(seapod, "web", ":8080")
    eventually(lambda: fetch(port) == b"hello\n")
    held = [socket.create_connection(("127.0.0.1", port), timeout=5) for _ in range(300)]
    held[-1].settimeout(5)
    assert held[-1].recv(1) == b"", "beyond the limit"
    with open(f"/proc/{process.pid}/task/{process.pid}/children") as f:
        assert len(f.read().split()) <= 256
    for s in held:
        s.close()
    eventually(lambda: fetch(port) == b"hello\n", "room again")
