"""Numbering plans as the phonenumbers library has them, ready to be followed digit by digit."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache

import phonenumbers
from phonenumbers import PhoneMetadata

from dialer.places.patterns import Node, Unread, literally, sequences
from dialer.places.plans import Plan, Verdict

_KINDS = (
    "general_desc", "fixed_line", "mobile", "toll_free", "premium_rate", "shared_cost",
    "personal_number", "voip", "pager", "uan", "voicemail",
)  # fmt: skip


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
def plan_of(start: str) -> Plan | None:
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
def national_plan(country: str) -> Plan | None:
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
