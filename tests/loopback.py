"""A server on this machine that answers as a script says, and sessions whose requests all go to it."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import requests


@dataclass
class Request:
    host: str
    path: str
    query: dict[str, str]


@dataclass
class Answer:
    """What the server sends: a status, headers, and a body (bytes, text, or anything JSON can hold)."""

    body: object = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)

    def content(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return (self.body if isinstance(self.body, str) else json.dumps(self.body)).encode()


Script = Callable[[Request], Answer]


class Loopback:
    """Starts on entry, stops on exit; `requests` lists what was asked."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.requests: list[Request] = []

    def __enter__(self) -> "Loopback":
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                query = {k: v[-1] for k, v in parse_qs(parts.query).items()}
                request = Request(self.headers.get("X-Original-Host", ""), parts.path, query)
                outer.requests.append(request)
                answer = outer.script(request)
                content = answer.content()
                self.send_response(answer.status)
                for name, value in {"Content-Type": "application/json", **answer.headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *words: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        self.base = f"http://127.0.0.1:{self.server.server_port}"
        return self

    def __exit__(self, *error: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def session(self) -> requests.Session:
        """A session whose every request, whatever its host, goes to this server."""
        session = requests.Session()
        session.trust_env = False
        for scheme in ("https://", "http://"):
            session.mount(scheme, _Redirect(self.base))
        return session


class _Redirect(requests.adapters.HTTPAdapter):
    def __init__(self, base: str) -> None:
        self.base = urlsplit(base)
        super().__init__()

    def send(self, request, **words):
        parts, original = urlsplit(request.url), request.url
        request.headers["X-Original-Host"] = parts.netloc
        request.url = parts._replace(scheme=self.base.scheme, netloc=self.base.netloc).geturl()
        words |= {"verify": False, "proxies": {}}
        response = super().send(request, **words)
        response.url = original
        return response
