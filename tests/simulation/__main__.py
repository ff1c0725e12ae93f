"""`python -m tests.simulation --seeds 10000 [--first N] [--jobs 2]`: many seeds; one that fails says how to replay it.

`python -m tests.simulation --seed 4711 --verbose` tells the story of one seed, event by event.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from collections.abc import Iterator

from tests.simulation import Outcome, simulate

_SHOWN_EVERY = 100


def main() -> int:
    """The exit code: 0 if no invariant broke."""
    given = _arguments()
    if given.seed is not None:
        return _one(given.seed, given.verbose, given.digest)
    return _many(range(given.first, given.first + given.seeds), given.jobs, given.keep_going)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=300, help="how many")
    parser.add_argument("--first", type=int, default=1, help="from which on")
    parser.add_argument("--jobs", type=int, default=2, help="processes beside each other")
    parser.add_argument("--keep-going", action="store_true", help="do not stop at the first that fails")
    parser.add_argument("--seed", type=int, help="this one alone")
    parser.add_argument("--verbose", action="store_true", help="tell its story")
    parser.add_argument("--digest", action="store_true", help="only the fingerprint of what happened")
    return parser.parse_args()


def _one(seed: int, tells: bool, only_digest: bool) -> int:
    outcome = simulate(seed, tells=tells)
    if only_digest:
        print(outcome.digest)
        return 0
    for line in outcome.story:
        print(line)
    print(_words(outcome))
    return _complain(outcome)


def _many(seeds: range, jobs: int, keep_going: bool) -> int:
    began, done, failed = time.monotonic(), 0, 0
    posts = kills = 0
    for outcome in _outcomes(seeds, jobs):
        done, posts, kills = done + 1, posts + outcome.posts, kills + outcome.kills
        failed += bool(_complain(outcome))
        if failed and not keep_going:
            break
        if done % _SHOWN_EVERY == 0:
            print(f"{done} seeds, {posts} dials, {kills} kills, {time.monotonic() - began:.0f} s", flush=True)
    seconds = time.monotonic() - began
    print(f"{done} seeds, {posts} dials, {kills} kills, {failed} failed, {seconds:.1f} s")
    return int(failed > 0)


def _outcomes(seeds: range, jobs: int) -> Iterator[Outcome]:
    if jobs <= 1:
        yield from map(simulate, seeds)
        return
    with multiprocessing.get_context("forkserver").Pool(jobs, maxtasksperchild=200) as pool:
        yield from pool.imap(simulate, seeds)


def _words(outcome: Outcome) -> str:
    return (
        f"seed {outcome.seed}: {outcome.posts} dials, {outcome.rings} calls, {outcome.processes} processes, "
        f"{outcome.kills} killed, {outcome.hours:.1f} h, digest {outcome.digest}"
    )


def _complain(outcome: Outcome) -> int:
    if not outcome.broken:
        return 0
    print(
        f"seed {outcome.seed} breaks {len(outcome.broken)} times; "
        f"replay: python -m tests.simulation --seed {outcome.seed} --verbose"
    )
    for sentence in outcome.broken[:10]:
        print(f"  {sentence}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
