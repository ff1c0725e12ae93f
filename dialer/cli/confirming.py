"""What a person at the terminal is shown and asked before an edited campaign takes effect, while a run goes on."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable

from dialer.console import mask_text

_QUESTION = "Go on? [y/N] "
_YES = ("y", "yes")


def asker(*, yes: bool) -> Callable[[str], Awaitable[bool]] | None:
    """Asks whoever sits at the terminal, one question at a time; None where `--yes` answers, or nobody can be asked."""
    if yes or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return None
    one_at_a_time = asyncio.Lock()

    async def ask(text: str) -> bool:
        async with one_at_a_time:
            for line in text.splitlines():
                print(mask_text(line), file=sys.stderr)
            print(_QUESTION, end="", file=sys.stderr, flush=True)
            answer = await _line(sys.stdin.fileno())
            if not answer.endswith("\n"):
                print(file=sys.stderr)
        return answer.strip().casefold() in _YES

    return ask


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
