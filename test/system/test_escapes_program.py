"""The runtime's own programs, which a container must neither reach nor change (docs/security.md, "The runtime's programs").

CVE-2019-5736 (runc, LXC): the container makes the runtime execute itself (`#!/proc/self/exe`), keeps a descriptor of the program, and writes to it on
the host when it has ended.
CVE-2019-14271 (docker cp): a process of the host that has entered the container loads a library from there.
"""
import os
import shutil
import subprocess

import pytest

import instance
import oci_runtime
from hostile import compiled, image
from instance import container, eventually, pod
from test_images import FILE
from oci_runtime import oci  # noqa: F401

NET = {"hostNetwork": True}

# Tells that it was loaded.
EVIL = r"""
#include <fcntl.h>
#include <unistd.h>
__attribute__((constructor)) static void attack(void)
{
	close(open("/tmp/loaded", O_CREAT | O_WRONLY, 0644));
}
"""

# Opens the file of a program of the host as soon as one runs in the container, and writes to it when it has ended.
THIEF = r"""
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
static int wait_for_program(void)
{
	char path[64], to[4096];
	for (int pid = 2;; pid = pid < 80 ? pid + 1 : 2) {
		snprintf(path, sizeof(path), "/proc/%d/exe", pid);
		int fd = open(path, O_PATH);
		if (fd < 0)
			continue;
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		ssize_t n = readlink(path, to, sizeof(to) - 1);
		to[n > 0 ? n : 0] = 0;
		if (strncmp(to, "/bin/", 5) != 0) /* a mount of one file has no path but "/" */
			return fd;
		close(fd);
	}
}
int main(void)
{
	char path[64];
	const char *why = "";
	setvbuf(stdout, NULL, _IOLBF, 0);
	puts("waiting");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", wait_for_program());
	for (int i = 0; i < 40; i++) {
		int fd = open(path, O_WRONLY | O_APPEND);
		if (fd >= 0 && write(fd, "overwritten", 11) == 11)
			puts("won");
		else if (errno != ETXTBSY || !*why)
			why = strerror(errno);
		usleep(10000);
	}
	printf("over: %s\n", why);
	for (;;)
		pause();
}
"""


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """Copies of the programs, so that an attack that succeeds does no harm."""
    folder = tmp_path / "programs"
    folder.mkdir()
    for name in os.listdir(instance.BUILD):
        if name.startswith("seapod") and os.path.isfile(instance.BUILD + "/" + name):
            shutil.copy(instance.BUILD + "/" + name, folder)
    monkeypatch.setattr(instance, "SEAPOD", str(folder / "seapod"))
    monkeypatch.setattr(oci_runtime, "OCI", str(folder / "seapod-oci"))
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    yield folder
    assert {p.name for p in folder.iterdir() if p.read_bytes() != before[p.name]} == set(), "a program of the host was changed"


WAYS = [["/bin/evil"], ["/proc/self/exe"]]


@pytest.mark.parametrize("program", WAYS)
def test_a_container_cannot_write_to_seapod_oci(oci, programs, program):
    rootfs = oci.bundle + "/rootfs"
    compiled(rootfs + "/bin", "thief", THIEF, "-static")
    with open(rootfs + "/bin/evil", "w") as f:
        f.write("#!/proc/self/exe\n")
    os.chmod(rootfs + "/bin/evil", 0o755)
    oci.config["process"]["args"] = ["sh", "-c", "exec thief >/tmp/out"]
    for kind in ("bounding", "effective", "permitted"):  # it may look at every process, also while it is not yet the container's
        oci.config["process"]["capabilities"][kind] = oci.config["process"]["capabilities"][kind] + ["CAP_SYS_PTRACE"]
    oci.up()

    def said():
        with open(rootfs + "/tmp/out") as f:
            return f.read()
    eventually(said)
    for _ in range(60):
        oci.exec(*program, check=False)
        if said() != "waiting\n":
            break
    assert "over" in eventually(lambda: "over" in said() and said())
    assert "won" not in said() and "Read-only" in said(), said()


def test_seapod_oci_protects_itself_where_mounts_are_not_allowed(oci, programs):
    """Then it runs from memory that nobody can write to; that this caller may not make a container is told as ever."""
    oci.write()
    command = ["setpriv", "--bounding-set", "-sys_admin", "strace", "-f", "-e", "execve,execveat,fcntl,open_tree", oci_runtime.OCI, "--root", oci.root,
               "create", "--bundle", oci.bundle, oci.id]
    said = subprocess.run(command, capture_output=True, text=True, timeout=20).stderr
    assert "F_ADD_SEALS" in said and 'execveat(' in said and said.count("open_tree(") >= 1, said


