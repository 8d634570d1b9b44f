"""Pulling images: what is asked for comes, verified, and once."""
import json
import os
import pty
import re

import registry
from instance import container, pod
from pulling import fails, fake, guarded, insecure, partial, real, ROOT, runs, seapod
from test_images import DIR, FILE, layer


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
    assert seapod.out("pull", "--platform", "linux/s390x", f"{fake.host}/a:many").endswith("pulled")
    assert seapod.out("pull", f"{fake.host}/a:many").endswith("pulled") and runs(seapod, f"{fake.host}/a:many")


def test_a_platform_that_is_not_there_is_said(seapod, fake):
    own = fake.put_image(ROOT, tag=None, architecture="s390x")
    fake.put_manifest({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json",
                       "manifests": [{**own, "platform": {"os": "linux", "architecture": "s390x"}}]}, "many")
    assert "not for linux/amd64, but for: linux/s390x" in fails(seapod, f"{fake.host}/a:many")


# --- names

def test_short_names_follow_registries_conf(seapod, fake):
    fake.put_image(ROOT)
    fake.put_image(ROOT, repository="library/tool")
    insecure(seapod, fake.host, more=["[aliases]", f'"box" = "{fake.host}/a"'])
    assert seapod.out("run", "--rm", "--net", "none", "box:1", "/bin/busybox", "echo", "x") == "x"
    assert f"{fake.host}/a " in seapod.out("images")
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
