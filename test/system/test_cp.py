"""cp: both ways, and what a hostile container may try."""
import gzip
import io
import os
import subprocess
import tarfile

import instance
from instance import container, pod, shell, STAY

NET = {"hostNetwork": True}


def test_out_of_a_container(seapod):
    seapod.apply(pod("web", container(), **NET))
    seapod.sh("web", "mkdir -p /srv/a/b; echo one >/srv/a/f; echo two >/srv/a/b/g; chmod 4750 /srv/a/f")
    to = seapod.dir
    seapod.run("cp", "web:/srv/a", f"{to}/new")
    assert open(f"{to}/new/f").read() == "one\n" and open(f"{to}/new/b/g").read() == "two\n"
    assert os.stat(f"{to}/new/f").st_mode & 0o7777 == 0o750
    seapod.run("cp", "web:srv/a/b/", f"{to}/new")  # into what is there
    assert open(f"{to}/new/b/g").read() == "two\n"
    seapod.run("cp", "-c", "main", "pod/web:/srv/a/f", to, cwd=to)
    assert open(f"{to}/f").read() == "one\n"


def test_into_a_container(seapod):
    seapod.apply(pod("web", container("a"), container("b"), **NET))
    os.makedirs(f"{seapod.dir}/site/sub")
    with open(f"{seapod.dir}/site/sub/page", "w") as f:
        f.write("x" * 200_000)
    os.symlink("sub/page", f"{seapod.dir}/site/link")
    seapod.run("cp", "-c", "b", f"{seapod.dir}/site", "web:/srv")
    assert seapod.sh("web", "wc -c </srv/site/link; ls -ln /srv/site/sub/page | tr -s ' ' | cut -d' ' -f3,4", c="b") == "200000\n0 0"
    assert seapod.sh("web", "ls /srv", c="a") == ""


def test_a_container_cannot_lead_out(seapod):
    """Its links are left behind or stay inside; so does "..", and a link where a file is to be written is replaced."""
    seapod.apply(pod("web", container(), **NET))
    secret, victim = f"{seapod.dir}/secret", f"{seapod.dir}/victim"
    for name, text in ((secret, "host"), (victim, "whole")):
        with open(name, "w") as f:
            f.write(text)
    seapod.sh("web", f"mkdir -p /srv/d {seapod.dir}; echo inside >{secret}; ln -s {secret} /srv/d/link; mkfifo /srv/d/pipe; "
                     f"ln -s {victim} /srv/file; ln -s / /srv/out; echo fine >/srv/d/ok")
    done = seapod.run("cp", "web:/srv/d", f"{seapod.dir}/d")
    assert os.listdir(f"{seapod.dir}/d") == ["ok"] and done.stderr.count("left out") == 2
    seapod.run("cp", "web:/srv/d/link", f"{seapod.dir}/copy")  # asked for by name, it is followed, inside
    assert open(f"{seapod.dir}/copy").read() == "inside\n"
    seapod.run("cp", "web:/srv/out/../../../../.." + secret, f"{seapod.dir}/copy2")
    assert open(f"{seapod.dir}/copy2").read() == "inside\n"
    seapod.run("cp", f"{seapod.dir}/d/ok", "web:/srv/file")
    assert open(victim).read() == "whole" and seapod.sh("web", "cat /srv/file") == "fine"


def test_links_that_lie_where_a_copy_goes_are_not_followed(seapod):
    seapod.apply(pod("web", container(), **NET))
    seapod.sh("web", "mkdir /srv/d; echo new >/srv/d/f")
    with open(f"{seapod.dir}/victim", "w") as f:
        f.write("whole")
    os.makedirs(f"{seapod.dir}/there/d")
    os.symlink(f"{seapod.dir}/victim", f"{seapod.dir}/there/d/f")
    seapod.run("cp", "web:/srv/d", f"{seapod.dir}/there")
    assert open(f"{seapod.dir}/victim").read() == "whole" and open(f"{seapod.dir}/there/d/f").read() == "new\n"


def test_what_cannot_be_copied(seapod):
    seapod.apply(pod("web", shell(STAY[2]), **NET))
    assert "nosuch" in seapod.fails("cp", "web:/nosuch", seapod.dir)
    assert "nobody" in seapod.fails("cp", "nobody:/x", seapod.dir)
    assert "POD:PATH" in seapod.fails("cp", "a", "b", code=2)
    assert "container" in seapod.fails("cp", "-c", "other", "web:/etc/passwd", seapod.dir)


