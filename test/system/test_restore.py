"""After a boot: pods that are to run always come back, once, in the order in which they need each other (`seapod system restore`)."""
import glob
import os
import shutil
import subprocess
import signal

from instance import container, eventually, kill, pod, shell

NET = {"hostNetwork": True}


def noted(seapod, *names):
    """A keeper notes its pod a second after the start."""
    eventually(lambda: all(os.path.exists(f"{seapod.root}/restore/default_{name}.json") for name in names))


def reboot(seapod, *names):
    """What a boot leaves: no process, nothing in RUN. What the kernel forgets at one, the listing sweeps."""
    for name in names:
        kill(seapod.keeper(name))
    eventually(lambda: seapod.out("get", "pods", "-o", "name") == "")
    for layer in glob.glob(f"{seapod.run_dir}/layers/*"):
        subprocess.run(["umount", layer], stderr=subprocess.DEVNULL)
    for name in os.listdir(seapod.run_dir):
        shutil.rmtree(f"{seapod.run_dir}/{name}")


def test_pods_come_back_after_a_boot(seapod):
    seapod.apply([pod("web", shell("echo again >> /v/log; sleep 99", volumeMounts=[{"name": "v", "mountPath": "/v"}]),
                      volumes=[{"name": "v", "emptyDir": {}}]),
                  pod("job", restartPolicy="Never", **NET)])
    noted(seapod, "web")
    uid = seapod.uid("web")
    reboot(seapod, "web", "job")
    assert seapod.out("system", "restore") == "pod/web restored"
    assert seapod.out("get", "pods", "-o", "name") == "pod/web" and seapod.uid("web") == uid
    seapod.run("wait", "pod", "web", "--for=condition=Ready")
    assert seapod.out("system", "restore") == ""  # it is there


def test_who_joins_a_network_comes_after_it(seapod):
    def joiner(name, target):
        return {**pod(name, container()), "metadata": {"name": name, "annotations": {"seapod.io/network": f"container:{target}"}}}
    seapod.apply(pod("zero"))
    seapod.apply(joiner("a", "zero"))
    seapod.apply(joiner("b", "a"))
    noted(seapod, "zero", "a", "b")
    reboot(seapod, "b", "a", "zero")
    assert seapod.out("system", "restore").split("\n") == [f"pod/{name} restored" for name in ("zero", "a", "b")]
    inside = {os.readlink(f"/proc/{seapod.keeper(name)}/ns/net") for name in ("zero", "a", "b")}
    assert len(inside) == 1


def test_what_was_ended_stays_ended(seapod):
    for name in ("stopped", "deleted", "killed", "shut-down"):
        seapod.apply(pod(name, **NET))
    noted(seapod, "stopped", "deleted", "killed", "shut-down")
    seapod.run("stop", "stopped")
    seapod.delete("deleted")
    kill(seapod.keeper("killed"))
    os.kill(seapod.keeper("shut-down"), signal.SIGTERM)  # as the machine does
    eventually(lambda: "shut-down" not in seapod.out("ps"))
    seapod.delete("killed")  # of what is not there any more only the note is left
    seapod.delete("stopped")
    assert seapod.out("system", "restore") == "pod/shut-down restored"


def test_a_change_is_noted(seapod):
    seapod.apply(pod("web", **NET))
    noted(seapod, "web")
    changed = pod("web", **NET)
    changed["metadata"]["labels"] = {"color": "red"}
    seapod.apply(changed)
    reboot(seapod, "web")
    seapod.run("system", "restore")
    assert seapod.get("web")["metadata"]["labels"] == {"color": "red"}
