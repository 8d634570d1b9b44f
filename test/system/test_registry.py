"""Pulling images: what is asked for comes, verified, and nothing is left of what did not."""
import base64
import hashlib
import json
import os
import pathlib
import pty
import re
import signal
import stat
import subprocess
import time

import pytest

import instance
import registry
from instance import container, eventually, pod
from test_images import DIR, FILE, LINK, layer

BOX = open("/bin/busybox", "rb").read()
ROOT = layer(("bin", DIR), ("bin/busybox", FILE, BOX), ("bin/sh", LINK, "busybox"), ("bin/cat", LINK, "busybox"), ("bin/true", LINK, "busybox"))


@pytest.fixture
def fake(request):
    """A registry made of a table, on plain HTTP."""
    made = registry.Fake()
    yield made
    made.stop()


@pytest.fixture
def seapod(bare, fake):
    """An instance without images that takes the fake registry without TLS."""
    insecure(bare, fake.host)
    return bare


def insecure(seapod, *hosts, more=()):
    seapod.registries_conf(*(f'[[registry]]\nlocation = "{host}"\ninsecure = true' for host in hosts), *more)


@pytest.fixture(scope="session")
def tls(tmp_path_factory):
    return registry.certificate(str(tmp_path_factory.mktemp("tls")))


@pytest.fixture
def certs_d():
    """An empty /etc/containers/certs.d, in the tests' own mount namespace."""
    os.makedirs("/etc/containers/certs.d", exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "none", "/etc/containers/certs.d"], check=True)
    yield pathlib.Path("/etc/containers/certs.d")
    subprocess.run(["umount", "-l", "/etc/containers/certs.d"], check=True)


@pytest.fixture(scope="session")
def real(tmp_path_factory):
    """docker-registry on plain HTTP with the busybox image as t/busybox:1."""
    made = registry.Registry(tmp_path_factory.mktemp("registry"))
    made.put(f"{instance.IMAGES}/busybox.tar", "t/busybox:1")
    yield made
    made.stop()


def runs(seapod, name):
    return seapod.out("run", "--rm", "--net", "none", "--pull", "never", name, "/bin/busybox", "echo", "it runs") == "it runs"


def partial(seapod):
    folder = pathlib.Path(seapod.root) / "partial"
    return sorted(folder.iterdir()) if folder.exists() else []


# --- the plain way

def test_pull_and_run(seapod, fake):
    fake.put_image(ROOT, layer(("etc", DIR), ("etc/second", FILE, b"x")))
    name = f"{fake.host}/a:1"
    assert seapod.out("pull", name) == f"image/{name} pulled"
    assert runs(seapod, name) and not partial(seapod)


def test_run_pulls_what_is_missing_and_only_that(seapod, fake):
    fake.put_image(ROOT)
    name = f"{fake.host}/a:1"
    assert seapod.out("run", "--rm", "--net", "none", name, "/bin/busybox", "echo", "hello") == "hello"
    asked = len(fake.asked)
    seapod.run("run", "--rm", "--net", "none", name, "/bin/true")
    assert len(fake.asked) == asked
    seapod.run("run", "--rm", "--net", "none", "--pull", "always", name, "/bin/true")
    assert len(fake.asked) > asked


def test_nothing_new_is_one_request(seapod, real):
    proxy = registry.Proxy(real.host)
    insecure(seapod, proxy.host)
    name = f"{proxy.host}/t/busybox:1"
    assert seapod.out("pull", name).endswith("pulled")
    proxy.asked.clear()
    assert seapod.out("pull", name).endswith("unchanged")
    assert [(m, p) for m, p, _ in proxy.asked] == [("HEAD", "/v2/t/busybox/manifests/1")]
    proxy.stop()


def test_a_tag_that_has_moved_is_pulled_again(seapod, fake):
    fake.put_image(ROOT)
    name = f"{fake.host}/a:1"
    seapod.run("pull", name)
    fake.put_image(ROOT, layer(("new", FILE, b"new")))
    assert seapod.out("pull", name).endswith("pulled")
    assert seapod.out("run", "--rm", "--net", "none", name, "/bin/cat", "/new") == "new"


