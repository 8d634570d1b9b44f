"""seapod debug: a container that comes to a pod that runs, with other tools."""
import json

import pytest

from instance import BUSYBOX, STAY, container, eventually, pod, shell

NET = {"hostNetwork": True}


def debug(seapod, *args, script, **more):
    return seapod.run("debug", *args, "--image", BUSYBOX, "--", "sh", "-c", script, **more)


def status(seapod, name, pod_name="web"):
    everyone = seapod.status(pod_name).get("ephemeralContainerStatuses", [])
    return next(c for c in everyone if c["name"] == name)


def ended(seapod, name):
    return eventually(lambda: status(seapod, name)["state"].get("terminated"))


@pytest.mark.bridge
def test_it_sees_the_pods_network_and_the_targets_processes(seapod):
    seapod.apply(pod("web", shell("echo hello >/secret; " + STAY[2]), container("other")))
    said = debug(seapod, "-i", "web", "--target", "main", script="hostname; hostname -i; cat /proc/1/root/secret; tr '\\0' ' ' </proc/1/cmdline")
    assert said.stdout.split("\n")[:3] == ["web", seapod.ip("web"), "hello"]
    assert "sh -c echo hello" in said.stdout


def test_without_a_target_it_is_alone(seapod):
    seapod.apply(pod("web", **NET))
    assert debug(seapod, "-i", "web", script="echo $$").stdout == "1\n"


def test_it_has_a_status_and_is_not_started_again(seapod):
    seapod.apply(pod("web", **NET))
    assert debug(seapod, "web", "-c", "look", "-e", "A=b", script="echo $A; exit 3").stdout == "look\n"
    assert ended(seapod, "look")["exitCode"] == 3
    assert (status(seapod, "look")["restartCount"], status(seapod, "look")["ready"]) == (0, False)
    assert seapod.logs("web", "-c", "look") == "b"
    assert seapod.phase("web") == "Running" and "1/1" in seapod.out("get", "pods")
    spec = seapod.get("web")["spec"]["ephemeralContainers"]
    assert [(c["name"], c["image"]) for c in spec] == [("look", BUSYBOX)]
    assert [e["involvedObject"]["fieldPath"] for e in seapod.events("web") if "look" in e["involvedObject"].get("fieldPath", "")][0] == \
        "spec.ephemeralContainers{look}"


def test_its_exit_code_and_input_are_ours(seapod):
    seapod.apply(pod("web", **NET))
    done = debug(seapod, "-i", "web", script="cat; exit 7", input="through\n", check=False)
    assert (done.stdout, done.returncode) == ("through\n", 7)


def test_several_come_and_the_manifest_stays_the_same(seapod):
    manifest = pod("web", **NET)
    seapod.apply(manifest)
    for name in ("one", "two", "three"):
        debug(seapod, "web", "-c", name, script="sleep 99")
    eventually(lambda: all("running" in status(seapod, name)["state"] for name in ("one", "two", "three")))
    assert seapod.apply(manifest).stdout == "pod/web unchanged\n"
    assert seapod.exec("web", "echo", "in", c="two").stdout == "in\n"
    seapod.run("restart", "web")
    assert "running" in status(seapod, "two")["state"]
    seapod.run("stop", "-t", "0", "web")
    assert seapod.get("web")["status"]["ephemeralContainerStatuses"][0]["state"]["terminated"]
    seapod.run("start", "web")
    assert "ephemeralContainers" not in seapod.get("web")["spec"]


def test_the_pod_ends_with_its_containers(seapod):
    seapod.apply(pod("job", shell("sleep 1"), restartPolicy="Never", **NET))
    debug(seapod, "job", "-c", "look", script="sleep 99")
    eventually(lambda: seapod.phase("job") == "Succeeded")
    eventually(lambda: "terminated" in status(seapod, "look", "job")["state"])


