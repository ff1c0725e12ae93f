"""The help texts, their examples, and how arguments are read."""

from __future__ import annotations

import json
import math
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

import dialer
from dialer.cli import _with_wait
from dialer.cli.app import app
from dialer.cli.running import options
from dialer.errors import UsageError
from tests.command_line import ROOT, campaign, process, taken_in, told

pytestmark = pytest.mark.slow

GROUP: Any = typer.main.get_command(app)
COMMANDS = sorted(GROUP.commands)
HEAVY = ("pandas", "sqlite_utils", "pyarrow", "phonenumbers", "httpx", "starlette", "holidays")


def examples(epilog: str) -> list[str]:
    """The command lines at the end of a help text."""
    return re.findall(r"^\[dim\]\$\[/dim\] (.+)$", epilog, re.MULTILINE)


INNER = sorted(f"{name} {one}" for name in COMMANDS for one in getattr(GROUP.commands[name], "commands", ()))
"""The commands of the groups: `webhooks list`."""


def command_of(name: str) -> Any:
    """A command by its words, '' for all of them."""
    found = GROUP
    for word in name.split():
        found = found.commands[word]
    return found


EXAMPLES = sorted({line for name in (*COMMANDS, *INNER) for line in examples(command_of(name).epilog)})


def parsed(arguments: list[str]) -> dict[str, Any]:
    """What a command would be given; a fault of the line is an exception."""
    name, *rest = _with_wait(arguments)
    while rest and f"{name} {rest[0]}" in INNER:
        name, *rest = f"{name} {rest[0]}", *rest[1:]
    context = command_of(name).make_context(f"dialer {name}", rest)
    return dict(context.params)


def test_the_commands_are_those_that_are_promised() -> None:
    promised = (
        "requeue run settle check status export init schema simulator pause "
        "resume cancel pace backup webhooks unknown rules why plan purge call dnc history"
    )
    assert sorted(promised.split()) == COMMANDS


