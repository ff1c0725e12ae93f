"""What the do-not-call list and a history of calls ask of the one who holds the ledger, and what is answered."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from dialer.errors import UsageError
from dialer.ledger import Ledger
from dialer.ledger.optouts import Reached, Removed, Word
from dialer.ledger.rings import Told

ADD, REMOVE, IMPORT, HISTORY = "dnc_add", "dnc_remove", "dnc_import", "history_import"
VERBS = (ADD, REMOVE, IMPORT, HISTORY)

AT_ONCE = 50_000
"""Numbers or rings that one request carries: it is answered within a second or two."""

_LIKE_A_NUMBER = re.compile(r"\+.*|(?=.*\d)[\d\s().+\-/]+")

Facts = Mapping[str, Any]


def person_facts(person: str, number: str | None, why: str, who: str, *, is_id: bool = False) -> Facts:
    """A person as a request carries them: as they were named, their number (E.164) if that is one, and whether it was
    said that it is an id, whatever it looks like."""
    return {"person": person, "number": number, "why": why, "who": who, "is_id": is_id}


def numbers_facts(numbers: Sequence[str], why: str, who: str) -> Facts:
    """Numbers (E.164) of a file, as a request carries them."""
    return {"numbers": list(numbers), "why": why, "who": who}


def history_facts(rings: Sequence[tuple[str, str, str, datetime, bool]]) -> Facts:
    """Rings as a request carries them: number (E.164), id, debt ('' for none), when, whether they talked."""
    return {"rings": [[number, person, debt, at.isoformat(), talked] for number, person, debt, at, talked in rings]}


async def carry_out(ledger: Ledger, verb: str, facts: Facts) -> str:
    """Do what is asked; gives the sentence that is answered (UsageError: it cannot be done)."""
    if verb == HISTORY:
        return await _remember(ledger, facts)
    if verb == IMPORT:
        return await _take(ledger, facts)
    person, number = str(facts["person"]), facts.get("number")
    numbers = [] if number is None else [str(number)]
    if verb == ADD:
        if facts.get("is_id") is not True:
            await _check_is_somebody(ledger, person, numbers)
        return await _add(ledger, person, numbers, _word(facts, "command"))
    try:
        return f"{person} is off the do-not-call list; {_freed(await ledger.opt_in(numbers, [person], _word(facts)))}"
    except UsageError as error:
        raise UsageError(f"{person} is {error}") from None


async def _check_is_somebody(ledger: Ledger, person: str, numbers: Sequence[str]) -> None:
    """UsageError for a mistyped number: taken for an id that nobody has yet, it would stop nobody."""
    if numbers or not _LIKE_A_NUMBER.fullmatch(person) or await ledger.is_anybody(person):
        return
    raise UsageError(
        f"{person} is nobody's id, and no number that can be read: write a number with its plus and country code, or, "
        "if it is an id, add --id"
    )


async def _add(ledger: Ledger, person: str, numbers: Sequence[str], word: Word) -> str:
    """By number, by id, or by both where what was named is both."""
    is_known = person not in numbers and await ledger.is_anybody(person)
    by_id = is_known or not numbers
    reached = await ledger.opt_out(numbers, [person] if by_id else [], word)
    stranger = "; nobody in the ledger has this id yet" if by_id and not is_known else ""
    return f"{person} is on the do-not-call list{stranger}; {_stopped(reached)}"


async def _take(ledger: Ledger, facts: Facts) -> str:
    numbers = [str(number) for number in facts["numbers"]]
    reached = await ledger.opt_out(numbers, [], _word(facts, "file"))
    return f"{_count(len(numbers), 'number')} on the do-not-call list; {_stopped(reached)}"


async def _remember(ledger: Ledger, facts: Facts) -> str:
    told = [
        Told(str(number), str(person), str(debt), datetime.fromisoformat(at), bool(talked))
        for number, person, debt, at, talked in facts["rings"]
    ]
    new = await ledger.keep_rings(told)
    return f"{_count(new, 'ring')} taken in, {len(told) - new} were known"


def _word(facts: Facts, source: str = "command") -> Word:
    return Word(str(facts.get("why", "")), source, str(facts.get("who", "")))


# --- sentences ---------------------------------------------------------------------------------------


def _stopped(reached: Sequence[Reached]) -> str:
    found = [f"{one.campaign}: {', '.join(_parts(one))}" for one in reached if one.withdrawn or one.live]
    return "; ".join(found) or "no campaign has anybody waiting whom this stops"


def _parts(one: Reached) -> Iterator[str]:
    if one.withdrawn:
        yield f"{_people(one.withdrawn)} will not be dialled"
    if one.live:
        yield "1 live call runs out" if one.live == 1 else f"{one.live} live calls run out"


def _freed(removed: Removed) -> str:
    told = [f"{campaign}: {_people(count)} due again" for campaign, count in removed.again.items()]
    if removed.still:
        told.append(f"{_people(removed.still)} stopped all the same, by another entry")
    return "; ".join(told) or "nobody is due again by this"


def _people(count: int) -> str:
    return "1 person" if count == 1 else f"{count} people"


def _count(count: int, what: str) -> str:
    return f"1 {what} is" if count == 1 else f"{count} {what}s are"
