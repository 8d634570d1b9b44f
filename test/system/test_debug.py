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
