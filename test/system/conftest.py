"""Fixtures of the system tests. `seapod` is an isolated instance with one small image; after each test the machine
must be as it was before (leaks.py)."""
import os
import shutil
import subprocess

import pytest

import instance
import leaks
import oci_runtime
import world
from oci_runtime import oci  # noqa: F401  (a fixture)


def pytest_configure(config):
    if os.geteuid() != 0:
        raise pytest.UsageError("the system tests need root (make system asks for it)")
    world.enter()


def pytest_unconfigure(config):
    oci_runtime.remove_parent()
    world.leave()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    setattr(item, "report_" + call.when, outcome.get_result())


class Template:
    """A store with images in it, from which instances are copied."""

    def __init__(self, *names):
        self.seapod = instance.Seapod()
        self.root = self.seapod.root
        for name in names:
            self.seapod.run("load", f"{instance.IMAGES}/{name}.tar", timeout=120)

    def remove(self):
        self.seapod.remove()


@pytest.fixture(scope="session")
def busybox_store():
    template = Template("busybox")
    yield template
    template.remove()


@pytest.fixture(scope="session")
def web_store():
    template = Template("busybox", "demo-node", "demo-nginx")
    yield template
    template.remove()


def isolated(request, template):
    """An instance for one test, and the check that it leaves nothing."""
    made = instance.Seapod(template)
    before = leaks.look(made.root, made.run_dir, made.tag)
    yield made
    report = getattr(request.node, "report_call", None)
    if report is not None and report.failed:
        print(made.keeper_log())
    try:
        made.empty()

        def clean():
            left = leaks.difference(before, leaks.look(made.root, made.run_dir, made.tag))
            assert not left, left
            return True
        instance.eventually(clean, "the machine to be as clean as before", seconds=3)
    finally:
        for pid in world.descendants():  # whatever a broken build leaves must not spoil the next test
            if pid != world.other_host.pid and pid not in world.servers:
                subprocess.run(["kill", "-9", str(pid)], stderr=subprocess.DEVNULL)
        made.remove()


@pytest.fixture
def seapod(request, busybox_store):
    yield from isolated(request, busybox_store)


@pytest.fixture
def web(request, web_store):
    """An instance that has the demo's images, too."""
    yield from isolated(request, web_store)


@pytest.fixture
def bare(request):
    """An instance without any image."""
    yield from isolated(request, None)


def works(*command):
    return shutil.which(command[0]) and subprocess.run(command, stdout=subprocess.DEVNULL,
                                                      stderr=subprocess.DEVNULL).returncode == 0


@pytest.fixture(autouse=True)
def needs(request):
    """@pytest.mark.bridge: skipped where the kernel has no nftables; the other modes are still tested there."""
    if request.node.get_closest_marker("bridge") and not works("nft", "list", "tables"):
        pytest.skip("this kernel has no nftables")
