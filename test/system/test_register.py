"""--register: what this machine has is in etcd for as long as the machine lives, and others find it there."""
import os
import signal
import subprocess

import pytest

import etcd_server
import world
from etcd_server import Etcd, wait_a_moment
from instance import SEAPOD, Seapod, container, eventually, pod
from names import dig, status
from test_dns import labelled, put, service
from test_skydns import AT, DOMAIN, got, says, serve

pytestmark = [pytest.mark.bridge,
              pytest.mark.skipif(not etcd_server.PROGRAM, reason="there is no etcd (Debian's package etcd-server)")]

SVC, POD = f"{DOMAIN}/svc/default", f"{DOMAIN}/pod/default"


@pytest.fixture
def etcd(seapod):
    made = Etcd()
    yield made
    made.remove()


def hosts(etcd, prefix):
    """{key without PREFIX: (host, port)}"""
    return {key[len(prefix):]: (value["host"], value.get("port", 0)) for key, value in etcd.all(prefix + "/").items()}


def web_pod(name="web", **port):
    return labelled(name, {"app": "web"}, container(ports=[{"name": "http", "containerPort": 8080, **port}]))


def web_service():
    return service("web", clusterIP="10.96.0.10", selector={"app": "web"}, ports=[{"name": "http", "port": 80, "targetPort": "http"}])


def test_pods_and_services_come_and_go(seapod, etcd):
    put(seapod, web_service())
    seapod.apply([web_pod(), pod("db")])
    process = serve(seapod, etcd, "--register", "--machine", "one")
    web, db = seapod.ip("web"), seapod.ip("db")
    eventually(lambda: hosts(etcd, POD) == {"/web/one/0": (web, 0), "/db/one/0": (db, 0)}, "both pods")
    found = eventually(lambda: hosts(etcd, SVC))
    assert list(found.values()) == [(web, 8080)] and next(iter(found)).startswith("/web/_tcp/_http/one/web-")
    assert etcd.all("/skydns/arpa/in-addr/")["/skydns/arpa/in-addr/" + web.replace(".", "/") + "/one"]["host"] == "web.default.pod.skydns.local"
    got("web.default.svc.skydns.local", answer=[web])
    assert "10.96.0.10" not in str(etcd.all()), "an address that leads nowhere from elsewhere"
    assert dig(AT, "_http._tcp.web.default.svc.skydns.local", "SRV")[0].startswith("10 100 8080 web-")
    assert dig(AT, "one.web.default.pod.skydns.local") == [web] and dig(AT, "*.db.default.pod.skydns.local") == [db]
    eventually(lambda: "announced as one: 5, with a lease of 15 s" in says(seapod))
    seapod.apply(web_pod("web2"))
    got("web.default.svc.skydns.local", answer=[web, seapod.ip("web2")])
    seapod.delete("web", "--now")
    got("web.default.svc.skydns.local", answer=[seapod.ip("web2")])
    eventually(lambda: set(hosts(etcd, POD)) == {"/web2/one/0", "/db/one/0"})
    process.terminate()
    assert process.wait(10) == 0
    assert etcd.all() == {} and etcd.leases() == [], "what stops takes its names with it"


def test_published_ports_at_an_address_of_the_machine(seapod, etcd):
    put(seapod, web_service())
    seapod.apply([web_pod(hostPort=18080), pod("hidden")])
    serve(seapod, etcd, "--register", "--machine", "one", "--advertise", world.HOST, "--listen", world.HOST)
    eventually(lambda: hosts(etcd, POD) == {"/web/one/0": (world.HOST, 0)}, "the pod that can be reached, and no other")
    assert list(hosts(etcd, SVC).values()) == [(world.HOST, 18080)]
    assert hosts(etcd, f"{DOMAIN}/dns") == {"/ns/one/0": (world.HOST, 0)} and not etcd.all("/skydns/arpa/")
    got("skydns.local", "NS", answer=["0.one.ns.dns.skydns.local."])


def test_a_machine_that_dies_is_gone_within_the_lease(seapod, etcd):
    seapod.apply(pod("web"))
    process = serve(seapod, etcd, "--register", "--lease", "2")
    eventually(lambda: etcd.all())
    child = int(seapod.children(process.pid)[0])
    wait_a_moment()
    os.kill(child, signal.SIGSTOP)  # nothing is said any more, as when the power is off
    try:
        process.kill()
        eventually(lambda: etcd.all() == {}, "the lease to be over", seconds=15)
    finally:
        os.kill(child, signal.SIGKILL)


def test_a_server_that_is_killed_takes_its_names_with_it(seapod, etcd):
    seapod.apply(pod("web"))
    process = serve(seapod, etcd, "--register", "--lease", "3600")
    eventually(lambda: etcd.all())
    process.kill()
    eventually(lambda: etcd.all() == {}, "seapod-etcd to give back the lease")


