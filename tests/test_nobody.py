"""A list of which the rules bar everybody is a fault of the list or the file, and no campaign that is done."""

from __future__ import annotations

from pathlib import Path

import pytest

from dialer.errors import ExitCode
from tests.command_line import TEXT, campaign, told

pytestmark = pytest.mark.slow

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


def test_check_names_a_few_who_are_held_and_shows_requests_of_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [f"A{n},+1212555012{n},P{n},10001,{'yes' if n == 5 else 'no'}" for n in range(6)]
    text = ASKED + "caps: {per_person: 3 per 7d, per_day: 500}\norder: fresh\nanalysis: true\n"
    path = campaign(tmp_path, "\n".join(["id,phone,name,zip,ok", *rows, ""]), text)
    shown = told(capsys, "check", path, "--offline").out
    assert "1 person can be dialled, 0 rejects." in shown
    assert "(+1212•••0120, +1212•••0121, +1212•••0122, …)" in shown
    assert "to +1212•••0125 from" in shown and "to +1212•••0120" not in shown
    for line in ("  caps: at most 3 rings in 7 days", "  caps.per_day: 500", "  order: fresh", "  analysis: true"):
        assert f"\n{line}" in shown
