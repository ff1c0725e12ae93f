"""Lines for a terminal: broken between words where they are wider than it is. In a pipe they stay as they are."""

from __future__ import annotations

import re
import shutil
import sys
import textwrap

_FIRST_COLUMN = re.compile(r"\s*\S+\s{2,}")
_WIDEST_COLUMN = 40


def tell(text: str) -> None:
    """Print lines, none wider than the terminal that shows them."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
    print(fold(text, width) if width else text)


def fold(text: str, width: int) -> str:
    """The same lines, broken between words so that none has more than `width` signs; what goes on below a line is
    indented under its second column, if it has a narrow first one. A word that is wider alone stays whole."""
    return "\n".join(_fold(line, width) for line in text.split("\n"))


def _fold(line: str, width: int) -> str:
    if len(line) <= width:
        return line
    first = _FIRST_COLUMN.match(line)
    hang = len(first[0]) if first and len(first[0]) <= min(_WIDEST_COLUMN, width // 2) else _indent(line) + 4
    return "\n".join(
        textwrap.wrap(line, width, subsequent_indent=" " * hang, break_long_words=False, break_on_hyphens=False)
    )


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
