"""An hour at a thousand lines in virtual time: nothing grows, nothing is left behind, and nobody is rung twice.

The engine, its client, its connections and its ledger with every fsync are the real ones; the platform is a small one
that forgets, so that what grows in this process is the dialer's.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import sqlite3
import sys
from array import array
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest

from dialer.ledger import InlineExecutor, Ledger
from dialer.model import AttemptState, SimulatorRules
from dialer.simulator import Platform
from tests.benchmarks.kit import status_of
from tests.desk import Desk
from tests.engine_kit import Heart, campaign, heart, looked_up, waits
from tests.ledger_kit import founded
from tests.raw_platform import Caller, http, raw_platform
from tests.virtual_time import START, Time, in_virtual_time, moment, running

LINES = 1000
PEOPLE = 5_000
TALK, NO_ANSWER = 850.0, 60.0
"""Mean seconds of a call that is answered, and seconds of one that is not. Calls are long here so that an hour on a
thousand lines is seven thousand calls, and about a minute of a test."""

EVERY = 300.0
"""Seconds between two looks at what the process holds."""

WARM, AT_LAST = (1500.0, 2100.0), (2700.0, 3600.0)
"""The seconds of the looks that are compared: all lines are in use in both."""

SQLITE_CACHE, CHECKPOINT = 32 * 1024 * 1024, 4000 * 4096
"""Bytes of the ledger that its connection keeps in memory, and of the WAL at which it is brought into the ledger."""


NEVER_ANSWERS, LOSES = 3, 97
"""Every third dial is not answered, and the answer to every 97th is lost after the call was placed."""

KEPT, PAGE = 4 * LINES, 100
"""So many calls the platform remembers, the newest; and so many it shows at once, whatever is asked."""

_TRANSCRIPT = [{"role": "agent", "content": "Good morning, this is about your appointment on Friday at three. " * 4}]


def numbers() -> list[str]:
    return [f"+1{area}201{n:04d}" for area in (212, 312, 415) for n in range(10_000)][:PEOPLE]


# --- the platform ------------------------------------------------------------------------------------


@dataclass(slots=True)
class Shown:
    """A call as it is told; `ends` is a second of the loop."""

    ends: float
    live: bytes
    over: bytes

    def at(self, now: float) -> bytes:
        return self.over if self.ends <= now else self.live


@dataclass
class Account:
    """Places what it is asked to, tells its newest calls, and judges each dial as the person who is rung would."""

    hears: list[Callable[[str], object]] = field(default_factory=list)
    calls: deque[tuple[str, str, Shown]] = field(default_factory=lambda: deque(maxlen=KEPT))
    by_id: dict[str, Shown] = field(default_factory=dict)
    place_of: dict[str, int] = field(default_factory=lambda: {number: n for n, number in enumerate(numbers())})
    over_at: array[float] = field(default_factory=lambda: array("d", bytes(8 * PEOPLE)))
    reached: bytearray = field(default_factory=lambda: bytearray(PEOPLE))
    ends: list[float] = field(default_factory=list)
    rung: int = 0
    twice: int = 0
    live: int = 0
    most_live: int = 0

    async def serve(self, caller: Caller) -> None:
        while True:
            sent = await caller.request()
            caller.platform.sent.clear()
            now = asyncio.get_running_loop().time()
            if sent.method == "POST":
                await caller.write(self._dialled(json.loads(sent.body), now))
            else:
                parts = urlsplit(sent.target)
                await caller.write(self._read(unquote(parts.path), dict(parse_qsl(parts.query)), now))

    def _dialled(self, body: dict[str, Any], now: float) -> bytes:
        person = self.place_of[body["to_number"]]
        self.twice += bool(self.reached[person]) or self.over_at[person] > now
        self.rung += 1
        is_answered = self.rung % NEVER_ANSWERS != 0
        seconds = TALK * (0.5 + (self.rung * 7919 % 1000) / 1000) if is_answered else NO_ANSWER
        self.over_at[person], self.reached[person] = now + seconds, is_answered
        shown = self._keep(body, now, seconds, is_answered)
        self.live += 1
        self.most_live = max(self.most_live, self.live)
        asyncio.get_running_loop().call_later(seconds, self._ended, body["call_id"])
        return http("502 Bad Gateway", b"lost") if self.rung % LOSES == 0 else http("201 Created", shown.live)

    def _ended(self, call_id: str) -> None:
        self.live -= 1
        for hear in self.hears:
            hear(call_id)

    def _keep(self, body: dict[str, Any], now: float, seconds: float, is_answered: bool) -> Shown:
        begun, over = START + timedelta(seconds=now), START + timedelta(seconds=now + seconds)
        record = {
            "_id": f"{self.rung:024x}",
            "call_status": "ongoing",
            "call_start_time": begun.isoformat(),
            **{name: body[name] for name in ("call_id", "from_number", "to_number", "metadata", "direction")},
        }
        ended = {
            "call_status": "ended",
            "call_finish_reason": "agent_ended_call" if is_answered else "no_answer",
            "call_end_time": over.isoformat(),
            "call_duration_seconds": int(seconds),
            "messages": _TRANSCRIPT,
        }
        shown = Shown(now + seconds, json.dumps(record).encode(), json.dumps(record | ended).encode())
        if len(self.calls) == KEPT:
            own, platform_id, _ = self.calls.popleft()
            del self.by_id[own], self.by_id[platform_id]
        self.calls.append((body["call_id"], record["_id"], shown))
        self.by_id[body["call_id"]] = self.by_id[record["_id"]] = shown
        return shown

    def _read(self, path: str, query: dict[str, str], now: float) -> bytes:
        name = path.removeprefix("/v1/calls/")
        if name:
            shown = self.by_id.get(name)
            return http("404 Not Found", b"{}") if shown is None else http("200 OK", shown.at(now))
        begin, size = int(query.get("page_token", 0)), min(int(query["page_size"]), PAGE)
        page = [shown.at(now) for _, _, shown in islice(reversed(self.calls), begin, begin + size)]
        token = f'"{begin + size}"' if begin + size < len(self.calls) else "null"
        return http("200 OK", b'{"calls":[' + b",".join(page) + b'],"next_page_token":' + token.encode() + b"}")


# --- what the process holds --------------------------------------------------------------------------


@dataclass(frozen=True)
class Look:
    """What the process holds at a second: blocks of Python's own memory, descriptors, tasks; sizes in bytes."""

    at: float
    blocks: int
    resident: int
    descriptors: int
    tasks: int
    wal: int
    rung: int


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def look(account: Account, path: Path) -> Look:
    gc.collect()
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        db.execute("SELECT state, COUNT(*) FROM contacts GROUP BY state").fetchall()  # as `status` does meanwhile
    return Look(
        asyncio.get_running_loop().time(),
        sys.getallocatedblocks(),
        status_of(os.getpid())["VmRSS"],
        descriptors(),
        len(asyncio.all_tasks()),
        os.path.getsize(f"{path}-wal"),
        account.rung,
    )


