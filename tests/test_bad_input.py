"""Bad input: one sentence says what, where and what to do; the promised exit code; nothing lost, nobody dialled."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import socket
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from dialer.ledger import opening
from tests.command_line import (
    KEY,
    PEOPLE,
    TEXT,
    Told,
    attempts_of,
    campaign,
    change,
    on_platform,
    people_of,
    process,
    rung,
    serving,
    taken_in,
    told,
)

pytestmark = pytest.mark.slow

Break = Callable[[Path], object]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("prepared")
    taken_in(campaign(folder))
    return folder


@pytest.fixture
def folder(tmp_path: Path, prepared: Path) -> Path:
    """A campaign whose three people are in the ledger, and due."""
    return shutil.copytree(prepared, tmp_path, dirs_exist_ok=True)


def files(folder: Path, *but: str) -> dict[str, bytes]:
    """All that stands in a folder, byte for byte."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file() and path.name not in but}


def assert_plain(result: Told, *words: str) -> None:
    """No traceback, nothing of ours, and all of these words in what stands on standard error."""
    assert "Traceback" not in result.said
    assert "error of ours" not in result.said
    for each in words:
        assert each in result.err, result.err
    assert len(result.err.splitlines()) <= 2, result.err


def assert_untouched(folder: Path) -> None:
    """Everybody is still due, and no telephone has rung."""
    ledger = folder / "dialer.db"
    assert [row[:2] for row in people_of(ledger)] == [("A1", "due"), ("A2", "due"), ("A3", "due")]
    assert attempts_of(ledger) == 0
    assert rung(folder / "dialer.db.rings.jsonl") == 0


# --- the campaign file and the list ------------------------------------------------------------------


def listed(text: str | bytes, name: str = "contacts.csv") -> Break:
    """Another list in the place of the good one."""

    def put(folder: Path) -> None:
        (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        change(folder / "campaign.yaml", "contacts.csv", name)

    return put


def written(text: str) -> Break:
    """Another campaign file."""
    return lambda folder: (folder / "campaign.yaml").write_text(text)


def said(old: str, new: str) -> Break:
    """Other words in the campaign file."""
    return lambda folder: change(folder / "campaign.yaml", old, new)


def to_folder(name: str) -> Break:
    def replace(folder: Path) -> None:
        (folder / name).unlink()
        (folder / name).mkdir()

    return replace


BAD: dict[str, tuple[Break, tuple[str, ...]]] = {
    "no campaign file": (
        lambda folder: (folder / "campaign.yaml").unlink(),
        ("campaign.yaml: 1 problem, nobody was dialled", "there is no such file", "`dialer init contacts.csv`"),
    ),
    "a directory as campaign file": (
        to_folder("campaign.yaml"),
        ("campaign.yaml: 1 problem", "this is a directory", "name the campaign file in it"),
    ),
    "broken YAML": (
        written("name: [reminders\ncontacts: {file: contacts.csv}\n"),
        ("campaign.yaml: 1 problem", "line 1: column 7: a [ is opened here and not closed", "close it"),
    ),
    "an unknown key": (
        said("ledger:", "legder:"),
        ("line 13: legder: there is no such key", "did you mean ledger?"),
    ),
    "a wrong type": (
        said("calls_per_second: 50", "calls_per_second: fast"),
        ("line 12: pace.calls_per_second: 'fast' is not a number", "write it as 2 or 0.5"),
    ),
    "an unset variable": (
        lambda folder: on_platform(folder / "campaign.yaml", "http://127.0.0.1:1", "${DIALER_TEST_NOT_SET}"),
        (
            "line 11: platform.api_key: the environment variable DIALER_TEST_NOT_SET is not set",
            "export DIALER_TEST_NOT_SET=",
        ),
    ),
    "no list": (
        lambda folder: (folder / "contacts.csv").unlink(),
        ("line 3: contacts.file: there is no file 'contacts.csv' in ", "the name is relative to the campaign file"),
    ),
    "a directory as list": (
        to_folder("contacts.csv"),
        ("line 3: contacts.file: 'contacts.csv' is a directory", "name the files in it"),
    ),
    "an empty list": (listed(""), ("contacts.csv: the file is empty", "it needs a header line and rows")),
    "a header and no rows": (
        listed("id,phone,name\n"),
        ("contacts.csv: a header and no rows", "write the list again"),
    ),
    "every row a reject": (
        listed("id,phone,name\nA1,415,Ann\nA2,,Bob\nA3,call me,Cy\n"),
        ("contacts.csv: none of the 3 rows can be dialled", "line 2", "contacts.country in the campaign"),
    ),
    "no column for the number": (
        listed(PEOPLE.replace("phone", "phones")),
        (
            "contacts.csv: the list lacks",
            "contacts.phone names the column 'phone' (did you mean 'phones'?)",
            "id, phones, name",
        ),
    ),
    "damaged Parquet": (
        listed(b"PAR1" + bytes(100) + b"PAR1", "contacts.parquet"),
        ("contacts.parquet: the Parquet file is cut off or damaged", "write it again"),
    ),
    "Parquet by its name alone": (
        listed(PEOPLE, "contacts.parquet"),
        ("contacts.parquet: this is not a Parquet file", "write it again or rename it"),
    ),
}
TAKES_THE_LEDGER = {"a header and no rows", "every row a reject"}
"""What is found only while rows are read: the run has begun by then."""


@pytest.mark.parametrize("what", BAD)
def test_a_bad_file_stops_the_run(folder: Path, capsys: pytest.CaptureFixture[str], what: str) -> None:
    spoil, words = BAD[what]
    spoil(folder)
    before = files(folder)
    result = told(capsys, "run", folder / "campaign.yaml", "--quiet")
    assert result.code == 78
    assert_plain(result, *words)
    if what not in TAKES_THE_LEDGER:
        assert without_shared(files(folder)) == before
    assert re.fullmatch(r"(reminders|campaign) 78 file next=\S+ due=\d live=0 unknown=0", result.out.splitlines()[-1])
    assert_untouched(folder)


def without_shared(found: dict[str, bytes]) -> dict[str, bytes]:
    """SQLite makes the files by which readers share a ledger, and leaves them to the next writer."""
    return {name: content for name, content in found.items() if not name.endswith(("-shm", "-wal"))}


@pytest.mark.parametrize("what", BAD)
def test_check_finds_the_bad_file_and_writes_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str], what: str
) -> None:
    spoil, words = BAD[what]
    spoil(folder)
    before = files(folder)
    result = told(capsys, "check", folder / "campaign.yaml")
    assert result.code == 78
    assert_plain(result, *words)
    assert without_shared(files(folder)) == before


