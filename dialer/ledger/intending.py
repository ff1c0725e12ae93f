"""The intent of a dial: asked of lists, rules and the contact's own state in one transaction, and on disk before the
first byte leaves."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any

from dialer.ledger import optouts, rings
from dialer.ledger.due import pause_of
from dialer.ledger.events import SQL, RunMark, add_event, check_fence
from dialer.ledger.moments import text
from dialer.ledger.moves import moved
from dialer.ledger.optouts import Barred
from dialer.model import Candidate, ContactState, Halt, Intent, Permit, Ring, Ruling
from dialer.model.turns import FREE, Asked
from dialer.policy.standing import detail_of


class Passed(StrEnum):
    """Why an intent was not written; nothing else was changed, but that who is halted is dropped."""

    CHANGED = "changed"  # no longer due: stopped, expired, or dialled meanwhile
    NUMBER_LIVE = "number_live"  # a number of theirs is being rung, or they are under their id, in whatever campaign
    OPEN = "open"  # another call of theirs is live, or its fate is open: that comes first
    PAUSED = "paused"
    NOT_NOW = "not_now"  # by the rules, the moment has not come, or never will: that is written down


@dataclass(frozen=True, slots=True)
class Known:
    """What there is to be known of a person besides their contact: the ledger's secret, for what is kept as keyed
    hashes, and the registers that the campaign goes by."""

    secret: bytes = b""
    registers: tuple[int, ...] = ()


# --- one dial --------------------------------------------------------------------------------------


def intend(
    db: sqlite3.Connection,
    candidate: Candidate,
    intent: Intent,
    mark: RunMark,
    asked: Asked = FREE,
    known: Known | None = None,
) -> int | Passed:
    """Write the intent down, before the first byte leaves, if the rules allow the dial; gives the attempt's id.

    Raises:
        LedgerHeld: another run has raised the fence.
    """
    past: Sequence[Ring] = ()
    numbers = [row[0] for row in db.execute(SQL["numbers_of"], {"contact": candidate.contact_id})]
    if known is not None:
        person = known.secret, numbers, candidate.person  # with those that may not be rung: they are theirs too
        bar = optouts.barred(db, *person, known.registers)
        if bar is not None and intent.request.to_number not in bar.left:
            return _barred(db, candidate, bar, intent.intended_at, mark)
        if asked.has_caps:
            past = rings.past(db, *person, intent.intended_at)
    permit = asked.decide(past)
    if permit.ruling is Ruling.HOLD and asked.has_caps and is_live(db, candidate, numbers):
        return _still_ringing(db, candidate, intent.intended_at, mark)
    if permit.ruling is not Ruling.ALLOW:
        return not_now(db, candidate, permit, intent.intended_at, mark)
    given = _intent_row(candidate, intent, mark) | {"rule": permit.rule, "rule_version": permit.version}
    if db.execute(SQL["contact_dials"], given).rowcount != 1:
        return _passed(db, candidate, intent.intended_at, mark)
    if is_live(db, candidate, numbers):
        db.execute("ROLLBACK TO one")  # the writer's savepoint: the contact stays due
        return Passed.NUMBER_LIVE
    try:
        attempt = _write_attempt(db, candidate, given)
    except sqlite3.IntegrityError as error:
        if "attempts.number" not in str(error):
            raise
        db.execute("ROLLBACK TO one")
        return Passed.NUMBER_LIVE
    add_event(
        db,
        intent.intended_at,
        "intended",
        run=mark.run_id,
        contact=candidate.contact_id,
        attempt=attempt,
        moved=("due", "dialing"),
    )
    return attempt


def is_live(db: sqlite3.Connection, candidate: Candidate, numbers: Sequence[str]) -> bool:
    """Whether any telephone of theirs may be ringing, whichever of them is to be dialled, or they are being called
    under their id by another campaign."""
    if numbers and db.execute(_live_numbers(len(numbers)), numbers).fetchone() is not None:
        return True
    if candidate.person in numbers:
        return False
    given = {"person": candidate.person, "contact": candidate.contact_id}
    return bool(db.execute(SQL["is_person_live"], given).fetchone()[0])


@cache
def _live_numbers(numbers: int) -> str:
    return "\nUNION ALL\n".join([SQL["is_number_live"]] * numbers)  # of plain questions, which is quicker than IN


def _barred(db: sqlite3.Connection, candidate: Candidate, bar: Barred, at: datetime, mark: RunMark) -> Passed:
    """Somebody is on a do-not-call list who was not when they became due."""
    check_fence(db, mark)
    if bar.left:  # another of their numbers may be rung: they are read anew
        return Passed.CHANGED
    stop = Halt.OPTED_OUT if bar.detail == Halt.OPTED_OUT else None
    given = {"contact": candidate.contact_id, "at": text(at), "stop": stop, "detail": bar.detail}
    if db.execute(SQL["contact_is_barred"], given).rowcount:
        add_event(
            db,
            at,
            "barred",
            run=mark.run_id,
            contact=candidate.contact_id,
            moved=("due", "excluded"),
            detail=bar.detail,
        )
    return Passed.CHANGED


def not_now(db: sqlite3.Connection, candidate: Candidate, permit: Permit, at: datetime, mark: RunMark) -> Passed:
    """The rules hold the person back: until a moment, or for as long as these rules are so."""
    check_fence(db, mark)
    if pause_of(db, candidate.campaign_id, at) is not None:
        return Passed.PAUSED
    given = {"contact": candidate.contact_id, "at": text(at), "stop": None, "detail": detail_of(permit)}
    if permit.ruling is Ruling.HOLD and permit.until is not None:
        state = ContactState.WAITING
        cursor = db.execute(SQL["contact_waits"], given | {"due_at": text(permit.until)})
    else:
        state = ContactState.EXCLUDED
        cursor = db.execute(SQL["contact_is_barred"], given)
    if cursor.rowcount != 1:
        drop_halted(db, candidate.contact_id, at, mark)
        return Passed.CHANGED
    told = f"{permit.rule}: {permit.why}" + (f"; until {text(permit.until)}" if permit.until is not None else "")
    add_event(
        db, at, "held_back", run=mark.run_id, contact=candidate.contact_id, moved=("due", str(state)), detail=told
    )
    return Passed.NOT_NOW


def _passed(db: sqlite3.Connection, candidate: Candidate, at: datetime, mark: RunMark) -> Passed:
    """Why a contact may not be dialled now: the update of the intent asks all of this at once, and does not say."""
    check_fence(db, mark)
    if pause_of(db, candidate.campaign_id, at) is not None:
        return Passed.PAUSED
    drop_halted(db, candidate.contact_id, at, mark)
    return Passed.CHANGED


def _still_ringing(db: sqlite3.Connection, candidate: Candidate, at: datetime, mark: RunMark) -> Passed:
    """A cap may be reached by a call that is not proven yet to have rung anybody: its end is awaited."""
    check_fence(db, mark)
    return Passed.PAUSED if pause_of(db, candidate.campaign_id, at) is not None else Passed.NUMBER_LIVE


def drop_halted(db: sqlite3.Connection, contact: int, at: datetime, mark: RunMark) -> None:
    """Who was halted by a hand that left them due would be handed out again and again."""
    for row in db.execute(SQL["halted_is_dropped"], {"contact": contact, "at": text(at)}).fetchall():
        add_event(db, at, "halted", run=mark.run_id, contact=contact, moved=("due", "excluded"), detail=row["stop"])


def _intent_row(candidate: Candidate, intent: Intent, mark: RunMark) -> dict[str, Any]:
    return {
        "contact": candidate.contact_id,
        "campaign": candidate.campaign_id,
        "audience": candidate.audience,
        "fence": mark.fence,
        "last_serial": candidate.serial,
        "run": mark.run_id,
        "serial": intent.serial,
        "call_id": intent.request.call_id,
        "number": intent.request.to_number,
        "from_number": intent.request.from_number,
        "payload_hash": intent.payload_hash,
        "at": text(intent.intended_at),
        "expires": text(intent.expires_at),
        "attempt": candidate.reuse,
        "debt": intent.debt,
    }


def _write_attempt(db: sqlite3.Connection, candidate: Candidate, given: Mapping[str, Any]) -> int:
    if candidate.reuse is None:
        return int(db.execute(SQL["new_attempt"], given).lastrowid or 0)
    moved(db.execute(SQL["same_attempt"], given), f"attempt {candidate.reuse}: refused → intended")
    return candidate.reuse
