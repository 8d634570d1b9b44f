"""Each field of a manifest that no other test is about, many of them in one pod; test/honoured.txt says which test a field has."""
import os
import time

import pytest

from instance import BUSYBOX, container, eventually, pod, shell

NET = {"hostNetwork": True}


def variable(name, **source):
    return {"name": name, "valueFrom": source}


def variables(seapod, name="web", c="main"):
    return dict(line.split("=", 1) for line in seapod.sh(name, "env", c=c).splitlines())


def config(name="words", **more):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, **more}


FIELDS = {"NAME": "metadata.name", "NAMESPACE": "metadata.namespace", "UID": "metadata.uid", "LABEL": "metadata.labels['color']",
          "NOTE": "metadata.annotations['example.org/note']", "NODE": "spec.nodeName", "ACCOUNT": "spec.serviceAccountName",
          "HOST_IP": "status.hostIP", "HOST_IPS": "status.hostIPs", "POD_IP": "status.podIP", "POD_IPS": "status.podIPs"}


def test_every_field_of_the_pod_as_a_variable(seapod):
    made = pod("web", container(env=[variable(name, fieldRef={"fieldPath": path}) for name, path in FIELDS.items()]), **NET)
    made["metadata"].update(labels={"color": "red"}, annotations={"example.org/note": "of mine"})
    seapod.apply(made)
    seen, status = variables(seapod), seapod.status("web")
    assert [seen[name] for name in ("NAME", "NAMESPACE", "LABEL", "NOTE", "ACCOUNT")] == ["web", "default", "red", "of mine", "default"]
    assert seen["UID"] == seapod.uid("web") and seen["NODE"] == os.uname().nodename
    assert seen["HOST_IP"] == seen["HOST_IPS"] == status["hostIP"] and seen["POD_IP"] == seen["POD_IPS"] == status["podIP"]


def test_every_resource_as_a_variable(seapod):
    amounts = {"cpu": "250m", "memory": "64Mi", "ephemeral-storage": "2Gi"}
    wish = {"cpu": "1m", "memory": "1Mi", "ephemeral-storage": "1Gi"}
    env = [variable(f"{kind}_{name}".replace("-", "_"), resourceFieldRef={"resource": f"{kind}.{name}", "divisor": wish[name],
                                                                        "containerName": "other"})
           for kind in ("limits", "requests") for name in amounts]
    env += [variable("WHOLE_CPUS", resourceFieldRef={"resource": "limits.cpu"}), variable("OWN", resourceFieldRef={"resource": "requests.cpu"})]
    seapod.apply(pod("web", container(env=env), container("other", resources={"limits": amounts}), **NET))
    seen = variables(seapod)
    for kind in ("limits", "requests"):
        assert [seen[f"{kind}_{name}"] for name in ("cpu", "memory", "ephemeral_storage")] == ["250", "64", "2"]
    assert seen["WHOLE_CPUS"] == str(os.sysconf("SC_NPROCESSORS_ONLN")) and seen["OWN"] == "0"


def test_optional_objects_may_be_missing(seapod):
    """Variables are then not set, volumes are empty, and without `optional` it is an error that names what is missing."""
    maybe = {"name": "nosuch", "optional": True}
    spec = {"env": [variable("A", configMapKeyRef={**maybe, "key": "a"}), variable("B", secretKeyRef={**maybe, "key": "b"}),
                    variable("C", configMapKeyRef={"name": "words", "key": "nosuch", "optional": True})],
            "envFrom": [{"configMapRef": maybe}, {"secretRef": maybe}],
            "volumeMounts": [{"name": name, "mountPath": f"/{name}"} for name in ("s", "p")]}
    volumes = [{"name": "s", "secret": {"secretName": "nosuch", "optional": True}},
               {"name": "p", "projected": {"sources": [{"configMap": maybe}, {"secret": maybe}]}}]
    seapod.apply([config(data={"x": "1"}), pod("web", container(**spec), volumes=volumes, **NET)])
    assert seapod.sh("web", "echo ${A-no} ${B-no} ${C-no}; ls /s /p | grep -v :") == "no no no"
    for what in ({"env": [variable("A", configMapKeyRef={"name": "nosuch", "key": "a"})]}, {"envFrom": [{"secretRef": {"name": "nosuch"}}]}):
        said = seapod.apply(pod("other", container(**what), restartPolicy="Never", **NET), check=False).stderr
        assert "'nosuch'" in said
        seapod.delete("other", "--now")


