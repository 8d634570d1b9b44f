"""Registries for the tests: Debian's docker-registry, with TLS and logins, a server of tokens, and a proxy before it that does what networks and enemies do.

Everything listens on 127.0.0.1 in the tests' own network. `docker-registry` is the real thing (distribution 2.8); what it cannot be made to do (break off,
lie, be slow, redirect) the Proxy does, which is told by a list of rules, and writes down what it was asked.
"""
import base64
import contextlib
import hashlib
import http.client
import http.server
import json
import os
import re
import socket
import ssl
import subprocess
import threading
import urllib.parse

import instance
import world

POLICY = json.dumps({"default": [{"type": "insecureAcceptAnything"}]})


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def certificate(folder):
    """A CA and a certificate of it for 127.0.0.1 and localhost; made once a folder."""
    if not os.path.exists(f"{folder}/server.crt"):
        def openssl(*args):
            subprocess.run(["openssl", *args], cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "ca.key", "-out", "ca.crt",
                "-days", "30", "-subj", "/CN=test CA", "-addext", "basicConstraints=critical,CA:TRUE")
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "server.key", "-out", "server.csr",
                "-subj", "/CN=localhost")
        with open(f"{folder}/ext", "w") as f:
            f.write("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "30", "-extfile", "ext",
                "-out", "server.crt")
    return folder


class Registry:
    """Debian's docker-registry on a port of its own."""

    def __init__(self, folder, tls=None, htpasswd=None, token=None, data=None):
        self.folder, self.port = str(folder), free_port()
        self.host = f"127.0.0.1:{self.port}"
        os.makedirs(self.folder, exist_ok=True)
        config = {"version": "0.1", "log": {"level": "error"},
                  "storage": {"filesystem": {"rootdirectory": data or f"{self.folder}/data"}, "delete": {"enabled": True}},
                  "http": {"addr": self.host}}
        if tls:
            config["http"]["tls"] = {"certificate": f"{tls}/server.crt", "key": f"{tls}/server.key"}
        if htpasswd:
            path = f"{self.folder}/htpasswd"
            subprocess.run(["htpasswd", "-cbB", path, *htpasswd], check=True, stderr=subprocess.DEVNULL)
            config["auth"] = {"htpasswd": {"realm": "test", "path": path}}
        if token:
            config["auth"] = {"token": token}
        with open(f"{self.folder}/config.yml", "w") as f:
            json.dump(config, f)
        with open(f"{self.folder}/log", "w") as log:
            self.process = subprocess.Popen(["docker-registry", "serve", f"{self.folder}/config.yml"], stdout=log, stderr=log)

        world.servers.add(self.process.pid)

        def answers():
            with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return True
        instance.eventually(answers, "the registry to listen")

    def stop(self):
        self.process.kill()
        self.process.wait()
        world.servers.discard(self.process.pid)

    def put(self, archive, name, *options):
        """Copies an archive there, as skopeo does."""
        skopeo("copy", "--dest-tls-verify=false", *options, f"oci-archive:{archive}", f"docker://{self.host}/{name}")


def skopeo(*args):
    policy = os.path.join(instance.TOP, "build", "test-policy.json")
    if not os.path.exists(policy):
        with open(policy, "w") as f:
            f.write(POLICY)
    done = subprocess.run(["skopeo", "--policy", policy, *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


class Served:
    """An HTTP server in a thread; `serve(request)` answers. Requests are kept in .asked as (method, path, headers)."""

    def __init__(self, serve=None, tls=None):
        self.asked, outer = [], self
        if serve:
            self.serve = serve

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle(self):
                """A TLS hello to a server without TLS: Python would wait for a line end in it for ever."""
                if tls or self.request.recv(1, socket.MSG_PEEK) != b"\x16":
                    super().handle()

            def answer(self):
                outer.asked.append((self.command, self.path, dict(self.headers.items())))
                with contextlib.suppress(ConnectionError, ssl.SSLError):
                    outer.serve(self)

            do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = answer

            def log_message(self, *args):
                pass

            def reply(self, status, body=b"", **headers):
                """A whole answer."""
                self.send_response(status)
                for name, value in {"Content-Length": len(body), **{k.replace("_", "-"): v for k, v in headers.items()}}.items():
                    self.send_header(name, str(value))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *args: None
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(f"{tls}/server.crt", f"{tls}/server.key")
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        self.host = f"127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def count(self, method, pattern):
        return sum(1 for m, path, _ in self.asked if m == method and re.search(pattern, path))


class Fake(Served):
    """A registry from a table: {path: bytes or a function of the request}. Blobs and manifests by digest come of themselves."""

    def __init__(self, tls=None):
        self.paths = {}
        super().__init__(tls=tls)

    def serve(self, request):
        if request.path == "/v2/":
            return request.reply(200, b"{}")
        found = self.paths.get(request.path.split("?")[0])
        if callable(found):
            found(request)
        elif found is None:
            request.reply(404, b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"not known here"}]}')
        else:
            kind = json.loads(found).get("mediaType", "application/json") if "/manifests/" in request.path else "application/octet-stream"
            request.reply(200, found, Content_Type=kind, Docker_Content_Digest="sha256:" + hashlib.sha256(found).hexdigest())

    def put_blob(self, data, repository="a"):
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        self.paths[f"/v2/{repository}/blobs/{digest}"] = data
        return {"mediaType": "application/octet-stream", "digest": digest, "size": len(data)}

    def put_manifest(self, manifest, tag=None, repository="a"):
        data = manifest if isinstance(manifest, bytes) else json.dumps(manifest).encode()
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        for name in filter(None, (digest, tag)):
            self.paths[f"/v2/{repository}/manifests/{name}"] = data
        return {"mediaType": json.loads(data).get("mediaType") if data[:1] == b"{" else "x", "digest": digest, "size": len(data)}

    def put_image(self, *layers, tag="1", repository="a", **config):
        """An image of uncompressed tars."""
        ids = ["sha256:" + hashlib.sha256(layer).hexdigest() for layer in layers]
        config = {"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": ids}, **config}
        return self.put_manifest({
            "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {**self.put_blob(json.dumps(config).encode(), repository), "mediaType": "application/vnd.oci.image.config.v1+json"},
            "layers": [{**self.put_blob(layer, repository), "mediaType": "application/vnd.oci.image.layer.v1.tar"} for layer in layers]},
            tag, repository)


