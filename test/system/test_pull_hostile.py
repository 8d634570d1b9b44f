"""What networks and enemies do to a pull: it ends, whole or not at all, and says why."""
import base64
import gzip
import hashlib
import json
import os
import pathlib
import signal
import subprocess
import time

import pytest

import registry
import world
from hostile import TOOLS
from instance import eventually
from pulling import certs_d, fails, fake, insecure, login, partial, real, ROOT, runs, seapod, tls
from test_images import FILE, layer


# --- what networks do

def test_a_blob_that_breaks_off_goes_on_where_it_did(seapod, real):
    proxy = registry.Proxy(real.host)
    insecure(seapod, proxy.host)
    proxy.rule("GET .*/blobs/", registry.cut_after(200), times=2)
    proxy.rule("GET .*/blobs/", registry.cut_after(500_000), times=1)
    seapod.run("pull", f"{proxy.host}/t/busybox:1")
    assert any("Range" in headers for _, _, headers in proxy.asked) and not partial(seapod)
    proxy.stop()


def test_a_pull_that_was_killed_goes_on_another_time(seapod, fake):
    big = layer(("big", FILE, os.urandom(3_000_000)))
    fake.put_image(ROOT, big)
    digest = "sha256:" + hashlib.sha256(big).hexdigest()
    whole = fake.paths[f"/v2/a/blobs/{digest}"]

    def hang(request):
        request.send_response(200)
        request.send_header("Content-Length", str(len(whole)))
        request.end_headers()
        request.wfile.write(whole[:1_000_000])
        time.sleep(60)
    fake.paths[f"/v2/a/blobs/{digest}"] = hang
    process = seapod.start("pull", f"{fake.host}/a:1")
    path = pathlib.Path(seapod.root) / "partial" / digest[7:]
    eventually(lambda: path.stat().st_size >= 900_000, "the first part of the blob")
    process.send_signal(signal.SIGINT)
    assert process.wait(10) != 0
    before = path.stat().st_size

    def go_on(request):
        start = int(request.headers["Range"].removeprefix("bytes=").rstrip("-"))
        request.reply(206, whole[start:], Content_Range=f"bytes {start}-{len(whole) - 1}/{len(whole)}")
    fake.paths[f"/v2/a/blobs/{digest}"] = go_on
    fake.asked.clear()
    seapod.run("pull", f"{fake.host}/a:1")
    assert [h["Range"] for _, p, h in fake.asked if digest in p] == [f"bytes={before}-"]
    assert runs(seapod, f"{fake.host}/a:1") and not partial(seapod)


def test_a_server_without_ranges_sends_it_all_again(seapod, real):
    proxy = registry.Proxy(real.host)
    insecure(seapod, proxy.host)
    proxy.rule("GET .*/blobs/", registry.cut_after(100_000), times=2)
    proxy.rule("GET .*/blobs/", registry.without_ranges, times=9)
    seapod.run("pull", f"{proxy.host}/t/busybox:1")
    assert runs(seapod, f"{proxy.host}/t/busybox:1")
    proxy.stop()


# --- a large layer is made ready while its blob still comes

LARGE = os.urandom(12_000_000)


