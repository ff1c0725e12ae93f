"""Forgetting people: numbers, data, transcripts and records leave the ledger, its log of changes and its free pages.

What counts stays: each contact's row and each dial, without anything that names somebody, so that all totals are what
they were. What must outlive them stays as keyed hashes: opt-outs, rings (for the caps), and who is finished, so that a
list that comes back calls nobody again.
"""

from __future__ import annotations

import contextlib
import re
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from dialer.errors import LedgerError, UsageError
from dialer.ledger import readonly, rings
from dialer.ledger.events import SQL as LIFE
from dialer.ledger.events import add_event
from dialer.ledger.moments import instant, text
from dialer.ledger.queries import load
from dialer.policy.marks import number_key, person_key

SQL = load("purging.sql")
_LISTS = load("importing.sql")

_BETWEEN_WORDS = re.compile(r"[\s,;:()\[\]'\"`]+")


@dataclass(frozen=True, slots=True)
class Choice:
    """Who is to be forgotten: finished people whose last change is `before` a moment, of one campaign or of all; or
    everything about one `person`, by id or number (E.164), in all campaigns and in whatever state."""

    before: datetime | None = None
    campaign: str | None = None
    person: str | None = None


@dataclass(frozen=True, slots=True)
class Share:
    """People of one campaign; `waiting` of them were still to be called; `calls` are dials that were made to them."""

    campaign: str
    people: int
    waiting: int
    calls: int


@dataclass(frozen=True, slots=True)
class Purged:
    """Who is forgotten, campaign by campaign. `sharers` are other people who have a number of theirs, and stay.
    `mentions`: rejects, opt-outs and calls to one's own telephone that told of them beside."""

    shares: tuple[Share, ...]
    sharers: int = 0
    mentions: int = 0

    @property
    def people(self) -> int:
        return sum(share.people for share in self.shares)

    @property
    def is_nobody(self) -> bool:
        return not (self.shares or self.mentions)


def would_purge(ledger: Path, secret: bytes, choice: Choice) -> Purged:
    """Who would be forgotten; nothing is written.

    Raises:
        UsageError: a call of theirs is on the line, or the ledger has no such campaign.
        LedgerError: the ledger cannot be read.
    """
    with contextlib.closing(readonly.connect(ledger)) as db, readonly.explaining(ledger):
        db.row_factory = sqlite3.Row
        with _chosen(db, secret, choice) as found:
            return found


def purge(db: sqlite3.Connection, secret: bytes, choice: Choice, who: str, now: datetime) -> Purged:
    """Forget them, in one transaction; `scrub` then takes what they were out of the file.

    Raises:
        UsageError: as `would_purge`.
    """
    with _chosen(db, secret, choice) as found:
        if found.is_nobody and choice.before is None:
            return found
        _remember_rings(db, secret, now)
        _remember_keys(db, secret, now)
        _hide_opt_outs(db, secret)
        _hide_traces(db, choice, now)
        _hide_contacts(db, now)
        if not found.is_nobody:
            people = "1 person" if found.people == 1 else f"{found.people} people"
            add_event(db, now, "purged", detail=f"{people} by {who}")
    return found


def prepare(db: sqlite3.Connection) -> None:
    """What is overwritten from here on is zeroed, and nothing is laid aside on disk."""
    db.execute("PRAGMA secure_delete = ON")
    db.execute("PRAGMA temp_store = MEMORY")


def scrub(db: sqlite3.Connection, path: str) -> None:
    """Write the file anew without its free pages, and empty the log of changes beside it.

    Raises:
        LedgerError: somebody reads it at this moment, so that old pages are still in the log.
    """
    db.execute("VACUUM")
    if db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
        raise LedgerError(
            f"they are forgotten, but {path}-wal still holds old pages, since another program reads the ledger: close "
            "it (`status --watch`, datasette), then run the same command again"
        )


# --- who ---------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _chosen(db: sqlite3.Connection, secret: bytes, choice: Choice) -> Iterator[Purged]:
    """Those who are meant, in tables of the connection's own for as long as the block."""
    tables = ("purging", "purged_words")
    for table in tables:
        db.execute(f"DROP TABLE IF EXISTS temp.{table}")
    db.execute(SQL["make_purging"])
    db.execute(SQL["make_purged_words"])
    _choose(db, choice)
    shares = tuple(Share(**dict(row)) for row in db.execute(SQL["count_purging"]))
    sharers = db.execute(SQL["count_sharers"]).fetchone()[0] if choice.person is not None else 0
    mentions = db.execute(SQL["count_mentions"]).fetchone()[0]
    if choice.person is not None:
        mentions += _opt_outs_about(db, secret, choice.person)
    yield Purged(shares, sharers, mentions)
    for table in tables:  # after an error the transaction is undone, and these with it
        db.execute(f"DROP TABLE temp.{table}")


