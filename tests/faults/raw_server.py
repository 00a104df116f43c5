"""A server that sends bytes as a script says, with pauses: heads that lie, bodies that drip or end early."""

import json
import socketserver
import threading
import time
from urllib.parse import parse_qs, urlsplit

from loopback import Answer, Loopback, Request

Pieces = list[tuple[bytes, float]]


def reply(body, status=200, *, length=None, **headers) -> Pieces:
    """An answer in one piece; `length` is what its head says, by default the truth."""
    content = body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()
    head = {"Content-Type": "application/json", "Content-Length": len(content) if length is None else length}
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in {**head, **headers}.items()]
    return [("\r\n".join([f"HTTP/1.1 {status} so", *lines, "Connection: close", "", ""]).encode() + content, 0.0)]


class RawServer:
    """Starts on entry; `script` takes a `loopback.Request` and returns an `Answer` or pieces of bytes with pauses."""

    def __init__(self):
        self.script = lambda _: Answer("")
        self.requests = []

    def __enter__(self):
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                _, target, _ = self.rfile.readline().decode().split(" ", 2)
                headers = {}
                while line := self.rfile.readline().decode().strip():
                    name, _, value = line.partition(":")
                    headers[name.lower()] = value.strip()
                parts = urlsplit(target)
                query = {k: v[-1] for k, v in parse_qs(parts.query).items()}
                request = Request(headers.get("x-original-host", ""), parts.path, query)
                outer.requests.append(request)
                said = outer.script(request)
                try:
                    for piece, pause in reply(said.content(), said.status) if isinstance(said, Answer) else said:
                        self.wfile.write(piece)
                        self.wfile.flush()
                        time.sleep(pause)
                except OSError:
                    pass  # the client hung up

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            block_on_close = False

        self.server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def session(self):
        """A session of requests that all go here."""
        loopback = Loopback(lambda _: Answer(""))
        loopback.base = f"http://127.0.0.1:{self.server.server_address[1]}"
        return loopback.session()
