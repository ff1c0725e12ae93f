"""`run` and `check` of a campaign that was edited: at a terminal, and where there is none."""

from __future__ import annotations

import os
import re
import signal
import sys
from pathlib import Path

import pytest

from dialer.cli import confirming
from tests.command_line import PEOPLE, Told, attempts_of, campaign, change, people_of, told
from tests.ledger_kit import forge
from tests.terminal_kit import at_terminal

pytestmark = pytest.mark.slow

EDITED = PEOPLE.replace("Bob", "Rob").replace("A3,", "A4,")

SHOWN = """\
reminders: the campaign file says something else than when it was last run
  retry.attempts: 3 → 5
  hours: always → Mon–Fri 09:00–17:00
the list: 1 new, 1 with new data, 1 gone (not dialled any more), 0 back
  A2: name
"""


@pytest.fixture
def edited(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A campaign that was run, nobody answering, and edited since."""
    path = campaign(tmp_path)
    change(path, "mix: {user_ended_call: 1}", "mix: {no_answer: 1}")
    assert told(capsys, "run", path, "--quiet").code == 75
    (tmp_path / "contacts.csv").write_text(EDITED)
    change(path, "hours: always", "hours: {mon-fri: [09:00-17:00]}\nretry: {attempts: 5}")
    return path


def closing(run: Told) -> str:
    return run.out.splitlines()[-1]


def as_it_was(path: Path) -> bool:
    people = people_of(path.parent / "dialer.db")
    return [one[0] for one in people] == ["A1", "A2", "A3"] and {one[1] for one in people} == {"waiting"}


@pytest.mark.slow
@pytest.mark.parametrize("answer", ["n", "", "later", " "], ids=["no", "the end", "another word", "nothing"])
def test_at_a_terminal_it_is_shown_and_nothing_is_changed_without_a_yes(edited: Path, answer: str) -> None:
    run = at_terminal("run", edited, types=answer)
    assert run.code == 75
    assert closing(run).startswith("reminders 75 not_confirmed ")
    assert f"{SHOWN}Go on? [y/N] " in run.err
    assert "nobody has agreed to what has changed: nothing of it was taken in" in run.err
    assert as_it_was(edited)


@pytest.mark.slow
def test_after_a_yes_it_goes_on_and_is_not_asked_again(edited: Path) -> None:
    run = at_terminal("run", edited, types="Y")
    assert run.code == 75
    assert "not_confirmed" not in run.out
    assert "1 new, 1 changed, 1 gone" in run.err
    assert [one[0] for one in people_of(edited.parent / "dialer.db")] == ["A1", "A2", "A3", "A4"]
    assert "Go on?" not in at_terminal("run", edited).err


@pytest.mark.slow
def test_quiet_asks_as_well_and_a_yes_that_was_given_is_not_asked_for(edited: Path) -> None:
    run = at_terminal("run", edited, "--quiet", types="n")
    assert (run.code, run.out, run.err) == (75, "", f"{SHOWN}Go on? [y/N] n\n")
    run = at_terminal("run", edited, "--yes")
    assert "Go on?" not in run.err
    assert re.search(r"campaign.yaml says something else than before: .*hours: always → Mon–Fri 09:00–17:00", run.err)
    assert len(people_of(edited.parent / "dialer.db")) == 4


@pytest.mark.slow
def test_ctrl_c_while_it_is_asked_ends_as_a_signal_does(edited: Path) -> None:
    run = at_terminal("run", edited, types=signal.SIGINT)
    assert run.code == 75
    assert closing(run).startswith("reminders 75 stopped ")
    assert as_it_was(edited)


@pytest.mark.slow
def test_numbers_are_masked_where_they_are_who_people_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = campaign(tmp_path)
    change(path, "  id: id\n", "")
    told(capsys, "run", path, "--quiet")
    (tmp_path / "contacts.csv").write_text(PEOPLE.replace("Bob", "Rob") + "A4,+14155550177,Dan\n")
    change(path, "+14155550100", "+14155550188")
    run = at_terminal("run", path, types="n")
    assert "call.from: +1415•••0100 → +1415•••0188" in run.err
    assert not re.search(r"\+1415555\d", run.err)


def test_without_a_terminal_it_is_printed_and_goes_on(edited: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = told(capsys, "run", edited)
    assert run.code == 75
    assert "campaign.yaml says something else than before: retry.attempts: 3 → 5; hours: always → " in run.err
    assert "1 new, 1 changed, 1 gone, 0 back" in run.err
    assert "rows that say something else: A2: name" in run.err
    assert not as_it_was(edited)


def test_whoever_is_finished_stays_so_however_the_file_is_edited(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = campaign(tmp_path)
    assert told(capsys, "run", path).code == 0
    made = attempts_of(tmp_path / "dialer.db")
    change(path, "hours: always", "hours: {daily: [00:00-24:00]}")
    change(path, "ledger:", "retry: {attempts: 9, no_answer: [1m]}\nledger:")
    change(path, "  id: id\n", "  id: id\n  expires: 90d\n")
    change(path, "  data: [name]\n", "  data: [name]\n  ring: 30s\n")
    (tmp_path / "contacts.csv").write_text(PEOPLE.replace("0124", "0199").replace("Ann", "Anna"))
    assert told(capsys, "run", path).code == 0
    assert attempts_of(tmp_path / "dialer.db") == made


# --- check -------------------------------------------------------------------------------------------


def test_check_shows_what_a_run_would_take_in_and_changes_nothing(
    edited: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = edited.parent / "dialer.db"
    before = ledger.read_bytes()
    shown = told(capsys, "check", edited)
    assert shown.code == 0
    assert "\nWhat a run would take in:\n  " + SHOWN.rstrip().replace("\n", "\n  ") + "\n" in shown.out
    assert ledger.read_bytes() == before


def test_check_says_so_where_nothing_has_changed_and_nothing_before_the_first_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = campaign(tmp_path)
    assert "What a run would take in" not in told(capsys, "check", path).out
    told(capsys, "run", path)
    assert (
        "What a run would take in:\n  Nothing has changed since it was last run.\n" in told(capsys, "check", path).out
    )
    other = tmp_path / "other.yaml"
    other.write_text(path.read_text().replace("name: reminders", "name: others"))
    assert "What a run would take in" not in told(capsys, "check", other).out


# --- who is asked ------------------------------------------------------------------------------------


def test_nothing_is_drawn_over_a_question() -> None:
    drawn: list[str] = []

    class Screen:
        def show(self, progress: object, at: float) -> None:
            drawn.append("view")

        def say(self, event: str, sentence: str, *, level: str = "info", **facts: object) -> None:
            drawn.append(sentence)

        def close(self, code: int = 0) -> None:
            drawn.append("end")

    asker = confirming.Asker()
    console = confirming.Patient(Screen(), asker)
    asker.is_asking = True
    console.show([], 0.0)
    console.say("stopping", "a word")
    asker.is_asking = False
    console.show([], 1.0)
    console.close(0)
    assert drawn == ["a word", "view", "end"]


@pytest.mark.parametrize(
    ("is_terminal", "group", "yes", "asks"),
    [
        (True, os.getpgrp(), False, True),
        (True, os.getpgrp(), True, False),
        (True, os.getpgrp() + 1, False, False),
        (False, os.getpgrp(), False, False),
    ],
    ids=["at a terminal", "--yes", "in the background", "no terminal"],
)
def test_who_is_asked(monkeypatch: pytest.MonkeyPatch, is_terminal: bool, group: int, yes: bool, asks: bool) -> None:
    class Stream:
        def isatty(self) -> bool:
            return is_terminal

        def fileno(self) -> int:
            return 0

    monkeypatch.setattr(sys, "stdin", Stream())
    monkeypatch.setattr(sys, "stderr", Stream())
    monkeypatch.setattr(os, "tcgetpgrp", lambda fd: group)
    assert (confirming.asker(yes=yes) is not None) == asks


# --- who somebody is -----------------------------------------------------------------------------------

TWO = "id,visit,phone,home,name\nA1,V1,+14155550123,+14155550133,Ann\nA2,V2,+14155550124,+14155550134,Bob\n"


@pytest.mark.parametrize(
    ("old", "new", "told_of"),
    [
        ("  id: id\n", "  id: visit\n", "contacts.id: id → visit"),
        ("  id: id\n", "", "contacts.id: id → nothing"),
        ("  phone: phone\n  id: id\n", "  phone: home\n", "contacts.phone: phone → home"),
    ],
)
def test_whoever_was_called_is_not_somebody_else_because_of_another_column(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, told_of: str
) -> None:
    path = campaign(tmp_path, people=TWO)
    change(path, "  id: id\n", "  id: id\n  max_gone: 100%\n")
    assert told(capsys, "run", path).code == 0
    change(path, old, new)
    run = told(capsys, "run", path, "--yes")
    assert run.code == 78
    assert f"{told_of}, and by that 2 people who have been called would be somebody else" in run.err
    assert attempts_of(tmp_path / "dialer.db") == 2
    change(path, new, old) if new else change(path, "  max_gone", "  id: id\n  max_gone")
    assert told(capsys, "run", path).code == 0


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("  id: id\n", "  id: visit\n", 78),
        ("  id: id\n", "", 78),
        ("phone: phone", "phone: [phone, home]", 0),  # they are known by their id all the same
    ],
)
def test_whoever_was_forgotten_is_not_somebody_else_because_of_another_column(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, code: int
) -> None:
    path = campaign(tmp_path, people=TWO)
    change(path, "  id: id\n", "  id: id\n  max_gone: 100%\n")
    assert told(capsys, "run", path).code == 0
    assert told(capsys, "purge", path, "--older-than", "0s", "--yes").code == 0
    change(path, old, new)
    run = told(capsys, "run", path, "--yes")
    assert run.code == code
    assert ("could not be known again, and might be called anew" in run.err) == (code == 78)
    assert attempts_of(tmp_path / "dialer.db") == 2


@pytest.mark.parametrize(
    ("old", "new"), [("  id: id\n", "  id: visit\n"), ("phone: phone\n  id: id\n", "phone: home\n")]
)
def test_whoever_an_older_version_called_is_not_somebody_else_because_of_another_column(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], old: str, new: str
) -> None:
    """What the file said then was not written down."""
    path = campaign(tmp_path, people=TWO)
    change(path, "  id: id\n", "  id: id\n  max_gone: 100%\n")
    assert told(capsys, "run", path).code == 0
    forge(tmp_path / "dialer.db", "UPDATE campaigns SET said = NULL")
    change(path, old, new)
    run = told(capsys, "run", path, "--yes")
    assert run.code == 78
    assert "another column says who people are than at its last run" in run.err
    assert "2 people who have been called would be somebody else" in run.err
    assert attempts_of(tmp_path / "dialer.db") == 2
    change(path, new, old)
    (tmp_path / "contacts.csv").write_text(TWO + "A3,V3,+14155550125,,Cid\n")
    assert told(capsys, "run", path, "--yes").code == 0
    assert attempts_of(tmp_path / "dialer.db") == 3


def test_another_phone_column_where_the_number_is_who_somebody_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = campaign(tmp_path, people=TWO)
    change(path, "  id: id\n", "  max_gone: 100%\n")
    assert told(capsys, "run", path).code == 0
    change(path, "phone: phone", "phone: home")
    run = told(capsys, "run", path, "--yes")
    assert run.code == 78
    assert "contacts.phone: phone → home, and by that 2 people who have been called" in run.err
    assert attempts_of(tmp_path / "dialer.db") == 2


def test_a_column_that_is_only_named_otherwise_is_taken(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = campaign(tmp_path, people=TWO)
    assert told(capsys, "run", path).code == 0
    (tmp_path / "contacts.csv").write_text(TWO.replace("id,visit", "appointment,visit"))
    change(path, "  id: id\n", "  id: appointment\n")
    assert told(capsys, "run", path).code == 0
    assert attempts_of(tmp_path / "dialer.db") == 2


def test_without_a_terminal_nobody_is_freed_before_somebody_has_agreed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = campaign(tmp_path)
    change(path, "hours: always", "hours: {daily: 03:00-03:10}")
    assert told(capsys, "run", path).code == 75
    change(path, "hours: {daily: 03:00-03:10}", "hours: always")
    refused = told(capsys, "run", path)
    assert refused.code == 78
    assert "hours: Mon–Sun 03:00–03:10 → always" in refused.err
    assert "run it once with --yes" in refused.err
    assert attempts_of(tmp_path / "dialer.db") == 0
    assert told(capsys, "run", path).code == 78, "it was not taken in by the way"
    assert told(capsys, "run", path, "--yes").code == 0
    change(path, "rules: none", "rules: {purpose: info, packs: [us], consent: given}")
    assert told(capsys, "run", path).code == 0, "what only holds more people back goes on"
