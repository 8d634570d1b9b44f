"""Clauses of the OCI runtime specification: what the specification says must not be in a config.json, each refused by its name; oci_runtime.py."""

import pytest

from oci_runtime import own, v1


def test_unknown_properties_are_passed_over(oci):
    oci.config["unknown"] = {"a": 1}
    oci.config["process"]["unknown"] = True
    oci.config["linux"]["unknown"] = []
    oci.config["linux"]["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "unknown": 1, "syscalls": [
        {"names": ["mkdir"], "action": "SCMP_ACT_ERRNO", "unknown": 1, "args": []}]}
    assert oci.run("echo", "fine").stdout == "fine\n"


@own
@pytest.mark.parametrize("change, words", [
    (lambda c: c.pop("ociVersion"), ["ociVersion", "missing"]),
    (lambda c: c.update(ociVersion="latest"), ["ociVersion", "SemVer"]),
    (lambda c: c.update(ociVersion="2.0.0"), ["ociVersion", "supports"]),
    (lambda c: c["process"].update(cwd="relative"), ["process.cwd", "absolute"]),
    (lambda c: c["process"].pop("cwd"), ["process", "'cwd' is missing"]),
    (lambda c: c["process"].update(args=[]), ["process.args"]),
    (lambda c: c["process"].update(apparmorProfile="some"), ["process.apparmorProfile"]),
    (lambda c: c["process"].update(selinuxLabel="some"), ["process.selinuxLabel"]),
    (lambda c: c["linux"]["namespaces"].append({"type": "pid"}), ["linux.namespaces[5].type", "two of 'pid'"]),
    (lambda c: c["linux"]["namespaces"].append({"type": "no"}), ["linux.namespaces[5].type", "no"]),
    (lambda c: c["linux"]["namespaces"][0].update(path="/proc/self/ns/net"), ["linux.namespaces[0].path", "not a pid namespace"]),
    (lambda c: c["linux"]["namespaces"][0].update(path="/none"), ["linux.namespaces[0].path", "/none"]),
    (lambda c: c["linux"].update(uidMappings=[{"containerID": 0, "hostID": 1, "size": 1}]), ["linux.uidMappings"]),
    (lambda c: c["linux"].update(devices=[{"type": "c", "path": "/dev/x"}]), ["linux.devices[0]"]),
    (lambda c: c["linux"].update(devices=[{"type": "x", "path": "/dev/x"}]), ["linux.devices[0].type"]),
    (lambda c: c["linux"].update(sysctl={"vm.swappiness": "1"}), ["linux.sysctl", "vm.swappiness"]),
    (lambda c: c["linux"].update(rootfsPropagation="sideways"), ["linux.rootfsPropagation"]),
    (lambda c: c["linux"].update(intelRdt={}), ["linux.intelRdt", "no resctrl file system"]),
    (lambda c: c["linux"].update(mountLabel="x"), ["linux.mountLabel"]),
    (lambda c: c["linux"].update(seccomp={"defaultAction": "SCMP_ACT_NO"}), ["linux.seccomp", "SCMP_ACT_NO"]),
    (lambda c: c["linux"].update(seccomp={"syscalls": []}), ["linux.seccomp", "defaultAction"]),
    pytest.param(lambda c: c["linux"]["resources"].update(unified={"memory.high": "1"}), ["linux.resources.unified"], marks=v1),
    (lambda c: c["linux"]["resources"].update(cpu={"burst": 2, "quota": 1}), ["linux.resources.cpu.burst"]),
    (lambda c: c["linux"]["resources"].update(memory={"limit": "x"}), ["linux.resources.memory.limit"]),
    (lambda c: c["linux"].update(cgroupsPath="/../x"), ["linux.cgroupsPath"]),
    (lambda c: c.update(hooks={"poststop": [{"path": "relative"}]}), ["hooks.poststop[0].path", "absolute"]),
    (lambda c: c.update(hooks={"poststop": [{"path": "/x", "timeout": 0}]}), ["hooks.poststop[0].timeout"]),
    (lambda c: c.update(annotations={"": "x"}), ["annotations"]),
])
def test_what_must_not_be_is_refused_by_name(oci, change, words):
    change(oci.config)
    oci.refuses(*words)
