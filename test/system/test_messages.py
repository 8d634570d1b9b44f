"""What a person reads who has done something wrong: what was found, and what would be right."""
import socket

import pytest

import instance
from instance import BUSYBOX, container, eventually, pod

NET = {"hostNetwork": True}


@pytest.fixture
def web(seapod):
    seapod.apply(pod("web", container(), **NET))
    return seapod


@pytest.mark.parametrize("args,said", [
    (["wait", "pod", "web", "--for=phase=Bogus"], "there is no phase 'Bogus' (Pending, Running"),
    (["wait", "pod", "web", "--for=delete", "--timeout", "x"], "'x' is not a duration"),
    (["wait", "pods", "--for=delete"], "a pod's name, --all"),
    (["wait", "cm", "x", "--for=delete"], "wait is for pods, not for a configmap"),
    (["resize", "cm", "x", "--cpu", "1"], "resize is for pods, not for a configmap"),
    (["resize", "pod", "web", "--memory", "0Ki"], "'0Ki' is not an amount of memory above 0 (64Mi, 1Gi)"),
    (["top", "cm", "x"], "top is for pods, not for a configmap"),
    (["top", "-o", "xml"], "there is no format 'xml' (json, yaml)"),
    (["events", "--types=Foo"], "there are no events of the types 'Foo' (Normal, Warning)"),
    (["explain", "pod", "spec"], "dots lead to what is below (pod.spec)"),
    (["explain", "foo"], "there is no kind 'foo'"),
    (["get", "pods", "-n", "A B"], "'A B' is not the name of a namespace"),
    (["-n", "A_B", "ps"], "'A_B' is not the name of a namespace"),
    (["delete", "web"], "delete needs a kind before the name (seapod delete pod web)"),
    (["delete", "pods"], "delete needs the name of a pod (or --all, or -l LABELS)"),
    (["attach", "-t", "web"], "the container 'main' has no terminal"),
    (["run", "--pids-limit", "abc", BUSYBOX], "--pids-limit takes a number of processes, or -1 for any, not 'abc'"),
    (["run", "-m", "1", BUSYBOX], "-m 1 is 1 bytes, in which no program starts (at least 1m)"),
    (["run", "-m", "x", BUSYBOX], "'x' is not an amount of memory (64Mi, 512m, 2g)"),
    (["run", "-e", "=x", BUSYBOX], "'=x' is not NAME=VALUE"),
    (["run", "-v", "data:x", BUSYBOX], "-v data:x: the path in the container must be absolute"),
    (["run", "-v", "a/b:/x", BUSYBOX], "'a/b' is neither a path (/dir, ./dir) nor the name of a volume"),
    (["run", "-v", "/:/x:rr", BUSYBOX], "there is no option 'rr' (ro, rw)"),
    (["run", "--mount", "type=bind,target=/x", BUSYBOX], "source= is missing"),
    (["run", "--mount", "type=nfs,source=a,target=/x", BUSYBOX], "there is no type 'nfs' (bind, volume, tmpfs)"),
    (["run", "--tmpfs", "/x:size=big", BUSYBOX], "'big' is not a size (64m, 1g)"),
    (["run", "--add-host", "db", BUSYBOX], "'db' is not NAME:ADDRESS"),
    (["run", "--device", "/dev/kvm", BUSYBOX], "run has no option '--device' (a manifest with"),
    (["run", "--ulimit=nofile=10", BUSYBOX], "run has no option '--ulimit' (a container has the limits"),
    (["inspect", "--format={{.x}}", "web"], "inspect has no option '--format' (the objects are Kubernetes'"),
    (["label", "pod", "web"], "label needs NAME=VALUE, or NAME-"),
    (["label", "pod", "web", "a=b c"], "'a=b c'"),
    (["label", "pods", "a=b"], "label needs a kind and names"),
    (["scale", "--replicas=3", "x"], "there are only pods"),
    (["rename", "a", "b"], "a pod keeps its name"),
    (["pull"], "seapod: pull needs an image\n"),
    (["cp", "web:", "x"], "cp needs a path after the colon (web:/path)"),
    (["create", "-f", "x"], "seapod apply -f FILE creates"),
    (["apply", "-k", "overlays"], "kubectl kustomize overlays | seapod apply -f -"),
    (["apply", "-f", "x", "--dry-run=maybe"], "client, server"),
])
def test_wrong_usage(web, args, said):
    assert said in web.fails(*args, code=2)


def test_what_is_waited_for_is_named(web):
    for what, said in [("condition=Ready=false", "kept the condition Ready, which was to become false"),
                       ("condition=Nosuch", "did not become Nosuch"), ("phase=failed", "did not become Failed"),
                       ("jsonpath={.status.x}=1", "had no {.status.x}=1"), ("delete", "was not deleted")]:
        assert f"the pod 'web' {said} in time" in web.fails("wait", "pod/web", "--for=" + what, "--timeout", "20ms")


