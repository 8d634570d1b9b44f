"""Networks that CNI plugins make: Debian's own plugins, and some that misbehave."""
import json
import os
import subprocess
import time

import pytest

import world
from instance import BUSYBOX, STAY, container, eventually, kill, pod, shell
from test_ports import SERVE, fetch, fetch_from_other_host, free_port

pytestmark = pytest.mark.bridge
PLUGINS = "/usr/lib/cni"


@pytest.fixture
def cni(seapod, tmp_path):
    """Directories of its own for configurations, plugins and addresses; and none of the plugins' own things after it."""
    def tables():
        return set(subprocess.run(["nft", "list", "tables"], check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines())

    def links():
        return {link["ifname"] for link in json.loads(subprocess.run(["ip", "-j", "link"], check=True, stdout=subprocess.PIPE).stdout)}
    before, links_before = tables(), links()
    for name in ("net.d", "bin", "leases"):
        (tmp_path / name).mkdir()
    seapod.env.update(SEAPOD_CNI_CONFIG=str(tmp_path / "net.d"), SEAPOD_CNI_PLUGINS=f"{tmp_path}/bin:{PLUGINS}", SEAPOD_CNI_TIMEOUT="3")
    seapod.tmp = tmp_path
    yield seapod
    seapod.empty()
    assert leases(seapod) == [] and attachments(seapod) == []
    for table in tables() - before:  # chains without pods stay: the plugins' way
        if seapod.table not in table:
            subprocess.run(["nft", "delete", *table.split()], check=True)
    for link in links() - links_before - {seapod.bridge}:
        assert link.startswith("cni-test"), link
        subprocess.run(["ip", "link", "del", link], check=True)


def leases(seapod):
    return sorted(name for _, _, names in os.walk(seapod.tmp / "leases") for name in names if name[0].isdigit())


def attachments(seapod):
    return os.listdir(seapod.root + "/cni") if os.path.isdir(seapod.root + "/cni") else []


def ipam(seapod, subnet="10.250.1.0/24", **more):
    return {"type": "host-local", "dataDir": str(seapod.tmp / "leases"), "ranges": [[{"subnet": subnet}]], "routes": [{"dst": "0.0.0.0/0"}], **more}


def bridge(seapod, **more):
    return {"type": "bridge", "bridge": "cni-test0", "isGateway": True, "ipMasq": True, "hairpinMode": True, "ipam": ipam(seapod), **more}


def configure(seapod, *plugins, name="lan", version="1.0.0", file="10-lan.conflist"):
    (seapod.tmp / "net.d" / file).write_text(json.dumps({"cniVersion": version, "name": name, "plugins": plugins}))


def script(seapod, name, text):
    path = seapod.tmp / "bin" / name
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)


def on_lan(manifest, **notes):
    manifest["metadata"]["annotations"] = {"seapod.io/network": "cni:lan", **notes}
    return manifest


# --- with real plugins

def test_bridge_host_local_and_portmap(cni):
    port = free_port()
    configure(cni, bridge(cni), {"type": "portmap", "capabilities": {"portMappings": True}, "snat": True})
    cni.apply([on_lan(pod("web", shell(f"HOSTNAME=web; {SERVE}", ports=[{"containerPort": 80, "hostPort": port}]))), on_lan(pod("client"))])
    web = cni.ip("web")
    assert web.startswith("10.250.1.") and leases(cni) == sorted([web, cni.ip("client")])
    eventually(lambda: cni.sh("client", f"wget -qO- http://{web}/", check=False) == "web")
    assert fetch(web, 80) == "web" and fetch(world.HOST, port) == "web" and fetch_from_other_host(world.HOST, port) == "web"
    assert cni.exec("client", "ping", "-c", "1", "-W", "1", world.OTHER, check=False).returncode == 0
    assert f"{port}/TCP is in use" in cni.rejects(on_lan(pod("other", container(ports=[{"containerPort": 80, "hostPort": port}]))))
    assert len(leases(cni)) == 2
    cni.delete("web", "--now")
    assert leases(cni) == [cni.ip("client")] and fetch(world.HOST, port) is None


def test_run_with_any_free_port(cni):
    configure(cni, bridge(cni), {"type": "portmap", "capabilities": {"portMappings": True}, "snat": True})
    cni.run("run", "-d", "--name", "web", "--net", "cni:lan", "-p", "80", BUSYBOX, "sh", "-c", f"HOSTNAME=web; {SERVE}")
    port = cni.get("web")["spec"]["containers"][0]["ports"][0]["hostPort"]
    eventually(lambda: fetch(world.HOST, port) == "web")


def test_ptp(cni):
    configure(cni, {"type": "ptp", "ipMasq": True, "ipam": ipam(cni)})
    cni.apply(on_lan(pod("web", shell(f"HOSTNAME=web; {SERVE}"))))
    eventually(lambda: fetch(cni.ip("web"), 80) == "web")


