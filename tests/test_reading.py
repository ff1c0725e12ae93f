"""The reader: what it tells of a ledger, and what it says of a file that is none."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from dialer.errors import ExitCode, LedgerError, UsageError
from dialer.ledger.reading import SQL, open_reader
from dialer.ledger.readonly import version_complaint
from tests.ledger_rows import MIGRATIONS, NOW, Maker, at, sample

pytestmark = pytest.mark.slow

REMINDERS = 1
EVERYBODY = ["ann", "bob", "cid", "dan", "eve", "fay", "gus", "hal", "ida"]


def test_standing_tells_of_every_contact(tmp_path: Path) -> None:
    sample(tmp_path / "dialer.db")
    with open_reader(tmp_path / "dialer.db") as reader:
        standing = reader.standing(REMINDERS, NOW)
    assert standing["states"] == {
        "due": 2,
        "dialing": 1,
        "waiting": 2,
        "done": 1,
        "exhausted": 1,
        "excluded": 1,
        "unknown": 1,
    }
    assert sum(standing["reasons"].values()) == 9
    assert standing["reasons"][("exhausted", "no_answer", "attempts_used_up:no_answer")] == 1
    assert standing["due"] == {"now": 1, "hour": 1, "day": 1, "later": 1}
    assert standing["next_due"] == NOW + timedelta(minutes=5)
    assert (standing["attempts"], standing["live"]) == (6, 1)
    assert (standing["calls_minute"], standing["calls_hour"]) == (2, 3)
    assert standing["rejects"] == {"invalid_number": 1}


def test_a_campaign_of_nobody_stands_at_zero(tmp_path: Path) -> None:
    sample(tmp_path / "dialer.db")
    with open_reader(tmp_path / "dialer.db") as reader:
        empty = reader.find("empty")
        standing = reader.standing(empty.id, NOW)
        assert reader.last_run(empty.id) is None
        assert list(reader.results(empty.id)) == []
    assert standing["states"] == {}
    assert standing["due"] == {"now": 0, "hour": 0, "day": 0, "later": 0}
    assert standing["next_due"] is None


def test_runs_campaigns_unknown_and_outcomes(tmp_path: Path) -> None:
    sample(tmp_path / "dialer.db")
    with open_reader(tmp_path / "dialer.db") as reader:
        campaign = reader.find("reminders")
        run = reader.last_run(campaign.id)
        (lost,) = reader.unknown(campaign.id)
        assert reader.columns(campaign.id) == ("phone", "name")
        assert reader.outcomes(campaign.id) == {"user_ended_call": 1, "no_answer": 1}
    assert run is not None
    assert (run.exit_code, run.reason, run.ended_at) == (75, "due_later", NOW - timedelta(minutes=1))
    assert (lost.person, lost.looks, lost.held_until, lost.detail) == (
        "gus",
        1,
        NOW + timedelta(minutes=1),
        "status 502",
    )


def test_rejects_are_those_of_the_list_as_last_taken_in(tmp_path: Path) -> None:
    sample(tmp_path / "dialer.db")
    with open_reader(tmp_path / "dialer.db") as reader:
        (reject,) = reader.rejects(REMINDERS)
    assert reject == {
        "campaign": "reminders",
        "file": "list.csv",
        "line": 7,
        "column": "phone",
        "value": "415",
        "reason": "invalid_number",
        "why": "too short for a number",
    }


def test_results_and_attempts_since(tmp_path: Path) -> None:
    sample(tmp_path / "dialer.db")
    with open_reader(tmp_path / "dialer.db") as reader:
        assert [row["id"] for row in reader.results(REMINDERS)] == EVERYBODY
        assert [row["id"] for row in reader.results(REMINDERS, NOW)] == ["ann"]
        assert [row["id"] for row in reader.attempts(REMINDERS)] == ["ann", "dan", "fay", "gus"]
        assert [row["id"] for row in reader.attempts(REMINDERS, NOW - timedelta(minutes=1))] == ["ann", "fay"]
        first = next(reader.attempts(REMINDERS))
    assert first["recording_url"] == "https://x.test/1.mp3"
    assert first["transcript"] == '[{"role":"agent","content":"Hello"}]'


@pytest.mark.parametrize("query", ["results", "attempts", "rejects"])
def test_long_tables_are_streamed_and_never_sorted(tmp_path: Path, query: str) -> None:
    made = sample(tmp_path / "dialer.db")
    given = {"campaign": REMINDERS, "since": ""}
    steps = [row[3] for row in made.db.execute(f"EXPLAIN QUERY PLAN {SQL[query]}", given)]
    assert not [step for step in steps if "TEMP B-TREE" in step]


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("live", "attempts_open"),
        ("unknown", "attempts_open"),
        ("next_due", "contacts_due_later"),
        ("due_after", "SEARCH due_minutes USING PRIMARY KEY"),
        ("due_after", "COVERING INDEX contacts_due_later (campaign_id=? AND audience=? AND due_at>?"),
        ("counts", "SEARCH tallies USING PRIMARY KEY"),
        ("reasons", "SEARCH tallies USING PRIMARY KEY"),
        ("attempts_made", "SEARCH tallies USING PRIMARY KEY"),
        ("reject_counts", "COVERING INDEX rejects_by_campaign"),
    ],
)
def test_what_is_asked_often_uses_its_index_and_scans_nothing(tmp_path: Path, query: str, index: str) -> None:
    made = sample(tmp_path / "dialer.db")
    given = {"campaign": REMINDERS, "now": at(), "moment": at(), "intended": at(minutes=-10)}
    steps = [row[3] for row in made.db.execute(f"EXPLAIN QUERY PLAN {SQL[query]}", given)]
    assert any(index in step for step in steps)
    assert not [step for step in steps if step.startswith("SCAN") and "CONSTANT" not in step]


def test_a_reader_sees_what_is_committed_while_a_run_writes(tmp_path: Path) -> None:
    made = sample(tmp_path / "dialer.db")
    with open_reader(tmp_path / "dialer.db") as reader:
        made.db.execute("BEGIN IMMEDIATE")
        made.contact(REMINDERS, "joe")
        assert sum(reader.counts(REMINDERS).values()) == 9
        made.db.execute("COMMIT")
        assert sum(reader.counts(REMINDERS).values()) == 10


def test_a_reader_cannot_write(tmp_path: Path) -> None:
    sample(tmp_path / "dialer.db")
    with open_reader(tmp_path / "dialer.db") as reader, pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader._connection.execute("DELETE FROM contacts")


def test_a_path_with_odd_characters_is_opened(tmp_path: Path) -> None:
    folder = tmp_path / "50 % of #1?"
    folder.mkdir()
    sample(folder / "my ledger.db")
    with open_reader(folder / "my ledger.db") as reader:
        assert [row.name for row in reader.campaigns()] == ["reminders", "empty"]


# --- files that are no ledger ---


def _nothing(path: Path) -> None:
    """No file at all."""


def _text_file(path: Path) -> None:
    path.write_text("phone,name\n" * 200)


def _empty_file(path: Path) -> None:
    path.touch()


def _other_database(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE people (name TEXT)")
    db.close()


def _other_migrations(path: Path) -> None:
    Maker(path, migrations=()).db.close()


def _newer(path: Path) -> None:
    Maker(path, migrations=(*MIGRATIONS, "2031_01_01_teleport")).db.close()


def _torn(path: Path) -> None:
    Maker(path).db.close()
    path.write_bytes(path.read_bytes()[:4096] + b"\0" * 4096)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (_nothing, "there is no ledger .*: `run` makes it"),
        (Path.mkdir, "is a folder"),
        (_text_file, "not an undamaged SQLite database"),
        (_empty_file, "not a ledger of dialer"),
        (_other_database, "not a ledger of dialer"),
        (_other_migrations, "not a ledger of dialer"),
        (_newer, "newer version of dialer .*2031_01_01_teleport"),
        (_torn, "not an undamaged SQLite database"),
    ],
)
def test_what_is_no_ledger_is_said_in_a_sentence(tmp_path: Path, make: object, said: str) -> None:
    path = tmp_path / "dialer.db"
    assert callable(make)
    make(path)
    with pytest.raises(LedgerError, match=said) as caught:
        open_reader(path)
    assert caught.value.code == ExitCode.LEDGER
    assert str(path) in str(caught.value)


def test_an_older_ledger_is_sent_to_the_next_run(tmp_path: Path) -> None:
    complaint = version_complaint(set(MIGRATIONS), {*MIGRATIONS, "2027_01_01_more"}, tmp_path / "dialer.db")
    assert complaint is not None and "older version" in complaint
    assert version_complaint(set(MIGRATIONS), set(MIGRATIONS), tmp_path / "dialer.db") is None


def test_damage_that_shows_late_is_told_too(tmp_path: Path) -> None:
    made = Maker(tmp_path / "dialer.db")
    campaign = made.campaign("reminders")
    for person in range(2000):
        made.contact(campaign, f"p{person}")
    made.db.close()
    whole = (tmp_path / "dialer.db").read_bytes()
    (tmp_path / "dialer.db").write_bytes(whole[: len(whole) // 2] + b"\xff" * (len(whole) // 2))
    with open_reader(tmp_path / "dialer.db") as reader, pytest.raises(LedgerError, match="cannot be read"):
        list(reader.results(campaign))


def test_an_unknown_campaign_is_told_with_those_that_are_there(tmp_path: Path) -> None:
    sample(tmp_path / "dialer.db")
    with open_reader(tmp_path / "dialer.db") as reader, pytest.raises(UsageError, match="it has: reminders, empty"):
        reader.find("remindres")


# --- a folder that may not be written ---

NOBODY = 65534
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


@contextlib.contextmanager
def _as_nobody() -> Iterator[None]:
    os.setresuid(NOBODY, NOBODY, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)


@pytest.fixture
def readable() -> Iterator[Path]:
    """A folder that all may read and only its owner may write."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@as_root
