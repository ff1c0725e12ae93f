"""`check` looks at the ledger as well: what would stop `run` later is told before."""

from __future__ import annotations

from pathlib import Path

import pytest

from dialer.errors import ExitCode
from tests.command_line import campaign, change, on_platform, people_of, taken_in, told


def test_a_ledger_that_is_no_database_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = campaign(tmp_path)
    (tmp_path / "dialer.db").write_text("this is a letter, and not a database at all, whatever its name\n" * 20)
    found = told(capsys, "check", path, "--offline")
    assert found.code == ExitCode.FILE
    assert "ledger: " in found.err and "dialer.db" in found.err


def test_a_ledger_that_cannot_be_made_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = campaign(tmp_path)
    change(path, "ledger: dialer.db", "ledger: nowhere/dialer.db")
    found = told(capsys, "check", path, "--offline")
    assert found.code == ExitCode.FILE
    assert "its folder must exist and be writable" in found.err


def test_a_list_of_another_platform_is_told_and_nothing_is_changed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = campaign(tmp_path)
    taken_in(path)
    before = people_of(tmp_path / "dialer.db")
    on_platform(path, "http://127.0.0.1:9", "API_other")
    found = told(capsys, "check", path, "--offline")
    assert found.code == ExitCode.FILE
    assert "was dialled on simulator" in found.err and "another ledger" in found.err
    assert people_of(tmp_path / "dialer.db") == before


def test_a_known_campaign_is_in_order(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = campaign(tmp_path)
    taken_in(path)
    assert told(capsys, "check", path, "--offline").code == ExitCode.OK


def test_doubles_are_counted_as_the_import_counts_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    people = (
        "id,phone,home,name\n"
        "A1,+14155550123,+14155550124,Ann\n"
        "A1,+14155550125,,Ann again\n"
        "A2,+14155550124,,Bob with Ann's second number\n"
        "A3,+14155550126,12,Cy with one bad number\n"
    )
    path = campaign(tmp_path, people)
    change(path, "  phone: phone\n", "  phone: [phone, home]\n")
    found = told(capsys, "check", path, "--offline")
    imported = taken_in(path)
    assert imported is not None
    assert (imported.good, imported.rejected) == (2, 2)
    assert f"{imported.good} people can be dialled, {imported.rejected} rejects." in found.out
