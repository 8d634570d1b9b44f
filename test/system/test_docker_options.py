"""Docker's options and words, for hands that know them."""

from instance import BUSYBOX, STAY, container, pod


def run(seapod, *args, **more):
    return seapod.out("run", "--rm", "--net", "none", *args, **more)


def test_volumes_by_relative_paths_and_in_words(seapod, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data/file").write_text("hello")
    assert run(seapod, "-v", "./data:/x:ro,z", BUSYBOX, "sh", "-c", "cat /x/file; touch /x/no 2>/dev/null || echo ro",
               cwd=tmp_path) == "helloro"
    assert run(seapod, "--mount", f"type=bind,src={tmp_path}/data,dst=/x,readonly", BUSYBOX, "cat", "/x/file") == "hello"
    assert run(seapod, "--mount", "source=kept,target=/x", BUSYBOX, "sh", "-c", "echo 1 >/x/a") == ""
    assert run(seapod, "-v", "kept:/x", BUSYBOX, "cat", "/x/a") == "1"
    assert run(seapod, "--tmpfs", "/t:size=1m,mode=1777", BUSYBOX, "sh", "-c", "stat -c %a /t; df -k /t | tail -1 | awk '{print $2}'") \
        == "1777\n1024"
    assert run(seapod, "--shm-size", "2m", BUSYBOX, "sh", "-c", "df -k /dev/shm | tail -1 | awk '{print $2}'") == "2048"


def test_variables_from_a_file_and_from_here(seapod, tmp_path):
    (tmp_path / "env").write_text("# comment\n\nA=1\nB=$(A) x\r\nOURS\nNOSUCH\n")
    seapod.env["OURS"] = "here"
    said = run(seapod, "--env-file", tmp_path / "env", "-e", "C=$$", BUSYBOX, "env").splitlines()
    assert {"A=1", "B=$(A) x", "OURS=here", "C=$$"} <= set(said) and not [line for line in said if "NOSUCH" in line]
    assert "it does not exist" in seapod.fails("run", "--env-file", tmp_path / "no", BUSYBOX, code=125)


def test_names_and_hosts(seapod):
    said = run(seapod, "--add-host", "db:10.1.2.3", "--add-host", "six:fd00::1", "--dns", "192.0.2.1", "--dns-search", "example.org",
               "-h", "me", BUSYBOX, "sh", "-c", "cat /etc/hosts /etc/resolv.conf; hostname")
    assert "10.1.2.3\tdb" in said and "fd00::1\tsix" in said and said.endswith("\nme")
    assert "nameserver 192.0.2.1" in said and "search example.org" in said


def test_rights(seapod):
    caps = "grep CapEff /proc/self/status | cut -f2"
    usual = int(run(seapod, BUSYBOX, "sh", "-c", caps), 16)
    assert int(run(seapod, "--cap-add", "cap_net_admin", BUSYBOX, "sh", "-c", caps), 16) == usual | 1 << 12
    assert int(run(seapod, "--cap-drop", "ALL", "--cap-add", "CHOWN", BUSYBOX, "sh", "-c", caps), 16) == 1
    assert run(seapod, "--security-opt", "no-new-privileges", BUSYBOX, "sh", "-c", "grep NoNewPrivs /proc/self/status").endswith("1")
    assert run(seapod, "--security-opt", "seccomp=unconfined", BUSYBOX, "sh", "-c", "grep Seccomp: /proc/self/status").endswith("0")
    assert run(seapod, "-u", "7:8", "--group-add", "9", BUSYBOX, "id", "-G") == "8 9"
    assert run(seapod, "--sysctl", "kernel.shm_rmid_forced=1", BUSYBOX, "cat", "/proc/sys/kernel/shm_rmid_forced") == "1"


def test_an_init_that_reaps(seapod):
    assert run(seapod, "--init", BUSYBOX, "sh", "-c", "echo $$") != "1"
    assert run(seapod, BUSYBOX, "sh", "-c", "echo $$") == "1"


def test_labels_the_id_and_how_it_ends(seapod, tmp_path):
    seapod.run("run", "-d", "--name", "web", "--net", "none", "-l", "tier=front", "--annotation", "note=by hand", "--cidfile",
               tmp_path / "id", "--stop-timeout", "7", "--stop-signal", "INT", BUSYBOX, *STAY)
    made = seapod.get("web")
    assert made["metadata"]["labels"]["tier"] == "front" and made["metadata"]["annotations"]["note"] == "by hand"
    assert (tmp_path / "id").read_text() == made["metadata"]["uid"]
    assert made["spec"]["terminationGracePeriodSeconds"] == 7
    assert made["spec"]["containers"][0]["lifecycle"]["stopSignal"] == "SIGINT"
    assert "cannot make the file" in seapod.fails("run", "--cidfile", tmp_path / "id", BUSYBOX, code=125)
    seapod.run("rm", "-f", "web")


def test_words(seapod):
    seapod.run("run", "-d", "--name", "web", "-p", "127.0.0.1:18099:80", BUSYBOX, *STAY)
    assert seapod.out("port", "web") == "80/tcp -> 127.0.0.1:18099"
    assert seapod.out("port", "web", "80/tcp") == "127.0.0.1:18099"
    assert "does not publish the port 81" in seapod.fails("port", "web", "81")
    assert seapod.out("inspect", "web", "-o", "jsonpath={.metadata.name}") == "web"
    assert '"name": "web"' in seapod.out("inspect", "web")
    assert seapod.out("inspect", BUSYBOX) == seapod.out("image", "inspect", BUSYBOX)
    assert "there is no pod 'nosuch'" in seapod.fails("inspect", "nosuch")
    assert "web" in seapod.out("stats")
    assert seapod.root in seapod.out("info")
    seapod.run("tag", BUSYBOX, "example.org/other:1")
    assert "example.org/other" in seapod.out("rmi", "example.org/other:1")


def test_labels_and_annotations_of_what_is_there(seapod):
    seapod.apply([pod("web", container(), hostNetwork=True),
                  {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"k": "v"}}])
    assert seapod.out("label", "pod", "web", "tier=front", "x=y") == "pod/web labeled"
    assert "has tier=front already (--overwrite" in seapod.fails("label", "pod/web", "tier=back")
    assert seapod.out("label", "pods", "--all", "tier=back", "x-", "--overwrite") == "pod/web labeled"
    assert seapod.get("web")["metadata"]["labels"] == {"tier": "back"}
    assert seapod.out("annotate", "cm/c", "note=a b") == "configmap/c annotated"
    assert seapod.get("c", "cm")["metadata"]["annotations"] == {"note": "a b"}
    assert seapod.out("label", "cm", "c", "a=b") == "configmap/c labeled"
    assert seapod.out("get", "cm", "-l", "a=b", "-o", "name") == "configmap/c"
    assert seapod.get("c", "cm")["data"] == {"k": "v"}
    done = seapod.run("label", "pod", "nosuch", "web", "a=b", check=False)
    assert (done.returncode, done.stdout) == (1, "pod/web labeled\n") and "nosuch" in done.stderr
