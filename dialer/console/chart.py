"""A chart of bars, one a row: drawn by rich on a terminal that can, of plain signs elsewhere."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TextIO

_WIDTH = 80
_PLAIN = "#"


def show(
    title: str, rows: Sequence[tuple[str, float]], stream: TextIO, environ: Mapping[str, str] = os.environ
) -> None:
    """Print the title and the rows, each a label and a number from 0 on; nothing where there are none."""
    if not rows:
        return
    top = max(value for _, value in rows) or 1.0
    if not (stream.isatty() and can_draw(stream, environ)):
        for line in plain(title, rows):
            print(line, file=stream)
        return
    from rich.bar import Bar  # only here: rich takes a while to import
    from rich.console import Console
    from rich.table import Table

    table = Table.grid(padding=(0, 1))
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(ratio=1)
    for label, value in rows:
        table.add_row(f"    {label}", f"{value:,.0f}", Bar(top, 0, value, color="cyan"))
    console = Console(file=stream, width=min(_WIDTH, Console(file=stream).width))
    console.print(f"  {title}", highlight=False)
    console.print(table)


def plain(title: str, rows: Sequence[tuple[str, float]]) -> list[str]:
    """The chart as text of 80 columns at most."""
    labels = max(len(label) for label, _ in rows)
    numbers = max(len(f"{value:,.0f}") for _, value in rows)
    top = max(value for _, value in rows) or 1.0
    room = max(1, _WIDTH - labels - numbers - 6)
    return [
        f"  {title}",
        *(
            f"    {label:<{labels}} {value:>{numbers},.0f} {_PLAIN * round(value / top * room)}".rstrip()
            for label, value in rows
        ),
    ]


def can_draw(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether the terminal can be drawn on; an unset TERM, as in a container, mostly can."""
    encoding = (stream.encoding or "").lower().replace("-", "")
    return environ.get("TERM", "").lower() not in ("dumb", "unknown") and encoding.startswith("utf")
