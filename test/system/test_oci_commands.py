"""Clauses of the OCI runtime specification: the command line that conmon, Podman and containerd use: runc's; oci_runtime.py."""
import array
import json
import os
import socket
import subprocess

import instance
from oci_runtime import OCI, own


def test_pid_file_and_log(oci):
    oci.write()
    oci.call("--log", oci.dir + "/log", "--log-format", "json", "create", "--bundle", oci.bundle, "--pid-file", oci.dir + "/pid", oci.id)
    with open(oci.dir + "/pid") as f:
        assert int(f.read()) == oci.state()["pid"]
    oci.call("--log", oci.dir + "/log", "--log-format", "json", "create", "--bundle", oci.bundle, oci.id, check=False)
    with open(oci.dir + "/log") as f:
        last = json.loads(f.read().splitlines()[-1])
    assert last["level"] == "error" and last["msg"] and last["time"]


def test_preserved_descriptors(oci):
    oci.config["process"]["args"] = ["sh", "-c", "echo through >&3; ls /proc/self/fd | wc -l >&3"]
    oci.write()
    subprocess.run(["sh", "-c", f'exec "$@" 3>{oci.dir}/three 4>{oci.dir}/four', "sh", OCI, "--root", oci.root, "run", "--preserve-fds", "1",
                    "--bundle", oci.bundle, oci.id], check=True, timeout=20, stdin=subprocess.DEVNULL)
    with open(oci.dir + "/three") as f:
        assert f.read() == "through\n5\n"
    assert oci.call("create", "--preserve-fds", "50", "--bundle", oci.bundle, oci.id, check=False).returncode != 0


@own
def test_listen_fds_go_on(oci):
    oci.config["process"]["args"] = ["sh", "-c", "echo $LISTEN_FDS $LISTEN_PID >&3"]
    oci.write()
    subprocess.run(["sh", "-c", f'LISTEN_FDS=1 exec "$@" 3>{oci.dir}/three', "sh", OCI, "--root", oci.root, "run", "--bundle", oci.bundle, oci.id],
                   check=True, timeout=20, stdin=subprocess.DEVNULL)
    with open(oci.dir + "/three") as f:
        assert f.read() == "1 1\n"


def test_only_three_descriptors(oci):
    assert oci.sh("ls /proc/self/fd | wc -l").strip() == "4"  # and that of ls


def receive_terminal(server):
    connection, _ = server.accept()
    with connection:
        fds = array.array("i")
        _, ancillary, _, _ = connection.recvmsg(100, socket.CMSG_LEN(4))
        fds.frombytes(ancillary[0][2][:4])
        return fds[0]


def read_terminal(fd, end):
    text = b""
    while end not in text:
        text += os.read(fd, 1000)
    return text.decode()


def test_a_terminal_through_the_console_socket(oci):
    oci.config["process"].update(terminal=True, consoleSize={"height": 33, "width": 99},
                                 args=["sh", "-c", "tty; stat -c %F /dev/console; test -t 0 && echo end; sleep 100"])
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(oci.dir + "/console")
        server.listen()
        server.settimeout(10)
        oci.create("--console-socket", oci.dir + "/console")
        master = receive_terminal(server)
        oci.start()
        assert read_terminal(master, b"end\r\n") == "/dev/pts/0\r\ncharacter special file\r\nend\r\n"
        assert os.get_terminal_size(master) == (99, 33)
        with open(oci.dir + "/process.json", "w") as f:
            json.dump({**oci.config["process"], "args": ["sh", "-c", "tty; echo end"]}, f)
        oci.call("exec", "--process", oci.dir + "/process.json", "--console-socket", oci.dir + "/console", "--detach", "--pid-file",
                 oci.dir + "/pid", oci.id)
        second = receive_terminal(server)
        assert read_terminal(second, b"end\r\n") == "/dev/pts/1\r\nend\r\n"
        with open(oci.dir + "/pid") as f:
            os.waitpid(int(f.read()), 0)
        os.close(master)
        os.close(second)


def test_a_terminal_needs_its_socket(oci):
    oci.config["process"]["terminal"] = True
    oci.refuses("process.terminal", "--console-socket")


def test_exec(oci):
    oci.up()
    assert oci.exec("sh", "-c", "hostname; ls /proc/1/exe; exit 9", check=False).returncode == 9
    out = oci.call("exec", "--user", "5:6", "--cwd", "/tmp", "--env", "A=b", oci.id, "sh", "-c", "id -u; id -g; pwd; echo $A").stdout
    assert out == "5\n6\n/tmp\nb\n"
    assert "CapEff:\t0000000000000421" in oci.exec("cat", "/proc/self/status").stdout
    assert oci.exec("no-such-program", check=False).returncode != 0
    pid = oci.state()["pid"]
    done = oci.call("exec", "--detach", "--pid-file", oci.dir + "/pid", oci.id, "sleep", "77")
    with open(oci.dir + "/pid") as f:
        second = int(f.read())
    assert os.readlink(f"/proc/{second}/ns/mnt") == os.readlink(f"/proc/{pid}/ns/mnt") and done.returncode == 0
    pids = json.loads(oci.call("ps", "--format", "json", oci.id).stdout)
    assert sorted(pids) == sorted([pid, second])
    oci.call("kill", oci.id, "KILL")
    os.waitpid(second, 0)  # its parent has ended: it is ours, and the first process waits for its end
    oci.stopped()
    assert oci.exec("true", check=False).returncode != 0


def test_spec_makes_a_bundle_that_runs(oci):
    os.makedirs(oci.dir + "/new")
    oci.call("spec", "--bundle", oci.dir + "/new")
    assert oci.call("spec", "--bundle", oci.dir + "/new", check=False).returncode != 0
    with open(oci.dir + "/new/config.json") as f:
        oci.config = json.load(f)
    oci.config["process"]["terminal"] = False
    oci.config["linux"]["cgroupsPath"] = oci.cgroup
    assert oci.sh("id -u; hostname | wc -l") == "0\n1\n"


@own
def test_features(oci):
    features = json.loads(oci.call("features").stdout)
    assert features["ociVersionMin"] == "1.0.0" and features["ociVersionMax"] == "1.3.0"
    assert {"ro", "rbind", "rro", "tmpcopyup"} <= set(features["mountOptions"])
    for namespace in features["linux"]["namespaces"]:
        assert namespace in ("cgroup", "ipc", "mount", "network", "pid", "time", "user", "uts")


@own
def test_seapod_oci_is_the_same(oci):
    done = subprocess.run([instance.SEAPOD, "oci", "--version"], stdout=subprocess.PIPE, text=True, check=True)
    assert done.stdout == oci.call("--version").stdout and "spec: 1.3.0" in done.stdout
