"""What is said where nobody watches: plain lines or JSON, once a minute and at every event."""

from __future__ import annotations

import contextlib
import json
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal, Protocol, TextIO

from dialer.console.masking import mask_text, mask_value
from dialer.errors import ExitCode
from dialer.report import Progress, brief

Level = Literal["debug", "info", "warning", "error"]
Now = Callable[[], datetime]

_EVERY = 60.0  # seconds between two lines of progress
_SILENT = (ExitCode.OK, ExitCode.WORK_REMAINS)
_MOST_HELD = 50  # of what a quiet run would say if it ended badly

EVENT_KEYS = ("at", "level", "event", "text", "facts")
"""The keys of a JSON line that tells of an event; docs/log.md says what they hold."""

PROGRESS_KEYS = (
    "at",
    "level",
    "event",
    "campaign",
    "rows",
    "finished",
    "states",
    "outcomes",
    "rejects",
    "unknown",
    "lines",
    "line_limit",
    "rate",
    "rate_limit",
    "binds",
    "seconds_left",
    "next_due",
)
"""The keys of a JSON line of progress."""


class Console(Protocol):
    """Where a run shows itself. All that is said goes through the mask."""

    def show(self, progress: Sequence[Progress], at: float) -> None:
        """Where the campaigns stand; called several times a second. `at` is in monotonic seconds."""

    def say(self, event: str, sentence: str, *, level: Level = "info", **facts: object) -> None:
        """An event: its name for machines, its sentence for people, its facts in fields."""

    def close(self, code: int = 0) -> None:
        """The run has ended with this exit code; nothing is shown after it."""


class Minutely:
    """Says of monotonic moments which come a minute after the last one that it agreed to."""

    def __init__(self) -> None:
        self._last: float | None = None

    def agrees(self, at: float) -> bool:
        if self._last is not None and at - self._last < _EVERY:
            return False
        self._last = at
        return True


class TextConsole:
    """Plain lines that begin with the time in UTC."""

    def __init__(self, stream: TextIO, now: Now) -> None:
        self._stream = stream
        self._now = now
        self._minutely = Minutely()

    def show(self, progress: Sequence[Progress], at: float) -> None:
        if self._minutely.agrees(at):
            for each in progress:
                write_line(self._stream, f"{stamp(each.at)} {progress_text(each)}")

    def say(self, event: str, sentence: str, *, level: Level = "info", **facts: object) -> None:
        write_line(self._stream, f"{stamp(self._now())} {event_text(sentence, level)}")

    def close(self, code: int = 0) -> None:
        """Nothing is left to be written."""


class JsonConsole:
    """One JSON object a line."""

    def __init__(self, stream: TextIO, now: Now) -> None:
        self._stream = stream
        self._now = now
        self._minutely = Minutely()

    def show(self, progress: Sequence[Progress], at: float) -> None:
        if self._minutely.agrees(at):
            for each in progress:
                self._write(progress_facts(each))

    def say(self, event: str, sentence: str, *, level: Level = "info", **facts: object) -> None:
        values = (stamp(self._now()), level, event, mask_text(sentence), mask_value(facts))
        self._write(dict(zip(EVENT_KEYS, values, strict=True)))

    def close(self, code: int = 0) -> None:
        """Nothing is left to be written."""

    def _write(self, values: Mapping[str, object]) -> None:
        write_line(self._stream, json.dumps(values))


class QuietConsole:
    """Says nothing, unless the run ends otherwise than well: then its warnings and errors, the last of them."""

    def __init__(self, loud: Console) -> None:
        self._loud = loud
        self._held: deque[Callable[[], None]] = deque(maxlen=_MOST_HELD)

    def show(self, progress: Sequence[Progress], at: float) -> None:
        """Nothing."""

    def say(self, event: str, sentence: str, *, level: Level = "info", **facts: object) -> None:
        if level in ("warning", "error"):
            self._held.append(lambda: self._loud.say(event, sentence, level=level, **facts))

    def close(self, code: int = 0) -> None:
        if code not in _SILENT:
            for say in self._held:
                say()
        self._held.clear()
        self._loud.close(code)


# --- texts -------------------------------------------------------------------------------------------


def event_text(sentence: str, level: Level) -> str:
    """The sentence, masked, after its level where that is worth a word."""
    words = mask_text(sentence)
    return words if level == "info" else f"{level}: {words}"


def progress_text(progress: Progress) -> str:
    """Where a campaign stands, in one line."""
    parts = [
        f"{progress.campaign}: {progress.finished} of {progress.rows} finished",
        waiting_text(progress),
        f"{progress.lines} of {progress.line_limit} lines",
        f"{progress.rate:.1f} of {progress.rate_limit:g} calls per second",
        f"{progress.unknown} unknown",
        "1 reject" if progress.rejects == 1 else f"{progress.rejects} rejects",
        f"held by: {progress.binds}",
    ]
    if progress.seconds_left is not None:
        parts.append(f"about {brief(progress.seconds_left)} left")
    return ", ".join(parts)


def waiting_text(progress: Progress) -> str:
    """How many wait, and until when."""
    if progress.next_due is None:
        return f"{progress.waiting} waiting"
    wait = brief((progress.next_due - progress.at).total_seconds())
    return f"{progress.waiting} waiting, next at {clock_text(progress)} (in {wait})"


def clock_text(progress: Progress) -> str:
    """When the next of those who wait is due: the time of day, with the date where it is another day."""
    if progress.next_due is None:
        return "-"
    due = progress.next_due.astimezone(UTC)
    same_day = due.date() == progress.at.astimezone(UTC).date()
    return due.strftime("%H:%M:%S UTC" if same_day else "%Y-%m-%d %H:%M UTC")


def progress_facts(progress: Progress) -> dict[str, object]:
    """Where a campaign stands, as a JSON line tells it."""
    own = {key: getattr(progress, key) for key in PROGRESS_KEYS if key not in ("at", "level", "event")}
    told = {
        "at": stamp(progress.at),
        "level": "info",
        "event": "progress",
        "states": dict(progress.states),
        "outcomes": {mask_text(reason): calls for reason, calls in progress.outcomes.items()},
        "rate": round(progress.rate, 3),
        "next_due": stamp(progress.next_due) if progress.next_due else None,
    }
    return {key: (own | told)[key] for key in PROGRESS_KEYS}


def stamp(moment: datetime) -> str:
    """`2026-11-23T14:00:00Z`."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def write_line(stream: TextIO, line: str) -> None:
    """One line, at once; what the stream's encoding does not have becomes a question mark.

    A log that can no longer be written (its reader is gone, the disk is full) does not stop the calls.
    """
    encoding = stream.encoding or "utf-8"
    with contextlib.suppress(OSError):
        stream.write(line.encode(encoding, "replace").decode(encoding) + "\n")
        stream.flush()
