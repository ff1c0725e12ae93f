"""A list that was never taken in, counted in groups for a forecast: read as `run` would read it; nothing is written."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from dialer.clock import Clock
from dialer.contacts import registers
from dialer.ledger.planning import opted_out
from dialer.model import ANYWHERE, Audience, Campaign, Chunk, Halt, RejectReason, Row
from dialer.model.planning import Counted, Crowd, Excluded
from dialer.runner import intake

_SOME = 3
_HOUR = 3600

_Key = tuple[int, int, float | None, float | None]
"""An audience, a priority, from when on (epoch seconds), and until when."""

Bar = Callable[[Row], str]
"""Why somebody of the list may not be rung, as the detail of a contact; '' if they may."""


def counted(campaign: Campaign, clock: Clock) -> Counted:
    """Whom the list has. A number, or person, that comes again is a reject, as it is when the list is taken in.

    Raises:
        ListError: a fault of the list as a whole, or of a do-not-call list.
        LedgerError: the ledger that the campaign shares with others cannot be read.
    """
    intake.check_header(campaign)
    intake.check_age(campaign, clock)
    found = _Found(campaign, clock.now(), _barring(campaign))
    for chunk in intake.rows(campaign):
        found.take(chunk)
    return found.counted()


def _barring(campaign: Campaign) -> Bar:
    """Asks the ledger's own do-not-call list, and those in files."""
    is_opted_out = opted_out(campaign.ledger)
    listed = _registered(campaign)

    def bar(row: Row) -> str:
        numbers = tuple(number.e164 for number in row.numbers)
        if is_opted_out(numbers, row.person):
            return Halt.OPTED_OUT
        plain = [int(number[1:]) for number in numbers]
        found = [next((file for file, known in listed if _has(known, number)), "") for number in plain]
        return f"dnc:{found[0]}" if all(found) else ""

    return bar


def _registered(campaign: Campaign) -> list[tuple[str, Sequence[int]]]:
    if not campaign.registers:
        return []
    from dialer.places import NumberReader  # only here: the numbering plans take a while

    read = NumberReader(campaign.contacts.country).column
    paths = [(Path(each.file), each.column) for each in campaign.registers]
    return [(path.name, registers.read(path, column, read).numbers) for path, column in paths]


def _has(numbers: Sequence[int], number: int) -> bool:
    at = bisect_left(numbers, number)
    return at < len(numbers) and numbers[at] == number


class _Found:
    """What has been read of a list; of a person a hash is kept, to know them again."""

    def __init__(self, campaign: Campaign, now: datetime, bar: Bar) -> None:
        rules = campaign.contacts
        self._by_number = rules.one_per == "phone"
        self._by_person = rules.id is not None or not self._by_number
        self._lasts = None if rules.expires is None else (now + timedelta(seconds=rules.expires)).timestamp()
        self._bar = bar
        self._people: set[int] = set()
        self._numbers: set[int] = set()
        self._audiences: dict[int, Audience] = {}
        self._crowds = Counter[_Key]()
        self._some = defaultdict[int, list[str]](list)
        self._barred = Counter[str]()
        self._some_barred = defaultdict[str, list[str]](list)
        self._rejects = Counter[str]()
        self._some_rejects = defaultdict[str, list[str]](list)

    def take(self, chunk: Chunk) -> None:
        for reject in chunk.rejects:
            self._reject(reject.reason, f"{reject.file} line {reject.line}")
        for row in chunk.rows:
            if not self._is_new(row):
                self._reject(RejectReason.DUPLICATE, f"{row.file} line {row.line}")
            elif why := self._bar(row):
                _note(self._barred, self._some_barred, why, row.numbers[0].e164)
            else:
                self._count(row)

    def _reject(self, why: str, where: str) -> None:
        _note(self._rejects, self._some_rejects, str(why), where)

    def _is_new(self, row: Row) -> bool:
        if self._by_person and not _added(self._people, [hash(row.person)]):
            return False
        return not self._by_number or _added(self._numbers, [int(number.e164[1:]) for number in row.numbers])

    def _count(self, row: Row) -> None:
        # People of whom the same is known share one Audience, which is quicker to tell apart by where it lies.
        audience = id(row.audience)
        self._audiences.setdefault(audience, row.audience)
        if len(some := self._some[audience]) < _SOME:
            some.append(row.numbers[0].e164)
        priority, since, until = 0, None, self._lasts
        if (wish := row.wish) is not None:
            priority = wish.priority
            since = None if wish.not_before is None else math.ceil(wish.not_before.timestamp() / _HOUR) * float(_HOUR)
            ends = math.inf if wish.not_after is None else wish.not_after.timestamp() // _HOUR * _HOUR
            until = min(ends, math.inf if until is None else until)
        self._crowds[audience, priority, since, until if until != math.inf else None] += 1

    def counted(self) -> Counted:
        """All of it."""
        crowds = [
            Crowd(kind, people, priority, again=since is not None, due_at=since, expires_at=until)
            for (kind, priority, since, until), people in self._crowds.items()
        ]
        return Counted(
            tuple(crowds),
            self._audiences or {id(ANYWHERE): ANYWHERE},
            tuple(_excluded(self._barred, self._some_barred)),
            tuple(_excluded(self._rejects, self._some_rejects)),
            examples={kind: tuple(some) for kind, some in self._some.items()},
        )


def _added(known: set[int], given: Sequence[int]) -> bool:
    """Whether none of these was known; then all of them are."""
    if any(each in known for each in given):
        return False
    known.update(given)
    return True


def _note(counts: Counter[str], some: dict[str, list[str]], why: str, example: str) -> None:
    counts[why] += 1
    if len(some[why]) < _SOME:
        some[why].append(example)


def _excluded(counts: Counter[str], some: dict[str, list[str]]) -> list[Excluded]:
    return [Excluded(why, people, tuple(some[why])) for why, people in counts.most_common()]
