"""What the tests of registries share: an instance that takes a registry without TLS, registries to pull from, and words for what they do."""
import json
import os
import pathlib
import subprocess

import pytest

import instance
import registry
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


@pytest.fixture
def policy():
    """Writes /etc/containers/policy.json, in the tests' own mount namespace."""
    os.makedirs("/etc/containers", exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "none", "/etc/containers"], check=True)
    yield lambda docker, default="insecureAcceptAnything": pathlib.Path("/etc/containers/policy.json").write_text(
        json.dumps({"default": [{"type": default}], "transports": {"docker": docker}}))
    subprocess.run(["umount", "-l", "/etc/containers"], check=True)


def fails(seapod, name, *options):
    """The sentence of a pull that fails; it may not leave an image."""
    said = seapod.fails("pull", "-q", *options, name)
    assert name in said and len(seapod.out("images").splitlines()) == 1
    return said


def login(seapod, tmp_path, host, user, password):
    seapod.env["REGISTRY_AUTH_FILE"] = str(tmp_path / "auth.json")
    return seapod.out("login", "-u", user, "--password-stdin", host, input=password + "\n")


def guarded(tokens, fake):
    tokens.realm = f"http://{tokens.host}/token"
    return tokens.guard(fake)


def digest_there(host, name):
    return json.loads(registry.skopeo("inspect", "--tls-verify=false", f"docker://{host}/{name}"))["Digest"]


def load(seapod):
    seapod.run("load", f"{instance.IMAGES}/busybox.tar")
    return f"{instance.BUSYBOX}:latest"
