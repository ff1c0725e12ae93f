"""Making and opening a ledger: what is taken, what is refused and in which words, and the secret beside it."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from dialer.errors import CampaignError, ExitCode, LedgerError
from dialer.ledger import InlineExecutor, Ledger, opening
from dialer.ledger.control import beside, is_held
from dialer.ledger.queries import migration_names
from tests.ledger_kit import ROOT, Desk, Wall, campaign_called, desk, dump, forge, founded, row, rows_of

AT = "2026-11-22T09:00:00.000Z"


async def opened(path: Path) -> bytes:
    """Open and close a ledger as a run does; gives its secret."""
    ledger = Ledger.open(path, "run", Wall(), executor=InlineExecutor())
    await ledger.close()
    return ledger.secret


async def refused(path: Path) -> str:
    """What is said of a ledger that cannot be opened; its lock is free again."""
    with pytest.raises(LedgerError) as error:
        await opened(path)
    assert error.value.code is ExitCode.LEDGER
    assert not is_held(path)
    assert "\n" not in str(error.value)
    return str(error.value)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# --- a new one ---------------------------------------------------------------------------------------


async def test_all_files_of_a_new_ledger_are_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "dialer.db"
    before = os.umask(0)
    try:
        ledger = Ledger.open(path, "run", Wall())
        await ledger.start_run("run", [])
    finally:
        os.umask(before)
    found = {name: mode(tmp_path / name) for name in os.listdir(tmp_path)}
    assert found.keys() >= {"dialer.db", "dialer.db-wal", "dialer.db.lock", "dialer.db.secret"}
    assert set(found.values()) == {0o600}
    await ledger.close()


def test_it_is_in_wal_mode_and_fully_synchronous(tmp_path: Path) -> None:
    with contextlib.closing(opening.open_for_writing(tmp_path / "dialer.db", AT)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
        assert connection.execute("PRAGMA synchronous").fetchone()[0] == 2
        assert not connection.in_transaction


async def test_opening_twice_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "dialer.db"
    secret = await opened(path)
    before = dump(path)
    assert await opened(path) == secret
    assert dump(path) == before
    assert [found["name"] for found in before_names(path)] == list(migration_names())


def before_names(path: Path) -> list[dict[str, object]]:
    return rows_of(path, "SELECT name FROM _sqlite_migrations ORDER BY id")


async def test_a_start_that_was_killed_before_the_schema_stood_is_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "dialer.db"
    path.touch()
    forge(
        path,
        "CREATE TABLE _sqlite_migrations (id INTEGER PRIMARY KEY, migration_set TEXT, name TEXT, applied_at TEXT)",
    )
    await opened(path)
    assert "contacts" in dump(path)


async def test_it_is_closed_and_the_lock_let_go(tmp_path: Path) -> None:
    path = tmp_path / "dialer.db"
    ledger = Ledger.open(path, "run", Wall())
    assert is_held(path)
    await ledger.start_run("run", ["reminders"])
    await ledger.close()
    assert not is_held(path)
    assert not path.with_name("dialer.db-wal").exists()


# --- what is refused ---------------------------------------------------------------------------------


def _text(path: Path) -> None:
    path.write_text("name,phone\nann,+14155550123\n" * 100)


def _cut(path: Path) -> None:
    founded(path)
    path.write_bytes(path.read_bytes()[:9000])


def _foreign(path: Path) -> None:
    path.touch()
    forge(path, "CREATE TABLE recipes (name TEXT)")


def _newer(path: Path) -> None:
    founded(path)
    sql = "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('dialer', '2099_01_01_more', ?)"
    forge(path, sql, AT)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (_text, ["not a database", "name another file under `ledger`"]),
        (_cut, ["malformed", "restore a backup"]),
        (_foreign, ["is a database, but not a ledger of dialer"]),
        (_newer, ["newer version of dialer", "2099_01_01_more"]),
        (Path.mkdir, ["is a folder", "name a file"]),
    ],
)
async def test_a_file_that_is_no_ledger_of_ours_is_refused_and_left_as_it_is(
    tmp_path: Path, make: Callable[[Path], None], said: list[str]
) -> None:
    path = tmp_path / "dialer.db"
    make(path)
    before = path.read_bytes() if path.is_file() else b""
    sentence = await refused(path)
    assert str(path) in sentence
    for words in said:
        assert words in sentence
    assert (path.read_bytes() if path.is_file() else b"") == before


async def test_a_folder_that_is_not_there_or_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder in ("file", "nowhere"):
        sentence = await refused(tmp_path / folder / "dialer.db")
        assert str(tmp_path / folder / "dialer.db.lock") in sentence
        assert "the folder must exist and be writable" in sentence
    assert not (tmp_path / "nowhere").exists()


_AS_NOBODY = """
import os, sys
from datetime import UTC, datetime
from pathlib import Path
from dialer.errors import LedgerError
from dialer.ledger import Ledger
if os.getuid() == 0:
    os.setuid(65534)
