"""What a container may do when its manifest asks for nothing: as little as the field's defaults allow."""
import json
import os

import pytest

from instance import BUSYBOX, container, pod

NET = {"hostNetwork": True}
# containerd's and Docker's default set, as a mask (capabilities(7))
DEFAULT_CAPABILITIES = 0xA80425FB


def status_of(seapod, field, name="web"):
    return seapod.sh(name, f"sed -n 's/^{field}:[[:space:]]*//p' /proc/1/status")


def test_defaults(seapod):
    seapod.apply(pod("web", **NET))
    assert int(status_of(seapod, "CapEff"), 16) == DEFAULT_CAPABILITIES
    assert int(status_of(seapod, "CapBnd"), 16) == DEFAULT_CAPABILITIES
    assert status_of(seapod, "CapAmb").strip("0") == ""


def test_seccomp_filters_by_profile(seapod):
    seapod.apply(pod("web", container(securityContext={"seccompProfile": {"type": "RuntimeDefault"}}), **NET))
    assert status_of(seapod, "Seccomp") == "2"
    assert seapod.exec("web", "unshare", "-m", "true", check=False).returncode != 0


def test_capabilities_are_dropped_and_added(seapod):
    seapod.apply(pod("web", container(securityContext={"capabilities": {"drop": ["ALL"], "add": ["NET_ADMIN"]}}), **NET))
    assert int(status_of(seapod, "CapEff"), 16) == 1 << 12


def test_no_new_privileges(seapod):
    seapod.apply(pod("web", container(securityContext={"allowPrivilegeEscalation": False}), **NET))
    assert status_of(seapod, "NoNewPrivs") == "1"


def test_user_and_groups(seapod):
    seapod.apply(pod("web", securityContext={"runAsUser": 1000, "runAsGroup": 1001, "supplementalGroups": [1002]}, **NET))
    assert seapod.sh("web", "id -u; id -g; id -G").split("\n") == ["1000", "1001", "1001 1002"]


def test_run_as_non_root_refuses_root(seapod):
    manifest = pod("web", securityContext={"runAsNonRoot": True}, restartPolicy="Never", **NET)
    assert "runAsNonRoot" in seapod.apply(manifest, check=False).stderr
    manifest = pod("own", container(securityContext={"runAsNonRoot": True}), restartPolicy="Never", **NET)
    assert "runAsNonRoot" in seapod.apply(manifest, check=False).stderr
    seapod.apply(pod("none", container(securityContext={"runAsNonRoot": False}), securityContext={"runAsNonRoot": True}, **NET))


def test_the_containers_own_identity(seapod):
    """Its own user, group and privileges; the pod's for the other."""
    own = {"runAsUser": 1000, "runAsGroup": 1001, "privileged": False}
    seapod.apply(pod("web", container(securityContext=own), container("b"), securityContext={"runAsUser": 7, "runAsGroup": 8}, **NET))
    assert [seapod.sh("web", "id -u; id -g", c=c).split() for c in ("main", "b")] == [["1000", "1001"], ["7", "8"]]
    seapod.apply(pod("all", container(securityContext={"privileged": True}), container("b"), **NET))
    caps = [int(seapod.sh("all", "grep CapEff /proc/self/status", c=c).split()[1], 16) for c in ("main", "b")]
    assert caps[0] & 1 << 21 and not caps[1] & 1 << 21  # CAP_SYS_ADMIN


def test_read_only_root(seapod):
    seapod.apply(pod("web", container(securityContext={"readOnlyRootFilesystem": True}), **NET))
    assert "Read-only" in seapod.exec("web", "touch", "/file", check=False).stderr


@pytest.mark.parametrize("path", ["/proc/kcore", "/proc/keys", "/proc/timer_list"])
def test_masked_paths_are_empty(seapod, path):
    seapod.apply(pod("web", **NET))
    assert seapod.exec("web", "head", "-c", "1", path, check=False).stdout == ""


def test_kernel_settings_cannot_be_written(seapod):
    seapod.apply(pod("web", **NET))
    assert seapod.exec("web", "sh", "-c", "echo 1 > /proc/sys/kernel/sysrq", check=False).returncode != 0
    assert seapod.exec("web", "sh", "-c", "echo b > /proc/sysrq-trigger", check=False).returncode != 0


def test_devices_are_the_usual_few(seapod):
    seapod.apply(pod("web", **NET))
    names = set(seapod.sh("web", "ls /dev").split())
    assert {"null", "zero", "full", "random", "urandom", "tty", "ptmx", "pts", "shm", "fd"} <= names
    assert not names & {"vda", "sda", "mem", "kmsg", "loop-control"}
    assert seapod.exec("web", "sh", "-c", "mknod /tmp/m c 1 1 && head -c 1 /tmp/m", check=False).returncode != 0


def test_only_three_descriptors_are_open(seapod):
    seapod.apply(pod("web", **NET))
    assert seapod.sh("web", "ls /proc/1/fd").split() == ["0", "1", "2"] or \
        set(seapod.sh("web", "ls /proc/1/fd").split()) - {"0", "1", "2"} <= {"10"}  # ash keeps one of its own