def test_secrets_whole_in_part_and_as_variables(seapod):
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "quiet"}, "type": "Opaque", "data": {"bin": "AAEC"},
              "stringData": {"word": "hush"}}
    seapod.apply([secret, pod("web", container(envFrom=[{"prefix": "P_", "secretRef": {"name": "quiet"}}],
                                               volumeMounts=[{"name": "v", "mountPath": "/v"}]),
                              volumes=[{"name": "v", "secret": {"secretName": "quiet", "defaultMode": 0o400, "items": [
                                  {"key": "word", "path": "a/b"}, {"key": "bin", "path": "c"}]}}], **NET)])
    assert seapod.sh("web", "cat /v/a/b; stat -L -c %a /v/a/b; od -An -tx1 /v/c; echo $P_word").split() == \
        ["hush400", "00", "01", "02", "hush"]


def test_bytes_of_a_config_map_and_one_that_cannot_change(seapod):
    fixed = config(binaryData={"b": "/wA="}, data={"a": "1"}, immutable=True)
    seapod.apply([fixed, pod("web", container(volumeMounts=[{"name": "v", "mountPath": "/v"}]),
                             volumes=[{"name": "v", "configMap": {"name": "words"}}], **NET)])
    assert seapod.sh("web", "od -An -tx1 /v/b").split() == ["ff", "00"]
    assert "immutable" in seapod.rejects({**fixed, "data": {"a": "2"}})


def test_a_projected_volume_follows_its_sources(seapod):
    """Labels, a ConfigMap and a Secret in one directory, with modes; what changes is seen without a restart."""
    def made(color):
        sources = [{"configMap": {"name": "words", "items": [{"key": "a", "path": "deep/a", "mode": 0o600}]}},
                   {"secret": {"name": "quiet"}},
                   {"downwardAPI": {"items": [{"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}, "mode": 0o640, "user": 7},
                                              {"path": "cpu", "resourceFieldRef": {"containerName": "main", "resource": "limits.cpu"}}]}}]
        manifest = pod("web", container(volumeMounts=[{"name": "v", "mountPath": "/v"}], resources={"limits": {"cpu": "2"}}),
                       volumes=[{"name": "v", "projected": {"defaultMode": 0o444, "sources": sources}}], **NET)
        manifest["metadata"]["labels"] = {"color": color}
        return manifest
    seapod.apply([config(data={"a": "1"}), {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "quiet"}, "stringData": {"s": "hush"}},
                  made("red")])
    assert seapod.sh("web", "cat /v/deep/a /v/s /v/labels /v/cpu") == '1hushcolor="red"\n2'
    assert seapod.sh("web", "stat -L -c %u:%a /v/deep/a /v/s /v/labels").split() == ["0:600", "0:444", "7:640"]
    seapod.apply([config(data={"a": "2"}), made("blue")])
    assert eventually(lambda: seapod.sh("web", "cat /v/deep/a /v/labels") == '2color="blue"')
    seapod.run("resize", "web", "--cpu", "3")
    assert seapod.sh("web", "cat /v/cpu") == "3"


