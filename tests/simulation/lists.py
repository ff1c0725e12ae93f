"""The contact lists of a seed as files: people, bad rows, and what changes between two runs."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.simulation.plan import Plan

_BAD_NUMBERS = ("12", "", "+1 415 201 00", "call me")


@dataclass(frozen=True, slots=True)
class Person:
    """A row; `id` goes with every call as metadata, so that a ring tells whose it is."""

    id: str
    phone: str
    name: str


@dataclass
class PeopleList:
    """One campaign's list: who stands in it now, who ever did, and how many rows are bad."""

    campaign: str
    path: Path
    by_id: bool
    has_zones: bool
    people: list[Person]
    bad: tuple[str, ...]
    gone: list[Person] = field(default_factory=list)
    made: int = 0
    bad_lines: tuple[int, ...] = ()

    def key(self, person: Person) -> str:
        """As what the ledger knows them."""
        return person.id if self.by_id else person.phone

    def everyone(self) -> dict[str, str]:
        """The id of each person's rings, by the name that the ledger has for them."""
        return {self.key(one): one.id for one in (*self.people, *self.gone)}

    def write(self) -> None:
        """The file: a good row for each, the bad ones and a double in between."""
        rows = [f"{one.phone},{one.id},{one.name},{self.campaign}{self._zone(one.phone)}" for one in self.people]
        bad_at: list[int] = []
        for n, number in enumerate(self.bad):
            place = min(3 * n + 1, len(rows))
            rows.insert(place, f"{number},bad{n},nobody,{self.campaign}{self._zone('')}")
            bad_at.append(place)
        if self.bad:
            rows.append(f"{_spelt_otherwise(self.people[0].phone)},double,double,{self.campaign}{self._zone('')}")
            bad_at.append(len(rows) - 1)
        self.bad_lines = tuple(sorted(place + 2 for place in bad_at))
        header = "phone,id,name,campaign" + (",tz" if self.has_zones else "")
        self.path.write_text("\n".join([header, *rows, ""]))

    def _zone(self, phone: str) -> str:
        return f",{zone_of(phone)}" if self.has_zones else ""

    def change(self, dice: random.Random) -> str:
        """Somebody goes, comes, comes back, or is named otherwise; gives a word on it."""
        change = dice.choice(("go", "come", "back", "rename"))
        if change == "go" and len(self.people) > 5:
            self.gone.append(self.people.pop(dice.randrange(1, len(self.people))))
        elif change == "back" and self.gone:
            self.people.append(self.gone.pop(dice.randrange(len(self.gone))))
        elif change == "come":
            self.made += 1
            self.people.append(_person(int(self.campaign[1:]), 300 + self.made))
        else:
            place = dice.randrange(len(self.people))
            self.people[place] = replace(self.people[place], name=f"renamed{dice.randrange(100)}")
        self.write()
        return change


def lists_of(plan: Plan, folder: Path) -> list[PeopleList]:
    """The lists as they are before the first run; the second shares some numbers with the first."""
    found = []
    dice = plan.rng("lists")
    for n in range(plan.campaigns):
        people = [_person(n, place) for place in range(plan.people)]
        if n > 0:
            people += [replace(_person(0, place), id=f"s{place}") for place in range(plan.shared)]
        bad = tuple(dice.choice(_BAD_NUMBERS) for _ in range(plan.bad_rows))
        made = PeopleList(f"c{n}", folder / f"c{n}.csv", plan.by_id, bool(plan.breaks), people, bad)
        made.write()
        found.append(made)
    return found


def refused_by_platform(plan: Plan) -> list[str]:
    """Numbers that the platform will not call; never the first, whom a double in the list names."""
    return [_person(0, place).phone for place in range(3, 3 + plan.refused)]


ZONES = ("", "America/Los_Angeles", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe")
"""What a row may say of where somebody is; all numbers are of California, whose time counts too."""


def zone_of(phone: str) -> str:
    """What the row with this number says of their zone."""
    return ZONES[int(phone[-4:]) % len(ZONES)] if phone else ""


def _person(campaign: int, place: int) -> Person:
    return Person(f"c{campaign}p{place}", f"+1415{201 + 2 * campaign}{place:04d}", f"n{place}")


def _spelt_otherwise(phone: str) -> str:
    return f"({phone[2:5]}) {phone[5:8]}-{phone[8:]}"
