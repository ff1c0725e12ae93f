"""`pace`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from dialer.cli import given
from dialer.clock import Clock
from dialer.config import words
from dialer.errors import UsageError
from dialer.runner import requests
from dialer.runner.requests import NewPace

T = TypeVar("T")


def change(file: Path, calls_per_second: str | None, concurrent_calls: str | None, why: str = "") -> None:
    """Have the run that dials the campaign change its pace, and print what holds then (UsageError)."""
    new = _new_pace(calls_per_second, concurrent_calls)
    campaign = given.campaign(file)
    facts = {**requests.pace_facts(campaign.name, str(file), new, given.who()), "why": why}
    answer = asyncio.run(requests.ask(campaign.ledger, requests.PACE, facts, Clock()))
    if answer.startswith(requests.NOT_DONE):
        raise UsageError(answer)
    print(answer)


def _new_pace(calls_per_second: str | None, concurrent_calls: str | None) -> NewPace:
    """What was asked for, by the rules of the campaign file's keys."""
    if calls_per_second is None and concurrent_calls is None:
        raise UsageError("say what is to change: --calls-per-second, --concurrent-calls, or both")
    rate = None if calls_per_second is None else _read("--calls-per-second", words.calls_per_second, calls_per_second)
    lines = None if concurrent_calls is None else _read("--concurrent-calls", words.lines, concurrent_calls)
    return NewPace(rate, lines, learns=concurrent_calls is not None and lines is None)


def _read(option: str, read: Callable[[object], T], text: str) -> T:
    try:
        return read(text)
    except words.Wrong as wrong:
        hint = f" ({wrong.suggestion})" if wrong.suggestion else ""
        raise UsageError(f"{option}: {wrong}{hint}") from None
