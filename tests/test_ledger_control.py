"""Who may write a ledger, and how others ask the one who does: the lock and the spool."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dialer.errors import ExitCode, LedgerError, LedgerHeld
from dialer.ledger import Ledger, control
from dialer.ledger.control import beside, is_held, take_lock
from tests.ledger_kit import ROOT, Wall

SINCE = "2026-11-22T09:00:00.000Z"

_HOLDER = """
import sys
from pathlib import Path
from dialer.ledger.control import take_lock
lock = take_lock(Path(sys.argv[1]), "run", sys.argv[2])
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def holder(ledger: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the ledger's lock until its standard input is closed."""
    command = [sys.executable, "-c", _HOLDER, str(ledger), SINCE]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


# --- the lock ----------------------------------------------------------------------------------------


def test_a_second_process_is_told_who_holds_the_ledger_until_that_one_is_killed(tmp_path: Path) -> None:
    ledger = tmp_path / "dialer.db"
    with holder(ledger) as process:
        assert is_held(ledger)
        with pytest.raises(LedgerHeld) as error:
            Ledger.open(ledger, "run", Wall())
        assert error.value.code is ExitCode.HELD
        for words in (str(ledger), "`run`", f"pid {process.pid}", socket.gethostname(), SINCE):
            assert words in str(error.value)
        assert is_held(ledger)
        assert not ledger.exists()
        process.send_signal(signal.SIGKILL)
        assert process.wait(10) == -signal.SIGKILL
        assert not is_held(ledger)
        take_lock(ledger, "run", SINCE).release()


def test_a_lock_is_held_from_taking_to_release(tmp_path: Path) -> None:
    ledger = tmp_path / "dialer.db"
    assert not is_held(ledger)
    lock = take_lock(ledger, "run", SINCE)
    assert is_held(ledger)
    with pytest.raises(LedgerHeld, match=f"pid {os.getpid()}"):
        take_lock(ledger, "settle", SINCE)
    lock.release()
    lock.release()
    assert not is_held(ledger)
    with pytest.raises(LedgerHeld, match="`settle`"):
        _held_twice(ledger)


def _held_twice(ledger: Path) -> None:
    lock = take_lock(ledger, "settle", SINCE)
    try:
        take_lock(ledger, "run", SINCE)
    finally:
        lock.release()


@pytest.mark.parametrize("note", [b"", b"{", b"[]", b'{"pid": 1}', b"null"])
def test_a_holder_that_has_not_written_its_name_yet_is_still_a_holder(tmp_path: Path, note: bytes) -> None:
    ledger = tmp_path / "dialer.db"
    beside(ledger, "lock").write_bytes(note)
    descriptor = os.open(beside(ledger, "lock"), os.O_RDWR)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    with pytest.raises(LedgerHeld, match="has not yet said who it is"):
        take_lock(ledger, "run", SINCE)
    os.close(descriptor)


def test_the_note_of_one_who_is_gone_is_replaced(tmp_path: Path) -> None:
    ledger = tmp_path / "dialer.db"
    beside(ledger, "lock").write_text("x" * 5000)
    lock = take_lock(ledger, "run", SINCE)
    with pytest.raises(LedgerHeld, match="`run` with pid"):
        take_lock(ledger, "run", SINCE)
    lock.release()


def test_a_lock_that_cannot_be_made_is_told_with_its_folder(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match=r"nowhere/dialer\.db\.lock cannot be made .*must exist and be writable"):
        take_lock(tmp_path / "nowhere" / "dialer.db", "run", SINCE)
    assert not is_held(tmp_path / "nowhere" / "dialer.db")


# --- the spool ---------------------------------------------------------------------------------------


def spool(ledger: Path) -> Path:
    return beside(ledger, "spool")


def test_a_request_is_answered_once(tmp_path: Path) -> None:
    ledger = tmp_path / "dialer.db"
    assert list(control.requests(ledger)) == []
    facts = {"campaign": "reminders", "why": "wrong list – Grüße", "until": None}
    name = control.ask(ledger, "pause", facts)
    assert control.take_answer(ledger, name) is None
    (request,) = control.requests(ledger)
    assert (request.name, request.verb, dict(request.facts)) == (name, "pause", facts)
    control.answer(ledger, request, "reminders is paused")
    assert list(control.requests(ledger)) == []
    assert control.take_answer(ledger, name) == "reminders is paused"
    assert control.take_answer(ledger, name) is None
    assert list(spool(ledger).iterdir()) == []


def test_the_spool_is_its_owners_alone(tmp_path: Path) -> None:
    ledger = tmp_path / "dialer.db"
    name = control.ask(ledger, "pause", {})
    assert stat.S_IMODE(spool(ledger).stat().st_mode) == 0o700
    assert stat.S_IMODE((spool(ledger) / f"{name}.request").stat().st_mode) == 0o600


def test_requests_come_in_the_order_in_which_they_were_asked(tmp_path: Path) -> None:
    ledger = tmp_path / "dialer.db"
    names = [control.ask(ledger, "pause", {"n": n}) for n in range(10)]
    for second, name in enumerate(names):
        os.utime(spool(ledger) / f"{name}.request", (second, second))
    assert [request.facts["n"] for request in control.requests(ledger)] == list(range(10))


def test_what_is_torn_or_not_ours_is_passed_over_and_the_rest_is_heard(tmp_path: Path) -> None:
    ledger = tmp_path / "dialer.db"
    name = control.ask(ledger, "resume", {"campaign": "reminders"})
    folder = spool(ledger)
    for number, content in enumerate(
        (b"", b'{"verb": "pau', b"[]", b'{"verb": "x"}', b'{"verb": 1, "facts": 2}', b"\xff")
    ):
        (folder / f"{number}.request").write_bytes(content)
    # A request that is whole but has not got its name yet belongs to the one who writes it.
    (folder / ".draft.request").write_bytes(b'{"verb": "pause", "facts": {}}')
    (folder / "notes.txt").write_text("mine")
    (folder / "a-folder.request").mkdir()
    # What is taken back between the listing and the reading looks like this: a name with nothing behind it.
    (folder / "gone.request").symlink_to(folder / "nothing")
    assert [request.name for request in control.requests(ledger)] == [name]


def test_a_request_that_nobody_has_taken_is_taken_back_once(tmp_path: Path) -> None:
    ledger = tmp_path / "dialer.db"
    name = control.ask(ledger, "cancel", {"campaign": "reminders"})
    assert control.take_back(ledger, name)
    assert not control.take_back(ledger, name)
    assert list(control.requests(ledger)) == []


def test_an_answered_request_cannot_be_taken_back(tmp_path: Path) -> None:
    ledger = tmp_path / "dialer.db"
    name = control.ask(ledger, "cancel", {"campaign": "reminders"})
    (request,) = control.requests(ledger)
    control.answer(ledger, request, "done")
    assert not control.take_back(ledger, name)
    assert control.take_answer(ledger, name) == "done"


def test_one_who_was_killed_while_answering_does_not_keep_the_next_from_it(tmp_path: Path) -> None:
    ledger = tmp_path / "dialer.db"
    name = control.ask(ledger, "pause", {"campaign": "reminders"})
    (spool(ledger) / f".{name}.answer").write_text('{"sentence": "reminders is pau' + "x" * 200)
    (request,) = control.requests(ledger)
    control.answer(ledger, request, "reminders is paused")
    assert control.take_answer(ledger, name) == "reminders is paused"


def test_an_answer_outlives_the_one_who_gave_it(tmp_path: Path) -> None:
    """Answered, and killed before the request was taken away: it is not lost, and may be answered again."""
    ledger = tmp_path / "dialer.db"
    name = control.ask(ledger, "pause", {"campaign": "reminders"})
    (request,) = control.requests(ledger)
    kept = (spool(ledger) / f"{name}.request").read_bytes()
    control.answer(ledger, request, "reminders is paused")
    (spool(ledger) / f"{name}.request").write_bytes(kept)
    (again,) = control.requests(ledger)
    control.answer(ledger, again, "reminders is paused, still")
    assert control.take_answer(ledger, name) == "reminders is paused, still"
