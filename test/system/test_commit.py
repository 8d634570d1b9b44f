"""seapod commit: a container as an image."""
import json
import os
import signal
import subprocess
import tarfile

from instance import BUSYBOX, container, eventually, pod, shell


def config(seapod, name):
    return json.loads(seapod.out("image", "inspect", name))[0]


def names_of_last_layer(seapod, name, path):
    """What is in the layer that was added."""
    seapod.run("save", "-o", path, name)
    with tarfile.open(path) as archive:
        index = json.load(archive.extractfile("index.json"))
        manifest = json.load(archive.extractfile("blobs/sha256/" + index["manifests"][0]["digest"][7:]))
        layer = archive.extractfile("blobs/sha256/" + manifest["layers"][-1]["digest"][7:])
        with tarfile.open(fileobj=layer) as tar:
            return {entry.name: entry for entry in tar}


def test_what_a_container_has_written_is_in_the_image(seapod, tmp_path):
    seapod.apply(pod("web", shell("mkdir /srv; echo new >/srv/page; chmod 640 /srv/page; chown 7:8 /srv/page; rm /bin/vi; ln -s page /srv/link; touch /ready; sleep 99",
                                  volumeMounts=[{"name": "v", "mountPath": "/data/deep"}]),
                     volumes=[{"name": "v", "emptyDir": {}}]))
    eventually(lambda: seapod.sh("web", "test -e /ready && echo yes", check=False) == "yes")
    seapod.sh("web", "echo volume >/data/deep/file")
    assert seapod.out("commit", "-m", "a page", "-a", "me", "-c", 'CMD ["cat","/srv/link"]', "-c", "ENV A=1\nLABEL b=2", "web", "web:2") == "image/localhost/web:2 committed"
    assert seapod.out("run", "--rm", "--net", "none", "localhost/web:2") == "new"
    assert seapod.out("run", "--rm", "--net", "none", "localhost/web:2", "stat", "-c", "%a %u %g", "/srv/page") == "640 7 8"
    assert seapod.out("run", "--rm", "--net", "none", "localhost/web:2", "sh", "-c", "test -e /bin/vi || echo gone; echo $A") == "gone\n1"
    names = names_of_last_layer(seapod, "localhost/web:2", tmp_path / "saved.tar")
    assert {"srv/page", "srv/link", "bin/.wh.vi", "ready"} <= set(names)
    assert not {"etc/resolv.conf", "etc/hosts", "data/deep", "data/deep/file", "proc/", "sys/", "dev/"} & set(names)
    known = config(seapod, "localhost/web:2")
    assert known["Config"]["Labels"] == {"b": "2"} and known["Author"] == "me"
    assert seapod.sh("web", "cat /srv/page") == "new"  # it goes on


def test_a_container_of_several_and_one_that_has_ended(seapod):
    seapod.apply(pod("two", shell("echo one >/file; touch /ready; sleep 99", "one"), shell("echo other >/file; exit 0", "other"), restartPolicy="Never"))
    eventually(lambda: seapod.status("two", "other")["state"].get("terminated") and seapod.sh("two", "ls /ready", "one", check=False) == "/ready")
    assert "say which one (two/one)" in seapod.fails("commit", "two", "x:1", code=2, lines=None)
    assert "has no container 'three'" in seapod.fails("commit", "two/three", "x:1")
    assert "there is no pod 'none'" in seapod.fails("commit", "none", "x:1")
    for name in ("one", "other"):
        seapod.run("commit", f"pod/two/{name}", f"{name}:1")
        assert seapod.out("run", "--rm", "--net", "none", f"localhost/{name}:1", "cat", "/file") == name
    assert "--change takes no RUN" in seapod.fails("commit", "-c", "RUN true", "two/one", "x:1")



def test_a_container_that_writes_is_stopped_meanwhile_and_goes_on_whatever_happens(seapod):
    """The two files always say the same, in the image too, though the container changes them all the time."""
    seapod.apply(pod("busy", shell("dd if=/dev/urandom of=/large bs=1M count=64 2>/dev/null; i=0; while :; do i=$((i+1)); echo $i >/a; echo $i >/b; done")))
    eventually(lambda: seapod.sh("busy", "test -s /b && echo yes", check=False) == "yes")
    seapod.run("commit", "busy", "busy:1")
    a, b = seapod.out("run", "--rm", "--net", "none", "localhost/busy:1", "sh", "-c", "cat /a; echo x; cat /b").split("x")
    assert abs(int(a or 0) - int(b or 0)) <= 1 or not a.strip() or not b.strip()

    def moves():
        first = seapod.sh("busy", "cat /a; true")
        eventually(lambda: seapod.sh("busy", "cat /a; true") not in ("", first), "the container to go on")
    moves()
    process = seapod.start("commit", "busy", "busy:2")
    eventually(lambda: process.poll() is not None or any(name.startswith("commit-") for name in os.listdir(f"{seapod.root}/tmp")))
    process.send_signal(signal.SIGKILL)
    process.wait()
    moves()
    eventually(lambda: not os.path.exists(f"{seapod.root}/tmp"), "nothing to be left")


def test_ids_of_a_user_namespace_are_the_containers(seapod, tmp_path):
    seapod.apply(pod("mapped", shell("touch /mine; chown 5:6 /mine; touch /ready; sleep 99"), hostUsers=False))
    eventually(lambda: seapod.sh("mapped", "test -e /ready && echo yes", check=False) == "yes")
    seapod.run("commit", "mapped", "mapped:1")
    names = names_of_last_layer(seapod, "localhost/mapped:1", tmp_path / "saved.tar")
    assert (names["mine"].uid, names["mine"].gid) == (5, 6) and names["ready"].uid == 0


def test_a_container_that_has_changed_nothing(seapod):
    seapod.apply(pod("ro", container(securityContext={"readOnlyRootFilesystem": True})))
    seapod.run("commit", "ro", "ro:1")
    assert seapod.out("run", "--rm", "--net", "none", "localhost/ro:1", "echo", "hi") == "hi"


def test_podman_reads_it(seapod, tmp_path):
    seapod.run("run", "-d", "--name", "c", "--net", "none", BUSYBOX, "sh", "-c", "echo hi >/hi; sleep 99")
    eventually(lambda: seapod.sh("c", "cat /hi", check=False) == "hi")
    seapod.run("commit", "c", "c:1")
    seapod.run("save", "-o", tmp_path / "c.tar", "localhost/c:1")
    subprocess.run(["skopeo", "--insecure-policy", "copy", f"oci-archive:{tmp_path}/c.tar", f"dir:{tmp_path}/d"], check=True, stdout=subprocess.DEVNULL)
