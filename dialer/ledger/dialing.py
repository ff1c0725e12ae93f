"""The verbs of a contact's and an attempt's life: each is one transaction, and names the state that it expects.

Every function takes the connection of a transaction that the writer has opened. A contact's change and its
attempt's change stand in the same transaction, with an event.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from dialer.errors import IllegalTransition, LedgerHeld
from dialer.ledger.moments import instant, instant_or_none, text, text_or_none
from dialer.ledger.queries import load
from dialer.model import (
    Attempt,
    AttemptState,
    CallRecord,
    Candidate,
    ContactState,
    Decision,
    Halt,
    History,
    Intent,
    NotPlaced,
)

SQL = load("dialing.sql")

Decide = Callable[[History], Decision]


class Passed(StrEnum):
    """Why an intent was not written; nothing was changed."""

    CHANGED = "changed"  # no longer due: stopped, expired, or dialled meanwhile
    NUMBER_LIVE = "number_live"  # another attempt to this number is live, in this campaign or another
    PAUSED = "paused"


@dataclass(frozen=True, slots=True)
class RunMark:
    """Who writes: the run's row, and the fencing number that it raised."""

    run_id: int
    fence: int


def check_fence(db: sqlite3.Connection, mark: RunMark) -> None:
    """Stop a run whose lock was bypassed: another has raised the number since."""
    if db.execute(SQL["fence"]).fetchone()[0] != mark.fence:
        raise LedgerHeld("another run has taken the ledger over; this one dials nobody any more")


def add_event(
    db: sqlite3.Connection,
    at: datetime,
    event: str,
    *,
    run: int | None = None,
    contact: int | None = None,
    attempt: int | None = None,
    moved: tuple[str | None, str | None] = (None, None),
    detail: str = "",
) -> None:
    """Write down what happened."""
    db.execute(
        SQL["add_event"],
        {
            "at": text(at),
            "run": run,
            "contact": contact,
            "attempt": attempt,
            "event": event,
            "from_state": moved[0],
            "to_state": moved[1],
            "detail": detail,
        },
    )


# --- what is due -----------------------------------------------------------------------------------


def due(
    db: sqlite3.Connection, campaign: int, now: datetime, limit: int, only: str | None, mark: RunMark
) -> list[Candidate]:
    """Contacts that may be dialled now, most urgent first: retries whose time has come, then the list's order."""
    at = {"campaign": campaign, "now": text(now), "limit": limit}
    for row in db.execute(SQL["expire"], at).fetchall():
        add_event(db, now, "expired", run=mark.run_id, contact=row["id"], moved=(None, "exhausted"))
    db.execute(SQL["wake"], at)
    if only is not None:
        rows = db.execute(SQL["one_due"], {**at, "person": only}).fetchall()
    else:
        rows = db.execute(SQL["due_again"], at).fetchall()
        rows += db.execute(SQL["due_fresh"], {**at, "limit": limit - len(rows)}).fetchall()
    return [_candidate(db, row) for row in rows]


def next_due(db: sqlite3.Connection, campaign: int, now: datetime, only: str | None) -> datetime | None:
    """When the next contact is due that is not due now."""
    query = "next_due" if only is None else "next_due_of_one"
    given = {"campaign": campaign, "now": text(now), "person": only}
    return instant_or_none(db.execute(SQL[query], given).fetchone()[0])


def _candidate(db: sqlite3.Connection, row: sqlite3.Row) -> Candidate:
    numbers = tuple(found[0] for found in db.execute(SQL["numbers_of"], {"contact": row["id"]}))
    reuse = None
    if row["serial"]:
        found = db.execute(SQL["reusable_attempt"], {"contact": row["id"], "serial": row["serial"]}).fetchone()
        reuse = found[0] if found else None
    return Candidate(
        contact_id=row["id"],
        campaign_id=row["campaign_id"],
        person=row["person"],
        state=ContactState(row["state"]),
        serial=row["serial"],
        numbers=numbers,
        data=row["data"],
        history=history_of(row),
        due_at=instant_or_none(row["due_at"]),
        reuse=reuse,
    )


def history_of(row: sqlite3.Row) -> History:
    """What a contact's row tells of its earlier attempts."""
    return History(
        attempts=row["attempts"],
        refusals=row["refusals"],
        tally=json.loads(row["tally"]),
        expires_at=instant_or_none(row["expires_at"]),
        halt=Halt(row["stop"]) if row["stop"] else None,
    )


