"""Finished people are made due again, because a person says so.

Nobody is who asked not to be called, who is gone from the list or whose campaign was cancelled, and nobody beyond the
attempts that they have. Who has talked with us, or whose time is over, is only where they are named one by one.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from dialer.errors import UsageError
from dialer.ledger import readonly
from dialer.ledger.events import SQL as LIFE
from dialer.ledger.events import RunMark, add_event
from dialer.ledger.moments import text
from dialer.ledger.queries import load
from dialer.model import Verdict
from dialer.policy import outcome

SQL = load("requeuing.sql")

_TALKED = json.dumps(sorted(reason for reason in outcome.REASONS if outcome.verdict(reason) is Verdict.REACHED))

_TABLES = ("requeue_named", "requeuing")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Who is to be called again: by finish reason or detail, by state, by id or number; no words: no matter which.

    `attempts` is the campaign's budget, and `extra` is what each of them gets on top of it.
    """

    campaign: str
    attempts: int
    reasons: tuple[str, ...] = ()
    state: str | None = None
    only: tuple[str, ...] = ()
    extra: int = 0


@dataclass(frozen=True, slots=True)
class Reach:
    """How many people a word reaches (`meant`), and how many of those whom it could mean are left out: `halted` (opted
    out, withdrawn, cancelled, purged), `barred` (held, or on a do-not-call list), `talked` (had a conversation), `late`
    (their time is over), `used_up` (no attempt is left). `unfinished` are named, and need no word."""

    meant: int
    halted: int = 0
    barred: int = 0
    talked: int = 0
    late: int = 0
    used_up: int = 0
    unfinished: int = 0


def reach_of(ledger: Path, wanted: Wanted, now: datetime) -> Reach:
    """Whom the word would reach; nothing is written.

    Raises:
        UsageError: the campaign is not known or is cancelled, or it knows nobody of a name.
        LedgerError: the ledger cannot be read.
    """
    with contextlib.closing(readonly.connect(ledger)) as db, readonly.explaining(ledger):
        db.row_factory = sqlite3.Row
        with _chosen(db, wanted, now) as found:
            return found


def requeue(db: sqlite3.Connection, wanted: Wanted, why: str, who: str, now: datetime, mark: RunMark) -> Reach:
    """Make them due again, with an event for each and one for all.

    Raises:
        UsageError: as `reach_of`.
    """
    with _chosen(db, wanted, now) as found:
        if not found.meant:
            return found
        more = f", {attempts_more(wanted.extra)}" if wanted.extra else ""
        said = f"by {who}{more}" + (f": {why}" if why else "")
        given = {"at": text(now), "run": mark.run_id or None, "detail": said, "extra": wanted.extra}
        db.execute(SQL["tell_requeued"], given)
        db.execute(SQL["requeue"], given)
        whole = f"{wanted.campaign}: {found.meant} {'person' if found.meant == 1 else 'people'}, {said}"
        add_event(db, now, "requeued", run=mark.run_id or None, detail=whole)
    return found


def attempts_more(extra: int) -> str:
    """`1 attempt more`, `2 attempts more`."""
    return f"{extra} attempt{'' if extra == 1 else 's'} more"


@contextlib.contextmanager
def _chosen(db: sqlite3.Connection, wanted: Wanted, now: datetime) -> Iterator[Reach]:
    """Those whom the word could mean, marked in a table of the connection's own for as long as the block."""
    campaign = _campaign(db, wanted.campaign)
    given = {
        "campaign": campaign,
        "now": text(now),
        "talked": _TALKED,
        "state": wanted.state,
        "reasons": json.dumps(wanted.reasons),
        "has_reasons": bool(wanted.reasons),
        "is_named": bool(wanted.only),
        "attempts": wanted.attempts,
        "extra": wanted.extra,
    }
    for table in _TABLES:
        db.execute(f"DROP TABLE IF EXISTS temp.{table}")
    db.execute(SQL["make_requeue_named"])
    db.execute(SQL["make_requeuing"])
    _name(db, wanted, campaign)
    db.execute(SQL["find_requeuing"], given)
    db.execute(SQL["mean"], given)
    unfinished = db.execute(SQL["named_unfinished"]).fetchone()[0]
    counts = dict(db.execute(SQL["reach"], given).fetchone())
    yield Reach(**counts, unfinished=unfinished)
    for table in _TABLES:  # after an error the transaction is undone, and these with it
        db.execute(f"DROP TABLE temp.{table}")


def _name(db: sqlite3.Connection, wanted: Wanted, campaign: int) -> None:
    for person in wanted.only:
        given = {"campaign": campaign, "person": person}
        if not db.execute(SQL["name_one"], given).rowcount and not db.execute(LIFE["has_person"], given).fetchone()[0]:
            raise UsageError(
                f"--only {person}: {wanted.campaign} has nobody with this id or number; write it as the ledger does, "
                "a number with its plus"
            )


def _campaign(db: sqlite3.Connection, name: str) -> int:
    row = db.execute(LIFE["campaign_by_name"], {"name": name}).fetchone()
    if row is None:
        raise UsageError(f"the ledger has no campaign {name!r}: it has not been run yet")
    if row["paused"] == "cancelled":
        raise UsageError(f"{name} was cancelled ({row['paused_why'] or 'no reason given'}) and stays so")
    return int(row["id"])
