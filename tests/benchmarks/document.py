"""docs/performance.md: what was measured is written between marks, everything else there is a person's and stays.

A part begins with `<!-- measured: NAME -->` and ends with `<!-- end of NAME -->`; so a single part can be measured
again without the others, whichever machine those were measured on.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.kit import Line

FRAME = """# Performance

What dialer costs, and against what it was held. What stands between two marks is written by
`python -m tests.benchmarks`, the rest by hand: it stays.

## What was learnt
"""
"""A document that nobody has begun yet."""

_LEARNT = "## What was learnt"
COLUMNS = ("what", "against", "goal", "measured", "holds")


@dataclass(frozen=True)
class Measured:
    """What came of one part: `on` is the day, the machine and the versions, `seconds` what it took to measure."""

    name: str
    title: str
    lines: Sequence[Line]
    on: str
    seconds: float


def rewritten(document: str, parts: Sequence[Measured]) -> str:
    """The document with these parts in place of what was measured of them before; new ones stand before the lessons."""
    for part in parts:
        document = _put(document, part.name, rendered(part))
    return document


def headed(document: str, facts: Mapping[str, str]) -> str:
    """The document with these facts of a whole run at its head."""
    rows = [f"| {key} | {_cell(value)} |" for key, value in facts.items()]
    return _put(document, "machine", "\n".join(["| measured on | |", "|---|---|", *rows]))


def rendered(part: Measured) -> str:
    """A part's heading and table."""
    table = [_row(COLUMNS), "|---" * len(COLUMNS) + "|", *(_row(cells(line)) for line in part.lines)]
    notes = [f"- {line.what}: {line.note}" for line in part.lines if line.note]
    told = f"Measured {part.on}, in {part.seconds:,.0f} s."
    blocks = [f"## {part.title}", told, "\n".join(table), "\n".join(notes)]
    return "\n\n".join(block for block in blocks if block)


def cells(line: Line) -> tuple[str, str, str, str, str]:
    """A row's five cells."""
    holds = {True: "yes", False: "**no**", None: "–"}[line.holds]
    return line.what, line.against or "–", line.goal or "–", line.measured, holds


def kept(part: Measured) -> str:
    """The same as JSON, for other programs."""
    return json.dumps(dataclasses.asdict(part), indent=1, ensure_ascii=False)


def write(path: Path, document: str) -> None:
    """Put it in place whole."""
    beside = path.with_name(f"{path.name}.new")
    beside.write_text(document, "utf-8")
    beside.replace(path)


def _row(values: Sequence[str]) -> str:
    return "| " + " | ".join(map(_cell, values)) + " |"


def _cell(value: str) -> str:
    return value.replace("|", "\\|").replace("\n", " ")


def _put(document: str, name: str, text: str) -> str:
    begins, ends = f"<!-- measured: {name} -->", f"<!-- end of {name} -->"
    block = f"{begins}\n{text}\n{ends}"
    found = re.compile(f"{re.escape(begins)}.*?{re.escape(ends)}", re.DOTALL)
    if found.search(document):
        return found.sub(lambda _: block, document, count=1)
    before, learnt, after = document.partition(_LEARNT)
    return f"{before.rstrip()}\n\n{block}\n\n{learnt}{after}".rstrip() + "\n"
