"""A container with SYS_PTRACE and without a user namespace of its own traces whoever comes into its process namespace.

It stops the process that `exec` brings in at its first instruction, and looks for rights, descriptors and memory of the host's. What it catches
is to be no more than what it may have anyway (src/oci/child_birth.c).
"""
import os
import re

from hostile import compiled
from instance import container, eventually, pod
from oci_runtime import CAPS, oci  # noqa: F401

SECRET = "seapod-secret-of-the-host-7351"
ROUNDS = 15

TRACER = r"""
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>
static char secret[] = "fdbqpe.tfdsfu.pg.uif.iptu.8462"; /* every character one further, so that it is not found in ourselves */
static void memory(int pid)
{
	char path[64], line[512], mode[8], *text;
	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	FILE *maps = fopen(path, "r");
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	int mem = open(path, O_RDONLY), read_some = 0;
	unsigned long from, to;
	while (maps && fgets(line, sizeof(line), maps))
		if (sscanf(line, "%lx-%lx %7s", &from, &to, mode) == 3 && mode[0] == 'r' && to - from < 64 << 20 && (text = malloc(to - from))) {
			ssize_t n = pread(mem, text, to - from, from);
			read_some |= n > 0;
			if (n > 0 && memmem(text, n, secret, sizeof(secret) - 1))
				printf("secret %s", line);
			free(text);
		}
	if (!read_some)
		puts("nothing could be read");
	if (maps)
		fclose(maps);
	close(mem);
}
static void look(int pid)
{
	char path[64], to[4096], line[256];
	ssize_t length;
	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	length = readlink(path, to, sizeof(to) - 1);
	to[length > 0 ? length : 0] = 0;
	if (strstr(to, "busybox"))
		return; /* it is the container's own program by now */
	printf("caught\nprogram %s\n", to);
	for (int n = 0; n < 64; n++) {
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, n);
		length = readlink(path, to, sizeof(to) - 1);
		to[length > 0 ? length : 0] = 0;
		if (n > 2 && length > 0)
			printf("descriptor %d %s\n", n, to);
	}
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	FILE *f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, "CapPrm:", 7) || !strncmp(line, "CapBnd:", 7) || !strncmp(line, "Seccomp:", 8))
			printf("%s", line);
	if (f)
		fclose(f);
	memory(pid);
	fflush(stdout);
}
int main(void)
{
	for (char *c = secret; *c; c++)
		(*c)--;
	puts("watching");
	fflush(stdout);
	for (int next = getpid() + 1; access("/tmp/stop", F_OK) < 0; next++) {
		int first = next, status;
		while (ptrace(PTRACE_SEIZE, next, 0, 0) < 0) { /* until there is one; a number that is gone already is passed over */
			if (++next > first + 6)
				next = first;
			if (access("/tmp/stop", F_OK) == 0)
				goto out;
		}
		ptrace(PTRACE_INTERRUPT, next, 0, 0);
		if (waitpid(next, &status, __WALL) == next && WIFSTOPPED(status)) {
			look(next);
			ptrace(PTRACE_DETACH, next, 0, 0);
		}
	}
out:
	puts("done");
	return 0;
}
"""


def verdict(text, allowed):
    assert text.split("\n").count("caught") >= 2, "nobody was caught before its execve: the attack has shown nothing\n" + text
    assert "nothing could be read" not in text and "secret" not in text, text
    for line in text.splitlines():
        if line.startswith("descriptor"):
            assert re.fullmatch(r"descriptor \d+ (socket:\[\d+\]|)", line), text
        if line.startswith("Cap"):
            assert int(line.split()[1], 16) & ~allowed == 0, text


def rights(*names):
    numbers = {"CAP_CHOWN": 0, "CAP_KILL": 5, "CAP_NET_BIND_SERVICE": 10, "CAP_SYS_PTRACE": 19}
    return sum(1 << numbers[n] for n in names)


def test_a_tracer_gets_nothing_of_a_bundles_exec(oci, monkeypatch):
    monkeypatch.setenv("SECRET", SECRET)
    compiled(oci.bundle + "/rootfs/bin", "tracer", TRACER, "-static")
    oci.config["process"]["capabilities"] = {kind: [*CAPS, "CAP_SYS_PTRACE"] for kind in ("bounding", "effective", "permitted")}
    oci.config["process"]["args"] = ["sh", "-c", "exec tracer >/tmp/out"]
    oci.config["annotations"] = {"secret": SECRET}
    oci.up()
    out = oci.bundle + "/rootfs/tmp/out"
    eventually(lambda: os.path.exists(out) and open(out).read())
    for _ in range(ROUNDS):
        assert oci.exec("echo", "on").stdout == "on\n"
    oci.exec("touch", "/tmp/stop", check=False)
    oci.stopped()
    with open(out) as f:
        verdict(f.read(), rights("CAP_SYS_PTRACE", *CAPS))


def test_a_tracer_gets_nothing_of_a_pods_exec(seapod, tmp_path):
    """The keeper knows the other containers' secrets."""
    compiled(tmp_path, "tracer", TRACER, "-static")
    quiet = container("quiet", ["sleep", "1000"], env=[{"name": "SECRET", "value": SECRET}])
    security = {"capabilities": {"drop": ["ALL"], "add": ["SYS_PTRACE", "KILL"]}}
    seapod.apply(pod("web", container("main", ["/host/tracer"], securityContext=security, volumeMounts=[{"name": "v", "mountPath": "/host"}]), quiet,
                     volumes=[{"name": "v", "hostPath": {"path": str(tmp_path)}}], restartPolicy="Never", hostNetwork=True))
    eventually(lambda: "watching" in seapod.logs("web", "-c", "main"))
    for _ in range(ROUNDS):
        assert seapod.exec("web", "echo", "on", c="main").stdout == "on\n"
    seapod.exec("web", "touch", "/tmp/stop", c="main", check=False)
    eventually(lambda: "done" in seapod.logs("web", "-c", "main"))
    verdict(seapod.logs("web", "-c", "main"), rights("CAP_SYS_PTRACE", "CAP_KILL"))
