"""The whole engine against the model's account, in virtual time: a client that is the account itself."""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import random
import tempfile
from bisect import insort
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import floor, log
from pathlib import Path
from typing import Any, TypeVar

from dialer.ledger import InlineExecutor, Ledger
from dialer.model import Answer, CallPage, CallRecord, Campaign, DialRequest, NoReply, Reply, Secret
from dialer.policy import retry
from dialer.runner import Options
from dialer.runner.accounts import account_of
from dialer.runner.engine import Engine
from dialer.verbex import Client
from dialer.verbex.ahead import Ahead
from dialer.verbex.transport import Received
from tests.benchmarks.account_model import WAY, Cell, Result
from tests.desk import KEY
from tests.engine_kit import campaign, number
from tests.virtual_time import START, Time, in_virtual_time

T = TypeVar("T")

_PEOPLE = 9000
_FULL = "concurrent_call_limit_reached"
_SIGMA = 0.8
_ANSWERED, _RING = 90.0, 25.0


@dataclass(order=True, slots=True)
class _Call:
    """A call of the account, by its times in seconds; `person` is '' for others' calls."""

    began: float
    ends: float
    name: str
    own: str = ""
    person: str = ""
    was_refused: bool = False


class AccountClient(Client):
    """What the engine asks goes to the account of a cell; no socket is opened."""

    def __init__(self, cell: Cell, seed: int, time: Time) -> None:
        self._cell = cell
        self._time = time
        self._calls = random.Random(f"calls{seed}")
        self._foreign = random.Random(f"others{seed}")
        self._shown: list[_Call] = []
        self._ends: list[float] = []
        self._other_ends: list[float] = []
        self._next_other = 0.0 if cell.others else float("inf")
        self._n = 0
        self._now = time.clock.now
        self._ahead = Ahead()
        self.result = Result()
        if cell.others:
            for _ in range(int(cell.others)):
                self._other(0.0)

    # --- the account ---

    def live(self) -> int:
        """Our live calls at this moment."""
        now = self._time.monotonic()
        while self._ends and self._ends[0] <= now:
            heapq.heappop(self._ends)
        return len(self._ends)

    def _others(self) -> int:
        now = self._time.monotonic()
        while self._next_other <= now:
            self._other(self._next_other)
            self._next_other += self._foreign.expovariate(self._cell.others / _ANSWERED)
        while self._other_ends and self._other_ends[0] <= now:
            heapq.heappop(self._other_ends)
        return len(self._other_ends)

    def _other(self, at: float) -> None:
        self._n += 1
        ends = at + self._foreign.lognormvariate(log(_ANSWERED) - _SIGMA**2 / 2, _SIGMA)
        heapq.heappush(self._other_ends, ends)
        insort(self._shown, _Call(at, ends, f"other{self._n}"))

    def _length(self) -> float:
        if self._calls.random() < 0.35:
            return _RING
        return self._calls.lognormvariate(log(_ANSWERED) - _SIGMA**2 / 2, _SIGMA)

    async def ask(
        self, path: str, query: dict[str, str], read: Callable[[Received, datetime, Secret], T]
    ) -> T | NoReply:
        """There is nothing beside the calls."""
        return read(Received(404, b"{}"), self._time.clock.now(), KEY)

    async def dial(self, request: DialRequest, content: bytes = b"") -> Answer:
        """One POST."""
        await self._time.clock.sleep(WAY)
        now = self._time.monotonic()
        self._n += 1
        self.result.dials += 1
        is_full = self.live() + self._others() >= self._cell.limit(now)
        call = _Call(now, now, f"call{self._n}", request.call_id, request.to_number, is_full)
        if is_full:
            self.result.refused += 1
        else:
            call.ends = now + self._length()
            heapq.heappush(self._ends, call.ends)
        insort(self._shown, call)
        return Reply(201, (await self._back([self._record(call)]))[0])

    # --- what it tells ---

    def _record(self, call: _Call) -> CallRecord:
        is_over = call.ends <= self._time.monotonic()
        reason = _FULL if call.was_refused else "user_ended_call"
        return CallRecord(
            platform_id=call.name,
            own_id=call.own or None,
            to_number=call.person,
            from_number="+14155550100",
            status="ended" if is_over else "ongoing",
            finish_reason=reason if is_over else None,
            started_at=None if call.was_refused else self._told(call.began),
            ended_at=self._told(call.ends) if is_over else None,
            duration_seconds=None if call.was_refused or not is_over else int(call.ends - call.began),
            has_messages=False,
            record={},
        )

    async def _back(self, calls: list[CallRecord]) -> list[CallRecord]:
        """The answer's way back, and what its Date and its calls tell of the platform's clock."""
        dated = floor(self._time.monotonic() + self._cell.skew)
        await self._time.clock.sleep(WAY)
        self.skew = self._ahead.dated(dated - self._time.monotonic())
        self._learn_clock(calls)
        return calls

    def _told(self, moment: float) -> datetime:
        return START + timedelta(seconds=moment + self._cell.skew)

    async def get(self, call_id: str) -> Answer:
        """One call."""
        await self._time.clock.sleep(WAY)
        found = next((call for call in reversed(self._shown) if call_id in (call.name, call.own)), None)
        calls = await self._back([] if found is None else [self._record(found)])
        return Reply(200, calls[0]) if calls else Reply(404)

    async def list(self, *, page_size: int = 100, page_token: str | None = None, **_: Any) -> CallPage | Answer:
        """A page, newest first."""
        await self._time.clock.sleep(WAY)
        self._others()
        begin = int(page_token or 0)
        chosen = self._shown[::-1][begin : begin + page_size]
        more = begin + page_size < len(self._shown)
        total = len(self._shown)
        calls = await self._back(list(map(self._record, chosen)))
        return CallPage(tuple(calls), str(begin + page_size) if more else None, total)


