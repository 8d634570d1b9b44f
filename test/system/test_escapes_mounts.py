"""Paths of another party: links in images and volumes, also such as change meanwhile (docs/security.md, "Paths").

What an attack would reach is a directory of the host, the `victim`: nothing may be made, changed or removed in it, and nothing of it be seen.
"""
import contextlib
import ctypes
import os
import threading

import pytest

from hostile import BUSYBOX_FILE, image
from instance import BUSYBOX, container, eventually, pod, shell
from test_images import DIR, FILE, LINK, layer, oci_archive
from oci_runtime import oci  # noqa: F401

NET = {"hostNetwork": True}
UP = "../" * 12
NAMES = ("secret", "ptmx", "null", "console", "passwd")
TEXT = "2026-01-01T00:00:00.000000000Z stdout F the host's\n"  # such as a log has


@pytest.fixture
def victim(tmp_path):
    folder = tmp_path / "victim"
    folder.mkdir()
    for name in NAMES:
        (folder / name).write_text(TEXT)
    (folder / "sub").mkdir()
    yield folder
    assert sorted(os.listdir(folder)) == sorted((*NAMES, "sub")) and os.listdir(folder / "sub") == []
    assert all((folder / name).read_text() == TEXT for name in NAMES)
    assert all(os.stat(folder / name).st_uid == 0 and os.stat(folder / name).st_mode & 0o777 == 0o644 for name in NAMES)


def link(oci, name, to):
    """A link in the root file system in place of what is there."""
    path = oci.bundle + "/rootfs/" + name
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        os.rmdir(path)
    os.symlink(to, path)


def without(oci, destination):
    oci.config["mounts"] = [m for m in oci.config["mounts"] if m["destination"] != destination]


# --- the runtime's own mount points and devices as links


@pytest.mark.parametrize("mounted", [True, False])
@pytest.mark.parametrize("relative", [True, False])
def test_dev_as_a_link(oci, victim, mounted, relative):
    """CVE-2026-41579 (runc), CVE-2026-47766 (crun): devices and links are made where /dev leads to."""
    if not mounted:
        oci.config["mounts"] = [m for m in oci.config["mounts"] if not m["destination"].startswith("/dev")]
    link(oci, "dev", UP + str(victim) if relative else str(victim))
    oci.run("true", check=False)


@pytest.mark.parametrize("name", ["null", "zero", "tty", "console", "ptmx", "pts"])
def test_a_device_as_a_link(oci, victim, name):
    """CVE-2026-88265 (crun), CVE-2025-31133 (runc): what is bound over masked paths, or opened as standard input, is not /dev/null."""
    oci.config["mounts"] = [m for m in oci.config["mounts"] if not m["destination"].startswith("/dev")]
    link(oci, "dev/" + name, str(victim / "secret"))
    oci.config["linux"]["maskedPaths"] = ["/proc/keys", "/proc/timer_list"]
    assert "the host's" not in oci.run("cat", "/proc/keys", "/proc/timer_list", check=False).stdout


def test_null_as_a_file_does_not_unmask(oci):
    """CVE-2025-31133: a regular file in place of /dev/null would be bound over /proc/keys, for the container to write to."""
    without(oci, "/dev")
    for each in ("/dev/pts", "/dev/shm"):
        without(oci, each)
    os.makedirs(oci.bundle + "/rootfs/dev")
    with open(oci.bundle + "/rootfs/dev/null", "w") as f:
        f.write("not masked")
    oci.config["linux"]["maskedPaths"] = ["/proc/keys"]
    done = oci.run("cat", "/proc/keys", check=False)
    assert done.returncode != 0 and done.stdout == ""


@pytest.mark.parametrize("to", ["victim", "/proc/sysrq-trigger", "/proc/sys/kernel/core_pattern", "/proc/self/attr/exec"])
def test_the_console_as_a_link(oci, victim, to):
    """CVE-2025-52565 (runc), CVE-2026-88264 (crun): the terminal is mounted where /dev/console leads to, or made there."""
    without(oci, "/dev")
    without(oci, "/dev/shm")
    link(oci, "dev/console", str(victim / "new") if to == "victim" else to)
    os.makedirs(oci.bundle + "/rootfs/dev/pts")
    oci.config["process"]["terminal"] = True
    done = oci.run("sh", "-c", "echo x >/proc/sysrq-trigger || echo protected", check=False)
    assert done.returncode != 0 or "protected" in done.stdout


