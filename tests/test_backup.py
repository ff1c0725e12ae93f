"""`backup`: a whole copy of ledger and secret, or nothing; and a copy that knows that it is one."""

from __future__ import annotations

import contextlib
import os
import resource
import sqlite3
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dialer.errors import LedgerError, UsageError
from dialer.ledger import InlineExecutor, Ledger
from dialer.ledger.backup import Copied, backup
from dialer.ledger.control import beside
from tests.command_line import KEY, campaign, taken_in, told
from tests.ledger_kit import Wall, desk, dump, forge, founded, row, rows_of

PLACE = ("device", "inode")


def rows_but_the_place(path: Path) -> dict[str, object]:
    """All of a ledger but where it lies."""
    found: dict[str, object] = {**dump(path, without=["ledger"])}
    (identity,) = rows_of(path, "SELECT * FROM ledger")
    return found | {"ledger": {key: value for key, value in identity.items() if key not in PLACE}}


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """An empty folder for backups."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    return folder


# --- what a copy is ----------------------------------------------------------------------------------


async def test_a_copy_holds_all_that_is_committed_while_a_run_goes_on(tmp_path: Path, shelf: Path) -> None:
    async with desk(tmp_path, row("ann", 1), row("bob", 2), row("cy", 3)) as made:
        await made.dial("ann")
        await made.end(await made.dial("bob"), "user_ended_call")
        with contextlib.closing(sqlite3.connect(made.path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            other.execute("UPDATE contacts SET detail = 'not yet'")
            copied = backup(made.path, shelf / "monday.db")
            other.execute("ROLLBACK")
        assert rows_but_the_place(copied.copy) == rows_but_the_place(made.path)
        await made.dial("cy")
        assert rows_but_the_place(copied.copy) != rows_but_the_place(made.path)
    assert (copied.copy, copied.secret) == (shelf / "monday.db", shelf / "monday.db.secret")
    assert copied.secret.read_bytes() == beside(tmp_path / "dialer.db", "secret").read_bytes()
    assert names(shelf) == ["monday.db", "monday.db.secret"]
    assert (mode(copied.copy), mode(copied.secret)) == (0o600, 0o600)


def test_a_copy_is_one_whole_file_that_knows_that_it_is_a_copy(tmp_path: Path, shelf: Path) -> None:
    ledger = founded(tmp_path / "dialer.db")
    copy = backup(ledger, shelf / "copy.db").copy
    with contextlib.closing(sqlite3.connect(f"{copy.as_uri()}?mode=ro&immutable=1", uri=True)) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert db.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        assert db.execute("SELECT device, inode FROM ledger").fetchall() == [(None, None)]
    assert rows_of(ledger, "SELECT device FROM ledger") != [{"device": None}]


@contextlib.contextmanager
def writing_pairs(ledger: Path) -> Iterator[threading.Event]:
    """Somebody who writes events in pairs, each pair in one transaction, as fast as the disk takes them."""
    begun, stop = threading.Event(), threading.Event()
    failed: list[BaseException] = []

    def write() -> None:
        add = "INSERT INTO events (at, event) VALUES ('2026-11-22T14:00:00.000Z', ?)"
        with contextlib.closing(sqlite3.connect(ledger, isolation_level=None)) as db:
            try:
                while not stop.is_set():
                    db.execute("BEGIN IMMEDIATE")
                    db.execute(add, ("one",))
                    db.execute(add, ("two",))
                    db.execute("COMMIT")
                    begun.set()
            except sqlite3.Error as error:
                failed.append(error)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        assert begun.wait(10)
        yield begun
    finally:
        stop.set()
        thread.join()
    assert failed == []


def test_each_copy_is_of_one_moment_and_holds_nobody_up(tmp_path: Path, shelf: Path) -> None:
    ledger = founded(tmp_path / "dialer.db")
    counts = []
    with writing_pairs(ledger) as progressed:
        for number in range(4):
            copy = backup(ledger, shelf / f"{number}.db").copy
            (found,) = rows_of(copy, "SELECT SUM(event = 'one') AS ones, SUM(event = 'two') AS twos FROM events")
            assert found["ones"] == found["twos"] > 0
            counts.append(found["ones"])
            progressed.clear()
            assert progressed.wait(10)
    assert counts == sorted(set(counts))


def put_back(copied: Copied) -> None:
    """What the command tells to do with a copy."""
    for path in copied.ledger.parent.glob(f"{copied.ledger.name}*"):
        path.unlink()
    copied.copy.rename(copied.ledger)
    copied.secret.rename(beside(copied.ledger, "secret"))


async def test_whoever_opens_a_copy_in_the_ledgers_place_is_told_so(tmp_path: Path, shelf: Path) -> None:
    async with desk(tmp_path, row("ann", 1)) as made:
        await made.dial("ann")
        copied = backup(made.path, shelf / "copy.db")
    put_back(copied)
    ledger = Ledger.open(tmp_path / "dialer.db", "run", Wall(), executor=InlineExecutor(), synchronous="OFF")
    await ledger.close()
    (found,) = rows_of(ledger.path, "SELECT * FROM ledger")
    assert found["doubt"] == "it was made by `backup`"
    assert len(rows_of(ledger.path, "SELECT id FROM attempts")) == 1


# --- how it refuses ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["copy.db", "copy.db.secret", "copy.db-wal", "copy.db-journal"])
def test_nothing_is_overwritten(tmp_path: Path, shelf: Path, name: str) -> None:
    (shelf / name).write_text("mine")
    with pytest.raises(UsageError) as error:
        backup(founded(tmp_path / "dialer.db"), shelf / "copy.db")
    assert str(error.value).startswith(f"{shelf / name} is there already and is not overwritten: name another file")
    assert names(shelf) == [name]
    assert (shelf / name).read_text() == "mine"


def test_a_link_that_leads_nowhere_is_not_followed(tmp_path: Path, shelf: Path) -> None:
    (shelf / "copy.db").symlink_to(tmp_path / "nowhere.db")
    with pytest.raises(UsageError, match="is there already"):
        backup(founded(tmp_path / "dialer.db"), shelf / "copy.db")
    assert not (tmp_path / "nowhere.db").exists()


def spoil(ledger: Path) -> None:
    """Damage that only looking closely shows: an index that has lost its rows."""
    forge(ledger, "INSERT INTO events (at, event, contact_id) VALUES ('2026-11-22T14:00:00.000Z', 'one', 1)")
    with contextlib.closing(sqlite3.connect(ledger, isolation_level=None)) as db:
        db.execute("PRAGMA writable_schema = ON")
        roots = "(SELECT rootpage FROM sqlite_schema WHERE name = '{}')"
        one, other = roots.format("events_by_contact"), roots.format("numbers_by_number")
        db.execute(f"UPDATE sqlite_schema SET rootpage = {other} WHERE name = 'events_by_contact' AND {one} > 0")  # noqa: S608
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def other_secret(ledger: Path) -> None:
    forge(ledger, "UPDATE ledger SET secret_mark = 'of another'")


FAULTS: list[tuple[Callable[[Path], object], str]] = [
    (lambda ledger: ledger.unlink(), "there is no ledger {ledger}"),
    (lambda ledger: ledger.write_bytes(b"no database" * 100), "the ledger {ledger} cannot be read"),
    (lambda ledger: beside(ledger, "secret").unlink(), "{ledger}.secret is missing, and a copy of the ledger without"),
    (lambda ledger: beside(ledger, "secret").write_text("x"), "{ledger}.secret cannot be read as the ledger's secret"),
    (other_secret, "{ledger}.secret is the secret of another ledger: restore the one that belongs to {ledger}"),
    (spoil, "the ledger {ledger} is damaged ("),
]


@pytest.mark.parametrize(("fault", "sentence"), FAULTS)
def test_what_is_no_sound_ledger_gives_no_copy(
    tmp_path: Path, shelf: Path, fault: Callable[[Path], object], sentence: str
) -> None:
    ledger = founded(tmp_path / "dialer.db")
    fault(ledger)
    with pytest.raises(LedgerError) as error:
        backup(ledger, shelf / "copy.db")
    assert str(error.value).startswith(sentence.format(ledger=ledger))
    assert names(shelf) == []


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="its folder does not exist; make it"):
        backup(founded(tmp_path / "dialer.db"), tmp_path / "none" / "copy.db")


def test_a_disk_without_room_leaves_nothing_behind(tmp_path: Path, shelf: Path) -> None:
    ledger = founded(tmp_path / "dialer.db")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (ledger.stat().st_size // 2, hard))
    try:
        with pytest.raises(LedgerError) as error:
            backup(ledger, shelf / "copy.db")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "could not be copied to" in str(error.value)
    assert "see to it that there is room" in str(error.value)
    assert names(shelf) == []


# --- how it gets its name ----------------------------------------------------------------------------


def test_it_is_on_disk_and_looked_over_before_it_has_its_name(
    tmp_path: Path, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[tuple[str, int]] = []
    fsync, link = os.fsync, os.link

    def synced(descriptor: int) -> None:
        fsync(descriptor)
        done.append(("on disk", os.fstat(descriptor).st_ino))

    def linked(draft: Path, path: Path) -> None:
        link(draft, path)
        done.append((f"named {Path(path).name}", os.stat(path).st_ino))

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "link", linked)
    copied = backup(founded(tmp_path / "dialer.db"), shelf / "copy.db")
    secret, copy, folder = copied.secret.stat().st_ino, copied.copy.stat().st_ino, shelf.stat().st_ino
    in_order = [("on disk", secret), ("named copy.db.secret", secret), ("named copy.db", copy), ("on disk", folder)]
    assert [step for step in done if step in in_order] == in_order
    assert done.index(("on disk", copy)) < done.index(("named copy.db.secret", secret))


def test_a_name_that_another_has_taken_meanwhile_is_left_to_them(
    tmp_path: Path, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = os.link

    def late(draft: Path, path: Path) -> None:
        if Path(path).name == "copy.db":
            Path(path).write_text("another's")
        link(draft, path)

    monkeypatch.setattr(os, "link", late)
    with pytest.raises(UsageError, match=r"copy\.db is there already"):
        backup(founded(tmp_path / "dialer.db"), shelf / "copy.db")
    assert names(shelf) == ["copy.db"]
    assert (shelf / "copy.db").read_text() == "another's"


def test_a_disk_that_knows_no_second_names(tmp_path: Path, shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(draft: Path, path: Path) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refused)
    ledger = founded(tmp_path / "dialer.db")
    copied = backup(ledger, shelf / "copy.db")
    assert names(shelf) == ["copy.db", "copy.db.secret"]
    assert rows_but_the_place(copied.copy) == rows_but_the_place(ledger)


# --- the command -------------------------------------------------------------------------------------


def test_the_command_says_how_a_copy_is_put_back(
    tmp_path: Path, shelf: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = campaign(tmp_path)
    taken_in(path)
    result = told(capsys, "backup", shelf / "copy.db", path)
    assert (result.code, result.err) == (0, "")
    assert result.out == (
        f"wrote {shelf}/copy.db and {shelf}/copy.db.secret: to restore them while nothing runs, move dialer.db, "
        "dialer.db-wal and dialer.db-shm away and put the two in place as dialer.db and dialer.db.secret; the next run "
        "asks the platform about later calls before it dials anybody\n"
    )
    assert told(capsys, "backup", shelf / "other.db", "--ledger", tmp_path / "dialer.db").code == 0
    assert KEY not in result.said
    assert rows_but_the_place(shelf / "copy.db") == rows_but_the_place(shelf / "other.db")
    again = told(capsys, "backup", shelf / "copy.db", path)
    assert (again.code, again.out) == (2, "")
    assert again.err == (
        f"dialer: {shelf}/copy.db is there already and is not overwritten: name another file, or move it away first\n"
    )


def test_a_ledger_must_be_named(
    shelf: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DIALER_LEDGER", raising=False)
    result = told(capsys, "backup", shelf / "copy.db")
    assert (result.code, "name a campaign file, or the ledger with --ledger FILE" in result.err) == (2, True)
    missing = told(capsys, "backup", shelf / "copy.db", "--ledger", shelf / "none.db")
    assert (missing.code, missing.err.startswith(f"dialer: there is no ledger {shelf}/none.db")) == (74, True)
    assert names(shelf) == []
