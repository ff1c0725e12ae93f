"""Calls to a telephone of one's own, with the data of somebody on the list. They are no campaign's attempts, but a dial
is a dial: its intent is on disk before the request leaves, and it is never sent again."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime

from dialer.errors import UsageError
from dialer.ledger.events import RunMark, add_event
from dialer.ledger.moments import text
from dialer.ledger.moves import moved
from dialer.ledger.queries import load
from dialer.policy.marks import number_key

SQL = load("own_calls.sql")


@dataclass(frozen=True, slots=True)
class OwnCall:
    """A call that is to be made: `person` is whose data it carries, `who` asks for it, and `why`."""

    call_id: str
    campaign: str
    number: str
    from_number: str
    person: str
    who: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """What became of one: `state` is placed, ended, refused or unknown."""

    call_id: str
    state: str
    platform_id: str | None = None
    finish_reason: str | None = None
    duration_seconds: int | None = None
    error: str = ""


def intend(db: sqlite3.Connection, secret: bytes, call: OwnCall, now: datetime, mark: RunMark) -> None:
    """Write the intent down.

    Raises:
        UsageError: a campaign rings this telephone now, it is on the do-not-call list, or it is somebody's on a list.
    """
    bars = db.execute(SQL["bars_own_call"], {"number": call.number, "key": number_key(secret, call.number)}).fetchone()
    if bars["is_live"]:
        raise UsageError("a campaign rings this telephone now, or may: wait for the end of that call")
    if bars["is_opted_out"]:
        raise UsageError("this telephone is on the do-not-call list: take it off with `dialer dnc remove` first")
    if bars["listed_in"]:
        raise UsageError(
            f"this telephone is that of somebody on the list of {bars['listed_in']}, who would be rung beside hours, "
            "rules and caps: name one of your own, or dial them with `dialer run … --only`"
        )
    given = {
        "call_id": call.call_id,
        "campaign": call.campaign,
        "number": call.number,
        "from_number": call.from_number,
        "person": call.person,
        "who": call.who,
        "at": text(now),
    }
    db.execute(SQL["new_own_call"], given)
    said = f"{call.campaign} by {call.who}: a telephone of one's own, as {call.person}" + (
        f": {call.why}" if call.why else ""
    )
    add_event(db, now, "own_call", run=mark.run_id or None, moved=(None, "intended"), detail=said)


def go_on(db: sqlite3.Connection, step: Step, now: datetime, mark: RunMark) -> None:
    """Write down what became of it (IllegalTransition: it is over already, or there is none)."""
    given = {
        "call_id": step.call_id,
        "state": step.state,
        "platform_id": step.platform_id,
        "finish_reason": step.finish_reason,
        "duration_seconds": step.duration_seconds,
        "error": step.error,
        "at": text(now),
    }
    moved(db.execute(SQL["own_call_goes_on"], given), f"own call {step.call_id} → {step.state}")
    said = step.finish_reason or step.error
    add_event(db, now, "own_call", run=mark.run_id or None, moved=(None, step.state), detail=said)