@pytest.mark.parametrize("name", ["proc", "sys"])
@pytest.mark.parametrize("to", ["/tmp", "tmp", "victim"])
def test_proc_and_sys_as_links(oci, victim, name, to):
    """CVE-2019-19921, CVE-2023-27561, CVE-2023-28642 (runc): /proc is mounted elsewhere, and what is to be masked is not."""
    link(oci, name, str(victim) if to == "victim" else to)
    done = oci.run("sh", "-c", "cat /proc/keys; ls /sys/firmware /tmp", check=False)
    assert done.returncode != 0 and "symbolic link" in done.stderr and done.stdout == ""


@pytest.mark.parametrize("where", ["/proc", "/proc/self", "/proc/self/attr", "/proc/sys", "/proc/keys"])
def test_a_volume_over_proc_protects_nothing_and_is_refused(oci, where):
    """CVE-2019-16884, CVE-2025-52881 (runc): an image's volume lies over /proc, so masks and security labels go into files of its own."""
    fake = oci.dir + "/fake"
    for name in ("attr", "self/attr", "sys/net/ipv4", "keys"):
        os.makedirs(f"{fake}/{name}", exist_ok=True)
    oci.config["mounts"].append({"destination": where, "type": "bind", "source": fake, "options": ["rbind"]})
    oci.config["linux"]["sysctl"] = {"net.ipv4.ip_default_ttl": "77"}
    oci.config["linux"]["maskedPaths"] = ["/proc/keys", "/proc/timer_list", "/proc/sched_debug"]
    done = oci.run("sh", "-c", "cat /proc/timer_list /proc/keys; cat /proc/sys/net/ipv4/ip_default_ttl", check=False)
    assert done.returncode != 0 or done.stdout in ("", "77\n"), done.stdout
    assert not any(files for _, _, files in os.walk(fake)), "a file of procfs was written to the volume"


def test_an_image_full_of_links(seapod, tmp_path, victim):
    """CVE-2015-3627, -3629, -3630, -3631, CVE-2014-6407 (Docker), CVE-2024-5154 (CRI-O: /etc/mtab), CVE-2024-1753, -9407 (Buildah): whatever the
    runtime mounts, makes or reads is a link that leads out."""
    for at, (name, to) in enumerate([("etc", str(victim)), ("etc/hosts", UP + str(victim / "new")), ("etc/resolv.conf", str(victim / "secret")),
                                     ("etc/hostname", str(victim / "secret")), ("etc/mtab", str(victim / "new")),
                                     ("dev", str(victim)), ("dev/shm", str(victim / "sub")), ("dev/termination-log", str(victim / "new")),
                                     ("work", str(victim)), ("vol", UP + str(victim)), ("etc/passwd", str(victim / "passwd"))]):
        inside = [("bin", DIR), ("bin/busybox", FILE, BUSYBOX_FILE), *([(name.split("/")[0], DIR)] if "/" in name else []), (name, LINK, to)]
        oci_archive(tmp_path / "evil.tar", f"localhost/evil:{at}", layer(*inside), compress=False, config={"WorkingDir": "/work"})
        seapod.run("load", tmp_path / "evil.tar")
        names = [{"name": "v", "mountPath": "/vol/new"}]
        web = pod("web", {"name": "main", "image": f"localhost/evil:{at}", "command": ["/bin/busybox", "find", "/etc/", "/vol/", "/work/", "-maxdepth", "2"],
                          "volumeMounts": names}, volumes=[{"name": "v", "emptyDir": {}}], restartPolicy="Never", **NET)
        seapod.apply(web, check=False)
        eventually(lambda: seapod.phase("web") in ("Succeeded", "Failed") or "waiting" in seapod.status("web", "main")["state"])
        assert "secret" not in seapod.run("logs", "web", check=False).stdout, name
        seapod.delete("web", "--now")