def test_seapod_oci_is_executed_once_from_where_it_is_protected(oci, programs):
    """The launcher, then the runtime from its mount: nothing executes itself again; called directly the runtime protects itself."""
    oci.write()

    def executions(program):
        done = subprocess.run(["strace", "-e", "execve,execveat", program, "--root", oci.root, "run", "--bundle", oci.bundle, oci.id],
                              capture_output=True, text=True, timeout=20)
        assert done.returncode == 0, done.stderr
        return [line for line in done.stderr.splitlines() if line.startswith("exec")]
    oci.config["process"]["args"] = ["true"]
    oci.write()
    for program in (oci_runtime.OCI, f"{programs}/seapod-runtime"):
        calls = executions(program)
        assert len(calls) == 2 and calls[1].startswith("execveat(") and "AT_EMPTY_PATH) = 0" in calls[1], calls


def test_without_its_runtime_seapod_oci_says_so(programs):
    os.unlink(programs / "seapod-runtime")
    done = subprocess.run([oci_runtime.OCI, "--version"], capture_output=True, text=True)
    elsewhere = done.returncode == 0  # an installed one
    assert elsewhere or (done.returncode == 1 and "seapod-runtime" in done.stderr and len(done.stderr.splitlines()) == 1), done


@pytest.mark.parametrize("program", WAYS)
def test_exec_cannot_write_to_the_keeper(seapod, programs, tmp_path, program):
    compiled(tmp_path, "thief", THIEF, "-static")
    files = [("bin/thief", FILE, (tmp_path / "thief").read_bytes()), ("bin/evil", FILE, b"#!/proc/self/exe\n")]
    name = image(seapod, tmp_path, *files, Cmd=["/bin/thief"])
    security = {"capabilities": {"add": ["SYS_PTRACE"]}}  # it may look at every process, also while it is not yet the container's
    seapod.apply(pod("web", {"name": "main", "image": name, "securityContext": security}, **NET))
    for _ in range(60):
        seapod.exec("web", *program, check=False)
        if seapod.logs("web") != "waiting":
            break
    said = eventually(lambda: "over" in (said := seapod.logs("web")) and said)
    assert "won" not in said and ("Read-only" in said or "busy" in said), said  # the pod's own keeper executes it as long as the pod is there


def test_a_containers_program_is_not_the_keeper(seapod, programs, tmp_path):
    """As an image's entrypoint. What it does then, it does as the container."""
    name = image(seapod, tmp_path, ("bin/evil", FILE, b"#!/proc/self/exe\n"), Entrypoint=["/bin/evil"])
    assert seapod.run("run", "--rm", "--net=none", name, check=False).returncode != 0


def test_init_cannot_be_written_to(seapod, tmp_path):
    """Its user and its pod's containers are of one machine, and the program is the host's file."""
    user = {"runAsUser": 65534}
    seapod.apply(pod("web", container("a"), container("b", securityContext=user), shareProcessNamespace=True, **NET))
    for name in "ab":
        done = seapod.exec("web", "sh", "-c", "echo x >/proc/1/exe", c=name, check=False)
        assert done.returncode != 0 and ("Permission denied" in done.stderr or "Read-only" in done.stderr), done.stderr


# --- CVE-2019-14271

NAMES = "libnss_files.so.2 libnss_compat.so.2 libnss_dns.so.2 libgcc_s.so.1 libcap.so.2 libjson-c.so.5 libc.so.6".split()


def test_nothing_is_loaded_from_the_container(seapod, tmp_path):
    """Users are looked up by name, terminals opened, commands executed: no library of the image runs meanwhile."""
    compiled(tmp_path, "evil.so", EVIL, "-shared", "-fPIC")
    library = (tmp_path / "evil.so").read_bytes()
    files = [("etc/passwd", FILE, b"app:x:1000:1000:::\n"), ("etc/group", FILE, b"app:x:1000:\n"), ("etc/nsswitch.conf", FILE, b"passwd: files evil\n")]
    for where in ("lib", "lib64", "lib/x86_64-linux-gnu", "usr/lib", "usr/lib/x86_64-linux-gnu"):
        files += [(f"{where}/{name}", FILE, library) for name in NAMES]
    name = image(seapod, tmp_path, *files, User="app:app", Cmd=["sleep", "1000"])
    seapod.apply(pod("web", {"name": "main", "image": name}, **NET))
    assert seapod.sh("web", "id -u") == "1000"
    assert seapod.exec("web", "ls", "/tmp").stdout == ""
