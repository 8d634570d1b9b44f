"""A layer mounted from its tar is the same as the layer unpacked: what is in it, and what it hides of lower ones."""
import io
import json
import os
import pathlib
import shutil
import stat
import subprocess
import tarfile

import pytest

from instance import eventually
from test_images import CHAR, DIR, FILE, HARD, LINK, digest, layer, oci_archive

FIFO, BLOCK = tarfile.FIFOTYPE, tarfile.BLKTYPE


@pytest.fixture
def unpacked(bare):
    bare.env["SEAPOD_LAYERS"] = "unpacked"
    return bare


def can_mount(seapod):
    return "mounted" in seapod.out("system", "info")


@pytest.fixture
def mounted(request, seapod):
    if not can_mount(seapod):
        pytest.skip("this kernel does not mount EROFS from files")
    return seapod


def entry(name, kind=FILE, data=b"", mode=0o644, uid=0, gid=0, mtime=1_700_000_000, link="", pax=None, device=(0, 0)):
    info = tarfile.TarInfo(name)
    info.type, info.mode, info.uid, info.gid, info.mtime, info.linkname = kind, mode, uid, gid, mtime, link
    info.size, info.pax_headers = len(data), pax or {}
    info.devmajor, info.devminor = device
    return info, data


def tar(*entries, format=tarfile.PAX_FORMAT):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=format) as archive:
        for info, data in entries:
            archive.addfile(info, io.BytesIO(data) if data else None)
    return out.getvalue()


def everything():
    """A layer with all that a tar can say."""
    many = [entry(f"many/{'n' * (i % 120)}{i:05}", data=os.urandom(i % 700)) for i in range(3000)]
    return tar(
        entry("./", DIR, mode=0o751), entry("etc", DIR, mode=0o755, mtime=1_600_000_000.25),
        entry("etc/empty"), entry("etc/one", data=b"1"), entry("etc/block", data=b"x" * 512), entry("etc/more", data=b"y" * 513),
        entry("etc/large", data=os.urandom(3_000_017), uid=70_000, gid=3_000_000_000, mode=0o6755),
        entry("etc/hard", HARD, link="etc/large"), entry("zhard", HARD, link="etc/hard"), entry("etc/link", LINK, link="../etc/one"),
        entry("long-link", LINK, link="x" * 1000), entry("longer-link", LINK, link="/".join(["y" * 200] * 20)[:4000]),
        entry("!before-dot", data=b"!"), entry("-dash", data=b"-"), entry("ünïcode", data=b"u"), entry("a b\tc", data=b"blank"),
        entry("n" * 255, data=b"255"), entry("/".join(["deep"] * 300) + "/end", data=b"deep"),
        entry("dev", DIR, mode=0o755), entry("dev/null", CHAR, device=(1, 3), mode=0o666), entry("dev/disk", BLOCK, device=(259, 70_000)),
        entry("dev/fifo", FIFO, mode=0o600), entry("old", mtime=-5, data=b"o"), entry("replaced", data=b"first"), entry("replaced", data=b"second"),
        entry("dir-then-file", DIR), entry("dir-then-file/x", data=b"x"), entry("dir-then-file", data=b"file"),
        entry("capable", data=b"c", mode=0o755, pax={"SCHILY.xattr.security.capability":
              b"\x01\x00\x00\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00".decode("latin-1")}),
        entry("noted", data=b"n", pax={"SCHILY.xattr.user.note": "hello", "SCHILY.xattr.user.long": "v" * 2000, "SCHILY.xattr.trusted.overlay.opaque": "y"}),
        entry("noted-dir", DIR, pax={"SCHILY.xattr.user.d": "e" * 400}), entry("many", DIR), *many)


def look(top):
    """Everything that the kernel says of each file below TOP."""
    found = {}
    for folder, folders, files in os.walk(top):
        for name in [*folders, *files, "."]:
            path = os.path.join(folder, name)
            st = os.lstat(path)
            kind = stat.S_IFMT(st.st_mode)
            content = os.readlink(path) if kind == stat.S_IFLNK else digest(open(path, "rb").read()) if kind == stat.S_IFREG else ""
            names = st.st_nlink if kind == stat.S_IFREG else 0
            attributes = {x: os.getxattr(path, x) for x in os.listxattr(path, follow_symlinks=False)} if kind in (stat.S_IFREG, stat.S_IFDIR) else {}
            found[os.path.relpath(path, top)] = (oct(st.st_mode), st.st_uid, st.st_gid, st.st_mtime_ns if folder != top or name != "." else 0,
                                                 st.st_rdev, st.st_size if kind != stat.S_IFDIR else 0, names, content, attributes)
    return found