def test_an_images_volumes_bring_nothing_of_the_host(seapod, tmp_path, victim):
    """CVE-2022-23648 (containerd): what is at an image's VOLUME is copied into it, and the path leads out."""
    volumes = {str(victim): {}, UP + str(victim): {}, "/" + UP + str(victim): {}}
    name = image(seapod, tmp_path, Volumes=volumes, Cmd=["find", "/", "-name", "secret"])
    assert seapod.run("run", "--rm", "--net=none", name).stdout == ""


# --- links in shared volumes, set before and while the others start


def rename_exchange(a, b):
    libc, here, exchange = ctypes.CDLL(None, use_errno=True), -100, 2
    libc.renameat2(here, a.encode(), here, b.encode(), exchange)


@contextlib.contextmanager
def flipping(a, b):
    """Another party that exchanges A and B all the time, as a container that shares a volume can."""
    over = threading.Event()

    def flip():
        while not over.is_set():
            rename_exchange(a, b)
    thread = threading.Thread(target=flip)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@pytest.fixture
def race(oci, victim):
    """A volume at /vol in which `a` is now a directory and now a link that leads to the victim."""
    shared = oci.dir + "/shared"
    os.makedirs(shared + "/a/sub")
    os.symlink(UP + str(victim), shared + "/b")
    oci.config["mounts"].append({"destination": "/vol", "type": "bind", "source": shared, "options": ["rbind"]})
    with flipping(shared + "/a", shared + "/b"):
        yield oci


ROUNDS = 25