def test_a_digest_needs_no_registry_the_second_time(seapod, fake):
    digest = fake.put_image(ROOT)["digest"]
    name = f"{fake.host}/a@{digest}"
    seapod.run("pull", name)
    asked = len(fake.asked)
    assert seapod.out("pull", name).endswith("unchanged") and len(fake.asked) == asked and runs(seapod, name)


def test_the_platform_is_chosen_from_an_index(seapod, fake):
    other = fake.put_image(layer(("other", FILE, b"x")), tag=None, architecture="s390x")
    own = fake.put_image(ROOT, tag=None)
    fake.put_manifest({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [
        {**other, "platform": {"os": "linux", "architecture": "s390x"}}, {**own, "platform": {"os": "linux", "architecture": "amd64"}}]}, "many")
    assert seapod.out("pull", f"{fake.host}/a:many").endswith("pulled") and runs(seapod, f"{fake.host}/a:many")
    assert seapod.out("pull", f"{fake.host}/a:many").endswith("unchanged")
    seapod.run("pull", "--platform", "linux/s390x", f"{fake.host}/a@{other['digest']}")


def test_a_platform_that_is_not_there_is_said(seapod, fake):
    own = fake.put_image(ROOT, tag=None, architecture="s390x")
    fake.put_manifest({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json",
                       "manifests": [{**own, "platform": {"os": "linux", "architecture": "s390x"}}]}, "many")
    assert "not for linux/amd64, but for: linux/s390x" in fails(seapod, f"{fake.host}/a:many")


def fails(seapod, name, *options):
    """The sentence of a pull that fails; it may not leave an image."""
    said = seapod.fails("pull", "-q", *options, name)
    assert name in said and len(seapod.out("images").splitlines()) == 1
    return said


# --- names

def test_short_names_follow_registries_conf(seapod, fake):
    fake.put_image(ROOT)
    fake.put_image(ROOT, repository="library/tool")
    insecure(seapod, fake.host, more=["[aliases]", f'"box" = "{fake.host}/a"'])
    assert seapod.out("run", "--rm", "--net", "none", "box:1", "/bin/busybox", "echo", "x") == "x"
    assert f"{fake.host}/a:1" in seapod.out("images")
    seapod.registries_conf('[[registry]]', f'location = "{fake.host}"', "insecure = true")
    with open(seapod.env["CONTAINERS_REGISTRIES_CONF"]) as f:
        text = f.read()
    with open(seapod.env["CONTAINERS_REGISTRIES_CONF"], "w") as f:
        f.write(f'unqualified-search-registries = ["127.0.0.1:1", "{fake.host}"]\n' + text)
    assert seapod.out("pull", "-q", "library/tool:1") == f"{fake.host}/library/tool:1"


def test_mirrors_come_first_and_the_registry_last(seapod, fake):
    mirror = registry.Fake()
    mirror.put_image(ROOT, repository="m/a")
    seapod.registries_conf("[[registry]]", 'location = "example.test"', "[[registry.mirror]]", f'location = "{fake.host}"', "insecure = true",
                           "[[registry.mirror]]", f'location = "{mirror.host}/m"', "insecure = true")
    seapod.run("pull", "example.test/a:1")
    assert runs(seapod, "example.test/a:1") and fake.count("GET", "/v2/a/manifests/1") and mirror.count("GET", "/v2/m/a/blobs/")
    mirror.stop()


def test_a_blocked_registry_is_not_asked(seapod, fake):
    seapod.registries_conf("[[registry]]", f'location = "{fake.host}"', "blocked = true")
    assert "blocked by registries.conf" in fails(seapod, f"{fake.host}/a:1") and not fake.asked


def test_a_broken_registries_conf_names_the_line(seapod):
    seapod.registries_conf("[[registry]]", "location = nonsense")
    assert "registries.conf:5: " in seapod.fails("pull", "x")


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


# --- logins

def login(seapod, tmp_path, host, user, password):
    seapod.env["REGISTRY_AUTH_FILE"] = str(tmp_path / "auth.json")
    return seapod.out("login", "-u", user, "--password-stdin", host, input=password + "\n")


def guarded(tokens, fake):
    tokens.realm = f"http://{tokens.host}/token"
    return tokens.guard(fake)


