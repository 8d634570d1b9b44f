"""--net=container:NAME in every order, and after every end of either side: the table of docs/networks.md, a test for each line."""
import os
import shutil
import subprocess

import pytest

import instance
from instance import BUSYBOX, STAY, container, eventually, kill, pod, shell

pytestmark = pytest.mark.bridge
SERVE = "mkdir -p /tmp/w; echo hello > /tmp/w/index.html; exec httpd -f -p 8080 -h /tmp/w"


def joiner(name="joiner", target="owner", **spec):
    manifest = pod(name, shell(SERVE.replace("8080", "8081").replace("hello", name)), **spec)
    manifest["metadata"]["annotations"] = {"seapod.io/network": f"container:{target}"}
    return manifest


def owner(image=BUSYBOX):
    return pod("owner", {**shell(SERVE), "image": image})


def network(seapod, name):
    return os.readlink(f"/proc/{seapod.keeper(name)}/ns/net")


def hears(seapod, name, port=8080):
    return seapod.sh(name, f"wget -qO- http://127.0.0.1:{port}/", check=False)


@pytest.fixture
def both(seapod):
    seapod.apply([owner(), joiner()])
    eventually(lambda: hears(seapod, "joiner") == "hello" and hears(seapod, "owner", 8081) == "joiner")
    seapod.before = network(seapod, "joiner")
    return seapod


def are_together(seapod):
    return network(seapod, "owner") == network(seapod, "joiner")


def test_the_owners_program_crashes(both):
    kill(both.pid("owner"))
    eventually(lambda: both.restarts("owner", "main") == 1 and hears(both, "joiner") == "hello")
    assert network(both, "owner") == both.before and are_together(both)


def test_the_owner_is_restarted(both):
    both.run("restart", "owner")
    eventually(lambda: hears(both, "joiner") == "hello")
    assert network(both, "owner") == both.before and are_together(both)


def test_the_owner_gets_another_image(both, tmp_path):
    """An upgrade: in a pod that runs, only the container is made anew."""
    (tmp_path / "Dockerfile").write_text(f"FROM {BUSYBOX}\nENV NEW=yes\n")
    both.run("build", "-t", "other", tmp_path)
    both.apply(owner("other"))
    eventually(lambda: both.restarts("owner", "main") == 1 and hears(both, "joiner") == "hello")
    assert network(both, "owner") == both.before and are_together(both)


def test_the_joiners_program_crashes(both):
    kill(both.pid("joiner"))
    eventually(lambda: both.restarts("joiner", "main") == 1 and hears(both, "owner", 8081) == "joiner")
    assert network(both, "joiner") == both.before


def test_the_joiner_is_stopped_started_and_deleted(both):
    both.run("stop", "-t", "0", "joiner")
    assert hears(both, "owner") == "hello"
    both.run("start", "joiner")
    eventually(lambda: hears(both, "joiner") == "hello")
    assert are_together(both)
    both.delete("joiner", "--now")
    assert hears(both, "owner") == "hello"


def test_the_joiners_keeper_is_killed(both):
    kill(both.keeper("joiner"))
    eventually(lambda: "joiner" not in both.out("get", "pods", "-o", "name"))
    assert hears(both, "owner") == "hello" and network(both, "owner") == both.before


@pytest.mark.parametrize("end", [lambda s: s.run("stop", "-t", "0", "owner"), lambda s: s.delete("owner", "--now"), lambda s: kill(s.keeper("owner"))])
def test_the_owner_ends(both, end):
    """The namespace lives on with the joiner, 127.0.0.1 too; the address is the network's again, and no longer let through."""
    address = both.ip("owner")
    both.apply(pod("other"))
    end(both)
    assert hears(both, "joiner", 8081) == "joiner" and network(both, "joiner") == both.before
    eventually(lambda: both.run("get", "pods") and both.sh("other", f"timeout 1 wget -qO- http://{address}:8081/", check=False) == "")


@pytest.mark.parametrize("again", ["start", "apply"])
def test_the_owner_is_there_again(both, again):
    """It has a network of its own; the joiner comes to it when it is started again itself."""
    if again == "start":
        both.run("stop", "-t", "0", "owner")
        both.run("start", "owner")
    else:
        both.delete("owner", "--now")
        both.apply(owner())
    eventually(lambda: hears(both, "owner") == "hello")
    assert not are_together(both) and hears(both, "joiner", 8081) == "joiner"
    both.run("stop", "-t", "0", "joiner")
    both.run("start", "joiner")
    eventually(lambda: hears(both, "joiner") == "hello")
    assert are_together(both) and both.ip("joiner") == both.ip("owner")


def test_the_joiner_is_started_while_the_owner_is_not(both):
    both.run("stop", "-t", "0", "joiner")
    both.run("stop", "-t", "0", "owner")
    assert "there is no such pod running" in both.fails("start", "joiner")
    both.run("start", "owner")
    both.run("start", "joiner")
    assert are_together(both)


def test_the_joiner_first(seapod):
    assert "there is no such pod running" in seapod.rejects(joiner())
    seapod.apply([joiner(), owner()])  # in one apply they are put in order
    assert are_together(seapod)


def test_a_joiner_of_a_joiner(both):
    """It is in the first one's network, and stays there when the one between has gone."""
    both.run("run", "-d", "--net=container:joiner", "--name", "third", BUSYBOX, *STAY)
    assert network(both, "third") == both.before
    both.delete("joiner", "--now")
    assert hears(both, "third") == "hello"


def test_another_build_of_seapod(both, tmp_path):
    """After an upgrade of Seapod itself: keepers that run go on, and new ones join them."""
    for name in os.listdir(instance.BUILD):
        if name.startswith("seapod") and os.path.isfile(f"{instance.BUILD}/{name}") and os.access(f"{instance.BUILD}/{name}", os.X_OK):
            shutil.copy(f"{instance.BUILD}/{name}", tmp_path)
    subprocess.run([tmp_path / "seapod", "run", "-d", "--net=container:owner", "--name", "new", BUSYBOX, *STAY], env=both.env, check=True, stdout=subprocess.DEVNULL)
    assert network(both, "new") == both.before and hears(both, "new") == "hello"
    kill(both.pid("owner"))
    eventually(lambda: both.restarts("owner", "main") == 1 and hears(both, "new") == "hello" and hears(both, "joiner") == "hello")
