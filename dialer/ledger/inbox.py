"""What the platform tells by webhook, kept as it came: each delivery once, and nothing is ever taken away."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from dialer.ledger.moments import text
from dialer.ledger.queries import load

SQL = load("inbox.sql")


def keep(db: sqlite3.Connection, trace_id: str, event: str, call: str, body: str, now: datetime) -> bool:
    """Keep a delivery; False if it is there already."""
    given = {"trace_id": trace_id, "at": text(now), "event": event, "call": call, "body": body}
    return db.execute(SQL["keep"], given).rowcount == 1


def tells_of(db: sqlite3.Connection, call: str) -> bool:
    """Whether a delivery tells of a call by this id, ours or the platform's."""
    return bool(db.execute(SQL["tells_of"], {"call": call}).fetchone()[0])


def strangers(db: sqlite3.Connection, since: datetime, limit: int) -> list[str]:
    """Ids of calls that were told of since then and belong to no attempt, the newest first."""
    return [row[0] for row in db.execute(SQL["strangers"], {"since": text(since), "limit": limit})]
