"""CSV, for a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from dialer.export.cells import SUSPECT, Row, as_text, guarded, picker, written

_KEPT_BACK = 1 << 16  # characters, until they are written in one go
_QUOTE = '"'


def write_csv(rows: Iterator[Row], columns: Sequence[str], out: BinaryIO) -> int:
    """Write the rows as CSV with a header, in UTF-8, lines ended by a newline; gives their number (OSError)."""
    text = io.StringIO(newline="")
    careful = csv.writer(_UnixLines(text), lineterminator="\r\n")
    pick = picker(columns)
    careful.writerow([guarded(name) for name in columns])
    _move(text, out)
    count = 0
    for count, row in enumerate(rows, 1):  # noqa: B007 - it is what is given back
        cells = [value if value.__class__ is str else _brief(value) for value in pick(row)]
        if "".join(cells).isprintable():  # one look at the whole row: hardly any has a line end or worse in a cell
            text.write(line([cell if cell[:1] not in SUSPECT else guarded(cell) for cell in cells]))
        else:
            careful.writerow([guarded(written(cell)) for cell in cells])
        if text.tell() > _KEPT_BACK:
            _move(text, out)
    _move(text, out)
    return count


def _brief(value: object) -> str:
    if value is None:
        return ""
    return str(value) if value.__class__ is int else as_text(value)


def line(cells: list[str]) -> str:
    """A line of CSV whose cells hold no line ends, as the csv module writes it, in a quarter of the time."""
    plain = ",".join(cells)
    if _QUOTE in plain or plain.count(",") != len(cells) - 1:
        plain = ",".join(
            [f'"{cell.replace(_QUOTE, _QUOTE * 2)}"' if _QUOTE in cell or "," in cell else cell for cell in cells]
        )
    return f"{plain or _QUOTE * 2}\n"


def _move(text: io.StringIO, out: BinaryIO) -> None:
    out.write(text.getvalue().encode())
    text.seek(0)
    text.truncate()


class _UnixLines:
    """Ends lines in a newline alone. The csv module is told of both characters, so that it quotes both in a cell."""

    def __init__(self, out: io.StringIO) -> None:
        self._out = out

    def write(self, line: str) -> int:
        return self._out.write(line.removesuffix("\r\n") + "\n")
