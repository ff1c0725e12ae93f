"""The verbs of a contact's and an attempt's life: each is one transaction, and names the state that it expects.

Every function takes the connection of a transaction that the writer has opened. A contact's change and its
attempt's change stand in the same transaction, with an event.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from pydantic_core import to_json

from dialer.errors import IllegalTransition
from dialer.ledger.due import history_of, tally_of
from dialer.ledger.events import SQL, RunMark, add_event, check_fence, compare_fence
from dialer.ledger.moments import instant, instant_or_none, text, text_or_none
from dialer.ledger.moves import illegal, moved
from dialer.model import (
    Attempt,
    AttemptState,
    CallRecord,
    ContactState,
    Decision,
    History,
    NotPlaced,
)

Decide = Callable[[History], Decision]


def _as_json(value: Mapping[str, Any]) -> str:
    """The JSON of a record; whatever could be read can be written, or else the run would stop at it each time."""
    try:
        return to_json(value, inf_nan_mode="null").decode()  # a quarter of the time that `json` takes
    except ValueError:  # it is nested deeper than some 250 times, which `json` reads, and all but the deepest writes
        members = ((name, _slowly(part)) for name, part in value.items())
        return "{" + ",".join(f"{_slowly(name)}:{part}" for name, part in members if part) + "}"


def _slowly(part: object) -> str:
    """One member's JSON, '' where it is too deep to be written."""
    try:
        return json.dumps(part, ensure_ascii=False, separators=(",", ":"))
    except RecursionError:
        return ""


def place(db: sqlite3.Connection, attempt: int, record: CallRecord, at: datetime, mark: RunMark) -> None:
    """The platform made a call of an intent, or the call of an unknown was found live."""
    contact = _contact(db, attempt, mark)
    moved(
        db.execute(SQL["attempt_placed"], {"attempt": attempt, "at": text(at), **_facts(record)}),
        f"attempt {attempt}: intended | unknown → placed",
    )
    was = contact["state"]
    if was == ContactState.UNKNOWN:
        db.execute(SQL["contact_found_live"], {"contact": contact["id"], "at": text(at)})
    elif was != ContactState.DIALING:
        raise illegal(f"contact {contact['id']}: {was} → dialing")
    event = "adopted" if was == ContactState.UNKNOWN else "placed"
    add_event(db, at, event, run=mark.run_id, contact=contact["id"], attempt=attempt, moved=(was, "dialing"))


def settle(
    db: sqlite3.Connection, attempt: int, record: CallRecord, decide: Decide, at: datetime, mark: RunMark
) -> Decision:
    """A call is over: write down what it told and what follows, by the history as it stands in this transaction."""
    contact = _contact(db, attempt, mark)
    decision = decide(history_of(contact))
    given = {"attempt": attempt, "at": text(at), "costs": int(decision.costs), **_facts(record)}
    moved(db.execute(SQL["attempt_ended"], given), f"attempt {attempt}: intended | placed | unknown → ended")
    settle_contact(db, contact, decision, record.finish_reason, at)
    _tell(db, "ended", contact, attempt, decision, record.finish_reason or record.status, at, mark)
    return decision


def refuse(
    db: sqlite3.Connection, attempt: int, why: NotPlaced, decide: Decide, at: datetime, mark: RunMark
) -> Decision:
    """It is proven that nobody was rung: write down why and what follows."""
    contact = _contact(db, attempt, mark)
    decision = decide(history_of(contact))
    error = f"{why.refusal}: {why.message}" if why.message else str(why.refusal)
    given = {"attempt": attempt, "at": text(at), "reusable": int(why.reusable), "error": error}
    moved(db.execute(SQL["attempt_refused"], given), f"attempt {attempt}: intended | unknown → refused")
    settle_contact(db, contact, decision, None, at)
    _tell(db, "refused", contact, attempt, decision, error, at, mark)
    return decision


def hold(
    db: sqlite3.Connection, attempt: int, until: datetime, why: str, id_taken: bool, at: datetime, mark: RunMark
) -> None:
    """The fate of an attempt is open: it and its contact are held."""
    contact = _contact(db, attempt, mark)
    given = {"attempt": attempt, "held_until": text(until), "error": why, "id_taken": int(id_taken)}
    moved(db.execute(SQL["attempt_unknown"], given), f"attempt {attempt}: intended | placed → unknown")
    moved(
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
    contact = _contact(db, attempt, mark)
    moved(db.execute(SQL["attempt_looked"], {"attempt": attempt}), f"attempt {attempt}: unknown")
    add_event(db, at, "looked_up", run=mark.run_id, contact=contact["id"], attempt=attempt, detail=detail)


def open_attempts(db: sqlite3.Connection, campaign: int) -> list[Attempt]:
    """The live attempts of a campaign: intended, placed, unknown."""
    return [_attempt(row) for row in db.execute(SQL["open_attempts"], {"campaign": campaign})]


def due_again(db: sqlite3.Connection, contacts: Iterable[int], detail: str, at: datetime, mark: RunMark) -> None:
    """Contacts that were excluded by a fault that was not theirs are due again."""
    check_fence(db, mark)
    for contact in contacts:
        given = {"contact": contact, "detail": detail, "at": text(at)}
        if db.execute(SQL["excluded_due_again"], given).rowcount:
            add_event(db, at, "due_again", run=mark.run_id, contact=contact, moved=("excluded", "due"), detail=detail)


def _contact(db: sqlite3.Connection, attempt: int, mark: RunMark) -> sqlite3.Row:
    """The contact of an attempt, unless another run has taken the ledger over (LedgerHeld)."""
    row: sqlite3.Row | None = db.execute(SQL["contact_of_attempt"], {"attempt": attempt}).fetchone()
    if row is None:
        check_fence(db, mark)
        raise IllegalTransition(f"attempt {attempt} does not exist; nothing was changed")
    compare_fence(row["fence"], mark)
    return row


def settle_contact(
    db: sqlite3.Connection, contact: sqlite3.Row, decision: Decision, finish_reason: str | None, at: datetime
) -> None:
    tally = tally_of(contact)
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
        "tally": _as_json(tally),
        "at": text(at),
    }
    moved(db.execute(SQL["contact_settles"], given), f"contact {contact['id']}: dialing | unknown → {decision.state}")


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
        "record": _as_json(record.record),
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
        id_taken=bool(row["id_taken"]),
        key_mark=row["key_mark"],
    )