for path in sys.argv[1:]:
    try:
        Ledger.open(Path(path), "run", lambda: datetime(2026, 11, 22, tzinfo=UTC))
    except LedgerError as error:
        print(error)
"""


def test_a_folder_and_a_file_that_may_not_be_written_are_told_apart(tmp_path: Path) -> None:
    """In a process of its own, which gives up the rights of root: root may write everywhere."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder, inner = Path(name), Path(name) / "sealed"
        inner.mkdir()
        path = founded(folder / "dialer.db")
        path.chmod(0o444)
        beside(path, "secret").chmod(0o444)
        inner.chmod(0o555)
        folder.chmod(0o777)
        command = [sys.executable, "-c", _AS_NOBODY, str(inner / "dialer.db"), str(path)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
        inner.chmod(0o755)
        sealed, readonly = done.stdout.splitlines()
    assert "dialer.db.lock cannot be made (Permission denied)" in sealed
    assert "readonly" in readonly
    assert "must be writable by this user" in readonly


async def test_what_was_refused_opens_once_it_is_put_right(tmp_path: Path) -> None:
    path = founded(tmp_path / "dialer.db")
    whole = beside(path, "secret").read_bytes()
    beside(path, "secret").write_text("0" * 64)
    forge(path, "UPDATE ledger SET secret_mark = 'anothers'")
    await refused(path)
    beside(path, "secret").write_bytes(whole)
    forge(path, "UPDATE ledger SET secret_mark = ''")
    assert await opened(path) == bytes.fromhex(whole.decode())


# --- older and newer versions ------------------------------------------------------------------------

_BRING_UP = """
import sys
from pathlib import Path
from dialer.ledger import opening
opening.open_for_writing(Path(sys.argv[1]), "2026-11-22T09:00:00.000Z").close()
"""


def bring_up(path: Path, version: Path) -> None:
    """Open a ledger with the dialer that lies in that folder."""
    command = [sys.executable, "-c", _BRING_UP, str(path)]
    done = subprocess.run(command, cwd=version, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
async def test_a_newer_version_brings_a_ledger_up_to_date_and_this_one_then_refuses_it(tmp_path: Path) -> None:
    """The newer version is a copy of this one with a migration more."""
    newer = tmp_path / "newer"
    shutil.copytree(ROOT / "dialer", newer / "dialer", ignore=shutil.ignore_patterns("__pycache__"))
    more = newer / "dialer" / "ledger" / "migrations" / "2099_01_01_more.sql"
    more.write_text("CREATE TABLE more (id INTEGER PRIMARY KEY) STRICT;\nINSERT INTO more VALUES (7);\n")
    async with desk(tmp_path, row("ann", 1)) as made:
        path = made.path
    for _ in range(2):
        bring_up(path, newer)
    assert rows_of(path, "SELECT id FROM more") == [{"id": 7}]
    assert rows_of(path, "SELECT person FROM contacts") == [{"person": "ann"}]
    assert "2099_01_01_more" in await refused(path)


# --- the secret --------------------------------------------------------------------------------------


async def test_the_secret_is_made_once_and_is_a_long_one(tmp_path: Path) -> None:
    path = tmp_path / "dialer.db"
    secret = await opened(path)
    assert len(secret) == 32
    assert bytes.fromhex(beside(path, "secret").read_text()) == secret
    assert mode(beside(path, "secret")) == 0o600
    assert await opened(path) == secret
    assert await opened(tmp_path / "other.db") != secret
    assert secret.hex() not in str(dump(path))


async def _with_an_attempt(folder: Path) -> Desk:
    async with desk(folder, row("ann", 1)) as made:
        await made.dial("ann")
    return made


async def test_without_its_secret_a_ledger_with_attempts_dials_nobody(tmp_path: Path) -> None:
    made = await _with_an_attempt(tmp_path)
    beside(made.path, "secret").unlink()
    sentence = await refused(made.path)
    assert "dialer.db.secret is missing" in sentence
    assert "restore it from a backup" in sentence
    assert not beside(made.path, "secret").exists()


async def test_the_secret_of_another_ledger_is_refused(tmp_path: Path) -> None:
    made = await _with_an_attempt(tmp_path)
    await opened(tmp_path / "other.db")
    shutil.copy(tmp_path / "other.db.secret", beside(made.path, "secret"))
    assert "is the secret of another ledger" in await refused(made.path)


async def test_without_attempts_a_missing_secret_is_made_anew(tmp_path: Path) -> None:
    async with desk(tmp_path, row("ann", 1)) as made:
        path = made.path
    beside(path, "secret").unlink()
    secret = await opened(path)
    assert len(secret) == 32
    assert await opened(path) == secret


@pytest.mark.parametrize("content", [b"", b"\n", b"abcd", b"no hex at all", b"\xff\xfe", b"00" * 31])
async def test_a_secret_that_is_torn_is_never_used(tmp_path: Path, content: bytes) -> None:
    made = await _with_an_attempt(tmp_path)
    beside(made.path, "secret").write_bytes(content)
    forge(made.path, "UPDATE ledger SET secret_mark = ''")
    assert "cannot be read as the ledger's secret" in await refused(made.path)


# --- campaigns and runs ------------------------------------------------------------------------------


async def test_a_campaign_is_bound_to_its_platform(tmp_path: Path) -> None:
    async with desk(tmp_path) as made:
        again = await made.ledger.bind(campaign_called("reminders", made.path))
        assert again.id == made.campaign
        with pytest.raises(CampaignError) as error:
            await made.ledger.bind(campaign_called("reminders", made.path, url="https://api.verbex.ai"))
        assert error.value.code is ExitCode.FILE
        assert "was dialled on simulator" in str(error.value)
        other = await made.ledger.bind(campaign_called("others", made.path, url="https://api.verbex.ai"))
        assert other.id != made.campaign


async def test_a_new_key_is_written_down_and_no_key_ever_stands_in_the_ledger(tmp_path: Path) -> None:
    async with desk(tmp_path) as made:
        await made.ledger.bind(campaign_called("reminders", made.path, key="API_canary7f3a"))
        await made.ledger.bind(campaign_called("reminders", made.path, key="API_canary7f3a"))
        assert [found["event"] for found in made.rows("SELECT event FROM events")] == ["key_changed"]
        assert "API_canary7f3a" not in str(dump(made.path))


async def test_a_learned_limit_is_kept_for_the_next_run(tmp_path: Path) -> None:
    async with desk(tmp_path) as made:
        await made.ledger.remember_lines(made.campaign, 17.5)
        assert (await made.ledger.bind(campaign_called("reminders", made.path))).lines == 17.5


async def test_a_run_is_written_down_from_its_beginning_to_its_end(tmp_path: Path) -> None:
    async with desk(tmp_path) as made:
        second = await made.ledger.start_run("settle", ["reminders", "others"])
        made.wall.goes_on(minutes=5)
        await made.ledger.end_run(75, "due_later")
        first, last = made.rows("SELECT * FROM runs ORDER BY id")
        assert (first["fence"], last["fence"]) == (1, 2)
        assert first["ended_at"] is None
        assert last["id"] == second
        assert (last["command"], last["campaigns"], last["pid"]) == ("settle", '["reminders", "others"]', os.getpid())
        assert (last["started_at"], last["ended_at"]) == (AT, "2026-11-22T09:05:00.000Z")
        assert (last["exit_code"], last["reason"]) == (75, "due_later")
    assert rows_of(made.path, "SELECT fence FROM ledger") == [{"fence": 2}]


@pytest.mark.parametrize(
    ("version", "means"),
    [
        ((3, 36, 9), ": too old, 3.37 or newer is needed"),
        ((3, 37, 0), ": safe with one writer"),
        ((3, 40, 1), ": safe with one writer"),
        ((3, 44, 5), ": safe with one writer"),
        ((3, 44, 6), ", one writer"),
        ((3, 45, 0), ": safe with one writer"),
        ((3, 50, 6), ": safe with one writer"),
        ((3, 50, 7), ", one writer"),
        ((3, 51, 2), ": safe with one writer"),
        ((3, 51, 3), ", one writer"),
        ((3, 53, 0), ", one writer"),
        ((4, 0, 0), ", one writer"),
    ],
)
def test_what_a_version_of_sqlite_means(version: tuple[int, int, int], means: str) -> None:
    words = opening.sqlite_words(version)
    name = ".".join(map(str, version))
    assert words.startswith(f"SQLite {name}{means}")
    assert ("let no other program write the ledger" in words) is ("safe" in means)


def test_the_words_about_sqlite_are_about_this_one() -> None:
    assert opening.sqlite_words().startswith(f"SQLite {sqlite3.sqlite_version}")
