"""What `requeue` asks of the one who holds the ledger, and what is answered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dialer.errors import UsageError
from dialer.ledger import Ledger
from dialer.ledger.requeuing import Reach, Wanted, attempts_more
from dialer.model import FINISHED

VERB = "requeue"


def facts_of(wanted: Wanted, why: str, who: str) -> Mapping[str, Any]:
    """The word as a request carries it."""
    return {
        "campaign": wanted.campaign,
        "attempts": wanted.attempts,
        "reasons": list(wanted.reasons),
        "state": wanted.state,
        "only": list(wanted.only),
        "extra": wanted.extra,
        "why": why,
        "who": who,
    }


def wanted_of(facts: Mapping[str, Any]) -> Wanted:
    """The word that a request carries.

    Raises:
        UsageError: it names nobody, or a state in which nobody is finished.
        KeyError, TypeError, ValueError: it is none.
    """
    state = facts.get("state")
    wanted = Wanted(
        campaign=str(facts["campaign"]),
        attempts=int(facts["attempts"]),
        reasons=tuple(map(str, facts["reasons"])),
        state=None if state is None else str(state),
        only=tuple(map(str, facts["only"])),
        extra=int(facts["extra"]),
    )
    if not wanted.reasons and not wanted.only:
        raise UsageError("say who is to be called again: by --reason, or one by one with --only")
    if wanted.state is not None and wanted.state not in FINISHED:
        raise UsageError(f"--state: {wanted.state!r} is none of {', '.join(FINISHED)}, in which people are finished")
    if wanted.extra < 0:
        raise UsageError(f"--extra-attempts: {wanted.extra} is less than nothing")
    return wanted


async def carry_out(ledger: Ledger, facts: Mapping[str, Any]) -> str:
    """Make them due again; gives the sentence that is answered (UsageError)."""
    wanted = wanted_of(facts)
    reach = await ledger.requeue(wanted, str(facts.get("why", "")), str(facts.get("who", "")))
    return "; ".join((f"{wanted.campaign}: {_done(reach, wanted.extra)}", *left_out(reach)))


def _done(reach: Reach, extra: int) -> str:
    if not reach.meant:
        return "nobody is made due again"
    who = "1 person is" if reach.meant == 1 else f"{reach.meant} people are"
    more = f", with {attempts_more(extra)}{'' if reach.meant == 1 else ' each'}" if extra else ""
    return f"{who} due again{more}"


def left_out(reach: Reach) -> Iterator[str]:
    """How many are left out, and what to do about it."""
    if reach.talked:
        yield f"left out: {reach.talked} who had a conversation, unless --only names them"
    if reach.late:
        yield f"left out: {reach.late} whose time is over (contacts.expires), unless --only names them"
    if reach.used_up:
        yield f"left out: {reach.used_up} whose attempts are used up, unless --extra-attempts gives them some"
    if reach.halted:
        yield f"left out: {reach.halted} who opted out, are gone from the list, or were cancelled or purged"
    if reach.barred:
        yield f"left out: {reach.barred} who are held or on a do-not-call list, and come back when that is lifted"
    if reach.unfinished:
        yield f"{reach.unfinished} of those named are not finished, and need no word"
