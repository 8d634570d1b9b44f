"""apply, get, describe, explain: objects go in, and real Kubernetes objects come out."""
import json

import pytest
import yaml

from instance import container, pod, text

SHORT = ["true"]


def test_apply_says_what_it_did(seapod):
    manifest = pod("web", hostNetwork=True)
    assert seapod.apply(manifest).stdout == "pod/web created\n"
    assert seapod.apply(manifest).stdout == "pod/web unchanged\n"
    assert seapod.phase("web") == "Running"


def test_a_stream_has_several_documents(seapod):
    out = seapod.apply([
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "words"}, "data": {"a": "1"}},
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "quiet"}, "stringData": {"b": "2"}},
        pod("one", hostNetwork=True), pod("two", hostNetwork=True)]).stdout.splitlines()
    assert out[:2] == ["configmap/words created", "secret/quiet created"]
    assert sorted(out[2:]) == ["pod/one created", "pod/two created"]


def test_apply_takes_a_directory_json_and_yaml(seapod, tmp_path):
    (tmp_path / "a.json").write_text(json.dumps(pod("from-json", hostNetwork=True)))
    (tmp_path / "b.yaml").write_text(yaml.safe_dump(pod("from-yaml", hostNetwork=True)))
    (tmp_path / "README").write_text("not a manifest")
    seapod.run("apply", "-f", tmp_path)
    assert seapod.phase("from-json") == seapod.phase("from-yaml") == "Running"
    seapod.run("delete", "-f", tmp_path)
    assert seapod.run("get", "pods", "-o", "name").stdout == ""


def test_dry_run_changes_nothing(seapod):
    seapod.apply(pod("web", hostNetwork=True), "--dry-run")
    assert seapod.run("get", "pods", "-o", "name").stdout == ""


def test_a_changed_pod_needs_a_new_one_and_says_why(seapod):
    seapod.apply(pod("web", hostNetwork=True))
    said = seapod.rejects(pod("web", container(command=["sleep", "9"]), hostNetwork=True))
    assert "command" in said and "web" in said
    assert seapod.phase("web") == "Running"


def test_two_applies_at_once_make_one_pod(seapod, tmp_path):
    file = tmp_path / "pod.json"
    file.write_text(json.dumps(pod("web", hostNetwork=True)))
    both = [seapod.start("apply", "-f", file) for _ in range(4)]
    said = [process.communicate(timeout=20) for process in both]
    assert sum("created" in out for out, _ in said) == 1, said
    for process, (out, err) in zip(both, said):
        assert process.returncode == 0 and out in ("pod/web created\n", "pod/web unchanged\n") or "web" in err
    assert len(seapod.run("get", "pods", "-o", "name").stdout.splitlines()) == 1


def test_namespaces_keep_names_apart(seapod):
    seapod.apply(pod("web", hostNetwork=True), "-n", "red")
    seapod.apply(pod("web", hostNetwork=True), "-n", "blue")
    assert seapod.get("web", namespace="red")["metadata"]["uid"] != seapod.get("web", namespace="blue")["metadata"]["uid"]
    assert seapod.fails("get", "pods", "web")
    assert len(json.loads(seapod.out("get", "pods", "-A", "-o", "json"))["items"]) == 2


def test_json_is_a_full_pod(seapod):
    seapod.apply(pod("web", hostNetwork=True))
    got = seapod.get("web")
    assert (got["apiVersion"], got["kind"]) == ("v1", "Pod")
    assert got["metadata"]["uid"] and got["metadata"]["creationTimestamp"]
    assert got["spec"]["restartPolicy"] == "Always" and got["spec"]["dnsPolicy"] == "ClusterFirst"
    status = got["status"]
    assert {c["type"]: c["status"] for c in status["conditions"]} | {"Ready": "True"} == {
        c["type"]: "True" for c in status["conditions"]}
    main = status["containerStatuses"][0]
    assert main["state"]["running"]["startedAt"] and main["ready"] and main["started"]
    assert main["containerID"].startswith("seapod://") and main["imageID"]
    assert status["startTime"] and status["qosClass"] == "BestEffort"


def test_what_get_prints_can_be_applied(seapod):
    seapod.apply(pod("web", hostNetwork=True))
    printed = seapod.out("get", "pods", "web", "-o", "yaml")
    assert yaml.safe_load(printed)["metadata"]["name"] == "web"
    assert seapod.apply(printed).stdout == "pod/web unchanged\n"


def test_tables_are_for_people_and_for_awk(seapod):
    seapod.apply(pod("web", container("a"), container("b"), hostNetwork=True))
    head, line = seapod.out("get", "pods").splitlines()
    assert head.split()[:5] == ["NAME", "READY", "STATUS", "RESTARTS", "AGE"]
    assert line.split()[:4] == ["web", "2/2", "Running", "0"]
    assert "IP" in seapod.out("get", "pods", "-o", "wide").splitlines()[0].split()
    assert seapod.out("get", "pods", "-o", "name") == "pod/web"


def test_labels_select(seapod):
    for name, color in (("a", "red"), ("b", "blue")):
        manifest = pod(name, hostNetwork=True)
        manifest["metadata"]["labels"] = {"color": color}
        seapod.apply(manifest)
    assert seapod.out("get", "pods", "-l", "color=red", "-o", "name") == "pod/a"
    assert seapod.out("get", "pods", "-l", "color!=red", "-o", "name") == "pod/b"


def test_describe_tells_the_story(seapod):
    seapod.apply(pod("web", container(ports=[{"containerPort": 80}]), hostNetwork=True))
    said = seapod.out("describe", "pod", "web")
    for part in ("Name:", "web", "Containers:", "main:", "Image:", "State:", "Running", "QoS Class:"):
        assert part in said, part


@pytest.mark.parametrize("path,word", [("pod", "spec"), ("pod.spec", "containers"),
                                       ("pod.spec.containers.ports.hostPort", "hostPort")])
def test_explain_knows_every_field(seapod, path, word):
    assert word in seapod.out("explain", path)


def test_a_field_without_effect_is_named_in_a_warning(seapod):
    done = seapod.apply(pod("web", hostNetwork=True, schedulerName="mine"))
    assert "warning" in done.stderr and "spec.schedulerName" in done.stderr
    assert done.stdout == "pod/web created\n"


def test_wait_ready(seapod):
    seapod.apply(pod("web", hostNetwork=True), "--wait=ready")
    ready = next(c for c in seapod.status("web")["conditions"] if c["type"] == "Ready")
    assert ready["status"] == "True"


def test_text_helper_keeps_documents_apart():
    assert len(list(yaml.safe_load_all(text([pod("a"), pod("b")])))) == 2