def test_wait_for_many(web, tmp_path):
    web.apply([{**pod("a", container(), **NET), "metadata": {"name": "a", "labels": {"x": "y"}}}, pod("b", container(), **NET)])
    assert web.out("wait", "pods", "--all", "--for=condition=Ready").split() == ["pod/a", "condition", "met", "pod/b", "condition",
                                                                               "met", "pod/web", "condition", "met"]
    assert web.out("wait", "-l", "x=y", "--for=phase=Running") == "pod/a condition met"
    (tmp_path / "x.yaml").write_text(instance.text(pod("b", container(), **NET)))
    assert web.out("wait", "-f", tmp_path / "x.yaml", "--for=jsonpath={.status.conditions[?(@.type=='Ready')].status}=True") \
        == "pod/b condition met"
    done = web.run("wait", "pod", "nosuch", "b", "--for=condition=Ready", check=False)
    assert (done.returncode, done.stdout) == (1, "pod/b condition met\n") and "nosuch" in done.stderr


def test_delete_by_labels_and_kinds(web):
    labels = {"metadata": {"labels": {"x": "y"}, "namespace": "other"}}
    web.apply([{**pod("a", **NET), "metadata": {"name": "a", **labels["metadata"]}},
               {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "labels": {"x": "y"}}, "data": {"k": "v"}},
               {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "b"}, "data": {"k": "v"}}])
    assert web.out("delete", "pods,cm", "-l", "x=y", "-A", "--now").split("\n") == ["pod/a deleted", "configmap/a deleted"]
    assert web.out("delete", "cm", "--all") == "configmap/b deleted"
    assert "No configmaps in the namespace default" in web.run("delete", "cm", "--all").stderr
    assert web.run("rm", "-f", "nosuch").stdout == ""
    assert web.phase("web") == "Running"


def test_describe_of_every_kind(web, tmp_path):
    objects = [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"color": "red\x1b[1m"}},
               {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"password": "hush!"}}]
    web.apply(objects)
    assert "red?[1m" in web.out("describe", "cm", "c")
    said = web.out("describe", "secret", "s")
    assert "password:  5 bytes" in said and "hush" not in said and "aHVzaC" not in said
    web.run("volume", "create", "data")
    assert "Access Modes:      ReadWriteOnce" in web.out("describe", "pvc", "data")
    (tmp_path / "x.yaml").write_text(instance.text([*objects, pod("web", container(), **NET)]))
    assert [line.split()[1] for line in web.out("describe", "-f", tmp_path / "x.yaml").splitlines() if line.startswith("Name:")] \
        == ["c", "s", "web"]
    done = web.run("describe", "pod", "nosuch", "web", check=False)
    assert done.returncode == 1 and "Name:              web" in done.stdout and "nosuch" in done.stderr
    assert "describe needs a kind and names" in web.fails("describe", code=2)


def test_the_one_who_has_a_port_is_named(seapod):
    seapod.apply(pod("holder", container(ports=[{"containerPort": 80, "hostPort": 18080}])))
    seapod.apply(pod("web", container()))
    assert "in use by the pod 'holder'" in seapod.fails("port-forward", "web", "18080:80")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        assert "in use by" in seapod.fails("port-forward", "web", f"{port}:80")


def test_files_that_are_not_there(seapod, tmp_path):
    (tmp_path / "file").write_text("")
    assert "what stands before a slash is not a directory" in seapod.fails("load", tmp_path / "file/x")
    assert "it does not exist" in seapod.fails("load", tmp_path / "nosuch")
    assert "-v /nodir:/x: the host has no '/nodir': it does not exist (mkdir makes it)" \
        in seapod.fails("run", "-v", "/nodir:/x", BUSYBOX, "true", code=125)
    assert "is not a network namespace" in seapod.fails("run", "--rm", "--net", "ns:/etc/passwd", BUSYBOX, "true", code=125)
    assert "(seapod load brings it from a file)" in seapod.fails("run", "--rm", "nosuch", "true", code=125)


def test_a_pods_name_is_said_once(seapod):
    said = seapod.rejects(pod("web", container(volumeMounts=[{"name": "v", "mountPath": "/v"}]),
                              volumes=[{"name": "v", "hostPath": {"path": "/nosuch"}}], **NET))
    assert said.count("the pod 'web'") == 1


def test_an_event_names_its_container(web):
    eventually(lambda: [e["message"] for e in web.events("web")] == ["Created container: main", "Started container: main"])
    assert "Started container: main" in web.out("events", "--for", "pod/web")


@pytest.mark.bridge
def test_prune_says_what_it_removes(seapod):
    seapod.apply(pod("web"))
    seapod.delete("web", "--now")
    assert seapod.out("system", "prune") == f"removed: the bridge {seapod.bridge}, the table inet {seapod.table}"
    assert seapod.out("system", "prune") == ""


def test_dry_run_as_kubectl_says_it(seapod):
    for how in ("--dry-run", "--dry-run=client", "--dry-run=server"):
        assert "valid (dry run)" in seapod.apply(pod("web"), how).stdout
    assert seapod.out("get", "pods") == ""


def test_explain_says_a_field_once(bare):
    said = bare.out("explain", "pod.spec.nodeName")
    assert said.count("nodeName") == 1
    tree = bare.out("explain", "pod.spec.containers.resources", "--recursive").splitlines()
    assert "  limits\t<map of Quantities>" in tree


def test_top_as_json(web):
    items = instance.json.loads(web.out("top", "-o", "json"))["items"]
    assert [(i["kind"], i["metadata"]["name"], i["containers"][0]["name"]) for i in items] == [("PodMetrics", "web", "main")]
    assert items[0]["containers"][0]["usage"]["cpu"].endswith("m")
