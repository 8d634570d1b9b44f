"""Every property that is REQUIRED, and every MUST on a value: what breaks it is refused, by its name; oci_runtime.py.

What goes with a property's meaning is in test_oci_config.py.
"""
import pytest

from oci_runtime import own

pytestmark = own
ID = {"containerID": 0, "hostID": 1, "size": 1}


def rule(**more):
    return {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [more]}


def calls(**argument):
    return rule(names=["read"], action="SCMP_ACT_LOG", args=[argument])


@pytest.mark.parametrize("change, words", [
    (lambda c: c["linux"].update(seccomp={"defaultAction": "SCMP_ACT_ALLOW", "defaultErrnoRet": 1}), ["linux.seccomp", "errnoRet"]),
    (lambda c: c["linux"].update(seccomp=rule(names=["read"], action="SCMP_ACT_KILL", errnoRet=1)), ["linux.seccomp", "errnoRet"]),
    (lambda c: c["linux"].update(seccomp=rule(names=[], action="SCMP_ACT_ALLOW")), ["linux.seccomp", "names"]),
    (lambda c: c["linux"].update(seccomp=rule(action="SCMP_ACT_ALLOW")), ["linux.seccomp", "names"]),
    (lambda c: c["linux"].update(seccomp=rule(names=["read"])), ["linux.seccomp", "action"]),
    (lambda c: c["linux"].update(seccomp=calls(index=0, value=1)), ["linux.seccomp", "op"]),
    (lambda c: c["linux"].update(seccomp=calls(index=6, value=1, op="SCMP_CMP_EQ")), ["linux.seccomp", "index"]),
    (lambda c: c["linux"].update(seccomp={"defaultAction": "SCMP_ACT_ALLOW", "listenerMetadata": "x"}), ["listenerMetadata"]),
    (lambda c: c["linux"].update(maskedPaths=["proc/x"]), ["linux.maskedPaths"]),
    (lambda c: c["linux"].update(readonlyPaths=["proc/x"]), ["linux.readonlyPaths"]),
    (lambda c: c["linux"]["resources"].update(rdma={"mlx5_1": {}}), ["linux.resources.rdma"]),
    (lambda c: c["linux"]["resources"].update(blockIO={"weightDevice": [{"major": 8, "minor": 0}]}), ["weightDevice[0]"]),
    (lambda c: c["linux"]["resources"].update(devices=[{"access": "rwm"}]), ["linux.resources.devices[0]", "'allow'"]),
    (lambda c: c["linux"]["resources"].update(hugepageLimits=[{"limit": 1}]), ["hugepageLimits[0]", "'pageSize'"]),
    (lambda c: c["linux"]["resources"].update(hugepageLimits=[{"pageSize": "3KB", "limit": 1}]), ["hugepageLimits", "3KB"]),
    (lambda c: c["mounts"].append({"destination": "/x", "type": "bind", "source": "/tmp", "options": ["bind"], "uidMappings": [ID]}),
     ["mounts[5].uidMappings"]),
    (lambda c: c["mounts"].append({"type": "tmpfs"}), ["mounts[5]", "'destination'"]),
    (lambda c: c["process"].update(rlimits=[{"type": "RLIMIT_CORE", "soft": 2, "hard": 1}]), ["process.rlimits[0]"]),
    (lambda c: c["process"].update(rlimits=[{"type": "RLIMIT_NOPE", "soft": 1, "hard": 1}]), ["process.rlimits[0].type"]),
    (lambda c: c["process"].update(rlimits=[{"type": "RLIMIT_CORE", "soft": 1}]), ["process.rlimits[0]", "'hard'"]),
    (lambda c: c["process"].update(scheduler={"nice": 1}), ["process.scheduler", "'policy'"]),
    (lambda c: c["process"].update(ioPriority={"class": "IOPRIO_CLASS_BE", "priority": 8}), ["process.ioPriority.priority"]),
    (lambda c: c["process"].update(ioPriority={"priority": 1}), ["process.ioPriority", "'class'"]),
    (lambda c: c["process"].update(terminal=True, consoleSize={"height": 1}), ["process.consoleSize", "'width'"]),
    (lambda c: c["process"]["user"].pop("gid"), ["process.user", "'gid'"]),
    (lambda c: c["linux"].update(personality={}), ["linux.personality", "'domain'"]),
    (lambda c: c["linux"].update(memoryPolicy={"nodes": "0"}), ["linux.memoryPolicy", "'mode'"]),
    (lambda c: c["linux"].update(timeOffsets={"monotonic": {"secs": 1}}), ["linux.timeOffsets"]),
    (lambda c: c["linux"].update(intelRdt={"memBwSchema": "L3:0=1"}), ["linux.intelRdt.memBwSchema"]),
    (lambda c: c["linux"].update(intelRdt={"schemata": ["a\nb"]}), ["linux.intelRdt.schemata[0]"]),
    (lambda c: c["linux"].update(intelRdt={"enableMonitoring": True}), ["linux.intelRdt"]),
    (lambda c: c["linux"]["namespaces"].append({"type": "time", "path": "/proc/self/ns/net"}), ["linux.namespaces[5].path"]),
    (lambda c: c["linux"]["namespaces"][0].update(path="proc/1/ns/pid"), ["linux.namespaces[0].path"]),
    (lambda c: c.update(hooks={"prestart": [{}]}), ["hooks.prestart[0]", "'path'"]),
    (lambda c: c["linux"].update(devices=[{"type": "c", "major": 1, "minor": 3}]), ["linux.devices[0]", "'path'"]),
    (lambda c: c.pop("root"), ["root"]),
    (lambda c: c["root"].update(path="none"), ["root.path"]),
])
def test_what_is_required(oci, change, words):
    change(oci.config)
    oci.refuses(*words)