def test_the_hosts_mounts_are_not_to_be_seen(seapod):
    seapod.apply(pod("web", **NET))
    seen = {line.split()[4] for line in seapod.sh("web", "cat /proc/1/mountinfo").splitlines()}
    assert "/" in seen and not any(seapod.dir in path for path in seen)


def test_privileged_is_the_exception(seapod):
    out = seapod.out("run", "--rm", "--net=none", "--privileged", BUSYBOX, "sh", "-c", "sed -n 's/^CapEff:.//p' /proc/1/status")
    assert bin(int(out, 16)).count("1") > 20


def test_seccomp_is_on_unless_unconfined(seapod):
    unconfined = {"seccompProfile": {"type": "Unconfined"}}
    seapod.apply(pod("web", container("a"), container("b", securityContext=unconfined), **NET))
    assert seapod.sh("web", "grep Seccomp: /proc/1/status", c="a").endswith("2")
    assert seapod.sh("web", "grep Seccomp: /proc/self/status", c="a").endswith("2"), "exec has no filter"
    assert seapod.sh("web", "grep Seccomp: /proc/1/status", c="b").endswith("0")


def test_a_seccomp_profile_of_the_users_own(seapod):
    os.makedirs(f"{seapod.root}/seccomp")
    with open(f"{seapod.root}/seccomp/no-dirs.json", "w") as f:
        json.dump({"defaultAction": "SCMP_ACT_ALLOW",
                   "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 5}]}, f)
    profile = {"type": "Localhost", "localhostProfile": "no-dirs.json"}
    seapod.apply(pod("web", securityContext={"seccompProfile": profile}, **NET))
    assert "Input/output error" in seapod.exec("web", "mkdir", "/new", check=False).stderr
    seapod.apply(pod("own", container(securityContext={"seccompProfile": profile}), **NET))
    assert "Input/output error" in seapod.exec("own", "mkdir", "/new", check=False).stderr

    missing = {"type": "Localhost", "localhostProfile": "none.json"}
    manifest = pod("other", securityContext={"seccompProfile": missing}, restartPolicy="Never", **NET)
    assert "seccomp/none.json" in seapod.apply(manifest, check=False).stderr
    outside = {"type": "Localhost", "localhostProfile": "../../etc/passwd"}
    assert "localhostProfile" in seapod.rejects(pod("third", securityContext={"seccompProfile": outside}, **NET))


def test_the_status_says_who_a_container_is(seapod):
    seapod.apply(pod("web", container("a"), container("b", securityContext={"runAsUser": 1000}),
                     securityContext={"runAsGroup": 3000, "supplementalGroups": [4000], "supplementalGroupsPolicy": "Strict"}, **NET))
    assert seapod.status("web", "a")["user"]["linux"] == {"uid": 0, "gid": 3000, "supplementalGroups": [3000, 4000]}
    assert seapod.status("web", "b")["user"]["linux"]["uid"] == 1000


def test_unsafe_kernel_parameters_need_a_permission(seapod):
    manifest = pod("web", securityContext={"sysctls": [{"name": "kernel/msgmax", "value": "65000"}]})
    manifest["metadata"]["annotations"] = {"seapod.io/network": "none"}
    assert "not on the list of safe ones" in seapod.rejects(manifest)
    manifest["metadata"]["annotations"]["seapod.io/allowed-unsafe-sysctls"] = "net.core.somaxconn, kernel.msg*"
    seapod.apply(manifest)
    assert seapod.sh("web", "cat /proc/sys/kernel/msgmax") == "65000"


def test_a_start_that_fails_behind_the_clones_leaves_nothing(seapod):
    """Kernel parameters are set while the containers' processes are being set up, before any program is executed."""
    manifest = pod("web", container("a", ["sh", "-c", "touch /v/ran; sleep 60"], volumeMounts=[{"name": "v", "mountPath": "/v"}]), container("b"),
                   volumes=[{"name": "v", "hostPath": {"path": seapod.dir}}],
                   securityContext={"sysctls": [{"name": "net.core.somaxconn", "value": "many"}]})
    manifest["metadata"]["annotations"] = {"seapod.io/network": "none", "seapod.io/allowed-unsafe-sysctls": "net.core.*"}
    done = seapod.apply(manifest, check=False)
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and "cannot set the sysctl 'net.core.somaxconn'" in done.stderr
    assert "web" not in seapod.out("ps", "-a") and not os.path.exists(f"{seapod.dir}/ran")
    manifest["spec"]["securityContext"]["sysctls"][0]["value"] = "77"
    assert "pod/web created" in seapod.apply(manifest).stdout


@pytest.mark.skipif(os.path.exists("/sys/kernel/security/apparmor"), reason="AppArmor is active")
def test_a_profile_of_app_armor_that_cannot_be_had_is_refused(seapod):
    asked = {"appArmorProfile": {"type": "Localhost", "localhostProfile": "mine"}}
    said = seapod.apply(pod("web", container(securityContext=asked), restartPolicy="Never", **NET), check=False).stderr
    assert "AppArmor is not active" in said
    seapod.delete("web", "--now")
    seapod.apply(pod("web", container(securityContext={"appArmorProfile": {"type": "Unconfined"}}),
                     securityContext=asked, **NET))