def directories(seapod, image):
    return json.loads(seapod.out("image", "inspect", image))[0]["GraphDriver"]["Data"]["LowerDirs"]


def use(seapod, image):
    """Makes the image's layers ready, as a pod's start does; its program need not exist."""
    seapod.run("run", "--rm", "--net", "none", image, "/nosuch", check=False)


def test_a_mounted_layer_is_as_it_is_unpacked(mounted, unpacked, tmp_path):
    os.umask(0o22)
    oci_archive(tmp_path / "a.tar", "localhost/a:1", everything())
    seen = []
    for seapod in (mounted, unpacked):
        seapod.run("load", tmp_path / "a.tar")
        use(seapod, "localhost/a:1")
        seen.append(look(directories(seapod, "localhost/a:1")[0]))
    assert set(seen[0]) == set(seen[1])
    for path in seen[0]:  # directories that the archive does not have itself are from now when they are unpacked
        if path == "deep" or path.startswith("deep/"):
            seen[0][path], seen[1][path] = seen[0][path][:3], seen[1][path][:3]
    different = {path: (seen[0][path], seen[1][path]) for path in seen[0] if seen[0][path] != seen[1][path]}
    assert different == {}
    assert os.path.ismount(directories(mounted, "localhost/a:1")[0]) and not os.path.ismount(directories(unpacked, "localhost/a:1")[0])
    assert "noted" in seen[0] and "trusted.overlay.opaque" not in seen[0]["noted"][8] and seen[0]["zhard"][6] == 3
    mounted.run("system", "prune")


LOWER = [("d", DIR), ("d/old", FILE, b"o"), ("e", DIR), ("e/old", FILE, b"o"), ("f", FILE, b"f"), ("g", DIR), ("g/old", FILE, b"g"), ("s", FILE, b"s"),
         ("bin", DIR), ("bin/sh", FILE, open("/bin/busybox", "rb").read())]
UPPER = [(".wh.f", FILE), ("d", DIR), ("d/.wh..wh..opq", FILE), ("d/new", FILE, b"n"),
         (".wh.e", FILE), ("e", DIR), ("e/new", FILE, b"n"),        # hidden below, made anew here: nothing of the lower one shows
         ("g", DIR), ("g/new", FILE, b"n"), (".wh.g", FILE),        # the same in the other order
         ("s", FILE, b"stays"), (".wh.s", FILE),                    # hides only what is below
         (".wh..wh.plnk", FILE)]


@pytest.mark.parametrize("kind", ["mounted", "unpacked"])
def test_whiteouts_hide_what_is_below(kind, request, tmp_path):
    seapod = request.getfixturevalue(kind)
    oci_archive(tmp_path / "a.tar", "localhost/a:1", layer(*LOWER), layer(*UPPER))
    seapod.run("load", tmp_path / "a.tar")
    seen = seapod.out("run", "--rm", "--net", "none", "localhost/a:1", "/bin/sh", "-c", "echo $(echo /d/* /e/* /f /g/*) $(cat /s)")
    assert seen == "/d/new /e/new /f /g/new stays"
    assert seapod.run("run", "--rm", "--net", "none", "localhost/a:1", "/bin/sh", "-c", "[ -e /f ]", check=False).returncode == 1


def test_what_cannot_be_mounted_from_its_tar_is_unpacked(mounted, tmp_path):
    (tmp_path / "in").mkdir()
    with open(tmp_path / "in/holes", "wb") as f:
        f.write(b"begin")
        f.seek(10 << 20)
        f.write(b"end")
    subprocess.run(["tar", "--sparse", "-C", tmp_path / "in", "-cf", tmp_path / "sparse.tar", "holes"], check=True)
    oci_archive(tmp_path / "a.tar", "localhost/a:1", (tmp_path / "sparse.tar").read_bytes(), layer(("x", FILE, b"x")))
    mounted.run("load", tmp_path / "a.tar")
    data = json.loads(mounted.out("image", "inspect", "localhost/a:1"))[0]["GraphDriver"]["Data"]
    assert data["LowerKinds"] == ["unpacked", "mounted"]
    holes = pathlib.Path(data["LowerDirs"][0]) / "holes"
    assert holes.read_bytes() == (tmp_path / "in/holes").read_bytes() and holes.stat().st_blocks < 1000


def test_pods_share_one_mount_and_prune_lets_it_go(mounted):
    for name in ("one", "two"):
        mounted.run("run", "-d", "--name", name, "--net", "none", "seapod.test/busybox", "sh", "-c", "trap exit TERM; while :; do sleep 1; done")
    where = directories(mounted, "seapod.test/busybox")[0]
    assert sum(line.split()[4] == where for line in open("/proc/self/mountinfo")) == 1
    for name in ("one", "two"):
        mounted.delete(name, "--now")
    mounted.run("system", "prune")
    assert not os.path.exists(where)
    assert mounted.out("run", "--rm", "--net", "none", "seapod.test/busybox", "echo", "again") == "again"


