"""What a terminal is asked before something is done that many people would feel, or that cannot be undone."""

from __future__ import annotations

import sys

from dialer.errors import UsageError


def agreed(question: str, *, yes: bool) -> None:
    """Go on only if somebody says so: `--yes` did, or whoever sits at the terminal does.

    Raises:
        UsageError: they said no, or nobody can be asked.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(f"{question} There is no terminal to ask: say so with --yes. Nothing was done")
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().casefold() not in ("y", "yes"):
        raise UsageError("nothing was done")
