"""Campaigns, ledgers with people in them, and engines, for the tests of the dialling heart."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from dialer.attempt import INTENT_HOLDS, request_for
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
)
from dialer.policy import retry
from dialer.runner import Options
from dialer.runner.accounts import account_of
from dialer.runner.clockwork import Clockwork
from dialer.runner.engine import Engine
from dialer.verbex import wire
from tests.desk import KEY, Desk, body_of, client_of
from tests.ledger_kit import founded
from tests.virtual_time import Time

OWN = "+14155550100"


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
    clockwork: Clockwork | None = None,
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
            account_of([(rules, learned)], made.time.clock),
            ledger,
            client,
            made.time.clock,
            Options(**options),
            say,
            live or (lambda: engines[0].live),
            set_back=lambda: clockwork.set_back if clockwork else 0.0,
            set_forward=lambda: clockwork.set_forward if clockwork else 0.0,
        )
        engines.append(engine)
        yield Heart(engine, ledger, made, said)


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
