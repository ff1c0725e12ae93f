"""What the tests of the dialling heart share: virtual time, a scripted platform on loopback, a ledger with people in it.

In virtual time the event loop's clock jumps to the next timer as soon as nothing is left to be done, sockets
included: hours pass in milliseconds, and a wait that nothing will ever end is an error rather than a hang.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import selectors
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qsl, unquote, urlsplit

from dialer.attempt import INTENT_HOLDS, request_for
from dialer.clock import Clock
from dialer.ledger import InlineExecutor, Ledger, Passed
from dialer.model import (
    Action,
    Attempt,
    AttemptState,
    CallRules,
    Campaign,
    Candidate,
    Chunk,
    Intent,
    ListRules,
    Number,
    PaceRules,
    PlatformRules,
    RecoveryRules,
    Response,
    Row,
    Secret,
    SimulatorRules,
)
from dialer.policy import retry
from dialer.runner import Options
from dialer.runner.engine import Engine
from dialer.simulator import HttpAnswer, Platform, Ring
from dialer.verbex import Client, wire
from tests.ledger_kit import founded
from tests.raw_platform import Caller, Sent, http, raw_platform

T = TypeVar("T")

START = datetime(2026, 11, 22, 14, tzinfo=UTC)
OWN = "+14155550100"
KEY = Secret("API_made_up")


# --- virtual time --------------------------------------------------------------------------------


class _Jumping(selectors.SelectSelector):
    """Where there is nothing to read or write, time goes on to the next timer at once."""

    loop: VirtualLoop

    def select(self, timeout: float | None = None) -> Any:
        found = super().select(0)
        if found or (timeout is not None and timeout <= 0):
            return found
        found = super().select(0.00005)  # bytes on loopback, and a thread that ends, may take a moment
        if found:
            return found
        if timeout is None:
            raise AssertionError("a hang: nothing is under way, and no timer will ever end the wait")
        self.loop.passed += timeout + 1e-9
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time is its own. What is given to a thread is done in place, so that time stands still."""

    def __init__(self) -> None:
        selector = _Jumping()
        selector.loop = self
        self.passed = 0.0
        super().__init__(selector)

    def time(self) -> float:
        return self.passed

    def run_in_executor(self, executor: Any, func: Callable[..., T], *args: Any) -> asyncio.Future[T]:  # type: ignore[override]
        future: asyncio.Future[T] = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:
            future.set_exception(error)
        return future


def in_virtual_time(work: Coroutine[Any, Any, T]) -> T:
    """Run the coroutine to its end in virtual time; two virtual days are too long for anything."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:

        async def bounded() -> T:
            async with asyncio.timeout(2 * 86400):
                return await work

        return runner.run(bounded())


class Time:
    """A clock on the running loop's time; `jump` moves the wall clock alone, as an operator or NTP may."""

    def __init__(self, dice: float = 0.0) -> None:
        self.jump = 0.0
        self.clock = Clock(self.wall, self.monotonic, lambda: dice)

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    def wall(self) -> float:
        return START.timestamp() + self.monotonic() + self.jump


# --- people and campaigns ------------------------------------------------------------------------


def number(n: int) -> str:
    return f"+1415201{n:04d}"


def listed(path: Path, people: Sequence[str]) -> Path:
    """A list of these numbers, one a row."""
    path.write_text("phone,name\n" + "".join(f"{one},n{place}\n" for place, one in enumerate(people)))
    return path


def waits(seconds: float) -> Response:
    return Response(Action.WAIT, (seconds,))


def campaign(
    folder: Path,
    url: str,
    people: Sequence[str] = (),
    *,
    name: str = "reminders",
    per_second: float = 20.0,
    lines: int | None = 5,
    hold: float = 120.0,
    max_unknown: int = 50,
    longest: float = 7200.0,
    attempts: int = 3,
    overrides: Mapping[str, Response] | None = None,
    own: tuple[str, ...] = (OWN,),
    **rules: Any,
) -> Campaign:
    """A campaign over a list of these people; waits between attempts are as `overrides` says, else the defaults."""
    path = listed(folder / f"{name}.csv", people)
    return Campaign(
        name=name,
        path=folder / f"{name}.yaml",
        contacts=ListRules(files=(path,), country="US", **rules),
        call=CallRules(own, longest=longest),
        platform=PlatformRules(url, KEY),
        pace=PaceRules(per_second, lines),
        retry=retry.rules(attempts, overrides or {}),
        recovery=RecoveryRules(hold=hold, max_unknown=max_unknown),
        ledger=folder / "dialer.db",
    )


@contextlib.asynccontextmanager
async def open_ledger(folder: Path, time: Time) -> AsyncIterator[Ledger]:
    """A ledger in which a run has begun; each opening is a new run."""
    path = folder / "dialer.db"
    if not path.exists():
        founded(path)
    ledger = Ledger.open(path, "run", time.clock.now, executor=InlineExecutor(), synchronous="OFF")
    try:
        await ledger.start_run("run", [])
        yield ledger
    finally:
        await ledger.close()


