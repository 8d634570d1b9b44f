"""Image archives, good and hostile, through `seapod load`."""
import gzip
import hashlib
import io
import json
import pathlib
import subprocess
import tarfile

import pytest


def layer(*entries):
    """A tar of (name, kind, content or link) entries."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, kind, *rest in entries:
            info = tarfile.TarInfo(name)
            info.type = kind
            info.mode = 0o755
            data = b""
            if kind in (tarfile.SYMTYPE, tarfile.LNKTYPE):
                info.linkname = rest[0]
            elif rest:
                data = rest[0]
                info.size = len(data)
            tar.addfile(info, io.BytesIO(data) if kind == tarfile.REGTYPE else None)
    return out.getvalue()


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def oci_archive(path, name, *layers, forge=None, compress=True, config=None):
    blobs = {}

    def put(data):
        blobs[digest(data)] = data
        return digest(data), len(data)

    descriptors = []
    for plain in layers:
        data = gzip.compress(plain) if compress else plain
        d, size = put(data)
        descriptors.append({"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": d, "size": size})
    config = json.dumps({"architecture": "amd64", "os": "linux", "config": config or {"Cmd": ["sh"]},
                         "rootfs": {"type": "layers", "diff_ids": [digest(x) for x in layers]}}).encode()
    d, size = put(config)
    manifest = json.dumps({"schemaVersion": 2, "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": d, "size": size},
                           "layers": descriptors}).encode()
    d, size = put(manifest)
    index = json.dumps({"schemaVersion": 2, "manifests": [{"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": d, "size": size,
                        "annotations": {"org.opencontainers.image.ref.name": name}}]}).encode()
    if forge:
        blobs = {d: forge(data) if d == descriptors[0]["digest"] else data for d, data in blobs.items()}
    with tarfile.open(path, "w") as tar:
        for where, data in [("oci-layout", b'{"imageLayoutVersion":"1.0.0"}'), ("index.json", index)] + [
                ("blobs/sha256/" + d[7:], data) for d, data in blobs.items()]:
            info = tarfile.TarInfo(where)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))


FILE, DIR, LINK, HARD, CHAR = tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE


def layers_of(seapod):
    """The diff ids (without sha256:) of the layers that are there, mounted or unpacked."""
    return sorted({p.name.split(".")[0] for p in (pathlib.Path(seapod.root) / "layers").iterdir()})


def test_whiteouts_links_and_modes(seapod, tmp_path):
    oci_archive(tmp_path / "a.tar", "localhost/a:1",
                layer(("bin", DIR), ("bin/busybox", FILE, open("/bin/busybox", "rb").read()), ("bin/sh", LINK, "busybox"), ("gone", FILE, b"x"),
                      ("d", DIR), ("d/old", FILE, b"x"), ("hard", HARD, "bin/busybox")),
                layer((".wh.gone", FILE), ("d", DIR), ("d/.wh..wh..opq", FILE), ("d/new", FILE, b"new")))
    assert "loaded" in seapod.out("load", tmp_path / "a.tar")
    assert "unchanged" in seapod.out("load", tmp_path / "a.tar")
    out = seapod.out("run", "--rm", "--net", "none", "localhost/a:1", "/bin/busybox", "sh", "-c",
                     "/bin/busybox ls / /d; /bin/busybox stat -c %h /hard")
    assert "gone" not in out and "old" not in out and "new" in out and out.endswith("2")


@pytest.mark.parametrize("entries", [
    [("../escape", FILE, b"x")],
    [("a/../../escape", FILE, b"x")],
    [("l", HARD, "../../etc/passwd")],
])
def test_names_that_lead_out_are_refused(seapod, tmp_path, entries):
    before = layers_of(seapod)
    oci_archive(tmp_path / "evil.tar", "localhost/evil:1", layer(*entries))
    assert "leads out" in seapod.fails("load", tmp_path / "evil.tar")
    assert layers_of(seapod) == before and not (pathlib.Path(seapod.root) / "tmp").exists()


@pytest.mark.parametrize("target", ["/tmp/outside", "../../../../tmp/outside"])
def test_nothing_is_written_through_a_link(seapod, tmp_path, target):
    outside = tmp_path / "outside"
    outside.mkdir()
    oci_archive(tmp_path / "evil.tar", "localhost/evil:1", layer(("l", LINK, str(outside)), ("l/x", FILE, b"x"), ("m", LINK, target), ("m/y", FILE, b"y")))
    seapod.run("load", tmp_path / "evil.tar", check=False)
    assert list(outside.iterdir()) == []


def test_absolute_names_stay_inside(seapod, tmp_path):
    oci_archive(tmp_path / "a.tar", "localhost/a:1", layer((str(tmp_path / "abs"), FILE, b"x")))
    seapod.run("load", tmp_path / "a.tar")
    assert not (tmp_path / "abs").exists()


@pytest.mark.parametrize("forge", [lambda b: b[:-20], lambda b: b + b"x", lambda b: b[:30] + b"\0" + b[31:], lambda b: gzip.compress(layer(("x", FILE, b"y")))])
def test_a_forged_or_cut_layer_is_refused_and_leaves_nothing(seapod, tmp_path, forge):
    before = layers_of(seapod)
    oci_archive(tmp_path / "bad.tar", "localhost/bad:1", layer(("f", FILE, b"content" * 1000)), forge=forge)
    seapod.fails("load", tmp_path / "bad.tar")
    assert layers_of(seapod) == before and not (pathlib.Path(seapod.root) / "tmp").exists()
    assert "bad" not in seapod.out("images")


def test_a_cut_archive_is_refused(seapod, tmp_path):
    oci_archive(tmp_path / "a.tar", "localhost/a:1", layer(("f", FILE, bytes(100000))), compress=False)
    data = (tmp_path / "a.tar").read_bytes()
    (tmp_path / "cut.tar").write_bytes(data[:60000])
    seapod.fails("load", tmp_path / "cut.tar")
    assert not (pathlib.Path(seapod.root) / "tmp").exists()


def test_what_is_no_archive_is_said_to_be_none(seapod, tmp_path):
    (tmp_path / "x").write_bytes(b"hello")
    assert "no image archive" in seapod.fails("load", tmp_path / "x")
    assert "does not exist" in seapod.fails("load", tmp_path / "nosuch")


def test_zstd_and_docker_save(seapod, tmp_path):
    plain = layer(("bin", DIR), ("bin/busybox", FILE, open("/bin/busybox", "rb").read()))
    config = json.dumps({"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": [digest(plain)]}}).encode()
    with tarfile.open(tmp_path / "d.tar", "w") as tar:
        for name, data in (("c.json", config), ("l/layer.tar", plain), ("manifest.json", json.dumps(
                [{"Config": "c.json", "RepoTags": ["docker.io/library/dock:1"], "Layers": ["l/layer.tar"]}]).encode())):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    subprocess.run(["gzip", "-k", tmp_path / "d.tar"], check=True)
    assert "dock:1 loaded" in seapod.out("load", tmp_path / "d.tar.gz")
    assert seapod.run("run", "--rm", "--net", "none", "dock:1", "/bin/busybox", "true").returncode == 0
    assert "removed" in seapod.out("image", "rm", "dock:1")
    assert digest(plain)[7:] not in layers_of(seapod)


# --- names, and what holds an image


def ids(seapod):
    return seapod.out("images", "-q").split()


def one_file_image(path, name, content):
    oci_archive(path, name, layer(("bin", DIR), ("bin/sh", FILE, open("/bin/busybox", "rb").read()), ("f", FILE, content)))


def test_an_image_with_two_names_stays_until_both_are_gone(seapod):
    seapod.run("image", "tag", "seapod.test/busybox", "other:1")
    assert len(ids(seapod)) == 1
    assert "2 names" in seapod.fails("image", "rm", ids(seapod)[0])
    seapod.run("image", "rm", "seapod.test/busybox")
    assert seapod.out("run", "--rm", "--net", "none", "other:1", "echo", "hi") == "hi"
    seapod.run("image", "rm", ids(seapod)[0])
    assert ids(seapod) == [] and layers_of(seapod) == []


def test_what_has_lost_its_name_stays_while_a_pod_has_it(seapod, tmp_path):
    for content in (b"old", b"new"):
        one_file_image(tmp_path / f"{content.decode()}.tar", "localhost/a:1", content)
    seapod.run("load", tmp_path / "old.tar")
    seapod.run("run", "-d", "--name", "web", "--net", "none", "a:1", "/bin/sh", "-c", "trap exit TERM; while :; do sleep 1; done")
    seapod.run("load", tmp_path / "new.tar")
    assert "<none>" in seapod.out("images")
    seapod.run("image", "prune")
    assert seapod.sh("web", "cat /f") == "old"
    assert "web" in seapod.fails("image", "rm", next(i["Id"] for i in json.loads(seapod.out("images", "-o", "json")) if not i["RepoTags"]))
    seapod.delete("web", "--now")
    assert "removed" in seapod.out("image", "prune")
    assert "<none>" not in seapod.out("images")
    assert seapod.out("run", "--rm", "--net", "none", "a:1", "/bin/sh", "-c", "cat /f") == "new"


def test_prune_keeps_what_pods_have_and_what_is_younger(seapod, tmp_path):
    one_file_image(tmp_path / "a.tar", "localhost/a:1", b"a")
    seapod.run("load", tmp_path / "a.tar")
    seapod.run("run", "--name", "ended", "--net", "none", "seapod.test/busybox", "true")
    assert "removed" not in seapod.out("image", "prune")
    assert "nothing" in seapod.out("image", "prune", "--high", "100", "--low", "0")
    assert "removed" not in seapod.out("image", "prune", "-a", "--min-age", "1h")
    said = seapod.out("image", "prune", "--high", "0", "--low", "0", "--min-age", "0s")
    assert "a:1 removed" in said and "busybox" not in said and "reclaimed" in said
    assert "ended" in seapod.fails("image", "rm", "seapod.test/busybox")


def test_inspect_tells_what_docker_tells(seapod):
    image = json.loads(seapod.out("image", "inspect", "seapod.test/busybox"))[0]
    assert image["RepoTags"] == ["seapod.test/busybox:latest"] and image["Os"] == "linux" and image["Config"]["Cmd"] == ["sh"]
    assert image["RootFS"]["Layers"][0][7:] in layers_of(seapod)
    assert "not here" in seapod.fails("image", "inspect", "nosuch")


def test_a_saved_image_is_the_same_to_others(bare, seapod, tmp_path):
    archive = tmp_path / "s.tar"
    seapod.run("image", "tag", "seapod.test/busybox", "x:1")
    seapod.run("save", "-o", archive, "x:1", "seapod.test/busybox")
    manifest = json.loads(seapod.out("image", "inspect", "x:1"))[0]["Digest"]
    told = json.loads(subprocess.run(["skopeo", "inspect", f"oci-archive:{archive}:1"], check=True, stdout=subprocess.PIPE).stdout)
    assert told["Digest"] == manifest
    subprocess.run(["skopeo", "copy", "-q", f"docker-archive:{archive}:docker.io/library/x:1", f"dir:{tmp_path}/dir"], check=True)
    bare.run("load", archive)
    assert {i["Digest"] for i in json.loads(bare.out("images", "-o", "json"))} == {manifest}
    assert "not here" in seapod.fails("save", "-o", tmp_path / "no.tar", "nosuch") and not (tmp_path / "no.tar").exists()


def test_df_counts_images_and_what_may_go(seapod):
    seapod.run("run", "--name", "ended", "--net", "none", "seapod.test/busybox", "true")
    rows = {line.split()[0]: line.split()[1:] for line in seapod.out("system", "df").splitlines()}
    assert rows["Images"][:2] == ["1", "1"] and rows["Pods"][:2] == ["1", "0"]
