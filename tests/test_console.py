"""What a run shows: golden texts, and that nothing said escapes the mask."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dialer.console import Console, Level, choose, set_up_logging
from dialer.console.lines import EVENT_KEYS, PROGRESS_KEYS, JsonConsole, QuietConsole, TextConsole
from dialer.console.live import LiveConsole
from dialer.report import LINES, NOTHING_DUE, Progress

NOW = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
HALFWAY = Progress(
    campaign="reminders",
    at=NOW,
    states={"due": 20, "dialing": 20, "waiting": 46, "done": 180, "exhausted": 20, "excluded": 13, "unknown": 1},
    outcomes={"user_ended_call": 143, "no_answer": 61, "line_busy": 22, "llm_websocket_initialization_error": 1},
    rejects=3,
    lines=20,
    line_limit=20,
    rate=5.24,
    rate_limit=10,
    binds=LINES,
    seconds_left=125.4,
    next_due=NOW + timedelta(seconds=192),
)


class Terminal(io.StringIO):
    """A terminal that keeps what was drawn on it."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def drawn(width: int, *progress: Progress, no_color: str = "1") -> str:
    """What stands on a terminal of this width at the end, styles taken out."""
    terminal = Terminal()
    console = LiveConsole(terminal, {"NO_COLOR": no_color}, width=width)
    console.show(progress, 0.0)
    console.close()
    last = terminal.getvalue().split("\x1b[2K")[-1]
    plain = re.sub(r"\x1b\[[\d;?]*[A-Za-z]|\r", "", last)
    return "\n".join(line.rstrip() for line in plain.splitlines())


AT_80 = """\
reminders ━━━━━━━━━━━━━━━━━━━━━━━━╸           213 of 300 · 71 % · 2 min 5 s left
  lines 20 of 20 · calls per second 5.2 of 10 · held by: lines
  due 20 · dialing 20 · 46 waiting, next at 14:03:12 UTC (in 3 min 12 s)
  done 180 · exhausted 20 · excluded 13 · unknown 1 · rejects 3
  user_ended_call                    143 ▬▬▬▬▬▬▬▬▬▬▬▬▬▬▬▬▬▬▬▬▬▬▬▬
  no_answer                           61 ▬▬▬▬▬▬▬▬▬▬▬
  line_busy                           22 ▬▬▬▬
  llm_websocket_initialization_error   1 ▬"""

AT_40 = """\
reminders
━━━━━━━━━━━━━━━━━━━━━━━━━━━━
  213 of 300 · 71 % · 2 min 5 s left
  lines 20 of 20 · calls per second 5.2
  of 10 · held by: lines
  due 20 · dialing 20 · 46 waiting, next
  at 14:03:12 UTC (in 3 min 12 s)
  done 180 · exhausted 20 · excluded 13
  · unknown 1 · rejects 3
  user_ended_call          143
  no_answer                 61
  line_busy                 22
  llm_websocket_initializ…   1"""


def test_the_live_view_at_80_columns() -> None:
    assert drawn(80, HALFWAY) == AT_80


def test_the_live_view_at_40_columns() -> None:
    assert drawn(40, HALFWAY) == AT_40


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_no_line_of_the_live_view_is_wider_than_the_terminal(width: int) -> None:
    long_name = replace(HALFWAY, campaign="x" * 64, states={"waiting": 10**7, "done": 10**7}, seconds_left=None)
    assert max(map(len, drawn(width, long_name, HALFWAY).splitlines())) <= width


def test_the_live_view_of_nobody_and_of_everybody() -> None:
    assert "0 of 0 · 0 %" in drawn(80, replace(HALFWAY, states={}, outcomes={}, seconds_left=0.0))
    assert "300 of 300 · 100 %" in drawn(80, replace(HALFWAY, states={"done": 300}, seconds_left=0.0))


def test_many_outcomes_are_told_as_others() -> None:
    outcomes = {f"reason_{number:02}": 100 - number for number in range(20)}
    told = drawn(80, replace(HALFWAY, outcomes=outcomes))
    assert "reason_07" in told and "reason_08" not in told
    assert re.search(rf"12 others +{sum(100 - number for number in range(8, 20))}", told)


