"""With which campaigns of the ledger people are shared, as `check` says it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.command_line import TEXT, campaign, people_of, taken_in, told
from tests.ledger_kit import forge

LIST = "id,phone,name\nA1,+14155550123,Ann\nA2,+14155550124,Bob\nA3,+14155550125,Cy\n"
OTHER = "id,phone,name\nB1,+14155550124,Bob\nB2,+14155550125,Cy\nB3,+14155550199,Di\n"


def other(folder: Path) -> Path:
    """Another campaign of the ledger, with a list of its own."""
    (folder / "other.csv").write_text(OTHER)
    path = folder / "other.yaml"
    path.write_text(TEXT.replace("name: reminders", "name: monday").replace("contacts.csv", "other.csv"))
    return path


@pytest.mark.parametrize("is_known", [True, False])
def test_check_says_with_whom_people_are_shared_before_the_first_run_as_after(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], is_known: bool
) -> None:
    path = campaign(tmp_path, LIST)
    taken_in(other(tmp_path))
    if is_known:
        taken_in(path)
    before = people_of(tmp_path / "dialer.db")
    found = told(capsys, "check", path, "--offline")
    assert found.code == 0
    assert "People shared with other campaigns of the ledger, by number: 2 with monday." in found.out
    assert people_of(tmp_path / "dialer.db") == before


@pytest.mark.parametrize("is_known", [True, False])
def test_whoever_left_the_other_list_is_not_shared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], is_known: bool
) -> None:
    path = campaign(tmp_path, LIST)
    taken_in(other(tmp_path))
    if is_known:
        taken_in(path)
    forge(tmp_path / "dialer.db", "UPDATE contacts SET stop = 'withdrawn' WHERE person LIKE 'B%'")
    assert "People shared" not in told(capsys, "check", path, "--offline").out


def test_a_campaign_that_is_alone_is_told_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = campaign(tmp_path, LIST)
    assert "People shared" not in told(capsys, "check", path, "--offline").out
    taken_in(path)
    assert "People shared" not in told(capsys, "check", path, "--offline").out
