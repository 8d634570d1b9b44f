"""SkyDNS: names that an etcd has. Records and their rules; the real etcd-server that goes, comes, locks out and lies."""
import json
import os
import signal
import socket
import threading

import pytest

import etcd_server
import names
from etcd_server import Etcd
from instance import eventually
from names import NameServer, dig, status
from test_dns_forward import address

pytestmark = pytest.mark.skipif(not etcd_server.PROGRAM, reason="there is no etcd (Debian's package etcd-server)")

AT = "127.0.0.56"
DOMAIN = "/skydns/local/skydns"


@pytest.fixture
def etcd(seapod):
    made = Etcd()
    yield made
    made.remove()


def serve(seapod, etcd, *words, connected=True):
    process = seapod.start("dns", "serve", "--etcd", getattr(etcd, "url", etcd), *words)
    eventually(lambda: dig(AT, "dns-version.cluster.local", "TXT"), "the server")
    if connected:
        eventually(lambda: "connected to http" in says(seapod) and "not connected" not in says(seapod), "etcd's records")
    return process


def says(seapod):
    return seapod.out("dns", "status")


def got(*words, answer):
    """Waits until that is the answer."""
    return eventually(lambda: dig(AT, *words) == sorted(answer) or dig(AT, *words) == answer, f"{answer} for {words}")


def whole(*words):
    """All of an answer, in one line."""
    return " ".join(status(AT, *words)[2].split())


# --- records

def test_every_type(seapod, etcd):
    for key, value in {
        "/east/web/1": {"host": "10.0.0.1", "port": 80, "ttl": 60}, "/east/web/2": {"host": "fd00::2", "port": 81},
        "/east/text": {"text": "hello sky"}, "/mail/a": {"host": "mx.example.org", "mail": True, "priority": 20},
        "/mail/b": {"host": "10.0.0.25", "mail": True}, "/mail/c": {"host": "10.0.0.26"}, "/alias": {"host": "1.web.east.skydns.local"},
        "/nothing": {},
    }.items():
        etcd.put(DOMAIN + key, value)
    etcd.put("/skydns/arpa/in-addr/10/0/0/1", {"host": "web.east.skydns.local"})
    serve(seapod, etcd)
    assert dig(AT, "web.east.skydns.local") == ["10.0.0.1"]
    assert dig(AT, "WEB.East.skydns.LOCAL", "AAAA") == ["fd00::2"]
    assert dig(AT, "1.web.east.skydns.local") == ["10.0.0.1"]
    assert dig(AT, "web.east.skydns.local", "SRV") == ["10 50 80 1.web.east.skydns.local.", "10 50 81 2.web.east.skydns.local."]
    text = whole("web.east.skydns.local", "SRV").split("ADDITIONAL SECTION")[1]
    assert "1.web.east.skydns.local. 60 IN A 10.0.0.1" in text and "AAAA fd00::2" in text
    assert dig(AT, "text.east.skydns.local", "TXT") == ['"hello sky"']
    assert dig(AT, "mail.skydns.local", "MX") == ["10 b.mail.skydns.local.", "20 mx.example.org."]
    assert dig(AT, "alias.skydns.local", ordered=True) == ["1.web.east.skydns.local.", "10.0.0.1"]
    assert dig(AT, "alias.skydns.local", "CNAME") == ["1.web.east.skydns.local."]
    assert dig(AT, "-x", "10.0.0.1") == ["web.east.skydns.local."]
    assert "aa" not in status(AT, "-x", "10.0.0.1")[1] and "aa" in status(AT, "web.east.skydns.local")[1]
    assert " 60 IN A 10.0.0.1" in whole("web.east.skydns.local")
    for missing, code in (("nosuch.skydns.local", "NXDOMAIN"), ("east.skydns.local", "NOERROR"), ("nothing.skydns.local", "NOERROR")):
        code_got, flags, text = status(AT, missing, "NS")
        assert code_got == code and "SOA ns.dns.skydns.local." in " ".join(text.split()), text
    assert len(dig(AT, "web.east.skydns.local", "ANY", "+tcp")) == 4
    assert "records: 9" in says(seapod)