async def with_people(ledger: Ledger, rules: Campaign, people: Sequence[str]) -> int:
    """The campaign's id, these people being due in it; a person is `name` or `name=number`."""
    bound = await ledger.bind(rules)
    rows = tuple(_row(one, line) for line, one in enumerate(people, 2))
    imported = await ledger.begin_import(bound.id, f"{people}", ["people.csv"], ["phone"])
    await ledger.stage(bound.id, imported, Chunk(rows, ()))
    await ledger.apply(bound.id, imported, rules.contacts, True)
    return bound.id


def _row(person: str, line: int) -> Row:
    name, _, given = person.partition("=")
    e164 = given or name
    return Row(name, (Number(e164, "US", "mobile"),), json.dumps({"phone": e164}), "people.csv", line)


async def the_due(ledger: Ledger, campaign_id: int) -> Candidate:
    """The most urgent contact."""
    return (await ledger.due(campaign_id, 1))[0]


# --- a platform ----------------------------------------------------------------------------------

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
        return answer(said.status, body, *(f"{name}: {value}" for name, value in said.headers.items()))


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


@contextlib.asynccontextmanager
async def client_of(made: Desk | str, time: Time) -> AsyncIterator[Client]:
    """A client of that platform."""
    url = made if isinstance(made, str) else made.url
    async with Client(url, KEY, now=time.clock.now) as client:
        yield client


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


# --- engines -------------------------------------------------------------------------------------


@dataclass
class Heart:
    """One campaign's engine over a desk and a ledger, and what it said."""

    engine: Engine
    ledger: Ledger
    desk: Desk
    said: list[tuple[str, str]]

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return looked_up(self.ledger.path, query)

    def states(self) -> dict[str, str]:
        """The state of each person."""
        return dict(self.rows("SELECT person, state FROM contacts"))


def looked_up(path: Path, query: str) -> list[tuple[Any, ...]]:
    with contextlib.closing(sqlite3.connect(path)) as db:
        return list(db.execute(query))


@contextlib.asynccontextmanager
async def heart(
    rules: Campaign,
    made: Desk,
    ledger: Ledger,
    *,
    live: Callable[[], int] | None = None,
    learned: float | None = None,
    **options: Any,
) -> AsyncIterator[Heart]:
    """An engine that has not begun."""
    said: list[tuple[str, str]] = []

    def say(event: str, sentence: str, *, is_trouble: bool = False) -> None:
        said.append((event, sentence))

    engines: list[Engine] = []
    async with client_of(made, made.time) as client:
        bound = await ledger.bind(rules)
        engine = Engine(
            rules,
            bound.id,
            learned,
            ledger,
            client,
            made.time.clock,
            Options(**options),
            say,
            live or (lambda: engines[0].live),
        )
        engines.append(engine)
        yield Heart(engine, ledger, made, said)


@contextlib.asynccontextmanager
async def running(work: Coroutine[Any, Any, T]) -> AsyncIterator[asyncio.Task[T]]:
    """A task beside the test, which must not have failed when the test is over, and ends with it."""
    task = asyncio.create_task(work)
    try:
        yield task
        if task.done():
            task.result()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(condition: Callable[[], bool], seconds: float = 3600.0) -> None:
    """Let virtual time go on until the condition holds."""
    loop = asyncio.get_running_loop()
    ends = loop.time() + seconds
    while not condition():
        assert loop.time() < ends, "it did not come to that"
        await moment(0.05)


async def moment(seconds: float) -> None:
    """Let so much time pass."""
    if seconds <= 0:
        return
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await asyncio.get_running_loop().create_future()


async def begun(ledger: Ledger, rules: Campaign, campaign_id: int) -> Attempt:
    """The most urgent contact, with its intent committed: as a run leaves it that is killed then."""
    candidate = await the_due(ledger, campaign_id)
    now = ledger._now()
    request = request_for(
        rules, candidate.person, candidate.numbers[0], candidate.data, candidate.serial + 1, ledger.secret
    )
    intent = Intent(request, candidate.serial + 1, "hash", now, now + INTENT_HOLDS)
    written = await ledger.intend(candidate, intent)
    assert not isinstance(written, Passed)
    found = await ledger.open_attempts(campaign_id)
    return next(attempt for attempt in found if attempt.id == written)


async def placed(made: Desk, ledger: Ledger, rules: Campaign, campaign_id: int) -> Attempt:
    """The same, and the platform's word on it written down: a live call."""
    attempt = await begun(ledger, rules, campaign_id)
    record = wire.call(body_of(made.place(dial_of(attempt))))
    await ledger.place(attempt.id, record)
    now = made.time.clock.now()
    return replace(attempt, state=AttemptState.PLACED, platform_id=record.platform_id, placed_at=now)


def dial_of(attempt: Attempt) -> dict[str, Any]:
    """The body of an attempt's dial."""
    return {
        "call_id": attempt.call_id,
        "from_number": attempt.from_number,
        "to_number": attempt.number,
        "metadata": {"dialer_call_id": attempt.call_id},
        "direction": "outbound",
    }


async def unknown(ledger: Ledger, rules: Campaign, campaign_id: int, hold: float) -> Attempt:
    """The same, its answer lost just now."""
    attempt = await begun(ledger, rules, campaign_id)
    until_then = ledger._now() + timedelta(seconds=hold)
    await ledger.hold(attempt.id, until_then, "status 502")
    return replace(attempt, state=AttemptState.UNKNOWN, held_until=until_then)
