"""All that a ledger knows of one person, over all its campaigns; nothing is written."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from dialer.ledger import opening, readonly, rings
from dialer.ledger.moments import instant, instant_or_none
from dialer.ledger.queries import load
from dialer.ledger.register_names import file_of
from dialer.model import Ring
from dialer.policy.marks import number_key, person_key

SQL = load("telling.sql")

_SOME = 5
"""Rejects that are told of one person."""


@dataclass(frozen=True, slots=True)
class EventTold:
    """Something that happened to a contact; `detail` says by whom and why, where somebody did it."""

    at: datetime
    event: str
    from_state: str | None
    to_state: str | None
    detail: str


@dataclass(frozen=True, slots=True)
class AttemptTold:
    """A dial: when its intent was written down, by which rule it was allowed, and how it ended."""

    intended_at: datetime
    number: str
    from_number: str
    state: str
    costs: bool
    rule: str
    rule_version: str
    call_id: str
    platform_id: str | None
    call_status: str | None
    finish_reason: str | None
    started_at: datetime | None
    ended_at: datetime | None
    duration_seconds: int | None
    error: str


@dataclass(frozen=True, slots=True)
class ContactTold:
    """A contact of one campaign; `data` is the row as JSON text, `facts` with whom it is decided about, as such a text.
    `rings` are those that caps count: to any of its numbers and about its id, over all campaigns."""

    campaign: str
    paused: str | None
    paused_until: datetime | None
    paused_why: str | None
    paused_by: str | None
    contact_id: int
    person: str
    numbers: tuple[str, ...]
    state: str
    detail: str
    finish_reason: str | None
    stop: str | None
    due_at: datetime | None
    expires_at: datetime | None
    attempts: int
    extra_attempts: int
    first_seen_at: datetime
    purged_at: datetime | None
    facts: str
    data: str
    events: tuple[EventTold, ...]
    calls: tuple[AttemptTold, ...]
    rings: tuple[Ring, ...]
    file: str = ""  # of the list, and the row's line when it was taken in as it is here
    line: int = 0
    columns: Mapping[str, str] = field(
        default_factory=dict
    )  # which the campaign file named when it was last run, by key


@dataclass(frozen=True, slots=True)
class RejectTold:
    """A row of a campaign's list that was not taken: where it stands, what is wrong with it, in a code and in words."""

    campaign: str
    file: str
    line: int
    column: str
    reason: str
    why: str


@dataclass(frozen=True, slots=True)
class OptOutTold:
    """An entry of the do-not-call list: by `number` or `id`, and the number or id that it is about."""

    kind: str
    about: str
    reason: str
    source: str
    who: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ForgottenTold:
    """A campaign in which they were finished when they were purged: it does not call them again."""

    campaign: str
    state: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Told:
    """One person, as they were asked for: their contacts, what bars them, and the rings that caps count; rows of lists
    that are told by their id or number and were not taken, and whether there are any of others (`has_rejects`)."""

    person: str
    contacts: tuple[ContactTold, ...]
    opt_outs: tuple[OptOutTold, ...]
    registers: tuple[tuple[str, str], ...]  # number, file
    rings: tuple[Ring, ...]
    forgotten: tuple[ForgottenTold, ...] = ()
    rejects: tuple[RejectTold, ...] = ()
    has_rejects: bool = False


def told(ledger: Path, person: str, now: datetime) -> Told:
    """All that the ledger knows of an id or a number (E.164).

    Raises:
        LedgerError: the ledger cannot be read, or its secret is missing.
    """
    secret = opening.known_secret(ledger) or b""
    with contextlib.closing(readonly.connect(ledger)) as db, readonly.explaining(ledger):
        db.row_factory = sqlite3.Row
        db.execute("BEGIN")  # one state, whatever is written meanwhile
        return _told(db, secret, person, now)


