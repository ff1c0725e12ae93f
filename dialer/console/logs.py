"""Python's own logging, through the same mask and onto the same console."""

from __future__ import annotations

import logging
from collections.abc import Callable

from dialer.console.lines import Console, Level


def set_up_logging(console: Console, level: Level = "warning") -> Callable[[], None]:
    """Send what any library logs at this level or above to the console, as the event `log`.

    A record's traceback comes with it, masked too; without `debug` it is left out, since causes are told in a
    sentence. Gives the function that undoes it.
    """
    root = logging.getLogger()
    handler, before = _Handler(console, level == "debug"), root.level
    root.addHandler(handler)
    root.setLevel(level.upper())

    def undo() -> None:
        root.removeHandler(handler)
        root.setLevel(before)

    return undo


class _Handler(logging.Handler):
    def __init__(self, console: Console, tracebacks: bool) -> None:
        super().__init__()
        self._console = console
        self._tracebacks = tracebacks
        self._formatter = logging.Formatter()

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._console.say("log", self._text(record), level=_level(record.levelno), logger=record.name)
        except Exception:
            self.handleError(record)

    def _text(self, record: logging.LogRecord) -> str:
        text = record.getMessage()
        if record.exc_info and self._tracebacks:
            return f"{text}\n{self._formatter.formatException(record.exc_info)}"
        if record.exc_info and record.exc_info[1] is not None:
            return f"{text} ({type(record.exc_info[1]).__name__}: {record.exc_info[1]})"
        return text


def _level(number: int) -> Level:
    steps: tuple[tuple[int, Level], ...] = (
        (logging.ERROR, "error"),
        (logging.WARNING, "warning"),
        (logging.INFO, "info"),
    )
    return next((name for least, name in steps if number >= least), "debug")