def test_login_with_htpasswd(bare, tmp_path):
    made = registry.Registry(tmp_path / "registry", htpasswd=("me", "secret"))
    made.put(f"{instance.IMAGES}/busybox.tar", "t/busybox:1", "--dest-creds", "me:secret")
    insecure(bare, made.host)
    name = f"{made.host}/t/busybox:1"
    bare.env["REGISTRY_AUTH_FILE"] = str(tmp_path / "auth.json")
    assert f"seapod login {made.host}" in fails(bare, name)
    assert "does not accept the login of 'me'" in bare.fails("login", "-u", "me", "--password-stdin", made.host, input="wrong\n")
    assert not (tmp_path / "auth.json").exists()
    assert "logged in" in login(bare, tmp_path, made.host, "me", "secret")
    assert stat.S_IMODE(os.stat(tmp_path / "auth.json").st_mode) == 0o600
    bare.run("pull", name)
    registry.skopeo("inspect", "--authfile", tmp_path / "auth.json", "--tls-verify=false", f"docker://{name}")  # and skopeo reads what we wrote
    assert "logged out" in bare.out("logout", made.host)
    assert "no login" in bare.fails("logout", made.host)
    made.stop()


def test_a_token_that_ends_half_way_is_renewed(seapod, fake, tmp_path):
    fake.put_image(ROOT, *(layer((f"f{i}", FILE, b"x" * i)) for i in range(1, 9)))
    tokens = registry.Tokens()
    tokens.uses = 7
    guarded(tokens, fake)
    login(seapod, tmp_path, fake.host, "me", "secret")
    seapod.run("pull", f"{fake.host}/a:1")
    assert tokens.given >= 3 and runs(seapod, f"{fake.host}/a:1")
    scopes = [registry.query(path).get("scope") for method, path, _ in tokens.asked]
    assert ["repository:a:pull"] in scopes
    tokens.stop()


def test_tokens_for_strangers_and_refusals(seapod, fake, tmp_path):
    fake.put_image(ROOT)
    tokens = registry.Tokens(user=None)
    guarded(tokens, fake)
    seapod.env["REGISTRY_AUTH_FILE"] = str(tmp_path / "none.json")
    seapod.run("pull", f"{fake.host}/a:1")
    tokens.user = ("me", "secret")
    fake.put_image(ROOT, layer(("x", FILE, b"x")))
    assert "wants a login" in seapod.fails("pull", "-q", f"{fake.host}/a:1")
    tokens.stop()


def test_a_token_server_without_tls_gets_no_password(bare, tls, certs_d, tmp_path):
    """An honest-looking registry on TLS that sends one to plain HTTP for a token."""
    fake = registry.Fake(tls)
    tokens = registry.Tokens()
    guarded(tokens, fake)
    (certs_d / fake.host).mkdir()
    (certs_d / fake.host / "ca.crt").write_bytes(open(f"{tls}/ca.crt", "rb").read())
    (tmp_path / "auth.json").write_text(json.dumps({"auths": {fake.host: {"auth": base64.b64encode(b"me:secret").decode()}}}))
    bare.env["REGISTRY_AUTH_FILE"] = str(tmp_path / "auth.json")
    assert "not https" in fails(bare, f"{fake.host}/a:1") and not tokens.asked
    fake.stop()
    tokens.stop()


def test_a_credential_helper_is_asked(seapod, fake, tmp_path):
    fake.put_image(ROOT)
    tokens = registry.Tokens()
    guarded(tokens, fake)
    helper = tmp_path / "docker-credential-test"
    helper.write_text('#!/bin/sh\nread server\n[ "$1" = get ] && echo "{\\"ServerURL\\":\\"$server\\",\\"Username\\":\\"me\\",\\"Secret\\":\\"secret\\"}"\n')
    helper.chmod(0o755)
    (tmp_path / "auth.json").write_text(json.dumps({"credHelpers": {fake.host: "test"}}))
    seapod.env.update(REGISTRY_AUTH_FILE=str(tmp_path / "auth.json"), PATH=f"{tmp_path}:{os.environ['PATH']}")
    seapod.run("pull", f"{fake.host}/a:1")
    helper.write_text("#!/bin/sh\necho broken key ring\nexit 1\n")
    fake.put_image(ROOT, layer(("x", FILE, b"x")))
    assert "broken key ring" in seapod.fails("pull", "-q", f"{fake.host}/a:1")
    tokens.stop()


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