def test_macvlan(cni):
    configure(cni, {"type": "macvlan", "master": "eth0", "ipam": ipam(cni, "192.0.2.0/24", ranges=[[{"subnet": "192.0.2.0/24", "rangeStart": "192.0.2.200", "gateway": world.OTHER}]])})
    cni.apply(on_lan(pod("a")))
    assert cni.ip("a").startswith("192.0.2.2")
    assert cni.exec("a", "ping", "-c", "1", "-W", "1", world.OTHER, check=False).returncode == 0


def test_loopback_alone(cni):
    configure(cni, {"type": "loopback"}, version="0.4.0")
    assert "LOOPBACK,UP" in cni.out("run", "--rm", "--net=cni:lan", BUSYBOX, "ip", "-o", "link")


def test_an_address_and_a_hardware_address(cni):
    configure(cni, bridge(cni, capabilities={"mac": True, "ips": True}))
    cni.apply(on_lan(pod("a"), **{"seapod.io/ip": "10.250.1.77", "seapod.io/mac": "0a:58:0a:fa:01:4d"}))
    assert cni.ip("a") == "10.250.1.77" and "0a:58:0a:fa:01:4d" in cni.sh("a", "ip link show eth0")


def test_bandwidth_is_the_plugins(cni):
    configure(cni, bridge(cni), {"type": "echo-bandwidth", "capabilities": {"bandwidth": True}})
    script(cni, "echo-bandwidth", f"""
cat >{cni.tmp}/said.$CNI_COMMAND
[ $CNI_COMMAND = ADD ] && {sys_python()} -c 'import json, sys; print(json.dumps(json.load(open("{cni.tmp}/said.ADD"))["prevResult"]))'
exit 0""")
    cni.apply(on_lan(pod("a"), **{"kubernetes.io/ingress-bandwidth": "16M", "kubernetes.io/egress-bandwidth": "8M"}))
    asked = json.loads((cni.tmp / "said.ADD").read_text())
    assert asked["runtimeConfig"] == {"bandwidth": {"ingressRate": 16000000, "ingressBurst": 1600000, "egressRate": 8000000, "egressBurst": 800000}}
    assert asked["name"] == "lan" and asked["cniVersion"] == "1.0.0" and asked["prevResult"]["ips"][0]["address"].startswith("10.250.1.")


def sys_python():
    return "/usr/bin/python3"


def test_what_a_plugin_gets_is_clean(cni):
    """The specification's environment and PATH; three descriptors; the host's network; nobody's terminal."""
    configure(cni, {"type": "look"})
    script(cni, "look", f"""
[ $CNI_COMMAND = ADD ] || exit 0
{{ env | sort; pwd; ls /proc/self/fd; readlink /proc/self/ns/net; }} >{cni.tmp}/seen
echo '{{"cniVersion": "1.0.0"}}'""")
    cni.env["SECRET"] = "no"
    cni.apply(on_lan(pod("a")))
    seen = (cni.tmp / "seen").read_text().splitlines()
    env = dict(line.split("=", 1) for line in seen if "=" in line and line.split("=")[0] not in ("PWD", "_", "SHLVL", "OLDPWD"))
    assert set(env) == {"CNI_COMMAND", "CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME", "CNI_ARGS", "CNI_PATH", "PATH"}
    assert env["CNI_CONTAINERID"] == cni.uid("a") and env["CNI_IFNAME"] == "eth0" and "K8S_POD_NAME=a" in env["CNI_ARGS"]
    rest = seen[[i for i, line in enumerate(seen) if line == "/"][0] + 1:]
    assert rest[-1] == os.readlink("/proc/self/ns/net") and set(rest[:-1]) <= {"0", "1", "2", "3"}


def test_version_1_1(cni):
    """STATUS before ADD; GC with what there is; CHECK."""
    configure(cni, {"type": "note"}, version="1.1.0")
    script(cni, "note", f"""
echo $CNI_COMMAND >>{cni.tmp}/said; cat >{cni.tmp}/last.$CNI_COMMAND
[ $CNI_COMMAND != ADD ] || echo '{{"cniVersion": "1.1.0", "ips": [{{"address": "10.9.9.9/32"}}]}}'""")
    cni.apply(on_lan(pod("a")))
    assert cni.ip("a") == "10.9.9.9"
    cni.run("network", "reload")
    uid = cni.uid("a")
    cni.delete("a", "--now")
    assert (cni.tmp / "said").read_text().split() == ["STATUS", "ADD", "GC", "CHECK", "DEL"]
    assert json.loads((cni.tmp / "last.GC").read_text())["cni.dev/valid-attachments"] == [{"containerID": uid, "ifname": "eth0"}]
    assert json.loads((cni.tmp / "last.DEL").read_text())["prevResult"]["ips"] == [{"address": "10.9.9.9/32"}]


