"""Mistakes in a file or on a command line are told with the key or option that has them."""

from __future__ import annotations

from pathlib import Path

import pytest

from dialer.errors import ExitCode
from tests.campaign_files import only, small
from tests.command_line import TEXT, campaign, taken_in, told


def test_a_key_of_hours_that_is_written_wrong_is_told_as_one(tmp_path: Path) -> None:
    problem = only(tmp_path, small("", "hours: {daily: [09:00-20:00], nton: [2026-12-24]}"))
    assert "'nton' is no key of hours" in str(problem) and "did you mean not_on?" in str(problem)


@pytest.mark.parametrize("key", ["timezone", "debt", "not_before"])
def test_a_column_that_steers_and_is_not_there_is_told_by_its_key(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], key: str
) -> None:
    path = campaign(tmp_path, text=TEXT.replace("  id: id\n", f"  id: id\n  {key}: nowhere\n"))
    found = told(capsys, "check", path, "--offline")
    assert f"contacts.{key} names the column 'nowhere'" in found.err


def test_a_finish_reason_that_there_is_not_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = campaign(tmp_path)
    taken_in(path)
    found = told(capsys, "requeue", path, "--reason", "lin_busy", "--yes")
    assert found.code == ExitCode.USAGE
    assert "no finish reason 'lin_busy'; did you mean line_busy?" in found.err
    assert told(capsys, "requeue", path, "--reason", "line_busy", "--yes").code == 0


def test_a_length_without_its_unit_is_told_with_what_to_write(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = told(capsys, "purge", campaign(tmp_path), "--older-than", "90")
    assert "--older-than: '90' has no unit; write 90s, 90m, 90h or 90d" in found.err


def test_a_wait_that_is_no_length_is_told_as_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = told(capsys, "run", campaign(tmp_path), "--wait", "2x")
    assert found.code == ExitCode.USAGE
    assert "--wait: '2x' is not a length of time" in found.err


def test_one_person_who_is_held_is_told_as_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = TEXT.replace("hours: always", "hours: {daily: [00:00-24:00]}").replace(
        "  id: id", "  id: id\n  timezone: tz"
    )
    people = "id,phone,name,tz\nA1,+14155550123,Ann,Mars/Olympus\nA2,+14155550124,Bob,\n"
    said = told(capsys, "run", campaign(tmp_path, people, text)).err
    assert "1 person is excluded by the rules, or held" in said


@pytest.mark.parametrize(("name", "words"), [("nope.csv", "there is no such file"), ("campaign.yaml", "no list")])
def test_what_is_no_list_makes_no_campaign_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, words: str
) -> None:
    path = campaign(tmp_path).with_name(name)
    found = told(capsys, "init", path)
    assert found.code == ExitCode.FILE
    assert words in found.err and "name the list" in found.err and not found.out
