"""The world in which the tests of --systemd-cgroup run a systemd as root: it can write to nothing of this machine but its own directory."""
import os

import systemd_world

TOP = systemd_world.instance.TOP
PLACES = ["/", "/etc", "/usr", "/usr/bin", "/bin", "/lib", "/var", "/var/lib", "/var/log", "/tmp", "/var/tmp", "/run", "/dev", "/dev/shm", "/home",
          "/root", "/srv", TOP]
PROBE = """
for where; do touch "$where/seapod-probe" 2>/dev/null && echo "wrote $where"; done
ls -d /etc/systemd /etc/tmpfiles.d /var/lib/dpkg /run/units/../lock 2>/dev/null && echo "sees the host"
echo 77 2>/dev/null >/proc/sys/kernel/core_pipe_limit && echo sysctl
hostname seapod-probe
[ -f "$where/README.md" ] && cd "$own" && touch own-probe && echo end
"""


def test_it_writes_to_nothing_of_the_machine():
    name = os.uname().nodename
    world = systemd_world.World("bash", "-c", PROBE, "probe", *PLACES)
    try:
        assert world.process.wait(timeout=60) == 0 and "end\n" in world.said(), world.said()
        assert "wrote /tmp\n" in world.said() and "sees the host" not in world.said()  # the probe does probe: its own /tmp
        for where in PLACES:
            assert not os.path.exists(where + "/seapod-probe"), where
        assert os.path.exists(world.dir + "/own-probe")  # what it shall be able to write to
        assert "sysctl" not in world.said() and os.uname().nodename == name
    finally:
        world.end()


def test_it_does_not_start_when_something_could_be_written_to():
    world = systemd_world.World("echo", "started")
    world.process.wait(timeout=60)
    assert "started" in world.said(), world.said()
    world.end()
    boot, systemd_world.BOOT = systemd_world.BOOT, systemd_world.BOOT.replace('mount -o remount,bind,ro "$name"\ndone\nfor',
                                                                              'true\ndone\nfor')
    try:
        assert systemd_world.BOOT != boot
        world = systemd_world.World("echo", "started")
        assert world.process.wait(timeout=60) == 1
        assert "could be written to" in world.said() and "started" not in world.said()
        world.end()
    finally:
        systemd_world.BOOT = boot
