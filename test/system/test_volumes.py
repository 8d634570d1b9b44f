"""Volumes: what is shared, what is private, what lasts, and what a container may do with it."""
import os
import socket
import stat

import pytest

from instance import container, eventually, kill, pod, shell

NET = {"hostNetwork": True}


def mounts(name="v", path="/v", **more):
    return [{"name": name, "mountPath": path, **more}]


def config(name="words", **data):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def secret(name="quiet", **data):
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": data}


def two(volume, **spec):
    return pod("web", container("a", volumeMounts=mounts()), container("b", volumeMounts=mounts()),
               volumes=[{"name": "v", **volume}], **NET, **spec)


@pytest.mark.parametrize("empty", [{}, {"medium": "Memory"}], ids=["disk", "memory"])
def test_empty_dir_is_shared_by_the_containers(seapod, empty):
    seapod.apply(two({"emptyDir": empty}))
    seapod.sh("web", "echo from a > /v/file", c="a")
    assert seapod.sh("web", "cat /v/file", c="b") == "from a"
    assert seapod.sh("web", "stat -c %a /v", c="b") == "777"


def test_memory_is_one_tmpfs_with_a_size(seapod):
    seapod.apply(two({"emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}}))
    assert seapod.sh("web", "stat -f -c %T /v", c="a") == "tmpfs"
    done = seapod.exec("web", "dd", "if=/dev/zero", "of=/v/big", "bs=64k", "count=32", c="a", check=False)
    assert done.returncode != 0 and "No space" in done.stderr
    assert int(seapod.sh("web", "stat -c %s /v/big", c="b")) == 1 << 20


def test_empty_dir_outlives_a_container_but_not_the_pod(seapod):
    seapod.apply(two({"emptyDir": {}}))
    seapod.sh("web", "echo kept > /v/file", c="a")
    kill(seapod.pid("web", "a"))
    eventually(lambda: seapod.restarts("web", "a") == 1)
    eventually(lambda: seapod.sh("web", "cat /v/file", c="a", check=False) == "kept")
    seapod.delete("web", "--now")
    seapod.apply(two({"emptyDir": {}}))
    assert seapod.sh("web", "ls /v", c="a") == ""


def test_what_a_container_writes_elsewhere_is_its_own(seapod):
    seapod.apply(pod("web", container("a"), container("b"), **NET))
    seapod.sh("web", "echo private > /tmp/file", c="a")
    assert seapod.exec("web", "cat", "/tmp/file", c="b", check=False).returncode == 1


def test_host_path(seapod, tmp_path):
    (tmp_path / "in").write_text("from the host")
    seapod.apply(two({"hostPath": {"path": str(tmp_path), "type": "Directory"}}))
    assert seapod.sh("web", "cat /v/in; echo out > /v/out", c="a") == "from the host"
    assert (tmp_path / "out").read_text() == "out\n"


@pytest.mark.parametrize("kind", ["DirectoryOrCreate", "FileOrCreate"])
def test_host_path_is_made_when_asked(seapod, tmp_path, kind):
    seapod.apply(two({"hostPath": {"path": str(tmp_path / "new"), "type": kind}}))
    assert (tmp_path / "new").is_dir() == (kind == "DirectoryOrCreate")


@pytest.mark.parametrize("kind", ["Directory", "File", "Socket", "CharDevice", "BlockDevice"])
def test_host_path_of_the_wrong_type(seapod, tmp_path, kind):
    wrong = tmp_path / "wrong"
    if kind == "Directory":
        wrong.write_text("")
    else:
        wrong.mkdir()
    said = seapod.rejects(two({"hostPath": {"path": str(wrong), "type": kind}}))
    assert str(wrong) in said and "hostPath" in said or kind in said


def test_host_path_of_the_right_type(seapod, tmp_path):
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(str(tmp_path / "s"))
        seapod.apply(two({"hostPath": {"path": str(tmp_path / "s"), "type": "Socket"}}))
        assert seapod.exec("web", "test", "-S", "/v", c="a").returncode == 0


def test_config_map_as_files(seapod):
    seapod.apply([config(one="1", two="2"), two({"configMap": {"name": "words", "defaultMode": 0o640, "items": [
        {"key": "one", "path": "deep/er/first"}, {"key": "two", "path": "second", "mode": 0o600}]}})])
    assert seapod.sh("web", "cat /v/deep/er/first /v/second", c="a") == "12"
    assert seapod.sh("web", "stat -L -c %a /v/deep/er/first /v/second", c="a").split() == ["640", "600"]
    assert seapod.exec("web", "sh", "-c", "echo x > /v/second", c="a", check=False).returncode != 0


def test_config_map_is_updated_all_at_once(seapod):
    """Who is in the old directory when it goes finds nothing there, and never a mixture."""
    seapod.apply([config(a="old\n", b="old\n"), two({"configMap": {"name": "words"}})])
    reader = seapod.start("exec", "web", "-c", "a", "--", "sh", "-c",
                          "while :; do cd /v/..data && x=$(cat a b) && echo $x; sleep 0.01; done 2>/dev/null")
    assert reader.stdout.readline() == "old old\n"
    assert seapod.apply(config(a="new\n", b="new\n")).stdout == "configmap/words configured\n"
    eventually(lambda: seapod.sh("web", "cat /v/a /v/b", c="b") == "new\nnew")
    while (seen := reader.stdout.readline()) != "new new\n":
        assert seen == "old old\n"


def test_a_name_that_the_config_map_has_no_longer_goes(seapod):
    seapod.apply([config(a="1", b="2"), two({"configMap": {"name": "words"}})])
    seapod.apply(config(b="2", c="3"))
    assert seapod.sh("web", "ls /v; cat /v/b /v/c", c="a").split() == ["b", "c", "23"]
    assert len(seapod.sh("web", "ls -A /v", c="a").split()) == 4  # ..data and what it names


def test_a_container_cannot_lead_the_keeper_astray(seapod, tmp_path):
    """Were ..data the container's to change, the next update would remove as root what it names."""
    (tmp_path / "precious").write_text("x")
    steal = f"ln -sfn {tmp_path} /v/..data; rm -rf /v/..data /v/a; mkdir /v/x; echo x > /v/..data/a"
    seapod.apply([config(a="old"), two({"configMap": {"name": "words"}})])
    seapod.exec("web", "sh", "-c", steal, c="a", check=False)
    seapod.apply(config(a="new"))
    assert seapod.sh("web", "ls /v; cat /v/a", c="a").split() == ["a", "new"]
    assert (tmp_path / "precious").exists()


def test_even_a_privileged_one_cannot(seapod, tmp_path):
    (tmp_path / "precious").write_text("x")
    steal = f"mount -o remount,rw /v && ln -sfn {tmp_path} /v/..data"
    seapod.apply([config(a="old"), pod("web", container(securityContext={"privileged": True}, volumeMounts=mounts()),
                                       volumes=[{"name": "v", "configMap": {"name": "words"}}], **NET)])
    assert seapod.exec("web", "sh", "-c", steal).returncode == 0
    seapod.apply(config(a="new"))
    assert seapod.sh("web", "cat /v/a") == "new" and (tmp_path / "precious").exists()


def test_a_sub_path_is_not_updated_and_a_file_may_be_mounted_alone(seapod):
    seapod.apply([config(**{"default.conf": "listen 80"}), pod("web", container(
        volumeMounts=mounts(path="/etc/app/default.conf", subPath="default.conf")),
        volumes=[{"name": "v", "configMap": {"name": "words"}}], **NET)])
    assert seapod.sh("web", "cat /etc/app/default.conf") == "listen 80"


def test_secret_lives_on_tmpfs_only(seapod):
    seapod.apply([secret(password="s3cret-" + "x" * 20), two({"secret": {"secretName": "quiet"}})])
    assert seapod.sh("web", "cat /v/password", c="a") == "s3cret-" + "x" * 20
    assert seapod.sh("web", "stat -f -c %T /v/", c="a") == "tmpfs"
    for folder, _, names in os.walk(f"{seapod.root}/pods"):
        for name in names:
            path = os.path.join(folder, name)
            if stat.S_ISREG(os.lstat(path).st_mode):
                with open(path, "rb") as f:
                    assert b"s3cret-" not in f.read(), path


def test_environment_from_config_map_and_secret(seapod):
    seapod.apply([config(COLOR="red", SIZE="big"), secret(TOKEN="t0ken"), pod("web", container(
        env=[{"name": "ONE", "valueFrom": {"configMapKeyRef": {"name": "words", "key": "SIZE"}}},
             {"name": "BOTH", "value": "$(ONE)-$(TOKEN2)-$$(ONE)"},
             {"name": "TOKEN2", "valueFrom": {"secretKeyRef": {"name": "quiet", "key": "TOKEN"}}}],
        envFrom=[{"configMapRef": {"name": "words"}, "prefix": "W_"}]), **NET)])
    assert seapod.sh("web", "echo $ONE $W_COLOR $TOKEN2 $BOTH") == "big red t0ken big-$(TOKEN2)-$(ONE)"


CONFIG = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"color": "red"}}


def waiting(seapod, name="web", container="a"):
    return seapod.status(name, container)["state"]["waiting"]


def test_a_missing_config_map_is_waited_for_unless_optional(seapod):
    """As a kubelet does it; apply says what is missing, since who has typed it is still there."""
    assert "'words'" in seapod.rejects(two({"configMap": {"name": "words"}}))
    status = seapod.status("web", "a")
    assert seapod.phase("web") == "Pending" and status["state"]["waiting"]["reason"] == "ContainerCreating"
    assert status["restartCount"] == 0 and not status.get("lastState") and not status["started"]
    assert any(e["reason"] == "FailedMount" and "'words'" in e["message"] for e in seapod.events("web"))
    seapod.apply({**CONFIG, "metadata": {"name": "other"}})
    assert "words" in waiting(seapod)["message"]
    seapod.apply({**CONFIG, "metadata": {"name": "words"}})
    eventually(lambda: seapod.phase("web") == "Running" and seapod.status("web", "a")["ready"])
    assert seapod.sh("web", "cat /v/color", c="a") == "red" and seapod.restarts("web", "a") == 0
    seapod.delete("web", "--now")
    seapod.run("delete", "configmap", "words")
    seapod.apply(two({"configMap": {"name": "words", "optional": True}}))
    assert seapod.sh("web", "ls /v", c="a") == ""


@pytest.mark.parametrize("how", [{"env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "words", "key": "color"}}}]},
                                 {"envFrom": [{"configMapRef": {"name": "words"}, "prefix": ""}]}])
def test_a_variable_of_a_missing_config_map_is_waited_for(seapod, how):
    """The containers that need nothing run meanwhile; a pod that waits can be deleted."""
    manifest = pod("web", container("a", **how), container("b"), **NET)
    assert "'words'" in seapod.rejects(manifest)
    assert waiting(seapod)["reason"] == "CreateContainerConfigError" and "running" in seapod.status("web", "b")["state"]
    assert seapod.phase("web") == "Pending" and seapod.out("get", "pods").split()[-3] == "CreateContainerConfigError"
    seapod.apply({**CONFIG, "metadata": {"name": "words"}})
    eventually(lambda: seapod.phase("web") == "Running")
    assert seapod.sh("web", "echo $A$color", c="a") == "red" and seapod.restarts("web", "a") == 0
    seapod.delete("web", "--now")
    seapod.run("delete", "configmap", "words")
    seapod.rejects(manifest)
    seapod.delete("web", "--now")


def test_a_missing_key_is_waited_for(seapod):
    seapod.apply({**CONFIG, "metadata": {"name": "words"}})
    key = {"configMapKeyRef": {"name": "words", "key": "size"}}
    assert "no key 'size'" in seapod.rejects(pod("web", container("a", env=[{"name": "A", "valueFrom": key}]), **NET))
    seapod.apply({**CONFIG, "metadata": {"name": "words"}, "data": {"size": "big"}})
    eventually(lambda: seapod.phase("web") == "Running")


def test_downward_api(seapod):
    manifest = pod("web", container(volumeMounts=mounts(), env=[
        {"name": "NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        {"name": "LIMIT", "valueFrom": {"resourceFieldRef": {"resource": "limits.memory", "divisor": "1Mi"}}}],
        resources={"limits": {"memory": "64Mi"}}),
        volumes=[{"name": "v", "downwardAPI": {"items": [
            {"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]}}], **NET)
    manifest["metadata"]["labels"] = {"color": "red"}
    seapod.apply(manifest)
    assert seapod.sh("web", "echo $NAME $LIMIT; cat /v/labels").splitlines() == ["web 64", 'color="red"']


def test_read_only(seapod, tmp_path):
    seapod.apply(pod("web", container(volumeMounts=mounts(readOnly=True)),
                     volumes=[{"name": "v", "hostPath": {"path": str(tmp_path)}}], **NET))
    done = seapod.exec("web", "touch", "/v/file", check=False)
    assert done.returncode == 1 and "Read-only" in done.stderr


def test_sub_path_cannot_leave_its_volume(seapod, tmp_path):
    os.symlink("/etc", tmp_path / "out")
    manifest = pod("web", container(volumeMounts=mounts(subPath="out")),
                   volumes=[{"name": "v", "hostPath": {"path": str(tmp_path)}}], restartPolicy="Never", **NET)
    seapod.apply(manifest, check=False)
    shown = seapod.exec("web", "cat", "/v/hostname", check=False)
    with open("/etc/hostname") as f:
        assert shown.returncode != 0 or shown.stdout != f.read()


def test_a_volume_that_is_not_defined(seapod):
    said = seapod.rejects(pod("web", container(volumeMounts=mounts("nosuch")), **NET))
    assert "nosuch" in said and "volumeMounts[0].name" in said


def test_fs_group_owns_an_empty_dir(seapod):
    seapod.apply(pod("web", shell("sleep 99", volumeMounts=mounts()), volumes=[{"name": "v", "emptyDir": {}}],
                     securityContext={"runAsUser": 1000, "runAsGroup": 1000, "fsGroup": 2000}, **NET))
    assert seapod.sh("web", "touch /v/f; stat -c %g /v /v/f").split() == ["2000", "2000"]
    assert "2000" in seapod.sh("web", "id -G").split()