def test_what_is_lost_is_put_again(seapod, etcd):
    seapod.apply(pod("web"))
    serve(seapod, etcd, "--register", "--machine", "one", "--lease", "3")
    key, here = POD + "/web/one/0", lambda: etcd.all(POD + "/")
    eventually(here)
    etcd.call("lease/revoke", ID=etcd.leases()[0])
    eventually(here, "a new lease")
    etcd.delete(key)
    eventually(here, "the key that somebody deleted")
    etcd.put(key, {"host": "10.6.6.6"})
    eventually(lambda: hosts(etcd, POD) == {"/web/one/0": (seapod.ip("web"), 0)}, "the key that somebody has overwritten")
    etcd.stop()
    etcd.forget()
    etcd.start()
    eventually(here, "all of it in another etcd")
    etcd.stop()
    seapod.apply(pod("new"))
    etcd.start()
    eventually(lambda: "/new/one/0" in hosts(etcd, POD), "what came meanwhile")


def test_who_may_only_read(seapod, etcd):
    """Names are served, and that nothing is announced is said."""
    etcd.put(f"{DOMAIN}/a", {"host": "10.0.0.1"})
    etcd.demand_passwords()
    etcd.call("auth/role/revoke", role="names", key=etcd_server.encode("/skydns/"), range_end=etcd_server.encode("/skydns0"))
    etcd.call("auth/role/grant", name="names", perm={"permType": "READ", "key": etcd_server.encode("/skydns/"), "range_end": etcd_server.encode("/skydns0")})
    with open(seapod.dir + "/password", "w") as f:
        f.write("blue")
    seapod.apply(pod("web"))
    serve(seapod, etcd, "--register", "--etcd-user", "sky", "--etcd-password-file", seapod.dir + "/password")
    got("a.skydns.local", answer=["10.0.0.1"])
    eventually(lambda: "not kept: etcdserver: permission denied" in says(seapod))
    wait_a_moment()
    assert "etcd:    connected to" in says(seapod)


def test_the_server_that_comes_with_pods_announces_them(seapod, etcd):
    seapod.run("dns", "on", "--etcd", etcd.url, "--register", "--machine", "one")
    seapod.apply(pod("web"))
    eventually(lambda: hosts(etcd, POD) == {"/web/one/0": (seapod.ip("web"), 0)})
    seapod.delete("web", "--now")
    eventually(lambda: etcd.all() == {} and etcd.leases() == [])


def test_two_of_the_same_name(seapod, etcd):
    """They do not overwrite each other as fast as they can, and say what is wrong."""
    seapod.apply(pod("web"))
    serve(seapod, etcd, "--register", "--machine", "one")
    eventually(lambda: etcd.all(POD + "/"))
    eventually(lambda: "announced as one: 2" in says(seapod))
    before = int(etcd.call("kv/range", key="eA==")["header"]["revision"])
    for i in range(5):
        etcd.put(POD + "/web/one/0", {"host": f"10.6.6.{i}"})
    assert "somebody else has written /skydns/local/skydns/pod/default/web/one/0: is another machine called the same?" in eventually(
        lambda: says(seapod) if "somebody" in says(seapod) else None)
    eventually(lambda: hosts(etcd, POD) == {"/web/one/0": (seapod.ip("web"), 0)})
    assert int(etcd.call("kv/range", key="eA==")["header"]["revision"]) - before <= 8


def test_two_machines_share_a_zone(seapod, etcd, busybox_store):
    """Two network namespaces with an instance each, and etcd beside them: what one has, the other answers, until it dies."""
    etcd.stop()
    etcd.url = f"http://{world.HOST}:2379"
    etcd.start()
    other = Seapod(busybox_store)
    inside = ["nsenter", f"--net=/proc/{world.other_host.pid}/ns/net"]
    process = subprocess.Popen([*inside, SEAPOD, "dns", "serve", "--etcd", etcd.url,
                                "--domain", "cluster.local", "--register", "--machine", "two", "--lease", "2"],
                               env=other.env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        put(seapod, web_service())
        seapod.apply(web_pod())
        serve(seapod, etcd, "--domain", "cluster.local", "--register", "--machine", "one")

        def far(*words):
            out = world.on_other_host("dig", "+short", f"@{AT}", *words, check=False).stdout
            return [line for line in out.split("\n") if line and line[0] != ";"]
        ip = seapod.ip("web")
        eventually(lambda: far("web.default.svc.cluster.local") == [ip], "the other machine to know the Service")
        assert far("-x", ip) == ["web.default.pod.cluster.local."]
        assert far("_http._tcp.web.default.svc.cluster.local", "SRV")[0].startswith("10 100 8080 web-")
        assert status(AT, "nosuch.default.svc.cluster.local")[0] == "NXDOMAIN"
        seapod.delete("web", "--now")
        eventually(lambda: far("web.default.svc.cluster.local") == [], "the name to go")
    finally:
        process.terminate()
        process.communicate(timeout=10)
        other.remove()
