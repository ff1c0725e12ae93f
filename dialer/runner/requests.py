"""What other processes ask of the one that holds the ledger, through the spool: pause, resume, cancel, mark, pace.

Where no run holds the ledger, the command takes the lock and does it itself; only a pace is nobody's but a run's.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf
from pathlib import Path
from typing import Any

from dialer.clock import Clock
from dialer.errors import DialerError, UsageError
from dialer.ledger import Ledger, Unknown, control
from dialer.model import Action, ContactState, Decision, Mark, Response, RetryRules
from dialer.runner import dnc, own_call, requeue, unknowns

LOOKS_EVERY = 0.25
"""Seconds: what is asked takes effect within one."""

_SOON = timedelta(minutes=1)  # whoever is due within it is due now to a person
_ANSWERED_WITHIN = 10.0
_ASKS_EVERY = 0.05
NOT_DONE = "not done: "
PACE = "pace"

Facts = Mapping[str, Any]
Act = Callable[[str, Facts], Awaitable[str]]
"""Does what a verb asks by its facts, and gives the sentence that is answered."""

Marking = Callable[[Unknown, Mark, RetryRules | None, str, str], Awaitable[Decision]]
"""Writes the operator's word on one held attempt down: why, and who says so."""


async def serve(ledger: Ledger, act: Act, clock: Clock) -> None:
    """Apply requests as they come. Ends by being cancelled."""
    unanswered: dict[str, str] = {}
    while True:
        asked: list[control.Request] = []
        with contextlib.suppress(OSError):  # too many open files, perhaps: it is looked for again
            asked = list(control.requests(ledger.path))
        for request in asked:
            if request.name not in unanswered:
                unanswered[request.name] = await _answer(act, request)
            with contextlib.suppress(OSError):  # a full disk, perhaps: what was done is answered as soon as it can be
                control.answer(ledger.path, request, unanswered[request.name])
                del unanswered[request.name]
        await clock.sleep(LOOKS_EVERY)


async def _answer(act: Act, request: control.Request) -> str:
    try:
        return await act(request.verb, request.facts)
    except (DialerError, LookupError, TypeError, ValueError, AttributeError) as error:
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
        return await _mark(ledger, facts, marking or _plainly(ledger, clock), clock)
    if verb == own_call.VERB:
        return await own_call.carry_out(ledger, facts)
    if verb == requeue.VERB:
        return await requeue.carry_out(ledger, facts)
    if verb in dnc.VERBS:
        return await dnc.carry_out(ledger, verb, facts)
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


async def _mark(ledger: Ledger, facts: Facts, marking: Marking, clock: Clock) -> str:
    person, campaign, word = str(facts["person"]), facts.get("campaign"), Mark(facts["word"])
    one = _meant(await ledger.unknowns_of(person, campaign), person)
    decision = await marking(one, word, rules_of(facts), _why(facts), _who(facts))
    return f"{one.campaign}: {one.person} is marked as {word}, and is {_stands(decision, clock.now())}"


def _meant(found: Sequence[Unknown], person: str) -> Unknown:
    """The one call that is meant: of each somebody has looked, so that a word on one is none on another."""
    if not found:
        raise UsageError(f"nobody by the id, number or call id {person} is unknown: `dialer unknown list` shows who is")
    if len(found) > 1:
        where = ", ".join(sorted({one.campaign for one in found}))
        raise UsageError(
            f"{len(found)} calls to {person} are unknown ({where}): say which one is meant by its campaign file, or by "
            "its call id, which `dialer unknown list` shows"
        )
    return found[0]


def _stands(decision: Decision, now: datetime) -> str:
    again = decision.due_at
    is_soon = decision.state is ContactState.DUE and again is not None and again - now <= _SOON
    told = "" if again is None or is_soon else f", again at {again:%Y-%m-%d %H:%M:%S} UTC"
    return f"{decision.state} now{told}"


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


# --- another pace --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NewPace:
    """What is to change, None: stays as it is; `learns`: as many concurrent calls as the account allows."""

    calls_per_second: float | None = None
    concurrent_calls: int | None = None
    learns: bool = False


def pace_facts(campaign: str, file: str, new: NewPace, who: str) -> Facts:
    """A new pace as a request carries it; `file` is the campaign file as it was named."""
    return {
        "campaign": campaign,
        "file": file,
        "calls_per_second": new.calls_per_second,
        "concurrent_calls": new.concurrent_calls,
        "learns": new.learns,
        "who": who,
    }


