"""Rows of a list that are about the same person, or have the same number: one of them is taken.

The others become rejects that name the line of the one that is; that they do not consent is heard all the same. Many
rows are looked at by sorting them all once, and a table of what stands in several rows is small.
"""

from __future__ import annotations

import sqlite3

from dialer.ledger import consents
from dialer.ledger.queries import load
from dialer.model import ListRules

SQL = load("importing.sql")

Given = dict[str, object]


def reject_same_people(db: sqlite3.Connection, given: Given, rules: ListRules) -> None:
    """Of the staged rows about one person the first stays."""
    if db.execute(SQL["is_rising"]).fetchone()[0]:
        return
    db.execute(SQL["make_doubles"])
    if _find(db, "make_repeated", "find_repeated", given):
        db.execute(SQL["doubles_by_person"])
        consents.hear_same_people(db)
        _drop(db, given, "the same", rules.id or rules.phone[0])
    _forget(db, "repeated", "doubles")


def reject_same_numbers(db: sqlite3.Connection, given: Given, rules: ListRules, *, are_added: bool) -> None:
    """Of the staged rows with one number that of a contact stays, else the first.

    `are_added`: the numbers of all rows have been added to the ledger's, with their index, and there were no contacts.
    """
    if not db.execute(SQL["has_names"]).fetchone()[0]:
        return
    db.execute(SQL["make_doubles"])
    if _find(db, "make_shared", _finding(rules, are_added), given):
        _find(db, "make_sharers", "find_sharers_of_numbers" if are_added else "find_sharers", given)
        _find(db, "make_keepers", "find_keepers", given)
        db.execute(SQL["doubles_by_number"])
        consents.hear_same_numbers(db)
        if are_added:
            db.execute(SQL["drop_doubled_numbers"], given)
        _drop(db, given, "the same number", rules.phone[0])
        _forget(db, "keepers", "sharers")
    _forget(db, "shared", "doubles")


def _finding(rules: ListRules, are_added: bool) -> str:
    if are_added:
        return "find_shared_numbers"
    return "find_shared_of_others" if len(rules.phone) > 1 else "find_shared"


def _find(db: sqlite3.Connection, making: str, finding: str, given: Given) -> bool:
    """Make a table and put in what belongs there; whether anything does."""
    db.execute(SQL[making])
    return db.execute(SQL[finding], given).rowcount > 0


def _drop(db: sqlite3.Connection, given: Given, the_same: str, column: str) -> None:
    db.execute(SQL["reject_doubles"], given | {"the_same": the_same, "column": column})
    db.execute(SQL["drop_doubles"])


def _forget(db: sqlite3.Connection, *tables: str) -> None:
    for table in tables:
        db.execute(f"DROP TABLE temp.{table}")
