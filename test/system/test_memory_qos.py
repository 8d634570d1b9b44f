"""Memory QoS (KEP-2570): what is kept for a pod and from where on it is slowed down, on cgroup v2 (`make vm`)."""
import os

import pytest

from instance import container, pod

NET = {"hostNetwork": True}
V2 = os.path.exists("/sys/fs/cgroup/cgroup.controllers")
MIB = 1 << 20
on_v2 = pytest.mark.skipif(not V2, reason="memory QoS needs cgroup v2")
FACTOR, POLICY = "seapod.io/memory-throttling-factor", "seapod.io/memory-reservation-policy"


def noted(manifest, **notes):
    manifest["metadata"]["annotations"] = {{"factor": FACTOR, "policy": POLICY}[key]: value for key, value in notes.items()}
    return manifest


def asking(requests=None, limits=None, name="main"):
    return container(name, resources={key: value for key, value in (("requests", requests), ("limits", limits)) if value})


def folder(seapod, who, name="web"):
    with open(f"/proc/{seapod.pid(name, who)}/cgroup") as f:
        return "/sys/fs/cgroup" + f.read().strip().split("::")[1]


def figures(path):
    """memory.min, memory.low and memory.high of a cgroup in MiB; None: no limit."""
    def figure(file):
        with open(f"{path}/memory.{file}") as f:
            text = f.read().strip()
        return None if text == "max" else int(text) // MIB
    return [figure(file) for file in ("min", "low", "high")]


@on_v2
def test_it_is_off_unless_asked_for(seapod):
    seapod.apply(pod("web", asking({"memory": "10Mi"}, {"memory": "20Mi"}), **NET))
    assert figures(folder(seapod, "main")) == figures(os.path.dirname(folder(seapod, "main"))) == [0, 0, None]


@on_v2
def test_a_burstable_container_is_slowed_down_before_its_limit(seapod):
    """memory.high is for containers only; without a limit the machine's memory stands for it."""
    seapod.apply(noted(pod("web", asking({"memory": "10Mi"}, {"memory": "20Mi"}, "a"), asking({"memory": "10Mi"}, None, "b"),
                           asking(None, None, "c"), **NET), factor="0.5"))
    assert figures(folder(seapod, "a")) == [0, 0, 15]
    node = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // MIB
    assert abs(figures(folder(seapod, "b"))[2] - (10 + (node - 10) // 2)) <= 1
    assert abs(figures(folder(seapod, "c"))[2] - node // 2) <= 1
    assert figures(os.path.dirname(folder(seapod, "a"))) == [0, 0, None]


@on_v2
def test_what_burstable_pods_ask_for_is_kept_softly_and_that_of_guaranteed_ones_hard(seapod):
    """And the cgroup above all pods has the sums, without which nothing would be kept; they go with the pods."""
    seapod.apply(noted(pod("web", asking({"memory": "10Mi"}, None, "a"), asking({"memory": "6Mi"}, {"memory": "8Mi"}, "b"), **NET),
                       policy="TieredReservation"))
    assert figures(folder(seapod, "a")) == [0, 10, None] and figures(folder(seapod, "b")) == [0, 6, None]
    above = os.path.dirname(folder(seapod, "a"))
    top = os.path.dirname(above)
    assert figures(above) == [0, 16, None] and figures(top) == [0, 16, None]
    all_of_it = {"memory": "12Mi", "cpu": "100m"}
    seapod.apply(noted(pod("sure", asking(None, all_of_it), **NET), policy="TieredReservation", factor="0.9"))
    assert figures(folder(seapod, "main", "sure")) == [12, 0, None]
    assert figures(top) == [12, 16, None]
    seapod.delete("web")
    assert figures(top) == [12, 0, None]
    seapod.run("resize", "sure", "--memory", "20Mi")
    assert figures(folder(seapod, "main", "sure")) == [20, 0, None] and figures(top) == [20, 0, None]
    seapod.delete("sure")
    assert not os.path.exists(top) or figures(top) == [0, 0, None]


@pytest.mark.skipif(V2, reason="here it can be had")
def test_it_is_refused_where_it_cannot_be_had(seapod):
    assert "version 2" in seapod.rejects(noted(pod("web", **NET), policy="TieredReservation"))


@pytest.mark.parametrize("notes", [{"factor": "0"}, {"factor": "1.5"}, {"factor": "much"}, {"policy": "Some"}])
def test_wrong_words_are_refused(seapod, notes):
    said = seapod.rejects(noted(pod("web", **NET), **notes))
    assert FACTOR in said and POLICY in said
