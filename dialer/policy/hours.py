"""When a rule lets a telephone ring, on one clock: its week, its holidays, its effective dates, as spans of UTC."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, tzinfo
from functools import lru_cache

from dialer.model.rules import EVERY_MINUTE, Rule, Span
from dialer.policy import timetable
from dialer.policy.clocks import DAY, EPOCH_DAY, stretches
from dialer.policy.spans import Spans, join

Holidays = Callable[[str, int], frozenset[date]]
"""The days of a calendar (`US-LA`) in a year."""

_MINUTE = 60
_MOST = 4
_WHOLE_DAY = ((0, 24 * _MINUTE),)


def has_hours(rule: Rule) -> bool:
    """Whether the rule says anything about times of day or days."""
    return rule.week is not None or bool(rule.holidays) or bool(rule.not_on)


def words(rule: Rule) -> str:
    """What the rule says of hours, as a message says it; '' for none."""
    if not has_hours(rule):
        return ""
    week = timetable.words(EVERY_MINUTE if rule.week is None else rule.week)
    days = [*(f"holidays of {calendar}" for calendar in rule.holidays), *map(str, sorted(rule.not_on))]
    return f"{week}{f' {rule.zone}' if rule.zone else ''}{f', not on {_few(days)}' if days else ''}"


def _few(days: list[str]) -> str:
    return f"{', '.join(days[:_MOST])} and {len(days) - _MOST} more" if len(days) > _MOST else ", ".join(days)


def open_spans(rule: Rule, zone: tzinfo, start: datetime, end: datetime, holidays: Holidays) -> Spans:
    """The instants from `start` up to, not with, `end` at which the rule has nothing against a ringing telephone.

    `zone` is the clock that counts; where the rule names its own, give that one. A rule without hours is always open,
    and so is any rule on days outside its effective dates. Spans that touch, at midnight or where the offset changes,
    are one. Bounds are whole seconds, those of `start` and `end` rounded outwards.
    """
    first, last = math.floor(start.timestamp()), math.ceil(end.timestamp())
    if not has_hours(rule):
        return join([(first, last)])
    return _open_spans(rule, zone, first, last, holidays)


@lru_cache(maxsize=512)
def _open_spans(rule: Rule, zone: tzinfo, first: int, last: int, holidays: Holidays) -> Spans:
    closed = _Closed(rule, holidays)
    return join(
        (max(early, opens - ahead), min(late, closes - ahead))
        for early, late, ahead in stretches(zone, first, last)
        for opens, closes in _local(rule, closed, early + ahead, late + ahead)
    )


def _local(rule: Rule, closed: _Closed, first: int, last: int) -> Iterator[tuple[int, int]]:
    """The windows of all local days that touch these seconds, counted as if local time were UTC."""
    week = EVERY_MINUTE if rule.week is None else rule.week
    for number in range(first // DAY, -(-last // DAY)):
        day = date.fromordinal(number + EPOCH_DAY)
        if not _holds_on(rule, day):
            spans: Iterable[Span] = _WHOLE_DAY
        else:
            spans = () if day in closed else week[day.weekday()]
        for opens, closes in spans:
            yield number * DAY + opens * _MINUTE, number * DAY + closes * _MINUTE


def _holds_on(rule: Rule, day: date) -> bool:
    if rule.effective_from is not None and day < rule.effective_from:
        return False
    return rule.effective_until is None or day < rule.effective_until


class _Closed:
    """The days on which nobody is called at all, year by year as they are asked for."""

    def __init__(self, rule: Rule, holidays: Holidays) -> None:
        self._rule = rule
        self._holidays = holidays
        self._years: dict[int, frozenset[date]] = {}

    def __contains__(self, day: date) -> bool:
        if day.year not in self._years:
            calendars = (self._holidays(calendar, day.year) for calendar in self._rule.holidays)
            self._years[day.year] = self._rule.not_on.union(*calendars)
        return day in self._years[day.year]
