"""The README is executed: its files load, its commands run, its tables are those of the code."""

from __future__ import annotations

import configparser
import contextlib
import re
import shlex
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import typer
from rich.console import Console

from dialer.cli import _with_wait
from dialer.cli.app import app
from dialer.config import json_schema, load
from dialer.console.live import view
from dialer.errors import ExitCode
from dialer.export import RESULT_COLUMNS
from dialer.model import ContactState
from dialer.report import LINES, Progress
from tests.command_line import KEY, PEOPLE, ROOT, TEXT, campaign, change, rung, serving, taken_in, told

README = (ROOT / "README.md").read_text()
GROUP: Any = typer.main.get_command(app)
STEERING = {"timezone", "region", "postcode", "consent"}  # said under "Not yet"


def section(heading: str) -> str:
    """What stands under a heading, up to the next one."""
    found = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", README, re.MULTILINE | re.DOTALL)
    assert found, heading
    return found[1]


def blocks(language: str, text: str = README) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def table(heading: str) -> list[list[str]]:
    """The rows of the first table under a heading, without its head."""
    rows = [line.strip("|").split("|") for line in section(heading).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows[2:]]


def parse(line: str) -> None:
    """A command line of the product, as the product reads it; a fault is an exception."""
    words = shlex.split(line.split(" > ")[0])
    if words[1].startswith("--"):
        assert words[1] in {name for parameter in GROUP.params for name in parameter.opts} | {"--install-completion"}
        return
    GROUP.commands[words[1]].make_context("dialer", _with_wait(words[2:]))


def options(command: Any) -> set[str]:
    """The options of a command and of all commands below it."""
    own = {name for parameter in command.params for name in parameter.opts}
    return own.union(*(options(below) for below in getattr(command, "commands", {}).values()))


# --- the two lines, and the commands -----------------------------------------------------------------


def test_the_two_lines_stand_alone() -> None:
    (demo,) = blocks("sh", section("Run the demo"))
    (tests,) = blocks("sh", section("Run the tests"))
    for line in (demo, tests):
        assert line.count("\n") == 1
        assert line.startswith("python3 -m venv .venv && .venv/bin/pip install -q -e ")
    assert demo.strip().endswith(" && .venv/bin/python -m dialer run campaigns/demo.yaml")
    assert tests.strip().endswith("'.[test]' && .venv/bin/python -m pytest")
    assert (ROOT / "campaigns" / "demo.yaml").exists()


def test_every_command_line_is_one() -> None:
    lines = [line for block in blocks("sh") for line in block.splitlines() if line.startswith("dialer ")]
    quoted = [line for line in re.findall(r"`(dialer [^`]+)`", README) if "…" not in line]
    assert len(lines) >= 5
    assert len(quoted) >= 10
    for line in lines + quoted:
        needs = " -o results.csv" if re.fullmatch(r"dialer export \S+ --\w+", line) else ""
        parse(line + needs)


def test_the_table_of_commands_names_them_all() -> None:
    named = [re.sub(r"`dialer (\w+).*", r"\1", command) for command, _ in table("Commands")]
    assert sorted(named) == sorted(GROUP.commands)
    for command, told_options in table("Commands"):
        known = options(GROUP.commands[command.split()[1].strip("`")])
        assert set(re.findall(r"`(--?\w[\w-]*)", told_options)) <= known


def test_the_options_of_run_are_its_options() -> None:
    known = options(GROUP) | {"--help", "--version", "--install-completion"}
    assert set(re.findall(r"(?<![\w-])(--[a-z][a-z-]+[a-z])(?![\w…-])", README)) <= known


