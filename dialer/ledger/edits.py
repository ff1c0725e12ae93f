"""What an edit of the campaign file or of the list comes to: told before it takes effect, written down when it does."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from dialer.ledger import importing, optouts, purging, registers, staging
from dialer.ledger.audiences import apply_standing, audiences_of
from dialer.ledger.events import RunMark, add_event, fenced
from dialer.ledger.importing import Change, Imported
from dialer.ledger.moments import UNTIL, by_sqlite, text
from dialer.ledger.queries import load
from dialer.ledger.writer import Writer
from dialer.model import Audience, ListRules, Row
from dialer.model.campaign import RING

SQL = load("edits.sql")

_EXAMPLES = 3

Stands = Callable[[Mapping[int, Audience]], Mapping[int, str]]
"""Of audiences by id what stands against each whatever the clock says; '' for nothing."""


@dataclass(frozen=True, slots=True)
class Expiry:
    """How long after they were first seen people are given up (seconds; None: never), and whether none ever was; and
    for how many seconds a telephone may ring, none of which is to be after the last moment that a row allows."""

    seconds: float | None
    had_none: bool
    ring: float = RING


@dataclass(frozen=True, slots=True)
class Trial:
    """What an edit is tried with: the import that is staged (None: the list is as it was), the list's rules, whether
    any number of people may be gone, another expiry, the registers, and what stands against whom by the rules."""

    import_id: int | None
    rules: ListRules
    accept_gone: bool
    expiry: Expiry | None
    registers: Sequence[int]
    stands: Stands


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What an edit would come to: the list's changes; people whom rules or do-not-call lists would exclude, whom they
    would exclude no more, and those who would be given up because their time is over."""

    taken: Imported
    barred: int = 0
    freed: int = 0
    given_up: int = 0

    @property
    def is_anything(self) -> bool:
        """Whether it would change anything for anybody."""
        return bool(self.taken.is_anything or self.barred or self.freed or self.given_up)


def foresee(
    db: sqlite3.Connection, campaign: int, secret: bytes, asked: Trial, at: datetime, mark: RunMark
) -> Foreseen:
    """Do all that the edit comes to, look, and undo it.

    Raises:
        ListError: a gate of the list, as `importing.apply`.
    """
    given = {"campaign": campaign, "at": text(at)}
    with _trial(db):
        found = Imported()
        if asked.import_id is not None:
            found = importing.apply(db, campaign, asked.import_id, asked.rules, at, mark, asked.accept_gone)
        if asked.expiry is not None:
            expire_otherwise(db, campaign, asked.expiry, at)
        given_up = db.execute(SQL["given_up"], given).fetchone()[0]
        stopped = optouts.stop_listed(db, secret, campaign, at, mark)
        freed = registers.unbar(db, campaign, asked.registers, at, mark)
        barred = registers.bar_registered(db, campaign, asked.registers, at, mark)
        held, back = apply_standing(db, campaign, asked.stands(audiences_of(db, campaign)), at, mark)
    barred += held + (stopped.withdrawn if stopped is not None else 0)
    return Foreseen(found, barred, freed + back, given_up)


@contextmanager
def _trial(db: sqlite3.Connection) -> Iterator[None]:
    """Whatever is done inside is undone, temporary tables and all; an error leaves that to the whole transaction."""
    db.execute(SQL["begin_trial"])
    yield
    db.execute(SQL["undo_trial"])
    db.execute(SQL["end_trial"])


def expire_otherwise(db: sqlite3.Connection, campaign: int, expiry: Expiry, at: datetime) -> None:
    """People who are not finished are given up at another time."""
    given = {
        "campaign": campaign,
        "at": text(at),
        "until": UNTIL,
        "lasts": by_sqlite(expiry.seconds),
        "ring": by_sqlite(-expiry.ring),
        "had_none": expiry.had_none,
    }
    db.execute(SQL["expire_otherwise"], given)


def called_anew(db: sqlite3.Connection, campaign: int, import_id: int, column: str | None) -> int:
    """How many staged rows are about people whom the campaign does not know by what identifies them now, and who have
    been called: their number has, or what stands in the column by which they were known. Where that column is not known
    (None) they are told by their whole row or number, if what they were known by is not in the list."""
    is_known = column is not None and '"' not in column
    given = {"campaign": campaign, "path": f'$."{column}"' if is_known else "$.no_such_column"}
    find, count = ("find_called_rows", "called_under_another") if column is None else ("find_called", "called_anew")
    staging.lay_out(db, import_id)
    db.execute(staging.SQL["make_called"])
    db.execute(staging.SQL[find], given)
    found = int(db.execute(staging.SQL[count], given).fetchone()[0])
    db.execute("DROP TABLE temp.called")
    return found


