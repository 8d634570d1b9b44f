"""Huge pages: resources hugepages-SIZE and emptyDirs of that medium (Kubernetes docs "Manage HugePages"), where the kernel has them."""
import os
import subprocess

import pytest

from instance import container, pod, text
from test_limits import cgroup_files

NET = {"hostNetwork": True}
NUMBER = "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages"
V1 = "/sys/fs/cgroup/hugetlb"


@pytest.fixture
def pages():
    """Eight huge pages of 2 MiB, and the controller; both only for the test."""
    if not os.path.exists(NUMBER):
        pytest.skip("this kernel has no huge pages of 2 MiB")
    v2 = os.path.exists("/sys/fs/cgroup/cgroup.controllers")
    mounted = v2 or os.path.ismount(V1)
    if not mounted:
        os.makedirs(V1, exist_ok=True)
        if subprocess.run(["mount", "-t", "cgroup", "-o", "hugetlb", "hugetlb", V1], stderr=subprocess.DEVNULL).returncode:
            os.rmdir(V1)
            pytest.skip("this machine has no 'hugetlb' cgroup controller")
    with open(NUMBER) as f:
        before = int(f.read())
    with open(NUMBER, "w") as f:
        f.write(str(before + 8))
    with open(NUMBER) as f:
        there = int(f.read())
    try:
        if there < before + 8:
            pytest.skip("this machine has no memory for huge pages left")
        yield there
    finally:
        with open(NUMBER, "w") as f:
            f.write(str(before))
        if not mounted:
            subprocess.run(["umount", V1], check=True)
            os.rmdir(V1)


def huge(amount, **more):
    return {"limits": {"hugepages-2Mi": amount, "memory": "32Mi", **more}}


def limit_of(seapod, name="web", who="main"):
    found = cgroup_files(seapod, name, "hugetlb.2MB.max", "hugetlb.2MB.limit_in_bytes", container=who)
    return [int(value) >> 20 for value in found]


MOUNT = {"volumeMounts": [{"name": "huge", "mountPath": "/huge"}]}
# Pages are taken when a file of them grows and is written to through a mapping; truncate(1) and dd cannot, so fallocate(1) does.
TAKE = "fallocate -l {} /huge/f && echo taken || echo refused"


def test_a_pod_has_the_huge_pages_that_it_asks_for(pages, seapod):
    seapod.apply(pod("web", container(resources=huge("4Mi"), **MOUNT, env=[{"name": "HUGE", "valueFrom": {"resourceFieldRef": {
        "resource": "limits.hugepages-2Mi", "divisor": "1Mi"}}}]), container("other"),
                     volumes=[{"name": "huge", "emptyDir": {"medium": "HugePages"}}], **NET))
    assert limit_of(seapod) == [4, 4] and limit_of(seapod, who="other") == [0, 4]
    assert "hugetlbfs" in seapod.sh("web", "grep ' /huge ' /proc/mounts") and "pagesize=2M" in seapod.sh("web", "grep ' /huge ' /proc/mounts")
    assert seapod.sh("web", TAKE.format(4 << 20)) == "taken"
    assert seapod.sh("web", "rm /huge/f; " + TAKE.format(6 << 20) + " 2>/dev/null") == "refused"
    assert seapod.sh("web", "echo $HUGE") == "4"
    resources = seapod.get("web")["spec"]["containers"][0]["resources"]
    assert resources["requests"]["hugepages-2Mi"] == "4Mi"


def test_who_asks_for_none_has_none(pages, seapod):
    seapod.apply(pod("web", **NET))
    assert limit_of(seapod)[1] == 0


def test_the_medium_names_a_size(pages, seapod):
    seapod.apply(pod("web", container(resources=huge("2Mi"), **MOUNT),
                     volumes=[{"name": "huge", "emptyDir": {"medium": "HugePages-2Mi", "sizeLimit": "2Mi"}}], **NET))
    assert "pagesize=2M" in seapod.sh("web", "grep ' /huge ' /proc/mounts")
    assert seapod.sh("web", "df -m /huge | tail -1").split()[1] == "2"


def test_more_than_there_are_is_refused(pages, seapod):
    said = seapod.rejects(pod("web", container(resources=huge(f"{2 * pages + 2}Mi")), **NET))
    assert f"has {pages} such pages" in said and "nr_hugepages" in said


def test_a_size_that_the_machine_has_not(seapod):
    said = seapod.rejects(pod("web", container(resources={"limits": {"hugepages-64Ki": "64Ki", "memory": "8Mi"}}), **NET))
    assert "hugepages-64Ki" in said and "has 0 such pages" in said


@pytest.mark.parametrize("resources, words", [
    ({"limits": {"hugepages-2Mi": "3Mi", "memory": "8Mi"}}, "not a multiple"),
    ({"limits": {"hugepages-2Mi": "4Mi", "memory": "8Mi"}, "requests": {"hugepages-2Mi": "2Mi"}}, "the same as the limit"),
    ({"requests": {"hugepages-2Mi": "2Mi", "memory": "8Mi"}}, "needs a limit"),
    ({"limits": {"hugepages-2Mi": "2Mi"}}, "needs cpu or memory"),
    ({"limits": {"hugepages-3Mi": "3Mi", "memory": "8Mi"}}, "no size of page")])
def test_what_kubernetes_refuses(seapod, resources, words):
    assert words in seapod.fails("apply", "-f", "-", lines=None, input=text(pod("web", container(resources=resources), **NET)))


@pytest.mark.parametrize("medium, words", [("HugePages", "no container asks"), ("HugePages-3Mi", "no size of page"), ("Disk", "none of Memory")])
def test_a_wrong_medium(seapod, medium, words):
    assert words in seapod.rejects(pod("web", container(**MOUNT), volumes=[{"name": "huge", "emptyDir": {"medium": medium}}], **NET))