def test_wildcards_and_subtrees(seapod, etcd):
    hosts = {"east/production/rails/1": "10.0.0.1", "east/production/redis/1": "10.0.0.2", "east/staging/rails/1": "10.0.0.3",
             "west/production/rails/1": "10.0.0.4"}
    for key, host in hosts.items():
        etcd.put(f"{DOMAIN}/{key}", {"host": host})
    etcd.put(f"{DOMAIN}/dns/ns/a", {"host": "10.0.9.9"})
    serve(seapod, etcd)
    for asked, last in (("skydns.local", "1234"), ("east.skydns.local", "123"), ("*.east.skydns.local", "123"), ("rails.*.east.skydns.local", "13"),
                        ("rails.production.any.skydns.local", "14"), ("*.*.production.east.skydns.local", "12"), ("1.*.*.west.skydns.local", "4"),
                        ("*.skydns.local", "1234")):
        assert dig(AT, asked) == [f"10.0.0.{n}" for n in last], asked
    assert status(AT, "nosuch.*.skydns.local")[0] == "NXDOMAIN"
    assert status(AT, "*.*.*.*.*.east.skydns.local")[0] == "NXDOMAIN"


def test_srv_priorities_and_weights(seapod, etcd):
    for i, value in enumerate(({}, {}, {}, {"priority": 20, "weight": 100}, {"priority": 20, "weight": 50}, {"priority": 30, "weight": 7})):
        etcd.put(f"{DOMAIN}/w/{i}", {"host": f"10.0.0.{i}", "port": 80 + i, **value})
    serve(seapod, etcd)
    assert dig(AT, "w.skydns.local", "SRV") == ["10 33 80 0.w.skydns.local.", "10 33 81 1.w.skydns.local.", "10 33 82 2.w.skydns.local.",
                                                "20 33 84 4.w.skydns.local.", "20 66 83 3.w.skydns.local.", "30 100 85 5.w.skydns.local."]


def test_targetstrip_and_round_robin(seapod, etcd):
    for i in range(3):
        etcd.put(f"{DOMAIN}/api/{i}", {"host": f"10.0.0.{i}", "port": 80, "targetstrip": 1})
    serve(seapod, etcd)
    assert dig(AT, "api.skydns.local", "SRV") == ["10 33 80 api.skydns.local."]
    assert len({dig(AT, "api.skydns.local", ordered=True)[0] for _ in range(9)}) == 3


def test_groups(seapod, etcd):
    for key, value in {"a": {"host": "10.0.0.1", "group": "blue"}, "a/b/x": {"host": "10.0.0.2", "group": "blue"},
                       "a/b/y": {"host": "10.0.0.3", "group": "red"}, "a/b/z": {"host": "10.0.0.4"},
                       "two/a": {"host": "10.0.1.1", "group": "blue"}, "two/b": {"host": "10.0.1.2", "group": "red"}}.items():
        etcd.put(f"{DOMAIN}/g/{key}", value)
    serve(seapod, etcd)
    assert dig(AT, "a.g.skydns.local") == ["10.0.0.1", "10.0.0.2", "10.0.0.4"]
    assert dig(AT, "b.a.g.skydns.local") == ["10.0.0.2", "10.0.0.3", "10.0.0.4"], "they disagree, so there is no group"
    assert dig(AT, "two.g.skydns.local") == ["10.0.1.1", "10.0.1.2"]


def test_hosts_that_are_names(seapod, etcd):
    with NameServer(lambda q, tcp: (0, [address(q, "192.0.2.80")], []) if q == "www.example.org" else (names.NXDOMAIN, [], [])) as other:
        for key, host in {"out": "www.example.org", "both/1": "10.0.0.1", "both/2": "x.skydns.local", "x": "10.0.0.2",
                          "many/1": "x.skydns.local", "many/2": "out.skydns.local", "cluster": "dns-version.cluster.local"}.items():
            etcd.put(f"{DOMAIN}/{key}", {"host": host})
        serve(seapod, etcd, "--upstream", other.at)
        assert dig(AT, "out.skydns.local", ordered=True) == ["www.example.org.", "192.0.2.80"]
        assert dig(AT, "both.skydns.local") == ["10.0.0.1", "10.0.0.2"]
        seen = {tuple(dig(AT, "many.skydns.local", ordered=True)) for _ in range(6)}
        assert seen == {("x.skydns.local.", "10.0.0.2"), ("out.skydns.local.", "www.example.org.", "192.0.2.80")}
        assert dig(AT, "out.skydns.local", "SRV") == ["10 100 0 www.example.org."]
        assert status(AT, "cluster.skydns.local")[0] == "NOERROR"


