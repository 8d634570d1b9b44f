"""seapod build: images from Dockerfiles (docs/build.md)."""
import json
import os
import signal
import subprocess
import tarfile

import pytest

from instance import eventually

BASE = "FROM seapod.test/busybox\n"


@pytest.fixture
def build(seapod, tmp_path):
    """build(DOCKERFILE, *ARGUMENTS, files...) builds the image localhost/t and prints what was said."""
    context = tmp_path / "context"
    context.mkdir()

    def run(dockerfile, *args, check=True, **files):
        (context / "Dockerfile").write_text(dockerfile)
        for name, text in files.items():
            (context / name).write_text(text)
        return seapod.run("build", "-t", "t", *args, str(context), check=check, timeout=120)

    run.context = context
    return run


def said(seapod, script):
    return seapod.run("run", "--rm", "--net", "none", "localhost/t", "sh", "-c", script).stdout


def config(seapod, tmp_path):
    """The image's config, as podman and docker read it from the saved archive."""
    seapod.run("save", "-o", str(tmp_path / "t.tar"), "localhost/t")
    with tarfile.open(tmp_path / "t.tar") as tar:
        manifest = json.load(tar.extractfile("manifest.json"))
        return json.load(tar.extractfile(manifest[0]["Config"]))


def layer(seapod, tmp_path, n=-1):
    seapod.run("save", "-o", str(tmp_path / "t.tar"), "localhost/t")
    with tarfile.open(tmp_path / "t.tar") as tar:
        manifest = json.load(tar.extractfile("manifest.json"))
        with tarfile.open(fileobj=tar.extractfile(manifest[0]["Layers"][n])) as inner:
            return {m.name: m for m in inner.getmembers()}


def test_run_copy_and_metadata(seapod, build, tmp_path):
    build(BASE + """ARG WHO=nobody
ENV GREETING="hello $WHO" DIR=/srv
LABEL a=1 b="two words"
WORKDIR $DIR
COPY a.txt b.txt ./
RUN echo "$GREETING" >greeting && cat a.txt b.txt >>greeting
EXPOSE 80 53/udp
VOLUME /data
USER 1000
STOPSIGNAL SIGINT
HEALTHCHECK --interval=5s CMD true
ENTRYPOINT ["cat"]
CMD ["/srv/greeting"]
""", "--build-arg", "WHO=world", **{"a.txt": "A\n", "b.txt": "B\n"})
    assert seapod.run("run", "--rm", "--net", "none", "localhost/t").stdout == "hello world\nA\nB\n"
    made = config(seapod, tmp_path)["config"]
    assert made["ExposedPorts"] == {"80/tcp": {}, "53/udp": {}}
    assert made["Labels"] == {"a": "1", "b": "two words"} and made["Volumes"] == {"/data": {}}
    assert made["User"] == "1000" and made["StopSignal"] == "SIGINT" and made["WorkingDir"] == "/srv"
    assert made["Healthcheck"] == {"Test": ["CMD-SHELL", "true"], "Interval": 5000000000}


def test_stages_scratch_and_owners(seapod, build, tmp_path):
    build(BASE.replace("\n", " AS make\n") + """RUN mkdir /out && echo made >/out/file && ln -s file /out/link && chown 7:8 /out/file
FROM scratch AS bare
COPY --from=make /out/ /new/
FROM seapod.test/busybox
COPY --from=bare /new /copied
COPY --chown=3:4 --chmod=0640 a.txt /a
""", **{"a.txt": "A"})
    assert said(seapod, "cat /copied/link; stat -c '%u:%g %a' /copied/file /a") == "made\n7:8 644\n3:4 640\n"


def test_env_wins_over_arg(seapod, build):
    build(BASE + "ARG A=arg B=arg\nENV A=env\nRUN echo $A $B >/seen\n", "--build-arg", "A=given")
    assert said(seapod, "cat /seen") == "env arg\n"