def test_what_is_no_file_is_said(seapod, tmp_path):
    seapod.apply(pod("web", container(), hostNetwork=True))
    assert "'/dev/null' is a device, which cannot be copied" in seapod.fails("cp", "web:/dev/null", tmp_path / "F")
    os.mkfifo(tmp_path / "pipe")
    assert "is a pipe" in seapod.fails("cp", tmp_path / "pipe", "web:/tmp")


def test_a_tar_to_standard_output_and_from_standard_input(seapod, tmp_path):
    seapod.apply(pod("web", container(), hostNetwork=True))
    seapod.sh("web", "mkdir -p /data/sub; echo one >/data/a; echo two >/data/sub/b; ln -s /etc/passwd /data/link; chmod 4750 /data/a")
    done = subprocess.run([instance.SEAPOD, "cp", "web:/data", "-"], env=seapod.env, stdout=subprocess.PIPE, check=True)
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as tar:
        assert sorted(tar.getnames()) == ["data", "data/a", "data/link", "data/sub", "data/sub/b"]
        assert tar.extractfile("data/sub/b").read() == b"two\n"
        assert tar.getmember("data/link").linkname == "/etc/passwd" and tar.getmember("data/a").mode == 0o750
    subprocess.run([instance.SEAPOD, "cp", "-", "web:/tmp"], env=seapod.env, input=gzip.compress(done.stdout), check=True)
    assert seapod.sh("web", "cat /tmp/data/a /tmp/data/sub/b; readlink /tmp/data/link") == "one\ntwo\n/etc/passwd"
    assert not os.listdir(seapod.root + "/partial")
    assert "it does not exist" in seapod.fails("cp", "web:/nosuch", "-")
    assert "cannot open the directory '/nosuch'" in seapod.fails("cp", "-", "web:/nosuch", input="")


def test_a_hostile_tar_stays_in_its_directory(seapod, tmp_path):
    seapod.apply(pod("web", container(), hostNetwork=True))
    seapod.sh("web", "mkdir /in; ln -s /etc /in/out")
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for name, kind, link in [("l", tarfile.SYMTYPE, "/etc"), ("out/x", tarfile.REGTYPE, ""), ("null", tarfile.CHRTYPE, "")]:
            one = tarfile.TarInfo(name)
            one.type, one.linkname = kind, link
            tar.addfile(one)
    done = subprocess.run([instance.SEAPOD, "cp", "-", "web:/in"], env=seapod.env, input=made.getvalue(), stderr=subprocess.PIPE)
    assert b"'null' is a device, pipe or socket and was left out" in done.stderr or done.returncode == 1
    assert seapod.sh("web", "ls /etc/x 2>/dev/null; true") == "" and not os.path.exists("/etc/x")
    up = io.BytesIO()
    with tarfile.open(fileobj=up, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("../evil"))
    done = subprocess.run([instance.SEAPOD, "cp", "-", "web:/in"], env=seapod.env, input=up.getvalue(), stderr=subprocess.PIPE)
    assert done.returncode == 1 and not os.path.exists(seapod.root + "/evil") and not os.path.exists(seapod.root + "/partial/evil")


def test_a_namespace_before_the_pod(seapod, tmp_path):
    one = pod("web", container(), hostNetwork=True)
    one["metadata"]["namespace"] = "other"
    seapod.apply(one)
    seapod.run("cp", "other/web:/etc/passwd", tmp_path / "x")
    assert "root" in (tmp_path / "x").read_text()
    seapod.run("cp", tmp_path / "x", "other/web:/tmp/y")
    assert "root" in seapod.run("exec", "-n", "other", "web", "--", "cat", "/tmp/y").stdout


def test_many_that_are_left_out_are_counted(seapod, tmp_path):
    seapod.apply(pod("web", container(), **NET))
    seapod.sh("web", "mkdir /links; for i in $(seq 9); do ln -s x /links/$i; done")
    said = seapod.run("cp", "web:/links", tmp_path).stderr.splitlines()
    assert len(said) == 6 and "4 more were left out" in said[-1]