def test_downward_files_have_modes_and_owners(seapod):
    items = [{"path": "d/name", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.name"}},
             {"path": "memory", "resourceFieldRef": {"containerName": "main", "resource": "limits.memory", "divisor": "1Mi"}, "mode": 0o600, "user": 9}]
    seapod.apply(pod("web", container(volumeMounts=[{"name": "v", "mountPath": "/v"}], resources={"limits": {"memory": "32Mi"}}),
                     volumes=[{"name": "v", "downwardAPI": {"defaultMode": 0o440, "defaultUser": 8, "items": items}}], **NET))
    assert seapod.sh("web", "cat /v/d/name; echo; cat /v/memory; echo; stat -L -c %u:%a /v/d/name /v/memory").split() == \
        ["web", "32", "8:440", "9:600"]


def test_owners_of_the_files_of_objects(seapod):
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "quiet"}, "stringData": {"s": "x"}}
    seapod.apply([config(data={"a": "1"}), secret,
                  pod("web", container(volumeMounts=[{"name": n, "mountPath": f"/{n}"} for n in "cs"]),
                      volumes=[{"name": "c", "configMap": {"name": "words", "defaultUser": 5}},
                               {"name": "s", "secret": {"secretName": "quiet", "defaultUser": 6}}], **NET)])
    assert seapod.sh("web", "stat -L -c %u /c/a /s/s").split() == ["5", "6"]


def test_how_a_volume_is_mounted(seapod, tmp_path):
    """subPathExpr, more options, read-only all the way down, and mounts that come later."""
    (tmp_path / "below").mkdir()
    mount = lambda path, **more: {"name": "v", "mountPath": path, **more}
    assert os.system(f"mount --bind {tmp_path} {tmp_path} && mount --make-shared {tmp_path} && mount -t tmpfs none {tmp_path}/below") == 0
    try:
        seapod.apply(pod("web", container(env=[variable("WHO", fieldRef={"fieldPath": "metadata.name"})], volumeMounts=[
            mount("/own", subPathExpr="of/$(WHO)"), mount("/strict", bindMountOptions=["noexec", "nosuid", "nodev"]),
            mount("/ro", readOnly=True, recursiveReadOnly="Enabled"), mount("/top", readOnly=True),
            mount("/later", mountPropagation="HostToContainer"), mount("/fixed", mountPropagation="None")]),
            volumes=[{"name": "v", "hostPath": {"path": str(tmp_path)}}], **NET))
        seapod.sh("web", "echo x > /own/file; echo x > /top/below/ok; printf '#!/bin/sh\\n' > /later/tool; chmod +x /later/tool")
        assert (tmp_path / "of/web/file").exists()
        assert "not executable" in seapod.exec("web", "/strict/tool", check=False).stderr
        seapod.exec("web", "/later/tool")
        options = [line.split()[3] for line in seapod.sh("web", "cat /proc/mounts").splitlines() if " /strict " in line][0].split(",")
        assert {"noexec", "nosuid", "nodev"} <= set(options)
        assert "Read-only" in seapod.exec("web", "touch", "/ro/below/no", check=False).stderr
        (tmp_path / "new").mkdir()
        assert os.system(f"mount -t tmpfs none {tmp_path}/new && touch {tmp_path}/new/seen") == 0
        assert seapod.sh("web", "ls /later/new; ls /fixed/new") == "seen"
    finally:
        seapod.run("delete", "pod", "web", "--now", "--ignore-not-found")
        os.system(f"umount -R {tmp_path}")


def test_a_privileged_container_may_mount_for_the_host(seapod, tmp_path):
    assert os.system(f"mount -t tmpfs none {tmp_path} && mount --make-shared {tmp_path}") == 0
    try:
        seapod.apply(pod("web", container(securityContext={"privileged": True}, volumeMounts=[
            {"name": "v", "mountPath": "/v", "mountPropagation": "Bidirectional"}]),
            volumes=[{"name": "v", "hostPath": {"path": str(tmp_path)}}], **NET))
        seapod.sh("web", "mkdir /v/m && mount -t tmpfs none /v/m && touch /v/m/seen")
        assert os.path.exists(tmp_path / "m/seen")
    finally:
        seapod.run("delete", "pod", "web", "--now", "--ignore-not-found")
        os.system(f"umount -R {tmp_path}")