def _choose(db: sqlite3.Connection, choice: Choice) -> None:
    if choice.person is None:
        name = choice.campaign
        if name is not None and db.execute(LIFE["campaign_by_name"], {"name": name}).fetchone() is None:
            raise UsageError(f"the ledger has no campaign {name!r}: it has not been run yet")
        before = None if choice.before is None else text(choice.before)
        db.execute(SQL["find_finished"], {"before": before, "campaign": name})
    else:
        db.execute(SQL["find_person"], {"person": choice.person})
        db.execute(SQL["add_word"], {"person": choice.person})
    db.execute(SQL["find_words"])
    if live := [row["campaign"] for row in db.execute(SQL["live_among"])]:
        raise UsageError(
            f"{choice.person} is on the line in {', '.join(live)}, or it is unknown whether they were rung: wait for "
            "the end (`dialer settle`) or say what became of it (`dialer unknown mark`), then purge; nothing was done"
        )


def _opt_outs_about(db: sqlite3.Connection, secret: bytes, person: str) -> int:
    given = {"number": number_key(secret, person), "id": person_key(secret, person)}
    return int(db.execute(SQL["count_opt_outs"], given).fetchone()[0])


# --- what stays, as keyed hashes ---------------------------------------------------------------------


def _remember_rings(db: sqlite3.Connection, secret: bytes, now: datetime) -> None:
    rows = db.execute(SQL["their_rings"], {"since": text(now - rings.KEPT)}).fetchall()
    told = (
        rings.Told(number, person, debt, instant(at), rings.talked(*about)) for number, person, debt, at, *about in rows
    )
    rings.keep(db, secret, told)


def _remember_keys(db: sqlite3.Connection, secret: bytes, now: datetime) -> None:
    finished = ("done", "exhausted", "excluded")
    for row in db.execute(SQL["who_is_purged"]).fetchall():
        state = row["state"] if row["state"] in finished else "excluded"
        numbers = [found["number"] for found in db.execute(SQL["their_numbers"], {"contact": row["id"]})]
        given = {"campaign": row["campaign_id"], "state": state, "at": text(now)}
        for key in _keys(secret, row["person"], numbers):
            db.execute(SQL["forget"], given | {"key": key})


def _keys(secret: bytes, person: str, numbers: Iterable[str]) -> Iterator[bytes]:
    """The keys by which somebody is known again. Who is known by a number, be it one that the list has corrected since,
    is known by any of theirs; with an id of its own another row may have the same number, and is another matter."""
    yield person_key(secret, person)
    if person.startswith("+"):
        yield from (number_key(secret, number) for number in {person, *numbers})


def _hide_opt_outs(db: sqlite3.Connection, secret: bytes) -> None:
    words = [row["word"] for row in db.execute(SQL["words"])]
    keys = ({"key": make(secret, word)} for word in words for make in (number_key, person_key))
    db.executemany(SQL["hide_opt_out"], keys)


# --- what goes ---------------------------------------------------------------------------------------


def _hide_traces(db: sqlite3.Connection, choice: Choice, now: datetime) -> None:
    """All that tells of them but their own rows."""
    db.execute(SQL["hide_events"])
    db.execute(SQL["tell_purged"], {"at": text(now)})
    _hide_other_events(db)
    for query in ("hide_inbox", "drop_analyses", "hide_attempts", "drop_numbers"):
        db.execute(SQL[query])
    for query in ("hide_rejects", "hide_own_calls", "drop_stamps"):
        db.execute(SQL[query])
    if choice.before is not None:
        given = {"before": text(choice.before), "campaign": choice.campaign}
        db.execute(SQL["hide_old_rejects"], given)
        db.execute(SQL["hide_strange_inbox"], given)
        db.execute(SQL["hide_late_inbox"])


def _hide_other_events(db: sqlite3.Connection) -> None:
    words = {row["word"] for row in db.execute(SQL["words"])}
    for row in db.execute(SQL["other_events"]).fetchall():
        if not words.isdisjoint(_BETWEEN_WORDS.split(row["detail"])):
            db.execute(SQL["hide_event"], {"event": row["id"]})


def _hide_contacts(db: sqlite3.Connection, now: datetime) -> None:
    db.execute(SQL["withdraw_purged"])
    db.execute(SQL["hide_contacts"], {"at": text(now)})
    db.execute(SQL["drop_empty_tallies"])


# --- a list that comes back --------------------------------------------------------------------------


def has_forgotten(db: sqlite3.Connection, campaign: int) -> bool:
    """Whether somebody of this campaign was forgotten, and is known by nothing any more but by what identified them."""
    return bool(db.execute(SQL["is_anybody_forgotten"], {"campaign": campaign}).fetchone()[0])


def drop_forgotten(db: sqlite3.Connection, secret: bytes, campaign: int) -> int:
    """Take the rows about people who were forgotten out of the list that is being taken in; gives how many they were.

    They are in the campaign already, finished and without a name, so they count as read and good, and nobody of them
    is called again. To be asked between `staging` and the making of contacts, once doubles are out.
    """
    given = {"campaign": campaign}
    if not has_forgotten(db, campaign):
        return 0
    keys = {bytes(row[0]) for row in db.execute(SQL["forgotten_keys"], given)}
    rows = db.execute(_LISTS["staged_people"])
    found = {
        row for row, person, number in rows if person_key(secret, person) in keys or number_key(secret, number) in keys
    }
    db.executemany(_LISTS["drop_staged"], ((row,) for row in sorted(found)))
    return len(found)
