"""A real systemd that manages the control groups of a world of its own, with Debian's dbus-daemon and nothing else.

It is process 1 of new namespaces and root there, so what it can reach is all that it can harm. Its root directory is a new tmpfs in which the
host's programs are read-only, and one directory, the world's own, is the host's and can be written to (bundles and state go there); the
host's /etc, /run, /tmp and /var are not there, and of its units it knows none. Before systemd starts, the mounts are looked over, and if anything else could be written to, it does not
start. test_systemd_world.py holds it.

Commands run in it through nsenter. It sees the cgroups below one of ours as if they were the machine's.
"""
import contextlib
import os
import shutil
import subprocess
import tempfile

import instance
from instance import eventually

SYSTEMD = "/lib/systemd/systemd"
MOUNT = "/sys/fs/cgroup"

BOOT = r"""
set -eu
own=$1 top=$2 root=$1/root
shift 2
mount --make-rprivate /
mkdir "$root"
mount -t tmpfs -o mode=755 root "$root"
cd "$root"
mkdir -p usr etc proc sys run tmp var/tmp var/log var/lib dev root
for name in run tmp var/tmp; do mount -t tmpfs -o mode=1777 tmpfs "$name"; done
mkdir -p ".$own" ".$top"
for name in bin sbin lib lib64; do
	if [ -L "/$name" ]; then cp -P "/$name" .; else mkdir "$name"; mount --bind "/$name" "$name"; mount -o remount,bind,ro "$name"; fi
done
for name in usr ".$top"; do
	mount --bind "/${name#./}" "$name"
	mount -o remount,bind,ro "$name"
done
for name in passwd group nsswitch.conf ld.so.cache containers; do [ ! -e "/etc/$name" ] || cp -rL "/etc/$name" etc; done
mount --bind "$own" ".$own"
mount -t proc proc proc
for name in sys sysrq-trigger; do
	[ -e "proc/$name" ] || continue
	mount --bind "proc/$name" "proc/$name"
	mount -o remount,bind,ro "proc/$name"
done
mount -t sysfs -o ro sysfs sys
mount -t tmpfs -o mode=755 dev dev
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
mount -t tmpfs -o mode=1777 shm dev/shm
for device in null:1:3 zero:1:5 full:1:7 random:1:8 urandom:1:9 tty:5:0; do
	IFS=: read -r name major minor <<<"$device"
	mknod -m 666 "dev/$name" c "$major" "$minor"
done
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
hierarchies=$(sed -n 's|.* /sys/fs/cgroup\([^ ]*\) .* - \(cgroup2\?\) [^ ]* \(.*\)|\1 \2 \3|p' /proc/self/mountinfo | sed 's|^ |/. |')
[ -f /sys/fs/cgroup/cgroup.controllers ] || mount -t tmpfs tmpfs sys/fs/cgroup
while read -r where type options; do
	options=$(tr , '\n' <<<"$options" | grep -vE '^(rw|ro|xattr|clone_children|release_agent.*|nsdelegate|memory_recursiveprot)$' | paste -sd,) || true
	case $options in name=*) options=none,$options ;; esac
	mkdir -p "sys/fs/cgroup$where"
	mount -t "$type" ${options:+-o "$options"} cgroup "sys/fs/cgroup$where"
done <<<"$hierarchies"
mkdir old
pivot_root . old
cd /
umount -l old
rmdir old

# Nothing of the host's may be left that can be written to. A line: "36 35 98:0 / /where rw,noatime shared:1 - type source options".
mounts=0
while read -r _ _ _ _ where flags rest; do
	rest=${rest#*- } mounts=$((mounts + 1))
	case ${flags%%,*},${rest%% *},$where in
	ro,*,* | *,tmpfs,* | *,proc,/proc | *,cgroup,/sys/fs/cgroup/* | *,cgroup2,/sys/fs/cgroup* | *,devpts,/dev/pts | *,*,"$own") ;;
	*) echo "systemd_world: $where ($flags, ${rest%% *}) could be written to" >&2; exit 1 ;;
	esac
done </proc/self/mountinfo
[ "$mounts" -ge 10 ] || { echo "systemd_world: the mounts cannot be looked over" >&2; exit 1; }

mkdir /run/units /run/dbus
printf '[Unit]\nDefaultDependencies=no\n[Socket]\nListenStream=/run/dbus/system_bus_socket\n' >/run/units/dbus.socket
printf '[Unit]\nDefaultDependencies=no\nRequires=dbus.socket\n[Service]\nType=notify\nNotifyAccess=main\nExecStart=%s\n' \
	'/usr/bin/dbus-daemon --system --address=systemd: --nofork --nopidfile --systemd-activation --syslog-only' >/run/units/dbus.service
printf '[Unit]\nDefaultDependencies=no\nRequires=dbus.socket\nAfter=dbus.socket\n' >/run/units/world.target
for name in sysinit basic shutdown sockets paths timers slices umount reboot final; do
	printf '[Unit]\nDefaultDependencies=no\n' >"/run/units/$name.target"
done
export container=seapod SYSTEMD_UNIT_PATH=/run/units:/run/systemd/system.control:/run/systemd/transient
export SYSTEMD_GENERATOR_PATH=/run/none SYSTEMD_ENVIRONMENT_GENERATOR_PATH=/run/none
export own
exec setpriv --bounding-set -sys_module,-sys_time,-sys_rawio,-sys_boot,-syslog "$@"
"""
INIT = (SYSTEMD, "--system", "--unit=world.target", "--show-status=no", "--log-level=warning", "--log-target=console")


