"""`seapod oci` as a black box: a bundle, a state directory, and the runtime's commands on them.

The tests are in test_oci_*.py, by the parts of the runtime specification; docs/oci.md has the table of clauses. OCI=/usr/sbin/runc runs the
same tests on another runtime. What is Seapod's own (sentences, checks that others do not make) is marked `own` and skipped then.
"""
import contextlib
import glob
import json
import os
import shutil
import subprocess
import tempfile

import pytest

import instance
import leaks
from instance import eventually

OCI = os.environ.get("OCI", os.path.join(instance.BUILD, "seapod-oci"))
OTHER = "OCI" in os.environ
own = pytest.mark.skipif(OTHER, reason="Seapod's own")
V2 = os.path.exists("/sys/fs/cgroup/cgroup.controllers")
v1 = pytest.mark.skipif(V2, reason="of cgroup version 1")
v2 = pytest.mark.skipif(not V2, reason="of cgroup version 2")
APPLETS = ("sh cat ls id true false echo mount sleep ps ip hostname grep touch kill tty stat head readlink pwd wc test env sed tr mkdir "
           "chown dd nice date").split()
CAPS = ["CAP_CHOWN", "CAP_KILL", "CAP_NET_BIND_SERVICE"]


def config():
    """A small config.json: each test changes what it is about."""
    return {
        "ociVersion": "1.0.2",
        "process": {"user": {"uid": 0, "gid": 0}, "args": ["sleep", "100"], "env": ["PATH=/bin"], "cwd": "/",
                    "capabilities": {"bounding": CAPS, "effective": CAPS, "permitted": CAPS}},
        "root": {"path": "rootfs"},
        "hostname": "box",
        "mounts": [
            {"destination": "/proc", "type": "proc", "source": "proc"},
            {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]},
            {"destination": "/dev/pts", "type": "devpts", "source": "devpts",
             "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]},
            {"destination": "/dev/shm", "type": "tmpfs", "source": "shm", "options": ["nosuid", "noexec", "nodev", "mode=1777"]},
            {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "nodev", "ro"]},
        ],
        "linux": {
            "namespaces": [{"type": t} for t in ("pid", "network", "ipc", "uts", "mount")],
            "resources": {"devices": [{"allow": False, "access": "rwm"}]},
            "maskedPaths": ["/proc/keys", "/sys/firmware"],
            "readonlyPaths": ["/proc/sys"],
        },
    }


PARENT = "seapod-oci-test"  # the cgroup above all of the tests' containers; a runtime makes it and leaves it


def remove_parent():
    """After the last test, unless those of another checkout are in it."""
    for path in glob.glob(f"/sys/fs/cgroup/{PARENT}") + glob.glob(f"/sys/fs/cgroup/*/{PARENT}"):
        with contextlib.suppress(OSError):
            os.rmdir(path)


class Runtime:
    """A bundle, a state directory, and the runtime's commands on them."""

    def __init__(self, base=None):
        self.dir = tempfile.mkdtemp(prefix="seapod-oci-test-", dir=base)
        self.bundle = self.dir + "/bundle"
        self.root = self.dir + "/state"
        self.id = "c" + os.path.basename(self.dir)[-8:].replace("_", "x")
        self.cgroup = f"/{PARENT}/{self.id}"
        os.makedirs(self.bundle + "/rootfs/bin")
        os.makedirs(self.bundle + "/rootfs/tmp")
        shutil.copy("/usr/bin/busybox", self.bundle + "/rootfs/bin/busybox")
        for name in APPLETS:
            os.symlink("busybox", f"{self.bundle}/rootfs/bin/{name}")
        self.command = [OCI]  # with what goes before it
        self.config = config()
        self.config["linux"]["cgroupsPath"] = self.cgroup

    def write(self):
        with open(self.bundle + "/config.json", "w") as f:
            json.dump(self.config, f)

    def call(self, *args, check=True, input=None, timeout=20, **more):
        # Files, not pipes: a container keeps what create was given, and a reader of a pipe would wait for its end.
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            done = subprocess.run([*self.command, "--root", self.root, *map(str, args)], stdin=subprocess.DEVNULL if input is None else input,
                                  stdout=out, stderr=err, timeout=timeout, **more)
            for f in (out, err):
                f.seek(0)
            done.stdout, done.stderr = out.read(), err.read()
        if check and done.returncode != 0:
            raise AssertionError(f"{' '.join(map(str, args))}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def create(self, *options, **more):
        self.write()
        return self.call("create", "--bundle", self.bundle, *options, self.id, **more)

    def start(self):
        return self.call("start", self.id)

    def run(self, *command, check=True, **more):
        """`run` in front; what the command prints."""
        if command:
            self.config["process"]["args"] = list(command)
        self.write()
        return self.call("run", "--bundle", self.bundle, self.id, check=check, **more)

    def sh(self, script, **more):
        return self.run("sh", "-c", script, **more).stdout

    def up(self):
        self.create()
        self.start()

    def exec(self, *args, check=True):
        return self.call("exec", self.id, *args, check=check)

    def state(self):
        return json.loads(self.call("state", self.id).stdout)

    def status(self):
        return self.state()["status"]

    def stopped(self):
        eventually(lambda: self.status() == "stopped", "the container to stop")

    def refuses(self, *words):
        """create fails, says WORDS, and there is no container."""
        done = self.create(check=False)
        assert done.returncode != 0
        if not OTHER:
            assert all(word in done.stderr for word in words), done.stderr
            assert len(done.stderr.splitlines()) == 1 and done.stderr.startswith("seapod-oci: "), done.stderr
        assert self.call("state", self.id, check=False).returncode != 0
        return done.stderr

    def cgroup_file(self, controller, name):
        with open(f"/sys/fs/cgroup/{'' if V2 else controller}{self.cgroup}/{name}") as f:
            return f.read().strip()

    def namespace(self, kind, add=True, **more):
        self.config["linux"]["namespaces"] = [n for n in self.config["linux"]["namespaces"] if n["type"] != kind]
        if add:
            self.config["linux"]["namespaces"].append({"type": kind, **more})


@contextlib.contextmanager
def one_container(base=None):
    """A bundle (below the directory BASE), and the check that its container leaves nothing."""
    r = Runtime(base)
    before = leaks.look()
    yield r
    r.call("delete", "--force", r.id, check=False)

    def clean():
        left = leaks.difference(before, leaks.look())
        assert not left, left
        for controller in os.listdir("/sys/fs/cgroup"):
            assert not os.path.exists(f"/sys/fs/cgroup/{controller}{r.cgroup}"), controller
        if os.path.isdir(r.root) and not OTHER:
            assert [name for name in os.listdir(r.root) if not name.startswith(".")] == []
        return True
    try:
        eventually(clean, "everything of the container to be gone", seconds=3)
    finally:
        shutil.rmtree(r.dir, ignore_errors=True)


@pytest.fixture
def oci():
    with one_container() as r:
        yield r