@pytest.mark.slow
def test_a_first_campaign_goes_as_it_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VERBEX_API_KEY", KEY)
    Path("contacts.csv").write_text(PEOPLE)
    (block,) = blocks("sh", section("Your own campaign"))
    commands = [shlex.split(line)[1:] for line in block.splitlines() if line.startswith("dialer ")]
    assert [words[0] for words in commands] == ["init", "check", "run", "run", "export"]
    first, *others = commands
    with serving(tmp_path / "rings.jsonl", key=KEY, time_scale=600.0, mix={"user_ended_call": 1.0}) as url:
        assert told(capsys, *first).code == 0
        change(Path("campaign.yaml"), "from: []", 'from: ["+14155550100"]')
        change(Path("campaign.yaml"), "https://api.verbex.ai", url)
        change(Path("campaign.yaml"), "hours: {daily: [09:00-20:00]}", "hours: always")  # tests run at any hour
        ended = [told(capsys, *words).code for words in others]
    assert ended == [0, 75, 0, 0]
    assert rung(tmp_path / "rings.jsonl") == 3
    assert len(Path("results.csv").read_text().splitlines()) == 4


# --- the campaign files ------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [0, 1])
def test_the_campaign_files_load(tmp_path: Path, number: int) -> None:
    (tmp_path / "national.csv").write_text("phone\n")
    path = campaign(tmp_path, text=blocks("yaml")[number])
    assert load(path, {"VERBEX_API_KEY": KEY}).path == path
    assert len(blocks("yaml")) == 2


@pytest.mark.parametrize(
    ("part", "number"),
    [
        ("", 0),
        ("Contacts", 0),
        ("Call", 0),
        ("Platform", 0),
        ("Pace", 0),
        ("Recovery", 0),
        ("Webhooks", 0),
        ("Simulator", 1),
    ],
)
def test_every_key_is_explained(part: str, number: int) -> None:
    schema = json_schema()
    keys = set((schema["$defs"][f"{part}Part"] if part else schema)["properties"]) - STEERING - {"simulator"}
    assert {key for key in keys if not re.search(rf"(^|[ {{]){key}: ?", blocks("yaml")[number], re.MULTILINE)} == set()


def test_a_key_may_come_as_a_credential(tmp_path: Path) -> None:
    (tmp_path / "verbex").write_text(KEY + "\n")
    (tmp_path / "national.csv").write_text("phone\n")
    (written,) = re.findall(r"`api_key: (\$\{file:\$\{[^`]+)`", section("systemd"))
    path = campaign(tmp_path, text=blocks("yaml")[0].replace("${VERBEX_API_KEY}", written))
    assert load(path, {"CREDENTIALS_DIRECTORY": str(tmp_path)}).platform.api_key.reveal() == KEY


# --- tables ------------------------------------------------------------------------------------------


def test_the_exit_codes_are_those_of_the_code() -> None:
    rows = table("Exit codes")
    assert sorted(int(row[0]) for row in rows) == sorted(ExitCode)
    assert all(all(row) for row in rows)


def test_the_columns_are_those_of_export() -> None:
    assert tuple(row[0].strip("`") for row in table("Results")) == RESULT_COLUMNS
    assert ", ".join(ContactState) == ", ".join(table("Results")[3][1].replace(" or ", ", ").split(", "))


def test_the_ledger_is_as_it_is_told(tmp_path: Path) -> None:
    taken_in(campaign(tmp_path))
    with contextlib.closing(sqlite3.connect(tmp_path / "dialer.db")) as db:
        names = {row[0] for row in db.execute("SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')")}
        for query in "".join(blocks("sql")).split(";")[:-1]:
            db.execute(query).fetchall()
    told_names = re.findall(r"Tables: (.+?)\. Views: (.+?)\n", section("The ledger").replace("\n`", " `"), re.DOTALL)
    wanted = set(re.findall(r"`(\w+)`", " ".join(told_names[0])))
    assert wanted == {"campaigns", "contacts", "attempts", "events", "rejects", "runs", "results", "reasons"}
    assert wanted <= names


# --- what is seen ------------------------------------------------------------------------------------

