"""Hours of a week between text and value: `{"mon-fri": ["09:00-12:00"]}` ↔ `Week`.

What cannot be taken is a `BadRule`: the key, the sentence, and what to write instead. Nothing is guessed; hours that
were misread would ring people at night.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import groupby, pairwise

from dialer.model.rules import Span, Week

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""The days as the files name them, Monday first."""

_LONG = {"monday": "mon", "tuesday": "tue", "wednesday": "wed", "thursday": "thu", "friday": "fri", "saturday": "sat"}
_LONG["sunday"] = "sun"
_WINDOW = re.compile(r"([0-9]{1,2}):([0-9]{2})\s*[-–]\s*([0-9]{1,2}):([0-9]{2})")
_HOUR = 60
_DAY = 24 * _HOUR


class BadRule(ValueError):
    """A rule that cannot be taken: under which key, the sentence, and what to write in its place."""

    def __init__(self, key: str, message: str, suggestion: str = "") -> None:
        super().__init__(f"{key}: {message}{f'; {suggestion}' if suggestion else ''}")
        self.key = key
        self.message = message
        self.suggestion = suggestion

    def under(self, key: str) -> BadRule:
        """The same, said of a key further up."""
        return BadRule(f"{key}.{self.key}" if self.key else key, self.message, self.suggestion)


def week(hours: Mapping[str, object]) -> Week:
    """The week that these days and windows make; each value is a window (`09:00-12:00`) or a list of them.

    Keys are days (`mon`), ranges (`mon-fri`, `daily`) and lists (`mon,wed`); a day that is not named is closed, and so
    is one with an empty list. Raises BadRule for a day named twice, windows that are empty, overlap or cross midnight,
    and a week that never opens.
    """
    named: dict[str, str] = {}
    found: dict[str, tuple[Span, ...]] = {}
    for key, value in hours.items():
        spans = _spans(key, value)
        for day in _days(key):
            if day in named:
                raise BadRule(key, f"{day} is named twice, here and in '{named[day]}'", "name each day once")
            named[day] = key
            found[day] = spans
    if not any(found.values()):
        raise BadRule("", "these hours never open", "give at least one day a window, as mon-fri: [09:00-17:00]")
    return tuple(found.get(day, ()) for day in DAYS)


def _days(key: str) -> Iterator[str]:
    for part in key.split(","):
        word = part.strip().lower()
        if word == "daily":
            yield from DAYS
            continue
        first, dash, last = word.replace("–", "-").partition("-")
        start = _day(key, first)
        end = _day(key, last) if dash else start
        # A range goes on past Sunday: fri-mon is four days, sun-sat is all of them.
        yield from (DAYS[(start + step) % 7] for step in range((end - start) % 7 + 1))


def _day(key: str, word: str) -> int:
    name = _LONG.get(word.strip(), word.strip())
    if name not in DAYS:
        raise BadRule(key, f"'{word.strip()}' is not a day", "use mon, tue, wed, thu, fri, sat, sun, mon-fri or daily")
    return DAYS.index(name)


def _spans(key: str, value: object) -> tuple[Span, ...]:
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, Sequence) or not all(isinstance(text, str) for text in texts):
        raise BadRule(key, "windows are needed here", "write them as [09:00-12:00, 13:00-17:00]")
    spans = sorted(_window(key, text.strip()) for text in texts)
    for (start, end), (other, until) in pairwise(spans):
        if other < end:
            raise BadRule(
                key,
                f"{_text((start, end))} and {_text((other, until))} overlap",
                f"write one window, {_text((start, max(end, until)))}",
            )
    return tuple(spans)


def _window(key: str, text: str) -> Span:
    match = _WINDOW.fullmatch(text)
    if match is None:
        raise BadRule(key, f"'{text}' is not a window", "write it as 09:00-12:00, in 24 hours")
    hour, minute, last_hour, last_minute = map(int, match.groups())
    start, end = hour * _HOUR + minute, last_hour * _HOUR + last_minute
    if max(minute, last_minute) >= _HOUR or start >= _DAY or end > _DAY:
        raise BadRule(key, f"'{text}' is past the clock's end", "hours go from 00:00 to 23:59, and 24:00 ends a day")
    if start == end:
        raise BadRule(key, f"the window '{text}' is empty", "leave it out, or give it another end")
    if end == 0:
        raise BadRule(key, f"'{text}' ends before it begins", f"write {_text((start, _DAY))}")
    if end < start:
        raise BadRule(
            key,
            f"'{text}' crosses midnight",
            f"write two: {_text((start, _DAY))} on the first day and {_text((0, end))} on the next",
        )
    return start, end


@lru_cache(maxsize=1024)
def words(week: Week) -> str:
    """The week as a message says it: `Mon–Fri 09:00–12:00, 13:00–19:30; Sat 10:00–16:00`; `never` if it never opens."""
    parts = []
    for spans, days in groupby(range(7), key=lambda day: week[day]):
        if spans:
            first, *others = (DAYS[day].title() for day in days)
            name = f"{first}–{others[-1]}" if others else first
            parts.append(f"{name} {', '.join(_text(span, '–') for span in spans)}")
    return "; ".join(parts) or "never"


def _text(span: Span, dash: str = "-") -> str:
    return dash.join(f"{minute // _HOUR:02d}:{minute % _HOUR:02d}" for minute in span)
