"""What a ledger counts while it changes is what is there to be counted, whatever happens to its contacts."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from datetime import datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.ledger import opening
from dialer.ledger.backup import backup
from dialer.ledger.moments import instant, text
from dialer.ledger.queries import migration_names
from dialer.ledger.reading import SQL, Reader, open_reader
from dialer.model import Number, Row
from tests.ledger_kit import Desk, desk, forge, row, rows_of
from tests.ledger_rows import NOW, Maker, at, sample
from tests.tallies import WRONG

STATES = ("due", "dialing", "waiting", "done", "exhausted", "excluded", "unknown")
TIMES = tuple(at(seconds=after) for after in (-1, 0, 30, 60, 3600, 3601, 86400, 800_000))
PEOPLE = 6

states = st.sampled_from(STATES)
words = st.sampled_from(["", "no_answer", "rejected: number 12"])
contacts = st.fixed_dictionaries(
    {
        "state": states,
        "due_at": st.sampled_from(TIMES),
        "detail": words,
        "finish_reason": st.one_of(st.none(), words),
        "attempts": st.integers(0, 3),
    }
)
changes = st.lists(st.tuples(st.integers(0, PEOPLE - 1), st.one_of(st.none(), contacts)), max_size=12)


def faults(path: Path) -> list[str]:
    return [fault for fault, sql in WRONG.items() if rows_of(path, sql)]


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Maker:
    """One for all that hypothesis thinks of: each time another campaign."""
    made = Maker(tmp_path_factory.mktemp("tallies") / "dialer.db")
    made.db.execute("PRAGMA synchronous = OFF")
    return made


@settings(max_examples=40, deadline=None)
@given(st.lists(contacts, min_size=PEOPLE, max_size=PEOPLE), changes, st.sampled_from(TIMES))
def test_rows_are_counted_as_they_come_change_and_go(
    ledger: Maker,
    rows: list[dict[str, Any]],
    changes: list[tuple[int, dict[str, Any] | None]],
    now: str,
) -> None:
    (campaigns,) = ledger.db.execute("SELECT COUNT(*) FROM campaigns").fetchone()
    campaign = ledger.campaign(f"c{campaigns}")
    people = [ledger.contact(campaign, f"p{number}", **values) for number, values in enumerate(rows)]
    for person, change in changes:
        if change is None:
            ledger.db.execute("DELETE FROM contacts WHERE id = ?", (people[person],))
        else:
            sets = ", ".join(f"{name} = :{name}" for name in change)
            values = {**change, "id": people[person]}
            ledger.db.execute(f"UPDATE contacts SET {sets} WHERE id = :id", values)  # noqa: S608 - our own columns
    assert faults(ledger.path) == []
    with open_reader(ledger.path) as reader:
        check_standing(reader, campaign, instant(now))


def check_standing(reader: Reader, campaign: int, now: datetime) -> None:
    """What a reader tells from the tallies is what the rows themselves say."""
    found = reader.standing(campaign, now)
    rows = rows_of(reader.path, "SELECT * FROM contacts WHERE campaign_id = ?", campaign)
    assert found["states"] == {state: n for state in STATES if (n := sum(one["state"] == state for one in rows))}
    assert sum(found["reasons"].values()) == len(rows)
    assert found["attempts"] == sum(one["attempts"] for one in rows)
    ahead = [
        instant(one["due_at"]) - now for one in rows if one["state"] in ("due", "waiting") and one["due_at"] is not None
    ]
    hour, day = timedelta(hours=1), timedelta(days=1)
    assert found["due"] == {
        "now": sum(one["state"] in ("due", "waiting") for one in rows) - sum(later > timedelta() for later in ahead),
        "hour": sum(timedelta() < later <= hour for later in ahead),
        "day": sum(hour < later <= day for later in ahead),
        "later": sum(later > day for later in ahead),
    }


async def test_they_are_right_after_lists_that_change_and_in_a_copy(tmp_path: Path) -> None:
    async with desk(tmp_path, *(row(f"p{n}", n) for n in range(5))) as made:
        await lived(made)
        await made.take(row("p0", 0), row("p1", 1, city="Oslo"), row("new", 7), yes=True)
        assert faults(made.path) == []
        await made.take(*(row(f"p{n}", n) for n in range(5)), yes=True)
        assert faults(made.path) == []
        await made.ledger.pause("reminders", "cancel", "", None, "ann")
        assert faults(made.path) == []
        copied = backup(made.path, tmp_path / "copy.db")
        assert faults(copied.copy) == []
        assert rows_of(copied.copy, "SELECT * FROM tallies") == rows_of(made.path, "SELECT * FROM tallies")


@pytest.mark.slow
async def test_they_are_right_after_a_list_that_is_long(tmp_path: Path) -> None:
    """Long lists are taken in without the triggers, and counted in one go."""
    async with desk(tmp_path) as made:
        await made.take(*(row(f"p{n}", n) for n in range(9_000)))
        assert faults(made.path) == []
        await made.bring("p0", "waiting")
        people = [
            Row(f"q{n}", (Number(f"+1212{n:07d}", "US", "mobile"),), "{}", "people.csv", n) for n in range(1, 25_000)
        ]
        await made.take(*people, yes=True)
        assert faults(made.path) == []


async def lived(made: Desk) -> None:
    await made.bring("p0", "waiting")
    await made.bring("p1", "done")
    await made.bring("p2", "unknown")
    made.wall.goes_on(days=2)
    await made.due()
    assert faults(made.path) == []


@contextlib.contextmanager
def of_before(path: Path) -> Iterator[sqlite3.Connection]:
    """A ledger to which the change that brought the tallies has not come yet."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute(
            "CREATE TABLE _sqlite_migrations (id INTEGER PRIMARY KEY, migration_set TEXT, name TEXT, applied_at TEXT)"
        )
        for name in migration_names():
            if name >= "2026_11_22_tallies":
                break
            script = resources.files("dialer.ledger").joinpath("migrations", f"{name}.sql").read_text("utf-8")
            db.executescript(script)
            db.execute("INSERT INTO _sqlite_migrations VALUES (NULL, 'dialer', ?, ?)", (name, at()))
        yield db


