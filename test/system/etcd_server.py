"""A real etcd-server (Debian's package etcd-server), for one test: by itself, with TLS, with users, stopped and started again."""
import base64
import json
import os
import shutil
import signal
import ssl
import subprocess
import tempfile
import time
import urllib.request

from instance import eventually

PROGRAM = shutil.which("etcd")


def encode(text):
    return base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()


class Etcd:
    """url; put() and the like speak to it directly. Certificates, if TLS: ca, client (certificate and key)."""

    def __init__(self, tls=False, port=2379):
        self.dir = tempfile.mkdtemp(prefix="seapod-etcd-test-")
        self.port, self.tls, self.process, self.token = port, tls, None, None
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
        self.words, self.context = [], None
        if tls:
            self.make_certificates()
            self.words = ["--cert-file", self.at("server.crt"), "--key-file", self.at("server.key"),
                          "--client-cert-auth", "--trusted-ca-file", self.at("ca.crt")]
            self.context = ssl.create_default_context(cafile=self.at("ca.crt"))
            self.context.load_cert_chain(self.at("client.crt"), self.at("client.key"))
        self.start()

    def at(self, name):
        return f"{self.dir}/{name}"

    def make_certificates(self):
        def openssl(*words):
            subprocess.run(["openssl", *words], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self.dir)
        for ca in ("ca", "other"):
            openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={ca}",
                    "-keyout", ca + ".key", "-out", ca + ".crt", "-days", "2")
        with open(self.at("extensions"), "w") as f:
            f.write("subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n")
        for who in ("server", "client"):
            openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={who}",
                    "-keyout", who + ".key", "-out", who + ".csr")
            openssl("x509", "-req", "-in", who + ".csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
                    "-extfile", "extensions", "-out", who + ".crt")

    # --- the process

    def start(self, wait=True):
        with open(self.at("log"), "a") as log:
            self.process = subprocess.Popen(
                [PROGRAM, "--data-dir", self.at("data"), "--listen-client-urls", self.url, "--advertise-client-urls", self.url,
                 "--listen-peer-urls", "http://127.0.0.1:2380", "--log-level", "error", *self.words], stdout=log, stderr=log)
        if wait:
            def answers():
                with open(self.at("log")) as log:
                    assert self.process.poll() is None, log.read()
                return self.call("kv/range", key=encode("x"), serializable=True)
            eventually(answers, "etcd", seconds=20)

    def stop(self, how=signal.SIGTERM):
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(10)

    def forget(self):
        """Stopped: all it knew is gone."""
        shutil.rmtree(self.at("data"))

    def remove(self):
        if self.process:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.dir, ignore_errors=True)

    # --- its API

    def call(self, path, **body):
        request = urllib.request.Request(f"{self.url}/v3/{path}", json.dumps(body).encode(),
                                         {"Authorization": self.token} if self.token else {})
        with urllib.request.urlopen(request, timeout=10, context=self.context) as answer:
            return json.load(answer)

    def put(self, key, value, lease=None):
        text = value if isinstance(value, (str, bytes)) else json.dumps(value)
        return self.call("kv/put", key=encode(key), value=encode(text), **({"lease": lease} if lease else {}))

    def delete(self, key):
        return self.call("kv/deleterange", key=encode(key))

    def all(self, prefix="/skydns/"):
        """{key: value} below PREFIX."""
        end = prefix[:-1] + chr(ord(prefix[-1]) + 1)
        found = self.call("kv/range", key=encode(prefix), range_end=encode(end)).get("kvs", [])
        return {base64.b64decode(kv["key"]).decode(): json.loads(base64.b64decode(kv["value"])) for kv in found}

    def leases(self):
        return [lease["ID"] for lease in self.call("lease/leases").get("leases", [])]

    def compact(self):
        revision = int(self.call("kv/range", key=encode("x"))["header"]["revision"])
        self.call("kv/compaction", revision=revision, physical=True)

    def log_in(self, name, password):
        self.token = self.call("auth/authenticate", name=name, password=password)["token"]

    def demand_passwords(self):
        """root may do all; sky, whose password is 'blue', what is below /skydns/."""
        self.call("auth/user/add", name="root", password="secret")
        self.call("auth/user/grant", user="root", role="root")
        self.call("auth/role/add", name="names")
        self.call("auth/role/grant", name="names", perm={"permType": "READWRITE", "key": encode("/skydns/"), "range_end": encode("/skydns0")})
        self.call("auth/user/add", name="sky", password="blue")
        self.call("auth/user/grant", user="sky", role="names")
        self.call("auth/enable")
        self.log_in("root", "secret")


def wait_a_moment():
    """For what must not happen."""
    time.sleep(0.3)


def exists(pid):
    return os.path.exists(f"/proc/{pid}")
