"""Bad input: one clear error that says where and what would be right, an exit code, and nothing left."""
import json
import tarfile

import pytest

from instance import BUSYBOX, IMAGES, container, pod, text

NET = {"hostNetwork": True}
GOOD = """
    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      containers:
      - name: main
        image: seapod.test/busybox
"""


def rejects(seapod, manifest, *words, **more):
    said = seapod.rejects(manifest, **more)
    for word in words:
        assert word in said, f"{word!r} is not in: {said}"
    assert seapod.out("get", "pods", "-A", "-o", "name") == ""
    return said


def test_a_missing_file(seapod):
    assert "/no/such.yaml" in seapod.fails("apply", "-f", "/no/such.yaml")


@pytest.mark.parametrize("junk", ["a: [1, 2", "\t- x", "a: 'b", "\x00\x01\x02", "--- {a: b}: c: d"])
def test_not_yaml(seapod, junk):
    seapod.fails("apply", "-f", "-", input=junk, lines=None)


def test_an_empty_stream(seapod):
    seapod.fails("apply", "-f", "-", input="")


def test_an_unknown_kind(seapod):
    rejects(seapod, "apiVersion: v1\nkind: Pood\nmetadata: {name: x}\n", "Pood", "did you mean", "Pod")


def test_an_unknown_field_has_a_place_and_a_near_miss(seapod):
    said = rejects(seapod, GOOD + "        imagePulPolicy: Never\n", "spec.containers[0].imagePulPolicy", "imagePullPolicy")
    assert ":9:" in said


def test_a_wrong_type(seapod):
    rejects(seapod, GOOD + "        ports: [{containerPort: eighty}]\n", "spec.containers[0].ports[0].containerPort", "eighty")


def test_all_errors_at_once(seapod):
    manifest = GOOD + "        tyt: true\n        command: 5\n        ports: [{containerPort: 70000}]\n"
    said = seapod.rejects(manifest, lines=None)
    assert "tyt" in said and "command" in said and "70000" in said


def test_two_containers_of_one_name(seapod):
    rejects(seapod, pod("web", container("a"), container("a"), **NET), "containers[1].name", "a")


def test_an_image_that_is_not_there(seapod):
    rejects(seapod, pod("web", {"name": "a", "image": "no/such:1"}, **NET), "no/such:1")


@pytest.mark.parametrize("name", ["UPPER", "under_score", "-dash", "x" * 254, "a..b", "", "../up", "a/b"])
def test_names(seapod, name):
    rejects(seapod, pod(name, **NET), "metadata.name")


def test_a_container_name_is_a_label(seapod):
    rejects(seapod, pod("web", container("x" * 64), **NET), "containers[0].name")


def test_a_manifest_of_100_mb(seapod, tmp_path):
    file = tmp_path / "big.yaml"
    with open(file, "w") as f:
        f.write(text(GOOD))
        for _ in range(100):
            f.write("# " + "x" * (1 << 20) + "\n")
    assert "big.yaml" in seapod.fails("apply", "-f", file)


def test_10000_containers(seapod):
    said = seapod.rejects(pod("web", *[container(f"c{i}", command=["true"]) for i in range(10000)], **NET), lines=None, timeout=60)
    assert len(said) < 100_000


def test_billion_laughs(seapod):
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 10)]
    seapod.fails("apply", "-f", "-", input="\n".join(lines), lines=None, timeout=10)


def test_deep_nesting(seapod):
    seapod.fails("apply", "-f", "-", input="[" * 100_000, lines=None, timeout=10)


def test_nothing_is_done_before_all_is_valid(seapod):
    seapod.rejects([pod("good", **NET), pod("BAD", **NET)], lines=None)
    assert seapod.out("get", "pods", "-o", "name") == ""


def test_unknown_command_and_option(seapod):
    assert "apply" in seapod.fails("aply", code=2, lines=None)
    assert "--filename" in seapod.fails("apply", "--filenam", "x", code=2, lines=None)


# --- images


def test_an_archive_cut_off(bare, tmp_path):
    whole = open(f"{IMAGES}/busybox.tar", "rb").read()
    for part in (0, 100, 5000, len(whole) // 2, len(whole) - 20000):
        (tmp_path / "cut.tar").write_bytes(whole[:part])
        bare.fails("load", tmp_path / "cut.tar")
    assert "busybox" not in bare.out("images")


def test_a_wrong_digest(bare, tmp_path):
    bad = tmp_path / "bad.tar"
    with tarfile.open(f"{IMAGES}/busybox.tar") as source, tarfile.open(bad, "w") as target:
        for member in source:
            data = bytearray(source.extractfile(member).read())
            if member.name.startswith("blobs/") and member.size > 100_000:
                data[50_000] ^= 1
            import io
            target.addfile(member, io.BytesIO(bytes(data)))
    bare.fails("load", bad)


def test_a_second_load_does_no_work(bare):
    assert "loaded" in bare.out("load", f"{IMAGES}/busybox.tar")
    assert "unchanged" in bare.out("load", f"{IMAGES}/busybox.tar")


def test_not_an_archive(bare, tmp_path):
    (tmp_path / "x").write_text("hello")
    assert "x" in bare.fails("load", tmp_path / "x")
    bare.fails("load", "/no/such/file.tar")


def test_an_image_in_use_stays(seapod):
    seapod.apply(pod("web", **NET))
    assert "web" in seapod.fails("image", "rm", BUSYBOX)
    seapod.delete("web", "--now")
    seapod.run("image", "rm", BUSYBOX)
    assert json.loads(seapod.out("image", "ls", "-o", "json") or "[]") in ([], {"apiVersion": "v1", "items": [], "kind": "List"})
