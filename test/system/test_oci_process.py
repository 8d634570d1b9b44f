"""Clauses of the OCI runtime specification: `process` (config.md): identity, limits, scheduling, and the filter of its system calls (config-linux.md "Seccomp"); oci_runtime.py."""
import os

from oci_runtime import OTHER, own, CAPS


def test_process_identity(oci):
    p = oci.config["process"]
    p["user"] = {"uid": 1000, "gid": 1001, "additionalGids": [7, 8], "umask": 0o027}
    p["cwd"] = "/tmp"
    p["env"] += ["WORD=two words"]
    out = oci.sh("id -u; id -g; grep ^Groups: /proc/self/status; umask; pwd; echo $WORD")
    assert out.replace("\t", "") == "1000\n1001\nGroups:7 8 \n0027\n/tmp\ntwo words\n"


def test_capabilities_and_no_new_privileges(oci):
    oci.config["process"]["noNewPrivileges"] = True
    out = oci.sh("grep -E '^Cap(Eff|Bnd|Prm)|NoNew' /proc/self/status")
    assert out.replace("\t", "") == "CapPrm:0000000000000421\nCapEff:0000000000000421\nCapBnd:0000000000000421\nNoNewPrivs:1\n"


def test_a_capability_that_cannot_be_granted_is_a_warning(oci):
    oci.config["process"]["capabilities"]["bounding"] = CAPS + ["CAP_NO_SUCH_THING"]
    done = oci.run("true")
    assert "CAP_NO_SUCH_THING" in done.stderr or OTHER


def test_rlimits(oci):
    limits = oci.config["process"]["rlimits"] = [{"type": "RLIMIT_NOFILE", "soft": 77, "hard": 99}]
    assert oci.sh("ulimit -n; ulimit -Hn") == "77\n99\n"
    limits.append({"type": "RLIMIT_NOFILE", "soft": 7, "hard": 9})
    oci.refuses("process.rlimits[1]", "twice")
    limits[1]["type"] = "RLIMIT_NO_SUCH"
    oci.refuses("process.rlimits[1].type", "RLIMIT_NO_SUCH")


def test_oom_score_adj(oci):
    oci.config["process"]["oomScoreAdj"] = 321
    assert oci.sh("cat /proc/self/oom_score_adj") == "321\n"
    del oci.config["process"]["oomScoreAdj"]
    with open("/proc/self/oom_score_adj") as f:
        assert oci.sh("cat /proc/self/oom_score_adj") == f.read()


@own
def test_scheduler_io_priority_and_personality(oci):
    p = oci.config["process"]
    p["scheduler"] = {"policy": "SCHED_BATCH", "nice": 5}
    p["ioPriority"] = {"class": "IOPRIO_CLASS_IDLE", "priority": 7}
    oci.config["linux"]["personality"] = {"domain": "LINUX32"}
    oci.up()
    pid = oci.state()["pid"]
    assert os.sched_getscheduler(pid) == os.SCHED_BATCH and os.getpriority(os.PRIO_PROCESS, pid) == 5
    with open(f"/proc/{pid}/personality") as f:
        assert f.read() == "00000008\n"
    p["scheduler"] = {"policy": "SCHED_NO_SUCH"}
    oci.call("delete", "-f", oci.id)
    oci.refuses("process.scheduler.policy", "SCHED_NO_SUCH")


def test_a_program_that_is_not_there(oci):
    oci.config["process"]["args"] = ["no-such-program"]
    done = oci.create(check=False)
    assert done.returncode != 0 and "no-such-program" in done.stderr and "not found" in done.stderr


def test_the_exit_code_of_run(oci):
    assert oci.run("sh", "-c", "exit 42", check=False).returncode == 42
    assert oci.run("sh", "-c", "kill -9 $$; sleep 1", check=False).returncode in (137, 0)  # the first process of a namespace survives it


def test_seccomp(oci):
    oci.config["linux"]["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"], "syscalls": [
        {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38}]}
    out = oci.sh("mkdir /tmp/x 2>&1; grep Seccomp: /proc/self/status")
    assert "implemented" in out and "Seccomp:\t2" in out
    oci.config["process"]["args"] = ["sleep", "100"]
    oci.up()
    assert "implemented" in oci.exec("mkdir", "/tmp/y", check=False).stderr