SHOWN = Progress(
    campaign="demo",
    at=datetime(2026, 11, 22, 14, tzinfo=UTC),
    states={"due": 47, "dialing": 20, "waiting": 75, "done": 154, "exhausted": 4},
    outcomes={
        "no_answer": 87,
        "agent_ended_call": 77,
        "user_ended_call": 72,
        "line_busy": 51,
        "voicemail_detected": 23,
        "call_failed": 14,
        "answering_machine_detected": 9,
        "concurrent_call_limit_reached": 5,
        "call_transferred": 2,
        "inactivity_timeout": 2,
        "user_connection_failure": 2,
    },
    rejects=0,
    lines=20,
    line_limit=20,
    rate=20.2,
    rate_limit=25.0,
    binds=LINES,
    seconds_left=15.0,
)


def test_the_live_view_is_drawn_as_it_is_shown() -> None:
    terminal = Console(width=80, color_system=None, legacy_windows=False, file=None)
    with terminal.capture() as drawn:
        terminal.print(view([SHOWN], 80))
    assert [line.rstrip() for line in drawn.get().splitlines()] == blocks("text")[0].splitlines()


# --- cron and systemd --------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_cron_line_works_without_an_environment(tmp_path: Path) -> None:
    (block,) = blocks("crontab")
    line = block.splitlines()[-1]
    moments = line.split(maxsplit=5)
    assert all(re.fullmatch(r"[\d*,/-]+", moment) for moment in moments[:5])
    assert "%" not in line  # a line's end, to cron
    campaign(tmp_path, text=TEXT).rename(tmp_path / "reminders.yaml")
    command = moments[5].replace("/srv/campaigns", str(tmp_path))
    command = command.replace("/srv/dialer/.venv/bin/dialer", f"PYTHONPATH={ROOT} {sys.executable} -m dialer")
    assert command.count("dialer run reminders.yaml --quiet") == 1
    bare = ["env", "-i", "PATH=/usr/bin:/bin", "HOME=/nowhere", "SHELL=/bin/sh", "/bin/sh", "-c", command]
    done = subprocess.run(bare, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert '"reason": "finished"' in (tmp_path / "last-run.json").read_text()
    assert rung(tmp_path / "dialer.db.rings.jsonl") == 3


def test_the_systemd_units_say_what_they_should() -> None:
    service, timer = (configparser.ConfigParser(interpolation=None) for _ in range(2))
    for parser, text in zip((service, timer), blocks("ini"), strict=True):
        parser.optionxform = str  # type: ignore[method-assign,assignment]
        parser.read_string(text)
    assert service["Service"]["SuccessExitStatus"] == str(int(ExitCode.WORK_REMAINS))
    assert service["Service"]["Type"] == "oneshot"
    command = service["Service"]["ExecStart"].split("/")[-1]
    parse(command)
    assert int(service["Service"]["TimeoutStopSec"]) > 30
    assert timer["Install"]["WantedBy"] == "timers.target"
    assert timer["Timer"]["OnCalendar"].startswith("Mon..Fri")


# --- the documents -----------------------------------------------------------------------------------

DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.name))
def test_the_links_of_a_document_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", path.read_text()):
        assert target.startswith("https://") or (path.parent / target).exists(), target


def test_every_dependency_is_accounted_for() -> None:
    listed = re.search(r"^dependencies = \[(.*?)^\]", (ROOT / "pyproject.toml").read_text(), re.MULTILINE | re.DOTALL)
    assert listed
    decisions = (ROOT / "docs" / "decisions.md").read_text().lower()
    for name in re.findall(r'"([A-Za-z-]+)', listed[1]):
        assert re.search(rf"\b{name.lower()}\b", decisions), name


def test_the_changelog_tells_of_this_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text()
    assert "Keep a Changelog" in text
    assert re.search(r"^## \[0\.1\.0\] - 2026-11-22$", text, re.MULTILINE)
