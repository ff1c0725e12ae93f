"""Which row of a list is taken of several about one person, or with one number, for those who only look.

As where the list is taken in: the first is, and where another of them does not consent, nobody of them does. A list is
read as a stream, and what is taken back may stand long before the row that takes it back: then it is read once more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from dialer.model import Audience, ListRules
from dialer.runner.seen import Seen


@dataclass(slots=True)
class Refused:
    """Of whom a double does not consent: people, by hashes of what identifies them, and numbers, by their digits."""

    people: set[int] = field(default_factory=set)
    numbers: set[int] = field(default_factory=set)

    def __len__(self) -> int:
        return len(self.people) + len(self.numbers)


class Doubles:
    """Who stood in the list already, and what is known of consent from the readings before this one."""

    def __init__(self, rules: ListRules, refused: Refused) -> None:
        self._by_number = rules.one_per == "phone"
        self._by_person = rules.id is not None or not self._by_number
        # Where it is given for all of the list, or not asked for, no row takes anything back.
        self._asks = rules.placed and rules.consent is not None and rules.consents != "given"
        self._refused = refused
        self._people = Seen()
        self._numbers = Seen()
        self._without: dict[int, tuple[Audience, Audience]] = {}

    def taken(self, person: str, numbers: Sequence[str], audience: Audience) -> Audience | None:
        """With whom the person of a row is decided about; None for a row that is not taken."""
        known, digits = hash(person), [int(number[1:]) for number in numbers]
        if self._by_person and not self._people.add((known,)):
            if self._asks and not audience.consents:
                self._refused.people.add(known)
            return None
        refuses = self._asks and (not audience.consents or known in self._refused.people)
        if self._by_number and not self._numbers.add(digits):
            self._keep(digits)
            if refuses:
                self._refused.numbers.update(digits)
            return None
        if audience.consents and (refuses or not self._refused.numbers.isdisjoint(digits)):
            return self._not_consenting(audience)
        return audience

    def _keep(self, numbers: Sequence[int]) -> None:
        """The other numbers of a row that is not taken: a later row with one of them is not taken either."""
        for number in numbers:
            self._numbers.add((number,))

    def _not_consenting(self, audience: Audience) -> Audience:
        """The same but for that; those who share an audience share this one."""
        # The first is kept with it, or another might come to lie where it lay.
        return self._without.setdefault(id(audience), (audience, replace(audience, consents=False)))[1]


T = TypeVar("T")


def settled(read: Callable[[Refused], T]) -> T:
    """What a reading finds by which nothing more is heard of consent that is taken back; most lists are read once."""
    refused = Refused()
    while True:
        before = len(refused)
        found = read(refused)
        if len(refused) == before:
            return found
