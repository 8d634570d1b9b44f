"""Clauses of the OCI runtime specification: SCMP_ACT_NOTIFY and its agent (config-linux.md "Seccomp", "The Container Process State")."""
import array
import contextlib
import fcntl
import json
import os
import socket
import struct
import threading

from oci_runtime import OTHER, own

RECEIVE, SEND = 0xC0502100, 0xC0182101  # seccomp_unotify(2)
ENOTSUP = 95


class Agent:
    """Listens at a path, takes one message, and answers every system call in its way."""

    def __init__(self, path, answer):
        self.server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.server.bind(path)
        self.server.listen()
        self.answer, self.state, self.asked, self.fd = answer, None, [], -1
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        connection, _ = self.server.accept()
        with connection:
            data, ancillary, _, _ = connection.recvmsg(65536, socket.CMSG_SPACE(16))
            fds = array.array("i")
            fds.frombytes(ancillary[0][2])
            while chunk := connection.recv(65536):
                data += chunk
        assert len(fds) == 1
        self.fd, self.state = fds[0], json.loads(data)
        with contextlib.suppress(OSError):  # the last process with the filter has ended
            while True:
                request = bytearray(80)
                fcntl.ioctl(self.fd, RECEIVE, request)
                number, pid = struct.unpack_from("Q", request)[0], struct.unpack_from("I", request, 8)[0]
                self.asked.append(pid)
                fcntl.ioctl(self.fd, SEND, struct.pack("QqiI", number, 0, self.answer, 0))

    def end(self):
        self.server.close()
        if self.fd >= 0:
            os.close(self.fd)


def profile(path, **more):
    return {"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": path, "listenerMetadata": "for the agent",
            "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_NOTIFY"}], **more}


def notifies(oci):
    """mkdir is answered by the agent: it says that it has been done, and it has not."""
    path = oci.dir + "/agent"
    agent = Agent(path, 0)
    try:
        oci.config["linux"]["seccomp"] = profile(path)
        oci.config["process"]["args"] = ["sh", "-c", "mkdir /tmp/never && touch /tmp/done; sleep 100"]
        oci.create()
        assert agent.state is None or OTHER  # when it is told is not specified
        oci.start()
        pid = oci.state()["pid"]
        while not os.path.exists(oci.bundle + "/rootfs/tmp/done"):
            assert os.path.exists(f"/proc/{pid}")
        assert not os.path.exists(oci.bundle + "/rootfs/tmp/never")
        assert len(agent.asked) == 1
        state = agent.state
        assert (state["fds"], state["pid"], state["metadata"]) == (["seccompFd"], pid, "for the agent")
        assert (state["state"]["id"], state["state"]["bundle"], state["state"]["pid"]) == (oci.id, oci.bundle, pid) and state["ociVersion"]
        oci.call("delete", "--force", oci.id)
    finally:
        agent.end()


def test_an_agent_is_asked(oci):
    notifies(oci)


def test_an_agent_is_asked_of_a_process_without_new_privileges(oci):
    oci.config["process"]["noNewPrivileges"] = True
    notifies(oci)


@own
def test_an_agent_for_exec(oci):
    path = oci.dir + "/agent"
    oci.config["linux"]["seccomp"] = profile(path)
    first = Agent(path, 0)
    oci.up()
    first.end()
    os.unlink(path)
    agent = Agent(path, -ENOTSUP)
    try:
        assert "not supported" in oci.exec("mkdir", "/tmp/x", check=False).stderr
        assert agent.state["pid"] != oci.state()["pid"] and agent.state["state"]["pid"] == oci.state()["pid"]
    finally:
        agent.end()


@own
def test_even_what_starts_the_program_may_be_asked_about(oci):
    path = oci.dir + "/agent"
    agent = Agent(path, -ENOTSUP)
    try:
        oci.config["linux"]["seccomp"] = profile(path, syscalls=[{"names": ["write", "sendmsg", "execve"], "action": "SCMP_ACT_NOTIFY"}])
        oci.create()
        assert oci.call("start", oci.id, check=False).returncode != 0  # execve was refused
        assert agent.asked
    finally:
        agent.end()


@own
def test_without_its_agent_it_does_not_start(oci):
    oci.config["linux"]["seccomp"] = profile(oci.dir + "/nobody")
    oci.create()
    done = oci.call("start", oci.id, check=False)
    assert done.returncode != 0 and "linux.seccomp.listenerPath" in done.stderr and "/nobody" in done.stderr
    oci.stopped()


@own
def test_what_the_listener_needs(oci):
    oci.config["linux"]["seccomp"] = profile("x")
    del oci.config["linux"]["seccomp"]["listenerPath"]
    oci.refuses("linux.seccomp.listenerMetadata", "listenerPath")
    del oci.config["linux"]["seccomp"]["listenerMetadata"]
    oci.refuses("linux.seccomp.listenerPath", "SCMP_ACT_NOTIFY needs it")
    oci.config["linux"]["seccomp"]["syscalls"][0].update(action="SCMP_ACT_ALLOW", errnoRet=5)
    oci.refuses("linux.seccomp", "errnoRet", "SCMP_ACT_ALLOW")


def test_a_listener_that_nobody_needs_is_passed_over(oci):
    oci.config["linux"]["seccomp"] = profile(oci.dir + "/nobody", syscalls=[{"names": ["mkdir"], "action": "SCMP_ACT_ERRNO"}])
    oci.config["linux"]["seccomp"]["flags"] = ["SECCOMP_FILTER_FLAG_LOG"]
    assert oci.run("echo", "fine").stdout == "fine\n"
