"""What the examples and the README say happens when it is tried.

A file says it as a session: a line "$ COMMAND", then what it prints, with ... for what differs each time. A command is tried again for
some seconds until it prints that, as a person would; one that changes something only once.
"""
import glob
import os
import re
import subprocess
import time

import pytest

import instance

EXAMPLES = sorted(glob.glob(instance.TOP + "/examples/*.yaml"))
SETUP = f'seapod() {{ {instance.SEAPOD} "$@"; }}; sudo() {{ "$@"; }}; build/seapod() {{ seapod "$@"; }}\n'


def session(lines):
    """[(command, [line, ...]), ...]"""
    steps = []
    for line in lines:
        if line.startswith("$ "):
            steps.append((line[2:], []))
        elif steps:
            if line:
                steps[-1][1].append(line)
    return steps


def matches(said, wanted):
    pattern = "\n".join(".*".join(re.escape(part) for part in line.split("...")) for line in wanted)
    return re.fullmatch(pattern, said.rstrip("\n")) is not None


def follow(web, steps, folder=instance.TOP):
    for command, wanted in steps:
        once = re.search(r"\b(apply|delete|restart|load)\b", command)
        end = time.monotonic() + 5 * instance.PATIENCE
        while True:
            done = subprocess.run(["bash", "-c", SETUP + command], cwd=folder, env=web.env, text=True, timeout=60,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            if matches(done.stdout, wanted):
                break
            assert not once and time.monotonic() < end, f"$ {command}\n{done.stdout}\ninstead of\n" + "\n".join(wanted)
            time.sleep(0.05)


@pytest.mark.bridge
@pytest.mark.parametrize("path", EXAMPLES, ids=[os.path.basename(path) for path in EXAMPLES])
def test_example(seapod, path):
    with open(path) as f:
        head = [line[2:].rstrip("\n") for line in f if line.startswith("# ")]
    steps = session(head)
    assert steps[0][0] == f"seapod apply -f examples/{os.path.basename(path)}" and "delete" in steps[-1][0]
    follow(seapod, steps)


def test_every_example_is_in_the_list():
    with open(instance.TOP + "/examples/README.md") as f:
        listed = re.findall(r"\]\((.*)\)", f.read())
    assert sorted(listed) == sorted([os.path.basename(path) for path in EXAMPLES] + ["demo/web.yaml"])


@pytest.mark.bridge
def test_readme(bare, tmp_path):
    """Its first pod, as a new user would try it."""
    with open(instance.TOP + "/README.md") as f:
        text = f.read()
    (tmp_path / "pod.yaml").write_text(re.search(r"```yaml\n(.*?)```", text, re.S)[1])
    (tmp_path / "build").symlink_to(instance.TOP + "/build")
    typed = "\n".join(re.findall(r"```console\n(.*?)```", text, re.S)).splitlines()
    follow(bare, [(command, wanted) for command, wanted in session(typed) if not command.startswith("make")], tmp_path)