def test_heredocs(seapod, build):
    build(BASE + """ENV X=1
RUN <<EOF
echo one >/file
echo two >>/file
EOF
RUN cat >>/file <<END
three
END
COPY <<a.conf <<"b.conf" /etc/my/
x=$X
a.conf
x=$X
b.conf
""")
    assert said(seapod, "cat /file /etc/my/a.conf /etc/my/b.conf") == "one\ntwo\nthree\nx=1\nx=$X\n"


def test_what_is_removed_and_replaced_is_so_in_the_layer(seapod, build, tmp_path):
    build(BASE + """RUN mkdir -p /d/sub && touch /d/old /d/sub/x /gone && ln /gone /other
RUN rm -r /d /gone && mkdir /d && touch /d/new && echo a >/one && ln /one /two && truncate -s 1M /hole
""")
    assert said(seapod, "ls /d; ls /gone 2>&1; stat -c '%h %s' /two /hole") == "new\nls: /gone: No such file or directory\n2 2\n1 1048576\n"
    names = layer(seapod, tmp_path)
    assert ".wh.gone" in names and "d/.wh..wh..opq" in names and names["two"].islnk()
    assert "etc/resolv.conf" not in names and "dev" not in names and "proc" not in names


def test_only_stages_that_are_needed_are_built(seapod, build):
    text = BASE.replace("\n", " AS base\n") + """RUN echo base >/base
FROM scratch AS never
RUN this cannot run at all
FROM base AS also
RUN echo also >/also
FROM base
COPY --from=also /also /
COPY --from=2 /also /again
"""
    done = build(text)
    assert "cannot run" not in done.stdout and said(seapod, "cat /base /also /again") == "base\nalso\nalso\n"
    assert "also" not in build(text, "--target", "base").stdout
    assert "nothing can run" in build(text, "--target", "never", check=False).stderr


def test_cache_follows_contents(seapod, build):
    text = BASE + "COPY a.txt /\nRUN cat /proc/sys/kernel/random/uuid >/when\n"
    build(text, **{"a.txt": "A"})
    first = said(seapod, "cat /when")
    os.utime(build.context / "a.txt", (1, 1))
    assert build(text).stdout.count("from the cache") == 2
    assert said(seapod, "cat /when") == first
    assert "from the cache" not in build(text, **{"a.txt": "B"}).stdout
    assert said(seapod, "cat /when") != first
    assert "from the cache" not in build(text, "--no-cache").stdout


def test_reproducible(seapod, build):
    seapod.env["SOURCE_DATE_EPOCH"] = "1000000000"
    text = BASE + "WORKDIR /w\nCOPY a.txt d/\nRUN echo x >/x && mkdir /y && rm /bin/vi\n"
    first = build(text, "-q", **{"a.txt": "A"}).stdout
    os.utime(build.context / "a.txt")
    second = build(text, "-q", "--no-cache").stdout
    assert first == second and first.startswith("sha256:")


def test_links_do_not_lead_out_of_the_context(seapod, build, tmp_path):
    (tmp_path / "secret").write_text("secret")
    (build.context / "up").symlink_to("../secret")
    (build.context / "abs").symlink_to("/etc/hostname")
    (build.context / "dir").symlink_to("..")
    for source in ("up", "abs", "dir/secret", "../secret"):
        failed = build(BASE + f"COPY {source} /x\n", check=False)
        assert failed.returncode == 1 and "Dockerfile:2: COPY:" in failed.stderr, source
        assert failed.stderr.count("\n") == 1


def test_links_in_the_image_do_not_lead_out_of_it(seapod, build, tmp_path):
    build(BASE + f"RUN mkdir -p {tmp_path} && ln -s {tmp_path} /out && ln -s /../../../../../..{tmp_path} /up\nCOPY a.txt /out/\nCOPY a.txt /up/b.txt\n",
          **{"a.txt": "A"})
    assert sorted(os.listdir(tmp_path)) == ["context"]
    assert said(seapod, f"ls {tmp_path}") == "a.txt\nb.txt\n"


