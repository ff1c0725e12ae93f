"""`dialer purge` as a command: what it says, asks and refuses."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from dialer.ledger.control import take_lock
from tests.command_line import campaign as file_of
from tests.command_line import taken_in, told
from tests.ledger_kit import forge, rows_of
from tests.test_purge import bytes_of

pytestmark = pytest.mark.slow


def finished(folder: Path, days: int = 100) -> Path:
    """A campaign whose first person was called so many days ago."""
    path = file_of(folder)
    taken_in(path)
    then = (datetime.now().astimezone() - timedelta(days=days)).isoformat()
    forge(folder / "dialer.db", "UPDATE contacts SET state = 'done', updated_at = ? WHERE person = 'A1'", then)
    return path


def test_the_command_says_who_asks_and_forgets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, ledger = finished(tmp_path), tmp_path / "dialer.db"
    dry = told(capsys, "purge", path, "--older-than", "90d", "--dry-run")
    assert (dry.code, dry.out.splitlines()[0]) == (
        0,
        "reminders: 1 person would be forgotten, with what is known of 0 calls.",
    )
    unasked = told(capsys, "purge", path, "--older-than", "90d")
    assert (unasked.code, "This cannot be undone. Do it? There is no terminal" in unasked.err) == (2, True)
    assert b"14155550123" in ledger.read_bytes()
    done = told(capsys, "purge", "--ledger", ledger, "--older-than", "90d", "--yes")
    assert done.code == 0
    assert "1 person forgotten: no number, data, transcript or record of theirs is left in dialer.db" in done.out
    assert "name a campaign's file to be told" in done.out
    assert b"14155550123" not in bytes_of(ledger)
    again = told(capsys, "purge", path, "--older-than", "90d", "--yes")
    assert (again.code, again.out.splitlines()[0]) == (0, "Nobody will be forgotten.")


def test_a_person_by_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, ledger = finished(tmp_path), tmp_path / "dialer.db"
    done = told(capsys, "purge", path, "--person", "+14155550124", "--yes")
    assert "with what is known of 0 calls; 1 of them would still have been called." in done.out
    assert b"14155550124" not in bytes_of(ledger)
    states = rows_of(ledger, "SELECT state FROM contacts ORDER BY id")
    assert [one["state"] for one in states] == ["done", "excluded", "due"]
    again = told(capsys, "purge", path, "--person", "+14155550124", "--yes")
    assert (again.code, "the ledger knows nobody by +1415•••0124" in again.err) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "say who is to be forgotten: by --older-than 90d, or by --person PERSON"),
        (("--older-than", "90d", "--person", "A1"), "say who is to be forgotten"),
        (("--older-than", "soon"), "--older-than"),
    ],
)
def test_a_wrong_word_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], words: str
) -> None:
    refused = told(capsys, "purge", finished(tmp_path), *arguments, "--yes")
    assert (refused.code, words in refused.err) == (2, True)


def test_not_while_a_run_holds_the_ledger(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = finished(tmp_path)
    lock = take_lock(tmp_path / "dialer.db", "run", "now")
    try:
        held = told(capsys, "purge", path, "--older-than", "90d", "--yes")
    finally:
        lock.release()
    assert (held.code, "is held by another run" in held.err) == (11, True)
    assert b"14155550123" in (tmp_path / "dialer.db").read_bytes()


def test_before_the_first_run_there_is_nothing_to_forget(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    early = told(capsys, "purge", file_of(tmp_path), "--older-than", "90d", "--yes")
    assert (early.code, "there is nothing to forget" in early.err) == (2, True)
    assert not (tmp_path / "dialer.db").exists()


def test_why_somebody_was_forgotten_stands_in_the_event(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = file_of(tmp_path)
    taken_in(path)
    assert told(capsys, "purge", path, "--person", "A1", "--yes", "--why", "asked us to").code == 0
    (event,) = rows_of(
        tmp_path / "dialer.db", "SELECT detail FROM events WHERE event = 'purged' AND contact_id IS NULL"
    )
    assert event["detail"].startswith("1 person by ") and event["detail"].endswith(": asked us to")
