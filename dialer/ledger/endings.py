"""How the last calls of a campaign ended, as the thresholds of `stop_when` judge them."""

from __future__ import annotations

import sqlite3

from dialer.ledger.events import SQL
from dialer.model import Halt
from dialer.policy.stopping import EndedCall


def recent(db: sqlite3.Connection, campaign: int, limit: int) -> list[EndedCall]:
    """The last calls that ended since a person had the campaign go on, the oldest first."""
    rows = db.execute(SQL["recent_endings"], {"campaign": campaign, "limit": limit}).fetchall()
    return [
        EndedCall(
            call=row["platform_id"] or row["call_id"],
            finish_reason=row["finish_reason"],
            duration_seconds=row["duration_seconds"],
            opted_out=row["stop"] == Halt.OPTED_OUT,
            has_rung=bool(row["costs"]),
        )
        for row in reversed(rows)
    ]
