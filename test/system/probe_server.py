"""Servers that a probe can ask: what they answer is set by the test, what they were asked is remembered."""
import http.server
import os
import ssl
import subprocess
import tempfile
import threading
from concurrent import futures


class Http:
    """A web server on a free port; `.answer` is (status, headers, body) for every path, or a function of the request."""

    def __init__(self, tls=False, address="127.0.0.1"):
        self.answer, self.requests = (200, {}, b"ok"), []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.requests.append((self.path, dict(self.headers)))
                status, headers, body = outer.answer(self) if callable(outer.answer) else outer.answer
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *args):  # a probe that goes away is no error
                pass

        self.server = Server((address, 0), Handler)
        if tls:
            with tempfile.TemporaryDirectory() as d:
                subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{d}/key", "-out", f"{d}/cert",
                                "-subj", "/CN=nobody", "-days", "1"], check=True, stderr=subprocess.DEVNULL)
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(f"{d}/cert", f"{d}/key")
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


class Grpc:
    """The health service of gRPC's own implementation, with messages as bytes; `.status` is the number it answers."""

    def __init__(self, implemented=True):
        os.environ["GRPC_VERBOSITY"] = "NONE"
        import grpc
        self.status, self.asked = 1, []

        def check(request, context):
            self.asked.append(request)
            return bytes([0x08, self.status]) if self.status else b""

        self.server = grpc.server(futures.ThreadPoolExecutor(2))
        if implemented:
            self.server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(
                "grpc.health.v1.Health", {"Check": grpc.unary_unary_rpc_method_handler(check)})])
        self.port = self.server.add_insecure_port("0.0.0.0:0")
        self.server.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.stop(None).wait()
