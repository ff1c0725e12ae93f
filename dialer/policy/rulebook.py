"""Rules between text and value: what a pack's file and a campaign's say, key by key, becomes a `Rule`.

All scalars are texts (`21:00`, `NO` and `1e3` mean what they look like). A key that is not known and a value that
cannot be taken are a `BadRule`: a rule half understood would let people be called whom it protects.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from datetime import date
from difflib import get_close_matches
from enum import StrEnum
from functools import partial
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from dialer.model.rules import After, Cap, Purpose, Rest, Rule, Scope
from dialer.policy.timetable import BadRule, week

__all__ = ["CONFIDENCE", "KEYS", "LINES", "MOST_COUNTED", "VOICES", "BadRule", "cap", "rest", "rule", "seconds"]

VOICES = ("ai", "human")
CONFIDENCE = ("high", "medium", "low", "derived", "own")
LINES = (
    "mobile",
    "fixed_line",
    "fixed_line_or_mobile",
    "toll_free",
    "premium_rate",
    "shared_cost",
    "voip",
    "personal_number",
    "pager",
    "uan",
    "voicemail",
    "unknown",
)
"""The kinds of a number. A kind that none has would make a prohibition that never applies."""

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_LONGEST = 3650 * 86400

MOST_COUNTED = 90 * 86400.0
"""So far back in seconds a cap, a rest or a gap may count: rings are kept no longer."""

_ID = re.compile(r"[a-z0-9][a-z0-9_.-]{0,79}")
_PLACE = re.compile(r"\*|[A-Z]{2}(-([A-Z0-9]{1,3}|\?))?")
_CALENDAR = re.compile(r"[A-Z]{2,4}(-[A-Z0-9]{1,3})?")
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([smhd])")
_CAP = re.compile(r"([0-9]+)\s+(?:per|in)\s+(\S+)(?:\s+per\s+(\S+))?")

_Choice = TypeVar("_Choice", bound=StrEnum)


def rule(given: Mapping[str, object]) -> Rule:
    """The rule that these keys make; `place` left out is everywhere.

    `hours` is a mapping as `timetable.week` takes it, and may hold `holidays` and `not_on` too. Purposes, voices,
    lines and calendars are one text or a list. Raises BadRule for an unknown key, a bad value, dates in the wrong
    order, and a rule that says nothing.
    """
    fields: dict[str, Any] = {}
    for key, value in _spread(given):
        if key not in KEYS:
            raise BadRule(key, f"'{key}' is not a key of a rule", _nearest(key, KEYS))
        name, reader = KEYS[key]
        if name in fields:
            raise BadRule(key, "is given twice", "give it once")
        fields[name] = reader(key, value)
    return _checked(fields)


def _spread(given: Mapping[str, object]) -> list[tuple[str, object]]:
    """The keys, those of `hours` that are no days brought up beside it."""
    pairs: list[tuple[str, object]] = []
    for key, value in given.items():
        inner = value if key == "hours" and isinstance(value, Mapping) else {}
        aside = {name: inner[name] for name in ("holidays", "not_on") if name in inner}
        pairs.append((key, {name: inner[name] for name in inner if name not in aside} if aside else value))
        pairs += aside.items()
    return pairs


def _checked(fields: dict[str, Any]) -> Rule:
    if "id" not in fields:
        raise BadRule("id", "a rule needs an id", "give it one, as id: us-fl-hours")
    made = Rule(**{"place": "*", **fields})
    if made.effective_from and made.effective_until and made.effective_from >= made.effective_until:
        raise BadRule("until", "the rule ends before it begins", "give a day after 'from'; 'until' is no longer in it")
    says = (made.week, made.holidays, made.not_on, made.caps, made.rests, made.gap, made.forbidden, made.note)
    if not made.needs_consent and not any(says):
        raise BadRule("id", f"the rule '{made.id}' says nothing", "give it hours, caps, forbidden, consent or a note")
    return made


def cap(text: str, key: str = "caps") -> Cap:
    """The cap in words such as `3 per 24h`, `7 per 7d per debt`; raises BadRule with this key."""
    match = _CAP.fullmatch(text.strip())
    if match is None:
        raise BadRule(key, f"'{text}' is no cap", "write it as 3 per 24h, or 7 per 7d per debt")
    return _cap(key, match[1], match[2], match[3] or Scope.PERSON)


def _cap(key: str, most: object, within: object, per: object) -> Cap:
    return Cap(_whole(f"{key}.most", most), _kept(within, f"{key}.in"), _one_of(f"{key}.per", per, Scope))


def _kept(value: object, key: str) -> float:
    """A length of time for which rings are kept: what counts further would not see what it counts."""
    length = seconds(value, key)
    if length > MOST_COUNTED:
        raise _forgotten(key, value)
    return length


def _forgotten(key: str, value: object) -> BadRule:
    return BadRule(key, f"'{value}' counts further back than 90 days, for which rings are kept", "write 90d or less")


def rest(given: object, key: str = "rests") -> Rest:
    """The rest in keys such as `{days: 7, after: conversation, per: debt}`; raises BadRule with this key."""
    known = _known(key, given, ("days", "after", "per"), needed=("days",))
    days = _whole(f"{key}.days", known["days"])
    if days * 86400 > MOST_COUNTED:
        raise _forgotten(f"{key}.days", f"{days} days")
    return Rest(
        days,
        _one_of(f"{key}.after", known.get("after", After.CONVERSATION), After),
        _one_of(f"{key}.per", known.get("per", Scope.PERSON), Scope),
    )


def seconds(value: object, key: str = "") -> float:
    """A length of time in seconds, from `90s`, `10m`, `2h` or `1d` (24 hours); raises BadRule with this key."""
    text = _text(key, value)
    match = _DURATION.fullmatch(text)
    if match is None:
        raise BadRule(key, f"'{text}' is not a length of time", "write it as 90s, 10m, 2h or 1d")
    length = float(match[1]) * _UNITS[match[2]]
    if not 0 < length <= _LONGEST:
        raise BadRule(key, f"'{text}' is not between nothing and ten years", "write it as 90s, 10m, 2h or 1d")
    return length


def _text(key: str, value: object) -> str:
    if not isinstance(value, str):
        raise BadRule(key, "one value is needed here", "write it on the same line as the key")
    if not value.strip():
        raise BadRule(key, "is empty", "give it a value, or remove the line")
    return " ".join(value.split())


def _texts(key: str, value: object) -> list[str]:
    found = [_text(key, each) for each in (value if isinstance(value, list | tuple) else [value])]
    if not found:
        raise BadRule(key, "is an empty list", "name at least one, or remove the line")
    return found


def _whole(key: str, value: object) -> int:
    text = _text(key, value)
    if not re.fullmatch(r"[1-9][0-9]{0,5}", text):
        raise BadRule(key, f"'{text}' is not a whole number from 1 up", "write it as 3")
    return int(text)


def _one_of(key: str, value: object, choices: type[_Choice]) -> _Choice:
    text = _text(key, value)
    try:
        return choices(text)
    except ValueError:
        raise BadRule(key, f"'{text}' is not known here", _nearest(text, list(choices))) from None


def _nearest(word: str, known: Collection[str]) -> str:
    near = get_close_matches(word.lower(), known, n=1, cutoff=0.6)
    return f"did you mean {near[0]}?" if near else f"use one of {', '.join(known)}"


def _known(key: str, value: object, keys: tuple[str, ...], needed: tuple[str, ...]) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise BadRule(key, "keys are needed here", f"write it as {{{', '.join(f'{name}: …' for name in keys)}}}")
    for name in value:
        if name not in keys:
            raise BadRule(f"{key}.{name}", f"'{name}' is not known here", _nearest(name, keys))
    for name in needed:
        if name not in value:
            raise BadRule(f"{key}.{name}", "is missing", f"write it as {{{', '.join(f'{each}: …' for each in keys)}}}")
    return value


def _matching(shape: re.Pattern[str], hint: str, key: str, value: object) -> str:
    text = _text(key, value)
    if not shape.fullmatch(text):
        raise BadRule(key, f"'{text}' cannot be taken", hint)
    return text


def _word(choices: tuple[str, ...], key: str, value: object) -> str:
    text = _text(key, value)
    if text not in choices:
        raise BadRule(key, f"'{text}' is not known here", _nearest(text, choices))
    return text


def _words(choices: tuple[str, ...], key: str, value: object) -> frozenset[str]:
    return frozenset(_word(choices, key, text) for text in _texts(key, value))


def _purposes(key: str, value: object) -> frozenset[Purpose]:
    return frozenset(_one_of(key, text, Purpose) for text in _texts(key, value))


def _calendars(key: str, value: object) -> tuple[str, ...]:
    return tuple(_matching(_CALENDAR, "name calendars as US or US-LA", key, text) for text in _texts(key, value))


def _date(key: str, value: object) -> date:
    text = _text(key, value)
    try:
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise BadRule(key, f"'{text}' is not a day", "write it as 2026-12-24")


def _dates(key: str, value: object) -> frozenset[date]:
    return frozenset(_date(key, text) for text in _texts(key, value))


def _hours(key: str, value: object) -> object:
    if not isinstance(value, Mapping):
        raise BadRule(key, "days and windows are needed here", "write them as {mon-fri: [09:00-17:00]}")
    try:
        return week(value)
    except BadRule as fault:
        raise fault.under(key) from None


def _caps(key: str, value: object) -> tuple[Cap, ...]:
    listed = value if isinstance(value, list | tuple) else [value]
    return tuple(cap(each, key) if isinstance(each, str) else _spelled(key, each) for each in listed)


def _spelled(key: str, value: object) -> Cap:
    known = _known(key, value, ("most", "in", "per"), needed=("most", "in"))
    return _cap(key, known["most"], known["in"], known.get("per", Scope.PERSON))


def _rests(key: str, value: object) -> tuple[Rest, ...]:
    return tuple(rest(each, key) for each in (value if isinstance(value, list | tuple) else [value]))


def _zone(key: str, value: object) -> str:
    text = _text(key, value)
    try:
        return ZoneInfo(text).key
    except (OSError, ValueError, KeyError):
        raise BadRule(key, f"'{text}' is not a time zone", "use a name as America/Chicago") from None


def _consent(key: str, value: object) -> bool:
    return _word(("required",), key, value) == "required"


def _gap(key: str, value: object) -> float:
    return _kept(value, key)


_Reader = Callable[[str, object], Any]

KEYS: Mapping[str, tuple[str, _Reader]] = {
    "id": ("id", partial(_matching, _ID, "use a-z, 0-9, -, _ and ., as us-fl-hours")),
    "place": ("place", partial(_matching, _PLACE, "use an ISO code, as US or US-FL, or * for everywhere")),
    "purpose": ("purposes", _purposes),
    "purposes": ("purposes", _purposes),
    "voice": ("voices", partial(_words, VOICES)),
    "voices": ("voices", partial(_words, VOICES)),
    "line": ("lines", partial(_words, LINES)),
    "lines": ("lines", partial(_words, LINES)),
    "hours": ("week", _hours),
    "holidays": ("holidays", _calendars),
    "not_on": ("not_on", _dates),
    "zone": ("zone", _zone),
    "caps": ("caps", _caps),
    "rests": ("rests", _rests),
    "gap": ("gap", _gap),
    "forbidden": ("forbidden", _text),
    "consent": ("needs_consent", _consent),
    "from": ("effective_from", _date),
    "until": ("effective_until", _date),
    "citation": ("citation", _text),
    "confidence": ("confidence", partial(_word, CONFIDENCE)),
    "read_on": ("read_on", _date),
    "note": ("note", _text),
}
"""Each key of a rule in a file, with the field that it fills and the function that reads it."""