async def looking(account: Account, path: Path, looks: list[Look]) -> None:
    while True:
        await moment(EVERY)
        looks.append(look(account, path))


# --- the hour ----------------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def engine(folder: Path, account: Account, time: Time, url: str) -> AsyncIterator[Heart]:
    rules = campaign(
        folder,
        url,
        numbers(),
        per_second=100.0,
        lines=LINES,
        hold=60.0,
        attempts=4,
        overrides={"unreached": waits(300.0)},
    )
    founded(rules.ledger)
    ledger = Ledger.open(rules.ledger, "run", time.clock.now, executor=InlineExecutor())
    where = Desk(Platform(SimulatorRules(), []), [], time, url)
    try:
        await ledger.start_run("run", [rules.name])
        async with heart(rules, where, ledger, wait=3600.0) as made:
            account.hears.append(lambda call_id: made.engine.tracker.told(call_id, is_end=True))
            yield made
    finally:
        await ledger.close()


@dataclass
class Hour:
    """What came of it."""

    folder: Path
    account: Account = field(default_factory=Account)
    looks: list[Look] = field(default_factory=list)
    seconds: float = 0.0
    stopped: str | None = None
    left_tasks: int = 0
    open_before: int = 0
    open_after: int = 0

    @property
    def ledger(self) -> Path:
        return self.folder / "dialer.db"

    async def live(self) -> None:
        time = Time()
        async with raw_platform(self.account.serve) as server:
            async with engine(self.folder, self.account, time, server.url) as made:
                async with running(looking(self.account, self.ledger, self.looks)):
                    await made.engine.run()
                self.stopped = str(made.engine.stopped) if made.engine.stopped is not None else None
                self.seconds = time.monotonic()
            await moment(1.0)
        await moment(1.0)
        self.left_tasks = len(asyncio.all_tasks()) - 1

    def least(self, what: str, between: tuple[float, float]) -> float:
        """The least of what was held at the looks between those seconds: what comes and goes is left out."""
        return min(float(getattr(look, what)) for look in self.looks if between[0] - 1 <= look.at <= between[1] + 1)

    def calls(self) -> int:
        """Dials from the one stretch that is compared to the other."""
        return int(self.least("rung", AT_LAST) - self.least("rung", WARM))


