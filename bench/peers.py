"""Seapod and its peers behind the same few verbs, each with directories of its own, so that all can be timed alike.

A peer makes a pod of two containers on a bridge, with one published port and one volume (pod()), ends it, runs `true`
once, executes `true` in a running container, loads an image, and knows which processes it needs besides the payload.
Everything happens in network and mount namespaces of our own (test/system/world.py): the machine is not touched.
"""
import ctypes
import io
import json
import os
import resource
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.abspath(os.environ.get("BUILD", os.path.join(TOP, "build")))
sys.path.insert(0, os.path.join(TOP, "test", "system"))
import world  # noqa: E402

IMAGE = "localhost/seapod-bench:latest"
PAYLOAD = f"{BUILD}/bench/seapod-payload"
disk = "/var/tmp"  # where the peers keep images and what containers write
NULL = os.open(os.devnull, os.O_RDWR)
libc = ctypes.CDLL(None)


def timed(argv, env):
    """Milliseconds that ARGV takes. Spawned as cheaply as can be: no pipes, no shell."""
    with tempfile.TemporaryFile() as errors:
        actions = [(os.POSIX_SPAWN_DUP2, NULL, 0), (os.POSIX_SPAWN_DUP2, NULL, 1), (os.POSIX_SPAWN_DUP2, errors.fileno(), 2)]
        begin = time.perf_counter()
        pid = os.posix_spawn(argv[0], argv, env, file_actions=actions)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        took = (time.perf_counter() - begin) * 1e3
        if status != 0:
            errors.seek(0)
            raise RuntimeError(f"{' '.join(argv)}: exit {status}\n{errors.read().decode()}")
    return took


def quiet(argv, env):
    done = subprocess.run(argv, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(argv)}: exit {done.returncode}\n{done.stdout[-2000:]}")
    return done.stdout


def enter(in_memory=False):
    """Our own world: network, mounts, and memory below /run and /dev/shm, as every system has it there; IN_MEMORY: for the
    disk, too, so that what others write at the same time does not count."""
    global disk
    world.enter()
    libc.prctl(world.PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)  # the machine's init reaps, as it does for everybody
    for path in ("/run", "/dev/shm"):
        world.call("mount", "-t", "tmpfs", "tmpfs", path)
    if in_memory:
        disk = tempfile.mkdtemp(prefix="disk-", dir="/run")
    # crun 1.8 does not start on a hybrid machine whose second hierarchy has a controller; it does not look elsewhere.
    if os.path.isdir("/sys/fs/cgroup/unified"):
        world.call("umount", "-l", "/sys/fs/cgroup/unified")


def pod(name, port):
    """The manifest that is measured."""
    def container(which, **more):
        return {"name": which, "image": IMAGE, "command": ["/bin/pause"],
                "volumeMounts": [{"name": "data", "mountPath": "/data"}], **more}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {
        "terminationGracePeriodSeconds": 5, "volumes": [{"name": "data", "emptyDir": {}}], "containers": [
            container("a", ports=[{"containerPort": 80, "hostPort": port}],
                      resources={"limits": {"memory": "64Mi", "cpu": "500m"}}),
            container("b", resources={"limits": {"memory": "64Mi", "cpu": "500m"}})]}}


def rootfs_tar(path):
    """The image of the payload: two programs and the places where mounts go, in one layer."""
    with open(PAYLOAD, "rb") as f:
        program = f.read()
    with tarfile.open(path, "w") as tar:
        for name in ("bin", "dev", "etc", "proc", "sys", "tmp", "data"):
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(entry)
        files = {"bin/pause": program, "bin/true": program, "etc/hosts": b"", "etc/hostname": b"", "etc/resolv.conf": b"",
                 "etc/passwd": b"root:x:0:0:root:/:/bin/sh\n", "etc/group": b"root:x:0:\n"}
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), 0o755 if name.startswith("bin/") else 0o644
            tar.addfile(entry, io.BytesIO(data))


