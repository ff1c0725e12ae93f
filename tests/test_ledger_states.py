"""The change of the schema by which states are asked for word by word: nothing is lost, and a dial costs less."""

from __future__ import annotations

import contextlib
import sqlite3
from importlib import resources
from pathlib import Path

import pytest

from dialer.ledger import opening
from dialer.ledger.events import SQL
from dialer.ledger.moments import text
from dialer.ledger.queries import migration_names
from tests.ledger_kit import founded, rows_of
from tests.ledger_rows import NOW, sample
from tests.tallies import WRONG

CHANGE = "2026_11_28_states"


def of_before(path: Path, now: Path) -> None:
    """The rows of a ledger in one to which the change has not come yet."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute(
            "CREATE TABLE _sqlite_migrations (id INTEGER PRIMARY KEY, migration_set TEXT, name TEXT, applied_at TEXT)"
        )
        for name in (name for name in migration_names() if name < CHANGE):
            db.executescript(resources.files("dialer.ledger").joinpath("migrations", f"{name}.sql").read_text("utf-8"))
            db.execute("INSERT INTO _sqlite_migrations VALUES (NULL, 'dialer', ?, ?)", (name, text(NOW)))
        db.execute("ATTACH ? AS now", (str(now),))
        for table in tables(db):
            db.execute(f"DELETE FROM main.{table}")  # noqa: S608 - our own tables
        for table in tables(db):
            names = ", ".join(row[1] for row in db.execute(f"PRAGMA main.table_info({table})"))
            if table not in ("tallies", "due_minutes"):  # the triggers count what comes
                db.execute(f"INSERT INTO main.{table} ({names}) SELECT {names} FROM now.{table}")  # noqa: S608 - as above


def tables(db: sqlite3.Connection) -> list[str]:
    found = db.execute("SELECT name FROM main.sqlite_schema WHERE type = 'table' ORDER BY name")
    return [row[0] for row in found if not row[0].startswith(("_", "sqlite_"))]


def all_of(path: Path, table: str) -> list[dict[str, object]]:
    return rows_of(path, f"SELECT * FROM {table} ORDER BY 1, 2, 3")  # noqa: S608 - our own tables


def test_all_that_a_ledger_holds_is_there_after_the_change(tmp_path: Path) -> None:
    now, before = sample(tmp_path / "now.db").path, tmp_path / "before.db"
    of_before(before, now)
    opening.open_for_writing(before, text(NOW), "OFF").close()
    assert [what for what, query in WRONG.items() if rows_of(before, query)] == []
    for table in ("attempts", "contacts", "results", "reasons", "due_minutes", "events", "numbers"):
        assert all_of(before, table) == all_of(now, table), table
    assert all_of(now, "attempts")


@pytest.mark.parametrize("table", ["attempts", "contacts"])
def test_no_state_but_those_of_the_lifecycle_is_taken(tmp_path: Path, table: str) -> None:
    path = sample(tmp_path / "dialer.db").path
    with contextlib.closing(sqlite3.connect(path)) as db, pytest.raises(sqlite3.IntegrityError, match="CHECK"):
        db.execute(f"UPDATE {table} SET state = 'lost'")  # noqa: S608 - our own tables


LIVE = "SELECT 1 FROM attempts WHERE {} AND (state = 'intended' OR state = 'placed' OR state = 'unknown')"


@pytest.mark.parametrize(
    ("sql", "index"),
    [
        (SQL["is_number_live"], "attempts_live_number"),
        (SQL["open_attempts"], "attempts_open"),
        (SQL["has_open"], "attempts_open"),
        (LIVE.format("number = '+1'"), "attempts_live_number"),
    ],
)
def test_live_attempts_are_found_by_their_index(tmp_path: Path, sql: str, index: str) -> None:
    with contextlib.closing(sqlite3.connect(founded(tmp_path / "dialer.db"))) as db:
        given = [""] if "?" in sql else dict.fromkeys(named(sql))
        assert any(index in step[3] for step in db.execute(f"EXPLAIN QUERY PLAN {sql}", given))


WRITTEN = "contact_dials new_attempt attempt_placed attempt_ended attempt_refused contact_settles add_event"


@pytest.mark.parametrize("name", WRITTEN.split())
def test_what_is_written_at_each_dial_makes_no_table_of_words(tmp_path: Path, name: str) -> None:
    """SQLite makes one for each list of three words or more: of an IN, a CHECK, or a condition of an index."""
    with contextlib.closing(sqlite3.connect(founded(tmp_path / "dialer.db"))) as db:
        steps = db.execute(f"EXPLAIN {SQL[name]}", dict.fromkeys(named(SQL[name])))
        assert "OpenEphemeral" not in {step[1] for step in steps}


def named(sql: str) -> list[str]:
    return [word.strip("(),") for part in sql.split(":")[1:] for word in part.split()[:1]]