@pytest.fixture
def large(seapod, fake):
    """A proxy before a registry with an image of one gzip layer that is followed (transfer.c FOLLOW_BYTES)."""
    tar = layer(*TOOLS, ("large", FILE, LARGE))
    packed = gzip.compress(tar, 1)
    config = {"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(tar).hexdigest()]}}
    fake.put_manifest({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
                       "config": {**fake.put_blob(json.dumps(config).encode()), "mediaType": "application/vnd.oci.image.config.v1+json"},
                       "layers": [{**fake.put_blob(packed), "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip"}]}, "1")
    proxy = registry.Proxy(fake.host)
    proxy.image, proxy.blob = f"{proxy.host}/a:1", "GET .*" + hashlib.sha256(packed).hexdigest()
    insecure(seapod, proxy.host)
    yield proxy
    proxy.stop()


def makers(seapod):
    return [pid for pid, (_, line) in world.descendants().items() if f"{seapod.root} {seapod.run_dir} follow" in line]


def has_large(seapod, name):
    return seapod.out("run", "--rm", "--net", "none", "--pull", "never", name, "/bin/busybox", "sha256sum", "/large").split()[0] == hashlib.sha256(LARGE).hexdigest()


def slowly(n, then):
    """N bytes, and the rest after THEN()."""
    def what(request, pass_on):
        status, headers, body = pass_on()
        give_head(request, status, headers, len(body))
        request.wfile.write(body[:n])
        request.wfile.flush()
        then()
        request.wfile.write(body[n:])
    return what


def give_head(request, status, headers, length):
    request.send_response(status)
    for name, value in headers.items():
        if name.lower() != "content-length":
            request.send_header(name, value)
    request.send_header("Content-Length", str(length))
    request.end_headers()


def test_a_layer_is_made_while_it_comes(seapod, large):
    seen = []

    def look():
        eventually(lambda: makers(seapod), "somebody makes the layer of half a blob")
        eventually(lambda: max(scratch_bytes(seapod), default=0) > 4_000_000, "what has come is unpacked")
        seen.append(True)
    large.rule(large.blob, slowly(7_000_000, look))
    seapod.run("pull", large.image)
    assert seen and has_large(seapod, large.image) and not partial(seapod) and not makers(seapod)


def scratch_bytes(seapod):
    return [path.stat().st_size for path in pathlib.Path(seapod.root, "partial").glob("layer-*/tar")]


@pytest.mark.parametrize("then", [lambda request, pass_on: registry.give(request, *pass_on()), registry.without_ranges])
def test_a_layer_that_is_followed_breaks_off(seapod, large, then):
    """It goes on where it was, and when it begins again, so does who follows."""
    large.rule(large.blob, registry.cut_after(9_000_000))
    large.rule(large.blob, then)
    seapod.run("pull", large.image)
    assert has_large(seapod, large.image) and not partial(seapod) and not makers(seapod)


def test_a_layer_that_is_followed_and_damaged_is_refused(seapod, large):
    def damage_early(request, pass_on):
        status, headers, body = pass_on()
        registry.give(request, status, headers, body[:5_000] + bytes([body[5_000] ^ 1]) + body[5_001:])
    large.rule(large.blob, damage_early, times=9)
    assert "has the digest" in fails(seapod, "pull", large.image)
    assert not makers(seapod) and not list(pathlib.Path(seapod.root, "layers").glob("*"))
    large.rules.clear()
    seapod.run("pull", large.image)
    assert has_large(seapod, large.image)


def test_who_follows_ends_with_the_pull(seapod, large):
    def kill():
        eventually(lambda: makers(seapod), "a maker")
        pull.kill()
        pull.wait()
        eventually(lambda: not makers(seapod), "the maker to end with who started it")
    large.rule(large.blob, slowly(7_000_000, kill))
    pull = seapod.start("pull", large.image)
    eventually(lambda: pull.poll() is not None and not makers(seapod), "the pull to end")
    seapod.run("pull", large.image)
    assert has_large(seapod, large.image)


@pytest.mark.parametrize("what", [registry.fail_with(500), registry.fail_with(503, Retry_After=1), registry.fail_with(429, Retry_After=0)])
def test_what_may_pass_is_tried_again(seapod, real, what):
    proxy = registry.Proxy(real.host)
    insecure(seapod, proxy.host)
    proxy.rule("GET .*/manifests/", what)
    proxy.rule("GET .*/blobs/", what, times=2)
    seapod.run("pull", f"{proxy.host}/t/busybox:1")
    proxy.stop()


def test_a_registry_that_asks_for_hours_is_not_waited_for(seapod, fake):
    fake.paths["/v2/a/manifests/1"] = lambda request: request.reply(429, b"", Retry_After=3600)
    assert "asked again in 3600 s" in fails(seapod, f"{fake.host}/a:1")


def test_a_registry_that_is_not_there(bare):
    assert "nobody answers there" in fails(bare, f"127.0.0.1:{registry.free_port()}/a:1")


def test_two_pulls_of_one_image_fetch_it_once(seapod, fake):
    fake.put_image(ROOT, layer(("big", FILE, os.urandom(2_000_000))))
    pulls = [seapod.start("pull", f"{fake.host}/a:1") for _ in range(4)]
    assert [p.wait(20) for p in pulls] == [0] * 4
    assert fake.count("GET", "/blobs/") == 3 and runs(seapod, f"{fake.host}/a:1") and not partial(seapod)


def test_a_disk_that_is_full(seapod, fake):
    fake.put_image(ROOT, layer(("big", FILE, os.urandom(3_000_000))))
    os.makedirs(seapod.root, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2500k", "none", seapod.root], check=True)
    try:
        assert "no space is left" in fails(seapod, f"{fake.host}/a:1")
        used = os.statvfs(seapod.root)
        assert used.f_bavail > 0  # what did not fit was dropped
        subprocess.run(["mount", "-o", "remount,size=40m", seapod.root], check=True)
        assert seapod.out("pull", f"{fake.host}/a:1").endswith("pulled")
    finally:
        subprocess.run(["umount", "-l", seapod.root], check=True)


def test_a_store_that_cannot_be_written(seapod, fake):
    fake.put_image(ROOT)
    os.makedirs(seapod.root, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "none", seapod.root], check=True)
    try:
        assert "read-only" in seapod.fails("pull", "-q", f"{fake.host}/a:1")
    finally:
        subprocess.run(["umount", "-l", seapod.root], check=True)


def test_a_proxy_is_asked_for_what_is_not_near(bare):
    """The name of the registry needs no address here: the proxy knows it."""
    near = registry.Fake()
    near.put_image(ROOT)
    serve = near.serve

    def as_proxy(request):
        assert request.path.startswith("http://far.test/")
        request.path = request.path.removeprefix("http://far.test")
        return serve(request)
    near.serve = as_proxy
    insecure(bare, "far.test")
    bare.env.update(http_proxy=f"http://{near.host}", https_proxy="http://127.0.0.1:1", no_proxy="")
    assert bare.out("pull", "-q", "far.test/a:1") == "far.test/a:1" and runs(bare, "far.test/a:1")
    near.stop()


# --- what enemies do

def test_a_lying_blob_is_refused(seapod, real):
    proxy = registry.Proxy(real.host)
    insecure(seapod, proxy.host)
    proxy.rule("GET .*/blobs/", registry.damaged, times=9)
    assert "damaged or forged" in fails(seapod, f"{proxy.host}/t/busybox:1")
    for blob in (pathlib.Path(seapod.root) / "images/blobs/sha256").iterdir():
        assert hashlib.sha256(blob.read_bytes()).hexdigest() == blob.name
    proxy.stop()


def test_a_lying_manifest_is_refused(seapod, real):
    proxy = registry.Proxy(real.host)
    insecure(seapod, proxy.host)
    proxy.rule("GET .*/manifests/", registry.damaged, times=9)
    assert "damaged or forged" in fails(seapod, f"{proxy.host}/t/busybox:1")
    proxy.stop()


def blob_of(fake, number):
    manifest = json.loads(fake.paths["/v2/a/manifests/1"])
    return manifest["layers"][number]


@pytest.mark.parametrize("change,said", [(-1, "larger than the"), (+1, "bytes, not the")])
def test_a_lying_length_is_refused(seapod, fake, change, said):
    fake.put_image(ROOT)
    manifest = json.loads(fake.paths["/v2/a/manifests/1"])
    manifest["layers"][0]["size"] += change
    fake.put_manifest(manifest, "1")
    assert said in fails(seapod, f"{fake.host}/a:1")


def endless(request):
    request.send_response(200)
    request.end_headers()
    while True:
        request.wfile.write(b" " * 65536)


def test_endless_answers_end(seapod, fake):
    fake.put_image(ROOT)
    fake.paths["/v2/a/manifests/big"] = endless
    assert "more than the 4194304 bytes" in fails(seapod, f"{fake.host}/a:big")
    digest = blob_of(fake, 0)["digest"]
    fake.paths[f"/v2/a/blobs/{digest}"] = endless
    assert "larger than" in fails(seapod, f"{fake.host}/a:1")


@pytest.mark.parametrize("manifest,said", [
    ({"schemaVersion": 1, "name": "a", "fsLayers": []}, "schema 1"),
    ({"schemaVersion": 2}, "no config"),
    ({"layers": []}, "schemaVersion"),
    (b"not json", "manifest"),
    (b"[" * 100000, "manifest"),
    ({"schemaVersion": 2, "config": {"digest": "sha256:" + "0" * 64, "size": 1}, "layers": [], "manifests": []}, "at once"),
    ({"schemaVersion": 2, "config": {"digest": "md5:1", "size": 1}, "layers": []}, "sha256"),
    ({"schemaVersion": 2, "config": {"digest": "sha256:" + "0" * 64, "size": 10**12}, "layers": []}, "config has"),
    ({"schemaVersion": 2, "config": {"digest": "sha256:../../../../etc/passwd", "size": 1}, "layers": []}, "sha256"),
    ({"schemaVersion": 2, "config": {"digest": "sha256:" + "0" * 64, "size": 1}, "layers": [{"digest": "sha256:" + "1" * 64, "size": 1}] * 600},
     "600 layers"),
    ({"schemaVersion": 2, "config": {"mediaType": "application/vnd.cncf.helm.config.v1+json", "digest": "sha256:" + "0" * 64, "size": 1},
      "layers": []}, "artifact"),
])
def test_manifests_that_are_none(seapod, fake, manifest, said):
    fake.put_manifest(manifest, "1") if isinstance(manifest, dict) else fake.paths.update({"/v2/a/manifests/1": lambda r: r.reply(200, manifest)})
    assert said in fails(seapod, f"{fake.host}/a:1")


def test_a_registrys_words_do_not_reach_the_terminal_as_they_are(seapod, fake):
    words = json.dumps({"errors": [{"message": "x\033[2Jy\nseapod: all is well"}]}).encode()
    fake.paths["/v2/a/manifests/1"] = lambda request: request.reply(404, words)
    said = fails(seapod, f"{fake.host}/a:1")
    assert "x?[2Jy seapod" in said and "\033" not in said


def test_indexes_that_never_end(seapod, fake):
    inner = fake.put_image(ROOT, tag=None)
    for _ in range(8):
        inner = fake.put_manifest({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json",
                                   "manifests": [{**inner, "platform": {"os": "linux", "architecture": "amd64"}}]}, "deep")
    assert "nested deeper" in fails(seapod, f"{fake.host}/a:deep")


def test_credentials_do_not_follow_a_redirect(seapod, fake, tmp_path):
    fake.put_image(ROOT)
    thief = registry.Fake()
    thief.paths = dict(fake.paths)
    wanted = "Basic " + base64.b64encode(b"me:secret").decode()
    real_serve = fake.serve

    def serve(request):
        if request.headers.get("Authorization") != wanted:
            return request.reply(401, b"{}", WWW_Authenticate='Basic realm="x"')
        if "/blobs/" in request.path:
            return request.reply(307, b"", Location=f"http://{thief.host}{request.path}")
        return real_serve(request)
    fake.serve = serve
    login(seapod, tmp_path, fake.host, "me", "secret")
    seapod.run("pull", f"{fake.host}/a:1")
    assert thief.asked and all("Authorization" not in headers for _, _, headers in thief.asked)
    thief.stop()


def test_a_redirect_in_a_circle_ends(seapod, fake):
    fake.paths["/v2/a/manifests/1"] = lambda request: request.reply(302, b"", Location=request.path)
    assert "in a circle" in fails(seapod, f"{fake.host}/a:1")


# --- TLS

def test_certificates_are_checked(bare, tls, certs_d):
    fake = registry.Fake(tls)
    fake.put_image(ROOT)
    name = f"{fake.host}/a:1"
    said = fails(bare, name)
    assert "certs.d" in said and "--tls-verify=false" in said
    (certs_d / fake.host).mkdir()
    (certs_d / fake.host / "ca.crt").write_bytes(open(f"{tls}/ca.crt", "rb").read())
    assert bare.out("pull", name).endswith("pulled")
    fake.stop()


def test_tls_verify_false(bare, tls, certs_d):
    fake = registry.Fake(tls)
    fake.put_image(ROOT)
    assert bare.out("pull", "--tls-verify=false", f"{fake.host}/a:1").endswith("pulled")
    fake.stop()


def test_plain_http_is_not_spoken_unasked(bare, fake):
    fake.put_image(ROOT)
    assert "does not speak TLS" in fails(bare, f"{fake.host}/a:1")