class Peer:
    name, ports = "", 20000

    def __init__(self):
        self.env = {**os.environ, "NO_COLOR": "1"}
        self.dir = tempfile.mkdtemp(prefix=f"seapod-bench-{self.name}-", dir=disk)
        self.run_dir = tempfile.mkdtemp(prefix=f"bench-{self.name}-", dir="/run")

    def manifest(self, number):
        path = f"{self.dir}/pod{number}.json"
        if not os.path.exists(path):
            with open(path, "w") as f:
                json.dump(pod(f"pod{number}", self.ports + number), f)
        return path

    def remove(self):
        shutil.rmtree(self.dir, ignore_errors=True)


class Seapod(Peer):
    name = "seapod"

    def __init__(self):
        super().__init__()
        self.program = f"{BUILD}/seapod"
        self.env.update(SEAPOD_ROOT=f"{self.dir}/root", SEAPOD_RUN=f"{self.run_dir}/run")

    def version(self):
        return quiet([self.program, "version"], self.env).strip()

    def prepare(self, tar):
        quiet([self.program, "image", "import", tar, IMAGE], self.env)

    def ready(self, number):
        return timed([self.program, "apply", "-f", self.manifest(number)], self.env)

    def gone(self, number):
        return timed([self.program, "delete", "pod", f"pod{number}"], self.env)

    def true(self, net):
        return timed([self.program, "run", "--rm", "--net", net, IMAGE, "/bin/true"], self.env)

    def exec(self, number):
        return timed([self.program, "exec", f"pod{number}", "-c", "a", "--", "/bin/true"], self.env)

    def load(self, archive):
        """Into a store that has nothing yet."""
        root = tempfile.mkdtemp(dir=self.dir)
        try:
            return timed([self.program, "--root", root, "load", archive], self.env)
        finally:
            shutil.rmtree(root)

    def filter(self):
        """The compiled default seccomp profile as plain instructions, for the floor program (oci/seccomp.c: struct head)."""
        folder, path = f"{self.dir}/root/cache/seccomp", f"{self.dir}/filter"
        for name in os.listdir(folder) if os.path.isdir(folder) and not os.path.exists(path) else ():
            with open(os.path.join(folder, name), "rb") as f:
                text = f.read()
            with open(path, "wb") as f:
                f.write(text[112:112 + 8 * int.from_bytes(text[96:100], "little")])
        return path if os.path.exists(path) else None

    def oci(self, bundle):
        return timed([f"{BUILD}/seapod-oci", "--root", f"{self.run_dir}/oci", "run", "-b", bundle, f"bench{os.getpid()}"], self.env)

    def remove(self):
        for name in quiet([self.program, "get", "pods", "-o", "name"], self.env).split():
            quiet([self.program, "delete", "pod", name.split("/")[-1], "--now"], self.env)
        quiet([self.program, "system", "prune"], self.env)
        super().remove()


