"""A pod runs: what a user sees of it from apply to delete."""
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import urllib.request

import pytest

import instance
from instance import BUSYBOX, eventually as wait_until

pytestmark = pytest.mark.bridge


def pod(name, *containers, **spec):
    """A Pod with quick endings; each container is a dict that needs no image."""
    filled = [dict({"image": BUSYBOX, "name": f"c{i}"}, **c) for i, c in enumerate(containers)]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
            "spec": dict({"terminationGracePeriodSeconds": 0, "containers": filled}, **spec)}


def sleeper(**more):
    return dict({"command": ["sleep", "1000"]}, **more)


def free_port():
    with socket.socket() as s:
        s.bind(("", 0))
        return s.getsockname()[1]


def http(address, port):
    return urllib.request.urlopen(f"http://{address}:{port}/", timeout=5).read().decode()


def host_address():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.connect(("192.0.2.254", 53))
        return s.getsockname()[0]


# --- run ---------------------------------------------------------------------------------------------------------------

def test_run_gives_the_programs_output_and_exit_code(seapod):
    assert seapod.out("run", "--rm", "--net", "none", BUSYBOX, "echo", "hello") == "hello"
    assert seapod.run("run", "--rm", "--net", "none", BUSYBOX, "sh", "-c", "echo no >&2; exit 3", check=False).returncode == 3
    assert seapod.run("run", "--rm", "--net", "none", BUSYBOX, "sh", "-c", "sh -c 'kill -9 $$'; exit $?", check=False).returncode == 137
    assert seapod.out("ps", "-aq") == ""


def test_run_without_a_newline_at_the_end_adds_none(seapod):
    assert seapod.run("run", "--rm", "--net", "none", BUSYBOX, "printf", "x").stdout == "x"


def test_run_tells_not_found_from_not_executable(seapod):
    assert "not in the container" in seapod.fails("run", "--rm", "--net", "none", BUSYBOX, "nosuch", code=127)
    assert "not executable" in seapod.fails("run", "--rm", "--net", "none", BUSYBOX, "/etc/passwd", code=126)
    assert "ErrImagePull" in seapod.fails("run", "--rm", "nosuchimage", code=125, lines=None)
    assert "is not here" in seapod.fails("run", "--rm", "--pull", "never", "nosuchimage", code=125)


def test_run_hands_standard_input_through(seapod):
    assert seapod.run("run", "--rm", "-i", "--net", "none", BUSYBOX, "cat", input="through\n").stdout == "through\n"


# --- apply, get, delete -------------------------------------------------------------------------------------------------

def test_apply_is_repeatable_and_delete_is_complete(seapod):
    manifest = pod("web", sleeper())
    assert seapod.apply(manifest).stdout == "pod/web created\n"
    assert seapod.apply(manifest).stdout == "pod/web unchanged\n"
    assert "web" in seapod.out("get", "pods")
    assert seapod.out("delete", "pod", "web") == "pod/web deleted"
    assert "there is no pod 'web'" in seapod.fails("delete", "pod", "web")
    assert seapod.run("delete", "pod", "web", "--ignore-not-found").returncode == 0


def test_a_changed_manifest_says_what_to_do(seapod):
    seapod.apply(pod("web", sleeper()))
    assert "delete pod web" in seapod.fails("apply", "-f", "-", input=json.dumps(pod("web", sleeper(command=["sleep", "5"]))))


def test_the_object_is_a_kubernetes_pod(seapod):
    seapod.apply(pod("web", sleeper(name="a"), sleeper(name="b")))
    found = seapod.get("web")
    assert (found["apiVersion"], found["kind"]) == ("v1", "Pod")
    assert found["status"]["phase"] == "Running"
    assert {c["type"]: c["status"] for c in found["status"]["conditions"]}["Ready"] == "True"
    assert [c["name"] for c in found["status"]["containerStatuses"]] == ["a", "b"]
    assert found["status"]["podIP"] == found["status"]["podIPs"][0]["ip"]


