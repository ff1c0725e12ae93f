"""Taking a list in: whole or not at all.

Rows are staged chunk by chunk and are no contacts yet; `apply` then makes contacts of them in one transaction, after
the gates. A crash before that leaves an import that counts for nothing and is dropped by the next one. Whatever is
asked of the rows is asked of all of them at once: a statement goes over the list a few times, and never over the list
for each row.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from dialer.errors import ListError
from dialer.ledger import doubles, pausing, purging, staging
from dialer.ledger.bulk import little_memory, without
from dialer.ledger.events import RunMark, add_event
from dialer.ledger.moments import UNTIL, by_sqlite, text, text_or_none
from dialer.ledger.queries import load
from dialer.model import Chunk, ListRules

SQL = load("importing.sql")

_MANY = 10_000
"""So many new rows, and no fewer than there are contacts, are added without what is kept up row by row."""

_FEW_GONE = 20
"""So many rows may go without `max_gone` being asked: a share of a short list says little."""


@dataclass(frozen=True, slots=True)
class Change:
    """Somebody whose row says something else than before, and in which of its columns."""

    person: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import changed, with examples of changed rows; `known` if the list was taken in before, unchanged.

    Those who are finished take their new data and are not counted. `moved` of the `changed` have the same row as
    before, and only the place where they are is known otherwise.
    """

    read: int = 0
    good: int = 0
    rejected: int = 0
    added: int = 0
    changed: int = 0
    moved: int = 0
    withdrawn: int = 0
    returned: int = 0
    known: bool = False
    examples: tuple[Change, ...] = ()

    @property
    def is_anything(self) -> bool:
        """Whether anybody came, went, or has new data."""
        return bool(self.added or self.changed > self.moved or self.withdrawn or self.returned)


def known(db: sqlite3.Connection, campaign: int, fingerprint: str, rules: ListRules) -> Imported | None:
    """What the last import held, if it was of this very list; None if the list is another.

    Raises:
        ListError: the gates have become stricter since, and the list no longer passes them.
    """
    row = db.execute(SQL["last_import"], {"campaign": campaign}).fetchone()
    if row is None or row["fingerprint"] != fingerprint:
        return None
    _gate_rows(db, {"import": row["id"]}, rules, row["rows_good"], row["rejected"])
    return Imported(row["rows_read"], row["rows_good"], row["rejected"], known=True)


def begin(
    db: sqlite3.Connection, campaign: int, fingerprint: str, files: Sequence[str], columns: Sequence[str], at: datetime
) -> int:
    """Begin to read a list; gives the import's id. What an unfinished import has left is dropped."""
    drop(db, campaign)
    given = {
        "campaign": campaign,
        "fingerprint": fingerprint,
        "files": json.dumps(list(files)),
        "columns": json.dumps(list(columns), ensure_ascii=False),
        "at": text(at),
    }
    return int(db.execute(SQL["begin_import"], given).lastrowid or 0)


def drop(db: sqlite3.Connection, campaign: int) -> None:
    """Drop whatever was staged and never applied."""
    given = {"campaign": campaign}
    for row in db.execute(SQL["unfinished"], given).fetchall():
        staging.drop(db, row["id"])
    for name in ("drop_rejects", "drop_imports"):
        db.execute(SQL[name], given)


def stage(db: sqlite3.Connection, import_id: int, chunk: Chunk) -> None:
    """Keep a piece of the list; nothing of it is due."""
    staging.lay_out(db, import_id)
    staging.keep(db, chunk)


def apply(
    db: sqlite3.Connection,
    campaign: int,
    import_id: int,
    rules: ListRules,
    at: datetime,
    mark: RunMark,
    accept_gone: bool,
    secret: bytes = b"",
) -> Imported:
    """Make contacts of what was staged, in one transaction; new, changed, gone and returned rows. `secret` is the
    ledger's: by it those are known who were forgotten.

    Raises:
        ListError: no good row, too few rows, too many rejects, too many rows gone. Nothing was changed.
    """
    with little_memory(db):
        return _applied(db, campaign, import_id, rules, at, mark, accept_gone, secret)


