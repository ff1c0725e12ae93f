"""What a person at the terminal is shown and asked before an edited campaign takes effect, while a run goes on."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence

from dialer.console import Console, Level, mask_text
from dialer.report import Progress

_QUESTION = "Go on? [y/N] "
_YES = ("y", "yes")


class Asker:
    """Asks whoever sits at the terminal, one question at a time; `is_asking` while one is open."""

    def __init__(self) -> None:
        self._one_at_a_time = asyncio.Lock()
        self.is_asking = False

    async def __call__(self, text: str) -> bool:
        """Show these lines, masked, and ask; whether the answer is yes."""
        async with self._one_at_a_time:
            self.is_asking = True
            try:
                return await _asked(text)
            finally:
                self.is_asking = False


def asker(*, yes: bool) -> Asker | None:
    """Who asks; None where `--yes` answers, or nobody can be asked."""
    return None if yes or not _has_somebody() else Asker()


def _has_somebody() -> bool:
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    try:
        return os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()  # who reads in the background is stopped for it
    except OSError:  # a terminal that is not the session's own: nobody is stopped there
        return True


class Patient:
    """A console that draws no view over a question; what is said is still said."""

    def __init__(self, console: Console, asker: Asker) -> None:
        self._console = console
        self._asker = asker

    def show(self, progress: Sequence[Progress], at: float) -> None:
        """Where the campaigns stand, unless somebody is being asked."""
        if not self._asker.is_asking:
            self._console.show(progress, at)

    def say(self, event: str, sentence: str, *, level: Level = "info", **facts: object) -> None:
        """An event."""
        self._console.say(event, sentence, level=level, **facts)

    def close(self, code: int = 0) -> None:
        """The run has ended."""
        self._console.close(code)


async def _asked(text: str) -> bool:
    for line in text.splitlines():
        print(mask_text(line), file=sys.stderr)
    print(_QUESTION, end="", file=sys.stderr, flush=True)
    answer = await _line(sys.stdin.fileno())
    if not answer.endswith("\n"):
        print(file=sys.stderr)
    return answer.strip().casefold() in _YES


async def _line(terminal: int) -> str:
    """What is typed up to the end of the line, '' where the terminal is closed; a signal is heard meanwhile, as it
    would not be by a thread that reads."""
    loop, typed = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(terminal, typed.set)
    try:
        await typed.wait()
    finally:
        loop.remove_reader(terminal)
    try:
        return os.read(terminal, 4096).decode(errors="replace")
    except OSError:  # it has gone away
        return ""
