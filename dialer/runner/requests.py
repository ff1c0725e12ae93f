"""What other processes ask of the one that holds the ledger: pause, resume, cancel, through the spool."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from dialer.clock import Clock
from dialer.errors import DialerError, UsageError
from dialer.ledger import Ledger, control

LOOKS_EVERY = 0.25
"""Seconds: what is asked takes effect within one."""

_ANSWERED_WITHIN = 10.0
NOT_DONE = "not done: "
VERBS = ("pause", "resume", "cancel")


async def serve(ledger: Ledger, took_effect: Callable[[str, str, str], None], clock: Clock) -> None:
    """Apply requests as they come; `took_effect` is told the campaign, the verb and the sentence. Ends by being
    cancelled."""
    unanswered: dict[str, str] = {}
    while True:
        for request in list(control.requests(ledger.path)):
            if request.name not in unanswered:
                unanswered[request.name] = await _apply(ledger, request, took_effect)
            with contextlib.suppress(OSError):  # a full disk, perhaps: what was done is answered as soon as it can be
                control.answer(ledger.path, request, unanswered[request.name])
                del unanswered[request.name]
        await clock.sleep(LOOKS_EVERY)


async def _apply(ledger: Ledger, request: control.Request, took_effect: Callable[[str, str, str], None]) -> str:
    facts = request.facts
    try:
        if request.verb not in VERBS:
            raise UsageError(f"a run of this version does not know the request {request.verb!r}")
        until = datetime.fromisoformat(facts["until"]) if facts.get("until") else None
        name = str(facts["campaign"])
        sentence = await ledger.pause(name, request.verb, str(facts.get("why", "")), until, str(facts.get("who", "")))
        took_effect(name, request.verb, sentence)
    except (DialerError, KeyError, TypeError, ValueError) as error:
        return f"{NOT_DONE}{error}"
    return sentence


async def ask(path: Path, verb: str, campaign: str, why: str, until: datetime | None, who: str, clock: Clock) -> str:
    """Have a campaign paused, resumed or cancelled: by the run that holds the ledger, or here if none does.

    Raises:
        UsageError: the ledger has no such campaign.
        LedgerError: there is no ledger, or it cannot be written, or the run that holds it does not answer.
    """
    _check_is_there(path)
    if not control.is_held(path):
        ledger = Ledger.open(path, verb, clock.now)
        try:
            return await ledger.pause(campaign, verb, why, until, who)
        finally:
            await ledger.close()
    facts = {"campaign": campaign, "why": why, "until": until.isoformat() if until else None, "who": who}
    name = control.ask(path, verb, facts)
    waits_until = clock.monotonic() + _ANSWERED_WITHIN
    while clock.monotonic() < waits_until:
        if (sentence := control.take_answer(path, name)) is not None:
            return sentence
        await asyncio.sleep(0.05)
    if control.take_back(path, name):
        raise UsageError("the run that holds the ledger did not answer within 10 s; nothing was changed: ask again")
    return control.take_answer(path, name) or "the run has taken the request"


def _check_is_there(path: Path) -> None:
    if not path.exists():
        raise UsageError(f"there is no ledger {path}: the campaign has not been run yet")