def pause_of(db: sqlite3.Connection, campaign: int, now: datetime) -> str | None:
    """`paused` or `cancelled` if a person has said so and it still holds, with the reason; else None."""
    paused, until, why = db.execute(SQL["pause_of"], {"campaign": campaign}).fetchone()
    if paused is None or (until is not None and instant(until) <= now):
        return None
    return f"{paused}: {why}" if why else str(paused)


# --- one dial --------------------------------------------------------------------------------------


def intend(db: sqlite3.Connection, candidate: Candidate, intent: Intent, mark: RunMark) -> int | Passed:
    """Write the intent down, before the first byte leaves; gives the attempt's id.

    Raises:
        LedgerHeld: another run has raised the fence.
    """
    check_fence(db, mark)
    if pause_of(db, candidate.campaign_id, intent.intended_at) is not None:
        return Passed.PAUSED
    given = _intent_row(candidate, intent, mark)
    if db.execute(SQL["contact_dials"], given).rowcount != 1:
        return Passed.CHANGED
    try:
        attempt = _write_attempt(db, candidate, given)
    except sqlite3.IntegrityError as error:
        if "attempts.number" not in str(error):
            raise
        db.execute("ROLLBACK TO one")  # the writer's savepoint: the contact stays due
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


def _intent_row(candidate: Candidate, intent: Intent, mark: RunMark) -> dict[str, Any]:
    return {
        "contact": candidate.contact_id,
        "campaign": candidate.campaign_id,
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
    }


def _write_attempt(db: sqlite3.Connection, candidate: Candidate, given: Mapping[str, Any]) -> int:
    if candidate.reuse is None:
        return int(db.execute(SQL["new_attempt"], given).lastrowid or 0)
    _moved(db.execute(SQL["same_attempt"], given), f"attempt {candidate.reuse}: refused → intended")
    return candidate.reuse


def place(db: sqlite3.Connection, attempt: int, record: CallRecord, at: datetime, mark: RunMark) -> None:
    """The platform made a call of an intent, or the call of an unknown was found live."""
    _moved(
        db.execute(SQL["attempt_placed"], {"attempt": attempt, "at": text(at), **_facts(record)}),
        f"attempt {attempt}: intended | unknown → placed",
    )
    contact = _contact(db, attempt)
    was = contact["state"]
    if was == ContactState.UNKNOWN:
        db.execute(SQL["contact_found_live"], {"contact": contact["id"], "at": text(at)})
    event = "adopted" if was == ContactState.UNKNOWN else "placed"
    add_event(db, at, event, run=mark.run_id, contact=contact["id"], attempt=attempt, moved=(was, "dialing"))


def settle(
    db: sqlite3.Connection, attempt: int, record: CallRecord, decide: Decide, at: datetime, mark: RunMark
) -> Decision:
    """A call is over: write down what it told and what follows, by the history as it stands in this transaction."""
    contact = _contact(db, attempt)
    decision = decide(history_of(contact))
    given = {"attempt": attempt, "at": text(at), "costs": int(decision.costs), **_facts(record)}
    _moved(db.execute(SQL["attempt_ended"], given), f"attempt {attempt}: intended | placed | unknown → ended")
    _settle_contact(db, contact, decision, record.finish_reason, at)
    _tell(db, "ended", contact, attempt, decision, record.finish_reason or record.status, at, mark)
    return decision


def refuse(
    db: sqlite3.Connection, attempt: int, why: NotPlaced, decide: Decide, at: datetime, mark: RunMark
) -> Decision:
    """It is proven that nobody was rung: write down why and what follows."""
    contact = _contact(db, attempt)
    decision = decide(history_of(contact))
    error = f"{why.refusal}: {why.message}" if why.message else str(why.refusal)
    given = {"attempt": attempt, "at": text(at), "reusable": int(why.reusable), "error": error}
    _moved(db.execute(SQL["attempt_refused"], given), f"attempt {attempt}: intended | unknown → refused")
    _settle_contact(db, contact, decision, None, at)
    _tell(db, "refused", contact, attempt, decision, error, at, mark)
    return decision


def hold(db: sqlite3.Connection, attempt: int, until: datetime, why: str, at: datetime, mark: RunMark) -> None:
    """The fate of an attempt is open: it and its contact are held."""
    contact = _contact(db, attempt)
    given = {"attempt": attempt, "held_until": text(until), "error": why}
    _moved(db.execute(SQL["attempt_unknown"], given), f"attempt {attempt}: intended | placed → unknown")
    _moved(
        db.execute(SQL["contact_unknown"], {"contact": contact["id"], "detail": why, "at": text(at)}),
        f"contact {contact['id']}: dialing → unknown",
    )
    add_event(
        db,
        at,
        "held",
        run=mark.run_id,
        contact=contact["id"],
        attempt=attempt,
        moved=("dialing", "unknown"),
        detail=why,
    )


