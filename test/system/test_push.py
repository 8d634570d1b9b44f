"""Images go to registries, unchanged; other tools read them, and we theirs."""
import json
import pathlib
import subprocess

import pytest

import registry
from pulling import certs_d, digest_there, fails, fake, insecure, load, policy, real, ROOT, runs, seapod, tls


# --- push


def test_push_keeps_every_byte(seapod, real, tmp_path):
    insecure(seapod, real.host)
    name = load(seapod)
    to = f"{real.host}/pushed/box:1"
    assert seapod.out("push", name, to) == f"image/{to} pushed"
    assert seapod.out("push", name, to) == f"image/{to} unchanged"
    index = json.loads((pathlib.Path(seapod.root) / "images/index.json").read_text())
    assert digest_there(real.host, "pushed/box:1") == index["manifests"][0]["digest"]
    registry.skopeo("copy", "--src-tls-verify=false", f"docker://{to}", f"oci:{tmp_path}/copy:1")  # skopeo checks every digest
    seapod.run("image", "rm", name)
    seapod.run("pull", to)
    assert runs(seapod, to)
    assert "1" in seapod.out("image", "tags", to).splitlines()
    assert "pushed/box" in seapod.out("image", "catalog", real.host).splitlines()


def test_push_mounts_what_the_registry_has_elsewhere(seapod, real):
    proxy = registry.Proxy(real.host)
    insecure(seapod, proxy.host)
    seapod.run("pull", f"{proxy.host}/t/busybox:1")
    proxy.asked.clear()
    assert seapod.out("push", f"{proxy.host}/t/busybox:1", f"{proxy.host}/mounted/box:1").endswith("pushed")
    assert proxy.count("POST", "mount=sha256") == 2 and proxy.count("PUT", "/blobs/") == 0
    assert digest_there(real.host, "mounted/box:1") == digest_there(real.host, "t/busybox:1")
    proxy.stop()


@pytest.mark.parametrize("pattern,what,chunks", [
    ("PUT .*/blobs/uploads/", registry.fail_with(500), 0),
    ("PUT .*/blobs/uploads/", registry.fail_with(413), 2),
    ("PUT .*/manifests/", registry.fail_with(503, Retry_After=0), 0),
])
def test_push_through_a_bad_network(seapod, real, pattern, what, chunks):
    proxy = registry.Proxy(real.host)
    insecure(seapod, proxy.host)
    proxy.rule(pattern, what, times=2)
    to = f"bad/n{real.port}{abs(hash(pattern + str(chunks)))}:1"
    seapod.run("push", load(seapod), f"{proxy.host}/{to}")
    assert proxy.count("PATCH", "/blobs/uploads/") >= chunks and digest_there(real.host, to)
    proxy.stop()


def test_push_needs_the_right_to(seapod, fake):
    fake.paths["/v2/a/blobs/uploads/"] = lambda request: request.reply(403, b'{"errors":[{"code":"DENIED","message":"not you"}]}')
    assert "not you" in seapod.fails("push", "-q", load(seapod), f"{fake.host}/a:1")


def test_push_is_not_led_to_plain_http(bare, tls, certs_d):
    fake, thief = registry.Fake(tls), registry.Fake()
    fake.paths["/v2/a/blobs/uploads/"] = lambda request: request.reply(202, b"", Location=f"http://{thief.host}/here")
    (certs_d / fake.host).mkdir()
    (certs_d / fake.host / "ca.crt").write_bytes(open(f"{tls}/ca.crt", "rb").read())
    assert "not https" in bare.fails("push", "-q", load(bare), f"{fake.host}/a:1") and not thief.asked
    fake.stop()
    thief.stop()


def test_lists_in_pages_and_referrers(seapod, fake):
    digest = fake.put_image(ROOT)["digest"]
    fake.paths["/v2/a/tags/list"] = lambda request: (
        request.reply(200, b'{"tags":["c"]}') if "last=b" in request.path else
        request.reply(200, b'{"tags":["a","b"]}', Link='</v2/a/tags/list?last=b&n=2>; rel="next"'))
    assert seapod.out("image", "tags", f"{fake.host}/a").split() == ["a", "b", "c"]
    fake.paths[f"/v2/a/referrers/{digest}"] = json.dumps({"schemaVersion": 2, "manifests": [
        {"mediaType": "application/vnd.oci.image.manifest.v1+json", "artifactType": "application/example", "digest": "sha256:" + "1" * 64, "size": 7}]}).encode()
    assert seapod.out("image", "referrers", f"{fake.host}/a:1").split("\t") == ["sha256:" + "1" * 64, "application/example", "7"]


# --- the tools that are there already

def test_docker_schema_2_comes_and_goes_unchanged(bare, real):
    insecure(bare, real.host)
    registry.skopeo("copy", "--src-tls-verify=false", "--dest-tls-verify=false", "--format", "v2s2", f"docker://{real.host}/t/busybox:1",
                    f"docker://{real.host}/t/docker:1")
    bare.run("pull", f"{real.host}/t/docker:1")
    assert runs(bare, f"{real.host}/t/docker:1")
    bare.run("push", f"{real.host}/t/docker:1", f"{real.host}/t/docker:again")
    assert digest_there(real.host, "t/docker:again") == digest_there(real.host, "t/docker:1")


def test_what_buildah_builds_is_pulled_and_podman_pulls_what_we_push(bare, real, tmp_path):
    def tool(name, *args):
        done = subprocess.run([name, "--root", f"{tmp_path}/storage", "--runroot", f"{bare.dir}/r", "--storage-driver", "vfs", *args],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()
    (tmp_path / "policy.json").write_text(registry.POLICY)
    (tmp_path / "file").write_text("from buildah")
    built = tool("buildah", "from", "--tls-verify=false", "--signature-policy", f"{tmp_path}/policy.json", f"docker://{real.host}/t/busybox:1")
    tool("buildah", "copy", built, f"{tmp_path}/file", "/file")
    tool("buildah", "commit", "--signature-policy", f"{tmp_path}/policy.json", "--tls-verify=false", built, f"docker://{real.host}/t/built:1")
    insecure(bare, real.host)
    name = f"{real.host}/t/built:1"
    assert bare.out("run", "--rm", "--net", "none", name, "/bin/busybox", "cat", "/file") == "from buildah"
    bare.run("push", name, f"{real.host}/t/built:2")
    tool("podman", "pull", "--tls-verify=false", "--signature-policy", f"{tmp_path}/policy.json", f"{real.host}/t/built:2")


def test_umoci_reads_the_store(bare, real, tmp_path):
    """ROOT/images is an OCI image layout: umoci unpacks from it what was pulled."""
    insecure(bare, real.host)
    bare.run("pull", f"{real.host}/t/busybox:1")
    layout = tmp_path / "layout"
    subprocess.run(["cp", "-r", f"{bare.root}/images", layout], check=True)
    index = json.loads((layout / "index.json").read_text())
    for each in index["manifests"]:
        each["annotations"]["org.opencontainers.image.ref.name"] = "it"
    (layout / "index.json").write_text(json.dumps(index))
    subprocess.run(["umoci", "unpack", "--image", f"{layout}:it", tmp_path / "bundle"], check=True, stderr=subprocess.DEVNULL)
    assert (tmp_path / "bundle/rootfs/bin/busybox").exists()
