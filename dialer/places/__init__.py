"""Telephone numbers: from a cell's text to E.164 with region and kind, or to the reason why not.

The judge is the phonenumbers library. It takes some 60 µs a number, so its verdicts are remembered, by the digits that
decide them: the patterns of the numbering plan are followed digit by digit until nothing but the count of the digits is
left to decide. From there on all numbers of a length share a verdict; what cannot be shown to be decided is asked of
the library each time (`judge`, `numbering`, `plans`, `patterns`). What is remembered grows with the numbering plans,
not with the list.

Whole columns are read by `NumberReader.column`: where five digits have decided, the next number of that length that
begins with them is not followed again.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from operator import itemgetter
from typing import cast

import phonenumbers
from phonenumbers import NumberParseException

from dialer.model import BadNumber, Number, Numbers, RejectReason
from dialer.places.judge import ask
from dialer.places.numbering import national_plan, plan_of
from dialer.places.patterns import Node
from dialer.places.plans import Plan, Verdict

# How numbers begin and how long they are → what stands before the rest in E.164, from where on the rest is taken,
# region and kind. With the plus or without, five digits are looked at.
_Start = tuple[str, int, str, str]
_START = 5
_HEAD, _HEAD_WITH_PLUS = itemgetter(slice(_START)), itemgetter(slice(_START + 1))
_TAIL = itemgetter(slice(_START, None))
_NOTHING = ("", 0, "", "")
"""How an empty cell begins."""

# What people put between digits, and marks that nobody sees: none of it is dialled.
_BETWEEN = "-‐‑‒–—―−ー－．／()（）[]［］./~⁓∼～\t\u00ad"
_IGNORED = dict.fromkeys(
    [*map(ord, _BETWEEN), *(c for c in range(0x10000) if unicodedata.category(chr(c)) in ("Zs", "Cf"))]
) | {ord("＋"): "+"}

# What a column of floats makes of numbers. A point before the last digit or two stands in no telephone number.
_FLOAT = re.compile(r"\+?(\d{6,15})\.(\d{1,2})")
_SCIENTIFIC = re.compile(r"\d+(?:[.,]\d+)?[eE]\+?\d+")

_NO_NUMBER = BadNumber(RejectReason.NO_NUMBER, "the cell holds no number")
_NOWHERE = ("", "", "")
_MOST_SEEN, _LONGEST_SEEN = 5000, 40
"""Cells that are read slowly and remembered, and their letters: about a megabyte."""


def known_region(text: str) -> bool:
    """Whether the text is an ISO 3166 region with telephone numbers of its own, in capitals: US, GB, …"""
    return text in phonenumbers.SUPPORTED_REGIONS


class NumberReader:
    """Reads the numbers of a list, as they are written in one country.

    `country` is an ISO region for numbers without a plus; None: those are `no_country`, never guessed.
    Raises ValueError for a region that is not known. Letters are never translated to digits, and what
    cannot be dialled whole (an extension, a star code) is no number.
    """

    def __init__(self, country: str | None) -> None:
        if country is not None and not known_region(country):
            raise ValueError(f"{country!r} is not an ISO region")
        self._country = country
        self._starts: dict[tuple[str, int], _Start] = {("", 0): _NOTHING}
        self._seen: dict[str, Number | BadNumber] = {}

    def column(self, cells: Sequence[str]) -> Numbers:
        """The numbers of a column, cell by cell as if each were read by itself; of an empty cell nothing is said."""
        if not cells:
            return Numbers([], [], [])
        faults = dict[int, BadNumber]()
        found = self._known(cells)
        for at in [at for at, start in enumerate(found) if start is None]:
            number, region, kind = self._as_written(cells[at]) or self._one(at, cells[at], faults)
            found[at] = number, len(cells[at]), region, kind  # nothing of the cell itself is taken
        starts = cast("list[_Start]", found)
        e164 = [head + text[cut:] for (head, cut, _, _), text in zip(starts, cells, strict=True)]
        return Numbers(e164, [start[2] for start in starts], [start[3] for start in starts], faults)

    def _known(self, cells: Sequence[str]) -> list[_Start | None]:
        """Of each cell what its beginning has decided; None where that is not known, or digits are not all that
        follows. Asked of all cells at once: most columns begin in one way, with the plus or without."""
        tails = list(map(_TAIL, cells))
        are_with_plus = next(filter(None, cells), "").startswith("+")
        beginnings = map(_HEAD_WITH_PLUS if are_with_plus else _HEAD, cells)
        starts = list(map(self._starts.get, zip(beginnings, map(len, cells), strict=True)))
        if _may_follow("".join(tails)):
            return starts
        return [start if _may_follow(tail) else None for start, tail in zip(starts, tails, strict=True)]

    def _as_written(self, text: str) -> tuple[str, str, str] | None:
        """The same of one cell, which begins in the other way, or whose beginning is known since."""
        start = self._starts.get((text[: _START + text.startswith("+")], len(text)))
        if start is None or not _may_follow(text[_START:]):
            return None
        head, cut, region, kind = start
        return head + text[cut:], region, kind

    def _one(self, at: int, text: str, faults: dict[int, BadNumber]) -> tuple[str, str, str]:
        """A cell of a column whose beginning is not known, or not as it is written."""
        bare = text.strip().translate(_IGNORED)
        plus = bare.startswith("+")
        if _are_digits(bare[plus:]) and "." not in text:
            key = bare[: _START + plus], len(bare)
            if (start := self._starts.get(key) or self._learn(key, plus, bare[plus:])) is not None:
                head, cut, region, kind = start
                return head + bare[cut:], region, kind
        found = self._read_slowly(text)
        if isinstance(found, Number):
            return found.e164, found.region, found.kind
        faults[at] = found
        return _NOWHERE

    def _read_slowly(self, text: str) -> Number | BadNumber:
        """As if it stood by itself. What is no number is often the same in many rows (n/a, 0, unknown)."""
        found = self._seen.get(text)
        if found is None:
            found = self(text)
            if len(self._seen) < _MOST_SEEN and len(text) <= _LONGEST_SEEN:
                self._seen[text] = found
        return found

    def _learn(self, key: tuple[str, int], plus: bool, digits: str) -> _Start | None:
        """Remember what the first digits decide of all that begin so and are as long; None if it is not that they are
        numbers, or if more digits decide."""
        plan, rest = self._plan(plus, digits)
        leaf = plan.root.leaf(rest) if plan is not None else None
        code = len(digits) - len(rest)
        if plan is None or leaf is None or plan.root.leaf(rest[: _START - code]) is not leaf:
            return None
        verdict = self._verdict(plan, leaf, plus, digits, rest)
        if not isinstance(verdict, tuple):
            return None
        cut, region, kind = verdict
        start = self._starts[key] = f"+{plan.code}", plus + code + cut, region, kind
        return start

    def __call__(self, text: str) -> Number | BadNumber:
        """The number in this text in E.164 with its region ('001': of no country) and kind, or why not."""
        plus = text.startswith("+")
        digits = text[1:] if plus else text
        if _are_digits(digits):
            return self._read(plus, digits)
        return self._tidied(text)

    def _tidied(self, text: str) -> Number | BadNumber:
        bare = text.strip().translate(_IGNORED)
        if bare in ("", "+"):
            return _NO_NUMBER
        if fraction := _FLOAT.fullmatch(text.strip()):
            if not _is_whole(text.strip(), fraction[2]):
                return _bad("this is a decimal fraction; write the number as text")
            bare = fraction[1]
        plus = bare.startswith("+")
        digits = bare[1:] if plus else bare
        if not digits.isdecimal():
            return self._not_digits(text, bare)
        return self._read(plus, phonenumbers.normalize_digits_only(digits))

    def _not_digits(self, text: str, bare: str) -> BadNumber:
        if _SCIENTIFIC.fullmatch(text.strip()):
            return _bad(
                "a spreadsheet has cut the number's last digits (scientific notation); export the column as text"
            )
        if self._has_extension(text):
            return _bad("the number has an extension, which cannot be dialled; leave it out")
        if any(mark.isalpha() for mark in bare):
            return _bad("the cell holds letters; write the number in digits alone")
        mark = next(mark for mark in bare.removeprefix("+") if not mark.isdecimal())
        return _bad(f"{mark!r} is no part of a telephone number; write one number in digits, with a plus before it")

    def _has_extension(self, text: str) -> bool:
        try:
            return bool(phonenumbers.parse(text, self._country or "US").extension)
        except NumberParseException:
            return False

    def _read(self, plus: bool, digits: str) -> Number | BadNumber:
        plan, rest = self._plan(plus, digits)
        leaf = plan.root.leaf(rest) if plan is not None else None
        if plan is None or leaf is None:
            return ask(plus, digits, self._country)
        verdict = self._verdict(plan, leaf, plus, digits, rest)
        if isinstance(verdict, tuple):
            cut, region, kind = verdict
            return Number(f"+{plan.code}{rest[cut:]}", region, kind)
        return verdict if verdict is not None else ask(plus, digits, self._country)

    def _verdict(self, plan: Plan, leaf: Node[Verdict], plus: bool, digits: str, rest: str) -> Verdict:
        """What is remembered of numbers of this leaf and length, asked the first time. The leaf is the caller's:
        another thread, which reads another list, may have put one like it in its place."""
        length = len(rest)
        if length not in leaf.answers:
            leaf.answers[length] = plan.verdict(rest, ask(plus, digits, self._country))
        return leaf.answers[length]

    def _plan(self, plus: bool, digits: str) -> tuple[Plan | None, str]:
        if plus:
            plan = plan_of(digits[:3])
            return plan, digits[len(plan.code) :] if plan is not None else digits
        return (national_plan(self._country) if self._country is not None else None), digits


def _are_digits(text: str) -> bool:
    return text.isdigit() and text.isascii()


def _may_follow(tail: str) -> bool:
    return not tail or _are_digits(tail)


def _is_whole(text: str, decimals: str) -> bool:
    return text[0] in "123456789" and not decimals.strip("0")


def _bad(why: str) -> BadNumber:
    return BadNumber(RejectReason.INVALID_NUMBER, why)
