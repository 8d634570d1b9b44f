"""Descriptors and processes of the runtime that a container could get hold of (docs/security.md, "Descriptors and processes").

CVE-2024-21626 (runc): a directory of the host stays open until execve, and the image's working directory or entrypoint leads through it.
CVE-2016-9962 (runc): a process that is about to become the container's can be traced, and its descriptors opened, from inside.
"""
import os
import subprocess
import tempfile

import pytest

import instance
from hostile import TO_THE_HOST, compiled, image
from instance import container, eventually, pod, shell
from oci_runtime import oci  # noqa: F401

NET = {"hostNetwork": True}
NUMBERS = range(3, 32)  # more than any of the runtime's programs has open


def leads_out(fd):
    return f"/proc/self/fd/{fd}/{TO_THE_HOST}"


# --- CVE-2024-21626: leaked descriptors


def test_an_entrypoint_does_not_lead_through_a_descriptor(seapod):
    """In one pod, as its containers are what is tried: one with the host's program would end well."""
    tries = [container(f"fd{fd}", [leads_out(fd), "true"]) for fd in NUMBERS]
    seapod.apply(pod("web", *tries, restartPolicy="Never", **NET), check=False)

    def ended():
        status = seapod.status("web")["containerStatuses"]
        assert all("terminated" in c["state"] or "waiting" in c["state"] for c in status)
        return status
    for each in eventually(ended):
        assert each["state"].get("terminated", {}).get("exitCode") != 0, each


def test_an_images_entrypoint_does_not_either(seapod, tmp_path):
    for fd in (3, 5, 8, 10):
        name = image(seapod, tmp_path, name=f"localhost/evil:{fd}", Entrypoint=[leads_out(fd), "true"])
        assert seapod.run("run", "--rm", "--net=none", name, check=False).returncode in (126, 127)


def test_an_images_working_directory_does_not_lead_through_a_descriptor(seapod, tmp_path):
    for fd in (3, 5, 8, 10):
        name = image(seapod, tmp_path, name=f"localhost/evil:{fd}", WorkingDir=f"/proc/self/fd/{fd}", Cmd=["cat", "../../../etc/passwd"])
        done = seapod.run("run", "--rm", "--net=none", name, check=False)
        assert done.returncode != 0 and "root" not in done.stdout


def test_exec_does_not_lead_through_a_descriptor(seapod):
    seapod.apply(pod("web", **NET))
    for fd in NUMBERS:
        assert seapod.exec("web", leads_out(fd), "true", check=False).returncode in (126, 127), fd


def test_a_bundles_program_and_directory_do_not_lead_through_a_descriptor(oci):
    oci.config["process"]["args"] = ["sleep", "100"]
    oci.up()
    for fd in NUMBERS:
        assert oci.exec(leads_out(fd), "true", check=False).returncode != 0, fd
        assert oci.call("exec", "--cwd", f"/proc/self/fd/{fd}", oci.id, "cat", "../../../etc/passwd", check=False).returncode != 0, fd
    oci.call("delete", "--force", oci.id)
    for fd in NUMBERS[:12]:
        assert oci.run(leads_out(fd), "true", check=False).returncode != 0, fd
        oci.config["process"]["cwd"] = f"/proc/self/fd/{fd}"
        assert oci.run("true", check=False).returncode != 0, fd
        oci.config["process"]["cwd"] = "/"


DESCRIPTORS = "for f in /proc/self/fd/*; do readlink $f; done; true"  # what the shell has opened itself is gone by then


def outside(text):
    """The descriptors that are neither the three of a program, which are pipes or /dev/null, nor the shell's own."""
    return [line for line in text.splitlines() if line and not line.startswith(("pipe:", "/dev/null", "/proc/", "/dev/pts", "/tmp/"))]


def test_no_descriptor_is_open_in_a_container_in_exec_or_in_init(seapod):
    seapod.apply(pod("web", shell(f"{DESCRIPTORS}; exec sleep 1000"), shareProcessNamespace=True, **NET))
    eventually(lambda: seapod.logs("web"))
    assert outside(seapod.logs("web")) == []
    assert outside(seapod.sh("web", DESCRIPTORS)) == []
    init = seapod.children(seapod.keeper("web"))
    for pid in init:
        links = [os.readlink(f"/proc/{pid}/fd/{n}") for n in os.listdir(f"/proc/{pid}/fd")]
        assert len(links) == 3 and outside("\n".join(links)) == [], links