def test_a_pod_that_has_ended_starts_again_after_a_prune(mounted):
    mounted.run("run", "-d", "--name", "again", "--net", "none", "seapod.test/busybox", "echo", "said")
    eventually(lambda: mounted.run("system", "prune", check=False).returncode == 0)
    mounted.run("start", "again")
    eventually(lambda: "said" in mounted.logs("again") and mounted.phase("again") == "Succeeded")


def test_a_store_from_another_kernel_is_unpacked_when_it_is_used(mounted):
    """The index cannot be mounted: as on a kernel without EROFS."""
    for index in (pathlib.Path(mounted.root) / "layers").glob("*.erofs"):
        index.unlink()
        index.write_bytes(bytes(4096))
    assert mounted.out("run", "--rm", "--net", "none", "seapod.test/busybox", "echo", "hi") == "hi"
    assert json.loads(mounted.out("image", "inspect", "seapod.test/busybox"))[0]["GraphDriver"]["Data"]["LowerKinds"] == ["unpacked"]


def test_the_layer_comes_back_bit_for_bit(mounted, tmp_path):
    plain = everything()
    oci_archive(tmp_path / "a.tar", "localhost/a:1", plain)
    mounted.run("load", tmp_path / "a.tar")
    assert (pathlib.Path(mounted.root) / "layers" / (digest(plain)[7:] + ".tar")).read_bytes() == plain
    mounted.run("save", "-o", tmp_path / "s.tar", "localhost/a:1")
    with tarfile.open(tmp_path / "a.tar") as a, tarfile.open(tmp_path / "s.tar") as s:
        for name in s.getnames():
            if name.startswith("blobs/"):
                assert s.extractfile(name).read() == a.extractfile(name).read()


def test_a_plain_layer_is_stored_once(mounted, tmp_path):
    plain = layer(("f", FILE, os.urandom(100_000)))
    oci_archive(tmp_path / "a.tar", "localhost/a:1", plain, compress=False)
    mounted.run("load", tmp_path / "a.tar")
    name = digest(plain)[7:]
    root = pathlib.Path(mounted.root)
    assert (root / f"layers/{name}.tar").samefile(root / f"images/blobs/sha256/{name}")


def test_fsck_finds_nothing(mounted, tmp_path):
    """erofs-utils before 1.6 know no blocks of 512 bytes."""
    if not shutil.which("fsck.erofs"):
        pytest.skip("no fsck.erofs")
    version = subprocess.run(["fsck.erofs", "--version"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout.split()
    number = next(word for word in version if word[0].isdigit())
    if tuple(int(part) for part in number.split(".")[:2]) < (1, 6):
        pytest.skip("fsck.erofs is too old")
    oci_archive(tmp_path / "a.tar", "localhost/a:1", everything())
    mounted.run("load", tmp_path / "a.tar")
    for index in (pathlib.Path(mounted.root) / "layers").glob("*.erofs"):
        subprocess.run(["fsck.erofs", f"--device={index.with_suffix('.tar')}", "--extract", index], check=True)


@pytest.mark.parametrize("delay", [0.005, 0.02, 0.05, 0.1])
def test_a_killed_load_leaves_nothing_half(bare, tmp_path, delay):
    oci_archive(tmp_path / "a.tar", "localhost/a:1", everything(), layer(("x", FILE, os.urandom(2_000_000))))
    process = bare.start("load", tmp_path / "a.tar")
    try:
        process.wait(timeout=delay)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    assert "localhost" not in bare.out("images") or process.returncode == 0
    bare.run("load", tmp_path / "a.tar")
    bare.run("image", "prune")
    assert len(json.loads(bare.out("image", "inspect", "a:1"))[0]["RootFS"]["Layers"]) == 2
    root = pathlib.Path(bare.root)
    assert not (root / "tmp").exists() and list((root / "partial").iterdir()) == []


def test_a_full_disk_is_said_and_leaves_nothing(bare, tmp_path):
    oci_archive(tmp_path / "a.tar", "localhost/a:1", layer(("x", FILE, os.urandom(3_000_000))))
    os.makedirs(bare.root, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", bare.root], check=True)
    try:
        assert "no space" in bare.fails("load", tmp_path / "a.tar")
        assert "localhost" not in bare.out("images")
        assert not [p for p in pathlib.Path(bare.root).rglob("*") if p.stat().st_size > 100_000]
    finally:
        subprocess.run(["umount", bare.root], check=True)
