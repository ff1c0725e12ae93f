"""Own numbers as the ledger knows them: how often each was shown today, which one somebody saw last, and people for
whom none can show."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from dialer.ledger import readonly
from dialer.ledger.events import RunMark, add_event, check_fence
from dialer.ledger.intending import drop_halted
from dialer.ledger.moments import text, text_or_none
from dialer.ledger.queries import load

SQL = load("callers.sql")

_SET_BACK = timedelta(days=2)
"""By so much a wall clock may have been set back over midnight, and what was shown before that counts all the same."""


def used_today(db: sqlite3.Connection, numbers: Iterable[str], now: datetime) -> dict[str, int]:
    """How often each of these own numbers was shown since 00:00 UTC, over all campaigns; one not shown is left out."""
    day = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    given = {"day": text(day), "before": text(day - _SET_BACK), "numbers": json.dumps(sorted(numbers))}
    return {row["from_number"]: row["calls"] for row in db.execute(SQL["used_today"], given)}


def last_from(db: sqlite3.Connection, contact: int) -> str | None:
    """The own number that a contact saw last; None if they were never rung."""
    row = db.execute(SQL["last_from"], {"contact": contact}).fetchone()
    return None if row is None else str(row[0])


@dataclass(frozen=True, slots=True)
class Shown:
    """Which own number a person saw last (None: none), and how often each was shown today."""

    last: str | None = None
    today: Mapping[str, int] = field(default_factory=dict)


def shown(ledger: Path, campaign: str, person: str, numbers: Iterable[str], now: datetime) -> Shown:
    """What a ledger tells of own numbers to whoever only looks; nothing was shown where there is none yet.

    Raises:
        LedgerError: it cannot be read.
    """
    if not ledger.exists():
        return Shown()
    with contextlib.closing(readonly.connect(ledger)) as db, readonly.explaining(ledger):
        db.row_factory = sqlite3.Row
        row = db.execute(SQL["last_from_by_name"], {"campaign": campaign, "person": person}).fetchone()
        return Shown(None if row is None else row["from_number"], used_today(db, numbers, now))


def put_off(
    db: sqlite3.Connection, contact: int, until: datetime | None, rule: str, why: str, at: datetime, mark: RunMark
) -> None:
    """Somebody who is due is held: waits until then or, with None, is excluded until somebody has looked."""
    check_fence(db, mark)
    drop_halted(db, contact, at, mark)
    given = {"contact": contact, "until": text_or_none(until), "detail": f"held:{rule}", "at": text(at)}
    query, end = ("without_caller", "excluded") if until is None else ("wait_for_caller", "waiting")
    if db.execute(SQL[query], given).rowcount:
        add_event(db, at, "held_back", run=mark.run_id, contact=contact, moved=("due", end), detail=why)