def it_was_an_hour_and_everyone_ended(hour: Hour) -> None:
    assert hour.stopped is None
    assert hour.seconds >= 3600.0
    assert hour.account.most_live == LINES
    assert min(look.tasks for look in hour.looks if look.at <= AT_LAST[1]) > LINES
    states = dict(looked_up(hour.ledger, "SELECT state, COUNT(*) FROM contacts GROUP BY state"))
    assert states.keys() == {"done", "exhausted"}
    assert sum(states.values()) == PEOPLE


def nobody_was_rung_twice_and_every_ring_is_in_the_ledger(hour: Hour) -> None:
    assert hour.account.twice == 0
    assert hour.account.live == 0
    attempts = looked_up(hour.ledger, "SELECT state, COUNT(*) FROM attempts GROUP BY 1")
    assert attempts == [(AttemptState.ENDED.value, hour.account.rung)]
    assert hour.account.rung > PEOPLE * 1.3


def nothing_is_left_behind(hour: Hour) -> None:
    assert hour.left_tasks == 0
    assert hour.open_after == hour.open_before


def memory_stays_flat(hour: Hour) -> None:
    assert hour.calls() > 1500
    blocks = hour.least("blocks", AT_LAST) - hour.least("blocks", WARM)
    assert blocks / hour.calls() < 5, hour.looks  # a result that is kept is a dozen, a float is one
    resident = hour.least("resident", AT_LAST) - hour.least("resident", WARM)
    assert resident < SQLITE_CACHE, hour.looks


def descriptors_and_tasks_stay_as_they_are(hour: Hour) -> None:
    steady = [look for look in hour.looks if WARM[0] <= look.at <= AT_LAST[1]]
    assert max(look.descriptors for look in steady) < 60, steady
    assert max(look.tasks for look in steady) < LINES + 60, steady


def the_wal_stays_bounded_and_the_ledger_whole(hour: Hour) -> None:
    imported = hour.looks[0].wal  # a list is taken in one transaction, whatever its size
    assert max(look.wal for look in hour.looks) < max(imported, CHECKPOINT) + CHECKPOINT // 2, hour.looks
    assert not Path(f"{hour.ledger}-wal").exists()
    assert looked_up(hour.ledger, "PRAGMA integrity_check") == [("ok",)]
    assert looked_up(hour.ledger, "PRAGMA foreign_key_check") == []


@pytest.mark.slow
@pytest.mark.ci
def test_an_hour_at_a_thousand_lines(tmp_path: Path) -> None:
    hour = Hour(tmp_path)
    hour.open_before = descriptors()
    in_virtual_time(hour.live())
    gc.collect()
    hour.open_after = descriptors()
    it_was_an_hour_and_everyone_ended(hour)
    nobody_was_rung_twice_and_every_ring_is_in_the_ledger(hour)
    nothing_is_left_behind(hour)
    memory_stays_flat(hour)
    descriptors_and_tasks_stay_as_they_are(hour)
    the_wal_stays_bounded_and_the_ledger_whole(hour)