def look(db: sqlite3.Connection, attempt: int, at: datetime, mark: RunMark, detail: str) -> None:
    """An unknown was looked up and not found."""
    _moved(db.execute(SQL["attempt_looked"], {"attempt": attempt}), f"attempt {attempt}: unknown")
    contact = _contact(db, attempt)
    add_event(db, at, "looked_up", run=mark.run_id, contact=contact["id"], attempt=attempt, detail=detail)


def open_attempts(db: sqlite3.Connection, campaign: int) -> list[Attempt]:
    """The live attempts of a campaign: intended, placed, unknown."""
    return [_attempt(row) for row in db.execute(SQL["open_attempts"], {"campaign": campaign})]


def due_again(db: sqlite3.Connection, contacts: Iterable[int], detail: str, at: datetime, mark: RunMark) -> None:
    """Contacts that were excluded by a fault that was not theirs are due again."""
    for contact in contacts:
        given = {"contact": contact, "detail": detail, "at": text(at)}
        if db.execute(SQL["excluded_due_again"], given).rowcount:
            add_event(db, at, "due_again", run=mark.run_id, contact=contact, moved=("excluded", "due"), detail=detail)


def _moved(cursor: sqlite3.Cursor, what: str) -> None:
    if cursor.rowcount != 1:
        raise IllegalTransition(f"the ledger refused a step that is not legal ({what}); nothing was changed")


def _contact(db: sqlite3.Connection, attempt: int) -> sqlite3.Row:
    row: sqlite3.Row | None = db.execute(SQL["contact_of_attempt"], {"attempt": attempt}).fetchone()
    if row is None:
        raise IllegalTransition(f"attempt {attempt} does not exist; nothing was changed")
    return row


def _settle_contact(
    db: sqlite3.Connection, contact: sqlite3.Row, decision: Decision, finish_reason: str | None, at: datetime
) -> None:
    tally = json.loads(contact["tally"])
    if decision.tally is not None:
        tally[decision.tally] = tally.get(decision.tally, 0) + 1
    given = {
        "contact": contact["id"],
        "state": decision.state,
        "due_at": text_or_none(decision.due_at),
        "detail": decision.detail,
        "finish_reason": finish_reason,
        "costs": int(decision.costs),
        "refusals": 0 if decision.costs else contact["refusals"] + 1,
        "tally": json.dumps(tally),
        "at": text(at),
    }
    _moved(db.execute(SQL["contact_settles"], given), f"contact {contact['id']}: dialing | unknown → {decision.state}")


def _tell(
    db: sqlite3.Connection,
    event: str,
    contact: sqlite3.Row,
    attempt: int,
    decision: Decision,
    why: str,
    at: datetime,
    mark: RunMark,
) -> None:
    detail = why if not decision.due_at else f"{why}; again at {text(decision.due_at)}"
    moved = (contact["state"], str(decision.state))
    add_event(db, at, event, run=mark.run_id, contact=contact["id"], attempt=attempt, moved=moved, detail=detail)


def _facts(record: CallRecord) -> dict[str, Any]:
    return {
        "platform_id": record.platform_id,
        "call_status": record.status,
        "finish_reason": record.finish_reason,
        "started_at": text_or_none(record.started_at),
        "ended_at": text_or_none(record.ended_at),
        "duration_seconds": record.duration_seconds,
        "ai_agent_id": record.record.get("ai_agent_id"),
        "record": json.dumps(record.record, ensure_ascii=False, separators=(",", ":")),
    }


def _attempt(row: sqlite3.Row) -> Attempt:
    return Attempt(
        id=row["id"],
        contact_id=row["contact_id"],
        campaign_id=row["campaign_id"],
        person=row["person"],
        serial=row["serial"],
        call_id=row["call_id"],
        number=row["number"],
        from_number=row["from_number"],
        state=AttemptState(row["state"]),
        intended_at=instant(row["intended_at"]),
        history=history_of(row),
        platform_id=row["platform_id"],
        placed_at=instant_or_none(row["placed_at"]),
        held_until=instant_or_none(row["held_until"]),
    )