def test_two_applies_of_one_pod_at_once_make_one(seapod):
    manifest = json.dumps(pod("web", sleeper()))
    both = [subprocess.Popen([instance.SEAPOD, "apply", "-f", "-"], env=seapod.env,
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    for p in both:
        p.stdin.write(manifest)
        p.stdin.close()
    codes = [p.wait(30) for p in both]
    assert 0 in codes
    assert seapod.out("get", "pods", "-o", "name") == "pod/web"


def test_a_finished_pod_stays_listed_with_its_log(seapod):
    seapod.apply(pod("job", {"command": ["echo", "done"]}, restartPolicy="Never"))
    wait_until(lambda: seapod.get("job")["status"]["phase"] == "Succeeded")
    wait_until(lambda: not keepers_of(seapod))
    assert seapod.out("logs", "job") == "done"
    assert seapod.get("job")["status"]["containerStatuses"][0]["state"]["terminated"]["reason"] == "Completed"


def keepers_of(seapod):
    """Every keeper of the instance, by its command line."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if seapod.run_dir in path.read_text() and path.read_text().startswith("seapod-keeper"):
                found.append(path.parts[2])
        except OSError:
            pass
    return found


# --- init containers, restarts ------------------------------------------------------------------------------------------

def test_init_containers_run_first_and_in_order(seapod):
    manifest = pod("web", sleeper(volumeMounts=[{"name": "v", "mountPath": "/v"}]), volumes=[{"name": "v", "emptyDir": {}}])
    manifest["spec"]["initContainers"] = [
        {"name": f"i{n}", "image": BUSYBOX, "command": ["sh", "-c", f"echo {n} >> /v/order"],
         "volumeMounts": [{"name": "v", "mountPath": "/v"}]} for n in range(3)]
    seapod.apply(manifest)
    assert seapod.out("exec", "web", "--", "cat", "/v/order") == "0\n1\n2"


def test_a_failing_init_container_fails_a_pod_that_is_never_restarted(seapod):
    manifest = pod("web", sleeper(), restartPolicy="Never")
    manifest["spec"]["initContainers"] = [{"name": "i", "image": BUSYBOX, "command": ["false"]}]
    seapod.apply(manifest, check=False)
    wait_until(lambda: seapod.get("web")["status"]["phase"] == "Failed")


def test_a_container_that_ends_is_started_again_and_keeps_the_pods_address(seapod):
    seapod.apply(pod("web", {"command": ["sh", "-c", "[ -e /v/was ] && exec sleep 1000; touch /v/was; exit 1"],
                             "volumeMounts": [{"name": "v", "mountPath": "/v"}]}, volumes=[{"name": "v", "emptyDir": {}}]))
    before = seapod.get("web")["status"]["podIP"]
    wait_until(lambda: seapod.get("web")["status"]["containerStatuses"][0]["restartCount"] == 1)
    status = wait_until(lambda: (s := seapod.get("web")["status"])["phase"] == "Running" and s)
    assert status["podIP"] == before
    assert status["containerStatuses"][0]["lastState"]["terminated"]["exitCode"] == 1


# --- the shared network ---------------------------------------------------------------------------------------------------

def test_containers_share_127_0_0_1(seapod):
    seapod.apply(pod("web", {"name": "server", "command": ["sh", "-c", "echo hi > /tmp/index.html; exec httpd -f -p 8080 -h /tmp"]},
                     sleeper(name="client")))
    assert wait_until(lambda: seapod.run("exec", "web", "-c", "client", "--", "wget", "-qO-", "http://127.0.0.1:8080/",
                                     check=False).stdout) == "hi\n"


def serving(port):
    return {"name": "server", "command": ["sh", "-c", "echo hi > /tmp/index.html; exec httpd -f -p 80 -h /tmp"],
            "ports": [{"containerPort": 80, "hostPort": port}]}


def test_a_published_port_is_reached_from_everywhere(seapod):
    port = free_port()
    seapod.apply(pod("web", serving(port)))
    wait_until(lambda: "80" in seapod.out("exec", "web", "--", "netstat", "-ltn"))
    assert http("127.0.0.1", port) == "hi\n"
    assert http(host_address(), port) == "hi\n"
    assert seapod.out("exec", "web", "--", "timeout", "5", "wget", "-qO-", f"http://{host_address()}:{port}/") == "hi"
    seapod.run("delete", "pod", "web")
    with pytest.raises(OSError):
        http("127.0.0.1", port)


def test_a_port_in_use_is_named_with_its_owner(seapod):
    with socket.socket() as s:
        s.bind(("", 0))
        s.listen()
        assert f"is in use by python" in seapod.fails("apply", "-f", "-", input=json.dumps(pod("web", serving(s.getsockname()[1]))))


def test_joiner_survives_owner_restart(seapod):
    seapod.apply(pod("web", serving(free_port())))
    seapod.run("run", "-d", "--name", "joiner", "--net", "container:web", BUSYBOX, "sleep", "1000")
    ask = ("exec", "joiner", "--", "timeout", "2", "wget", "-qO-", "http://127.0.0.1/")
    assert wait_until(lambda: seapod.run(*ask, check=False).stdout) == "hi\n"
    seapod.run("restart", "web", "-t", "0")
    wait_until(lambda: seapod.get("web")["status"]["containerStatuses"][0]["restartCount"] == 1)
    assert wait_until(lambda: seapod.run(*ask, check=False).stdout) == "hi\n"


def test_none_has_loopback_only_and_host_has_the_hosts(seapod):
    assert seapod.out("run", "--rm", "--net", "none", BUSYBOX, "sh", "-c", "ls /sys/class/net; ping -c1 -w2 127.0.0.1 >/dev/null && echo up") \
        == "lo\nup"
    assert seapod.out("run", "--rm", "--net", "host", BUSYBOX, "readlink", "/proc/self/ns/net").strip() == os.readlink("/proc/self/ns/net")


# --- volumes, data ----------------------------------------------------------------------------------------------------------

def test_volumes_are_shared_and_a_memory_volume_is_limited(seapod):
    mounts = [{"name": "disk", "mountPath": "/disk"}, {"name": "mem", "mountPath": "/mem"}]
    seapod.apply(pod("web", sleeper(name="a", volumeMounts=mounts), sleeper(name="b", volumeMounts=mounts),
                     volumes=[{"name": "disk", "emptyDir": {}}, {"name": "mem", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}}]))
    for where in ("/disk/x", "/mem/x"):
        seapod.run("exec", "web", "-c", "a", "--", "sh", "-c", f"echo shared > {where}")
        assert seapod.out("exec", "web", "-c", "b", "--", "cat", where) == "shared"
    assert "No space" in seapod.run("exec", "web", "-c", "a", "--", "dd", "if=/dev/zero", "of=/mem/big", "bs=1M", "count=3",
                                check=False).stderr


def test_configmap_and_secret_as_files_and_variables_and_updated(seapod):
    def objects(value):
        return json.dumps({"apiVersion": "v1", "kind": "List", "items": [
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"key": value}},
            {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"pass": "word"}}]})
    seapod.apply(objects("one"))
    seapod.apply(pod("web", sleeper(
        volumeMounts=[{"name": "c", "mountPath": "/c"}, {"name": "s", "mountPath": "/s", "readOnly": True}],
        envFrom=[{"prefix": "P_", "configMapRef": {"name": "c"}}],
        env=[{"name": "PASS", "valueFrom": {"secretKeyRef": {"name": "s", "key": "pass"}}},
             {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}, {"name": "BOTH", "value": "$(PASS)-$$(X)"}]),
        volumes=[{"name": "c", "configMap": {"name": "c"}}, {"name": "s", "secret": {"secretName": "s", "defaultMode": 256}}]))
    assert seapod.out("exec", "web", "--", "sh", "-c", "cat /c/key; echo; stat -L -c %a /s/pass; echo $P_key $PASS $IP $BOTH") == \
        f"one\n400\none word {seapod.get('web')['status']['podIP']} word-$(X)"
    assert "Read-only" in seapod.run("exec", "web", "--", "touch", "/s/x", check=False).stderr
    seapod.apply(objects("two"))
    assert seapod.out("exec", "web", "--", "cat", "/c/key") == "two"
    assert not [p for p in pathlib.Path(seapod.run_dir).rglob("*") if p.is_file() and not p.is_symlink() and "layers" not in p.parts and b"word" in p.read_bytes()
                and p.name not in ("pod.json", "launch.json")]


def test_hostpath_of_the_wrong_type_is_refused(seapod, tmp_path):
    (tmp_path / "file").write_text("x")
    manifest = pod("web", sleeper(volumeMounts=[{"name": "v", "mountPath": "/v"}]),
                   volumes=[{"name": "v", "hostPath": {"path": str(tmp_path / "file"), "type": "Directory"}}])
    assert "is not a directory" in seapod.fails("apply", "-f", "-", input=json.dumps(manifest))


# --- limits -----------------------------------------------------------------------------------------------------------------

def test_a_memory_hog_is_oom_killed_and_said_to_be(seapod):
    hog = {"command": ["sh", "-c", "x=$(head -c 100000000 /dev/zero | tr '\\0' x); sleep 1000"], "resources": {"limits": {"memory": "20Mi"}}}
    seapod.apply(pod("hog", hog, restartPolicy="Never"))
    wait_until(lambda: seapod.get("hog")["status"]["phase"] == "Failed", 20)
    assert seapod.get("hog")["status"]["containerStatuses"][0]["state"]["terminated"]["reason"] == "OOMKilled"


def test_the_pod_is_one_budget(seapod):
    seapod.apply(pod("web", sleeper(), resources={"limits": {"memory": "30Mi", "cpu": "500m"}}))
    assert seapod.get("web")["status"]["qosClass"] == "Guaranteed"
    uid = seapod.get("web")["metadata"]["uid"]
    for path in pathlib.Path("/sys/fs/cgroup").glob(f"memory/seapod*/pod{uid}/memory.limit_in_bytes"):
        assert path.read_text() == f"{30 << 20}\n"


# --- exec, logs -----------------------------------------------------------------------------------------------------------

def test_exec_gives_code_output_and_input(seapod):
    seapod.apply(pod("web", sleeper()))
    assert seapod.run("exec", "web", "--", "sh", "-c", "exit 7", check=False).returncode == 7
    assert seapod.run("exec", "-i", "web", "--", "cat", input="in\n").stdout == "in\n"
    seapod.fails("exec", "web", "--", "nosuch", code=127)
    assert "no container 'x'" in seapod.fails("exec", "web", "-c", "x", "--", "true", code=125)


def test_logs_are_in_the_cri_format(seapod):
    seapod.apply(pod("web", {"command": ["sh", "-c", "echo out; echo err >&2; exec sleep 1000"]}))
    wait_until(lambda: "out" in seapod.out("logs", "web"))
    text = next(pathlib.Path(seapod.root).glob("log/pods/default_web_*/c0/0.log")).read_text()
    assert re.search(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z stdout F out$", text, re.M)
    assert re.search(r"^\S+ stderr F err$", text, re.M)


# --- what a container may not -----------------------------------------------------------------------------------------------

def test_a_container_has_the_usual_rights_and_no_more(seapod):
    seapod.apply(pod("web", sleeper()))
    status = seapod.out("exec", "web", "--", "cat", "/proc/self/status")
    assert re.search(r"CapEff:\t00000000a80425fb", status)
    assert seapod.out("exec", "web", "--", "sh", "-c", "cat /proc/kcore | wc -c").strip() == "0"
    assert seapod.run("exec", "web", "--", "sh", "-c", "echo 1 > /proc/sys/kernel/panic", check=False).returncode != 0
    assert seapod.run("exec", "web", "--", "mknod", "/tmp/d", "b", "8", "0", check=False).returncode == 0
    assert seapod.run("exec", "web", "--", "cat", "/tmp/d", check=False).returncode != 0
    assert seapod.out("exec", "web", "--", "ls", "/proc/self/fd").split() == ["0", "1", "2", "3"]


def test_run_as_user_and_non_root(seapod):
    assert seapod.out("run", "--rm", "--net", "none", "-u", "1000:1000", BUSYBOX, "id", "-u").strip() == "1000"
    manifest = pod("web", sleeper(securityContext={"runAsNonRoot": True}), restartPolicy="Never")
    assert "runAsNonRoot" in seapod.fails("apply", "-f", "-", input=json.dumps(manifest))


def test_links_in_the_image_do_not_lead_out(seapod, tmp_path):
    tree = tmp_path / "evil"
    (tree / "etc").mkdir(parents=True)
    (tree / "bin").mkdir()
    (tree / "bin/busybox").write_bytes(pathlib.Path("/bin/busybox").read_bytes())
    (tree / "bin/busybox").chmod(0o755)
    (tmp_path / "outside").mkdir()
    (tree / "etc/hosts").symlink_to(tmp_path / "outside/hosts")
    (tree / "data").symlink_to(tmp_path / "outside")
    subprocess.run(["tar", "-C", tree, "-cf", tmp_path / "evil.tar", "."], check=True)
    seapod.run("image", "import", tmp_path / "evil.tar", "evil")
    seapod.run("run", "--rm", "--net", "none", "-v", f"{tree}:/data/x", "evil", "/bin/busybox", "true", check=False)
    assert list((tmp_path / "outside").iterdir()) == []


# --- the keeper dies --------------------------------------------------------------------------------------------------------

def test_the_pod_dies_with_its_keeper_and_leaves_nothing(seapod):
    port = free_port()
    seapod.apply(pod("web", serving(port), sleeper()))
    [keeper] = keepers_of(seapod)
    children = pathlib.Path(f"/proc/{keeper}/task/{keeper}/children").read_text().split()
    assert len(children) == 2
    os.kill(int(keeper), signal.SIGKILL)
    gone = lambda p: not os.path.exists(f"/proc/{p}") or open(f"/proc/{p}/stat").read().split(") ")[1][0] in "ZX"
    wait_until(lambda: all(gone(p) for p in children))
    assert "web" not in seapod.out("ps", "-a")
    seapod.apply(pod("web", serving(port)))
    assert wait_until(lambda: seapod.get("web")["status"]["phase"] == "Running")


# --- bad input -------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("text, said", [
    ("{", "not YAML"),
    ("kind: Pod", "apiVersion"),
    ("apiVersion: v1\nkind: Pood\nmetadata: {name: x}", "Pod"),
    ("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}", "Deployment"),
    ("apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec: {containers: [{name: a, imgae: b}]}", "did you mean 'image'"),
    ("apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec: {containers: [{name: a, image: b}, {name: a, image: b}]}", "'a'"),
    ("apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec: {hostNetwork: maybe, containers: [{name: a, image: b}]}", "true or false"),
    ("apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec: {containers: [{name: a, image: b, volumeMounts: [{name: v, mountPath: /v}]}]}",
     "no volume called 'v'"),
    ("apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec: {containers: [{name: a, image: nosuch}]}", "ErrImagePull"),
    ("apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec: {containers: [{name: a, image: b, resources: {limits: {memory: 64MB}}}]}", "64MB"),
    (f"apiVersion: v1\nkind: Pod\nmetadata: {{name: {'x' * 300}}}\nspec: {{containers: [{{name: a, image: b}}]}}", "longer than 253"),
])
def test_a_wrong_manifest_gets_one_clear_line(seapod, text, said):
    assert said in seapod.fails("apply", "-f", "-", input=text, lines=None)
    assert seapod.out("get", "pods", "-A", "-o", "name") == ""


def test_a_missing_file_and_wrong_usage(seapod):
    assert "does not exist" in seapod.fails("apply", "-f", "/nonexistent.yaml")
    assert "did you mean 'apply'" in seapod.fails("aply", code=2)
    assert "needs -f" in seapod.fails("apply", code=2)


def test_a_manifest_that_is_too_large(seapod, tmp_path):
    big = tmp_path / "big.yaml"
    with open(big, "wb") as f:
        f.truncate(100 << 20)
    assert "bytes" in seapod.fails("apply", "-f", big)
