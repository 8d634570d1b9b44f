"""What an image archive does to the host that loads it, and where its files lie (docs/security.md, "Images"). Names that lead out, and forged and cut
layers are in test_images.py."""
import gzip
import os
import stat
import subprocess
import tarfile

import pytest

from hostile import image
from instance import eventually, pod, shell
from test_images import CHAR, DIR, FILE, HARD, LINK, layer, layers_of, oci_archive

NET = {"hostNetwork": True}
UP = "../" * 12


@pytest.fixture
def victim(tmp_path):
    folder = tmp_path / "victim"
    folder.mkdir()
    (folder / "secret").write_text("the host's")
    yield folder
    assert os.listdir(folder) == ["secret"] and (folder / "secret").read_text() == "the host's" and os.stat(folder / "secret").st_mode & 0o777 == 0o644


@pytest.mark.parametrize("name", ["absolute", "relative", "twice", "hard", "whiteout", "opaque", "directory", "attributes"])
def test_a_layer_writes_nothing_through_its_own_links(seapod, tmp_path, victim, name):
    """CVE-2014-9356, -9357 and -6407 (Docker), CVE-2018-1002100, CVE-2019-1002101, -11246, -11249, -11251 (kubectl cp), CVE-2019-14271's neighbours:
    a link first, then something that is to be made, changed or removed behind it."""
    out = str(victim)
    entries = {"absolute": [("l", LINK, out), ("l/new", FILE, b"x")],
               "relative": [("l", LINK, UP + out), ("l/new", FILE, b"x")],
               "twice": [("a", LINK, "b"), ("b", LINK, out), ("a/new", FILE, b"x"), ("a/../new", FILE, b"x")],
               "hard": [("l", LINK, out), ("h", HARD, "l/secret"), ("h", FILE, b"changed")],
               "whiteout": [("l", LINK, out), ("l/.wh.secret", FILE)],
               "opaque": [("l", LINK, out), ("l/.wh..wh..opq", FILE)],
               "directory": [("l", LINK, out), ("l", DIR), ("l/secret", FILE, b"changed")],
               "attributes": [("l", LINK, out + "/secret"), ("l/", DIR)]}[name]
    oci_archive(tmp_path / "evil.tar", "localhost/evil:1", layer(*entries), compress=False)
    seapod.run("load", tmp_path / "evil.tar", check=False)


def test_members_of_an_archive_are_no_links_to_the_host(seapod, tmp_path, victim):
    """CVE-2014-6407: the archive's own manifest, config or layer is a link."""
    for name in ("manifest.json", "index.json", "c.json", "l/layer.tar"):
        with tarfile.open(tmp_path / "evil.tar", "w") as tar:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, str(victim / "secret")
            tar.addfile(info)
            info = tarfile.TarInfo("l/layer.tar")
            info.type, info.linkname = tarfile.LNKTYPE, str(victim / "secret")
            tar.addfile(info)
        assert "the host's" not in seapod.fails("load", tmp_path / "evil.tar")


def test_a_bomb_does_not_fill_memory(seapod, tmp_path):
    """A small archive that becomes very large stops at a limit of addresses, not of the machine's memory."""
    bomb = tmp_path / "bomb.tar.gz"
    bomb.write_bytes(gzip.compress(bytes(64 << 20)) * 4)
    done = subprocess.run(["prlimit", f"--as={1 << 30}", os.path.join(os.environ.get("BUILD", "build"), "seapod"), "load", str(bomb)], env=seapod.env,
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and done.stderr.startswith("seapod: ") and not os.path.exists(seapod.root + "/tmp")


def test_users_of_the_host_do_not_reach_files_of_images_and_containers(seapod, tmp_path):
    """CVE-2021-41091, CVE-2021-21284 (Docker): root in a container makes a program setuid, and a user of the host executes it from the store."""
    oci_archive(tmp_path / "evil.tar", "localhost/evil:1", layer(("suid", FILE, b"#!/bin/sh\n"), ("mem", CHAR)), compress=False)
    seapod.run("load", tmp_path / "evil.tar")
    volume = {"name": "v", "mountPath": "/v"}
    seapod.apply(pod("web", shell("cp /bin/busybox /suid; chmod 4755 /suid; cp /bin/busybox /v/suid; chmod 4755 /v/suid; sleep 1000", volumeMounts=[volume]),
                     volumes=[{"name": "v", "emptyDir": {}}], **NET))
    eventually(lambda: seapod.exec("web", "test", "-u", "/v/suid", check=False).returncode == 0)
    os.chmod(seapod.dir, 0o755)
    for top in (seapod.root, seapod.run_dir):
        os.chmod(top, 0o755)  # however the administrator has made it
    found = [os.path.join(folder, name) for top in (seapod.root, seapod.run_dir) for folder, _, names in os.walk(top) for name in names if name == "suid"]
    assert len(found) >= 2, found  # a layer may be a file system that is mounted only while somebody uses it
    for path in found:
        said = subprocess.run(["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "stat", path], capture_output=True, text=True)
        assert said.returncode != 0 and "Permission denied" in said.stderr, path


def test_secrets_are_roots_alone(seapod):
    """What a manifest says, and objects, are files that no user of the host reads."""
    seapod.apply({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"k": "secret"}})
    seapod.apply(pod("web", shell("sleep 1000", env=[{"name": "PASSWORD", "value": "secret"}]), **NET))
    for top in (seapod.root + "/objects", seapod.run_dir + "/pods"):
        for folder, _, names in os.walk(top):
            for name in names:
                path = os.path.join(folder, name)
                if stat.S_ISREG(os.lstat(path).st_mode) and os.stat(path).st_mode & 0o004:
                    with open(path) as f:
                        assert "secret" not in f.read(), path


def test_a_device_of_an_image_is_none(seapod, tmp_path):
    """A layer may have any device; a container may not use it (device rules of its cgroup)."""
    name = image(seapod, tmp_path, ("mem", CHAR), Cmd=["sleep", "1000"])
    done = seapod.run("run", "--rm", "--net=none", name, "sh", "-c", "mknod /k c 1 1; head -c 1 /k; head -c 1 /mem", check=False)
    assert done.stdout == "" and "not permitted" in done.stderr


def test_what_is_loaded_is_whole_or_not_there(seapod, tmp_path):
    before = layers_of(seapod)
    oci_archive(tmp_path / "a.tar", "localhost/a:1", layer(("f", FILE, b"x"), ("f/under", FILE, b"y"), ("../out", FILE, b"z")), compress=False)
    seapod.run("load", tmp_path / "a.tar", check=False)
    assert layers_of(seapod) == before
