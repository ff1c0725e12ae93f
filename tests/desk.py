"""The simulated platform behind a bare server, with hands in between."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from dialer.model import (
    Secret,
    SimulatorRules,
)
from dialer.simulator import HttpAnswer, Platform, Ring
from dialer.verbex import Client
from tests.raw_platform import Caller, Sent, http, raw_platform
from tests.virtual_time import Time, moment

KEY = Secret("API_made_up")


Fault = Callable[[dict[str, Any]], Awaitable[bytes | None]]
"""What to answer to a dial instead of the platform's own answer; None: the platform's own."""


def answer(status: int, body: object = None, *headers: str) -> bytes:
    """An HTTP answer with a JSON body."""
    return http(f"{status} Whatever", json.dumps(body).encode(), "Content-Type: application/json", *headers)


def body_of(said: bytes) -> Any:
    """The JSON of an HTTP answer."""
    return json.loads(said.partition(b"\r\n\r\n")[2])


@dataclass
class Desk:
    """The simulated platform behind a bare server, with hands in between: what is asked can be seen, and spoilt.

    `posts` are the dials in the order in which they came, with the second in which they did. `faults` are taken by
    the dials in turn. `unread` answers reads in place of the platform. `told` may change each record that is read.
    """

    platform: Platform
    rings: list[Ring]
    time: Time
    url: str = ""
    posts: list[tuple[float, dict[str, Any]]] = field(default_factory=list)
    reads: list[tuple[float, str]] = field(default_factory=list)
    reading: int = 0
    most_reading: int = 0
    read_takes: float = 0.0
    faults: list[Fault | None] = field(default_factory=list)
    always: Fault | None = None
    unread: Callable[[str, dict[str, str]], bytes | None] = lambda path, query: None
    told: Callable[[dict[str, Any]], dict[str, Any]] = lambda record: record
    skew: float | None = None  # seconds that its own clock is ahead of everybody else's; None: its answers bear no date

    def place(self, body: dict[str, Any]) -> bytes:
        """What the platform itself does with a dial."""
        return self._answer(self.platform.dial(body, self.time.clock.now()))

    def rang(self, to: str) -> int:
        """How often this number was rung."""
        return sum(ring.to_number == to and not ring.turned_away for ring in self.rings)

    def overlaps(self) -> list[str]:
        """Numbers that were rung while a call to them was live."""
        kept = [ring for ring in self.rings if not ring.turned_away]
        return [
            a.to_number
            for i, a in enumerate(kept)
            for b in kept[i + 1 :]
            if a.to_number == b.to_number and b.at < a.over_at
        ]

    async def serve(self, caller: Caller) -> None:
        """One connection."""
        while True:
            sent = await caller.request()
            said = await self._said(sent)
            if said == RESET:
                caller.reset()
                return
            await caller.write(said)

    async def _said(self, sent: Sent) -> bytes:
        if sent.method == "POST":
            return await self._dialled(json.loads(sent.body))
        parts = urlsplit(sent.target)
        query = dict(parse_qsl(parts.query))
        self.reads.append((self.time.monotonic(), sent.target))
        self.reading += 1
        self.most_reading = max(self.most_reading, self.reading)
        await moment(self.read_takes)
        self.reading -= 1
        return self.unread(parts.path, query) or self._read(unquote(parts.path.removeprefix("/v1/calls/")), query)

    async def _dialled(self, body: dict[str, Any]) -> bytes:
        self.posts.append((self.time.monotonic(), body))
        fault = self.faults.pop(0) if self.faults else self.always
        return (await fault(body) if fault is not None else None) or self.place(body)

    def _read(self, name: str, query: dict[str, str]) -> bytes:
        now = self.time.clock.now()
        return self._answer(self.platform.get(name, now) if name else self.platform.list(list(query.items()), now))

    def _answer(self, said: HttpAnswer) -> bytes:
        body = said.body
        if "calls" in body:
            body = body | {"calls": [self.told(record) for record in body["calls"]]}
        elif "call_status" in body:
            body = self.told(body)
        headers = [f"{name}: {value}" for name, value in said.headers.items()]
        if self.skew is not None:
            date = self.time.clock.now() + timedelta(seconds=self.skew)
            headers.append(f"Date: {format_datetime(date, usegmt=True)}")
        return answer(said.status, body, *headers)


RESET = b"reset"


def no_echo(record: dict[str, Any]) -> dict[str, Any]:
    """A record as a platform tells it that keeps our id to itself."""
    return record | {"metadata": None}


@contextlib.asynccontextmanager
async def desk(time: Time, **rules: Any) -> AsyncIterator[Desk]:
    """A platform on loopback. Everyone answers soon and talks for a second or so, unless the rules say otherwise."""
    plain: dict[str, Any] = {
        "ring_seconds": 0.5,
        "call_seconds": 1.0,
        "mix": {"agent_ended_call": 1.0},
        "calls_per_second": 10_000.0,
        "concurrent_calls": 1_000,
    }
    rings: list[Ring] = []
    made = Desk(Platform(SimulatorRules(**(plain | rules)), rings), rings, time)
    async with raw_platform(made.serve) as server:
        made.url = server.url
        yield made


async def lost_after(made: Desk, body: dict[str, Any]) -> bytes:
    """The platform places the call, and its gateway fails."""
    made.place(body)
    return answer(502, "bad gateway")


async def lost_before(_: dict[str, Any]) -> bytes:
    """The gateway fails, and nothing is placed."""
    return answer(502, "bad gateway")


def placing(made: Desk) -> Fault:
    async def fault(body: dict[str, Any]) -> bytes:
        return await lost_after(made, body)

    return fault


def saying(status: int, body: object = None, *headers: str) -> Fault:
    """Answers so, and places nothing."""

    async def fault(_: dict[str, Any]) -> bytes:
        return answer(status, body, *headers)

    return fault


@contextlib.asynccontextmanager
async def client_of(made: Desk | str, time: Time) -> AsyncIterator[Client]:
    """A client of that platform."""
    url = made if isinstance(made, str) else made.url
    async with Client(url, KEY, now=time.clock.now) as client:
        yield client
