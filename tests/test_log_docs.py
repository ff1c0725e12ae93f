"""docs/log.md has every word that a run can say of itself, and none that it cannot."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from dialer import errors, report
from dialer.errors import DialerError, ExitCode
from dialer.model import ContactState
from dialer.policy.stopping import _RULES
from dialer.runner import dnc, own_call, requests, requeue
from dialer.runner.endings import ending, reason_of

ROOT = Path(__file__).parents[1]
VERBS = ("pause", "resume", "cancel", "mark", requests.PACE, requeue.VERB, own_call.VERB)
PARTS = {part.partition("\n")[0]: part for part in (ROOT / "docs" / "log.md").read_text("utf-8").split("\n## ")}
CALLS = [
    node
    for path in (ROOT / "dialer").rglob("*.py")
    for node in ast.walk(ast.parse(path.read_text("utf-8")))
    if isinstance(node, ast.Call)
]


def documented(part: str, column: int = 0) -> set[str]:
    """What stands in backticks in a column of the table of a part."""
    rows = [line.strip("| ").split(" | ") for line in PARTS[part].splitlines() if line.startswith("|")]
    return {word for row in rows if len(row) > column for word in re.findall(r"`([\w ]+)`", row[column])}


def literals(name: str, place: int) -> Iterator[str]:
    """The texts that are given at a place to what is called so."""
    for call in CALLS:
        called = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        if called.lstrip("_") == name and len(call.args) > place:
            value = call.args[place]
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                yield value.value


def test_what_holds_the_pace_is_there_word_by_word() -> None:
    said = {report.LINES, report.CALLS_PER_SECOND, report.NOTHING_DUE, report.HOURS, report.DAY, report.CAPS}
    said |= {report.LIST_DONE, report.PLATFORM_DOWN, report.SLOWED}
    assert documented("What holds the pace") == said


def test_every_event_is_there() -> None:
    said = {*literals("say", 0), "list_taken", "list_known", "not_confirmed"}
    said = {word for word in said if re.fullmatch(r"[a-z_]+", word)} - {"log"}
    assert documented("Events") == said
    verbs = PARTS["Events"].partition("|")[0]
    assert set(re.findall(r"`(\w+)`", verbs)) == {*VERBS, *dnc.VERBS}


def kinds(kind: type[DialerError]) -> Iterator[type[DialerError]]:
    yield kind
    for one in kind.__subclasses__():
        yield from kinds(one)


def test_every_word_of_the_closing_line_is_there() -> None:
    said = {*literals("StopCause", 1), *literals("mismatched", 0)}
    said |= {f"stop_when_{rule}" for rule in _RULES} | {"stop_when", "invalid_payment", "earlier_calls"}
    said |= {reason_of(kind.__new__(kind)) for kind in kinds(DialerError) if kind.__module__ == errors.__name__}
    for state in ContactState:
        said |= {
            ending(None, {state: 1}, only, is_closed=is_closed, is_day_full=is_day_full)[1]
            for only in (None, "ann")
            for is_closed in (False, True)
            for is_day_full in (False, True)
        }
    assert documented("The closing line", 1) == {*said, "paused"}
    codes = {int(code) for row in PARTS["The closing line"].splitlines() for code in re.findall(r"^\| (\d+)", row)}
    assert codes | {1} == {int(code) for code in ExitCode}
