"""What a dial costs: whole runs over a real ledger, against loops that keep nothing, and as lines grow.

The platform is `server`, on a core of its own; whoever dials has another. The calls per second that a campaign's file
may set end at 1,000, which would bind: these campaigns are made without a file, and may dial a million a second.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import sqlite3
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from dialer.cli.running import _leave_alone_what_stays
from dialer.clock import Clock
from dialer.console import choose
from dialer.ledger.moments import instant
from dialer.model import (
    CallRules,
    Campaign,
    DialRequest,
    ListRules,
    PaceRules,
    PlatformRules,
    RecoveryRules,
    Reply,
    Secret,
)
from dialer.policy import retry
from dialer.runner import Options
from dialer.runner import run as run_campaigns
from dialer.verbex import Client
from tests.benchmarks import bare_loop, cookbook
from tests.benchmarks.bare_loop import OWN, body, number, write_list
from tests.benchmarks.kit import How, Line, Ratio, Spent, in_process, pinned
from tests.benchmarks.server import served

KEY = Secret("API_made_up")
LINES = 200
FEW, MANY = 50, 1000
UNBOUND = 1_000_000.0
_LOOKS_EVERY = 0.01
_WHOLE_CORE = 0.9


@dataclass(frozen=True)
class Size:
    """`people` and `rounds` for the rates, `few` people for the slow one; for the rows about lines, dials per second
    and how many seconds of them; for the lag, how many seconds calls last."""

    people: int
    rounds: int
    few: int
    per_second: float
    seconds: float
    calls_last: float


FULL = Size(people=6000, rounds=5, few=1000, per_second=400.0, seconds=15.0, calls_last=20.0)
QUICK = Size(people=1500, rounds=1, few=300, per_second=400.0, seconds=3.0, calls_last=3.0)


@dataclass(frozen=True)
class Dialled:
    """A run: calls per second and CPU seconds a call, from the first intent to the last call's end; what of the event
    loop's time was waited for at the 99th percentile, and at worst."""

    calls: int
    per_second: float
    cpu: float
    lag: float
    worst_lag: float


def measure(how: How) -> list[Line]:
    """Rates against the loops, the cost of lines, the lag."""
    size = QUICK if how.quick else FULL
    folders = (how.folder / str(place) for place in range(1000))
    with pinned(1):
        return [*_rates(size, folders), _cost_of_lines(size, folders), _lag(size, folders)]


# --- rates ---------------------------------------------------------------------------------------


def _rates(size: Size, folders: Iterator[Path]) -> Iterator[Line]:
    """All by turns against one server; who goes first changes from round to round."""
    with served() as url:
        works: dict[str, Callable[[], _Rate]] = {
            "dialer": lambda: _rate_of_run(in_process(run, next(folders), url, size.people, LINES).answer),
            "bare loop": lambda: _rate_of(in_process(bare_loop.dial_all, url, size.people, LINES), size.people),
            "own client": lambda: _rate_of(in_process(dial_with_own_client, url, size.people, LINES), size.people),
            "cookbook": lambda: _rate_of(in_process(by_cookbook, next(folders), url, size.few), size.few),
        }
        rates: dict[str, list[_Rate]] = {name: [] for name in works}
        for turn in range(size.rounds):
            for name in sorted(works, reverse=bool(turn % 2)):
                rates[name].append(works[name]())
    ratio = partial(_ratio, rates)
    what = f"dials per second end to end, {LINES} lines"
    note = " · ".join(f"{name} {_told(found)}" for name, found in rates.items())
    if not _had_a_core(rates["bare loop"]):
        note += "; other programs had their part of the core, so this run judges no speed"
    yield Line(what, "httpx.AsyncClient, the same transport, a bare loop", "≥ 0.85", *ratio("bare loop", 0.85), note)
    yield Line(what, "a cookbook's loop: batches, JSONL, no fsync", "≥ 2.5", *ratio("cookbook", 2.5))
    yield Line(what, "dialer's own, quicker client in a bare loop", "≥ 0.85", *ratio("own client", 0.85))


@dataclass(frozen=True)
class _Rate:
    """Calls per second, and CPU seconds a call: the one that other programs of the machine hardly change."""

    per_second: float
    cpu: float


def _rate_of_run(found: Dialled) -> _Rate:
    return _Rate(found.per_second, found.cpu)


def _rate_of(found: Spent[float], people: int) -> _Rate:
    return _Rate(found.answer, found.cpu_seconds / people)


def _told(rates: list[_Rate]) -> str:
    per_second = statistics.median(one.per_second for one in rates)
    return f"{per_second:,.0f}/s, {1e6 * statistics.median(one.cpu for one in rates):.0f} µs of CPU"


def _ratio(rates: dict[str, list[_Rate]], other: str, least: float) -> tuple[str, bool | None]:
    found = Ratio(*(tuple(one.per_second for one in rates[name]) for name in ("dialer", other)))
    return str(found), found.median >= least if _had_a_core(rates["bare loop"]) else None


def _had_a_core(rates: list[_Rate]) -> bool:
    """Whether the bare loop, which never waits for anything, was kept at work for nearly all of its time."""
    return statistics.median(one.per_second * one.cpu for one in rates) > _WHOLE_CORE