def _applied(
    db: sqlite3.Connection,
    campaign: int,
    import_id: int,
    rules: ListRules,
    at: datetime,
    mark: RunMark,
    accept_gone: bool,
    secret: bytes = b"",
) -> Imported:
    before = db.execute(SQL["last_contact"]).fetchone()[0]
    given = {"campaign": campaign, "import": import_id, "at": text(at), "run": mark.run_id, "before": before}
    staging.lay_out(db, import_id)
    db.execute(SQL["keep_rejects"], given)
    db.execute(SQL["make_same"])
    given["is_first"] = is_first = bool(db.execute(SQL["is_first"], given).fetchone()[0])
    if not is_first and rules.id is None and len(rules.phone) > 1:
        db.execute(SQL["know_by_number"], given)
    doubles.reject_same_people(db, given, rules)
    are_added = is_first and _are_many(db)
    if are_added:
        with without(db, _NUMBERS):
            _add_numbers(db, given)
    if rules.one_per == "phone":
        doubles.reject_same_numbers(db, given, rules, are_added=are_added)
    good, bad = _sums(db, given, rules)
    _gate_rows(db, given, rules, good, bad)
    if not is_first:
        purging.drop_forgotten(db, secret, campaign)
        db.execute(SQL["find_same"], given)
    gone = _gone(db, given, rules, accept_gone)
    changes = _merge(db, given, rules, at, are_added)
    result = replace(changes, read=good + bad, good=good, rejected=bad, withdrawn=gone)
    _finish(db, given, result)
    pausing.keep_cancelled(db, campaign, at)
    add_event(db, at, "imported", run=mark.run_id, detail=_in_words(result))
    return result


def _sums(db: sqlite3.Connection, given: dict[str, object], rules: ListRules) -> tuple[int, int]:
    """Good rows, and bad ones: a row that is good in spite of a bad number is no bad row."""
    db.execute(SQL["make_bad_lines"])
    db.execute(SQL["find_bad_lines"], given)
    good, bad = db.execute(SQL["sums"]).fetchone()
    if bad and len(rules.phone) > 1:
        bad -= db.execute(SQL["spoiled_in_part"]).fetchone()[0]
    db.execute("DROP TABLE bad_lines")
    return good, bad


def _gate_rows(db: sqlite3.Connection, given: dict[str, object], rules: ListRules, good: int, bad: int) -> None:
    files = ", ".join(path.name for path in rules.files)
    if good + bad < rules.min_rows:
        raise ListError(
            f"{files}: {good + bad} rows, but `contacts.min_rows` asks for {rules.min_rows}: "
            "the list may have been cut off; nobody was dialled"
        )
    if good == 0:
        raise ListError(f"{files}: none of the {bad} rows can be dialled; nobody was. {_examples(db, given)}")
    if rules.max_rejects is not None and bad > rules.max_rejects * (good + bad):
        raise ListError(
            f"{files}: {bad} of {good + bad} rows are rejects, more than `contacts.max_rejects` allows "
            f"({rules.max_rejects:.0%}); nobody was dialled. {_examples(db, given)}"
        )


def _examples(db: sqlite3.Connection, given: dict[str, object]) -> str:
    rows = db.execute(SQL["some_rejects"], given).fetchall()
    told = "; ".join(f"line {row['line']} ({row['column'] or 'the row'}): {row['why']}" for row in rows)
    return f"The first of them: {told}"


def _gone(db: sqlite3.Connection, given: dict[str, object], rules: ListRules, accept_gone: bool) -> int:
    """How many contacts the list no longer has."""
    db.execute(SQL["make_gone"], given)
    gone = int(db.execute(SQL["count_gone"]).fetchone()[0])
    if not accept_gone:
        _gate_gone(gone, db.execute(SQL["present"], given).fetchone()[0], rules)
    return gone


def _gate_gone(gone: int, present: int, rules: ListRules) -> None:
    if gone > _FEW_GONE and gone > rules.max_gone * present:
        files = ", ".join(path.name for path in rules.files)
        raise ListError(
            f"{files}: {gone} of {present} people are no longer in the list, more than `contacts.max_gone` allows "
            f"({rules.max_gone:.0%}): the list may have been cut off; nobody was dialled. "
            "If they are meant to go, run again with --yes"
        )


