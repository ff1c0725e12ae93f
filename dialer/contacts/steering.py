"""Columns that steer: where a row's people are, whether they consent, who goes first, from when and until when.

A moment without an offset is in the person's own time; where they may be in several zones, it is the latest beginning
and the earliest end that these zones give. A day alone is the whole of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from dialer.model import Audience, ListRules, Number, Numbers, RejectReason, Wish

Place = Callable[[Sequence[str], Sequence[str], Sequence[str], str, str, str, bool], Audience]
"""Numbers, their kinds, their countries, and the cells of timezone, postcode and region; whether they consent."""

MOST_PRIORITY = 1_000_000

_PRIORITY = re.compile(r"[+-]?[0-9]{1,7}")
_GIVEN = "given"


class BadCell(ValueError):
    """A cell that steers, and cannot be read: the reason and the sentence."""

    def __init__(self, reason: RejectReason, why: str) -> None:
        super().__init__(why)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Cells:
    """The texts of the columns that steer, stripped, by their use; a use without a column is not in it."""

    by_use: Mapping[str, Sequence[str]]

    def at(self, use: str, row: int) -> str:
        """The cell of a row; '' where there is no such column."""
        column = self.by_use.get(use)
        return "" if column is None else column[row]


USES = ("timezone", "region", "postcode", "consent", "priority", "not_before", "not_after")


def columns(rules: ListRules) -> dict[str, str]:
    """Which of the uses has which column."""
    return {use: column for use in USES if (column := getattr(rules, use)) is not None}


def audiences(
    rules: ListRules, cells: Cells, firsts: Numbers, others: Mapping[int, tuple[Number, ...]], place: Place
) -> list[Audience]:
    """Row by row, with whom a person is decided about; of a row without a number, whatever."""
    consents = _consents(rules, cells, len(firsts.e164))
    found = []
    for at, number in enumerate(firsts.e164):
        more = others.get(at, ())
        found.append(
            place(
                (number, *(each.e164 for each in more)),
                (firsts.kinds[at], *(each.kind for each in more)),
                (firsts.regions[at], *(each.region for each in more)),
                cells.at("timezone", at),
                cells.at("postcode", at),
                cells.at("region", at),
                consents[at],
            )
        )
    return found


def _consents(rules: ListRules, cells: Cells, rows: int) -> Sequence[bool]:
    column = cells.by_use.get("consent")
    if rules.consents == _GIVEN or column is None:
        return [rules.consents == _GIVEN] * rows
    return [cell.casefold() in rules.yes for cell in column]


def wishes(cells: Cells, zones: Callable[[int], Sequence[str]], rows: int) -> Iterator[tuple[int, Wish | BadCell, str]]:
    """By position, what a row wishes for or the fault of its cell, and the use of that; rows that wish nothing are left
    out. `zones` gives a row's zones."""
    named = [use for use in ("priority", "not_before", "not_after") if use in cells.by_use]
    for at in range(rows) if named else ():
        texts = {use: cells.at(use, at) for use in named}
        if not any(texts.values()):
            continue
        use = ""
        try:
            use = "priority"
            priority = _priority(texts.get(use, ""))
            use = "not_before"
            begin = _moment(texts.get(use, ""), zones(at), is_end=False)
            use = "not_after"
            end = _moment(texts.get(use, ""), zones(at), is_end=True)
            if begin is not None and end is not None and begin >= end:
                raise BadCell(RejectReason.BAD_MOMENT, _NO_TIME)
        except BadCell as fault:
            yield at, fault, use
        else:
            yield at, Wish(priority, begin, end), use


def _priority(cell: str) -> int:
    if not cell:
        return 0
    if not _PRIORITY.fullmatch(cell) or abs(int(cell)) > MOST_PRIORITY:
        raise BadCell(RejectReason.BAD_PRIORITY, "the priority is not a whole number; a higher one goes first")
    return int(cell)


def _moment(cell: str, zones: Sequence[str], *, is_end: bool) -> datetime | None:
    if not cell:
        return None
    try:
        found = _day(cell, is_end=is_end) or datetime.fromisoformat(cell)
        if found.tzinfo is not None:
            return found.astimezone(UTC)
        local = [instant for name in zones for instant in _instants(found, name)]
    except (ValueError, OverflowError):
        raise BadCell(RejectReason.BAD_MOMENT, _NO_MOMENT) from None
    if not local:
        raise BadCell(RejectReason.BAD_MOMENT, _NO_ZONE)
    return min(local) if is_end else max(local)


_NO_MOMENT = "this is no moment; write it as 2026-12-01 or 2026-12-01T09:00, in the person's own time"
_NO_TIME = (
    "this is not after the moment from which on they may be called, so they never could be; correct one of the two"
)
_NO_ZONE = "it is not known in which zone the person is; write the moment with its offset, as 2026-12-01T09:00-05:00"


def _day(cell: str, *, is_end: bool) -> datetime | None:
    """The beginning of a day, or its end."""
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", cell):
        return None
    begin = datetime.combine(date.fromisoformat(cell), time())
    return begin + timedelta(days=1) if is_end else begin


def _instants(local: datetime, zone: str) -> tuple[datetime, datetime]:
    """A local time as instants: two of an hour that is doubled, or skipped, when summer time ends or begins."""
    there = ZoneInfo(zone)
    return local.replace(tzinfo=there, fold=0).astimezone(UTC), local.replace(tzinfo=there, fold=1).astimezone(UTC)
