"""The operator's word on calls of which the platform does not say whether they were placed."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from dialer.ledger.dialing import settle_contact
from dialer.ledger.due import history_of
from dialer.ledger.events import SQL, RunMark, add_event
from dialer.ledger.moments import text, text_or_none
from dialer.ledger.moves import moved
from dialer.model import Decision, History, Mark

Decide = Callable[[History], Decision]


@dataclass(frozen=True, slots=True)
class Unknown:
    """An attempt that is held, and whose."""

    attempt: int
    campaign: str
    person: str


def unknowns_of(db: sqlite3.Connection, person: str, campaign: str | None) -> list[Unknown]:
    """The held attempts of a person, by id, number or the call's id, in one campaign of the ledger or in all."""
    rows = db.execute(SQL["unknowns_of"], {"person": person, "campaign": campaign})
    return [Unknown(row["attempt"], row["campaign"], row["person"]) for row in rows]


def mark(
    db: sqlite3.Connection, attempt: int, word: Mark, decide: Decide, why: str, who: str, now: datetime, run: RunMark
) -> Decision:
    """Write down what the operator says became of a held attempt, and what follows from it.

    Raises:
        IllegalTransition: the attempt is not unknown any more.
    """
    contact = db.execute(SQL["contact_of_attempt"], {"attempt": attempt}).fetchone()
    decision = decide(history_of(contact))
    said = f"{word}, says {who}" + (f": {why}" if why else "")
    reason = "unknown_error" if word is Mark.PLACED else None
    given = {"attempt": attempt, "at": text(now), "error": said, "reusable": 0, "finish_reason": reason}
    query = "attempt_refused_by_hand" if word is Mark.NOT_PLACED else "attempt_ended_by_hand"
    moved(db.execute(SQL[query], given), f"attempt {attempt}: unknown → {word}")
    settle_contact(db, contact, decision, reason, now)
    add_event(
        db,
        now,
        "marked",
        run=run.run_id or None,
        contact=contact["id"],
        attempt=attempt,
        moved=(contact["state"], str(decision.state)),
        detail=said + (f"; again at {text_or_none(decision.due_at)}" if decision.due_at else ""),
    )
    return decision
