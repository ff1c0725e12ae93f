"""The columns of a list: what its header says, and whether it has what the campaign asks for."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from dialer.errors import ListError
from dialer.model import CallRules, ListRules
from dialer.model.plain import plain

_SHOWN = 40
_GIVEN = "given"
_STEERING = ("timezone", "region", "postcode", "consent", "debt", "priority", "not_before", "not_after")


def names(path: Path, cells: Sequence[str]) -> tuple[str, ...]:
    """The header's names without control characters and the spaces around them.

    Raises ListError for an empty or repeated name.
    """
    found = tuple(plain(cell).strip() for cell in cells)
    for position, name in enumerate(found, start=1):
        if not name:
            raise ListError(f"{path}: column {position} of the header has no name; give it one or take it out")
        if "\0" in name:
            raise ListError(f"{path}: the header holds NUL bytes; if the file is UTF-16, set contacts.encoding: utf-16")
        if name in found[: position - 1]:
            raise ListError(f"{path}: the header has two columns {name!r}; names must differ, rename one of them")
    return found


def check_same(first: Path, expected: Sequence[str], path: Path, found: Sequence[str]) -> None:
    """Raises ListError unless both files of a list have the same columns, in whatever order."""
    if set(expected) == set(found):
        return
    lacks = [name for name in expected if name not in found]
    extra = [name for name in found if name not in expected]
    parts = [f"{word} {_listed(columns)}" for word, columns in (("lacks", lacks), ("adds", extra)) if columns]
    raise ListError(
        f"{path}: this file {' and '.join(parts)}, unlike {first.name}; all files of a list need one header"
    )


def check_has_all(path: Path, found: Sequence[str], rules: ListRules, call: CallRules) -> None:
    """Raises ListError that names every column which the campaign asks for and the list does not have; and where what
    it says of consent may mean a column, or everybody."""
    _check_consent(path, found, rules)
    missing = [(key, column) for key, column in _asked_for(rules, call) if column not in found]
    if not missing:
        return
    named = {column for _, column in _asked_for(rules, call)}
    free = [name for name in found if name not in named]
    clauses = "; ".join(f"{key} names the column {column!r}{_hint(key, column, free)}" for key, column in missing)
    raise ListError(f"{path}: the list lacks what the campaign asks for: {clauses}; its columns are: {_listed(found)}")


def _check_consent(path: Path, found: Sequence[str], rules: ListRules) -> None:
    column = next((name for name in found if name.casefold() == _GIVEN), None)
    if rules.consents == _GIVEN and column is not None:
        raise ListError(
            f"{path}: the list has a column {column!r}, and `rules.consent: {_GIVEN}` says that everybody on the list "
            "consents: if the column tells who does, give it another name and write that name; if not, rename it too, "
            "so that nobody has to guess"
        )


def _asked_for(rules: ListRules, call: CallRules) -> Iterator[tuple[str, str]]:
    yield from (("contacts.phone", column) for column in rules.phone)
    if rules.id is not None:
        yield "contacts.id", rules.id
    yield from (("contacts.required", column) for column in rules.required)
    yield from ((f"contacts.{key}", column) for key in _STEERING if (column := getattr(rules, key)) is not None)
    if call.agent_column is not None:
        yield "call.agent", call.agent_column
    yield from (("call.data", column) for column in call.data if column != "*")
    yield from (("call.metadata", column) for column in call.metadata if column != "*")


_ALIKE = 0.6  # less, and `state` is near to `tel`
_TELEPHONE = re.compile(
    r"(?:.*[\W_])?(?:(?:tele)?phones?|cell(?:phone)?|mobile|mobil|m[oó]vil|tel|tel[eé]fon[oe]?|t[eé]l[eé]phone|handy|"
    r"portable|msisdn)(?:[\W_]*(?:numbers?|no|nr|num|e164|[0-9]))?[\W_]*|(?:(?:contact|to|called?)[\W_]?)?number"
)
"""By its whole name a column that holds telephone numbers."""


def _hint(key: str, column: str, free: Sequence[str]) -> str:
    """Which column was most likely meant, of those that the campaign names nowhere."""
    near = _nearest(column, free)
    if near is None and key == "contacts.phone":
        near = next((name for name in free if _TELEPHONE.fullmatch(name.casefold())), None)
    return f" (did you mean {near!r}?)" if near else ""


def _nearest(column: str, free: Sequence[str]) -> str | None:
    folded = {name.casefold(): name for name in free}
    near = difflib.get_close_matches(column.casefold(), folded, n=1, cutoff=_ALIKE)
    return folded[near[0]] if near else None


def _listed(columns: Sequence[str]) -> str:
    more = f" and {len(columns) - _SHOWN} more" if len(columns) > _SHOWN else ""
    return ", ".join(columns[:_SHOWN]) + more