def test_what_cannot_be(seapod):
    seapod.apply(pod("web", **NET))
    assert "no container 'nobody'" in seapod.fails("debug", "web", "--image", BUSYBOX, "--target", "nobody", code=125)
    assert "already" in seapod.fails("debug", "web", "--image", BUSYBOX, "-c", "main", code=125)
    assert "needs an image" in seapod.fails("debug", "web", code=2)
    assert "no pod" in seapod.fails("debug", "nosuch", "--image", BUSYBOX, code=125)
    with_one = pod("other", ephemeralContainers=[{"name": "x", "image": BUSYBOX}], **NET)
    assert "seapod debug other" in seapod.fails("apply", "-f", "-", input=json.dumps(with_one))


def caps(text):
    return int(text.split()[-1], 16)


@pytest.mark.parametrize("profile, bits, lacks", [("general", [19], [12]), ("netadmin", [12, 13], [19]), ("baseline", [], [12, 19])])
def test_a_profile_gives_capabilities(seapod, profile, bits, lacks):
    """kubectl's: SYS_PTRACE is 19, NET_ADMIN 12, NET_RAW 13."""
    seapod.apply(pod("web", **NET))
    has = caps(debug(seapod, "-i", "web", "--profile", profile, script="grep CapEff /proc/self/status").stdout)
    assert all(has & 1 << bit for bit in bits) and not any(has & 1 << bit for bit in lacks)


def test_the_profile_restricted(seapod, tmp_path):
    seapod.apply(pod("web", **NET))
    assert "runAsNonRoot" in debug(seapod, "web", "-c", "a", "--profile=restricted", script="true", check=False).stderr + str(
        eventually(lambda: status(seapod, "a")["state"].get("terminated")))
    (tmp_path / "user.yaml").write_text("securityContext: {runAsUser: 1000}")
    said = debug(seapod, "-i", "web", "--profile=restricted", "--custom", tmp_path / "user.yaml", script="id -u; grep -E 'CapEff|NoNewPrivs' /proc/self/status").stdout
    assert said.split() == ["1000", "CapEff:", "0000000000000000", "NoNewPrivs:", "1"]


def test_the_profile_sysadmin_needs_a_pod_with_a_privileged_container(seapod):
    seapod.apply([pod("web", container(securityContext={"privileged": True}), **NET), pod("plain", **NET)])
    assert caps(debug(seapod, "-i", "web", "--profile", "sysadmin", script="grep CapEff /proc/self/status").stdout) & 1 << 21
    assert "without one" in debug(seapod, "plain", "-c", "a", "--profile", "sysadmin", script="true", check=False).stderr + str(
        eventually(lambda: status(seapod, "a", "plain")["state"].get("terminated")))


def test_more_of_it_from_a_file(seapod, tmp_path):
    words = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "words"}, "data": {"color": "red"}}
    seapod.apply([words, pod("web", container(volumeMounts=[{"name": "v", "mountPath": "/v"}]), volumes=[{"name": "v", "emptyDir": {}}], **NET)])
    seapod.sh("web", "echo shared > /v/f")
    custom = tmp_path / "more.yaml"
    custom.write_text("volumeMounts: [{name: v, mountPath: /look}]\nenvFrom: [{configMapRef: {name: words}}]\nworkingDir: /look\n")
    assert debug(seapod, "-i", "web", "--custom", custom, "-e", "A=b", script="cat f; pwd; echo $color $A").stdout.split() == ["shared", "/look", "red", "b"]
    custom.write_text("volumeMounts: [{name: w, mountPath: /look}]")
    assert "no volume called 'w'" in seapod.fails("debug", "web", "--image", BUSYBOX, "--custom", custom, "--", "true", code=125)
    custom.write_text("image: other")
    assert "'image' is given on the command line" in seapod.fails("debug", "web", "--image", BUSYBOX, "--custom", custom, "--", "true", code=125)
    custom.write_text("ports: []")
    assert "ports" in seapod.fails("debug", "web", "--image", BUSYBOX, "--custom", custom, "--", "true", code=125)
    assert "no profile 'root'" in seapod.fails("debug", "web", "--image", BUSYBOX, "--profile", "root", code=2, lines=None)
