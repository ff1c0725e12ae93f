"""Which benchmarks there are, and how one is run: in an interpreter of its own, so that none spoils the next."""

from __future__ import annotations

import importlib
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.kit import How, Line, in_process


@dataclass(frozen=True)
class Part:
    """A benchmark: the module that has `measure(how) -> list[Line]`, and how its table is headed in the document."""

    module: str
    title: str
    is_quick: bool = True
    is_full: bool = True

    @property
    def name(self) -> str:
        """By which it is asked for."""
        return self.module.rpartition(".")[2]


PARTS = (
    Part("tests.benchmarks.dialing", "The cost of a dial"),
    Part("tests.benchmarks.pacing", "Learning the account's lines"),
    Part("tests.benchmarks.pace", "Calls per second"),
    Part("tests.benchmarks.importing", "Taking a list in"),
    Part("tests.benchmarks.starting", "Starting again"),
    Part("tests.benchmarks.choosing", "Choosing who is next"),
    Part("tests.benchmarks.exporting", "Exporting"),
    Part("tests.benchmarks.planning", "Planning, and deciding a dial"),
    Part("tests.benchmarks.soak", "Ten minutes at 300 lines", is_quick=False),
    Part("tests.benchmarks.queues", "Task queues", is_quick=False, is_full=False),
)
"""In the order in which they run and stand in the document."""


def run(part: Part, quick: bool, parent: Path | None = None) -> list[Line]:
    """Measure one part. What it raises comes out, and its scratch folder goes in any case."""
    with tempfile.TemporaryDirectory(prefix=f"benchmark-{part.name}-", dir=parent) as folder:
        return in_process(_measured, part.module, How(quick, Path(folder))).answer


def _measured(module: str, how: How) -> list[Line]:
    measure: Callable[[How], list[Line]] = importlib.import_module(module).measure
    return measure(how)