def test_all_errors_of_a_file_are_shown_at_once(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change(folder / "campaign.yaml", "phone: phone", "phoen: phone")
    change(folder / "campaign.yaml", "concurrent_calls: 10", "concurrent_calls: many")
    change(folder / "campaign.yaml", "+14155550100", "0100")
    result = told(capsys, "run", folder / "campaign.yaml", "--quiet")
    assert result.code == 78
    assert "3 problems, nobody was dialled" in result.err
    assert [re.findall(r"line (\d+):", line) for line in result.err.splitlines()[1:]] == [["4"], ["7"], ["12"]]


@pytest.mark.slow
def test_a_bad_file_in_a_process_of_its_own(folder: Path) -> None:
    BAD["broken YAML"][0](folder)
    result = process("run", folder / "campaign.yaml")
    assert result.code == 78
    assert_plain(result, "a [ is opened here and not closed")
    assert_untouched(folder)


# --- the platform ------------------------------------------------------------------------------------


def test_a_wrong_key_is_told_and_nobody_is_dialled(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VERBEX_API_KEY", KEY)
    with serving(tmp_path / "rings.jsonl", key="API_another") as url:
        path = campaign(tmp_path)
        on_platform(path, url)
        taken_in(path, os.environ)
        ran = told(capsys, "run", path, "--quiet")
        checked = told(capsys, "check", path)
    assert (ran.code, checked.code) == (77, 77)
    assert_plain(ran, "Verbex refuses the API key (status 401)", "correct platform.api_key")
    assert ran.out.splitlines()[-1].startswith("reminders 77 key_refused ")
    assert f"{url} refuses the key" in checked.out
    assert "correct platform.api_key" in checked.out
    assert KEY not in ran.said + checked.said
    assert rung(tmp_path / "rings.jsonl") == 0
    assert_untouched(tmp_path)


def test_a_list_of_the_simulator_is_not_finished_on_a_real_platform(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VERBEX_API_KEY", KEY)
    with serving(folder / "other.jsonl") as url:
        on_platform(folder / "campaign.yaml", url)
        result = told(capsys, "run", folder / "campaign.yaml", "--quiet")
    assert result.code == 78
    assert_plain(
        result,
        f"the campaign 'reminders' of this ledger was dialled on simulator, and this file says {url}",
        "give it another name, or another ledger",
    )
    assert rung(folder / "other.jsonl") == 0
    assert_untouched(folder)


def test_a_port_that_is_taken(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = told(capsys, "simulator", "--port", str(port), "--rings", tmp_path / "rings.jsonl")
    assert result.code == 2
    assert_plain(result, f"cannot listen on 127.0.0.1:{port}", os.strerror(errno.EADDRINUSE), "choose another port")


# --- the ledger --------------------------------------------------------------------------------------


def not_a_database(ledger: Path) -> None:
    ledger.write_text("these are the notes of somebody, and no database at all\n" * 100)


def another_database(ledger: Path) -> None:
    ledger.unlink()
    with contextlib.closing(sqlite3.connect(ledger)) as db:
        db.executescript("CREATE TABLE recipes (name TEXT); INSERT INTO recipes VALUES ('soup')")


def newer(ledger: Path) -> None:
    with contextlib.closing(sqlite3.connect(ledger)) as db:
        db.execute("INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('dialer', '2031_x', '')")
        db.commit()


BAD_LEDGERS: dict[str, tuple[Break, tuple[str, ...]]] = {
    "no database": (not_a_database, ("dialer.db", "not an undamaged SQLite database", "restore a backup")),
    "another's database": (another_database, ("dialer.db is a database, but not a ledger of dialer", "name ")),
    "a newer version's": (newer, ("dialer.db comes from a newer version of dialer", "2031_x", "that version")),
}


@pytest.mark.parametrize("command", [["run", "--quiet"], ["settle", "--quiet"], ["pause"], ["status"], ["export"]])
@pytest.mark.parametrize("what", BAD_LEDGERS)
def test_a_bad_ledger_is_left_as_it_is(
    folder: Path, capsys: pytest.CaptureFixture[str], what: str, command: list[str]
) -> None:
    spoil, words = BAD_LEDGERS[what]
    spoil(folder / "dialer.db")
    before = (folder / "dialer.db").read_bytes()
    target = ["-o", str(folder / "results.csv")] if command == ["export"] else []
    result = told(capsys, command[0], folder / "campaign.yaml", *command[1:], *target)
    assert result.code == 74
    assert_plain(result, *words)
    assert (folder / "dialer.db").read_bytes() == before
    assert rung(folder / "dialer.db.rings.jsonl") == 0
    assert not (folder / "results.csv").exists()


def test_an_older_ledger_is_brought_up_to_date_and_not_refused() -> None:
    path = Path("dialer.db")
    assert opening.unfit({"2026_founding"}, {"2026_founding", "2027_later"}, path) is None
    assert "newer version" in (opening.unfit({"2026_founding", "2031_x"}, {"2026_founding", "2027_later"}, path) or "")
    assert "not a ledger" in (opening.unfit(set(), {"2026_founding"}, path) or "")


def test_a_ledger_in_no_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = campaign(tmp_path, text=TEXT.replace("ledger: dialer.db", "ledger: nowhere/dialer.db"))
    result = told(capsys, "run", path, "--quiet")
    assert result.code == 74
    assert_plain(result, f"{tmp_path}/nowhere/dialer.db.lock cannot be made", "the folder must exist and be writable")
    assert not (tmp_path / "nowhere").exists()


NO_MORE_THAN_OTHERS = """\
import ctypes
if os.geteuid() == 0:
    libc = ctypes.CDLL(None)
    for right in (1, 2):  # CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH: root, too, is told what it may not write
        libc.prctl(24, right, 0, 0, 0)
"""


@pytest.mark.slow
@pytest.mark.parametrize("has_ledger", [False, True])
def test_a_folder_that_may_not_be_written(tmp_path: Path, has_ledger: bool) -> None:
    path = campaign(tmp_path)
    if has_ledger:
        taken_in(path)
        (tmp_path / "dialer.db").chmod(0o400)
        (tmp_path / "dialer.db.lock").chmod(0o400)
    before = files(tmp_path)
    tmp_path.chmod(0o500)
    try:
        result = process("run", path, "--quiet", before=NO_MORE_THAN_OTHERS)
    finally:
        tmp_path.chmod(0o700)
    assert result.code == 74
    assert_plain(result, "dialer.db.lock cannot be made (Permission denied)", "the folder must exist and be writable")
    assert files(tmp_path) == before
