"""`pause`, `resume` and `cancel`."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path

from dialer.cli import given
from dialer.clock import Clock
from dialer.errors import UsageError
from dialer.ledger.reading import open_reader
from dialer.runner import requests


def word(verb: str, campaign: Path | None, ledger: Path | None, every: bool, why: str, until: str | None) -> None:
    """Carry a person's word to the ledger, or to the run that holds it, and print the answer."""
    path, name = given.ledger_of(campaign, ledger)
    moment = given.instant("--until", until) if until is not None else None
    if moment is not None and moment <= Clock().now():
        raise UsageError(f"--until {until}: that moment is over; name one to come")
    for each in _names(path, name, every):
        print(asyncio.run(_ask(path, verb, each, why, moment)))


def _names(path: Path, name: str | None, every: bool) -> list[str]:
    if not every:
        return [name] if name is not None else []
    with open_reader(path) as reader:
        return [row.name for row in reader.campaigns()]


async def _ask(path: Path, verb: str, name: str, why: str, until: datetime | None) -> str:
    facts = {"campaign": name, "why": why, "until": until.isoformat() if until else None, "who": given.who()}
    answer = await requests.ask(path, verb, facts, Clock())
    if answer.startswith(requests.NOT_DONE):
        raise UsageError(answer)
    return answer