def test_mount_points_in_a_volume_that_changes(race):
    """CVE-2021-30465 (runc): the mount point is resolved, becomes a link, and is mounted on. CVE-2024-45310: directories and files are made for it."""
    source = race.dir + "/source"
    os.makedirs(source)
    with open(source + "/file", "w") as f:
        f.write("mounted")
    race.config["mounts"] += [{"destination": "/vol/a/new/dir", "type": "bind", "source": source, "options": ["bind"]},
                              {"destination": "/vol/a/sub/file", "type": "bind", "source": source + "/file", "options": ["bind"]},
                              {"destination": "/vol/a/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["tmpcopyup"]}]
    ran = 0
    for _ in range(ROUNDS):
        ran += race.run("true", check=False).returncode == 0
        race.call("delete", "--force", race.id, check=False)
    assert ran, "none of them came as far as to be attacked"


def test_working_directories_in_a_volume_that_changes(race):
    race.config["process"]["cwd"] = "/vol/a/made/here"
    for _ in range(ROUNDS):
        assert "secret" not in race.run("ls", "..", check=False).stdout
        race.call("delete", "--force", race.id, check=False)


def test_masks_in_a_volume_that_changes(race, victim):
    """The mask of a path that is exchanged for a link: neither the host's file is hidden, nor is it shown."""
    race.config["linux"]["maskedPaths"] = ["/vol/a/secret", "/vol/a/sub"]
    race.config["linux"]["readonlyPaths"] = ["/vol/a/passwd", "/vol/a"]
    for _ in range(ROUNDS):
        race.run("true", check=False)
        race.call("delete", "--force", race.id, check=False)
    assert not os.path.ismount(victim / "sub")


SUB_PATHS = ["out", "out/sub", "file", "up"]


@pytest.mark.parametrize("sub", SUB_PATHS)
def test_a_sub_path_that_is_a_link(seapod, victim, sub):
    """CVE-2017-1002101 (Kubernetes): the sub-path of a volume is a link that another container has made."""
    plant = f"ln -s {victim} /v/out; ln -s {victim}/secret /v/file; ln -s {UP} /v/up; echo inside >/v/inside"
    seapod.apply(pod("web", shell("find /s -follow -maxdepth 2; cat /s", volumeMounts=[{"name": "v", "mountPath": "/s", "subPath": sub}]),
                     initContainers=[shell(plant, "plant", volumeMounts=[{"name": "v", "mountPath": "/v"}])],
                     volumes=[{"name": "v", "emptyDir": {}}], restartPolicy="Never", **NET), check=False)
    eventually(lambda: seapod.phase("web") in ("Succeeded", "Failed"))
    said = seapod.run("logs", "web", check=False).stdout
    assert "secret" not in said and "the host's" not in said and "vmlinuz" not in said and "lost+found" not in said, said


def test_a_sub_path_that_changes(seapod, tmp_path, victim):
    """CVE-2021-25741 (Kubernetes): it is exchanged for a link between its check and its mount."""
    shared = tmp_path / "shared"
    (shared / "a" / "sub").mkdir(parents=True)
    os.symlink(UP + str(victim), shared / "b")
    mounts = [{"name": "v", "mountPath": f"/s{i}", "subPath": path} for i, path in enumerate(["a", "a/sub", "a/new", "a/secret"])]
    tries = [shell("ls -R /s0 /s1 /s2 /s3; cat /s3", f"c{i}", volumeMounts=mounts) for i in range(20)]
    with flipping(str(shared / "a"), str(shared / "b")):
        seapod.apply(pod("web", *tries, volumes=[{"name": "v", "hostPath": {"path": str(shared)}}], restartPolicy="Never", **NET), check=False)
        eventually(lambda: seapod.phase("web") in ("Succeeded", "Failed"))
    said = seapod.run("logs", "web", "--all-containers", check=False).stdout + seapod.run("logs", "web", "-c", "c0", check=False).stdout
    assert "the host's" not in said and "ptmx" not in said, said


# --- what the keeper reads and writes for a container


def test_the_termination_message_is_no_way_to_a_file_of_the_host(seapod, victim):
    """A link in place of the file: the message is the pod's own file, whatever the container does to the path."""
    script = f"ln -sf {victim}/secret /tmp/message; ls /tmp; exit 3"
    seapod.apply(pod("web", shell(script, terminationMessagePath="/tmp/message"), restartPolicy="Never", **NET))
    eventually(lambda: seapod.phase("web") == "Failed")
    assert "the host's" not in str(seapod.status("web"))


@pytest.mark.parametrize("what", ["file", "directory"])
def test_logs_are_not_read_or_written_through_links(seapod, victim, what):
    """A container with the host's log directory (as log shippers have it) could show its own log as any file of the host, and have the keeper
    write to one (CVE-2017-1002102's class)."""
    seapod.apply(pod("web", shell("echo first; sleep 1000"), **NET))
    folder = f"{seapod.root}/log/pods/default_web_{seapod.uid('web')}"
    eventually(lambda: seapod.logs("web") == "first")
    if what == "file":
        os.rename(folder + "/main/0.log", folder + "/main/old")
        os.symlink(victim / "secret", folder + "/main/0.log")
    else:
        os.rename(folder + "/main", folder + "/old")
        os.symlink(victim, folder + "/main")
        os.symlink("secret", victim / "0.log")
    done = seapod.run("logs", "web", check=False)
    if what == "directory":
        os.unlink(victim / "0.log")
    assert "the host's" not in done.stdout and done.returncode != 0
    seapod.run("restart", "web", check=False)
    seapod.delete("web", "--now")


def test_objects_in_volumes_cannot_be_changed_from_inside(seapod, victim):
    """CVE-2017-1002102 (Kubernetes): the kubelet removes what a link in a configMap's volume names. These volumes are read-only for everybody."""
    seapod.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"k": "value"}})
    seapod.apply(pod("web", container(volumeMounts=[{"name": "v", "mountPath": "/c", "readOnly": False}]),
                     volumes=[{"name": "v", "configMap": {"name": "c"}}], **NET))
    for script in (f"ln -s {victim} /c/new", "rm /c/k", "echo x >/c/k", "mv /c/..data /c/x"):
        done = seapod.exec("web", "sh", "-c", script, check=False)
        assert done.returncode != 0 and "Read-only" in done.stderr, done.stderr