def said(db: sqlite3.Connection, campaign: int) -> dict[str, str] | None:
    """What the campaign file said when it was last taken in, by key; None if that is not known. For any connection."""
    found = db.execute(SQL["said"], {"campaign": campaign}).fetchone()[0]
    return None if found is None else dict(json.loads(found))


def keep_said(
    db: sqlite3.Connection,
    campaign: int,
    words: Mapping[str, str],
    edits: Sequence[str],
    expiry: Expiry | None,
    at: datetime,
    mark: RunMark,
) -> None:
    """From here on the campaign file says this; what it says otherwise than before stands among the events."""
    if expiry is not None:
        expire_otherwise(db, campaign, expiry, at)
    db.execute(SQL["keep_said"], {"campaign": campaign, "said": json.dumps(dict(words), ensure_ascii=False)})
    if edits:
        add_event(db, at, "file_changed", run=mark.run_id, detail="; ".join(edits))


class Comparison:
    """What a list would change, for those who only look: takes nothing in, asks no gate, and writes nothing but a
    temporary table, which ends with the caller's transaction. For any connection."""

    def __init__(self, db: sqlite3.Connection, campaign: int) -> None:
        self._db = db
        self._given = {"campaign": campaign}
        db.execute(SQL["make_listed_now"])

    def add(self, rows: Iterable[Row]) -> None:
        """Rows of the list that would be taken."""
        self._db.executemany(SQL["list_now"], map(_listed, rows))

    def result(self) -> Imported:
        """How many are new, back, gone and have new data, with examples; of those who are finished no new data."""
        added, returned, withdrawn = self._db.execute(SQL["compare_now"], self._given).fetchone()
        changed = 0
        examples: list[Change] = []
        for person, before, after in self._db.execute(SQL["changed_now"], self._given):
            changed += 1
            if len(examples) < _EXAMPLES:
                examples.append(Change(person, importing.differing(before, after)))
        return Imported(added=added, returned=returned, withdrawn=withdrawn, changed=changed, examples=tuple(examples))


def _listed(row: Row) -> tuple[str, str, str]:
    numbers = json.dumps([number.e164 for number in row.numbers], separators=(",", ":"))
    return row.person, row.data, numbers


class Edits:
    """The ledger's verbs for an edit of the campaign file or of the list; a part of `Ledger`."""

    _writer: Writer
    _now: Callable[[], datetime]
    _mark: RunMark
    secret: bytes

    async def foresee(self, campaign: int, asked: Trial) -> Foreseen:
        """What an edit would come to; nothing of it is kept (ListError for a gate of the list)."""
        now, mark, secret = self._now(), self._mark, self.secret
        return await self._writer.do(fenced(mark, lambda db: foresee(db, campaign, secret, asked, now, mark)))

    async def has_forgotten(self, campaign: int) -> bool:
        """Whether somebody of this campaign was forgotten, and is known by nothing but what identified them."""
        return await self._writer.do(lambda db: purging.has_forgotten(db, campaign))

    async def called_anew(self, campaign: int, import_id: int, column: str | None) -> int:
        """How many staged rows are about people who have been called, and are not known by what identifies them now;
        `column` is that by which they were known, None where that is not known."""
        return await self._writer.do(fenced(self._mark, lambda db: called_anew(db, campaign, import_id, column)))

    async def said(self, campaign: int) -> dict[str, str] | None:
        """What the campaign file said when it was last taken in, by key; None if that is not known."""
        return await self._writer.do(lambda db: said(db, campaign))

    async def keep_said(
        self, campaign: int, words: Mapping[str, str], edits: Sequence[str], expiry: Expiry | None
    ) -> None:
        """From here on the campaign file says this, by key; `edits` are told in an event, another `expiry` reaches all
        who are not finished."""
        now, mark = self._now(), self._mark
        keep = fenced(mark, lambda db: keep_said(db, campaign, words, edits, expiry, now, mark))
        await self._writer.do(keep)