@pytest.mark.parametrize("name", ["", *COMMANDS, *INNER])
def test_help_fits_a_terminal_and_ends_with_examples(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    shown = told(capsys, *name.split(), "--help")
    assert shown.code == 0
    lines = shown.out.rstrip().splitlines()
    assert max(map(len, lines)) <= 80
    _, ending = shown.out.split("Examples")
    wanted = examples(command_of(name).epilog or app.registered_callback.epilog)  # type: ignore[union-attr,arg-type]
    told_examples = [line.strip().removeprefix("$ ") for line in ending.splitlines() if line.strip()]
    assert wanted
    assert told_examples == wanted
    assert told(capsys, *name.split(), "-h").out == shown.out


@pytest.mark.parametrize("line", EXAMPLES)
def test_the_examples_are_commands(line: str) -> None:
    words = shlex.split(line.split(" > ")[0])
    assert words[0] == "dialer"
    parsed(words[1:])


@pytest.mark.parametrize(
    ("arguments", "wait", "campaigns"),
    [
        (["run", "a.yaml"], None, ["a.yaml"]),
        (["run", "a.yaml", "--wait"], math.inf, ["a.yaml"]),
        (["run", "--wait", "a.yaml"], math.inf, ["a.yaml"]),
        (["run", "--wait", "2h", "a.yaml"], 7200.0, ["a.yaml"]),
        (["run", "a.yaml", "--wait", "90s", "b.yaml"], 90.0, ["a.yaml", "b.yaml"]),
        (["run", "a.yaml", "--wait=1d"], 86400.0, ["a.yaml"]),
        (["run", "a.yaml", "--wait", "--quiet"], math.inf, ["a.yaml"]),
    ],
)
def test_wait_may_have_a_length(arguments: list[str], wait: float | None, campaigns: list[str]) -> None:
    given = parsed(arguments)
    assert [str(path) for path in given["campaigns"]] == campaigns
    assert options(None, None, None, False, given["wait"], "30s", "0s").wait == wait


def test_lengths_of_time_are_told_by_their_option() -> None:
    asked = options("2h", 5, "ann", True, None, "45s", "5m")
    assert (asked.max_runtime, asked.max_calls, asked.only, asked.yes) == (7200.0, 5, "ann", True)
    assert (asked.grace, asked.retry_lock, asked.dials) == (45.0, 300.0, True)
    with pytest.raises(UsageError, match="--max-runtime: 'soon' is not a length of time"):
        options("soon", None, None, False, None, "30s", "0s")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["dial"], "No such command 'dial'"),
        (["run"], "Missing argument"),
        (["run", "a.yaml", "--fast"], "No such option"),
        (["run", "a.yaml", "--max-calls", "0"], "--max-calls"),
        (["run", "a.yaml", "--max-runtime", "soon"], "--max-runtime: 'soon' is not a length of time"),
        (["run", "a.yaml", "--log-format", "xml"], "--log-format: 'xml' is neither text nor json"),
        (["status"], "name a campaign file, or the ledger with --ledger FILE or DIALER_LEDGER"),
        (["pause"], "name a campaign file, or --all with --ledger"),
        (["export", "a.yaml"], "Missing option"),
        (["pace", "a.yaml"], "say what is to change: --calls-per-second, --concurrent-calls, or both"),
        (["pace", "a.yaml", "--calls-per-second", "0"], "--calls-per-second: '0' is too little"),
        (["pace", "a.yaml", "--calls-per-second", "1001"], "'1001' calls a second are more than 1000 (write fewer)"),
        (["pace", "a.yaml", "--concurrent-calls", "many"], "--concurrent-calls: 'many' is neither a whole number"),
        (["unknown", "list"], "name a campaign file, or the ledger with --ledger FILE or DIALER_LEDGER"),
        (["unknown", "mark", "P-1"], "Missing argument"),
        (["unknown", "mark", "P-1", "dialled", "--ledger", "a.db"], "'dialled' is none of placed, not-placed, done"),
    ],
)
def test_wrong_usage_is_told(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DIALER_LEDGER", raising=False)
    result = told(capsys, *arguments)
    assert result.code == 2
    assert words in result.err
    assert "Traceback" not in result.err


def test_a_wrong_instant_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = campaign(tmp_path)
    taken_in(path)
    for text, words in (("yesterday", "is not an instant"), ("2026-11-22T09:00", "has no offset; write it as")):
        result = told(capsys, "export", path, "--since", text, "-o", tmp_path / "r.csv")
        assert (result.code, f"--since: '{text}' {words}" in result.err) == (2, True)


def test_version_and_nothing_at_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, "--version").out == f"dialer {dialer.__version__}\n"
    nothing = told(capsys)
    assert "Usage: dialer" in nothing.said
    assert nothing.code in (0, 2)


@pytest.mark.parametrize(
    ("words", "at", "offered"), [("dialer se", 1, "settle"), ("dialer run --max", 2, "--max-calls")]
)
def test_the_shell_completes(
    words: str, at: int, offered: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_DIALER_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(at))
    assert offered in told(capsys).out.split()


def test_the_completion_of_a_shell_can_be_shown() -> None:
    shown = process("--show-completion", "bash", env={"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"})
    assert shown.code == 0
    assert "_DIALER_COMPLETE=complete_bash" in shown.out


def imported_by(*arguments: str | Path) -> list[str]:
    """Which of the heavy libraries a command has imported, in a process of its own."""
    script = (
        "import contextlib, io, json, sys\n"
        "from dialer.cli import _run\n"
        "with contextlib.redirect_stdout(io.StringIO()):\n"
        "    assert _run(sys.argv[1:]) == 0\n"
        f"print(json.dumps([name for name in {HEAVY} if name in sys.modules]))\n"
    )
    command = [sys.executable, "-c", script, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    found: list[str] = json.loads(done.stdout)
    return found


def test_help_and_status_import_nothing_heavy(tmp_path: Path) -> None:
    path = campaign(tmp_path)
    taken_in(path)
    assert imported_by("run", "--help") == []
    assert imported_by("status", path) == []
