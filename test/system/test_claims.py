"""Storage that outlives pods (PersistentVolumeClaim, seapod volume), and the other sources of volumes: images, claims of one pod, files of variables."""
import os

import pytest

from instance import BUSYBOX, container, eventually, kill, pod, shell
from test_images import DIR, FILE, layer, oci_archive

NET = {"hostNetwork": True}


def claim(name="data", mode="ReadWriteOnce", **annotations):
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name, "annotations": annotations},
            "spec": {"accessModes": [mode], "resources": {"requests": {"storage": "1Gi"}}}}


def with_volume(source, name="web", **more):
    mount = {"name": "v", "mountPath": "/v", **more.pop("mount", {})}
    return pod(name, container(volumeMounts=[mount]), volumes=[{"name": "v", **source}], **NET, **more)


def using(claim_name="data", name="web", **more):
    source = {"claimName": claim_name, **more.pop("source", {})}
    return with_volume({"persistentVolumeClaim": source}, name, **more)


def test_a_claim_outlives_its_pods(seapod):
    assert seapod.apply([claim(), using()]).stdout.split() == ["persistentvolumeclaim/data", "created", "pod/web", "created"]
    seapod.sh("web", "echo kept > /v/file")
    seapod.delete("web", "--now")
    seapod.apply(using(name="other"))
    assert seapod.sh("other", "cat /v/file; stat -c %a /v") == "kept\n777"
    assert seapod.get("data", "pvc")["status"]["phase"] == "Bound"
    assert "RWO" in seapod.out("get", "pvc") and "1Gi" in seapod.out("get", "pvc")


def test_two_pods_share_a_claim(seapod):
    seapod.apply([claim(), using(name="a"), using(name="b", source={"readOnly": True})])
    seapod.sh("a", "echo shared > /v/file")
    assert seapod.sh("b", "cat /v/file") == "shared"
    assert "Read-only" in seapod.exec("b", "touch", "/v/x", check=False).stderr


def test_a_claim_for_one_pod_at_a_time(seapod):
    seapod.apply([claim(mode="ReadWriteOncePod"), using(name="a")])
    assert "ReadWriteOncePod" in seapod.rejects(using(name="b"))
    seapod.delete("a", "--now")
    seapod.apply(using(name="b"))


def test_a_claim_that_is_missing_is_named(seapod):
    assert "'data'" in seapod.rejects(using())


def test_what_a_claim_is_for_cannot_change(seapod):
    seapod.apply(claim())
    assert "access modes" in seapod.rejects(claim(mode="ReadWriteMany"))
    assert "no access mode 'ReadWriteSometimes'" in seapod.rejects(claim(mode="ReadWriteSometimes"))


def test_a_claim_in_use_is_not_removed(seapod):
    seapod.apply([claim(), using()])
    assert "in use by the pod web" in seapod.fails("volume", "rm", "data")
    assert "in use by the pod web" in seapod.fails("delete", "pvc", "data")
    seapod.run("stop", "-t", "0", "web")
    assert "in use by the pod web" in seapod.fails("volume", "rm", "data"), "it may be started again"
    seapod.delete("web")
    assert seapod.out("delete", "pvc", "data") == "persistentvolumeclaim/data deleted"
    assert not os.path.exists(f"{seapod.root}/volumes/data")


def test_a_claim_may_be_retained(seapod):
    seapod.apply([claim(**{"seapod.io/reclaim-policy": "Retain"}), using()])
    seapod.sh("web", "echo kept > /v/file")
    seapod.delete("web", "--now")
    seapod.run("delete", "pvc", "data")
    seapod.apply([claim(), using()])
    assert seapod.sh("web", "cat /v/file") == "kept"


def test_volumes_as_dockers(seapod):
    assert seapod.out("volume", "create", "one") == "one"
    seapod.run("run", "--rm", "--net=none", "-v", "two:/v", BUSYBOX, "sh", "-c", "echo x > /v/file")
    assert seapod.out("run", "--rm", "--net=none", "-v", "two:/v:ro", BUSYBOX, "cat", "/v/file") == "x"
    assert [line.split()[0] for line in seapod.out("volume", "ls").splitlines()] == ["NAME", "one", "two"]
    assert f"{seapod.root}/volumes/two" in seapod.out("volume", "inspect", "two")
    assert seapod.out("volume", "rm", "one") == "one"
    seapod.run("run", "-d", "--name", "user", "--net=none", "-v", "three:/v", BUSYBOX, "sleep", "99")
    assert seapod.out("volume", "prune") == "two"
    assert "there is no" in seapod.fails("volume", "rm", "two")


def test_fs_group_takes_over_what_is_there(seapod):
    """All of it, unless the policy is to look only at the top (KEP-695)."""
    as_group = {"securityContext": {"runAsUser": 1000, "fsGroup": 2000}}
    seapod.apply([claim(), using()])
    seapod.sh("web", "mkdir -p /v/d/e && echo x > /v/d/e/f && chmod 600 /v/d/e/f && ln -s /etc/passwd /v/link")
    seapod.delete("web", "--now")
    seapod.apply(using(**as_group))
    assert seapod.sh("web", "stat -c %g:%a /v /v/d /v/d/e/f").split() == ["2000:2777", "2000:2775", "2000:660"]
    seapod.sh("web", "cat /v/d/e/f; touch /v/d/new; stat -c %g /v/d/new")
    seapod.delete("web", "--now")
    os.chown(f"{seapod.root}/volumes/data/d/e/f", 0, 0)
    seapod.apply(using(securityContext={**as_group["securityContext"], "fsGroupChangePolicy": "OnRootMismatch"}))
    assert seapod.sh("web", "stat -c %g /v/d/e/f") == "0"