def hierarchies():
    with open("/proc/self/mountinfo") as f:
        points = [line.split()[4] for line in f if " - cgroup" in line]
    return {point for point in points if point.startswith(MOUNT)}


class World:
    """The namespaces and the root directory; INIT is what runs in them."""

    def __init__(self, *init):
        self.dir = tempfile.mkdtemp(prefix="seapod-systemd-")
        os.chmod(self.dir, 0o711)
        self.cgroups = [f"{point}/{os.path.basename(self.dir)}" for point in hierarchies()]
        for cgroup in self.cgroups:
            os.mkdir(cgroup)
            for name in ("cpus", "mems"):
                if os.path.exists(f"{cgroup}/cpuset.{name}") and not os.path.exists(f"{cgroup}/cgroup.controllers"):
                    with open(f"{cgroup}/../cpuset.{name}") as above, open(f"{cgroup}/cpuset.{name}", "w") as own:
                        own.write(above.read())
        if os.path.exists(MOUNT + "/cgroup.controllers"):
            open(self.dir + "/v2", "w").close()
            with open(MOUNT + "/cgroup.controllers") as f:
                for name in f.read().split():
                    with contextlib.suppress(OSError), open(MOUNT + "/cgroup.subtree_control", "w") as control:
                        control.write("+" + name)
        self.log = open(self.dir + "/log", "w+")
        self.process = subprocess.Popen(
            ["sh", "-c", 'for c in $1; do echo $$ >$c/cgroup.procs; done; shift; '
             'exec unshare --pid --mount --cgroup --ipc --uts --net --fork --kill-child bash -c "$@"',
             "sh", " ".join(self.cgroups), BOOT, "bash", self.dir, instance.TOP, *init],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)

    def said(self):
        with open(self.dir + "/log") as f:
            return f.read()

    def end(self):
        self.process.kill()
        self.process.wait()
        self.log.close()
        for cgroup in self.cgroups:
            for path, _, _ in os.walk(cgroup, topdown=False):
                eventually(lambda where=path: not os.path.exists(where) or os.rmdir(where) is None, "the cgroup to be empty")
        os.rmdir(self.dir + "/root")  # empty: what was mounted there went with the namespace
        shutil.rmtree(self.dir)


class Systemd(World):
    def __init__(self):
        super().__init__(*INIT)
        if os.path.exists(self.dir + "/v2"):  # a cgroup with processes has no controllers for those below: unshare leaves it
            eventually(self.first, "process 1")
            with open(MOUNT + "/cgroup.procs", "w") as f:
                f.write(str(self.process.pid))
        try:
            eventually(lambda: self.first() and self("busctl", "--system", "status", "org.freedesktop.systemd1", check=False).returncode == 0,
                       "systemd to be up", seconds=20)
        except AssertionError:
            said = self.said()
            self.end()
            raise AssertionError(f"systemd is not up: {said}") from None

    def first(self):
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children") as f:
            return f.read().split()[0:1]

    def enter(self):
        """The words before a command that is to run in this world: on version 2 also in its cgroups, as none is moved into them from outside."""
        inside = [f"{cgroup}/init.scope/cgroup.procs" for cgroup in self.cgroups if os.path.exists(self.dir + "/v2")]
        first = ["sh", "-c", f'[ ! -e {inside[0]} ] || echo $$ >{inside[0]}; exec "$@"', "sh"] if inside else []
        return [*first, "nsenter", "-t", *self.first(), "-m", "-p", "-C", "-u", "-i", "-n", "--"]

    def __call__(self, *command, check=True, **more):
        done = subprocess.run([*self.enter(), *command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, timeout=60 * instance.PATIENCE, **more)
        if check and done.returncode != 0:
            raise AssertionError(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def property(self, unit, name):
        return self("systemctl", "show", "--property", name, "--value", unit).stdout.strip()

    def has(self, unit):
        return self.property(unit, "LoadState") == "loaded" and self.property(unit, "ActiveState") == "active"
