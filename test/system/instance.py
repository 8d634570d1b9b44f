"""One Seapod with directories of its own, driven through its command line as a person would."""
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import textwrap
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("BUILD", os.path.join(TOP, "build"))
SEAPOD = os.path.join(BUILD, "seapod")
IMAGES = os.path.join(TOP, "build", "images")
BUSYBOX = "seapod.test/busybox"
PATIENCE = float(os.environ.get("SEAPOD_TEST_PATIENCE", "1"))  # sanitizers and emulated kernels are slower

# A PID 1 that ends at once on TERM: `sleep` alone would be shielded from it by the kernel and wait for its KILL.
STAY = ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 3600 & wait; done"]


def tag(root, run):
    """What base/instance.h calls the tag: FNV-1a over both paths, each with its NUL."""
    value = 2166136261
    for byte in (root + "\0" + run + "\0").encode():
        value = ((value ^ byte) * 16777619) & 0xFFFFFFFF
    return f"{value:08x}"


def text(manifest):
    """A manifest as text: a string as it is written in a test (indented), an object, or a list of objects."""
    if isinstance(manifest, str):
        return textwrap.dedent(manifest)
    documents = manifest if isinstance(manifest, list) else [manifest]
    return "\n---\n".join(json.dumps(document) for document in documents)


def container(name="main", command=None, **more):
    return {"name": name, "image": BUSYBOX, "command": command or STAY, **more}


def shell(script, name="main", **more):
    return container(name, ["sh", "-c", script], **more)


def pod(name, *containers, **spec):
    """A Pod object; containers default to one that stays."""
    spec.setdefault("terminationGracePeriodSeconds", 1)
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
            "spec": {"containers": list(containers) or [container()], **spec}}