def test_a_claim_that_lives_with_the_pod(seapod):
    template = {"ephemeral": {"volumeClaimTemplate": {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {
        "requests": {"storage": "1Gi"}}}}}}
    seapod.apply(with_volume(template, securityContext={"fsGroup": 2000}))
    seapod.sh("web", "echo x > /v/file")
    kill(seapod.pid("web"))
    eventually(lambda: seapod.sh("web", "cat /v/file; stat -c %g /v", check=False) == "x\n2000")
    seapod.delete("web", "--now")
    seapod.apply(with_volume(template))
    assert seapod.sh("web", "ls /v") == ""
    del template["ephemeral"]["volumeClaimTemplate"]["spec"]["accessModes"]
    assert "accessModes" in seapod.rejects(with_volume(template, "other"))


@pytest.fixture
def models(seapod, tmp_path):
    """An image of two layers without any program."""
    oci_archive(tmp_path / "m.tar", "localhost/models:1", layer(("data", DIR), ("data/a", FILE, b"one"), ("tool", FILE, b"#!/bin/sh\necho ran\n")),
                layer(("data/b", FILE, b"two")))
    seapod.run("load", tmp_path / "m.tar")
    return {"image": {"reference": "localhost/models:1", "pullPolicy": "Never"}}


def test_an_image_as_a_volume(seapod, models):
    """Read-only, not to be executed, whole or a part of it (KEP-4639)."""
    seapod.apply([with_volume(models), with_volume(models, "part", mount={"subPath": "data"})])
    assert seapod.sh("web", "cat /v/data/a /v/data/b") == "onetwo"
    assert seapod.exec("web", "touch", "/v/x", check=False).returncode == 1
    assert "Permission denied" in seapod.exec("web", "sh", "-c", "/v/tool", check=False).stderr
    assert seapod.sh("part", "ls /v").split() == ["a", "b"]


def test_when_the_image_of_a_volume_is_fetched(seapod, models):
    """Never: it is not asked for anywhere; Always: it is, though it is here (the tests' registry does not answer)."""
    never = {"image": {"reference": "docker.io/library/nosuch:1", "pullPolicy": "Never"}}
    assert "pulling" not in seapod.apply(with_volume(never, "a"), check=False).stderr
    seapod.run("image", "tag", BUSYBOX, "docker.io/library/here:1")
    here = {"image": {"reference": "docker.io/library/here:1"}}
    seapod.apply(with_volume(here, "b"))
    here["image"]["pullPolicy"] = "Always"
    assert seapod.apply(with_volume(here, "c"), check=False).returncode == 1


def test_an_image_volume_with_one_layer_and_one_that_is_not_there(seapod):
    seapod.apply(with_volume({"image": {"reference": BUSYBOX}}))
    assert seapod.exec("web", "test", "-x", "/v/bin/busybox", check=False).returncode == 0
    assert "nosuch" in seapod.rejects(with_volume({"image": {"reference": "localhost/nosuch"}}, "other"))


def with_file(text, key="COLOR", **ref):
    """An init container writes TEXT, and a variable comes from it (KEP-3721)."""
    writer = shell(f"cat > /v/env <<'END'\n{text}\nEND", "writer", volumeMounts=[{"name": "v", "mountPath": "/v"}])
    reader = container(env=[{"name": "X", "valueFrom": {"fileKeyRef": {"volumeName": "v", "path": "env", "key": key, **ref}}}])
    return pod("web", reader, initContainers=[writer], volumes=[{"name": "v", "emptyDir": {}}], **NET)


def test_a_variable_from_a_file(seapod):
    seapod.apply(with_file("# words\nSIZE='big'\n\n  COLOR='deep\nblue $X' # of the sea"))
    assert seapod.sh("web", 'echo "$X"') == "deep\nblue $X"


def test_a_variable_that_the_file_has_not(seapod):
    seapod.apply(with_file("SIZE='big'", optional=True))
    assert seapod.sh("web", "echo ${X-unset}") == "unset"
    seapod.delete("web", "--now")
    assert "COLOR" in seapod.apply(with_file("SIZE='big'"), check=False).stderr
    seapod.delete("web", "--now")
    assert "line 1" in seapod.apply(with_file("SIZE=big"), check=False).stderr


@pytest.mark.parametrize("medium", ["", "Memory"])
def test_the_mode_of_an_empty_dir(seapod, medium):
    seapod.apply(with_volume({"emptyDir": {"medium": medium, "mode": 0o1750}}))
    assert seapod.sh("web", "stat -c %a /v") == "1750"


def test_files_of_objects_have_an_owner(seapod):
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": "1", "b": "2"}}
    seapod.apply([config, with_volume({"projected": {"defaultUser": 1000, "defaultMode": 0o400, "sources": [
        {"configMap": {"name": "c", "items": [{"key": "a", "path": "a"}, {"key": "b", "path": "b", "user": 1001, "mode": 0o440}]}}]}})])
    assert seapod.sh("web", "stat -L -c %u:%a /v/a /v/b").split() == ["1000:400", "1001:440"]
