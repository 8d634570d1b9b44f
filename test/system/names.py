"""Asking name servers, and one that answers as a test tells it to."""
import contextlib
import socket
import struct
import subprocess
import threading


def dig(server, *words, port=53, ordered=False):
    """What `dig +short` answers, a line each, sorted unless ORDERED; nothing when nobody answers."""
    out = subprocess.run(["dig", "+short", "+tries=1", "+time=3", f"@{server}", "-p", str(port), *words], stdout=subprocess.PIPE, text=True)
    lines = [line for line in out.stdout.split("\n") if line and not line.startswith(";")]
    return lines if ordered else sorted(lines)


def status(server, *words, port=53):
    """The code and the flags of an answer, and all of it: ("NXDOMAIN", {"aa", "qr"}, "…")."""
    out = subprocess.run(["dig", "+tries=1", "+time=9", f"@{server}", "-p", str(port), *words], stdout=subprocess.PIPE, text=True).stdout
    if "status: " not in out:
        return None, set(), out
    code = out.split("status: ")[1].split(",")[0]
    return code, set(out.split("flags: ")[1].split(";")[0].split()), out


def name(text):
    return b"".join(bytes([len(label)]) + label.encode() for label in text.split(".") if label) + b"\0"


@contextlib.contextmanager
def asked_all_the_time(server, question, address):
    """Meanwhile QUESTION is asked over and over, as fast as it is answered; every answer has to be ADDRESS."""
    query = bytes.fromhex("beef01000001000000000000") + name(question) + b"\0\1\0\1"
    asked, failed, over = [0], [], threading.Event()

    def ask():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.connect((server, 53))
            s.settimeout(5)
            while not over.is_set():
                s.send(query)
                try:
                    answer = s.recv(512)
                except OSError as e:
                    answer = repr(e).encode()
                asked[0] += 1
                if not answer.endswith(socket.inet_aton(address)):
                    failed.append(answer)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield
    finally:
        over.set()
        asking.join()
    assert not failed and asked[0] > 1000, (len(failed), asked[0], failed[:3])


def record(owner, kind, data, ttl=60):
    return name(owner) + struct.pack("!HHIH", kind, 1, ttl, len(data)) + data


A, NS, CNAME, SOA, TXT = 1, 2, 5, 6, 16
NXDOMAIN, SERVFAIL = 3, 2


class NameServer:
    """answer(question, by_tcp) gives (code, answers, authority), raw bytes to be sent, or None for silence; `asked` has every (name, port, id)."""

    def __init__(self, answer, address="127.0.0.1"):
        self.answer, self.asked, self.address = answer, [], address
        self.tcp = socket.create_server((address, 0))
        self.port = self.tcp.getsockname()[1]
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind((address, self.port))
        for loop in (self.datagrams, self.streams):
            threading.Thread(target=loop, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.udp.close()
        self.tcp.shutdown(socket.SHUT_RDWR)
        self.tcp.close()

    @property
    def at(self):
        return f"{self.address}:{self.port}"

    def reply(self, query, port, by_tcp):
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode())
            at += query[at] + 1
        question = ".".join(labels).lower()
        self.asked.append((question, port, query[:2]))
        said = self.answer(question, by_tcp)
        if said is None or isinstance(said, bytes):
            return said and said.replace(b"ID", query[:2], 1)
        code, answers, authority = said
        flags = 0x8180 | (code & 15) | (0x200 if code == "cut" else 0) if code != "cut" else 0x8380
        return query[:2] + struct.pack("!HHHHH", flags, 1, len(answers), len(authority), 0) + query[12:at + 5] + b"".join(answers + authority)

    def datagrams(self):
        while True:
            try:
                query, peer = self.udp.recvfrom(4096)
            except OSError:
                return
            if said := self.reply(query, peer[1], False):
                self.udp.sendto(said, peer)

    def streams(self):
        while True:
            try:
                peer, at = self.tcp.accept()
            except OSError:
                return
            with peer:
                size = peer.recv(2)
                if len(size) == 2 and (said := self.reply(peer.recv(int.from_bytes(size, "big")), at[1], True)):
                    peer.sendall(len(said).to_bytes(2, "big") + said)
