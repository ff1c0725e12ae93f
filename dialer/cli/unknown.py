"""`unknown list` and `unknown mark`."""

from __future__ import annotations

import asyncio
import json
import shlex
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from dialer.cli import given, look
from dialer.cli.telling import tell
from dialer.clock import Clock
from dialer.console import mask_text
from dialer.console.masking import mask_value
from dialer.errors import UsageError
from dialer.ledger.reading import UnknownAttempt, open_reader
from dialer.model import Campaign, Mark
from dialer.runner import requests


def held(campaign: Path | None, ledger: Path | None, as_json: bool) -> None:
    """Print the calls of which nobody knows whether they were placed."""
    path, name = given.ledger_of(campaign, ledger)
    with open_reader(path) as reader:
        rows = [row for row in reader.campaigns() if name in (None, row.name)]
        found = [(row.name, attempt) for row in rows for attempt in reader.unknown(row.id)]
    if as_json:
        told = [{"campaign": one, **look.unknown_json(attempt)} for one, attempt in found]
        print(json.dumps(mask_value(told), indent=2, ensure_ascii=False))
        return
    now = Clock().now()
    tell(mask_text("\n".join(_told(found, now))))
    in_hold = sum(_is_in_hold(attempt, now) for _, attempt in found)
    for line in _advice(campaign, ledger, in_hold=in_hold > 0, wanting=len(found) > in_hold):
        print(line)


def _told(found: list[tuple[str, UnknownAttempt]], now: datetime) -> Iterator[str]:
    if not found:
        yield "Nobody is unknown."
    for name, attempt in found:
        yield f"{name}: {attempt.person}, {attempt.number}, dialled at {attempt.intended_at:%Y-%m-%d %H:%M:%S} UTC"
        yield f"    call id {attempt.call_id}" + (f", at Verbex {attempt.platform_id}" if attempt.platform_id else "")
        yield f"    {attempt.detail}; {_stands(attempt, now)}"


def _is_in_hold(attempt: UnknownAttempt, now: datetime) -> bool:
    return attempt.held_until is not None and attempt.held_until > now


def _stands(attempt: UnknownAttempt, now: datetime) -> str:
    if attempt.held_until is not None and attempt.held_until > now:
        return f"held until {attempt.held_until:%Y-%m-%d %H:%M:%S} UTC; a run looks again by itself"
    return _looks(attempt.looks)


def _advice(campaign: Path | None, ledger: Path | None, *, in_hold: bool, wanting: bool) -> Iterator[str]:
    """What to do for those in the hold, and for those who want a word, with the file or ledger that was given."""
    file = "CAMPAIGN.YAML" if campaign is None else shlex.quote(str(campaign))
    if in_hold:
        yield "\nWho is still in the hold needs no word yet; this asks the platform for them, and dials nobody:"
        yield f"  dialer settle {file}"
    if wanting:
        whom = "Look for them" if not in_hold else "Look for the others"
        yield f"\n{whom} in Verbex, then say what became of each; a call id names who is meant as well as a person:"
        yield f"  dialer unknown mark PERSON placed|not-placed|done {file}"
        if campaign is None:
            yield f"  dialer unknown mark PERSON done --ledger {shlex.quote(str(ledger))}"


def _looks(count: int) -> str:
    if not count:
        return "not yet looked up by a way that is known to find calls"
    return f"looked up {'once' if count == 1 else f'{count} times'} by a way that finds calls, and not found"


def mark(person: str, word: str, campaign: Path | None, ledger: Path | None, why: str) -> None:
    """Carry the operator's word to the ledger, or to the run that holds it, and print what follows."""
    path, name = given.ledger_of(campaign, ledger)
    facts = {
        "person": given.person(person),
        "campaign": name,
        "word": _word(word),
        "why": why,
        "who": given.who(),
        "retry": None if campaign is None else requests.facts_of(_rules(campaign).retry),
    }
    answer = asyncio.run(requests.ask(path, "mark", facts, Clock()))
    if answer.startswith(requests.NOT_DONE):
        raise UsageError(answer)
    tell(mask_text(answer))


def _rules(campaign: Path) -> Campaign:
    return given.campaign(campaign)


def _word(word: str) -> Mark:
    try:
        return Mark(word)
    except ValueError:
        raise UsageError(
            f"{word!r} is none of placed, not-placed, done: placed costs an attempt and goes on as unknown_error, "
            "not-placed makes the person due again, done finishes them"
        ) from None
