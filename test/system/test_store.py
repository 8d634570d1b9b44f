"""The store when disk, inodes or rights run out, and when several use it at once."""
import contextlib
import hashlib
import os
import pathlib
import subprocess
import time

import pytest

from instance import BUSYBOX
from pulling import fake, insecure
from test_images import DIR, FILE, layer, oci_archive


@contextlib.contextmanager
def disk(seapod, options):
    """ROOT on a small disk of its own, in the tests' own mounts."""
    os.makedirs(seapod.root, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", seapod.root], check=True)
    try:
        yield lambda more: subprocess.run(["mount", "-o", "remount," + more, seapod.root], check=True)
    finally:
        seapod.run("system", "prune", check=False)
        subprocess.run(["umount", seapod.root], check=True)


def half_made(seapod):
    """What only a broken off command leaves."""
    partial = pathlib.Path(seapod.root, "partial")
    return [path.name for path in partial.glob("layer-*")] + [path.name for path in pathlib.Path(seapod.root).glob("tmp/*")]


def whole(seapod):
    """Every blob is what its name says."""
    for path in pathlib.Path(seapod.root, "images/blobs/sha256").iterdir():
        assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name


MANY = [("many", DIR), *[(f"many/{i}", FILE, b"%d" % i) for i in range(1000)]]
NOISE = layer(("noise", FILE, os.urandom(700_000)), *MANY[:200])


@pytest.mark.parametrize("kind", ["mounted", "unpacked"])
def test_inodes_run_out(bare, tmp_path, kind):
    oci_archive(tmp_path / "image.tar", "localhost/many:1", layer(*MANY))
    bare.env["SEAPOD_LAYERS"] = kind
    with disk(bare, "size=64m,nr_inodes=200") as change:
        if kind == "mounted" and "mounted" in bare.out("system", "info"):  # a thousand files are two
            bare.run("load", tmp_path / "image.tar")
            return
        assert "no space" in bare.fails("load", tmp_path / "image.tar").lower()
        assert not half_made(bare) and "many" not in bare.out("images")
        change("nr_inodes=4000")
        bare.run("load", tmp_path / "image.tar")


@pytest.mark.parametrize("kind", ["mounted", "unpacked"])
def test_a_disk_that_is_full_at_every_stage(bare, tmp_path, kind):
    """From a disk on which not even the store's directories have room to one on which it all has."""
    oci_archive(tmp_path / "image.tar", "localhost/noise:1", NOISE)
    bare.env["SEAPOD_LAYERS"] = kind
    failed = 0
    for kilobytes in [8, 16, 24, 32, 64, *range(100, 3000, 150), 20_000]:
        with disk(bare, f"size={kilobytes}k") as change:
            done = bare.run("load", tmp_path / "image.tar", check=False)
            if done.returncode == 0:
                whole(bare)
                continue
            failed += 1
            assert len(done.stderr.splitlines()) == 1 and "no space" in done.stderr.lower(), (kilobytes, done.stderr)
            assert not half_made(bare), kilobytes
            change("size=20m")
            assert "noise" not in bare.out("images")
            bare.run("load", tmp_path / "image.tar")
            whole(bare)
    assert 5 < failed < 24


def test_a_pull_onto_a_disk_that_is_full_at_every_stage(bare, fake):
    insecure(bare, fake.host)
    fake.put_image(NOISE)
    failed = 0
    for kilobytes in [16, 32, *range(100, 3000, 300), 20_000]:
        with disk(bare, f"size={kilobytes}k") as change:
            done = bare.run("pull", "-q", f"{fake.host}/a:1", check=False)
            failed += done.returncode != 0
            if done.returncode != 0:
                assert "no space" in done.stderr.lower() and not half_made(bare), (kilobytes, done.stderr)
                change("size=20m")
                bare.run("pull", "-q", f"{fake.host}/a:1")
            whole(bare)
    assert 2 < failed < 12


def test_a_store_that_is_read_only(seapod, tmp_path):
    oci_archive(tmp_path / "image.tar", "localhost/many:1", layer(*MANY))
    subprocess.run(["mount", "--bind", seapod.root, seapod.root], check=True)
    subprocess.run(["mount", "-o", "remount,bind,ro", seapod.root], check=True)
    try:
        assert BUSYBOX in seapod.out("images")
        seapod.run("image", "inspect", BUSYBOX)
        for command in (["load", tmp_path / "image.tar"], ["image", "tag", BUSYBOX, "x:1"], ["image", "rm", BUSYBOX], ["run", "--rm", "--net", "none", BUSYBOX, "true"]):
            assert "read-only" in seapod.fails(*command, code=125 if command[0] == "run" else 1).lower()
    finally:
        subprocess.run(["umount", "-l", seapod.root], check=True)
    assert seapod.out("run", "--rm", "--net", "none", BUSYBOX, "echo", "hi") == "hi"


def test_many_use_it_at_once(bare, tmp_path):
    """Loads of images that share a layer, tags, and prunes that would take what nobody has yet."""
    shared = layer(("shared", FILE, os.urandom(300_000)))
    for i in range(6):
        oci_archive(tmp_path / f"{i}.tar", f"localhost/i{i}:1", shared, layer((f"own{i}", FILE, os.urandom(100_000))))
    for _ in range(3):
        running = [bare.start("load", tmp_path / f"{i}.tar") for i in range(6)] + [bare.start("image", "prune") for _ in range(3)]
        for process in running:
            said = process.communicate(timeout=60)
            assert process.returncode == 0, said
        whole(bare)
        names = [f"localhost/i{i}:1" for i in range(6)]
        assert all(name.rsplit(":", 1)[0] in bare.out("images") for name in names)
        assert not half_made(bare)
        gone = [bare.start("image", "rm", name) for name in names]
        for process in gone:
            said = process.communicate(timeout=60)
            assert process.returncode == 0, said
    assert not list(pathlib.Path(bare.root, "images/blobs/sha256").iterdir()) and not list(pathlib.Path(bare.root, "layers").iterdir())


def test_what_is_left_of_builds_and_pulls_goes_in_time(seapod, tmp_path):
    (tmp_path / "Dockerfile").write_text(f"FROM {BUSYBOX}\nRUN echo x >/x\n")
    seapod.run("build", "--network", "none", "-t", "built:1", tmp_path, timeout=60)
    cache, partial = pathlib.Path(seapod.root, "cache/build"), pathlib.Path(seapod.root, "partial")
    seapod.run("image", "prune")
    assert list(cache.iterdir())  # the image has it
    (partial / ("a" * 64)).write_text("new")
    (partial / ("b" * 64)).write_text("old")
    week = time.time() - 8 * 24 * 3600
    os.utime(partial / ("b" * 64), (week, week))
    seapod.run("image", "rm", "localhost/built:1")
    assert not list(cache.iterdir())
    assert [path.name for path in partial.iterdir()] == ["a" * 64]