class Podman(Peer):
    name, ports = "podman", 21000

    def __init__(self):
        super().__init__()
        self.program = shutil.which("podman")
        # Its default limits are higher than a machine without CAP_SYS_RESOURCE allows.
        limit = min(4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
        with open(f"{self.dir}/containers.conf", "w") as f:
            f.write(f'[containers]\ndefault_ulimits = ["nofile={limit}:{limit}", "nproc=4096:4096"]\n'
                    '[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "none"\nruntime = "crun"\n'
                    '[network]\nnetwork_backend = "netavark"\n')
        self.env["CONTAINERS_CONF"] = f"{self.dir}/containers.conf"
        self.options = ["--root", f"{self.dir}/root", "--runroot", f"{self.run_dir}/run", "--tmpdir", f"{self.run_dir}/tmp",
                        "--network-config-dir", f"{self.dir}/net"]
        self.command = [self.program, *self.options]

    def version(self):
        return quiet([self.program, "--version"], self.env).strip()

    def prepare(self, tar):
        quiet([*self.command, "import", tar, IMAGE], self.env)

    def ready(self, number):
        return timed([*self.command, "kube", "play", self.manifest(number)], self.env)

    def gone(self, number):
        return timed([*self.command, "kube", "down", self.manifest(number)], self.env)

    def true(self, net):
        return timed([*self.command, "run", "--rm", "--net", net, IMAGE, "/bin/true"], self.env)

    def exec(self, number):
        return timed([*self.command, "exec", f"pod{number}-a", "/bin/true"], self.env)

    def load(self, archive):
        root = tempfile.mkdtemp(dir=self.dir)
        try:
            return timed([self.program, "--root", root, *self.options[2:], "load", "-q", "-i", archive], self.env)
        finally:
            subprocess.run(["umount", "-l", f"{root}/overlay"], stderr=subprocess.DEVNULL)
            shutil.rmtree(root, ignore_errors=True)

    def remove(self):
        subprocess.run([*self.command, "pod", "rm", "-af"], env=self.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        subprocess.run(["umount", "-l", f"{self.dir}/root/overlay"], stderr=subprocess.DEVNULL)
        for above, folders, _ in os.walk("/sys/fs/cgroup", topdown=False):
            if "libpod_parent" in above or "libpod_parent" in folders:
                for folder in folders:
                    if "libpod_parent" in above or folder == "libpod_parent":
                        try:
                            os.rmdir(os.path.join(above, folder))
                        except OSError:
                            pass
        super().remove()


class Crun(Peer):
    """The OCI runtime alone: a bundle, no image, no network."""
    name = "crun"

    def __init__(self):
        super().__init__()
        self.program = shutil.which("crun")
        self.command = [self.program, "--root", f"{self.run_dir}/crun", "--cgroup-manager=cgroupfs"]

    def version(self):
        return quiet([self.program, "--version"], self.env).splitlines()[0]

    def prepare(self, tar):
        for name, args in (("true", ["/bin/true"]), ("pause", ["/bin/pause"])):
            bundle = f"{self.dir}/{name}"
            os.makedirs(f"{bundle}/rootfs")
            quiet(["tar", "-C", f"{bundle}/rootfs", "-xf", tar], self.env)
            quiet([self.program, "spec", "-b", bundle], self.env)  # without seccomp, with a network namespace
            with open(f"{bundle}/config.json") as f:
                spec = json.load(f)
            spec["process"].update(args=args, terminal=False)
            spec["process"].pop("rlimits", None)
            with open(f"{bundle}/config.json", "w") as f:
                json.dump(spec, f)

    def oci(self, bundle):
        return timed([*self.command, "run", "-b", bundle, f"bench{os.getpid()}"], self.env)

    def true(self, net):
        return self.oci(f"{self.dir}/true") if net == "none" else None

    def ready(self, number):
        return timed([*self.command, "run", "--detach", "-b", f"{self.dir}/pause", f"pod{number}"], self.env)

    def exec(self, number):
        return timed([*self.command, "exec", f"pod{number}", "/bin/true"], self.env)

    def gone(self, number):
        return timed([*self.command, "delete", "-f", f"pod{number}"], self.env)


def helpers(before):
    """{pid: (name, PSS, private dirty in KB)} of what runs in our mounts, or was started by what does, and is no payload.

    BEFORE: pids that were there and do not count."""
    found, ours = {}, {pid for pid in processes() if in_our_mounts(pid)}
    for pid in set(processes()) - set(before) - {os.getpid()}:
        try:
            with open(f"/proc/{pid}/stat") as f:
                left, _, right = f.read().rpartition(")")
            name, parent = left.split("(", 1)[1], int(right.split()[1])
            if name == "pause" or not {pid, parent} & ours:
                continue
            with open(f"/proc/{pid}/smaps_rollup") as f:
                lines = {line.split(":")[0]: line.split()[1] for line in f if line.endswith("kB\n")}
            found[pid] = (name, int(lines["Pss"]), int(lines["Private_Dirty"]))
        except (OSError, KeyError):
            continue  # it has ended
    return found


def in_our_mounts(pid):
    try:
        return os.readlink(f"/proc/{pid}/ns/mnt") == os.readlink("/proc/self/ns/mnt")
    except OSError:
        return False


def processes():
    return [int(pid) for pid in os.listdir("/proc") if pid.isdigit()]
