"""A proxy on loopback between the product and a simulated platform, that can hold, cut, drop or answer a request."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came."""

    method: str
    path: str
    body: Any

    @property
    def is_dial(self) -> bool:
        return self.method == "POST"

    @property
    def number(self) -> str:
        return str(self.body["to_number"])


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer of the proxy's own; the platform hears nothing of the request."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Cut:
    """The connection is cut: before the platform has heard of the request, or after, instead of its answer.

    `at` is set when it comes so far; with `held` it stays open, unanswered, until the proxy goes away.
    """

    def __init__(self, *, after: bool, held: bool = False) -> None:
        self.after = after
        self.held = held
        self.at = threading.Event()


Rule = Callable[[Asked], "Answered | Cut | None"]
"""What is to become of a request; None: passed on as it is."""


class Proxy(ThreadingHTTPServer):
    """Passes everything on to a port, except where `rule` has something else in mind. `asked` is all that came."""

    def __init__(self, to_port: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.to_port = to_port
        self.rule: Rule = lambda _: None
        self.asked: list[Asked] = []
        self.let_go = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def dials(self) -> list[Asked]:
        return [asked for asked in self.asked if asked.is_dial]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever asked may have been killed meanwhile."""


@contextlib.contextmanager
def between(to_port: int) -> Iterator[Proxy]:
    """A proxy that serves until the end of the block."""
    proxy = Proxy(to_port)
    serving = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.02})
    serving.start()
    try:
        yield proxy
    finally:
        proxy.let_go.set()
        proxy.shutdown()
        serving.join()
        proxy.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 3.0
    server: Proxy

    def handle_one_request(self) -> None:
        with contextlib.suppress(OSError):
            super().handle_one_request()
            return
        self.close_connection = True

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _serve(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        asked = Asked(self.command, self.path, json.loads(raw) if raw else None)
        self.server.asked.append(asked)
        rule = self.server.rule(asked)
        if isinstance(rule, Answered):
            self._answer(rule.status, json.dumps(rule.body).encode(), rule.headers)
        elif isinstance(rule, Cut):
            if rule.after:
                self._pass_on(raw)
            rule.at.set()
            self._cut(rule)
        else:
            status, body, headers = self._pass_on(raw)
            self._answer(status, body, headers)

    def _pass_on(self, raw: bytes) -> tuple[int, bytes, Mapping[str, str]]:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.to_port, timeout=10)
        with contextlib.closing(connection):
            kept = {name: self.headers[name] for name in ("Authorization", "Content-Type") if name in self.headers}
            connection.request(self.command, self.path, raw or None, kept)
            answer = connection.getresponse()
            told = {name: answer.headers[name] for name in ("Retry-After", "Location") if name in answer.headers}
            return answer.status, answer.read(), told

    def _answer(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _cut(self, rule: Cut) -> None:
        if rule.held:
            self.server.let_go.wait(60)
        # Closed with nothing lingering: the other side sees a reset.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is told."""