@pytest.mark.parametrize("at_work", [False, True])
def test_a_ledger_in_a_folder_of_another_user_is_read(readable: Path, at_work: bool) -> None:
    made = sample(readable / "dialer.db")
    if not at_work:
        made.db.close()
    for file in readable.iterdir():
        file.chmod(0o644)
    with _as_nobody(), open_reader(readable / "dialer.db") as reader:
        assert sum(reader.counts(REMINDERS).values()) == 9


@as_root
def test_changes_that_cannot_be_seen_are_not_passed_over(readable: Path, tmp_path: Path) -> None:
    made = sample(tmp_path / "dialer.db")
    for name in ("dialer.db", "dialer.db-wal"):  # as after a crash and a reboot: the shared file is gone
        (readable / name).write_bytes((tmp_path / name).read_bytes())
    made.db.close()
    with _as_nobody(), pytest.raises(LedgerError, match=r"dialer\.db-wal together"):
        open_reader(readable / "dialer.db")


@as_root
def test_a_ledger_that_may_not_be_read_is_told(readable: Path) -> None:
    sample(readable / "dialer.db").db.close()
    (readable / "dialer.db").chmod(0o600)
    with _as_nobody(), pytest.raises(LedgerError, match="may not be read by this user"):
        open_reader(readable / "dialer.db")
