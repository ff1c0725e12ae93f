"""The ledger's own do-not-call list: numbers and ids that no campaign of the ledger dials.

An entry is under a keyed hash, so that it outlives a purge. It is entered, and whom it reaches is stopped in all
campaigns, in one transaction; who comes into a list later is stopped by `stop_listed`, and each intent asks `barred`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import chain

from dialer.errors import UsageError
from dialer.ledger.events import SQL as DIALING
from dialer.ledger.events import RunMark
from dialer.ledger.moments import instant, text
from dialer.ledger.queries import load
from dialer.ledger.register_names import file_of
from dialer.model import Halt
from dialer.policy.marks import number_key, person_key

SQL = load("optouts.sql")

NUMBER, ID = "number", "id"


@dataclass(frozen=True, slots=True)
class Word:
    """That somebody is not to be called again: why, from where it comes (command, file, conversation), who says so."""

    reason: str = ""
    source: str = "command"
    who: str = ""

    @property
    def detail(self) -> str:
        """As an event tells it."""
        by = f"by {self.who}" if self.who else f"from a {self.source}"
        return f"{by}: {self.reason}" if self.reason else by


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the list; `kind` is number or id, `shown` None where that was purged."""

    kind: str
    shown: str | None
    reason: str
    source: str
    who: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Reached:
    """Whom new entries stop in a campaign: so many waited and will not be dialled, so many live calls run out."""

    campaign: str
    withdrawn: int
    live: int


@dataclass(frozen=True, slots=True)
class Removed:
    """What it came to that entries were taken back: how many they were, by campaign how many people are due again, and
    how many are not, since another entry stops them."""

    entries: int
    again: Mapping[str, int]
    still: int


@dataclass(frozen=True, slots=True)
class Barred:
    """Why somebody may not be rung, as `contacts.detail` has it, and on which of their numbers they may be."""

    detail: str
    left: tuple[str, ...] = ()
    reason: str = ""


# --- who is on it ------------------------------------------------------------------------------------


def barred(
    db: sqlite3.Connection, secret: bytes, numbers: Sequence[str], person: str, register_ids: Sequence[int] = ()
) -> Barred | None:
    """Whether a person with these numbers (E.164) and this id may not be rung; None: they may.

    Somebody on the ledger's list is barred as a whole. A number in one of the registers bars that number: `left` are
    the others, in order.
    """
    # Most ledgers have no such entry, and keys cost more than all the rest of it.
    is_any = db.execute(SQL["is_any"]).fetchone() is not None
    if is_any and (entry := _entry(db, _keys(secret, numbers, person))) is not None:
        return Barred(Halt.OPTED_OUT, (), entry["reason"])
    if not (register_ids and numbers):
        return None
    asked = [(register, as_registered(number)) for register in register_ids for number in numbers]
    rows = db.execute(_each("registered", len(asked)), list(chain.from_iterable(asked))).fetchall()
    if not rows:
        return None
    file = db.execute(SQL["file_of"], {"register": rows[0]["register_id"]}).fetchone()[0]
    found = {row["number"] for row in rows}
    return Barred(f"dnc:{file_of(file)}", tuple(number for number in numbers if as_registered(number) not in found))


def as_registered(number: str) -> int:
    """A number in E.164 as registers hold it."""
    return int(number.removeprefix("+"))


def _entry(db: sqlite3.Connection, keys: Sequence[bytes]) -> sqlite3.Row | None:
    row: sqlite3.Row | None = db.execute(_each("opted_out", len(keys)), keys).fetchone()
    return row


def _keys(secret: bytes, numbers: Sequence[str], person: str) -> list[bytes]:
    """Under what somebody may be on the list; where people are known by their number alone, that is their id."""
    keys = [number_key(secret, number) for number in numbers]
    keys.append(person_key(secret, person))
    if person.startswith("+") and person not in numbers:
        keys.append(number_key(secret, person))
    return keys