def test_aliases_in_a_circle(seapod, etcd):
    for key, host in {"a": "b.skydns.local", "b": "c.skydns.local", "c": "a.skydns.local", "self": "self.skydns.local"}.items():
        etcd.put(f"{DOMAIN}/{key}", {"host": host})
    etcd.put(f"{DOMAIN}/good", {"host": "10.0.0.1"})
    serve(seapod, etcd)
    for circle in ("a", "self"):
        assert status(AT, circle + ".skydns.local")[0] == "SERVFAIL"
        assert status(AT, circle + ".skydns.local", "SRV")[0] == "NOERROR"
    assert dig(AT, "good.skydns.local") == ["10.0.0.1"]


def test_long_texts(seapod, etcd):
    etcd.put(f"{DOMAIN}/t/short", {"text": "x" * 300})
    etcd.put(f"{DOMAIN}/t/long", {"text": "y" * 64000})
    etcd.put(f"{DOMAIN}/t/toolong", {"text": "z" * 65536})
    serve(seapod, etcd)
    assert dig(AT, "short.t.skydns.local", "TXT") == ['"' + "x" * 255 + '" "' + "x" * 45 + '"']
    assert "tc" in status(AT, "long.t.skydns.local", "TXT", "+ignore")[1]
    assert dig(AT, "long.t.skydns.local", "TXT")[0].replace('" "', "") == '"' + "y" * 64000 + '"'
    assert status(AT, "toolong.t.skydns.local", "TXT")[0] == "NXDOMAIN"
    assert "1 refused (/skydns/local/skydns/t/toolong: \"text\" has 65536 bytes" in says(seapod)


def test_servers_of_the_domain(seapod, etcd):
    serve(seapod, etcd, "--local", "me.east.skydns.local")
    assert dig(AT, "skydns.local", "NS") == ["ns.dns.skydns.local."] and AT in dig(AT, "ns.dns.skydns.local")
    etcd.put(f"{DOMAIN}/dns/ns/one", {"host": "10.0.9.1"})
    etcd.put(f"{DOMAIN}/dns/ns/two", {"host": "ns.example.org"})
    etcd.put(f"{DOMAIN}/east/me", {"host": "10.0.0.7"})
    got("skydns.local", "NS", answer=["one.ns.dns.skydns.local."])
    assert "one.ns.dns.skydns.local. 3600 IN A 10.0.9.1" in whole("skydns.local", "NS")
    got("local.dns.skydns.local", answer=["10.0.0.7", "me.east.skydns.local."])
    assert "SOA" in status(AT, "skydns.local", "SOA")[2]


def test_stub_zones(seapod, etcd):
    with NameServer(lambda q, tcp: (0, [address(q, "192.0.2.1")], [])) as one, NameServer(lambda q, tcp: (0, [address(q, "192.0.2.2")], [])) as two, \
            NameServer(lambda q, tcp: (0, [address(q, "192.0.2.3")], [])) as everybody:
        etcd.put(f"{DOMAIN}/dns/stub/example/one/ns1", {"host": "127.0.0.1", "port": one.port})
        serve(seapod, etcd, "--upstream", everybody.at, "--stub", f"deep.one.example={two.at}")
        for asked, answer in (("a.one.example", 1), ("one.example", 1), ("a.deep.one.example", 2), ("b.example", 3)):
            assert dig(AT, asked) == [f"192.0.2.{answer}"], asked
        etcd.delete(f"{DOMAIN}/dns/stub/example/one/ns1")
        got("c.one.example", answer=["192.0.2.3"])


