"""A person's word on a whole campaign: pause, resume, cancel, another pace."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime

from dialer.errors import UsageError
from dialer.ledger.due import pause_of
from dialer.ledger.events import SQL, RunMark, add_event
from dialer.ledger.moments import text, text_or_none


def act(
    db: sqlite3.Connection,
    name: str,
    verb: str,
    why: str,
    until: datetime | None,
    who: str,
    now: datetime,
    mark: RunMark,
) -> str:
    """Carry the word out; gives a sentence that says what was done. `mark` is that of the run that holds the ledger.

    Raises:
        UsageError: the ledger has no such campaign, or the word makes no sense now.
    """
    row = db.execute(SQL["campaign_by_name"], {"name": name}).fetchone()
    if row is None:
        raise UsageError(f"the ledger has no campaign {name!r}: it has not been run yet")
    if row["paused"] == "cancelled" and verb != "cancel":
        raise UsageError(f"{name} was cancelled ({row['paused_why'] or 'no reason given'}) and stays so")
    if row["paused"] == "cancelled":  # who did it first, and why, stays
        keep_cancelled(db, row["id"], now)
        by = f" by {row['paused_by']}" if row["paused_by"] else ""
        return f"{name} was cancelled already{by} ({row['paused_why'] or 'no reason given'}), and stays so"
    given = {"campaign": row["id"], "until": text_or_none(until), "why": why or None, "who": who, "at": text(now)}
    detail = f"by {who}" + (f": {why}" if why else "")
    add_event(db, now, {"pause": "paused", "resume": "resumed", "cancel": "cancelled"}[verb], detail=f"{name} {detail}")
    if verb == "cancel":
        return _cancel(db, name, given)
    was_paused = pause_of(db, row["id"], now) is not None
    db.execute(SQL["set_pause"], given | {"paused": "paused" if verb == "pause" else None})
    if verb == "resume":
        return _goes_on(name, was_paused=was_paused, is_running=bool(mark.run_id))
    lasts = f" until {until.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if until else ""
    return f"{name} is paused{lasts}; live calls run out"


def pace_changed(db: sqlite3.Connection, name: str, words: str, who: str, now: datetime, mark: RunMark) -> None:
    """Write down that somebody has changed the pace of a campaign that this run dials."""
    add_event(db, now, "pace_changed", run=mark.run_id, detail=f"{name} by {who}: {words}")


def _goes_on(name: str, *, was_paused: bool, is_running: bool) -> str:
    if not was_paused:
        return f"{name} was not paused"
    if is_running:  # it was told of the pause and has stopped for good: it only sees its live calls out
        return f"{name} goes on at the next run"
    return f"{name}: the pause is taken back; the next run goes on"


def keep_cancelled(db: sqlite3.Connection, campaign: int, now: datetime) -> None:
    """Whoever a list adds to a campaign that was cancelled while it was read is not to be dialled either."""
    if db.execute(SQL["pause_of"], {"campaign": campaign}).fetchone()["paused"] == "cancelled":
        given = {"campaign": campaign, "at": text(now)}
        db.execute(SQL["tell_cancelled"], given)
        db.execute(SQL["cancel_waiting"], given)


def _cancel(db: sqlite3.Connection, name: str, given: dict[str, object]) -> str:
    db.execute(SQL["set_pause"], given | {"paused": "cancelled", "until": None})
    db.execute(SQL["tell_cancelled"], given)
    dropped = db.execute(SQL["cancel_waiting"], given).rowcount
    live = db.execute(SQL["cancel_live"], given).rowcount
    return f"{name} is cancelled: {dropped} people will not be dialled, {live} live calls run out"