def engine_result(cell: Cell, seed: int) -> Result:
    """An hour of the whole engine, of which nobody knows the limit."""
    with tempfile.TemporaryDirectory(dir=_memory()) as folder:
        return in_virtual_time(_lived(cell, seed, Path(folder)))


def _memory() -> str | None:
    memory = Path("/dev/shm")  # noqa: S108 - a folder of our own in it
    return str(memory) if memory.is_dir() else None


async def _lived(cell: Cell, seed: int, folder: Path) -> Result:
    time = Time(dice=0.5)
    client = AccountClient(cell, seed, time)
    async with _engine(cell, folder, time, client) as engine:
        running = asyncio.create_task(engine.run())
        while time.monotonic() < cell.seconds and not running.done():
            client.result.levels.append(client.live())
            client.result.line_seconds += client.live()
            await time.clock.sleep(1.0)
        assert not running.done(), engine.stopped
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    return client.result


@contextlib.asynccontextmanager
async def _engine(cell: Cell, folder: Path, time: Time, client: AccountClient) -> AsyncIterator[Engine]:
    rules = _rules(cell, folder)
    ledger = Ledger.open(rules.ledger, "run", time.clock.now, executor=InlineExecutor(), synchronous="OFF")
    try:
        await ledger.start_run("run", [rules.name])
        bound = await ledger.bind(rules)
        engines: list[Engine] = []
        account = account_of([(rules, cell.start)], time.clock)
        options = Options()
        engines.append(
            Engine(rules, bound.id, account, ledger, client, time.clock, options, _say, lambda: engines[0].live)
        )
        yield engines[0]
    finally:
        await ledger.close()


def _say(event: str, sentence: str, *, is_trouble: bool = False) -> None:
    """Nobody listens."""


def _rules(cell: Cell, folder: Path) -> Campaign:
    rules = campaign(folder, "http://account.invalid", [number(n) for n in range(_PEOPLE)])
    pace = replace(rules.pace, calls_per_second=cell.per_second, concurrent_calls=None)
    return replace(rules, pace=pace, retry=retry.rules(1, {}))