def test_the_domain_may_be_the_zone(seapod, etcd):
    """Then pods' search paths find what other machines have announced."""
    etcd.put("/skydns/local/cluster/svc/default/far", {"host": "10.9.0.1"})
    etcd.put("/skydns/local/cluster/dns-version", {"text": "not the only one"})
    serve(seapod, etcd, "--domain", "cluster.local")
    assert dig(AT, "far.default.svc.cluster.local") == ["10.9.0.1"]
    assert dig(AT, "dns-version.cluster.local", "TXT") == ['"1.1.0"', '"not the only one"']
    assert status(AT, "nosuch.default.svc.cluster.local")[0] == "NXDOMAIN"


# --- etcd itself

def test_changes_arrive_by_themselves(seapod, etcd):
    serve(seapod, etcd)
    assert status(AT, "new.skydns.local")[0] == "NXDOMAIN"
    etcd.put(f"{DOMAIN}/new", {"host": "10.0.0.1"})
    got("new.skydns.local", answer=["10.0.0.1"])
    etcd.put(f"{DOMAIN}/new", {"host": "10.0.0.2"})
    got("new.skydns.local", answer=["10.0.0.2"])
    etcd.delete(f"{DOMAIN}/new")
    eventually(lambda: status(AT, "new.skydns.local")[0] == "NXDOMAIN")


def test_more_than_a_page(seapod, etcd):
    for page in range(12):
        etcd.call("kv/txn", success=[{"request_put": {"key": etcd_server.encode(f"{DOMAIN}/many/h{page * 100 + i}"), "value": etcd_server.encode(
            json.dumps({"host": f"10.1.{page}.{i}"}))}} for i in range(100)])
    serve(seapod, etcd)
    assert "records: 1200" in eventually(lambda: says(seapod) if "records: 1200" in says(seapod) else None)
    assert dig(AT, "h1199.many.skydns.local") == ["10.1.11.99"]
    assert 100 < len(dig(AT, "many.skydns.local", "+tcp")) <= 1000


def test_etcd_is_down_at_the_start_and_comes(seapod, etcd):
    etcd.put(f"{DOMAIN}/a", {"host": "10.0.0.1"})
    etcd.stop()
    serve(seapod, etcd, connected=False)
    eventually(lambda: "not connected: http://127.0.0.1:2379: Failed to connect" in says(seapod))
    assert status(AT, "a.skydns.local")[0] == "SERVFAIL", "nobody knows yet, so nobody says that there is none"
    assert dig(AT, "dns-version.cluster.local", "TXT") == ['"1.1.0"']
    etcd.start()
    got("a.skydns.local", answer=["10.0.0.1"])
    assert "connected to http://127.0.0.1:2379" in eventually(lambda: says(seapod) if "etcd:    connected" in says(seapod) else None)


def test_long_values_come_in_smaller_pages(seapod, etcd):
    for i in range(60):  # more than an answer may have
        etcd.put(f"{DOMAIN}/big/{i}", {"text": "x" * 60000, "more": "y" * 400000})
    serve(seapod, etcd, connected=False)
    eventually(lambda: "records: 60" in says(seapod), "all of them", seconds=30)
    assert len(dig(AT, "59.big.skydns.local", "TXT")[0]) > 60000


def test_etcd_goes_and_another_one_comes_back(seapod, etcd):
    etcd.put(f"{DOMAIN}/a", {"host": "10.0.0.1"})
    for _ in range(5):
        etcd.put(f"{DOMAIN}/b", {"host": "10.0.0.2"})
    serve(seapod, etcd)
    etcd.stop(signal.SIGKILL)
    eventually(lambda: "not connected" in says(seapod))
    assert dig(AT, "a.skydns.local") == ["10.0.0.1"], "what is known is served"
    etcd.forget()
    etcd.start()
    etcd.put(f"{DOMAIN}/c", {"host": "10.0.0.3"})
    got("c.skydns.local", answer=["10.0.0.3"])
    assert status(AT, "a.skydns.local")[0] == "NXDOMAIN"


def test_the_next_etcd_when_one_is_gone(seapod, etcd):
    etcd.put(f"{DOMAIN}/a", {"host": "10.0.0.1"})
    serve(seapod, f"http://127.0.0.1:1,{etcd.url}/")
    got("a.skydns.local", answer=["10.0.0.1"])


