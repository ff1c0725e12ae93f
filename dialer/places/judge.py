"""The library's word on a number that is given in digits, and what a bad one is told."""

from __future__ import annotations

from collections.abc import Iterable

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, ValidationResult

from dialer.model import BadNumber, Number, RejectReason

NO_COUNTRY = BadNumber(
    RejectReason.NO_COUNTRY,
    "the number has no plus and no country code; write it as +… or set contacts.country in the campaign",
)
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


def ask(plus: bool, digits: str, country: str | None) -> Number | BadNumber:
    """The library's word; with a plus it is not told the country, or it would guess at unknown codes."""
    if not plus and country is None:
        return NO_COUNTRY
    try:
        number = phonenumbers.parse("+" + digits if plus else digits, None if plus else country)
    except NumberParseException as refusal:
        return _UNPARSED[refusal.error_type]
    if _is_emergency(number, None if plus else digits, country):
        return _EMERGENCY
    if not phonenumbers.is_valid_number(number):
        return _fault(number)
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    kind = phonenumbers.PhoneNumberType.to_string(phonenumbers.number_type(number))
    return Number(e164, phonenumbers.region_code_for_number(number) or "", kind.lower())


def _is_emergency(number: PhoneNumber, as_written: str | None, country: str | None) -> bool:
    national = phonenumbers.national_significant_number(number)
    regions = phonenumbers.region_codes_for_country_code(number.country_code or 0)
    if as_written is not None and country is not None:
        return phonenumbers.is_emergency_number(as_written, country) or _rings_help(national, regions)
    return _rings_help(national, regions)


def _rings_help(national: str, regions: Iterable[str]) -> bool:
    return any(phonenumbers.is_emergency_number(national, region) for region in regions)


def _fault(number: PhoneNumber) -> BadNumber:
    if phonenumbers.is_valid_short_number(number):
        return _SHORT
    return _IMPOSSIBLE.get(phonenumbers.is_possible_number_with_reason(number), _INVALID)
