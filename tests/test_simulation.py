"""Campaigns of hours, killed and restarted under every fault, in virtual time: the invariants hold, a seed replays, and
a guard that is taken out turns a seed red."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from dialer.ledger import Ledger, intending
from dialer.runner.engine import Engine
from tests.ledger_kit import forge
from tests.simulation import Guards, Outcome, Plan, plan_of, simulate
from tests.simulation.plan import HOUR

_A_FEW = 10
SEEDS = 300
"""So many does `.ci/run` live through."""
_CHUNK = 50
ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def some() -> dict[int, Outcome]:
    """The first few seeds, by their numbers."""
    return {seed: simulate(seed) for seed in range(1, 1 + _A_FEW)}


def broken(outcomes: Iterable[Outcome]) -> dict[int, tuple[str, ...]]:
    """What is broken, by seed: `python -m tests.simulation --seed N --verbose` tells the story of one."""
    return {outcome.seed: outcome.broken[:5] for outcome in outcomes if outcome.broken}


@pytest.mark.slow
def test_some_seeds(some: dict[int, Outcome]) -> None:
    assert broken(some.values()) == {}


@pytest.mark.slow
def test_the_seeds_are_stormy(some: dict[int, Outcome]) -> None:
    """Hours of it, with kills: else the invariants would hold for want of trouble."""
    assert sum(outcome.kills for outcome in some.values()) >= 5
    assert sum(outcome.posts for outcome in some.values()) >= 200
    assert sum(outcome.hours for outcome in some.values()) >= 10


@pytest.mark.slow
@pytest.mark.ci
@pytest.mark.parametrize("first", range(1, 1 + SEEDS, _CHUNK))
def test_many_seeds(first: int) -> None:
    assert broken(map(simulate, range(first, first + _CHUNK))) == {}


# --- a seed replays --------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_seed_replays(some: dict[int, Outcome]) -> None:
    """The same events at the same moments, the same rows."""
    assert simulate(8) == some[8]
    assert some[7].digest != some[8].digest


@pytest.mark.slow
def test_a_seed_replays_in_other_processes(some: dict[int, Outcome]) -> None:
    """However texts are hashed there."""

    def digest(hash_seed: str) -> str:
        command = [sys.executable, "-m", "tests.simulation", "--seed", "6", "--digest"]
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        return subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True, timeout=60
        ).stdout

    assert digest("1") == digest("2") == f"{some[6].digest}\n"


# --- a guard that is taken out ---------------------------------------------------------------------


def stormy(seed: int, kind: dict[str, Any], dials: dict[str, float], **weather: Any) -> Plan:
    """A seed with the trouble in which a guard shows what it is for."""
    plan = plan_of(seed)
    calm = replace(
        plan.weather,
        dials=dials,
        gone=(),
        jumps=(),
        foreign=0,
        rival=0.0,
        other_key=0.0,
        restores=0.0,
        word=0.0,
        reads=0.0,
    )
    return replace(
        plan,
        people=20,
        campaigns=1,
        shared=0,
        max_unknown=1000,
        attempts=2,
        waits=600.0,
        expires=None,
        breaks=(),
        gap=None,
        per_second=2.0,
        lines=5,
        storm=HOUR,
        processes=4,
        kind=replace(plan.kind, calls_at_once=50, calls_per_second=100.0, page_most=1000, **kind),
        weather=replace(calm, **weather),
    )


def turns_red(plans: Callable[[int], Plan], guards: Guards, invariant: str) -> None:
    """All is well as the product is, and soon it is not without the guard."""
    red = next(
        seed for seed in count(1) if seed > 12 or _breaks(simulate(seed, plan=plans(seed), guards=guards), invariant)
    )
    assert red <= 12, f"{invariant} never broke"
    assert simulate(red, plan=plans(red)).broken == ()


def _breaks(outcome: Outcome, invariant: str) -> bool:
    return any(sentence.startswith(invariant) for sentence in outcome.broken)


@pytest.mark.slow
def test_without_the_hold_an_absence_is_believed_too_early() -> None:
    def plans(seed: int) -> Plan:
        kind = {"lookup": "both", "echoes": True, "lists": True, "repeated": "dialled"}
        return stormy(seed, kind, {"": 0.6, "reset_after": 0.4}, lag=1.0, late=0.5, kill=0.5)

    turns_red(plans, Guards(hold=0.0), "I1")


class Forgetful(Ledger):
    """A ledger whose secret is another one whenever it is asked for: call ids follow from nothing."""

    _asked = 0

    @property
    def secret(self) -> bytes:
        Forgetful._asked += 1
        return Forgetful._asked.to_bytes(32, "big")

    @secret.setter
    def secret(self, told: bytes) -> None:
        """Forgotten."""


@pytest.mark.slow
def test_with_random_call_ids_a_dial_stands_in_no_row() -> None:
    def plans(seed: int) -> Plan:
        return stormy(seed, {"echoes": True, "lists": True}, {"": 0.6, "unsent": 0.2, "429": 0.2})

    turns_red(plans, Guards(ledger=Forgetful), "I2")


def believing(engine: Engine) -> None:
    """A recovery for which every way is proven from the start."""
    own_key = engine.recovery._key_mark
    engine.recovery._proven |= {(way, own_key) for way in ("list", "get_own", "get_platform")}


@pytest.mark.slow
def test_a_recovery_that_believes_an_unproven_404_rings_again() -> None:
    def plans(seed: int) -> Plan:
        kind = {"lookup": "platform", "echoes": False, "lists": False, "repeated": "dialled"}
        return stormy(seed, kind, {"": 0.7, "5xx_after": 0.3})

    turns_red(plans, Guards(engine=believing), "I1")


@pytest.mark.slow
def test_without_a_look_at_live_numbers_two_campaigns_ring_one_number_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intending, "is_live", lambda *_: False)  # the intent looks, and an index makes sure

    def plans(seed: int) -> Plan:
        at_once: dict[str, Any] = {"campaigns": 2, "shared": 10, "per_second": 20.0, "lines": 50, "call_seconds": 30.0}
        return replace(stormy(seed, {"echoes": True, "lists": True}, {"": 1.0}), **at_once)

    def unguarded(path: Path) -> None:
        forge(path, "DROP INDEX attempts_live_number")

    turns_red(plans, Guards(ledger_made=unguarded), "I1")