@cache
def _each(query: str, times: int) -> str:
    """A query as one that is asked so many times at once."""
    return "\nUNION ALL\n".join([SQL[query]] * times)


def entries(db: sqlite3.Connection) -> list[Entry]:
    """The list, as it grew; for any connection."""
    rows = db.execute(SQL["entries"])
    return [Entry(kind, shown, reason, source, who, instant(at)) for kind, shown, reason, source, who, at in rows]


# --- entering ----------------------------------------------------------------------------------------


def add(
    db: sqlite3.Connection,
    secret: bytes,
    numbers: Sequence[str],
    people: Sequence[str],
    word: Word,
    at: datetime,
    mark: RunMark,
) -> tuple[Reached, ...]:
    """Enter numbers (E.164) and ids, an id with all numbers that anybody with it has; gives whom that stops.

    Whoever has one of the numbers among theirs is stopped, in all campaigns, with what is to come of their calls.
    """
    with _tables(db):
        db.executemany(SQL["bar"], ((NUMBER, number, word.detail) for number in numbers))
        db.executemany(SQL["bar"], ((ID, person, word.detail) for person in people))
        db.execute(SQL["bar_numbers_of_people"])
        _enter(db, secret, word, at)
        return _stop(db, at, mark)


def add_of_call(
    db: sqlite3.Connection, secret: bytes, attempt: int, word: Word, at: datetime, mark: RunMark
) -> tuple[Reached, ...]:
    """Enter whoever said in a call that they want no more of them: the number that rang, and all numbers they have.

    Their id is not entered: with the same one, another campaign may mean somebody else.
    """
    given = {"attempt": attempt, "detail": word.detail}
    with _tables(db):
        db.execute(SQL["bar_numbers_of_call"], given)
        _enter(db, secret, word, at)
        db.execute(SQL["reach_called"], given)
        return _stop(db, at, mark)


def _enter(db: sqlite3.Connection, secret: bytes, word: Word, at: datetime) -> None:
    """Write down those who were found, and find whom they reach."""
    rest = (word.reason, word.source, word.who, text(at))
    found = sorted((_key(secret, kind, shown), kind, shown, came) for kind, shown, came in db.execute(SQL["barring"]))
    rows = ((*entry, came and person_key(secret, came)) for *entry, came in found)
    db.executemany(SQL["enter"], ((*entry, *rest) for entry in rows))
    db.execute(SQL["find_reached"])


def is_stopped(db: sqlite3.Connection, contact: int) -> bool:
    """Whether anything has stopped a contact: an opt-out, a list without them, a campaign that is cancelled."""
    return db.execute(SQL["stop_of"], {"contact": contact}).fetchone()[0] is not None


def is_anybody(db: sqlite3.Connection, person: str) -> bool:
    """Whether somebody has this id, in any campaign."""
    return bool(db.execute(SQL["is_anybody"], {"person": person}).fetchone()[0])


def stop_listed(db: sqlite3.Connection, secret: bytes, campaign: int, at: datetime, mark: RunMark) -> Reached | None:
    """Stop whoever of a campaign is on the list, as after an import; None: nobody is.

    Entries that were purged are known by their keys alone: with one of these, all numbers of the campaign are hashed.
    """
    anybody, purged = db.execute(SQL["is_listing"]).fetchone()
    if not anybody:
        return None
    with _tables(db):
        db.execute(SQL["find_listed"], {"campaign": campaign})
        if purged:
            _find_purged(db, secret, campaign)
        return next(iter(_stop(db, at, mark)), None)


def _find_purged(db: sqlite3.Connection, secret: bytes, campaign: int) -> None:
    known = {row[0] for row in db.execute(SQL["purged_keys"])}
    found = {
        contact
        for contact, person, number in db.execute(SQL["people_to_know"], {"campaign": campaign})
        if number_key(secret, number) in known or person_key(secret, person) in known
    }
    db.executemany(SQL["reach"], ((contact, "on the do-not-call list") for contact in found))