def test_an_etcd_that_hangs_is_noticed(seapod, etcd):
    etcd.put(f"{DOMAIN}/a", {"host": "10.0.0.1"})
    serve(seapod, etcd)
    etcd.process.send_signal(signal.SIGSTOP)
    try:
        eventually(lambda: "not connected" in says(seapod), "it to be noticed", seconds=40)
        assert dig(AT, "a.skydns.local") == ["10.0.0.1"]
    finally:
        etcd.process.send_signal(signal.SIGCONT)
    etcd.put(f"{DOMAIN}/b", {"host": "10.0.0.2"})
    got("b.skydns.local", answer=["10.0.0.2"])


def test_what_is_compacted_is_listed_again(seapod, etcd):
    """While the watch is away, etcd forgets what happened meanwhile."""
    etcd.put(f"{DOMAIN}/a", {"host": "10.0.0.1"})
    serve(seapod, etcd)
    etcd.stop()
    etcd.start()
    etcd.delete(f"{DOMAIN}/a")
    for i in range(10):
        etcd.put(f"{DOMAIN}/b", {"host": f"10.0.1.{i}"})
    etcd.compact()
    got("b.skydns.local", answer=["10.0.1.9"])
    assert status(AT, "a.skydns.local")[0] == "NXDOMAIN"


def test_user_and_password(seapod, etcd):
    etcd.put(f"{DOMAIN}/a", {"host": "10.0.0.1"})
    etcd.demand_passwords()
    good, bad = seapod.dir + "/good", seapod.dir + "/bad"
    for path, password in ((good, "blue\n"), (bad, "green")):
        with open(path, "w") as f:
            f.write(password)
    process = serve(seapod, etcd, connected=False)
    eventually(lambda: "not connected: http://127.0.0.1:2379: etcdserver: user name is empty" in says(seapod))
    process.terminate()
    process.wait(10)
    process = serve(seapod, etcd, "--etcd-user", "sky", "--etcd-password-file", bad, connected=False)
    eventually(lambda: "authentication failed, invalid user ID or password" in says(seapod))
    process.terminate()
    assert "authentication failed" in process.communicate(timeout=10)[1]
    serve(seapod, etcd, "--etcd-user", "sky", "--etcd-password-file", good)
    got("a.skydns.local", answer=["10.0.0.1"])
    etcd.stop()  # with it go the tokens that it gave
    etcd.start(wait=False)
    eventually(lambda: etcd.log_in("root", "secret") or True)
    etcd.put(f"{DOMAIN}/b", {"host": "10.0.0.2"})
    got("b.skydns.local", answer=["10.0.0.2"])


def test_tls(seapod):
    etcd = Etcd(tls=True)
    try:
        etcd.put(f"{DOMAIN}/a", {"host": "10.0.0.1"})
        ours = ["--etcd-cert", etcd.at("client.crt"), "--etcd-key", etcd.at("client.key")]
        for words, said in ((["--etcd-ca", etcd.at("other.crt"), *ours], "certificate"), (["--etcd-ca", etcd.at("ca.crt")], "alert"),
                            (ours, "certificate")):
            process = serve(seapod, etcd, *words, connected=False)
            assert said in eventually(lambda: says(seapod) if "not connected: https://127.0.0.1:2379: " in says(seapod) else None)
            process.terminate()
            process.wait(10)
        serve(seapod, etcd, "--etcd-ca", etcd.at("ca.crt"), *ours)
        got("a.skydns.local", answer=["10.0.0.1"])
    finally:
        etcd.remove()


@pytest.mark.parametrize("lie", [b"", b"{", b"[]", b'{"kvs":[{"key":"!!!!"}]}', b'{"kvs":[{"key":"L3NreWRucy9h","value":"x"}]}', b"{" * 100000, b"\0" * 1000,
                                 b'{"error":{}}', b'{"kvs":7,"header":[]}', b'{"kvs":[7,null,{"key":5}],"more":true}'])