class Seapod:
    def __init__(self, template=None):
        self.dir = tempfile.mkdtemp(prefix="seapod-test-")
        self.root, self.run_dir = self.dir + "/root", self.dir + "/run"
        self.tag = tag(self.root, self.run_dir)
        self.bridge, self.table = "sp" + self.tag, "seapod_" + self.tag
        self.env = {**os.environ, "SEAPOD_ROOT": self.root, "SEAPOD_RUN": self.run_dir, "NO_COLOR": "1", "TZ": "UTC"}
        self.started = []
        self.registries_conf()
        if template:  # layers and blobs are never written to, so links will do
            subprocess.run(["cp", "-al", template.root, self.root], check=True)

    def registries_conf(self, *lines):
        """Writes registries.conf. Without more, Docker Hub is where nobody answers: the tests need no internet."""
        self.env["CONTAINERS_REGISTRIES_CONF"] = path = self.dir + "/registries.conf"
        with open(path, "w") as f:
            print('[[registry]]', 'prefix = "docker.io"', 'location = "127.0.0.1:1"', *lines, sep="\n", file=f)

    # --- the command line

    def run(self, *args, check=True, input=None, timeout=30, **more):
        """Runs `seapod ARGS`; the result has .returncode, .stdout and .stderr as text."""
        done = subprocess.run([SEAPOD, *map(str, args)], input=input, env=self.env, text=True, timeout=timeout * PATIENCE,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              **({} if input is not None else {"stdin": subprocess.DEVNULL}), **more)
        if check and done.returncode != 0:
            raise AssertionError(f"seapod {' '.join(map(str, args))}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def out(self, *args, **more):
        """Its standard output, without the last newline."""
        return self.run(*args, **more).stdout.rstrip("\n")

    def start(self, *args, **more):
        """`seapod ARGS` in the background; a Popen with text pipes."""
        process = subprocess.Popen([SEAPOD, *map(str, args)], env=self.env, text=True,
                                   **{"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE,
                                      **more})
        self.started.append(process)
        return process

    def fails(self, *args, code=1, lines=1, **more):
        """Runs a command that must fail with CODE and one clear sentence, and returns that sentence."""
        done = self.run(*args, check=False, **more)
        assert done.returncode == code, f"exit {done.returncode}, not {code}\n{done.stdout}{done.stderr}"
        said = [line for line in done.stderr.splitlines() if not line.startswith(("seapod: warning: ", "pulling "))]
        assert said and (lines is None or len(said) == lines), f"not {lines} line(s): {done.stderr!r}"
        assert said[0].startswith("seapod: "), said[0]
        assert not re.search(r"\bE[A-Z]{3,}\b|errno|\(null\)", done.stderr), f"not for people: {done.stderr}"
        return done.stderr

    # --- objects

    def apply(self, manifest, *args, **more):
        return self.run("apply", "-f", "-", *args, input=text(manifest), **more)

    def rejects(self, manifest, *args, **more):
        return self.fails("apply", "-f", "-", *args, input=text(manifest), **more)

    def get(self, name, kind="pods", namespace="default"):
        return json.loads(self.out("get", kind, name, "-n", namespace, "-o", "json"))

    def status(self, name, container=None):
        """The pod's status, or the status of one of its containers."""
        status = self.get(name)["status"]
        if container is None:
            return status
        everyone = status.get("initContainerStatuses", []) + status.get("containerStatuses", [])
        return next(c for c in everyone if c["name"] == container)

    def phase(self, name):
        return self.get(name)["status"].get("phase")

    def events(self, name):
        """The pod's events, the oldest first."""
        return json.loads(self.out("events", "pod/" + name, "-o", "json"))["items"]

    def ip(self, name):
        return self.get(name)["status"]["podIP"]

    def delete(self, name, *args):
        return self.run("delete", "pod", name, *args)

    def exec(self, name, *command, c=None, check=True, input=None, **more):
        options = (["-c", c] if c else []) + (["-i"] if input is not None else [])
        return self.run("exec", *options, name, "--", *command, check=check, input=input, **more)

    def sh(self, name, script, c=None, **more):
        """What a shell script in the container prints."""
        return self.exec(name, "sh", "-c", script, c=c, **more).stdout.rstrip("\n")

    def logs(self, name, *args):
        return self.out("logs", name, *args)

    def restarts(self, name, container):
        return self.status(name, container)["restartCount"]

    # --- from outside

    def uid(self, name, namespace="default"):
        with open(f"{self.run_dir}/names/{namespace}_{name}") as f:
            return f.read().strip()

    def keeper(self, name):
        """The pid of the pod's keeper, by the namespaces that it holds."""
        uid = self.uid(name)
        link = os.readlink(f"{self.run_dir}/pods/{uid}/ns/net")
        return int(link.split("/")[2])

    def pid(self, name, container="main"):
        """The pid, on the host, of a container's process."""
        return next(int(p) for p in self.children(self.keeper(name)) if self.cgroup_of(p).endswith("/" + container))

    @staticmethod
    def children(pid):
        with open(f"/proc/{pid}/task/{pid}/children") as f:
            return f.read().split()

    @staticmethod
    def cgroup_of(pid):
        with open(f"/proc/{pid}/cgroup") as f:
            lines = [line.rstrip("\n").split(":", 2) for line in f]
        return next((path for _, names, path in lines if names == "memory"), lines[-1][2])

    def keeper_log(self):
        logs = []
        for folder, _, names in os.walk(self.run_dir + "/pods"):
            for name in names:
                if name == "keeper.log":
                    with open(os.path.join(folder, name), errors="replace") as f:
                        logs.append(f"--- {folder}\n{f.read()}")
        return "\n".join(logs)

    # --- the end

    def empty(self):
        """Removes every pod, then what the instance made for all of them."""
        for process in self.started:
            if process.poll() is None:
                process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout, process.stderr):  # what exec started may still hold the other end
                if pipe:
                    pipe.close()
        pods = json.loads(self.out("get", "pods", "-A", "-o", "json")).get("items", [])
        for each in pods:
            meta = each["metadata"]
            self.run("delete", "pod", meta["name"], "-n", meta.get("namespace", "default"), "--now", "--ignore-not-found")
        self.run("system", "prune")

    def remove(self):
        shutil.rmtree(self.dir, ignore_errors=True)


def eventually(question, what="it to become true", seconds=10):
    """Asks QUESTION until the answer is true and returns it; it may raise AssertionError while it is not."""
    end, wait, last = time.monotonic() + seconds * PATIENCE, 0.002, None
    while True:
        try:
            if answer := question():
                return answer
            last = answer
        except (AssertionError, OSError, KeyError, StopIteration) as e:
            last = e
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds * PATIENCE:g} s for {what}; at the end: {last}")
        time.sleep(wait)
        wait = min(wait * 1.5, 0.1)


def kill(pid):
    os.kill(pid, signal.SIGKILL)
