"""Telephone numbers: from a cell's text to E.164 with region and kind, or to the reason why not.

The judge is the phonenumbers library. It takes some 60 µs a number, so its verdicts are remembered, by
the digits that decide them: the patterns of the numbering plan are followed digit by digit until nothing
but the count of the digits is left to decide. From there on all numbers of a length share a verdict;
what cannot be shown to be decided is asked of the library each time (`patterns`). What is remembered grows with the
numbering plans, not with the list.

Whole columns are read by `NumberReader.column`: where five digits have decided, the next number of that length that
begins with them is not followed again.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from operator import itemgetter
from typing import cast

import phonenumbers
from phonenumbers import NumberParseException, PhoneMetadata, PhoneNumber, ValidationResult

from dialer.model import BadNumber, Number, Numbers, RejectReason
from dialer.places.patterns import Node, Unread, literally, sequences
from dialer.places.plans import Plan, Verdict

# --- numbering plans -----------------------------------------------------------------------------

_KINDS = (
    "general_desc", "fixed_line", "mobile", "toll_free", "premium_rate", "shared_cost",
    "personal_number", "voip", "pager", "uan", "voicemail",
)  # fmt: skip


# How numbers begin and how long they are → what stands before the rest in E.164, from where on the rest is taken,
# region and kind. With the plus or without, five digits are looked at.
_Start = tuple[str, int, str, str]
_START = 5
_HEAD, _HEAD_WITH_PLUS = itemgetter(slice(_START)), itemgetter(slice(_START + 1))
_TAIL = itemgetter(slice(_START, None))


def _metadata(code: int) -> tuple[PhoneMetadata, ...]:
    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE[code]
    found = (PhoneMetadata.metadata_for_region_or_calling_code(code, region) for region in regions)
    return tuple(each for each in found if each is not None)


def _short_metadata(code: int) -> tuple[PhoneMetadata, ...]:
    found = map(PhoneMetadata.short_metadata_for_region, phonenumbers.COUNTRY_CODE_TO_REGION_CODE[code])
    return tuple(each for each in found if each is not None)


def _patterns(code: int) -> Iterator[str]:
    """All that decides over the validity, region and kind of a national number, leading digits apart."""
    descriptions = [getattr(each, kind) for each in _metadata(code) for kind in _KINDS]
    descriptions += [each.emergency for each in _short_metadata(code)]
    for description in descriptions:
        if description is not None and description.national_number_pattern:
            yield description.national_number_pattern


def _longest_short(code: int) -> int:
    found = (each.general_desc for each in _short_metadata(code))
    return max((length for each in found if each is not None for length in each.possible_length), default=0)


def _root(code: int, cuts: Iterable[str], prefix: str, abroad: str) -> Node[Verdict]:
    # An end mark only narrows what a prefix matches, and where one matches at all is what counts here.
    prefixes = sequences(prefix.replace("$", ""))
    leading = [each.leading_digits for each in _metadata(code) if each.leading_digits]
    wholes = {sequence for pattern in _patterns(code) for sequence in sequences(pattern)}
    starts = {sequence for pattern in leading for sequence in sequences(pattern)} | set(prefixes)
    before = [literally(cut) for cut in cuts]
    return Node(
        frozenset(cut + sequence for cut in before for sequence in wholes),
        frozenset(cut + sequence for cut in before for sequence in starts) | frozenset(sequences(abroad)),
    )


@cache
def _plan_of(start: str) -> Plan | None:
    """The plan of the calling code with which these three digits begin."""
    codes = (int(start[:length]) for length in (1, 2, 3))
    code = next((code for code in codes if code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE), None)
    return _international_plan(code) if code is not None else None


@cache
def _international_plan(code: int) -> Plan | None:
    """Numbers of this calling code with a plus; the digits begin after the code."""
    main = PhoneMetadata.metadata_for_region_or_calling_code(code, phonenumbers.region_code_for_country_code(code))
    return _plan(code, ("",), main, "") if main is not None else None


@cache
def _national_plan(country: str) -> Plan | None:
    """Numbers without a plus, written in this country. None where two regions would read them differently."""
    here = PhoneMetadata.metadata_for_region(country)
    if here is None or here.country_code is None:
        return None
    code = here.country_code
    main = PhoneMetadata.metadata_for_region(phonenumbers.region_code_for_country_code(code))
    if main is None or _prefix_rules(main) != _prefix_rules(here):
        return None
    return _plan(code, ("", str(code)), here, here.international_prefix or "")


def _prefix_rules(metadata: PhoneMetadata) -> tuple[str | None, str | None]:
    return metadata.national_prefix_for_parsing, metadata.national_prefix_transform_rule


def _plan(code: int, starts: tuple[str, ...], metadata: PhoneMetadata, abroad: str) -> Plan | None:
    prefix = metadata.national_prefix_for_parsing or ""
    cuts = tuple(dict.fromkeys((*starts, *(start + (metadata.national_prefix or "") for start in starts))))
    try:
        root = _root(code, cuts, prefix, abroad)
    except Unread:
        return None
    return Plan(str(code), cuts, _compiled(prefix), _compiled(abroad), _longest_short(code), root)


def _compiled(pattern: str) -> re.Pattern[str] | None:
    return re.compile(pattern) if pattern else None


# --- reading a cell ------------------------------------------------------------------------------

# What people put between digits, and marks that nobody sees: none of it is dialled.
_BETWEEN = "-‐‑‒–—―−ー－．／()（）[]［］./~⁓∼～\t\u00ad"
_IGNORED = dict.fromkeys(
    [*map(ord, _BETWEEN), *(c for c in range(0x10000) if unicodedata.category(chr(c)) in ("Zs", "Cf"))]
) | {ord("＋"): "+"}

# What a column of floats makes of numbers. A point before the last digit or two stands in no telephone number.
_FLOAT = re.compile(r"\+?(\d{6,15})\.(\d{1,2})")
_SCIENTIFIC = re.compile(r"\d+(?:[.,]\d+)?[eE]\+?\d+")

_NO_NUMBER = BadNumber(RejectReason.NO_NUMBER, "the cell holds no number")
_NO_COUNTRY = BadNumber(
    RejectReason.NO_COUNTRY,
    "the number has no plus and no country code; write it as +… or set contacts.country in the campaign",
)
_NOWHERE = ("", "", "")
_MOST_SEEN, _LONGEST_SEEN = 5000, 40
"""Cells that are read slowly and remembered, and their letters: about a megabyte."""

_EMERGENCY = BadNumber(RejectReason.EMERGENCY_NUMBER, "this is an emergency number; it is never dialled")
_SHORT = BadNumber(RejectReason.SHORT_NUMBER, "this is a short number, good only within its own country's networks")
_INVALID = BadNumber(RejectReason.INVALID_NUMBER, "no such number is given out in its country")
_NO_SUCH_CODE = BadNumber(RejectReason.INVALID_NUMBER, "no country has this calling code")
_TOO_SHORT = BadNumber(RejectReason.IMPOSSIBLE_NUMBER, "the number has too few digits for its country")
_TOO_LONG = BadNumber(RejectReason.IMPOSSIBLE_NUMBER, "the number has too many digits for its country")
_LOCAL = BadNumber(RejectReason.IMPOSSIBLE_NUMBER, "the number lacks its area code")
_LENGTH = BadNumber(RejectReason.IMPOSSIBLE_NUMBER, "no number of its country has that many digits")

_UNPARSED = {
    NumberParseException.INVALID_COUNTRY_CODE: _NO_SUCH_CODE,
    NumberParseException.NOT_A_NUMBER: BadNumber(RejectReason.INVALID_NUMBER, "this is not a telephone number"),
    NumberParseException.TOO_SHORT_AFTER_IDD: _TOO_SHORT,
    NumberParseException.TOO_SHORT_NSN: _TOO_SHORT,
    NumberParseException.TOO_LONG: _TOO_LONG,
}
_IMPOSSIBLE = {
    ValidationResult.TOO_SHORT: _TOO_SHORT,
    ValidationResult.TOO_LONG: _TOO_LONG,
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: _LOCAL,
    ValidationResult.INVALID_LENGTH: _LENGTH,
    ValidationResult.INVALID_COUNTRY_CODE: _NO_SUCH_CODE,
}


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
        self._starts: dict[tuple[str, int], _Start] = {}
        self._seen: dict[str, Number | BadNumber] = {}

    def column(self, cells: Sequence[str]) -> Numbers:
        """The numbers of a column, cell by cell as if each were read by itself; of an empty cell nothing is said."""
        if not cells:
            return Numbers([], [], [])
        faults = dict[int, BadNumber]()
        found = self._known(cells)
        for at in [at for at, start in enumerate(found) if start is None]:
            number, region, kind = self._one(at, cells[at], faults)
            found[at] = number, len(cells[at]), region, kind  # nothing of the cell itself is taken
        starts = cast("list[_Start]", found)
        e164 = [head + text[cut:] for (head, cut, _, _), text in zip(starts, cells, strict=True)]
        return Numbers(e164, [start[2] for start in starts], [start[3] for start in starts], faults)

    def _known(self, cells: Sequence[str]) -> list[_Start | None]:
        """Of each cell what its beginning has decided; None where that is not known, or digits are not all that
        follows. Asked of all cells at once: most columns begin in one way, with the plus or without."""
        tails = list(map(_TAIL, cells))
        beginnings = map(_HEAD_WITH_PLUS if cells[0].startswith("+") else _HEAD, cells)
        starts = list(map(self._starts.get, zip(beginnings, map(len, cells), strict=True)))
        if _are_digits("".join(tails)):
            return starts
        return [start if _are_digits(tail) else None for start, tail in zip(starts, tails, strict=True)]

    def _one(self, at: int, text: str, faults: dict[int, BadNumber]) -> tuple[str, str, str]:
        """A cell of a column whose beginning is not known, or not as it is written."""
        if not text:
            return _NOWHERE
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
            return self._ask(plus, digits)
        verdict = self._verdict(plan, leaf, plus, digits, rest)
        if isinstance(verdict, tuple):
            cut, region, kind = verdict
            return Number(f"+{plan.code}{rest[cut:]}", region, kind)
        return verdict if verdict is not None else self._ask(plus, digits)

    def _verdict(self, plan: Plan, leaf: Node[Verdict], plus: bool, digits: str, rest: str) -> Verdict:
        """What is remembered of numbers of this leaf and length, asked the first time. The leaf is the caller's:
        another thread, which reads another list, may have put one like it in its place."""
        length = len(rest)
        if length not in leaf.answers:
            leaf.answers[length] = plan.verdict(rest, self._ask(plus, digits))
        return leaf.answers[length]

    def _plan(self, plus: bool, digits: str) -> tuple[Plan | None, str]:
        if plus:
            plan = _plan_of(digits[:3])
            return plan, digits[len(plan.code) :] if plan is not None else digits
        return (_national_plan(self._country) if self._country is not None else None), digits

    def _ask(self, plus: bool, digits: str) -> Number | BadNumber:
        """The library's word; with a plus it is not told the country, or it would guess at unknown codes."""
        if not plus and self._country is None:
            return _NO_COUNTRY
        try:
            number = phonenumbers.parse("+" + digits if plus else digits, None if plus else self._country)
        except NumberParseException as refusal:
            return _UNPARSED[refusal.error_type]
        if self._is_emergency(number, None if plus else digits):
            return _EMERGENCY
        if not phonenumbers.is_valid_number(number):
            return _fault(number)
        e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        kind = phonenumbers.PhoneNumberType.to_string(phonenumbers.number_type(number))
        return Number(e164, phonenumbers.region_code_for_number(number) or "", kind.lower())

    def _is_emergency(self, number: PhoneNumber, as_written: str | None) -> bool:
        national = phonenumbers.national_significant_number(number)
        regions = phonenumbers.region_codes_for_country_code(number.country_code or 0)
        if as_written is not None and self._country is not None:
            return phonenumbers.is_emergency_number(as_written, self._country) or _rings_help(national, regions)
        return _rings_help(national, regions)


def _are_digits(text: str) -> bool:
    return text.isdigit() and text.isascii()


def _is_whole(text: str, decimals: str) -> bool:
    return text[0] in "123456789" and not decimals.strip("0")


def _rings_help(national: str, regions: Iterable[str]) -> bool:
    return any(phonenumbers.is_emergency_number(national, region) for region in regions)


def _fault(number: PhoneNumber) -> BadNumber:
    if phonenumbers.is_valid_short_number(number):
        return _SHORT
    return _IMPOSSIBLE.get(phonenumbers.is_possible_number_with_reason(number), _INVALID)


def _bad(why: str) -> BadNumber:
    return BadNumber(RejectReason.INVALID_NUMBER, why)
