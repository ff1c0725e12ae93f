"""Which columns of a list hold numbers and ids, by their names and, where there are some, by their cells."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Rows = Sequence[Sequence[str]]

_PHONE = re.compile(
    r"(?:.*_)?(?:tele)?(?:phone|phones|mobile|cell|cellphone|msisdn|tel|telefon|telefono|handy|mobil|movil|portable)"
    r"(?:_?(?:number|no|nr|num|e164|[0-9]))?|(?:contact|to|called?)_?number"
)
_ID = re.compile(r"id|uuid|guid|key|ref|reference|.*_(?:id|uuid|guid|ref|key)|[a-z]+id")
_NOT_IDS = re.compile(r".*(?:agent|paid|valid|void|bid)_?(?:id)?")
_NAME = re.compile(r"(?:(?:first|given|last|family|full|sur|customer|contact)_?)?name|vorname|nachname|nombre|prenom")
_NUMBER = re.compile(r"(?:\+|00)?[0-9]{7,15}")


@dataclass(frozen=True, slots=True)
class Guess:
    """What the columns of a list seem to be; `local` tells that numbers in it are written without a plus. `steering`
    has columns by the key of `contacts` that they are for, `consent` the one that tells who consents."""

    phones: tuple[str, ...]
    id: str | None
    names: tuple[str, ...]
    others: tuple[str, ...]
    local: bool
    steering: Mapping[str, str] = field(default_factory=dict)
    consent: str | None = None


_STEERING: Mapping[str, re.Pattern[str]] = {
    "timezone": re.compile(r"tz|time_?zone|zone_?info|zeitzone"),
    "postcode": re.compile(r"(?:.*_)?(?:zip|zip_?code|post_?code|postal_?code|plz)"),
    "region": re.compile(r"(?:.*_)?(?:state|province|region|bundesland)"),
    "priority": re.compile(r"prio|priority"),
    "not_before": re.compile(r"not_before|call_after|earliest(?:_call)?"),
    "not_after": re.compile(r"not_after|call_before|latest(?:_call)?"),
}
"""By key of `contacts` how such a column is named."""
_CONSENT = re.compile(r"(?:.*_)?(?:consent|consents|consented|opt_?in|opted_in|einwilligung)")


def guess(columns: Sequence[str], rows: Rows = ()) -> Guess:
    """What the columns seem to be. Where no column is named like a number, one whose cells all have a plus is one."""
    cells = {column: _cells(rows, index) for index, column in enumerate(columns) if column}
    phones = tuple(column for column in cells if _named(_PHONE, column) and _may_be_phone(cells[column]))
    phones = phones or tuple(column for column in cells if _is_full(cells[column]))[:1]
    free = [column for column in cells if column not in phones]
    ids = [column for column in free if _may_be_id(column, cells[column])]
    chosen = next((column for column in ids if column.lower() == "id"), ids[0] if ids else None)
    rest = [column for column in free if column != chosen]
    named = {key: [each for each in rest if _named(words, each)] for key, words in _STEERING.items()}
    steering = {key: found[0] for key, found in named.items() if found}
    consent = next((column for column in rest if _named(_CONSENT, column)), None)
    others = tuple(column for column in rest if column not in steering.values() and column != consent)
    return Guess(
        phones=phones,
        id=chosen,
        names=tuple(column for column in others if _named(_NAME, column)),
        others=others,
        local=any(not cell.startswith(("+", "00")) for column in phones for cell in cells[column]),
        steering=steering,
        consent=consent,
    )


def _cells(rows: Rows, index: int) -> list[str]:
    """The cells of a column that are not empty."""
    return [row[index].strip() for row in rows if index < len(row) and row[index].strip()]


def _named(pattern: re.Pattern[str], column: str) -> bool:
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", column.strip())
    return pattern.fullmatch(re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")) is not None


def _digits(cell: str) -> str:
    return re.sub(r"[\s()./-]", "", cell)


def _may_be_phone(cells: Sequence[str]) -> bool:
    likely = sum(_NUMBER.fullmatch(_digits(cell)) is not None for cell in cells)
    return 2 * likely >= len(cells)


def _is_full(cells: Sequence[str]) -> bool:
    return bool(cells) and all(cell.startswith("+") and _NUMBER.fullmatch(_digits(cell)) for cell in cells)


def _may_be_id(column: str, cells: Sequence[str]) -> bool:
    return _named(_ID, column) and not _named(_NOT_IDS, column) and len(set(cells)) == len(cells)