def test_where_and_what_is_executed(seapod):
    seapod.apply(pod("web", {"name": "main", "image": BUSYBOX, "imagePullPolicy": "IfNotPresent", "workingDir": "/made/here",
                             "env": [{"name": "WORD", "value": "said"}],
                             "command": ["sh", "-c", 'pwd; echo "$@"; exec sleep 99'], "args": ["-", "$(WORD)", "$$(WORD)", "$(NOSUCH)"]}, **NET))
    assert eventually(lambda: seapod.logs("web").splitlines()[1:]) == ["said $(WORD) $(NOSUCH)"]
    assert seapod.logs("web").splitlines()[0] == "/made/here"


def test_the_hosts_processes_and_ipc(seapod):
    seapod.apply([pod("all", hostPID=True, hostIPC=True, **NET), pod("own", **NET)])
    ipc = os.readlink("/proc/self/ns/ipc")
    assert seapod.sh("all", "readlink /proc/self/ns/ipc") == ipc != seapod.sh("own", "readlink /proc/self/ns/ipc")
    assert int(seapod.sh("all", "echo $$")) > 100 and "pytest" in seapod.sh("all", "ps") and "pytest" not in seapod.sh("own", "ps")


@pytest.mark.parametrize("spec,name", [
    ({"hostname": "db"}, "db"),
    ({"hostname": "db", "subdomain": "sub", "setHostnameAsFQDN": True}, "db.sub.default.svc.cluster.local"),
    ({"hostname": "db", "hostnameOverride": "one.example"}, "one.example")], ids=["hostname", "fqdn", "override"])
def test_the_host_name(seapod, spec, name):
    made = pod("web", os={"name": "linux"}, **spec)
    made["metadata"]["annotations"] = {"seapod.io/network": "none"}
    seapod.apply(made)
    assert seapod.sh("web", "hostname") == name


def test_a_pod_has_a_time_to_live(seapod):
    seapod.apply(pod("web", restartPolicy="Always", activeDeadlineSeconds=1, **NET))
    begun = time.monotonic()
    eventually(lambda: seapod.phase("web") == "Failed")
    assert seapod.status("web")["reason"] == "DeadlineExceeded" and time.monotonic() - begun < 60


def test_the_exit_message_is_where_it_was_asked_for(seapod):
    seapod.apply(pod("web", shell("echo why > /var/why; exit 3", terminationMessagePath="/var/why", terminationMessagePolicy="File"),
                     restartPolicy="Never", **NET))
    assert eventually(lambda: seapod.status("web", "main")["state"]["terminated"])["message"] == "why\n"


def test_standard_input_closes_after_the_first_attach(seapod):
    seapod.apply(pod("web", shell("cat; echo over", stdin=True, stdinOnce=True), restartPolicy="Never", **NET))
    seapod.run("attach", "-i", "web", input="hello\n")
    eventually(lambda: seapod.phase("web") == "Succeeded")
    assert seapod.logs("web") == "hello\nover"


def test_the_hosts_resolver_may_be_used(seapod):
    seapod.apply(pod("web", dnsPolicy="Default", dnsConfig={"options": [{"name": "rotate"}]}, **NET))
    assert "rotate" in seapod.sh("web", "cat /etc/resolv.conf")


def test_a_pod_that_is_being_deleted_says_so(seapod):
    seapod.apply(pod("web", shell("trap '' TERM; while :; do sleep 1; done"), terminationGracePeriodSeconds=20, **NET))
    deleting = seapod.start("delete", "pod", "web")
    meta = eventually(lambda: seapod.get("web")["metadata"].get("deletionTimestamp") and seapod.get("web")["metadata"])
    assert meta["deletionGracePeriodSeconds"] == 20 and "Terminating" in seapod.out("get", "pods")
    seapod.run("delete", "pod", "web", "--force")
    assert deleting.wait(timeout=30) == 0


def test_what_is_only_kept_comes_back(seapod):
    kept = {"generation": 7, "resourceVersion": "42", "selfLink": "/api/v1/x", "managedFields": [{"manager": "kubectl"}]}
    made = pod("web", **NET)
    made["metadata"].update(kept)
    seapod.apply(made)
    assert {key: seapod.get("web")["metadata"][key] for key in kept} == kept
