"""Lines: how well an unknown and changing limit is found and kept full, against an oracle that knows it.

The oracle has the same feedback as we. Line use is the time for which calls are live, ours over the oracle's; a limit
that has moved is followed when 95 % of the oracle's calls are live again over ten seconds.
"""

from __future__ import annotations

import multiprocessing
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from tests.benchmarks.account_engine import engine_result
from tests.benchmarks.account_model import MEAN_CALL, Account, Cell, Oracle, Paced, Result
from tests.benchmarks.kit import How, Line

_MOVES = ((0.0, 100), (1200.0, 60), (2400.0, 150))
_FEEDBACK = (("webhook", 0.5), ("poll", 1.0), ("poll", 5.0))
_SEEDS = 20
_LONGEST_BACK = 180.0
"""Seconds: two mean calls of those that are answered."""

CELLS = (
    *(
        Cell(f"limit {limit}, ends by {way} after {delay:g} s", ((0.0, limit),), way, delay)
        for limit in (20, 100, 1000)
        for way, delay in _FEEDBACK
    ),
    *(Cell(f"limit 100 → 60 → 150, ends by {way} after {delay:g} s", _MOVES, way, delay) for way, delay in _FEEDBACK),
    Cell("limit 100, about 20 calls of others, webhook", ((0.0, 100),), others=20.0),
    Cell("limit 100, about 20 calls of others, poll 1 s", ((0.0, 100),), "poll", 1.0, others=20.0),
    Cell("limit 100, about 20 calls of others that no list shows", ((0.0, 100),), others=20.0, is_shown=False),
    Cell("limit 100, the platform's clock 30 s ahead, poll 1 s", ((0.0, 100),), "poll", 1.0, skew=30.0),
    Cell("limit 100, the platform's clock 30 s behind, webhook", ((0.0, 100),), skew=-30.0),
    Cell("limit 100, refusals in a later record, poll 1 s", ((0.0, 100),), "poll", 1.0, refusals="record"),
    Cell("limit 100 → 60 → 150, refusals in a later record, poll 1 s", _MOVES, "poll", 1.0, refusals="record"),
    Cell("limit 100, 1 call per second binds", ((0.0, 100),), per_second=1.0),
)
"""In the model: `policy.pacing` alone."""

ENGINE_CELLS = (
    Cell("whole engine: limit 100, poll", ((0.0, 100),), "poll", MEAN_CALL / 50),
    Cell("whole engine: limit 100 → 60 → 150, poll", _MOVES, "poll", MEAN_CALL / 50),
    Cell("whole engine: limit 100, about 20 calls of others, poll", ((0.0, 100),), "poll", MEAN_CALL / 50, others=20.0),
)
"""With scheduler, ledger, tracker and recovery, in virtual time; the oracle polls as often as the engine does."""

_NO_LIST = "what the list does not show cannot be followed: the oracle knows nothing of them either"


@dataclass(frozen=True)
class Compared:
    """One seed: our line use over the oracle's, the refused share of our dials, and seconds until back after moves."""

    use: float
    refused: float
    back: tuple[float, ...]


def compared(run: Callable[[Cell, int], Result], cell: Cell, seed: int) -> Compared:
    """One seed of a cell."""
    ours, best = run(cell, seed), Account(cell, seed, Oracle(cell)).run()
    return Compared(ours.line_seconds / best.line_seconds, ours.refused / ours.dials, _back(cell, ours, best))


def modelled(cell: Cell, seed: int) -> Result:
    """`policy.pacing` in the model."""
    return Account(cell, seed, Paced(cell)).run()


def _back(cell: Cell, ours: Result, best: Result) -> tuple[float, ...]:
    moves = [int(since) for since, _ in cell.limits[1:] if since < cell.seconds]
    ends = [*moves[1:], len(ours.levels)][: len(moves)]
    return tuple(_until_back(ours.levels[at:end], best.levels[at:end]) for at, end in zip(moves, ends, strict=True))


def _until_back(ours: Sequence[int], best: Sequence[int]) -> float:
    """A fall is over when the calls above the new limit have run out, which the oracle cannot hasten either."""
    for second in range(1, len(ours) - 10):
        if sum(ours[second : second + 10]) >= 0.95 * sum(best[second : second + 10]):
            return float(second)
    return float(len(ours))


def measure(how: How) -> list[Line]:
    """A row a cell."""
    if how.quick:
        small = [replace(cell, seconds=1500.0) for cell in CELLS if cell.limits[0][1] == 20 or "poll 1 s" in cell.name]
        return [_line(cell, [compared(modelled, cell, seed) for seed in (1, 2)]) for cell in small]
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        lines = []
        for run, cells in ((modelled, CELLS), (engine_result, ENGINE_CELLS)):
            lines += [_line(cell, pool.map(partial(compared, run, cell), range(_SEEDS), 1)) for cell in cells]
    return lines


def _line(cell: Cell, seeds: Sequence[Compared]) -> Line:
    use, refused = [one.use for one in seeds], [one.refused for one in seeds]
    backs = [max(one.back) for one in seeds if one.back]
    told = (
        f"use {statistics.median(use):.3f} (worst {min(use):.3f}), "
        f"refused {100 * statistics.median(refused):.2f} % (worst {100 * max(refused):.2f} %)"
    )
    if backs:
        told += f", back in {statistics.median(backs):.0f} s (worst {max(backs):.0f} s)"
    holds = statistics.median(use) >= 0.98 and statistics.median(refused) <= 0.01
    holds = holds and (not backs or statistics.median(backs) <= _LONGEST_BACK)
    goal = "use ≥ 0.98, refused ≤ 1 %" + (f", back in ≤ {_LONGEST_BACK:.0f} s" if backs else "")
    note = "" if cell.is_shown else _NO_LIST
    return Line(cell.name, "an oracle that knows the limit", goal, told, holds, note)
