"""Whether a ledger is the one that was last written here: the signs, what follows from them, and how long it holds."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from dialer.errors import LedgerError
from dialer.ledger import Doubt, InlineExecutor, Ledger, opening
from dialer.ledger.backup import backup
from dialer.ledger.control import beside
from dialer.ledger.identity import NOT_STAMPED, Signs, Standing, doubt, is_lost
from dialer.ledger.moments import instant
from tests.ledger_kit import Desk, Wall, campaign_called, desk, forge, row, rows_of

HERE, ELSEWHERE, NOWHERE = (5, 17), (5, 18), (NOT_STAMPED, NOT_STAMPED)
ITSELF = Signs(is_new=False, has_secret=True, place=HERE, written=HERE, standing=Standing(3, 40), noted=Standing(3, 40))
NEW = Signs(is_new=True, has_secret=False, place=HERE, written=NOWHERE, standing=Standing(0, 0), noted=None)
COPIED = "its file is not where it was written last: it was copied, moved or put back"
OLDER = "it is older than the last run here: a backup was put back"
DELETED = "it is new, and its secret was here before it: an earlier ledger was deleted"


# --- the signs ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("signs", "why"),
    [
        (ITSELF, ""),
        (replace(ITSELF, noted=None), ""),
        (replace(ITSELF, noted=Standing(3, 12)), ""),
        (replace(ITSELF, noted=Standing(2, 40)), ""),
        (replace(ITSELF, noted=Standing(3, 41)), OLDER),
        (replace(ITSELF, noted=Standing(4, 40)), OLDER),
        (replace(ITSELF, noted=Standing(4, 12)), OLDER),
        (replace(ITSELF, written=ELSEWHERE), COPIED),
        (replace(ITSELF, written=(6, 17)), COPIED),
        (replace(ITSELF, written=ELSEWHERE, noted=None), COPIED),
        (replace(ITSELF, written=None), "it was made by `backup`"),
        (replace(ITSELF, written=None, noted=None), "it was made by `backup`"),
        (replace(ITSELF, written=NOWHERE, noted=None), ""),
        (replace(ITSELF, written=NOWHERE, noted=Standing(4, 40)), OLDER),
        (NEW, ""),
        (replace(NEW, has_secret=True), DELETED),
        (replace(NEW, has_secret=True, noted=Standing(2, 30)), DELETED),
        (replace(NEW, noted=Standing(0, 0)), ""),
    ],
)
def test_what_the_signs_say(signs: Signs, why: str) -> None:
    assert doubt(signs) == why


@pytest.mark.parametrize(
    ("signs", "lost"),
    [
        (NEW, False),
        (replace(NEW, noted=Standing(0, 0)), False),
        (replace(NEW, noted=Standing(1, 0)), True),
        (replace(NEW, noted=Standing(1, 5), has_secret=True), False),
        (ITSELF, False),
    ],
)
def test_a_ledger_is_lost_where_only_the_lock_tells_of_runs(signs: Signs, lost: bool) -> None:
    assert is_lost(signs) is lost


# --- what is seen of real files ----------------------------------------------------------------------


@contextlib.asynccontextmanager
async def _opened(path: Path, wall: Wall | None = None) -> Any:
    ledger = Ledger.open(path, "run", wall or Wall(), executor=InlineExecutor(), synchronous="OFF")
    try:
        await ledger.start_run("run", ["reminders"])
        yield ledger
    finally:
        await ledger.close()


async def _doubt(path: Path, name: str = "reminders") -> Doubt | None:
    """What a run finds that opens this ledger."""
    async with _opened(path) as ledger:
        bound = await ledger.bind(campaign_called(name, path))
        found: Doubt | None = await ledger.doubt_of(bound.id)
        return found


async def _used(folder: Path) -> Path:
    """A ledger of which a run was made, with one call in it."""
    async with desk(folder, row("ann", 1), row("ben", 2)) as made:
        await made.end(await made.dial("ann"), "user_ended_call")
        await made.ledger.note()
        return made.path


def _copied_over(path: Path) -> None:
    older = path.with_name("older.db")
    older.rename(path)


def _moved(path: Path) -> None:
    copy = path.with_name("copy.db")
    shutil.copy2(path, copy)
    copy.replace(path)


def _written_over(path: Path) -> None:
    path.write_bytes(path.with_name("older.db").read_bytes())


def _backed_up(path: Path) -> None:
    backup(path, path.with_name("made.db"))
    path.write_bytes(path.with_name("made.db").read_bytes())


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda path: None, None),
        (_moved, COPIED),
        (_copied_over, COPIED),
        (_written_over, OLDER),
        (_backed_up, "it was made by `backup`"),
        (os.unlink, DELETED),
    ],
)
async def test_what_was_done_with_the_file_is_seen(tmp_path: Path, change: Any, why: str | None) -> None:
    path = await _used(tmp_path)
    shutil.copy2(path, tmp_path / "older.db")
    async with _opened(path) as ledger:
        await ledger.bind(campaign_called("reminders", path))
    change(path)
    found = await _doubt(path)
    assert (None if found is None else found.why) == why


async def test_ledger_and_secret_gone_is_refused_and_nothing_is_made(tmp_path: Path) -> None:
    path = await _used(tmp_path)
    path.unlink()
    beside(path, "secret").unlink()
    for _ in range(2):
        with pytest.raises(LedgerError, match="tells of earlier runs: put both back from a backup"):
            Ledger.open(path, "run", Wall())
        assert os.listdir(tmp_path) == ["dialer.db.lock"]
    beside(path, "lock").unlink()
    assert await _doubt(path) is None


async def test_a_ledger_whose_folder_is_renamed_is_still_itself(tmp_path: Path) -> None:
    (tmp_path / "before").mkdir()
    path = await _used(tmp_path / "before")
    (tmp_path / "before").rename(tmp_path / "after")
    assert await _doubt(tmp_path / "after" / path.name) is None


# --- how long a doubt holds --------------------------------------------------------------------------


async def test_a_doubt_stays_until_it_is_resolved_for_each_campaign(tmp_path: Path) -> None:
    path = await _used(tmp_path)
    _moved(path)
    assert await _doubt(path) is not None
    found = await _doubt(path)
    assert found is not None
    assert found.has_attempts
    async with _opened(path) as ledger:
        bound = await ledger.bind(campaign_called("reminders", path))
        await ledger.prove(bound.id, "reminders: 0 calls found")
        assert await ledger.doubt_of(bound.id) is None
    assert await _doubt(path) is None
    other = await _doubt(path, "invoices")
    assert other is not None
    assert other.why == COPIED


async def test_each_new_doubt_asks_anew_whatever_the_clock_says(tmp_path: Path) -> None:
    path, wall = await _used(tmp_path), Wall()
    _moved(path)
    async with _opened(path, wall) as ledger:
        bound = await ledger.bind(campaign_called("reminders", path))
        wall.goes_on(days=1)
        await ledger.prove(bound.id, "reminders: 0 calls found")
        assert await ledger.doubt_of(bound.id) is None
    _moved(path)
    assert await _doubt(path) is not None  # the clock was a day ahead when it was proven


async def test_what_is_known_ends_where_the_first_open_doubt_began(tmp_path: Path) -> None:
    """Put back, and copied again before the platform was asked: the time before the first of these is meant."""
    path = await _used(tmp_path)
    _moved(path)
    first = await _doubt(path)
    wall = Wall()
    wall.goes_on(days=3)
    async with _opened(path, wall) as ledger:
        await ledger.pause("reminders", "pause", "", None, "a person")
    _moved(path)
    async with _opened(path, wall) as ledger:
        bound = await ledger.bind(campaign_called("reminders", path))
        again = await ledger.doubt_of(bound.id)
    assert first is not None
    assert again is not None
    assert again.known_until == first.known_until


# --- the note ----------------------------------------------------------------------------------------


def _noted(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(beside(path, "lock").read_bytes())
    return found


def _standing(path: Path) -> tuple[int, int]:
    [found] = rows_of(
        path, "SELECT (SELECT fence FROM ledger) AS fence, (SELECT COALESCE(MAX(id), 0) FROM events) AS events"
    )
    return found["fence"], found["events"]


async def test_the_note_is_never_ahead_of_the_ledger(tmp_path: Path) -> None:
    async def check(made: Desk) -> None:
        noted = _noted(made.path)
        fence, events = _standing(made.path)
        assert noted["fence"] <= fence
        assert noted["events"] <= events
        await made.ledger.note()
        noted = _noted(made.path)
        assert (noted["fence"], noted["events"]) == _standing(made.path)

    async with desk(tmp_path, row("ann", 1), row("ben", 2), row("cem", 3)) as made:
        await check(made)
        first = await made.dial("ann")
        await check(made)
        await made.hold(first)
        await check(made)
        await made.bring("ben", "done")
        await made.bring("cem", "waiting")
        await check(made)


async def test_a_run_that_was_killed_is_itself_and_its_note_keeps_what_others_noted(tmp_path: Path) -> None:
    path = await _used(tmp_path)
    ledger = Ledger.open(path, "run", Wall(), executor=InlineExecutor())
    await ledger.start_run("run", [])
    await ledger.note(boot="b1", offset=12.5)
    bound = await ledger.bind(campaign_called("reminders", path))
    await ledger.pause("reminders", "pause", "", None, "a person")
    ledger.abandon()
    async with _opened(path) as again:
        assert (again.noted["boot"], again.noted["offset"]) == ("b1", 12.5)
        assert await again.doubt_of(bound.id) is None
    assert _noted(path)["boot"] == "b1"


@pytest.mark.parametrize("note", [b"", b"not json", b"[1, 2]", b'{"fence": "3"}', b'{"fence": 3}'])
async def test_a_note_that_says_nothing_is_no_sign(tmp_path: Path, note: bytes) -> None:
    path = await _used(tmp_path)
    beside(path, "lock").write_bytes(note)
    assert await _doubt(path) is None


@pytest.mark.parametrize("is_shown", [False, True], ids=["by its signs", "by what the platform shows"])
async def test_what_was_known_before_a_doubt_stays_what_it_was_while_the_clock_is_set_back(
    tmp_path: Path, is_shown: bool
) -> None:
    """The doubt arises by a clock that is two hours ahead; what is written down next lies before it, and is no part of
    what was known."""
    path, wall = await _used(tmp_path), Wall()
    known = rows_of(path, "SELECT at FROM events ORDER BY id DESC LIMIT 1")[0]["at"]
    if not is_shown:
        _moved(path)
    wall.goes_on(days=1, hours=2)
    for _ in range(3):  # runs that end before the platform was asked
        async with _opened(path, wall) as ledger:
            bound = await ledger.bind(campaign_called("reminders", path))
            await ledger.pause("reminders", "pause", "", None, "a person")
            if is_shown:
                await ledger.doubt("it shows calls that this ledger does not know")
            wall.goes_on(minutes=-30)
            await ledger.pause("reminders", "resume", "", None, "a person")
            found = await ledger.doubt_of(bound.id)
            assert found is not None and found.known_until == instant(known)


async def test_a_doubt_from_before_the_change_is_told_by_the_time_of_events(tmp_path: Path) -> None:
    path, wall = await _used(tmp_path), Wall()
    _moved(path)
    wall.goes_on(days=1)
    async with _opened(path, wall) as ledger:
        bound = await ledger.bind(campaign_called("reminders", path))
        first = await ledger.doubt_of(bound.id)
        forge(path, "UPDATE ledger SET doubted_event = NULL")
        assert first is not None and await ledger.doubt_of(bound.id) == first


# --- a ledger of before ------------------------------------------------------------------------------


async def test_a_ledger_of_the_first_version_keeps_its_rows_and_is_not_doubted(tmp_path: Path) -> None:
    path = tmp_path / "dialer.db"
    script = resources.files("dialer.ledger").joinpath("migrations", "2026_11_22_founding.sql").read_text("utf-8")
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        for statement in opening._statements(script):
            db.execute(statement)
        db.execute(
            "CREATE TABLE _sqlite_migrations (id INTEGER PRIMARY KEY, migration_set TEXT, name TEXT, applied_at TEXT)"
        )
    at = "2026-11-20T09:00:00.000Z"
    named = (
        "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('dialer', '2026_11_22_founding', ?)"
    )
    forge(path, named, at)
    forge(path, "INSERT INTO ledger (id, created_at, fence, secret_mark) VALUES (1, ?, 4, '')", at)
    forge(path, "INSERT INTO campaigns VALUES (1, 'reminders', 'simulator', 'k', '[]', NULL, NULL, NULL, NULL, ?)", at)
    forge(
        path,
        """INSERT INTO contacts (campaign_id, person, state, attempts, serial, number, data, file, line, import_id,
                                 first_seen_at, updated_at)
           VALUES (1, 'ann', 'done', 1, 1, '+14155550001', '{}', 'people.csv', 2, 1, ?, ?)""",
        at,
        at,
    )
    forge(
        path,
        """INSERT INTO attempts (contact_id, campaign_id, run_id, serial, call_id, number, from_number, state, costs,
                                 payload_hash, intended_at, intent_expires_at)
           VALUES (1, 1, 1, 1, 'an id', '+14155550001', '+14155550100', 'ended', 1, '', ?, ?)""",
        at,
        at,
    )
    beside(path, "secret").write_text("ab" * 32 + "\n")
    for _ in range(2):
        assert await _doubt(path) is None
    sql = "SELECT person, contacts.state, key_mark FROM contacts JOIN attempts ON contacts.id = contact_id"
    [kept] = rows_of(path, sql)
    assert kept == {"person": "ann", "state": "done", "key_mark": ""}
    [place] = rows_of(path, "SELECT device, inode, doubted_at FROM ledger")
    assert (place["inode"], place["doubted_at"]) == (path.stat().st_ino, None)
    _moved(path)
    assert await _doubt(path) is not None
