"""Which of the own numbers shows for a person, and which of them rest for a while.

Nothing is derived from the number that is called: only what the campaign file names can show, and only where it says.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from dialer.model import CallerId, CallRules
from dialer.policy.joining import joined

NO_CALLER_ID = "no_caller_id"
"""The rule by which somebody is held for whom no own number can show."""

FIRST_REST, LONGEST_REST = timedelta(hours=1), timedelta(days=1)
"""How long a number rests; each time in a row twice as long as the time before, up to the longest."""

FAILURES = frozenset({"call_failed", "user_connection_failure"})
"""Finish reasons that may be the own number's fault: a carrier that blocks it lets its calls end so."""

LOOKED_AT = 20
"""So many of a number's last dials are looked at.

Of a list with one bad number in ten, twenty dials hold six bad ones once in a hundred times, and eight once in two
thousand times: so a number rests only where it fails four times as often as the others do as well.
"""

FAILED_OFTEN = 6
"""So many of them failed where a number fails too often."""

_TIMES_THE_OTHERS = 4.0
_ALL_WELL = (False,) * LOOKED_AT
_FIELD = "from_number"


@dataclass(frozen=True, slots=True)
class NoCaller:
    """That no own number can show for a person, why, and until when: None where only the campaign file can help."""

    why: str
    until: datetime | None
    rule: str = NO_CALLER_ID


def callers_of(call: CallRules) -> tuple[CallerId, ...]:
    """A campaign's own numbers, with what is said of each."""
    return call.callers or tuple(CallerId(number) for number in call.from_numbers)


# --- which one shows ------------------------------------------------------------------------------


def choose(
    callers: Sequence[CallerId],
    places: Iterable[str],
    person: str,
    last: str | None,
    used_today: Mapping[str, int],
    resting: Mapping[str, datetime],
    now: datetime,
    *,
    rotates: bool = False,
) -> CallerId | NoCaller:
    """The own number that shows for this person, who is in these places (`US`, `US-FL`).

    A number that is meant for a state goes before one for a country, and that before one for everywhere. It is the
    same one for the same person, the `last` one above all, unless that one is used up for today (`used_today`, by UTC),
    rests until some time, or `rotates`: then the next one in an order of the person's own. Numbers are spread evenly
    over people; where one is added or taken away, only those people change who must.
    """
    if len(callers) == 1 and _is_free_anywhere(callers[0], resting):
        return callers[0]
    there = frozenset(places)
    fitting = [(caller, level) for caller in callers if (level := _level(caller, there)) is not None]
    if not fitting:
        return NoCaller(
            f"no own number is meant for {', '.join(sorted(there)) or 'people of whom no place is known'}", None
        )
    held = {caller.number: _held_until(caller, used_today, resting, now) for caller, _ in fitting}
    free = [(caller, level) for caller, level in fitting if held[caller.number] is None]
    if not free:
        return _none_free([until for until in held.values() if until is not None], resting)
    if not rotates and (same := next((caller for caller, _ in free if caller.number == last), None)):
        return same
    nearest = max(level for _, level in free)
    return _turn([caller for caller, level in free if level == nearest], person, last)


def _is_free_anywhere(caller: CallerId, resting: Mapping[str, datetime]) -> bool:
    """Whether nothing keeps this number from showing: so it is with most campaigns that have but one."""
    return not caller.places and caller.per_day is None and caller.number not in resting


def is_meant(callers: Iterable[CallerId], places: Iterable[str]) -> bool:
    """Whether any of these numbers is meant for people who are in these places."""
    there = frozenset(places)
    return any(_level(caller, there) is not None for caller in callers)


def _level(caller: CallerId, there: frozenset[str]) -> int | None:
    """How near a number's places are to the person's: 2 for a state, 1 for a country, 0 for everywhere, None: apart."""
    if not caller.places:
        return 0
    return max((2 if "-" in place else 1 for place in caller.places & there), default=None)


def _held_until(
    caller: CallerId, used_today: Mapping[str, int], resting: Mapping[str, datetime], now: datetime
) -> datetime | None:
    """Until when this number cannot show; None: it can."""
    against = [until for until in (resting.get(caller.number),) if until is not None and until > now]
    if caller.per_day is not None and used_today.get(caller.number, 0) >= caller.per_day:
        against.append(_tomorrow(now))
    return max(against, default=None)


def _tomorrow(now: datetime) -> datetime:
    return (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)


def _none_free(untils: Sequence[datetime], resting: Mapping[str, datetime]) -> NoCaller:
    why = (
        "rest or have been shown as often today as `per_day` allows"
        if resting
        else "have been shown often enough today"
    )
    return NoCaller(f"all own numbers that are meant for them {why}", min(untils))


def _turn(callers: Sequence[CallerId], person: str, last: str | None) -> CallerId:
    """The person's own first choice, or the one after the last that was shown."""
    if len(callers) == 1:
        return callers[0]
    ordered = sorted(callers, key=lambda caller: hashlib.sha256(joined(caller.number, person)).digest(), reverse=True)
    before = next((place for place, caller in enumerate(ordered) if caller.number == last), -1)
    return ordered[(before + 1) % len(ordered)]


# --- which ones rest ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Health:
    """How an own number fares: of its last dials, oldest first, whether they failed; until when it rests, and for the
    how many-th time in a row."""

    failed: tuple[bool, ...] = ()
    until: datetime | None = None
    times: int = 0


Resting = Mapping[str, Health]
"""The health of own numbers; one that is not named has not been heard of."""


def is_named(fields: Iterable[str], message: str) -> bool:
    """Whether a refusal is about the own number: by the fields that it names or, if it names none, by its words."""
    named = tuple(fields)
    return any(_FIELD in field for field in named) if named else _FIELD in message


def refused(resting: Resting, number: str, now: datetime) -> Resting:
    """The platform refuses this number: it rests, unless it does so already."""
    return resting if number in at_rest(resting, now) else _rests(resting, number, now)


def dialled(resting: Resting, number: str, failed: bool, now: datetime) -> Resting:
    """A dial under this number has come to its end; a number that fails too often, and far oftener than the others,
    rests."""
    before = resting.get(number, Health())
    if before.until is not None and before.until > now:
        return resting  # what was under way when it was laid to rest
    if not failed and before.failed == _ALL_WELL and not before.times:
        return resting  # one more that went well changes nothing
    last = (*before.failed, failed)[-LOOKED_AT:]
    after = {**resting, number: replace(before, failed=last)}
    if _fails_too_often(after, number):
        return _rests(after, number, now)
    is_well = len(last) == LOOKED_AT
    return {**after, number: replace(after[number], times=0)} if is_well else after


def at_rest(resting: Resting, now: datetime) -> dict[str, datetime]:
    """The numbers that rest now, and until when."""
    return {number: one.until for number, one in resting.items() if one.until is not None and one.until > now}


def _rests(resting: Resting, number: str, now: datetime) -> Resting:
    times = resting.get(number, Health()).times + 1
    rest = min(FIRST_REST * 2 ** min(times - 1, 16), LONGEST_REST)
    return {**resting, number: Health((), now + rest, times)}


def _fails_too_often(resting: Resting, number: str) -> bool:
    own = resting[number].failed
    others = [bad for other, one in resting.items() if other != number for bad in one.failed]
    if len(own) < LOOKED_AT or len(others) < LOOKED_AT:
        return False  # a list of bad numbers is nobody's fault: without others there is nothing to compare with
    share, theirs = sum(own) / len(own), sum(others) / len(others)
    return sum(own) >= FAILED_OFTEN and share >= _TIMES_THE_OTHERS * theirs
