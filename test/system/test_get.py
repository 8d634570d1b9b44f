"""Which objects get and ps show, and how: kubectl's selections and formats, docker's ps."""
import pytest

import instance
from instance import pod


def config(name, **data):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def labelled(name, namespace="default", **labels):
    one = pod(name, hostNetwork=True)
    one["metadata"].update(labels=labels, namespace=namespace)
    return one


@pytest.fixture
def three(seapod):
    seapod.apply([labelled("b", tier="web"), labelled("a", tier="db"), labelled("c", "other", tier="web"),
                  config("settings", color="red")])
    return seapod


def names(out):
    return [line.split()[0] for line in out.splitlines()]


def test_what_is_there_is_shown_beside_what_is_missing(three):
    done = three.run("get", "pods", "a", "nosuch", "b", "--no-headers", check=False)
    assert names(done.stdout) == ["a", "b"] and done.returncode == 1
    assert done.stderr == "seapod: there is no pod 'nosuch' in the namespace 'default'\n"
    assert three.run("get", "pods", "nosuch", "--ignore-not-found").stdout == ""


def test_several_kinds_at_once(three):
    shown = three.out("get", "pods,cm").split("\n\n")
    assert [names(part)[1:] for part in shown] == [["pod/a", "pod/b"], ["configmap/settings"]]
    assert names(three.out("get", "all", "--no-headers")) == ["pod/a", "pod/b"]  # with services, when there are any
    assert three.out("get", "pod/a", "cm/settings", "-o", "name").split() == ["pod/a", "configmap/settings"]
    assert "names need one kind" in three.fails("get", "pods,cm", "a", code=2)
    kinds = three.out("get", "cm,pods", "-o", "jsonpath={.items[*].kind}")
    assert kinds == "ConfigMap Pod Pod"


def test_by_the_manifest(three, tmp_path):
    (tmp_path / "x.yaml").write_text(instance.text([config("settings", color="red"), labelled("nosuch")]))
    done = three.run("get", "-f", tmp_path / "x.yaml", "-o", "name", check=False)
    assert (done.stdout, done.returncode) == ("configmap/settings\n", 1) and "nosuch" in done.stderr


def test_formats_of_one_and_of_many(three):
    assert three.out("get", "pod", "a", "-o", "jsonpath={.metadata.labels.tier}") == "db"
    assert three.out("get", "pods", "-o", "jsonpath={range .items[*]}{.metadata.name}={.status.phase};{end}") \
        == "a=Running;b=Running;"
    assert three.out("get", "pods", "-A", "-o", "custom-columns=POD:.metadata.name,X:.nosuch") \
        == "POD   X\na     <none>\nb     <none>\nc     <none>"
    assert three.out("get", "pods", "--show-labels", "-L", "tier", "--no-headers").splitlines()[0].split()[-2:] \
        == ["db", "tier=db"]
    assert names(three.out("get", "pods", "--sort-by=.metadata.labels.tier", "--no-headers")) == ["a", "b"]
    assert names(three.out("get", "pods", "-A", "--sort-by={.metadata.namespace}", "-l", "tier=web", "-o", "name")) \
        == ["pod/b", "pod/c"]


@pytest.mark.parametrize("args,said", [
    (["pods", "-o", "jsonpath={.items[}"], "the jsonpath template is wrong: at '}'"),
    (["pods", "-o", "custom-columns=NAME"], "'NAME' is not HEADING:PATH"),
    (["pods", "-o", "go-template={{.x}}"], "there are no Go templates"),
    (["pods", "-o", "xml"], "there is no format 'xml'"),
    (["pods", "--sort-by=["], "the path of --sort-by is wrong"),
    (["pod", "a", "-l", "x=y"], "--selector is for all objects of a kind"),
    (["deployments"], "Deployment is not supported yet"),
    (["sts"], "StatefulSet is not supported yet"),
    (["a"], "needs a kind before the name (seapod get pod a)"),
    (["foo"], "there is no kind 'foo' (Pod, ConfigMap"),
    (["pdo"], "did you mean 'Pod'?"),
    (["cm", "-w"], "--watch is for pods"),
])
def test_what_is_wrong_is_said(three, args, said):
    assert said in three.fails("get", *args, code=2)


def test_nothing_there_is_said_on_standard_error(seapod):
    for args, said in [(["pods"], "No pods in the namespace default"), (["cm", "-n", "x"], "No configmaps in the namespace x"),
                       (["pods,svc", "-A"], "No pods and services in any namespace"),
                       (["pods", "-l", "a=b"], "No pods with these labels in the namespace default")]:
        done = seapod.run("get", *args)
        assert (done.stdout, done.stderr) == ("", said + "\n")


def test_networks_images_volumes_and_events_as_kinds(three):
    assert three.out("get", "networks") == three.out("network", "ls")
    assert three.out("get", "images") == three.out("images")
    assert "Started" in three.out("get", "events", "-n", "other")


def test_ps_as_docker_prints_it(three):
    assert three.out("ps", "-q").split() == ["a", "b"]
    assert three.out("ps", "-qA", "--filter", "label=tier=web").split() == ["b", "c"]
    assert three.out("ps", "--format", "{{.Names}} is {{ .Status }}, {{.Image}}").splitlines()[0] \
        == f"a is Running, {instance.BUSYBOX}"
    assert three.out("ps", "--format", r"table {{.Names}}\t{{.State}}").splitlines()[:2] == ["Names   State", "a       running"]
    assert '"name":"a"' in three.out("ps", "--format", "json", "--filter", "name=a")
    assert "not a field that ps knows" in three.fails("ps", "--format", "{{.Foo}}", code=2)
    assert "no filter" in three.fails("ps", "-f", "x=y", code=2)
    three.run("stop", "a")
    assert three.out("ps", "-q").split() == ["b"]
    assert three.out("ps", "-q", "-f", "status=exited").split() == ["a"]
