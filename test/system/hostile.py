"""What an attacker brings: images whose configuration and files are meant to break out, and programs that run in them."""
import os
import subprocess

import pytest

from test_images import DIR, FILE, LINK, layer, oci_archive

APPLETS = ("sh cat ls ln id true false echo mount umount sleep ps grep touch kill stat head readlink pwd wc env sed tr mkdir mknod chown chmod "
           "chroot mv rm cp find dd seq unshare nsenter").split()
with open("/usr/bin/busybox", "rb") as f:
    BUSYBOX_FILE = f.read()
TOOLS = [("bin", DIR), ("bin/busybox", FILE, BUSYBOX_FILE), *[("bin/" + name, LINK, "busybox") for name in APPLETS], ("etc", DIR), ("tmp", DIR)]
# From a directory of the host, wherever it is, to a program of the host that needs nothing else.
TO_THE_HOST = "../" * 12 + "usr/bin/busybox"


def image(seapod, tmp_path, *entries, name="localhost/evil:1", **config):
    """An image with a few tools, ENTRIES (test_images.layer) on top and CONFIG (Entrypoint, WorkingDir, User …)."""
    layers = [layer(*TOOLS)] + ([layer(*entries)] if entries else [])
    oci_archive(tmp_path / "evil.tar", name, *layers, compress=False, config=config or {"Cmd": ["sh"]})
    seapod.run("load", tmp_path / "evil.tar")
    return name


def compiled(folder, name, source, *options):
    """A program or library from C SOURCE; its path."""
    path = os.path.join(folder, name)
    subprocess.run(["cc", "-D_GNU_SOURCE", "-O1", "-x", "c", "-", "-o", path, *options], input=source, text=True, check=True)
    return path


@pytest.fixture
def secret(tmp_path):
    """A file of the host that no container may read or change; it is looked at again at the end."""
    path = tmp_path / "secret"
    path.write_text("the host's secret")
    yield path
    assert path.read_text() == "the host's secret", "a file of the host was changed"
