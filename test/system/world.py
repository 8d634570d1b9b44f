"""The small world in which the tests run: their own network and mounts, on the real kernel.

pytest moves itself into a new network and a new mount namespace, so that what a test makes there is the only thing
there: "as clean as before" can mean *equal*, even on a developer's busy machine, and nothing of the machine's own
firewall, routes or ports is touched. Inside, it looks like any host: `lo`, and `eth0` with a default route to another
host (a further namespace), from which published ports can be tried.

pytest is also the reaper of its descendants (PR_SET_CHILD_SUBREAPER), so every process that Seapod leaves is found.
"""
import ctypes
import os
import subprocess

CLONE_NEWNS, CLONE_NEWNET = 0x00020000, 0x40000000
PR_SET_CHILD_SUBREAPER = 36
HOST, OTHER = "192.0.2.2", "192.0.2.1"  # RFC 5737: documentation addresses

libc = ctypes.CDLL(None, use_errno=True)
other_host = None  # the process that holds the other host's namespace
servers = set()  # pids of what the tests share, beside it


def call(*command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def enter():
    global other_host
    if libc.unshare(CLONE_NEWNS | CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare: the system tests need root")
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    call("mount", "--make-rprivate", "/")
    call("ip", "link", "set", "lo", "up")
    other_host = subprocess.Popen(["unshare", "--net", "sh", "-c", "ip link set lo up && echo up && exec sleep infinity"],
                                  stdout=subprocess.PIPE, text=True)
    other_host.stdout.readline()
    call("ip", "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", str(other_host.pid))
    call("ip", "address", "add", HOST + "/24", "dev", "eth0")
    call("ip", "link", "set", "eth0", "up")
    on_other_host("ip", "address", "add", OTHER + "/24", "dev", "eth0")
    on_other_host("ip", "link", "set", "eth0", "up")
    call("ip", "route", "add", "default", "via", OTHER)


def leave():
    if other_host:
        other_host.kill()
        other_host.wait()


def on_other_host(*command, check=True):
    """Runs COMMAND as a host of the same link would."""
    return subprocess.run(["nsenter", f"--net=/proc/{other_host.pid}/ns/net", *command], check=check,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=20)


def descendants():
    """{pid: (state, command line)} of every process below pytest."""
    parent, what = {}, {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat") as f:
                fields = f.read().rpartition(")")[2].split()
            with open(f"/proc/{pid}/cmdline") as f:
                line = f.read().replace("\0", " ").strip()
        except OSError:
            continue
        parent[int(pid)] = int(fields[1])
        what[int(pid)] = (fields[0], line)
    found = {os.getpid()}
    while more := {pid for pid, above in parent.items() if above in found} - found:
        found |= more
    return {pid: what[pid] for pid in found - {os.getpid()}}
