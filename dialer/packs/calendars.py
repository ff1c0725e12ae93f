"""Public holidays by calendar: a country, or a state of it."""

from __future__ import annotations

from datetime import date
from functools import cache


@cache
def holidays(calendar: str, year: int) -> frozenset[date]:
    """The days of this calendar in this year, days off instead of a day at the weekend among them.

    `calendar` is an ISO 3166 code as the holidays library knows it: `US`, `US-LA`, `FR`. Raises LookupError where the
    library has no such calendar, or nothing for the year: a calendar without days would open every one of them.
    """
    import holidays as library  # 0.1 s, which no command has to spend that asks for no rules

    country, dash, state = calendar.partition("-")
    try:
        if dash and not state:
            raise NotImplementedError  # the library takes an empty state for none
        days = library.country_holidays(country, subdiv=state or None, years=year)
    except NotImplementedError:
        raise LookupError(
            f"no calendar of holidays is known by {calendar!r}; write a country (US) or a state of it (US-LA)"
        ) from None
    if not days:
        raise LookupError(f"the calendar {calendar} says nothing of the year {year}")
    return frozenset(days)
