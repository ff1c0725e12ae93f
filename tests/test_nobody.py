"""A list of which the rules bar everybody is a fault of the list or the file, and no campaign that is done."""

from __future__ import annotations

from pathlib import Path

import pytest

from dialer.errors import ExitCode
from tests.command_line import TEXT, campaign, told

PACKS = TEXT.replace("  id: id\n", "  id: id\n  postcode: zip\n").replace("rules: none", "RULES")
ASKED = PACKS.replace("RULES", "rules: {purpose: info, packs: [us], consent: ok, yes: [yes]}")
BOTH = pytest.mark.parametrize("command", [("check", "--offline"), ("run",)], ids=["check", "run"])


@BOTH
def test_a_list_of_whom_nobody_consents_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: tuple[str, ...]
) -> None:
    people = "id,phone,name,zip,ok\nA1,+12125550123,Ann,10001,no\nA2,+12125550124,Bob,10001,\n"
    found = told(capsys, command[0], campaign(tmp_path, people, ASKED), *command[1:])
    assert found.code == ExitCode.FILE
    assert "contacts.csv: nobody of the list can be called by the rules as they are, whatever the hour" in found.err
    assert "their consent" in found.err and "(2 of 2)" in found.err


@BOTH
def test_one_who_may_be_called_is_enough(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: tuple[str, ...]
) -> None:
    people = "id,phone,name,zip,ok\nA1,+12125550123,Ann,10001,no\nA2,+12125550124,Bob,10001,yes\n"
    found = told(capsys, command[0], campaign(tmp_path, people, ASKED), *command[1:])
    assert found.code in (ExitCode.OK, ExitCode.WORK_REMAINS)


@BOTH
def test_a_consent_that_all_need_and_nothing_tells_of_is_told_with_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: tuple[str, ...]
) -> None:
    people = "id,phone,name,zip\nA1,+12125550123,Ann,10001\n"
    path = campaign(tmp_path, people, PACKS.replace("RULES", "rules: {purpose: info, packs: [us]}"))
    line = next(at for at, text in enumerate(path.read_text().splitlines(), 1) if text.startswith("rules:"))
    found = told(capsys, command[0], path, *command[1:])
    assert found.code == ExitCode.FILE
    assert f"line {line}" in found.err and "rules.consent: is missing" in found.err and "us-ai-consent" in found.err