def test_dockerignore(seapod, build):
    (build.context / "d").mkdir()
    for name in ("keep", "x.log", "d/y.log", "d/z"):
        (build.context / name).write_text("")
    build(BASE + "COPY . /c/\n", **{".dockerignore": "**/*.log\n!d/y.log\nDockerfile\n.dockerignore\n"})
    assert said(seapod, "cd /c; find . -type f | sort") == "./d/y.log\n./d/z\n./keep\n"


def test_mounts(seapod, build, tmp_path):
    (tmp_path / "secret").write_text("hush")
    text = BASE + """RUN --mount=type=secret,id=s --mount=type=cache,target=/cache --mount=type=bind,source=a.txt,target=/in/a.txt \
    --mount=type=tmpfs,target=/scratch cat /run/secrets/s /in/a.txt >/seen && echo x >>/cache/runs && cp /cache/runs /runs && touch /scratch/f
"""
    for _ in range(2):
        build(text, "--no-cache", "--secret", f"id=s,src={tmp_path}/secret", **{"a.txt": "A"})
    assert said(seapod, "cat /seen /runs") == "hushAx\nx\n"
    assert sorted(n.strip("/") for n in layer(seapod, tmp_path)) == ["runs", "seen"]


def test_add_unpacks(seapod, build, tmp_path):
    with tarfile.open(build.context / "a.tar.gz", "w:gz") as tar:
        tar.add(build.context, "in/side", recursive=False)
    build(BASE + "ADD a.tar.gz /to/\nCOPY a.tar.gz /\n")
    assert said(seapod, "ls /to/in /a.tar.gz") == "/a.tar.gz\n\n/to/in:\nside\n"


@pytest.mark.parametrize("text, words", [
    ("RUN true\n", "Dockerfile:1: RUN: it comes before the first FROM"),
    (BASE + "RUNN x\n", "Dockerfile:2: there is no instruction 'RUNN'"),
    (BASE + "ADD https://example.org/x /\n", "Dockerfile:2: ADD: 'https://example.org/x' is not fetched"),
    (BASE + "COPY nothing /\n", "Dockerfile:2: COPY: cannot open 'nothing': it does not exist"),
    (BASE + "# a comment\nRUN exit 3\n", "Dockerfile:3: RUN: the command ended with the exit code 3"),
    (BASE + 'RUN ["/nosuch"]\n', "Dockerfile:2: RUN: "),
    (BASE + "RUN <<EOF\nx\n", "Dockerfile:2: RUN: the here-document has no line 'EOF'"),
    (BASE + 'ENV A="${B:?not there}"\n', "Dockerfile:2: ENV: the variable 'B' is not set: not there"),
    (BASE + "RUN --mount=type=ssh true\n", "Dockerfile:2: RUN: --mount"),
])
def test_errors_say_where(seapod, build, text, words):
    failed = build(text, check=False)
    assert failed.returncode == 1
    assert failed.stderr.splitlines()[-1].startswith("seapod: " + words), failed.stderr
    assert seapod.run("images", "-q", "localhost/t").stdout == ""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_build_that_is_killed_leaves_nothing(seapod, build, number):
    (build.context / "Dockerfile").write_text(BASE + "RUN trap 'exit 1' TERM; touch /there; while :; do sleep 0.1; done\n")
    process = seapod.start("build", "-t", "t", str(build.context))
    eventually(lambda: "Running" in seapod.run("ps").stdout, "the RUN to run")
    process.send_signal(number)
    process.wait(timeout=20)
    eventually(lambda: len(seapod.run("ps", "-a").stdout.splitlines()) <= 1, "the pod to be gone")
    eventually(lambda: not os.path.exists(f"{seapod.root}/tmp"), "the scratch directory to be gone")


def test_skopeo_reads_it(seapod, build, tmp_path):
    build(BASE + "RUN echo x >/x\nCMD [\"cat\", \"/x\"]\n")
    archive = tmp_path / "t.tar"
    seapod.run("save", "-o", str(archive), "localhost/t")
    shown = subprocess.run(["skopeo", "inspect", "--config", f"oci-archive:{archive}"], capture_output=True, text=True, check=True)
    assert json.loads(shown.stdout)["config"]["Cmd"] == ["cat", "/x"]
