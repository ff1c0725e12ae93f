"""By what a register is known in the ledger: its file, the column that is read, and where its numbers are written."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from dialer.model import Register


def known_as(register: Register, country: str | None) -> str:
    """As `registers.file` has it: the same file read otherwise is another register, but not if it is named otherwise.

    A name that points to the copy of the day is that of the list, wherever it points: only its folder is resolved.
    """
    path = Path(register.file)
    file = path.parent.resolve() / path.name
    return json.dumps([str(file), register.column, country], ensure_ascii=False)


@cache
def file_of(known: str) -> str:
    """The file's name, of what `known_as` gave."""
    return Path(json.loads(known)[0]).name