def test_the_live_view_has_colours_unless_they_are_not_wanted() -> None:
    def raw(environ: dict[str, str]) -> str:
        terminal = Terminal()
        console = LiveConsole(terminal, environ, width=80)
        console.show([HALFWAY], 0.0)
        console.close()
        return terminal.getvalue()

    assert "\x1b[36m" in raw({})
    assert not re.search(r"\x1b\[(3|9)\dm", raw({"NO_COLOR": "1"}))


def test_events_stand_above_the_live_view_and_are_masked() -> None:
    terminal = Terminal()
    console = LiveConsole(terminal, {}, width=80)
    console.show([HALFWAY], 0.0)
    console.say("held", "the fate of +14155550123 is open [red]", level="warning", number="+14155550123")
    console.show([HALFWAY], 0.25)
    console.close()
    assert "warning: the fate of +1415•••0123 is open [red]" in terminal.getvalue()
    assert "4155550123" not in terminal.getvalue()
    assert terminal.getvalue().endswith("\x1b[?25h")  # the cursor is back


class Gone(Terminal):
    """A terminal that was closed."""

    def write(self, text: str) -> int:
        raise OSError(5, "Input/output error")


CONSOLES: list[Console] = [
    LiveConsole(Gone(), {}, width=80),
    TextConsole(Gone(), lambda: NOW),
    JsonConsole(Gone(), lambda: NOW),
]


@pytest.mark.parametrize("console", CONSOLES, ids=["live", "text", "json"])
def test_a_screen_that_has_gone_does_not_stop_the_calls(console: Console) -> None:
    console.show([HALFWAY], 0.0)
    console.say("held", "a sentence")
    console.close()


# --- lines ---


def lines_of(console: Console, stream: io.StringIO) -> list[str]:
    console.show([HALFWAY], 100.0)
    console.show([HALFWAY], 159.9)
    console.say("held", "the fate of +14155550123 is open", level="warning", number="+14155550123", looks=2)
    console.say("imported", "300 rows were read")
    console.show([HALFWAY], 160.0)
    console.close()
    return stream.getvalue().splitlines()


PROGRESS_TEXT = (
    "2026-11-23T14:00:00Z reminders: 213 of 300 finished, 46 waiting, next at 14:03:12 UTC (in 3 min 12 s), "
    "20 of 20 lines, 5.2 of 10 calls per second, 1 unknown, 3 rejects, held by: lines, about 2 min 5 s left"
)


def test_text_is_a_line_a_minute_and_one_an_event() -> None:
    stream = io.StringIO()
    assert lines_of(TextConsole(stream, lambda: NOW), stream) == [
        PROGRESS_TEXT,
        "2026-11-23T14:00:00Z warning: the fate of +1415•••0123 is open",
        "2026-11-23T14:00:00Z 300 rows were read",
        PROGRESS_TEXT,
    ]


def test_text_of_a_wait_until_another_day() -> None:
    stream = io.StringIO()
    tomorrow = replace(HALFWAY, next_due=NOW + timedelta(hours=20), binds=NOTHING_DUE, seconds_left=None)
    TextConsole(stream, lambda: NOW).show([tomorrow], 0.0)
    assert "46 waiting, next at 2026-11-24 10:00 UTC (in 20 h)" in stream.getvalue()
    assert stream.getvalue().endswith("held by: nothing due\n")


def test_json_is_an_object_a_line() -> None:
    stream = io.StringIO()
    first, held, imported, last = map(json.loads, lines_of(JsonConsole(stream, lambda: NOW), stream))
    assert first == last
    assert first == {
        "at": "2026-11-23T14:00:00Z",
        "level": "info",
        "event": "progress",
        "campaign": "reminders",
        "rows": 300,
        "finished": 213,
        "states": HALFWAY.states,
        "outcomes": HALFWAY.outcomes,
        "rejects": 3,
        "unknown": 1,
        "lines": 20,
        "line_limit": 20,
        "rate": 5.24,
        "rate_limit": 10,
        "binds": "lines",
        "seconds_left": 125.4,
        "next_due": "2026-11-23T14:03:12Z",
    }
    assert held == {
        "at": "2026-11-23T14:00:00Z",
        "level": "warning",
        "event": "held",
        "text": "the fate of +1415•••0123 is open",
        "facts": {"number": "+1415•••0123", "looks": 2},
    }
    assert imported["facts"] == {}


