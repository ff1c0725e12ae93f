"""What a row holds, as cells of a file: plain text, guarded where a spreadsheet would run it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dialer.model.plain import shown

Row = Mapping[str, Any]

INTEGERS = frozenset({"attempts", "duration_seconds", "serial", "costs", "line"})
OWN = "row."  # before the name of a contact's own column
FOUND = "analysis."  # before the name of what was found in a call afterwards

_FORMULA = re.compile(r"[=+\-@\t\r\n＝＋－＠]")  # the wide forms are read as the narrow ones in East Asia
SUSPECT = frozenset("=+-@\t\r\n＝＋－＠")
"""The same; asked of each cell first, since it is quicker."""
_PLAIN_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")


def guarded(cell: str) -> str:
    """The cell, with a leading ' where a spreadsheet would take it for a formula.

    A plain number is none, and neither is a telephone number in E.164.
    """
    if cell[:1] == "+" and cell[1:].isdigit() and cell.isascii():
        return cell  # nearly always it is a telephone number
    if not _FORMULA.match(cell) or _PLAIN_NUMBER.fullmatch(cell):
        return cell
    return "'" + cell


def as_text(value: Any) -> str:
    """A value as a cell: text without control characters, null as nothing, all else as JSON."""
    if isinstance(value, str):
        return written(value)
    return "" if value is None else written(json.dumps(value, ensure_ascii=False))


def typed(column: str, value: Any) -> int | str | None:
    """A value as a column of a data frame holds it: whole numbers as they are, all else as text."""
    return value if value is None or column in INTEGERS else as_text(value)


def picker(columns: Sequence[str]) -> Callable[[Row], list[Any]]:
    """What takes a row's values in the order of the columns; most rows have their list's columns, in its order."""
    names, found = _after(OWN, columns), _after(FOUND, columns)
    plain = [name for name in columns if not name.startswith((OWN, FOUND))]
    if list(columns) != plain + [FOUND + name for name in found] + [OWN + name for name in names]:
        raise ValueError("what was found in a call, and then a contact's own columns, come last")

    def pick(row: Row) -> list[Any]:
        values = [row.get(name) for name in plain]
        if found:
            analysis = row.get("analysis")
            values.extend(map((_from_json(analysis)[0] if analysis else {}).get, found))
        if names:
            own, _ = _from_json(row["row"])
            values.extend(own.values() if tuple(own) == names else map(own.get, names))
        return values

    return pick


def _after(prefix: str, columns: Sequence[str]) -> tuple[str, ...]:
    return tuple(name.removeprefix(prefix) for name in columns if name.startswith(prefix))


_from_json = json.JSONDecoder().raw_decode  # the ledger holds no blanks around it


def unpacked(value: Any) -> Any:
    """JSON that the ledger keeps as text, as what it says."""
    return json.loads(value) if isinstance(value, str) else value


def written(text: str) -> str:
    """The text as a file may hold it: an export is looked at in terminals, and what the platform says is anybody's.

    JSON can name half a character, which no file can hold; such a half is written out as its code.
    """
    if text.isprintable():
        return text
    return shown(text.encode("utf-8", "backslashreplace").decode("utf-8"))