def new_pace(facts: Facts) -> NewPace:
    """The new pace that a request carries (TypeError, ValueError, UsageError if it is none)."""
    rate, lines = facts.get("calls_per_second"), facts.get("concurrent_calls")
    rate, lines = None if rate is None else float(rate), None if lines is None else int(lines)
    found = NewPace(rate, lines, facts.get("learns") is True)
    is_rate, is_number = rate is None or 0 < rate < inf, lines is None or lines >= 1
    if found == NewPace() or not (is_rate and is_number):
        raise UsageError("this is no pace: it takes calls per second above 0, concurrent calls of 1 or more, or both")
    return found


def pace_words(new: NewPace, calls_per_second: float, lines: int, at_most: float = inf) -> str:
    """The pace that holds from now on, with `calls_per_second` and so many `lines` up to now where nothing changes;
    `at_most` is the campaign file's own cap."""
    rate = f"{calls_per_second:g} calls per second"
    if new.calls_per_second is None:
        rate += " as before"
    if new.learns:
        return f"{rate}, as many concurrent calls as the account allows"
    if new.concurrent_calls is None:
        return f"{rate}, concurrent calls as before (up to {lines} now)"
    if new.concurrent_calls > at_most:
        return f"{rate}, {at_most:.0f} concurrent calls, since the campaign file says at_most: {at_most:.0f}"
    words = f"{rate}, {new.concurrent_calls} concurrent calls"
    if lines < new.concurrent_calls:
        words += f"; the account took {lines} for this campaign so far, and is tried for more"
    return words


def nobody_dials(facts: Facts) -> UsageError:
    """No run dials the campaign whose pace is to be changed."""
    return UsageError(
        f"no run dials {facts.get('campaign')} now, and a pace is changed only while one goes on: write "
        f"pace.calls_per_second or pace.concurrent_calls into {facts.get('file', 'the campaign file')}, "
        "by which the next run goes"
    )


# --- asking ------------------------------------------------------------------------------------------


async def ask(path: Path, verb: str, facts: Facts, clock: Clock) -> str:
    """Have it done: by the run that holds the ledger, or here if none does; gives a sentence that says what was done.

    Raises:
        UsageError: it cannot be done, or there is no ledger.
        LedgerError: it cannot be written.
        LedgerHeld: a run has just begun; asked again, it hears.
    """
    if verb != PACE:
        _check_is_there(path)
    if not control.is_held(path):
        return await _here(path, verb, facts, clock)
    name = control.ask(path, verb, facts)
    try:
        answer = await _answer_to(path, name, clock)
    except BaseException:
        control.take_back(path, name)  # nobody waits for it any more: the next run is not to do it days later
        raise
    if answer is not None:
        return answer
    if not control.take_back(path, name):
        return control.take_answer(path, name) or "the run has taken the request"
    if not control.is_held(path):  # the run has ended meanwhile, without having heard of it
        return await _here(path, verb, facts, clock)
    raise UsageError(
        f"the run that holds the ledger did not answer within {_ANSWERED_WITHIN:.0f} s, and the request was taken "
        "back: `dialer status` shows whether it was done all the same; else ask again"
    )


async def _here(path: Path, verb: str, facts: Facts, clock: Clock) -> str:
    """Have it done by this process, since no other holds the ledger."""
    if verb == PACE:
        raise nobody_dials(facts)
    ledger = Ledger.open(path, verb, clock.now)
    try:
        return await carry_out(ledger, verb, facts, clock)
    finally:
        await ledger.close()


async def _answer_to(path: Path, name: str, clock: Clock) -> str | None:
    """What the run answers; None if it does not, in time or because it has ended."""
    gives_up_at = clock.monotonic() + _ANSWERED_WITHIN
    while clock.monotonic() < gives_up_at:
        is_held = control.is_held(path)  # asked first: what a run has answered it has answered before it ends
        if (sentence := control.take_answer(path, name)) is not None:
            return sentence
        if not is_held:
            return None
        await asyncio.sleep(_ASKS_EVERY)
    return None


def _check_is_there(path: Path) -> None:
    if not path.exists():
        raise UsageError(f"there is no ledger {path}: the campaign has not been run yet")
