"""When and by which law people are called, from a campaign file's words: hours, rules, caps.

Windows and rules are read by `policy.timetable` and `policy.rulebook`, which packs are read by too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, TypeVar

from dialer.config.words import Wrong, duration, nearest, one_or_more, quoted, some_time, text, whole
from dialer.model import Cap, Purpose, Rule
from dialer.policy import rulebook, timetable
from dialer.policy.outcome import REASONS

T = TypeVar("T")

ALWAYS = "always"
NONE = "none"
GIVEN = "given"
COLUMN = "column"
EVERYWHERE = "*"
HOURS = "hours"
"""The id of the rule that a campaign's own hours make; so are `caps` and `gap` named."""

DEFAULT_HOURS = {"daily": ["09:00-20:00"]}

_NOT_DAYS = ("holidays", "not_on")
_CALENDAR = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?")
_RULE_ID = re.compile(r"[a-z0-9][a-z0-9_.-]*")


def hours(value: object) -> Rule | None:
    """The rule that `hours` makes; None for `always`."""
    if isinstance(value, str):
        if value.strip() == ALWAYS:
            return None
        message = f"{quoted(value)} is neither always nor windows"
        raise Wrong(message, "write hours: {mon-fri: [09:00-12:00, 13:00-19:30]}, or always")
    if not isinstance(value, dict):
        raise Wrong("days with their windows are needed here, not a list", "write {mon-fri: [09:00-19:30]}")
    days = {key: _texts(spans) for key, spans in value.items() if key not in _NOT_DAYS}
    if not days:
        raise Wrong("no day has a window, so nobody would ever be called", "write {mon-fri: [09:00-19:30]}")
    return Rule(
        id=HOURS,
        place=EVERYWHERE,
        week=_read(timetable.week, days),
        holidays=tuple(_texts(value.get("holidays", []))),
        not_on=frozenset(map(_day, _texts(value.get("not_on", [])))),
    )


def default_hours() -> Rule:
    """Where a file says nothing: 09:00 to 20:00, each day, in the person's own time."""
    return Rule(id=HOURS, place=EVERYWHERE, week=timetable.week(DEFAULT_HOURS))


def window(value: Mapping[str, object], key: str) -> None:
    """Raises Wrong where what stands under this key of `hours` cannot be taken; asked key by key, for its line."""
    found = _texts(value[key])
    if key == "holidays":
        for calendar in found:
            if not _CALENDAR.fullmatch(calendar):
                raise Wrong(f"{quoted(calendar)} is no calendar of holidays", "write it as US, or US-LA for a state")
    elif key == "not_on":
        for day in found:
            _day(day)
    else:
        if (meant := nearest(key, _NOT_DAYS)) is not None:
            raise Wrong(f"{quoted(key)} is no key of hours", f"did you mean {meant}?")
        _read(timetable.week, {key: found}, key=key)


def _read(read: Callable[[Any], T], value: object, *, key: str = "") -> T:
    """What `policy` reads of a value; its complaint in the words of a campaign file. `key` is the value's own."""
    try:
        return read(value)
    except timetable.BadRule as fault:
        told = fault.message if fault.key in ("", key) else f"{fault.key}: {fault.message}"
        wrong = Wrong(told, fault.suggestion)
    raise wrong


def _texts(value: object) -> list[str]:
    return [text(each) for each in (value if isinstance(value, list) else [value])]


def _day(word: str) -> date:
    try:
        return date.fromisoformat(word)
    except ValueError:
        message = f"{quoted(word)} is not a day"
    raise Wrong(message, "write it as 2026-12-24")


# --- rules --------------------------------------------------------------------------------------


def purpose(value: object) -> Purpose:
    """For what is called, in the words of the law; there is no default."""
    word = text(value)
    try:
        return Purpose(word)
    except ValueError:
        meant = nearest(word, list(Purpose))
        message = f"{quoted(word)} is not marketing, debt, info or survey"
    raise Wrong(message, f"did you mean {meant}?" if meant else "")


def pack(value: object) -> str:
    """The code of a pack, as `us`; whether there is such a pack is not known here."""
    word = text(value).lower()
    if not re.fullmatch(r"[a-z]{2}", word):
        raise Wrong(f"{quoted(word)} is no pack", "write its two letters, as us: `dialer rules show` lists them")
    return word


def rule_id(value: object) -> str:
    """The id of a rule of a pack."""
    word = text(value)
    if not _RULE_ID.fullmatch(word):
        raise Wrong(f"{quoted(word)} is no rule's id", "`dialer rules show US-FL` shows them")
    return word


def added(value: object) -> Rule:
    """A rule of the campaign's own, in the words that packs are written in."""
    if not isinstance(value, dict):
        raise Wrong("a rule has keys of its own", "write {id: quiet-friday, place: US-UT, hours: {fri: [09:00-12:00]}}")
    return _read(rulebook.rule, {"place": EVERYWHERE, **value})


def consent_word(consent: str) -> str:
    """`given` for everybody on the list, or `column`."""
    return GIVEN if consent == GIVEN else COLUMN


def yes(value: object) -> frozenset[str]:
    """The words of a consent column that mean yes, whatever their case."""
    return frozenset(text(word).casefold() for word in one_or_more(value))


# --- caps ---------------------------------------------------------------------------------------


def cap(value: object) -> Cap:
    """`3 per 7d`: so many rings in so long a time."""
    word = text(value)
    found = re.fullmatch(r"([0-9]+)\s+(?:per|in)\s+(\S+)", word)
    if found is None:
        raise Wrong(f"{quoted(word)} is no cap", "write it as 3 per 7d")
    most, seconds = whole(1)(found[1]), some_time(found[2])
    if seconds > rulebook.MOST_COUNTED:
        message = f"{quoted(word)} counts further back than 90 days, for which rings are kept"
        raise Wrong(message, "write it as 3 per 7d")
    return Cap(most, seconds)


def gap(value: object) -> float:
    """The least time in seconds from a ring to the next."""
    seconds = duration(value)
    if not 0 < seconds <= rulebook.MOST_COUNTED:
        raise Wrong(f"{quoted(text(value))} is no time between two rings", "write it as 4h; at most 90d")
    return seconds


def caps_rule(per_person: Cap | None, between: float | None) -> Rule | None:
    """The campaign's own caps as a rule, if it has any."""
    if per_person is None and between is None:
        return None
    return Rule(id="caps", place=EVERYWHERE, caps=(per_person,) if per_person else (), gap=between)


# --- those not to call --------------------------------------------------------------------------


def opt_out_reason(value: object) -> str:
    """A finish reason that means it."""
    word = text(value)
    if word not in REASONS:
        meant = nearest(word, REASONS)
        raise Wrong(f"{quoted(word)} is not a finish reason", f"did you mean {meant}?" if meant else "")
    return word


def place(value: object) -> str:
    """An ISO 3166 code: US, or US-FL."""
    word = text(value)
    if not _CALENDAR.fullmatch(word):
        raise Wrong(f"{quoted(word)} is no place", "write a country as US, a state as US-FL")
    return word
