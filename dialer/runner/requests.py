"""What other processes ask of the one that holds the ledger, through the spool: pause, resume, cancel, mark.

Where no run holds the ledger, the command takes the lock and does it itself.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from dialer.clock import Clock
from dialer.errors import DialerError, UsageError
from dialer.ledger import Ledger, Unknown, control
from dialer.model import Action, Decision, Mark, Response, RetryRules
from dialer.runner import unknowns

LOOKS_EVERY = 0.25
"""Seconds: what is asked takes effect within one."""

_ANSWERED_WITHIN = 10.0
NOT_DONE = "not done: "

Facts = Mapping[str, Any]
Act = Callable[[str, Facts], Awaitable[str]]
"""Does what a verb asks by its facts, and gives the sentence that is answered."""

Marking = Callable[[Unknown, Mark, RetryRules | None, str, str], Awaitable[Decision]]
"""Writes the operator's word on one held attempt down: why, and who says so."""


async def serve(ledger: Ledger, act: Act, clock: Clock) -> None:
    """Apply requests as they come. Ends by being cancelled."""
    unanswered: dict[str, str] = {}
    while True:
        for request in list(control.requests(ledger.path)):
            if request.name not in unanswered:
                unanswered[request.name] = await _answer(act, request)
            with contextlib.suppress(OSError):  # a full disk, perhaps: what was done is answered as soon as it can be
                control.answer(ledger.path, request, unanswered[request.name])
                del unanswered[request.name]
        await clock.sleep(LOOKS_EVERY)


async def _answer(act: Act, request: control.Request) -> str:
    try:
        return await act(request.verb, request.facts)
    except (DialerError, KeyError, TypeError, ValueError) as error:
        return f"{NOT_DONE}{error}"


async def carry_out(ledger: Ledger, verb: str, facts: Facts, clock: Clock, marking: Marking | None = None) -> str:
    """Do what is asked; gives a sentence that says what was done.

    Raises:
        UsageError: it cannot be done, or this version does not know the verb.
    """
    if verb in ("pause", "resume", "cancel"):
        until = datetime.fromisoformat(facts["until"]) if facts.get("until") else None
        return await ledger.pause(str(facts["campaign"]), verb, _why(facts), until, _who(facts))
    if verb == "mark":
        return await _mark(ledger, facts, marking or _plainly(ledger, clock))
    raise UsageError(f"a run of this version does not know the request {verb!r}")


def _why(facts: Facts) -> str:
    return str(facts.get("why", ""))


def _who(facts: Facts) -> str:
    return str(facts.get("who", ""))


# --- the operator's word ------------------------------------------------------------------------------


def _plainly(ledger: Ledger, clock: Clock) -> Marking:
    """Marking where no run goes on."""

    async def marking(one: Unknown, word: Mark, rules: RetryRules | None, why: str, who: str) -> Decision:
        return await unknowns.mark(ledger, one.attempt, word, rules, why, who, clock)

    return marking


async def _mark(ledger: Ledger, facts: Facts, marking: Marking) -> str:
    person, campaign, word = str(facts["person"]), facts.get("campaign"), Mark(facts["word"])
    found = await ledger.unknowns_of(person, campaign)
    if not found:
        raise UsageError(f"nobody by the id or number {person} is unknown: `dialer unknown list` shows who is")
    decisions = [await marking(one, word, rules_of(facts), _why(facts), _who(facts)) for one in found]
    return "\n".join(
        f"{one.campaign}: {one.person} is marked as {word}, and is {_now(decision)}"
        for one, decision in zip(found, decisions, strict=True)
    )


def _now(decision: Decision) -> str:
    return f"{decision.state} now" + (f", again at {decision.due_at:%Y-%m-%d %H:%M:%S} UTC" if decision.due_at else "")


def facts_of(rules: RetryRules) -> Facts:
    """A campaign's retry rules as a request carries them."""
    responses = {reason: [response.action, *response.waits] for reason, response in rules.responses.items()}
    return {"attempts": rules.attempts, "responses": responses}


def rules_of(facts: Facts) -> RetryRules | None:
    """The retry rules that a request carries; None if it carries none."""
    told = facts.get("retry")
    if told is None:
        return None
    responses = {reason: Response(Action(said[0]), tuple(said[1:])) for reason, said in told["responses"].items()}
    return RetryRules(int(told["attempts"]), responses)


# --- asking ------------------------------------------------------------------------------------------


async def ask(path: Path, verb: str, facts: Facts, clock: Clock) -> str:
    """Have it done: by the run that holds the ledger, or here if none does; gives a sentence that says what was done.

    Raises:
        UsageError: it cannot be done.
        LedgerError: there is no ledger, or it cannot be written.
    """
    _check_is_there(path)
    if not control.is_held(path):
        ledger = Ledger.open(path, verb, clock.now)
        try:
            return await carry_out(ledger, verb, facts, clock)
        finally:
            await ledger.close()
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