# --- pods

def image_pod(name, image, **more):
    return pod(name, container(image=image, command=["/bin/busybox", "true"], **more), restartPolicy="Never", hostNetwork=True)


def test_apply_pulls_with_the_secrets_of_the_pod(seapod, fake, tmp_path):
    fake.put_image(ROOT)
    tokens = registry.Tokens()
    guarded(tokens, fake)
    seapod.env["REGISTRY_AUTH_FILE"] = str(tmp_path / "none.json")
    config = json.dumps({"auths": {fake.host: {"username": "me", "password": "secret"}}})
    wanted = image_pod("a", f"{fake.host}/a:1")
    done = seapod.apply(wanted, check=False)
    assert done.returncode == 1 and "ErrImagePull" in done.stderr and "wants a login" in done.stderr
    wanted["spec"]["imagePullSecrets"] = [{"name": "login"}]
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "login"}, "type": "kubernetes.io/dockerconfigjson",
              "stringData": {".dockerconfigjson": config}}
    assert "pod/a created" in seapod.apply([secret, wanted]).stdout
    tokens.stop()


def test_never_and_always(seapod, fake):
    fake.put_image(ROOT)
    image = f"{fake.host}/a:1"
    done = seapod.apply(image_pod("a", image, imagePullPolicy="Never"), check=False)
    assert "ErrImageNeverPull" in done.stderr and not fake.asked
    seapod.apply(image_pod("a", image))
    asked = len(fake.asked)
    seapod.apply(image_pod("b", image))
    assert len(fake.asked) == asked
    seapod.apply(image_pod("c", image, imagePullPolicy="Always"))
    assert len(fake.asked) > asked
    fake.paths.clear()
    assert "ErrImagePull" in seapod.apply(image_pod("d", image, imagePullPolicy="Always"), check=False).stderr


def test_latest_is_looked_at_again_but_not_needed(seapod, fake):
    """The default policy of :latest is Always; nobody wrote it down, so what is here will do when the registry does not answer."""
    fake.put_image(ROOT, tag="latest")
    seapod.apply(image_pod("a", f"{fake.host}/a"))
    asked = len(fake.asked)
    seapod.apply(image_pod("b", f"{fake.host}/a"))
    assert len(fake.asked) > asked
    fake.paths.clear()
    done = seapod.apply(image_pod("c", f"{fake.host}/a"))
    assert "warning: the image that is here is used" in done.stderr


# --- what is shown

def test_lines_quiet_and_events(seapod, fake):
    fake.put_image(ROOT)
    name = f"{fake.host}/a:1"
    done = seapod.run("pull", name)
    assert done.stderr.splitlines()[0] == f"pulling {name}" and "done (" in done.stderr and "\033" not in done.stderr
    seapod.run("image", "rm", name)
    done = seapod.run("pull", "-q", name)
    assert (done.stdout, done.stderr) == (name + "\n", "")
    seapod.run("image", "rm", name)
    events = [json.loads(line) for line in seapod.out("pull", "-o", "json", name).splitlines()]
    assert events[0] == {"event": "begin", "image": name} and events[-1]["result"] == "pulled"
    assert {e["state"] for e in events if e["event"] == "blob"} >= {"pulling", "unpacking", "done"}


def test_bars_on_a_terminal(seapod, fake):
    fake.put_image(ROOT)
    master, slave = pty.openpty()
    process = seapod.start("pull", f"{fake.host}/a:1", stderr=slave)
    os.close(slave)
    shown = b""
    while True:
        try:
            piece = os.read(master, 4096)
        except OSError:
            break
        if not piece:
            break
        shown += piece
    os.close(master)
    assert process.wait(10) == 0 and b"\033[" in shown and re.search(rb"[0-9a-f]{12} done", shown)


# --- push

def digest_there(host, name):
    return json.loads(registry.skopeo("inspect", "--tls-verify=false", f"docker://{host}/{name}"))["Digest"]


def load(seapod):
    seapod.run("load", f"{instance.IMAGES}/busybox.tar")
    return f"{instance.BUSYBOX}:latest"


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
