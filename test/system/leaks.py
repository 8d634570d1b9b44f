"""What the machine holds, before and after a test: it must be equal.

look() takes a picture: mounts, links, network namespaces, firewall tables, control groups, processes, locks, and
the directories in which Seapod keeps names, pods and addresses. difference() says in words what is new or gone.
"""
import glob
import json
import os
import subprocess

import world


def mounts():
    """Mount points with their type and, for overlays, their directories."""
    found = {}
    with open("/proc/self/mountinfo") as f:
        for line in f:
            left, _, right = line.partition(" - ")
            fields = left.split()
            found[f"{fields[4]} ({right.split()[0]} #{fields[0]})"] = True
    return set(found)


def links():
    out = subprocess.run(["ip", "-j", "link"], check=True, stdout=subprocess.PIPE, text=True).stdout
    return {link["ifname"] for link in json.loads(out)}


def firewall():
    """Tables, and the elements of their maps and sets."""
    out = subprocess.run(["nft", "-j", "list", "ruleset"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    found = set()
    for entry in json.loads(out.stdout or '{"nftables": []}')["nftables"]:
        for kind, value in entry.items():
            if kind == "table":
                found.add(f"table {value['family']} {value['name']}")
            if kind in ("map", "set"):
                found |= {f"element of {value['table']}/{value['name']}: {json.dumps(e)}" for e in value.get("elem", [])}
    return found


def cgroups(tag):
    return set(glob.glob(f"/sys/fs/cgroup/**/seapod-{tag}", recursive=True) +
               glob.glob(f"/sys/fs/cgroup/**/seapod-{tag}/**/", recursive=True)) if tag else set()


def processes(expected):
    """Processes below pytest that no test started itself; what has ended is reaped on the way."""
    found = {}
    for pid, (state, line) in world.descendants().items():
        if pid in expected:
            continue
        if state == "Z":
            try:
                os.waitpid(pid, os.WNOHANG)
                continue
            except ChildProcessError:
                pass
        found[pid] = line
    return {f"{pid}: {line or '(ended, not reaped by its parent)'}" for pid, line in found.items()}


def namespaces(expected):
    """Network namespaces of processes below pytest (one without a process would have to be a mount)."""
    found = set()
    for pid in [os.getpid(), *world.descendants()]:
        if pid not in expected:
            try:
                found.add(os.readlink(f"/proc/{pid}/ns/net"))
            except OSError:
                pass
    return found


def files(root, run):
    """What names a pod, holds an address or belongs to a pod on disk."""
    kept = []
    for where in (f"{run}/names", f"{run}/gone", f"{run}/pods", f"{root}/pods", f"{root}/tmp", f"{root}/log/pods"):
        if os.path.isdir(where):
            kept += [os.path.join(where, name) for name in os.listdir(where)]
    return set(kept)


def locks(*folders):
    """File locks on anything in the instance's directories (/proc/locks names inodes)."""
    inodes = {}
    for folder in folders:
        for path, _, names in os.walk(folder):
            if path.startswith(f"{folder}/layers/"):
                continue
            for name in names:
                try:
                    inodes[str(os.lstat(os.path.join(path, name)).st_ino)] = os.path.join(path, name)
                except OSError:
                    pass
    with open("/proc/locks") as f:
        held = [line.split() for line in f]
    return {inodes[number] for fields in held if (number := fields[-3].split(":")[-1]) in inodes}


def look(root=None, run=None, tag=None, expected=()):
    expected = {world.other_host.pid, *expected}
    return {
        "mounts": mounts(), "links": links(), "firewall": firewall(), "control groups": cgroups(tag),
        "processes": processes(expected), "network namespaces": namespaces(expected),
        "files": files(root, run) if root else set(), "locks": locks(root, run) if root else set(),
        "default directories": {path for path in ("/run/seapod", "/var/lib/seapod") if os.path.exists(path)},
    }


def difference(before, after):
    lines = []
    for kind in before:
        lines += [f"{kind}: left behind: {what}" for what in sorted(after[kind] - before[kind])]
        gone = before[kind] - after[kind]
        if kind == "mounts":  # who removes a directory takes what is mounted on it out of our namespace, too: another program's, then
            gone = {what for what in gone if os.path.exists(what.rsplit(" (", 1)[0])}
        lines += [f"{kind}: gone: {what}" for what in sorted(gone)]
    return "\n".join(lines)
