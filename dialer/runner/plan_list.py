"""A list that was never taken in, counted in groups for a forecast: read as `run` would read it; nothing is written."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import repeat
from pathlib import Path

from dialer.clock import Clock
from dialer.contacts import registers
from dialer.ledger.planning import opted_out
from dialer.model import ANYWHERE, Audience, Campaign, Chunk, Halt, ListRules, RejectReason, Rows, Wish
from dialer.model.planning import Counted, Crowd, Excluded
from dialer.runner import intake
from dialer.runner.doubles import Doubles, Refused, settled
from dialer.runner.seen import has

_SOME = 3
_HOUR = 3600

_Key = tuple[int, int, float | None, float | None]
"""An audience, a priority, from when on (epoch seconds), and until when."""

Bar = Callable[[tuple[str, ...], str], str]
"""Why somebody with these numbers and this id may not be rung, as the detail of a contact; '' if they may."""


def counted(campaign: Campaign, clock: Clock) -> Counted:
    """Whom the list has. A number, or person, that comes again is a reject, as it is when the list is taken in; where
    such a row does not consent, the one that is taken does not either, and the list is read once more.

    Raises:
        ListError: a fault of the list as a whole, or of a do-not-call list.
        LedgerError: the ledger that the campaign shares with others cannot be read.
    """
    intake.check_header(campaign)
    intake.check_age(campaign, clock)
    now, bar = clock.now(), _barring(campaign)

    def read(refused: Refused) -> _Found:
        found = _Found(campaign, now, bar, refused)
        for chunk in intake.rows(campaign):
            found.take(chunk)
        return found

    found = settled(read)
    return replace(found.counted(), gate=_gate(campaign.contacts, found.good, found.bad))


def _gate(rules: ListRules, good: int, bad: int) -> str:
    """Which of the list's own limits it breaks; '' for none."""
    if good + bad < rules.min_rows:
        return f"it has {good + bad} rows, and `contacts.min_rows` asks for {rules.min_rows}"
    if not good:
        return f"none of its {bad} rows can be dialled"
    if rules.max_rejects is not None and bad > rules.max_rejects * (good + bad):
        return f"{bad} of its {good + bad} rows are rejects, and `contacts.max_rejects` allows {rules.max_rejects:.0%}"
    return ""


def _barring(campaign: Campaign) -> Bar:
    """Asks the ledger's own do-not-call list, and those in files."""
    is_opted_out = opted_out(campaign.ledger)
    listed = _registered(campaign)

    def bar(numbers: tuple[str, ...], person: str) -> str:
        if is_opted_out(numbers, person):
            return Halt.OPTED_OUT
        if not listed:
            return ""
        plain = [int(number[1:]) for number in numbers]
        found = [next((file for file, known in listed if has(known, number)), "") for number in plain]
        return f"dnc:{found[0]}" if all(found) else ""

    return bar


def _registered(campaign: Campaign) -> list[tuple[str, Sequence[int]]]:
    if not campaign.registers:
        return []
    from dialer.places import NumberReader  # only here: the numbering plans take a while

    read = NumberReader(campaign.contacts.country).column
    paths = [(Path(each.file), each.column) for each in campaign.registers]
    return [(path.name, registers.read(path, column, read).numbers) for path, column in paths]


class _Found:
    """What has been read of a list; of a person a hash is kept, to know them again."""

    def __init__(self, campaign: Campaign, now: datetime, bar: Bar, refused: Refused) -> None:
        rules = campaign.contacts
        self._doubles = Doubles(rules, refused)
        self._lasts = None if rules.expires is None else (now + timedelta(seconds=rules.expires)).timestamp()
        self._ring = rules.ring
        self.good = self.bad = 0
        self._now = now
        self._bar = bar
        self._audiences: dict[int, Audience] = {}
        self._crowds = Counter[_Key]()
        self._some = defaultdict[int, list[str]](list)
        self._barred = Counter[str]()
        self._some_barred = defaultdict[str, list[str]](list)
        self._rejects = Counter[str]()
        self._some_rejects = defaultdict[str, list[str]](list)

    def take(self, chunk: Chunk) -> None:
        self.bad += _bad_rows(chunk)
        for reject in chunk.rejects:
            self._reject(reject.reason, f"{reject.file} line {reject.line}")
        for part in Rows.of(chunk.rows):
            audiences = part.audiences or repeat(ANYWHERE)
            for at, (person, number, audience) in enumerate(zip(part.persons, part.numbers, audiences, strict=False)):
                numbers = (number, *(each.e164 for each in part.others[at])) if at in part.others else (number,)
                if (decided := self._doubles.taken(person, numbers, audience)) is None:
                    self._reject(RejectReason.DUPLICATE, f"{part.file} line {part.lines[at]}")
                    self.bad += 1
                    continue
                self.good += 1
                if why := self._bar(numbers, person):
                    _note(self._barred, self._some_barred, why, number)
                else:
                    self._count(number, decided, part.wishes.get(at))

    def _reject(self, why: str, where: str) -> None:
        _note(self._rejects, self._some_rejects, str(why), where)

    def _count(self, number: str, audience: Audience, wish: Wish | None) -> None:
        # People of whom the same is known share one Audience, which is quicker to tell apart by where it lies.
        kind = id(audience)
        self._audiences.setdefault(kind, audience)
        if len(some := self._some[kind]) < _SOME:
            some.append(number)
        if wish is None:
            self._crowds[kind, 0, None, self._lasts] += 1
            return
        is_later = wish.not_before is not None and wish.not_before > self._now
        since = math.ceil(wish.not_before.timestamp() / _HOUR) * float(_HOUR) if wish.not_before and is_later else None
        ends = None if wish.not_after is None else wish.not_after.timestamp() // _HOUR * _HOUR - self._ring
        until = min((each for each in (ends, self._lasts) if each is not None), default=None)
        self._crowds[kind, wish.priority, since, until] += 1

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


def _bad_rows(chunk: Chunk) -> int:
    """Rows that cannot be dialled: a bad number beside a good one is a reject, and its row is good."""
    bad = {(reject.file, reject.line) for reject in chunk.rejects}
    good = ((part.file, line) for part in Rows.of(chunk.rows) for line in part.lines) if bad else ()
    return len(bad.difference(good))


def _note(counts: Counter[str], some: dict[str, list[str]], why: str, example: str) -> None:
    counts[why] += 1
    if len(some[why]) < _SOME:
        some[why].append(example)


def _excluded(counts: Counter[str], some: dict[str, list[str]]) -> list[Excluded]:
    return [Excluded(why, people, tuple(some[why])) for why, people in counts.most_common()]