class Proxy(Served):
    """Passes on to a registry, except where a rule says otherwise. A rule is (pattern of "METHOD path", how often, what): `what(request, pass_on)`
    does the answering; `pass_on(**more headers)` gives the registry's answer as (status, headers, body)."""

    def __init__(self, behind, tls=None):
        self.behind, self.rules = behind, []
        super().__init__(tls=tls)

    def rule(self, pattern, what, times=1):
        self.rules.append([re.compile(pattern), times, what])

    def serve(self, request):
        length = int(request.headers.get("Content-Length") or 0)
        body = request.rfile.read(length) if length else None

        def pass_on(**more):
            connection = http.client.HTTPConnection(self.behind)
            headers = {k: v for k, v in request.headers.items() if k.lower() not in ("host", "connection")}
            headers.update({k.replace("_", "-"): v for k, v in more.items()})
            connection.request(request.command, request.path, body, {**headers, "Host": request.headers["Host"]})
            answer = connection.getresponse()
            data = answer.read()
            connection.close()
            return answer.status, {k: v for k, v in answer.getheaders() if k.lower() not in ("connection", "transfer-encoding")}, data

        for rule in self.rules:
            if rule[1] > 0 and rule[0].search(f"{request.command} {request.path}"):
                rule[1] -= 1
                return rule[2](request, pass_on)
        give(request, *pass_on())


def give(request, status, headers, body, length=None):
    request.send_response(status)
    for name, value in headers.items():
        if name.lower() != "content-length":
            request.send_header(name, value)
    size = headers.get("Content-Length", len(body)) if request.command == "HEAD" else len(body)
    request.send_header("Content-Length", str(length if length is not None else size))
    request.end_headers()
    if request.command != "HEAD":
        request.wfile.write(body)


# --- what a proxy may do

def cut_after(n):
    """The body breaks off after N bytes."""
    def what(request, pass_on):
        status, headers, body = pass_on()
        give(request, status, headers, body[:n], length=len(body))
        request.wfile.flush()
        request.close_connection = True
        request.connection.shutdown(socket.SHUT_RDWR)
    return what


def fail_with(status, **headers):
    return lambda request, pass_on: request.reply(status, b"", **headers)


def damaged(request, pass_on):
    status, headers, body = pass_on()
    give(request, status, headers, body[:-1] + bytes([body[-1] ^ 1]))


def without_ranges(request, pass_on):
    """A server that does not know ranges: always all of it."""
    del request.headers["Range"]
    give(request, *pass_on())


class Tokens(Served):
    """A token server (distribution "Token Authentication"): Basic of USER for a token that lasts for USES requests, as the registry of `guarded` checks."""

    def __init__(self, user=("me", "secret"), tls=None):
        self.user, self.valid, self.uses, self.given = user, {}, 10**6, 0
        super().__init__(tls=tls)

    def serve(self, request):
        wanted = self.user and "Basic " + base64.b64encode(":".join(self.user).encode()).decode()
        if wanted and request.headers.get("Authorization") != wanted:
            return request.reply(401, b'{"details":"who are you"}')
        self.given += 1
        token = f"token-{self.given}"
        self.valid[token] = self.uses
        request.reply(200, json.dumps({"token": token, "expires_in": 300}).encode())

    def guard(self, served):
        """Makes a Fake or Proxy want tokens of ours."""
        inner = served.serve

        def serve(request):
            token = request.headers.get("Authorization", "").removeprefix("Bearer ")
            if self.valid.get(token, 0) <= 0:
                return request.reply(401, b"{}", WWW_Authenticate=f'Bearer realm="{self.realm}",service="test",scope="repository:a:pull"')
            self.valid[token] -= 1
            return inner(request)
        served.serve = serve
        return served


def query(path):
    return urllib.parse.parse_qs(urllib.parse.urlsplit(path).query)