def test_reload_checks(cni):
    configure(cni, bridge(cni))
    cni.apply(on_lan(pod("a")))
    assert cni.run("network", "reload").stderr == ""
    cni.sh("a", "true")
    subprocess.run(["nsenter", f"--net=/proc/{cni.keeper('a')}/ns/net", "ip", "addr", "flush", "dev", "eth0"], check=True)
    assert "warning: the CNI plugin 'bridge' of the network 'lan' fails at CHECK" in cni.run("network", "reload").stderr


# --- ends

def test_a_killed_keeper_is_swept(cni):
    configure(cni, bridge(cni))
    cni.apply([on_lan(pod("a")), on_lan(pod("b"))])
    kill(cni.keeper("a"))
    eventually(lambda: cni.run("get", "pods") and leases(cni) == [cni.ip("b")])
    cni.run("stop", "-t", "0", "b")
    assert leases(cni) == []
    cni.run("start", "b")
    assert len(leases(cni)) == 1


def test_after_a_boot_addresses_of_pods_that_are_gone_are_given_back(cni):
    configure(cni, bridge(cni))
    cni.apply(on_lan(pod("a")))
    with open(f"{cni.root}/cni/{cni.uid('a')}.json") as f:
        record = f.read()
    lease = cni.tmp / "leases" / "lan" / cni.ip("a")
    held = lease.read_bytes()
    cni.delete("a", "--now")
    with open(f"{cni.root}/cni/dead-uid.json", "w") as f:
        f.write(record)
    lease.write_bytes(held.replace(held.split()[0], b"dead-uid"))
    cni.apply(on_lan(pod("b")))
    assert leases(cni) == [cni.ip("b")] and len(attachments(cni)) == 1


# --- what goes wrong

@pytest.mark.parametrize("text, says", [
    (None, "there is no CNI configuration with the name 'lan'"), ("{", "10-lan.conflist"), ('{"name": "lan", "plugins": []}', "has no plugins"),
    ('{"name": "lan", "plugins": [{"type": "../evil"}]}', "no type that is a plugin's name"), ('{"name": "lan", "plugins": [{}]}', "plugins[0]"),
])
def test_configurations_that_are_wrong(cni, text, says):
    if text is not None:
        (cni.tmp / "net.d" / "10-lan.conflist").write_text(text)
    assert says in cni.rejects(on_lan(pod("a")))


@pytest.mark.parametrize("plugin, says", [
    (None, "the CNI plugin 'last' of the network 'lan' is not in"),
    ("echo '{\"code\": 11, \"msg\": \"no more\", \"details\": \"it is full\"}'; exit 1", "fails at ADD: no more: it is full"),
    ("echo oh no >&2; exit 1", "fails at ADD: oh no"), ("exit 3", "it does not say why"), ("echo garbage", "what is no result: 'garbage'"), ("echo '[]'", "no result"),
    ("", "no result: ''"), ("kill -9 $$", "killed by signal 9"), ("head -c 2000000 /dev/zero", "more than a mebibyte"), ("sleep 60", "has not answered ADD for 3 s"),
])
def test_plugins_that_are_wrong(cni, plugin, says):
    """One clear line, and nothing of the plugins before it is left."""
    configure(cni, bridge(cni), {"type": "last"})
    if plugin is not None:
        script(cni, "last", f"[ $CNI_COMMAND = ADD ] || exit 0\n{plugin}\n")
    begin = time.monotonic()
    assert says in cni.rejects(on_lan(pod("a")))
    assert leases(cni) == [] and attachments(cni) == [] and time.monotonic() - begin < 12


def test_what_no_plugin_can_do(cni):
    configure(cni, bridge(cni))
    assert "capability 'portMappings'" in cni.fails("run", "--rm", "--net=cni:lan", "-p", "80", BUSYBOX, "true", code=125)
    assert "capability 'bandwidth'" in cni.rejects(on_lan(pod("a"), **{"kubernetes.io/egress-bandwidth": "8M"}))


def test_a_plugin_that_hangs_at_the_end_holds_nothing_up_for_ever(cni):
    configure(cni, bridge(cni), {"type": "last"})
    script(cni, "last", f"[ $CNI_COMMAND = DEL ] && [ ! -e {cni.tmp}/well ] && sleep 60\ncat >/dev/null\necho '{{\"cniVersion\": \"1.0.0\"}}'\n")
    cni.apply(on_lan(pod("a")))
    begin = time.monotonic()
    cni.delete("a", "--now")
    assert time.monotonic() - begin < 15 and leases(cni) == [], "the others have been asked all the same"
    assert len(attachments(cni)) == 1, "and it will be asked again"
    (cni.tmp / "well").touch()
    cni.run("network", "reload")
    assert attachments(cni) == []
