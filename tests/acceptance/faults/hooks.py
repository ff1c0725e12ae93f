"""The way of a webhook from the simulated platform to a run, with hands in between; and deliveries of our own."""

from __future__ import annotations

import contextlib
import http.client
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.acceptance.faults.kit import Stage
from tests.acceptance.kit import Running
from tests.acceptance.proxy import free_port
from tests.webhook_kit import SECRET, Delivery, delivery, told

PATH = "/verbex"
STARTED, ENDED, ANALYSED = "CallHandler.CallStarted", "CallHandler.CallEnded", "callAnalysis.pcaCompleted"


def post(port: int, sent: Delivery) -> int:
    """Deliver to a run; the status of its answer, or 503 where nobody listens or answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    with contextlib.closing(connection):
        try:
            connection.request(sent.method, sent.path, sent.body, sent.headers)
            return connection.getresponse().status
        except OSError:
            return 503


def forged(trace: str, call: str, *, ahead: float = 0.0, secret: str = SECRET, name: str = ENDED) -> Delivery:
    """A delivery as the platform would make it, by a clock that is so many seconds ahead; signed with what we say."""
    now = datetime.now(UTC) + timedelta(seconds=ahead)
    payload = {"call_id": call, "agent_id": "a1", "status": "ended"}
    return delivery(told(trace, name, timestamp=int(now.timestamp()), payload=payload), at=now, secret=secret)


# --- between the platform and the run ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Passed:
    """What came from the platform, and what the run answered to each copy of it."""

    event: str
    trace: str
    statuses: tuple[int, ...]


@dataclass
class Relay:
    """Takes what the platform sends and hands it on, `copies` of each at once; 0: it gets lost.

    `before` is called with the event and the body before that, and may wait; `after` when it was answered.
    """

    url: str
    to_port: int = field(default_factory=free_port)
    copies: int = 1
    before: Callable[[str, bytes], None] = lambda event, body: None
    after: Callable[[str, bytes], None] = lambda event, body: None
    passed: list[Passed] = field(default_factory=list)

    def taken(self, sent: Delivery) -> int:
        event = sent.headers["X-Webhook-Event"]
        if not self.copies:
            return 200
        self.before(event, sent.body)
        with ThreadPoolExecutor(self.copies) as at_once:
            statuses = tuple(at_once.map(lambda _: post(self.to_port, sent), range(self.copies)))
        self.passed.append(Passed(event, sent.headers["X-Webhook-Traceid"], statuses))
        self.after(event, sent.body)
        return min(statuses)


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    relay: Relay


class _Handler(BaseHTTPRequestHandler):
    timeout = 3.0
    server: _Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name: text for name, text in self.headers.items() if name.startswith(("X-", "x-", "Content-Type"))}
        with contextlib.suppress(OSError):  # the platform may be killed meanwhile
            status = self.server.relay.taken(Delivery(body, headers, "POST", self.path))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is told."""


@contextlib.contextmanager
def relaying() -> Iterator[Relay]:
    """A relay on loopback that serves until the end of the block."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.relay = Relay(f"http://127.0.0.1:{server.server_port}{PATH}")
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        serving.start()
        try:
            yield server.relay
        finally:
            server.shutdown()
            serving.join()


# --- campaigns that listen --------------------------------------------------------------------------


def listening(port: int, secret: str = SECRET) -> dict[str, str]:
    """The part of a campaign file; what is sent to it needs no relay."""
    return {"listen": f"127.0.0.1:{port}", "url": f"http://127.0.0.1:{port}{PATH}", "secret": secret}


def subscribed(there: Stage, relay: Relay, **changes: Any) -> Path:
    """A campaign file whose webhooks come by way of the relay, subscribed as a user would."""
    hooks = {"listen": f"127.0.0.1:{relay.to_port}", "url": relay.url}
    path = there.plan(webhooks=hooks, **changes)
    witness, there.proxy.witness = there.proxy.witness, lambda _: None
    made = there.run("webhooks", "subscribe", path)
    assert made.code == 0, made.err
    there.proxy.witness = witness
    there.proxy.asked.clear()
    return there.plan(webhooks={**hooks, "secret": "${file:camp.webhook-secret}"}, **changes)


def until_listening(run: Running) -> None:
    run.until(lambda: "webhooks are taken at" in run.err)


def inbox(there: Stage) -> list[Any]:
    """What the ledger has kept, in the order in which it came."""
    return there.ask("SELECT * FROM inbox ORDER BY received_at")
