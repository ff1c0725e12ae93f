"""`plan`: the forecast in words with a chart, or as JSON; and its assumptions as they are given."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from dialer.cli import given
from dialer.clock import Clock
from dialer.config import words
from dialer.console import chart, mask_text
from dialer.console.masking import mask_value
from dialer.errors import UsageError
from dialer.report import plan as report
from dialer.runner import planning

_OPTION = "--assume"


def plan(files: Sequence[Path], assume: Sequence[str], as_json: bool) -> None:
    """Print the plan of each campaign, each as if it ran alone.

    Raises UsageError for an assumption that cannot be read, and what `planning.plan` raises.
    """
    assumed = assumptions(assume)
    clock = Clock()
    found = [planning.plan(given.campaign(path), clock, assumed) for path in files]
    if as_json:
        print(
            json.dumps(
                mask_value({"campaigns": [report.as_json(each) for each in found]}), indent=2, ensure_ascii=False
            )
        )
        return
    for place, each in enumerate(found):
        print(("\n" if place else "") + "\n".join(map(mask_text, report.text(each))))
        chart.show(*report.chart(each.forecast), sys.stdout)
    if len(found) > 1:
        print(
            f"\n{len(found)} campaigns, each as if it ran alone: together they share lines, where the account is one."
        )


def assumptions(texts: Sequence[str]) -> dict[str, float]:
    """`answer=35%,length=60s` as values by name; shares between 0 and 1, lengths in seconds.

    Raises UsageError for a name that is not known, a value that cannot be read, and shares above 100 % together.
    """
    found = {}
    for part in (part.strip() for text in texts for part in text.split(",") if part.strip()):
        name, sign, value = (each.strip() for each in part.partition("="))
        if not sign or name not in planning.NAMES:
            nearest = words.nearest(name, planning.NAMES)
            hint = f"; did you mean {nearest}?" if nearest and nearest != name else ""
            raise UsageError(f"{_OPTION}: {part!r} is not one of {', '.join(planning.NAMES)} with =VALUE{hint}")
        try:
            found[name] = _reader(name)(value)
        except words.Wrong as wrong:
            hint = f"; {wrong.suggestion}" if wrong.suggestion else ""
            raise UsageError(f"{_OPTION} {name}: {wrong}{hint}") from None
    if found.get("answer", 0.0) + found.get("machine", 0.0) > 1.0:
        raise UsageError(f"{_OPTION}: answer and machine are more than 100 % of the calls together")
    return found


def _reader(name: str) -> Callable[[object], float]:
    if name in ("answer", "machine"):
        return words.share
    return words.above_zero if name == "lines" else words.duration