def test_a_ledger_of_before_is_counted_once(tmp_path: Path) -> None:
    now = sample(tmp_path / "now.db")
    path = tmp_path / "before.db"
    with of_before(path) as db:
        db.execute("ATTACH ? AS now", (str(now.path),))
        for table in ("ledger", "campaigns", "runs", "contacts", "rejects", "attempts"):
            names = ", ".join(row[1] for row in db.execute(f"PRAGMA main.table_info({table})"))
            db.execute(f"INSERT INTO {table} ({names}) SELECT {names} FROM now.{table}")  # noqa: S608 - our own tables
        names = "id, campaign_id, fingerprint, files, started_at, applied_at"
        db.execute(f"INSERT INTO imports ({names}) SELECT {names} FROM now.imports")  # noqa: S608 - our own columns
        before = db.execute("SELECT * FROM reasons ORDER BY 1, 2, 3, 4").fetchall()
        assert before
    opening.open_for_writing(path, text(NOW), "OFF").close()
    assert faults(path) == []
    after = rows_of(path, "SELECT * FROM reasons ORDER BY 1, 2, 3, 4")
    assert [tuple(one.values()) for one in after] == before
    with open_reader(path) as reader, open_reader(now.path) as other:
        assert reader.standing(1, NOW) == other.standing(1, NOW)
        check_standing(reader, 1, NOW)


@pytest.mark.parametrize("broken", ["UPDATE tallies SET n = n + 1", "UPDATE due_minutes SET n = n - 1"])
def test_a_wrong_tally_would_be_found(tmp_path: Path, broken: str) -> None:
    made = sample(tmp_path / "dialer.db")
    assert faults(made.path) == []
    forge(made.path, broken)
    assert len(faults(made.path)) == 1


def test_nobody_who_looks_reads_the_contacts_one_by_one(tmp_path: Path) -> None:
    made = sample(tmp_path / "dialer.db")
    values = {"campaign": 1, "now": at(), "moment": at()}
    for query in ("counts", "reasons", "attempts_made", "due_after", "next_due"):
        steps = [step[3] for step in made.db.execute(f"EXPLAIN QUERY PLAN {SQL[query]}", values)]
        assert not [step for step in steps if "SCAN contacts" in step or "contacts_by" in step or "autoindex" in step]