def dial_with_own_client(url: str, people: int, tasks: int) -> float:
    """What `bare_loop` does, by `verbex.Client`: its sending and reading, and nothing else; calls per second."""

    async def main() -> float:
        async with Client(url, KEY, connections=tasks + 10, now=Clock().now) as client:
            places = iter(range(people))
            began = time.perf_counter()
            await asyncio.gather(*(work(client, places) for _ in range(tasks)))
            return people / (time.perf_counter() - began)

    async def work(client: Client, places: Iterator[int]) -> None:
        for place in places:
            answer = await client.dial(_request(place))
            if not isinstance(answer, Reply) or answer.record is None or answer.record.to_number != number(place):
                raise AssertionError(f"no answer for {number(place)}: {answer}")

    return asyncio.run(main())


def _request(place: int) -> DialRequest:
    asked = body(place)
    return DialRequest(
        str(asked["call_id"]), OWN, number(place), None, asked["metadata"], asked["pia_llm_dynamic_data"]
    )


def by_cookbook(folder: Path, url: str, people: int) -> float:
    """A list of its own, dialled as cookbooks do; calls per second."""
    folder.mkdir()
    return cookbook.dial_all(url, write_list(folder / "people.csv", people), folder / "results.jsonl", LINES)


# --- lines ---------------------------------------------------------------------------------------


def _cost_of_lines(size: Size, folders: Iterator[Path]) -> Line:
    """The platform takes its time to answer, so much that all lines are needed for the same calls per second."""
    people = int(size.per_second * size.seconds)
    found: dict[int, list[float]] = {FEW: [], MANY: []}
    for _ in range(1 if size is QUICK else 3):
        for lines in (FEW, MANY):
            with served(answers_after=lines / size.per_second) as url:
                found[lines].append(in_process(run, next(folders), url, people, lines).answer.cpu)
    ratio = Ratio(tuple(found[MANY]), tuple(found[FEW]))
    cost = " · ".join(f"{lines} lines {1e6 * statistics.median(cpu):,.0f} µs" for lines, cpu in found.items())
    return Line(
        f"CPU per dial at {MANY:,} lines, {size.per_second:g} dials per second",
        f"itself at {FEW} lines",
        "≤ 1.3",
        str(ratio),
        ratio.median <= 1.3,
        cost,
    )


def _lag(size: Size, folders: Iterator[Path]) -> Line:
    """All lines hold live calls, whose ends are read from the list; dials come as evenly as calls end."""
    per_second = MANY / size.calls_last
    people = int(MANY + per_second * size.seconds)
    with served(calls_last=size.calls_last) as url:
        found = in_process(run, next(folders), url, people, MANY, per_second).answer
    return Line(
        f"lag of the event loop, 99th percentile, {MANY:,} live calls of {size.calls_last:g} s",
        "–",
        "≤ 50 ms",
        f"{1e3 * found.lag:.0f} ms",
        found.lag <= 0.050,
        f"at worst {1e3 * found.worst_lag:.0f} ms; {found.calls:,} calls, {found.per_second:.0f} a second",
    )


# --- a run ---------------------------------------------------------------------------------------


def run(folder: Path, url: str, people: int, lines: int, per_second: float = UNBOUND) -> Dialled:
    """Take a list in and dial it to its end, as the command does."""
    folder.mkdir()
    clock, campaign = Clock(), campaign_of(folder, url, people, lines, per_second)
    moments: list[_Moment] = []

    async def main() -> None:
        looking = asyncio.create_task(_look(moments))
        options = Options(when_ready=_leave_alone_what_stays)
        await run_campaigns([campaign], options, choose(io.StringIO(), now=clock.now), clock)
        looking.cancel()

    asyncio.run(main())
    return _judged(campaign.ledger, people, moments)


def campaign_of(folder: Path, url: str, people: int, lines: int, per_second: float = UNBOUND) -> Campaign:
    """A campaign over so many people; unless it is asked for, its pace does not bind."""
    return Campaign(
        name="dials",
        path=folder / "dials.yaml",
        contacts=ListRules(files=(write_list(folder / "people.csv", people),)),
        call=CallRules((OWN,), data=("first_name", "amount_due"), metadata=("crm_id",)),
        platform=PlatformRules(url, KEY),
        pace=PaceRules(per_second, lines),
        retry=retry.rules(3, {}),
        recovery=RecoveryRules(),
        ledger=folder / "dialer.db",
    )


@dataclass(frozen=True)
class _Moment:
    at: float
    cpu: float
    lag: float


async def _look(moments: list[_Moment]) -> None:
    """How late this task is woken, a hundred times a second, and the CPU until then."""
    while True:
        asked = time.perf_counter() + _LOOKS_EVERY
        await asyncio.sleep(_LOOKS_EVERY)
        moments.append(_Moment(time.time(), time.process_time(), time.perf_counter() - asked))


def _judged(ledger: Path, people: int, moments: list[_Moment]) -> Dialled:
    with contextlib.closing(sqlite3.connect(ledger)) as db:
        asked = "SELECT COUNT(*), MIN(intended_at), MAX(closed_at) FROM attempts WHERE state = 'ended'"
        calls, first, last = db.execute(asked).fetchone()
    if calls != people:
        raise AssertionError(f"{calls} of {people} calls have ended")
    began, ended = instant(first).timestamp(), instant(last).timestamp()
    within = [one for one in moments if began <= one.at <= ended]
    lags = sorted(one.lag for one in within)
    return Dialled(
        calls=calls,
        per_second=calls / (ended - began),
        cpu=(within[-1].cpu - within[0].cpu) / (within[-1].at - within[0].at) * (ended - began) / calls,
        lag=lags[int(0.99 * len(lags))],
        worst_lag=lags[-1],
    )