def _stop(db: sqlite3.Connection, at: datetime, mark: RunMark) -> tuple[Reached, ...]:
    given = {"at": text(at), "run": mark.run_id or None}
    found = tuple(Reached(*row) for row in db.execute(SQL["count_reached"]).fetchall())
    for query in ("tell_opted_out", "stop_waiting", "stop_others"):
        db.execute(SQL[query], given)
    return found


@contextmanager
def _tables(db: sqlite3.Connection) -> Iterator[None]:
    """What is looked for lies in tables of the connection's own, so that many are found in one go."""
    db.execute(SQL["make_barring"])
    db.execute(SQL["make_reached"])
    yield
    db.execute("DROP TABLE temp.barring")
    db.execute("DROP TABLE temp.reached")


def _key(secret: bytes, kind: str, shown: str) -> bytes:
    return _KEYS[kind](secret, shown)


_KEYS: Mapping[str, Callable[[bytes, str], bytes]] = {NUMBER: number_key, ID: person_key}


# --- taking back -------------------------------------------------------------------------------------


def remove(
    db: sqlite3.Connection,
    secret: bytes,
    numbers: Sequence[str],
    people: Sequence[str],
    word: Word,
    at: datetime,
    mark: RunMark,
) -> Removed:
    """Take entries back, an id with the numbers that were entered with it; whom nothing else stops is due again.

    Raises:
        UsageError: none of them is on the list.
    """
    found = _entered(db, secret, [(NUMBER, one) for one in numbers] + [(ID, one) for one in people])
    if not found:
        raise UsageError("not on the do-not-call list: `dialer dnc list` shows who is")
    with _tables(db):
        db.executemany(SQL["take_out"], ((key,) for key in found))
        db.executemany(SQL["bar"], ((kind, shown, "") for kind, shown in found.values() if shown is not None))
        db.execute(SQL["find_reached"])
        still = _keep_stopped(db, secret)
        again = _free(db, word, at, mark)
    return Removed(len(found), again, still)


def _entered(
    db: sqlite3.Connection, secret: bytes, asked: Sequence[tuple[str, str]]
) -> dict[bytes, tuple[str, str | None]]:
    """The entries that are meant, by their keys: those that were asked for, and with an id its numbers."""
    found: dict[bytes, tuple[str, str | None]] = {}
    for kind, shown in asked:
        key = _key(secret, kind, shown)
        if _entry(db, [key]) is None:
            continue
        found[key] = kind, shown
        if kind == ID:
            for row in db.execute(SQL["entered_with"], {"key": key}):
                found[row["key"]] = row["kind"], row["shown"]
    return found


def _keep_stopped(db: sqlite3.Connection, secret: bytes) -> int:
    """Leave those alone whom another entry stops as well; gives how many."""
    people = [(row["id"], row["person"]) for row in db.execute(SQL["stopped_among"])]
    kept = [(contact,) for contact, person in people if _entry(db, _keys_of(db, secret, contact, person)) is not None]
    db.executemany(SQL["keep_stopped"], kept)
    return len(kept)


def _keys_of(db: sqlite3.Connection, secret: bytes, contact: int, person: str) -> list[bytes]:
    numbers = [row[0] for row in db.execute(DIALING["numbers_of"], {"contact": contact})]
    return _keys(secret, numbers, person)


def _free(db: sqlite3.Connection, word: Word, at: datetime, mark: RunMark) -> dict[str, int]:
    given = {"at": text(at), "run": mark.run_id or None, "detail": word.detail}
    db.execute(SQL["stay_cancelled"], given)
    again = {row["campaign"]: row["again"] for row in db.execute(SQL["count_free"])}
    for query in ("tell_free", "free_again", "free_others"):
        db.execute(SQL[query], given)
    return again