def test_the_keys_are_those_that_are_documented() -> None:
    text = (Path(__file__).parents[1] / "docs" / "log.md").read_text("utf-8")
    event, progress = text.split("## An event")[1].split("## Progress")
    progress = progress.split("\n## ")[0]
    assert tuple(re.findall(r"^\| `(\w+)`", event, re.MULTILINE)) == EVENT_KEYS
    assert tuple(re.findall(r"^\| `(\w+)`", progress, re.MULTILINE)) == PROGRESS_KEYS


@pytest.mark.parametrize(
    ("code", "said"), [(0, []), (75, []), (3, ["watch", "wrong"]), (70, ["watch", "wrong"]), (1, ["watch", "wrong"])]
)
def test_quiet_speaks_of_bad_ends_alone(code: int, said: list[str]) -> None:
    stream = io.StringIO()
    console = choose(stream, log_format="json", quiet=True, environ={}, now=lambda: NOW)
    console.show([HALFWAY], 0.0)
    console.say("a", "nothing special")
    console.say("b", "watch", level="warning")
    console.say("c", "wrong", level="error")
    assert stream.getvalue() == ""
    console.close(code)
    assert [json.loads(line)["text"] for line in stream.getvalue().splitlines()] == said


@pytest.mark.parametrize(
    ("log_format", "quiet", "is_terminal", "environ", "encoding", "kind"),
    [
        ("text", False, True, {"TERM": "xterm-256color"}, "utf-8", LiveConsole),
        ("text", False, True, {}, "UTF-8", LiveConsole),
        ("text", False, True, {"TERM": "xterm", "NO_COLOR": "1"}, "utf-8", LiveConsole),
        ("text", False, True, {"TERM": "dumb"}, "utf-8", TextConsole),
        ("text", False, True, {"TERM": "xterm"}, "ascii", TextConsole),
        ("text", False, False, {"TERM": "xterm"}, "utf-8", TextConsole),
        ("json", False, True, {"TERM": "xterm"}, "utf-8", JsonConsole),
        ("json", False, False, {}, "utf-8", JsonConsole),
        ("text", True, True, {"TERM": "xterm"}, "utf-8", QuietConsole),
    ],
)
def test_choosing(
    log_format: str, quiet: bool, is_terminal: bool, environ: dict[str, str], encoding: str, kind: type
) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    chosen = choose(
        stream,
        log_format="json" if log_format == "json" else "text",
        quiet=quiet,
        is_terminal=is_terminal,
        environ=environ,
    )
    assert type(chosen) is kind


def test_a_stream_that_knows_few_letters_gets_question_marks() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    TextConsole(stream, lambda: NOW).say("x", "Grüße an +14155550123")
    assert raw.getvalue() == b"2026-11-23T14:00:00Z Gr??e an +1415???0123\n"


# --- logging ---


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    yield stream
    assert "4155550123" not in stream.getvalue()
    assert "topsecret" not in stream.getvalue()


def log_something(stream: io.StringIO, level: Level) -> list[dict[str, object]]:
    undo = set_up_logging(JsonConsole(stream, lambda: NOW), level)
    try:
        logging.getLogger("httpx").debug("POST with %r", {"Authorization": "Bearer API_topsecret"})
        logging.getLogger("aiohttp").warning("no answer about %s", "+14155550123")
        try:
            raise ValueError("whsec_topsecret for +14155550123")
        except ValueError:
            logging.getLogger("asyncio").exception("a task failed")
    finally:
        undo()
    logging.getLogger("aiohttp").warning("after it was undone")
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_what_libraries_log_goes_through_the_mask(logged: io.StringIO) -> None:
    lines = log_something(logged, "warning")
    assert [(line["level"], line["text"], line["facts"]) for line in lines] == [
        ("warning", "no answer about +1415•••0123", {"logger": "aiohttp"}),
        ("error", "a task failed (ValueError: whsec_… for +1415•••0123)", {"logger": "asyncio"}),
    ]
    assert {line["event"] for line in lines} == {"log"}


def test_debug_tells_more_and_no_secrets(logged: io.StringIO) -> None:
    debug, _, failed = log_something(logged, "debug")
    assert debug["text"] == "POST with {'Authorization': 'Bearer …'}"
    assert str(failed["text"]).startswith("a task failed\nTraceback (most recent call last):")
