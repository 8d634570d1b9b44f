"""Names of others: asked for, kept, and done without when nobody answers."""
import socket
import struct
import subprocess

import pytest

import names
from instance import eventually
from names import NameServer, dig, record, status
from test_dns import put, service

AT = "127.0.0.56"


def address(owner, ip, ttl=60):
    return record(owner, names.A, socket.inet_aton(ip), ttl)


def soa(zone, ttl):
    return record(zone, names.SOA, names.name("ns." + zone) + names.name("host." + zone) + struct.pack("!IIIII", 1, 1, 1, 1, ttl), ttl)


def serve(seapod, *upstreams):
    words = [w for u in upstreams for w in ("--upstream", getattr(u, "at", u))]
    seapod.start("dns", "serve", *words)
    eventually(lambda: dig(AT, "dns-version.cluster.local", "TXT"), "the server")


def test_what_is_not_known_is_asked_for_and_kept(seapod):
    with NameServer(lambda q, tcp: (0, [address(q, "192.0.2.80")], [])) as other:
        serve(seapod, other)
        assert dig(AT, "www.example.org") == dig(AT, "WWW.example.ORG") == ["192.0.2.80"]
        assert [q for q, _, _ in other.asked] == ["www.example.org"]
        assert "ra" in status(AT, "www.example.org")[1] and "aa" not in status(AT, "www.example.org")[1]
        assert status(AT, "new.example.org", "+norecurse")[0] == "REFUSED"
        assert len(other.asked) == 1


def test_that_there_is_none_is_kept_as_long_as_the_soa_says(seapod):
    ttl = {"long.example": 60, "never.example": 0}
    with NameServer(lambda q, tcp: (names.NXDOMAIN, [], [soa(q[2:], ttl[q[2:]])])) as other:
        serve(seapod, other)
        for zone, times in (("long.example", 1), ("never.example", 2)):
            other.asked.clear()
            for _ in range(2):
                assert status(AT, "x." + zone)[0] == "NXDOMAIN"
            assert len(other.asked) == times, zone


def test_what_is_old_is_better_than_nothing(seapod):
    silent = []
    with NameServer(lambda q, tcp: None if silent else (0, [address(q, "192.0.2.80", 0 if q[0] == "n" else 1)], [])) as other:
        serve(seapod, other)
        assert dig(AT, "www.example.org") == dig(AT, "never.example.org") == ["192.0.2.80"]
        silent.append(True)
        eventually(lambda: len([q for q, _, _ in other.asked if q == "www.example.org"]) > 1 or not status(AT, "www.example.org"),
                   "the answer to be over")
        code, _, text = status(AT, "www.example.org")
        assert code == "NOERROR" and "\tIN\tA\t192.0.2.80" in text
        assert status(AT, "never.example.org")[0] == "SERVFAIL"


def test_what_is_cut_is_asked_for_by_tcp(seapod):
    def answer(question, by_tcp):
        return (0, [address(question, f"192.0.2.{i}") for i in range(200)], []) if by_tcp else ("cut", [], [])
    with NameServer(answer) as other:
        serve(seapod, other)
        assert len(dig(AT, "big.example.org")) == 200
        assert "tc" in status(AT, "big.example.org", "+ignore")[1]


def test_another_server_when_one_is_silent_or_fails(seapod):
    with NameServer(lambda q, tcp: (names.SERVFAIL, [], []) if q.startswith("fail") else None) as bad, \
            NameServer(lambda q, tcp: (0, [address(q, "192.0.2.80")], [])) as good, \
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        closed.close()
        serve(seapod, f"127.0.0.1:{port}", bad, good)
        assert dig(AT, "fail.example.org") == ["192.0.2.80"]
        assert dig(AT, "silent.example.org") == ["192.0.2.80"]
        bad.asked.clear()
        assert dig(AT, "next.example.org") == ["192.0.2.80"]
        assert bad.asked == [], "a silent server is passed over for a while"


def test_nobody_answers(seapod):
    with NameServer(lambda q, tcp: (names.SERVFAIL, [], [])) as other:
        serve(seapod, other)
        assert status(AT, "www.example.org")[0] == "SERVFAIL"
        assert dig(AT, "dns-version.cluster.local", "TXT") == ['"1.1.0"']


def test_questions_cannot_be_foretold(seapod):
    with NameServer(lambda q, tcp: (0, [address(q, "192.0.2.80")], [])) as other:
        serve(seapod, other)
        for i in range(30):
            assert dig(AT, f"n{i}.example.org")
        ports, ids = {p for _, p, _ in other.asked}, {i for _, _, i in other.asked}
        assert len(ports) > 25 and len(ids) > 25


@pytest.mark.parametrize("poison", [
    b"", b"ID", b"ID\x81\x80" + b"\0" * 8, b"ID\x81\x80\0\1\0\1\0\0\0\0\xc0\x0c\0\1\0\1\xc0\x0c\0\1\0\1\0\0\0\1\0\4abcd",  # a name that is its own end
    b"ID\x81\x80\0\1\0\1\0\0\0\0\3www\7example\3org\0\0\1\0\1\xc0\x21\0\1\0\1\0\0\0\1\0\4abcd", b"ID" + b"\xff" * 900,
    b"ID\x81\x80\0\1\xff\xff\0\0\0\0\3www\7example\3org\0\0\1\0\1",
])
def test_what_others_say_is_not_believed_blindly(seapod, poison):
    with NameServer(lambda q, tcp: poison) as other:
        serve(seapod, other)
        assert status(AT, "www.example.org")[0] == "SERVFAIL"
        assert dig(AT, "dns-version.cluster.local", "TXT") == ['"1.1.0"']


def test_a_chain_that_leads_outside(seapod):
    with NameServer(lambda q, tcp: (0, [address(q, "192.0.2.80")], [])) as other:
        serve(seapod, other)
        put(seapod, service("ext", type="ExternalName", externalName="www.example.org"))
        eventually(lambda: dig(AT, "ext.default.svc.cluster.local") == ["192.0.2.80", "www.example.org."], "the whole chain")


def test_many_ask_the_same_at_once(seapod):
    with NameServer(lambda q, tcp: (0, [address(q, "192.0.2.80")], [])) as other:
        serve(seapod, other)
        asking = [subprocess.Popen(["dig", "+short", "+tries=1", "+time=9", f"@{AT}", f"n{i % 4}.example.org"], stdout=subprocess.PIPE, text=True)
                  for i in range(40)]
        assert {process.communicate()[0] for process in asking} == {"192.0.2.80\n"}
        assert len(other.asked) == 4
