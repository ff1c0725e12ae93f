"""A proxy on loopback between the product and a simulated platform, that goes wrong as it is told.

A `rule` says what becomes of each request: it is passed on, answered by the proxy itself, changed, delayed, queued or
cut. Beside the rules a whole proxy can be gone, deaf, behind TLS, or close the connections that it had kept.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

# --- what can become of a request -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came; `at` is when, in epoch seconds."""

    method: str
    path: str
    body: Any
    raw: bytes = b""
    at: float = 0.0

    @property
    def is_dial(self) -> bool:
        return self.method == "POST"

    @property
    def number(self) -> str:
        return str(self.body["to_number"])

    @property
    def call_id(self) -> str:
        return str(self.body["call_id"])


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer of the proxy's own; bytes are sent as they are, anything else as JSON.

    The platform hears nothing of the request, or, with `after`, has heard of it before. It is `back` seconds late.
    """

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    after: bool = False
    back: float = 0.0

    @property
    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass(frozen=True, slots=True)
class Changed:
    """Passed on, and the JSON of the platform's answer is changed on its way back."""

    change: Callable[[dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Delayed:
    """Passed on, but kept for so many seconds on the way there and on the way back."""

    there: float = 0.0
    back: float = 0.0


class Queued:
    """The dial is taken, `answer` is given at once, and the platform hears of it only so many seconds later.

    In between it knows nothing of the call, whoever asks. `placed` is set once it does.
    """

    def __init__(self, seconds: float, answer: Answered) -> None:
        self.seconds = seconds
        self.answer = answer
        self.placed = threading.Event()


class Cut:
    """The connection is cut: before the platform has heard of the request, or after, instead of its answer.

    `piece` of the answer comes through first: a part of its head, or its head and a part of its body. `at` is set when
    it comes so far; with `held` the connection stays open, unanswered (a black hole), until the proxy goes away.
    """

    def __init__(self, *, after: bool, held: bool = False, piece: Literal["", "head", "body"] = "") -> None:
        self.after = after
        self.held = held
        self.piece = piece
        self.at = threading.Event()


Fate = Answered | Changed | Delayed | Queued | Cut
Rule = Callable[[Asked], "Fate | None"]
"""What is to become of a request; None: passed on as it is."""

_UNHEARD = Answered(201, {"call_status": "registered"})
"""Of what a piece is sent where the platform has not heard of the request."""


# --- the proxy -------------------------------------------------------------------------------------


class Proxy(ThreadingHTTPServer):
    """Passes everything on to a port, except where `rule` has something else in mind. `asked` is all that came.

    `witness` is told of each request before anything becomes of it. `keeps_alive` False: each answer closes its
    connection. `dead_kept` is how many kept connections are yet to be closed at the moment at which the next dial is
    written on them. `platform_within` is the seconds for which a platform that does not listen yet is waited for.
    """

    def __init__(self, to_port: int, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.to_port = to_port
        self.tls = tls
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.server_port}"
        self.rule: Rule = lambda _: None
        self.witness: Callable[[Asked], None] = lambda _: None
        self.asked: list[Asked] = []
        self.keeps_alive = True
        self.dead_kept = 0
        self._counting = threading.Lock()
        self.platform_within = 0.0
        self.let_go = threading.Event()
        self._serving: threading.Thread | None = None
        self.later: list[threading.Thread] = []

    @property
    def dials(self) -> list[Asked]:
        return [asked for asked in self.asked if asked.is_dial]

    def closes_kept(self) -> bool:
        """Whether one more of `dead_kept` is left to be closed; several connections wait for their dial at once."""
        with self._counting:
            closes = self.dead_kept > 0
            self.dead_kept -= closes
        return closes

    def begin(self) -> None:
        """Accept connections, in a thread."""
        self._serving = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02})
        self._serving.start()

    def pause(self) -> None:
        """Accept none; those that are open go on."""
        if self._serving is not None:
            self.shutdown()
            self._serving.join()
            self._serving = None

    @contextlib.contextmanager
    def gone(self) -> Iterator[None]:
        """Nobody listens on the port: connections are refused."""
        self.pause()
        self.socket.close()
        try:
            yield
        finally:
            self.socket = socket.socket(self.address_family, self.socket_type)
            self.server_bind()
            self.server_activate()
            self.begin()

    @contextlib.contextmanager
    def deaf(self) -> Iterator[None]:
        """The port listens and takes nobody: its queue is full, so whoever connects hears nothing."""
        self.pause()
        self.socket.listen(0)
        with contextlib.ExitStack() as stack:
            for _ in range(4):
                waiting = stack.enter_context(contextlib.closing(socket.socket()))
                waiting.setblocking(False)
                waiting.connect_ex(self.socket.getsockname())
            yield
        self.socket.listen(self.request_queue_size)
        self.begin()

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept; the handshake of TLS is left to the connection's own thread."""
        connection, address = super().get_request()
        if self.tls is not None:
            connection = self.tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever asked may have been killed meanwhile."""


@contextlib.contextmanager
def between(to_port: int, tls: ssl.SSLContext | None = None) -> Iterator[Proxy]:
    """A proxy that serves until the end of the block."""
    proxy = Proxy(to_port, tls)
    proxy.begin()
    try:
        yield proxy
    finally:
        proxy.let_go.set()
        proxy.pause()
        for queued in proxy.later:
            queued.join()
        proxy.server_close()


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 3.0
    server: Proxy
    _is_kept = False

    def handle_one_request(self) -> None:
        with contextlib.suppress(OSError):
            if self._is_kept and self.server.dead_kept and self._is_dial_written() and self.server.closes_kept():
                self._reset()
                return
            super().handle_one_request()
            self._is_kept = True
            return
        self.close_connection = True

    def _is_dial_written(self) -> bool:
        """Wait for the next request and look at its first bytes, without taking them."""
        written: bytes = self.connection.recv(4, socket.MSG_PEEK)
        return written == b"POST"

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _serve(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        asked = Asked(self.command, self.path, json.loads(raw) if raw else None, raw, time.time())
        self.server.asked.append(asked)
        self.server.witness(asked)
        fate = self.server.rule(asked)
        if isinstance(fate, Cut):
            self._cut(fate, self._pass_on(raw) if fate.after else _UNHEARD)
        else:
            self._answer(self._answer_of(fate, raw))

    def _answer_of(self, fate: Answered | Changed | Delayed | Queued | None, raw: bytes) -> Answered:
        if isinstance(fate, Answered):
            if fate.after:
                self._pass_on(raw)
            self.server.let_go.wait(fate.back)
            return fate
        if isinstance(fate, Queued):
            self._queue(fate, raw)
            return fate.answer
        if isinstance(fate, Changed):
            answer = self._pass_on(raw)
            return Answered(answer.status, fate.change(json.loads(answer.content)), answer.headers)
        if isinstance(fate, Delayed):
            self.server.let_go.wait(fate.there)
            answer = self._pass_on(raw)
            self.server.let_go.wait(fate.back)
            return answer
        return self._pass_on(raw)

    def _queue(self, queued: Queued, raw: bytes) -> None:
        send = self._sender(raw)  # now: by then the connection may have another request

        def place() -> None:
            if not self.server.let_go.wait(queued.seconds):
                send()
                queued.placed.set()

        later = threading.Thread(target=place)
        self.server.later.append(later)
        later.start()

    def _pass_on(self, raw: bytes) -> Answered:
        return self._sender(raw)()

    def _sender(self, raw: bytes) -> Callable[[], Answered]:
        """What sends this request to the platform, and gives its answer."""
        command, path = self.command, self.path
        kept = {name: self.headers[name] for name in ("Authorization", "Content-Type") if name in self.headers}

        def send() -> Answered:
            connection = http.client.HTTPConnection("127.0.0.1", self.server.to_port, timeout=10)
            with contextlib.closing(connection):
                self._connect(connection)
                connection.request(command, path, raw or None, kept)
                answer = connection.getresponse()
                told = {name: answer.headers[name] for name in ("Retry-After", "Location") if name in answer.headers}
                return Answered(answer.status, answer.read(), told)

        return send

    def _connect(self, connection: http.client.HTTPConnection) -> None:
        gives_up_at = time.monotonic() + self.server.platform_within
        while True:
            try:
                connection.connect()
            except ConnectionRefusedError:
                if time.monotonic() >= gives_up_at:
                    raise
                self.server.let_go.wait(0.02)
            else:
                return

    def _answer(self, answer: Answered) -> None:
        self._head(answer)
        self.end_headers()
        self.wfile.write(answer.content)

    def _head(self, answer: Answered) -> None:
        self.send_response(answer.status)
        plain = {"Content-Type": "application/json", "Content-Length": str(len(answer.content))}
        for name, value in {**plain, **answer.headers}.items():
            self.send_header(name, value)
        if not self.server.keeps_alive:
            self.send_header("Connection", "close")

    def _cut(self, cut: Cut, answer: Answered) -> None:
        if cut.piece == "head":
            self.wfile.write(b"HTTP/1.1 201 Created\r\nContent-Ty")
        elif cut.piece == "body":
            self._head(answer)
            self.end_headers()
            self.wfile.write(answer.content[: len(answer.content) // 2])
        cut.at.set()
        if cut.held:
            self.server.let_go.wait(60)
        self._reset()

    def _reset(self) -> None:
        # Closed with nothing lingering: the other side sees a reset.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is told."""
