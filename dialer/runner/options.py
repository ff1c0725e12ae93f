"""What a command asks of a run, beside its campaign files."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Options:
    """The options of `run` and `settle`; lengths of time in seconds, None where not given.

    `none_were_called`: nobody was called by a ledger that is gone, where the platform cannot tell. `wait` is infinite
    for a bare `--wait`. `dials` is False for `settle`, which only learns how open calls ended. `when_ready` is called
    when a campaign's list is taken in and its dialling begins. `ask` shows a person what has changed and gives their
    answer; None: there is nobody to ask, or they have answered.
    """

    max_runtime: float | None = None
    max_calls: int | None = None
    only: str | None = None
    yes: bool = False
    none_were_called: bool = False
    wait: float | None = None
    grace: float = 30.0
    retry_lock: float = 0.0
    dials: bool = True
    when_ready: Callable[[], object] = lambda: None
    ask: Callable[[str], Awaitable[bool]] | None = None
