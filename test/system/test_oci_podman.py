"""Podman and containerd with seapod-oci in place of crun and runc: everyday life. Each has directories of its own.

OCI=/usr/sbin/runc runs the same on another runtime.
"""
import json
import os
import pty
import shutil
import subprocess
import tempfile

import pytest

import instance
import leaks
from instance import eventually

OCI = os.environ.get("OCI", os.path.join(instance.BUILD, "seapod-oci"))
IMAGE = "seapod.test/busybox"

needs_containerd = pytest.mark.skipif(not shutil.which("containerd"), reason="containerd is not installed")


class Podman:
    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="seapod-podman-")
        with open(self.dir + "/containers.conf", "w") as f:  # without CAP_SYS_RESOURCE its own default cannot be had
            f.write('[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=1000:1000"]\n')
        self.env = {**os.environ, "CONTAINERS_CONF": self.dir + "/containers.conf"}
        self.options = ["--root", self.dir + "/root", "--runroot", self.dir + "/run", "--tmpdir", self.dir + "/tmp", "--storage-driver", "vfs",
                        "--cgroup-manager", "cgroupfs", "--events-backend", "none", "--runtime", OCI]
        self("load", "-i", f"{instance.IMAGES}/busybox.tar")

    def __call__(self, *args, check=True, input="", timeout=30):
        done = subprocess.run(["podman", *self.options, *args], env=self.env, input=input, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=timeout)
        if check and done.returncode != 0:
            raise AssertionError(f"podman {' '.join(args)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def run(self, *args, **more):
        return self("run", "--rm", "--network", "none", *args, **more)

    def sh(self, script, *options):
        return self.run(*options, IMAGE, "sh", "-c", script).stdout

    def up(self, name="main", *options, command=("sleep", "1000")):
        self("run", "-d", "--network", "none", "--name", name, *options, IMAGE, *command)

    def inspect(self, what, name="main"):
        return self("inspect", name, "--format", "{{" + what + "}}").stdout.strip()

    def state(self, name="main"):
        return self.inspect(".State.Status", name)


@pytest.fixture(scope="module")
def installed():
    if not shutil.which("podman"):
        pytest.skip("podman is not installed")
    made = Podman()
    yield made
    subprocess.run(["umount", "-R", made.dir + "/root"], stderr=subprocess.DEVNULL)
    shutil.rmtree(made.dir, ignore_errors=True)


@pytest.fixture
def podman(installed):
    before = leaks.look()
    yield installed
    installed("pod", "rm", "-fa", "-t", "0", check=False)
    installed("rm", "-fa", "-t", "0", check=False)

    def clean():
        left = leaks.difference(before, leaks.look())
        left = "\n".join(line for line in left.splitlines() if installed.dir not in line)  # podman mounts its store on itself
        assert not left, left
        return True
    eventually(clean, "everything of the containers to be gone", seconds=5)


def test_run(podman):
    assert podman.sh("echo hello; id -u; pwd") == "hello\n0\n/\n"
    assert podman.run(IMAGE, "sh", "-c", "exit 42", check=False).returncode == 42
    assert podman.run("-i", IMAGE, "cat", input="through\n").stdout == "through\n"


def test_what_cannot_be_run(podman):
    assert podman.run(IMAGE, "no-such-program", check=False).returncode == 127
    assert podman.run(IMAGE, "/etc", check=False).returncode == 126


def test_identity_and_limits(podman):
    out = podman.sh("id -u; id -g; pwd; echo $A; ulimit -n; grep NoNew /proc/self/status; cat /proc/self/oom_score_adj", "--user", "1000:1001",
                    "-w", "/tmp", "-e", "A=b", "--ulimit", "nofile=77:99", "--ulimit", "nproc=500:500", "--security-opt", "no-new-privileges", "--oom-score-adj", "500")
    assert out == "1000\n1001\n/tmp\nb\n77\nNoNewPrivs:\t1\n500\n"


def test_resources(podman):
    out = podman.sh("cd /sys/fs/cgroup; cat memory/memory.limit_in_bytes pids/pids.max cpu/cpu.cfs_quota_us cpuset/cpuset.cpus", "--memory", "32m",
                    "--pids-limit", "50", "--cpus", "0.5", "--cpuset-cpus", "0")
    assert out == "33554432\n50\n50000\n0\n"


def test_default_seccomp_and_capabilities(podman):
    out = podman.sh("grep -E 'CapEff|Seccomp:' /proc/self/status")
    assert "Seccomp:\t2" in out and "CapEff:\t00000000a80425fb" in out
    assert "CapEff:\t0000000000000000" in podman.sh("grep CapEff /proc/self/status", "--cap-drop", "all")


def test_volumes_and_tmpfs(podman):
    host = tempfile.mkdtemp(dir=podman.dir)
    out = podman.sh("echo data >/rw/file; touch /ro/x 2>&- || echo refused; grep -c ' /scratch tmpfs' /proc/mounts", "-v", host + ":/rw",
                    "-v", host + ":/ro:ro", "--tmpfs", "/scratch")
    assert out == "refused\n1\n"
    with open(host + "/file") as f:
        assert f.read() == "data\n"


def test_read_only(podman):
    assert podman.sh("touch /x 2>&- || echo refused; touch /tmp/y /run/z && echo scratch", "--read-only") == "refused\nscratch\n"


def test_host_namespaces(podman):
    assert podman.sh("hostname", "--uts", "host", "--ipc", "host").strip() == os.uname().nodename
    assert int(podman.sh("ps | wc -l", "--pid", "host")) > 10
    assert "eth0" in podman("run", "--rm", "--network", "host", IMAGE, "ip", "link").stdout


def test_privileged(podman):
    out = podman.sh("mkdir /m && mount -t tmpfs x /m && echo mounted; ls /dev | wc -l", "--privileged").split()
    assert out[0] == "mounted" and int(out[1]) > 20


def test_user_namespace(podman):
    ids = ["--uidmap", "0:100000:65536", "--gidmap", "0:100000:65536"]
    assert podman.sh("id -u; cat /proc/self/uid_map; echo >/dev/null && echo device", *ids).split() == ["0", "0", "100000", "65536", "device"]


def test_sysctl_hostname_init(podman):
    out = podman.sh("hostname; cat /proc/sys/net/ipv4/ip_forward; cat /proc/1/cmdline | tr '\\0' ' '", "--hostname", "box", "--sysctl",
                    "net.ipv4.ip_forward=1", *(["--init"] if shutil.which("catatonit") else []))
    assert out.startswith("box\n1\n")


def test_life_in_the_background(podman):
    podman.up()
    assert podman.state() == "running"
    assert podman("exec", "main", "sh", "-c", "echo in; exit 7", check=False).returncode == 7
    assert podman("exec", "-u", "5", "-w", "/tmp", "-e", "X=1", "main", "sh", "-c", "id -u; pwd; echo $X").stdout == "5\n/tmp\n1\n"
    assert podman("exec", "main", "no-such-program", check=False).returncode == 127
    assert "sleep 1000" in podman("top", "main").stdout
    podman("pause", "main")
    assert podman.state() == "paused"
    podman("unpause", "main")
    assert podman.state() == "running"
    stats = json.loads(podman("stats", "--no-stream", "--format", "json", "main").stdout)
    assert stats[0]["pids"] == "1"
    podman("update", "--memory", "64m", "main")
    assert podman("exec", "main", "cat", "/sys/fs/cgroup/memory/memory.limit_in_bytes").stdout == "67108864\n"
    podman("stop", "-t", "0", "main")
    assert podman.state() == "exited"
    podman("start", "main")
    podman("restart", "-t", "0", "main")
    assert podman.state() == "running"


def test_kill(podman):
    podman.up(command=("sh", "-c", "trap 'exit 3' USR1; echo ready; while :; do sleep 0.05; done"))
    eventually(lambda: "ready" in podman("logs", "main").stdout)
    podman("kill", "-s", "USR1", "main")
    eventually(lambda: podman.state() == "exited")
    assert podman.inspect(".State.ExitCode") == "3"


def test_health_check(podman):
    podman.up("main", "--health-cmd", "true", "--health-interval", "disable")
    assert podman("healthcheck", "run", "main").returncode == 0


def test_a_pod(podman):
    podman("pod", "create", "--network", "none", "--name", "pod")
    podman("run", "-d", "--pod", "pod", "--name", "a", IMAGE, "sleep", "100")
    assert podman("run", "--rm", "--pod", "pod", IMAGE, "sh", "-c", "hostname").stdout == "pod\n"


def test_a_terminal(podman):
    master, slave = pty.openpty()
    process = subprocess.Popen(["podman", *podman.options, "run", "--rm", "-it", "--network", "none", IMAGE, "sh", "-c", "tty; echo end"],
                               env=podman.env, stdin=slave, stdout=slave, stderr=slave)
    os.close(slave)
    text = b""
    while b"end" not in text:
        text += os.read(master, 1000)
    assert b"/dev/pts/0" in text and process.wait(timeout=20) == 0
    os.close(master)
    podman.up()
    assert podman("exec", "-t", "main", "tty").stdout.strip() == "/dev/pts/0"


class Containerd:
    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="seapod-containerd-")
        with open(self.dir + "/config.toml", "w") as f:
            f.write(f"""version = 2
root = "{self.dir}/root"
state = "{self.dir}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = "{self.dir}/sock"
[ttrpc]
  address = "{self.dir}/ttrpc"
""")
        self.log = open(self.dir + "/log", "w")
        self.process = subprocess.Popen(["containerd", "-c", self.dir + "/config.toml"], stdout=self.log, stderr=self.log)
        eventually(lambda: self("version", check=False).returncode == 0, "containerd to answer")
        self("image", "import", f"{instance.IMAGES}/busybox.tar")
        self.image = self("image", "ls", "-q").stdout.split()[0]

    def __call__(self, *args, check=True):
        done = subprocess.run(["ctr", "-a", self.dir + "/sock", *args], stdin=subprocess.DEVNULL, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=30)
        if check and done.returncode != 0:
            raise AssertionError(f"ctr {' '.join(args)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def run(self, *args, **more):
        name, command = args[-1], more.pop("command")
        return self("run", "--snapshotter", "native", "--runc-binary", OCI, *args[:-1], self.image, name, *command, **more)

    def tasks(self):
        return {line.split()[0]: line.split()[2] for line in self("task", "ls").stdout.splitlines()[1:]}

    def end(self):
        self.process.terminate()
        self.process.wait()
        self.log.close()
        shutil.rmtree(self.dir, ignore_errors=True)


@pytest.fixture
def containerd():
    before = leaks.look()
    made = Containerd()
    yield made
    for name in made.tasks():
        made("task", "rm", "--force", name, check=False)
    made.end()

    def clean():
        left = leaks.difference(before, leaks.look())
        assert not left, left
        return True
    eventually(clean, "everything of containerd to be gone", seconds=5)


def in_a_terminal(containerd, *args):
    """The first line that `ctr ARGS` prints on a terminal."""
    master, slave = pty.openpty()
    process = subprocess.Popen(["ctr", "-a", containerd.dir + "/sock", *args], stdin=slave, stdout=slave, stderr=slave)
    os.close(slave)
    text = b""
    try:
        while b"end" not in text:
            text += os.read(master, 1000)
    finally:
        os.close(master)
        process.wait(timeout=20)
    return text.decode().split()[0]


@needs_containerd
def test_a_terminal_of_containerd(containerd):
    line = in_a_terminal(containerd, "run", "--rm", "-t", "--snapshotter", "native", "--runc-binary", OCI, containerd.image, "term", "sh", "-c",
                         "tty; echo end")
    assert line == "/dev/pts/0"


@needs_containerd
def test_containerd(containerd):
    assert containerd.run("--rm", "first", command=["sh", "-c", "echo hello; exit 0"]).stdout == "hello\n"
    assert "no-such-program" in containerd.run("--rm", "none", command=["no-such-program"], check=False).stderr
    containerd.run("-d", "main", command=["sleep", "1000"])
    assert containerd.tasks() == {"main": "RUNNING"}
    done = containerd("task", "exec", "--exec-id", "e", "main", "sh", "-c", "echo in; exit 3", check=False)
    assert (done.stdout, done.returncode) == ("in\n", 3)
    assert in_a_terminal(containerd, "task", "exec", "-t", "--exec-id", "t", "main", "sh", "-c", "tty; echo end") == "/dev/pts/0"
    containerd("task", "pause", "main")
    assert containerd.tasks() == {"main": "PAUSED"}
    containerd("task", "resume", "main")
    assert "memory.usage_in_bytes" in containerd("task", "metrics", "main").stdout
    assert len(containerd("task", "ps", "main").stdout.splitlines()) == 2
    containerd("task", "kill", "-s", "KILL", "main")
    eventually(lambda: containerd.tasks() == {"main": "STOPPED"})
    containerd("task", "rm", "main", check=False)
    containerd("container", "rm", "main")