def _told(db: sqlite3.Connection, secret: bytes, person: str, now: datetime) -> Told:
    found = db.execute(SQL["contacts_told"], {"person": person}).fetchall()
    contacts = tuple(_contact(db, secret, row, now) for row in found)
    numbers = {person: None} if person.startswith("+") else {}
    numbers |= dict.fromkeys(number for one in contacts for number in one.numbers)
    people = dict.fromkeys([person, *(one.person for one in contacts)])
    past = {ring: None for each in people for ring in rings.past(db, secret, tuple(numbers), each, now)}
    return Told(
        person,
        contacts,
        tuple(_opt_outs(db, secret, tuple(numbers), tuple(people))),
        tuple(_registers(db, tuple(numbers))),
        tuple(sorted(past, key=lambda ring: ring.at)),
        tuple(_forgotten(db, secret, person)),
        tuple(RejectTold(*row) for row in db.execute(SQL["rejects_told"], {"person": person, "some": _SOME})),
        bool(db.execute(SQL["has_rejects"]).fetchone()[0]),
    )


def _contact(db: sqlite3.Connection, secret: bytes, row: sqlite3.Row, now: datetime) -> ContactTold:
    given = {"contact": row["id"]}
    numbers = tuple(found["number"] for found in db.execute(SQL["numbers_told"], given))
    return ContactTold(
        campaign=row["campaign"],
        paused=row["paused"],
        paused_until=instant_or_none(row["paused_until"]),
        paused_why=row["paused_why"],
        paused_by=row["paused_by"],
        contact_id=row["id"],
        person=row["person"],
        numbers=numbers,
        state=row["state"],
        detail=row["detail"],
        finish_reason=row["finish_reason"],
        stop=row["stop"],
        due_at=instant_or_none(row["due_at"]),
        expires_at=instant_or_none(row["expires_at"]),
        attempts=row["attempts"],
        extra_attempts=row["extra_attempts"],
        first_seen_at=instant(row["first_seen_at"]),
        purged_at=instant_or_none(row["purged_at"]),
        facts=row["facts"],
        data=row["data"],
        events=tuple(EventTold(**_with_moments(found)) for found in db.execute(SQL["events_told"], given)),
        calls=tuple(AttemptTold(**_with_moments(found)) for found in db.execute(SQL["attempts_told"], given)),
        rings=rings.past(db, secret, numbers, row["person"], now),
        file=row["file"],
        line=row["line"],
        columns=json.loads(row["said"]),
    )


_MOMENTS = ("at", "intended_at", "started_at", "ended_at")


def _with_moments(row: sqlite3.Row) -> dict[str, Any]:
    found = dict(row)
    found |= {name: instant_or_none(found[name]) for name in _MOMENTS if name in found}
    if "costs" in found:
        found["costs"] = bool(found["costs"])
    return found


def _opt_outs(
    db: sqlite3.Connection, secret: bytes, numbers: tuple[str, ...], people: tuple[str, ...]
) -> list[OptOutTold]:
    keys = [(number_key(secret, number), number) for number in numbers]
    keys += [(person_key(secret, person), person) for person in people]
    return [
        OptOutTold(row["kind"], about, row["reason"], row["source"], row["who"], instant(row["at"]))
        for key, about in keys
        for row in db.execute(SQL["opt_out_told"], {"key": key})
    ]


def _forgotten(db: sqlite3.Connection, secret: bytes, person: str) -> list[ForgottenTold]:
    given = {"number": number_key(secret, person), "person": person_key(secret, person)}
    found = db.execute(SQL["forgotten_told"], given)
    return [ForgottenTold(row["campaign"], row["state"], instant(row["at"])) for row in found]


def _registers(db: sqlite3.Connection, numbers: tuple[str, ...]) -> list[tuple[str, str]]:
    found = []
    for number in numbers:
        digits = number.removeprefix("+")
        if digits.isdecimal():
            rows = db.execute(SQL["registers_told"], {"digits": int(digits)})
            found += [(number, file_of(row["file"])) for row in rows]
    return found