def test_what_is_no_etcd(seapod, lie):
    """Whoever answers there, the server goes on, and says what is wrong."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        def answer():
            while True:
                try:
                    peer, _ = server.accept()
                except OSError:
                    return
                with peer:
                    peer.recv(65536)
                    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(lie) + lie)
        thread = threading.Thread(target=answer)
        thread.start()
        try:
            serve(seapod, f"http://127.0.0.1:{server.getsockname()[1]}", connected=False)
            eventually(lambda: "etcd:    " in says(seapod) and "not tried" not in says(seapod))
            assert dig(AT, "dns-version.cluster.local", "TXT") == ['"1.1.0"']
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


POISON = {
    f"{DOMAIN}/p/json": "{\"host\":", f"{DOMAIN}/p/list": "[]", f"{DOMAIN}/p/text": "\"10.0.0.1\"", f"{DOMAIN}/p/empty": "",
    f"{DOMAIN}/p/port": '{"host":"10.0.0.1","port":70000}', f"{DOMAIN}/p/negative": '{"host":"10.0.0.1","priority":-1}',
    f"{DOMAIN}/p/type": '{"host":7}', f"{DOMAIN}/p/types": '{"host":"10.0.0.1","port":"80"}', f"{DOMAIN}/p/mail": '{"host":"10.0.0.1","mail":"yes"}',
    f"{DOMAIN}/p/zero": '{"host":"10.0.0.1\\u0000.evil"}', f"{DOMAIN}/p/name": '{"host":"' + "a" * 64 + '.example"}',
    f"{DOMAIN}/p/dots": '{"host":"a..b"}', f"{DOMAIN}/p/deep": "[" * 5000, f"{DOMAIN}/p/ttl": '{"host":"10.0.0.1","ttl":1e99}',
    f"{DOMAIN}/p/" + "l" * 64: '{"host":"10.0.0.1"}', f"{DOMAIN}/p//x": '{"host":"10.0.0.1"}', f"{DOMAIN}/p/x/": '{"host":"10.0.0.1"}',
    f"{DOMAIN}/p/" + "/".join("abcdefgh" for _ in range(40)): '{"host":"10.0.0.1"}', f"{DOMAIN}/p/a\0b": '{"host":"10.0.0.1"}',
    f"{DOMAIN}/p/line\nbreak": '{"host":"10.0.0.1"}', "/skydns/": '{"host":"10.0.0.1"}', f"{DOMAIN}/p/bytes": b"\xff\xfe\x00\x80",
}


def test_poisoned_records(seapod, etcd):
    """What is no record is none; what is outside of the domain is not ours to say; the others are served."""
    for key, value in POISON.items():
        etcd.put(key, value)
    etcd.put("/skydns/org/example/www", {"host": "10.6.6.6"})
    etcd.put("/skydns/local/cluster/svc/default/kube", {"host": "10.6.6.6"})
    etcd.put("/skydns" + "/x" * 600, {"host": "10.0.0.1"})
    etcd.put(f"{DOMAIN}/p/good", {"host": "10.0.0.1", "unknown": {"a": [1]}, "port": None})
    with NameServer(lambda q, tcp: (names.NXDOMAIN, [], [])) as other:
        serve(seapod, etcd, "--upstream", other.at)
        assert dig(AT, "p.skydns.local") == ["10.0.0.1"] and dig(AT, "p.skydns.local", "SRV") == ["10 100 0 good.p.skydns.local."]
        assert status(AT, "www.example.org")[0] == status(AT, "kube.default.svc.cluster.local")[0] == "NXDOMAIN"
        assert f"records: 3, and {len(POISON)} refused" in says(seapod) or f"and {len(POISON) + 1} refused" in says(seapod)
    etcd.put(f"{DOMAIN}/p/good", "nonsense")
    eventually(lambda: status(AT, "p.skydns.local")[0] == "NXDOMAIN", "the record that became none to go")


def test_its_program_is_killed_and_comes_back(seapod, etcd):
    etcd.put(f"{DOMAIN}/a", {"host": "10.0.0.1"})
    process = serve(seapod, etcd)
    child = int(seapod.children(process.pid)[0])
    with open(f"/proc/{child}/status") as f:
        assert "Uid:\t65534\t65534\t65534\t65534" in f.read()
    os.kill(child, signal.SIGKILL)
    eventually(lambda: "not connected: the program seapod-etcd has ended" in says(seapod))
    assert dig(AT, "a.skydns.local") == ["10.0.0.1"]
    etcd.put(f"{DOMAIN}/b", {"host": "10.0.0.2"})
    got("b.skydns.local", answer=["10.0.0.2"])
    process.terminate()
    assert process.wait(10) == 0
    assert not os.path.exists(seapod.run_dir + "/dns.status")


@pytest.mark.parametrize("words, said", [
    (["--etcd", "10.0.0.1:2379"], "'10.0.0.1:2379' is no address of an etcd"), (["--etcd", ","], "',' names no etcd"), (["--register"], "need an etcd"),
    (["--etcd", "http://x", "--etcd-cert", "/etc/hostname"], "go together"), (["--etcd", "http://x", "--etcd-ca", "ca.pem"], "whole path"),
    (["--etcd", "http://x", "--etcd-ca", "/nosuch"], "cannot read '/nosuch'"), (["--etcd", "http://x", "--etcd-user", "a"], "go together"),
    (["--etcd", "http://x", "--domain", "a..b"], "'a..b' is no domain"), (["--stub", "example.org"], "no zone with a server"),
    (["--stub", "example.org=x"], "'x' is no address"), (["--etcd", "http://x", "--machine", "a.b"], "no name of one label"),
    (["--etcd", "http://x", "--register", "--lease", "1"], "(2 to 3600)"), (["--etcd", "http://user:secret@x"], "no address of an etcd"),
])
def test_wrong_words(seapod, words, said):
    assert said in seapod.fails("dns", "serve", *words, code=2)
    assert said in seapod.fails("dns", "on", *words, code=2)


# --- load

def test_no_lookup_fails_while_a_thousand_records_change(seapod, etcd):
    etcd.put(f"{DOMAIN}/steady/a", {"host": "10.96.0.1"})
    serve(seapod, etcd)
    got("steady.skydns.local", answer=["10.96.0.1"])
    with names.asked_all_the_time(AT, "steady.skydns.local", "10.96.0.1"):
        for i in range(1000):
            etcd.put(f"{DOMAIN}/s/{i}", {"host": f"10.97.{i // 250}.{i % 250}"})
        eventually(lambda: dig(AT, "999.s.skydns.local") == ["10.97.3.249"])
        etcd.stop()
        eventually(lambda: "not connected" in says(seapod))
        etcd.start()
        eventually(lambda: "not connected" not in says(seapod))
        for i in range(1000):
            etcd.delete(f"{DOMAIN}/s/{i}")
        eventually(lambda: status(AT, "s.skydns.local")[0] == "NXDOMAIN")


def test_a_flood_of_dear_questions(seapod, etcd):
    """Questions for everything at once, as fast as they go: another one is answered meanwhile, and the server is well after it."""
    for page in range(20):
        etcd.call("kv/txn", success=[{"request_put": {"key": etcd_server.encode(f"{DOMAIN}/s{page}/h{i}"), "value": etcd_server.encode(
            json.dumps({"host": f"10.1.{page}.{i}", "port": i, "text": "x" * 50}))}} for i in range(100)])
    process = serve(seapod, etcd)
    eventually(lambda: "records: 2000" in says(seapod))
    got("h7.s7.skydns.local", answer=["10.1.7.7"])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.connect((AT, 53))
        over, sent = threading.Event(), [0]

        def flood():
            kinds = (1, 16, 33, 255)
            while not over.is_set():
                s.send(bytes.fromhex("beef01000001000000000000") + names.name("*.skydns.local") + bytes([0, kinds[sent[0] % 4], 0, 1]))
                sent[0] += 1
        flooding = threading.Thread(target=flood)
        flooding.start()
        try:
            for _ in range(10):
                assert eventually(lambda: dig(AT, "h7.s7.skydns.local", "-b", "127.0.0.9") == ["10.1.7.7"])
        finally:
            over.set()
            flooding.join()
    assert sent[0] > 1000
    eventually(lambda: dig(AT, "h7.s7.skydns.local") == ["10.1.7.7"])
    assert process.poll() is None
    with open(f"/proc/{process.pid}/status") as f:
        assert int(f.read().split("VmRSS:")[1].split()[0]) < 64 * 1024, "kB"