def _merge(
    db: sqlite3.Connection, given: dict[str, object], rules: ListRules, at: datetime, are_added: bool
) -> Imported:
    expires = at + timedelta(seconds=rules.expires) if rules.expires is not None else None
    wished: dict[str, object] = {"until": UNTIL, "ring": by_sqlite(-rules.ring)}
    db.execute(SQL["tell_gone"], given)
    db.execute(SQL["withdraw"], given)
    db.execute(SQL["tell_returned"], given)
    returned = db.execute(SQL["take_back"], given).rowcount
    db.execute(SQL["listed_again"], given)
    db.execute(SQL["make_taking"], given)
    examples = tuple(Change(row["person"], differing(*row[1:])) for row in db.execute(SQL["some_changed"]))
    changed, moved = db.execute(SQL["count_taking"]).fetchone()
    db.execute(SQL["tell_changed"], given)
    db.execute(SQL["take_new_data"], given)
    if _wishes(rules):
        db.execute(SQL["wish_of_changed"], {**given, **wished, "lasts": by_sqlite(rules.expires)})
    db.execute(SQL["drop_old_numbers"])
    db.execute(SQL["new_numbers_of_changed"], given)
    added = _add(db, given | {"expires": text_or_none(expires)}, are_added)
    if _wishes(rules):
        db.execute(SQL["wish_of_new"], given | wished)
    db.execute(SQL["know_audiences"], given)
    for table in ("gone", "same", "taking"):
        db.execute(f"DROP TABLE {table}")
    return Imported(added=added, changed=changed, moved=moved, returned=returned, examples=examples)


def differing(before: str, after: str) -> tuple[str, ...]:
    """The columns in which a row (JSON objects) says something else than before."""
    old, new = json.loads(before), json.loads(after)
    return tuple(column for column in dict.fromkeys([*new, *old]) if old.get(column) != new.get(column))


def _wishes(rules: ListRules) -> bool:
    """Whether the list has columns that say when somebody's turn is."""
    return any(column is not None for column in (rules.priority, rules.not_before, rules.not_after))


_NUMBERS = ("numbers_by_number",)
_CONTACTS = ("contacts_by_person", "contacts_tallied_in", "contacts_timed_in")
"""What SQLite keeps up for each row that is added: indices in the order of names and of numbers, which is not that of
a list; and triggers, whose work is done at once by `tally_added`. Who is added is due at once: no time is counted."""


def _are_many(db: sqlite3.Connection) -> bool:
    """Whether so many people come that it is quicker to make anew what is kept up for each."""
    coming = db.execute(SQL["coming"]).fetchone()[0]
    return bool(coming >= _MANY and coming >= db.execute(SQL["how_many"]).fetchone()[0])


def _add(db: sqlite3.Connection, given: dict[str, object], numbers_are_added: bool) -> int:
    """Make contacts of the rows about people whom the campaign does not know; gives how many."""
    if not numbers_are_added and not _are_many(db):
        added = db.execute(SQL["add_contacts"], given).rowcount
        _add_numbers(db, given)
        return added
    with without(db, _CONTACTS):
        added = db.execute(SQL["add_contacts"], given).rowcount
        db.execute(SQL["tally_added"], given | {"added": added})
    if not numbers_are_added:
        with without(db, _NUMBERS):
            _add_numbers(db, given)
    return added


def _add_numbers(db: sqlite3.Connection, given: dict[str, object]) -> None:
    db.execute(SQL["add_numbers"], given)
    db.execute(SQL["add_other_numbers"], given)


def _in_words(result: Imported) -> str:
    return (
        f"{result.added} added, {result.changed} changed, {result.withdrawn} withdrawn, {result.returned} returned, "
        f"{result.rejected} rejected"
    )


def _finish(db: sqlite3.Connection, given: dict[str, object], result: Imported) -> None:
    numbers = {
        "read": result.read,
        "good": result.good,
        "added": result.added,
        "changed": result.changed,
        "withdrawn": result.withdrawn,
        "returned": result.returned,
        "rejected": result.rejected,
    }
    db.execute(SQL["finish_import"], given | numbers)
    db.execute(SQL["drop_old_rejects"], given)
    db.execute(SQL["keep_columns"], given)
    staging.drop(db, int(str(given["import"])))