def test_no_descriptor_is_open_in_a_bundles_program_exec_or_hook(oci):
    host = os.path.join(oci.dir, "host")
    with open(os.path.join(oci.dir, "hook"), "w") as f:
        f.write(f"#!/bin/sh\nexec >>{host}\nfor n in /proc/self/fd/*; do readlink $n; done\ntrue\n")
    os.chmod(oci.dir + "/hook", 0o755)
    path = oci.dir + "/hook"
    oci.config["hooks"] = {name: [{"path": path}] for name in ("prestart", "createRuntime", "createContainer", "poststart", "poststop")}
    with tempfile.TemporaryDirectory() as d:  # an open directory of the caller's must not come in either
        fd = os.open(d, os.O_RDONLY)
        os.set_inheritable(fd, True)
        said = oci.sh(DESCRIPTORS, close_fds=False)
        os.close(fd)
    assert [line for line in outside(said) if "seapod-oci-test" in line or line.startswith("/run")] == []
    oci.call("delete", "--force", oci.id)
    with open(host) as f:
        for line in f:
            assert line.startswith(("pipe:", "/dev/null", "/proc/", host, "/memfd:state", path, "/tmp/")) or "deleted" in line, line
    del oci.config["hooks"]
    oci.config["process"]["args"] = ["sleep", "100"]
    oci.up()
    assert outside(oci.exec("sh", "-c", DESCRIPTORS).stdout) == []


@pytest.fixture
def directory(tmp_path):
    """Open; openat(0, "..") would lead from it to all of the host."""
    fd = os.open(tmp_path, os.O_RDONLY)
    yield fd
    os.close(fd)


def test_a_directory_is_no_standard_input_of_exec(seapod, directory):
    seapod.apply(pod("web", **NET))
    done = subprocess.run([instance.SEAPOD, "exec", "-i", "web", "--", "true"], env=seapod.env, stdin=directory, capture_output=True, text=True)
    assert done.returncode != 0 and "directory" in done.stderr


def test_a_directory_is_no_standard_input_of_a_bundle(oci, directory):
    assert "directory" in oci.run("true", check=False, input=directory).stderr


# --- CVE-2016-9962: processes that are not yet the container's

# Looks at every process that it can see, for as long as it is not told to stop: whatever of one that is on its way into the container can be
# opened, is one of the host's files.
WATCHER = r"""
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>
static void look(int pid)
{
	char path[64], to[4096];
	for (int n = 3; n < 40; n++) {
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, n);
		ssize_t length = readlink(path, to, sizeof(to) - 1);
		if (length <= 0)
			continue;
		to[length] = 0;
		if (to[0] == '/' && strncmp(to, "/dev/", 5) && strncmp(to, "/proc/", 6))
			printf("descriptor %s\n", to);
	}
	/* What it is after execve is ours to trace; before, it must not be. */
	long traced = ptrace(PTRACE_SEIZE, pid, 0, 0);
	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	ssize_t length = readlink(path, to, sizeof(to) - 1);
	to[length > 0 ? length : 0] = 0;
	if (strstr(to, "seapod"))
		printf("program %s\n", to);
	if (traced == 0) {
		ptrace(PTRACE_INTERRUPT, pid, 0, 0);
		waitpid(pid, 0, __WALL);
		ptrace(PTRACE_DETACH, pid, 0, 0);
	}
	fflush(stdout);
}
int main(void)
{
	puts("watching");
	fflush(stdout);
	for (int last = getpid(); access("/tmp/stop", F_OK) < 0;) {
		FILE *f = fopen("/proc/loadavg", "r"); /* its last word is the newest process */
		int newest = last;
		if (f && fscanf(f, "%*s %*s %*s %*s %d", &newest) == 1 && newest != last)
			look(newest);
		else
			for (int pid = last + 1; pid < last + 4; pid++)
				look(pid);
		last = newest;
		if (f)
			fclose(f);
	}
	puts("done");
	return 0;
}
"""


def test_exec_cannot_be_traced_from_inside(seapod, tmp_path):
    compiled(tmp_path, "watcher", WATCHER, "-static")
    seapod.apply(pod("web", shell("exec /host/watcher", volumeMounts=[{"name": "v", "mountPath": "/host", "readOnly": True}]),
                     volumes=[{"name": "v", "hostPath": {"path": str(tmp_path)}}], restartPolicy="Never", **NET))
    eventually(lambda: "watching" in seapod.logs("web"))
    for _ in range(20):
        seapod.exec("web", "true")
    seapod.exec("web", "touch", "/tmp/stop", check=False)  # its end is the end of all
    eventually(lambda: seapod.logs("web", "--tail", "50").endswith("done"))
    assert set(seapod.logs("web").split("\n")) == {"watching", "done"}


def test_a_bundles_exec_cannot_be_traced_from_inside(oci):
    compiled(oci.bundle + "/rootfs/bin", "watcher", WATCHER, "-static")
    oci.config["process"]["args"] = ["sh", "-c", "exec watcher >/tmp/out"]
    oci.up()
    out = oci.bundle + "/rootfs/tmp/out"
    eventually(lambda: os.path.exists(out) and open(out).read())
    for _ in range(20):
        oci.exec("true")
    oci.exec("touch", "/tmp/stop", check=False)
    oci.stopped()
    with open(out) as f:
        assert set(f.read().split("\n")) == {"watching", "done", ""}
