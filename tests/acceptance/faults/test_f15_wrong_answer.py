"""F15: a 201 that cannot be right: broken JSON, another call's id, another number."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.faults.kit import first_dial, invariants, nothing, stage
from tests.acceptance.kit import person
from tests.acceptance.proxy import Answered, Changed, Fate

ANOTHER = {"_id": "f" * 24, "metadata": {"dialer_call_id": "SOMEBODYELSES"}}


def _another_call(answer: dict[str, Any]) -> dict[str, Any]:
    return {**answer, **ANOTHER}


def _another_number(answer: dict[str, Any]) -> dict[str, Any]:
    return {**answer, **ANOTHER, "to_number": "+12025559999"}


ALARMING: dict[int, tuple[Fate, str, str]] = {
    2: (Changed(_another_call), "other_call", "another call id"),
    5: (Changed(_another_number), "other_number", "another number"),
}


@pytest.mark.slow
def test_f15_an_answer_for_somebody_else_stops_the_run(tmp_path: Path) -> None:
    """The call was placed, and its answer is another's: unknown, and nothing of that answer is taken for ours."""
    with stage(tmp_path) as there:
        path = there.plan(recovery={"hold": "2s"})
        for n, (fate, reason, words) in ALARMING.items():
            there.proxy.rule = first_dial({n: fate})
            ended = there.run("run", path, "--grace", "1s")
            assert (ended.code, ended.closing.split()[:3]) == (70, ["camp", "70", reason]), ended.err
            assert words in ended.err
            assert there.contacts()[person(n)]["state"] == "unknown"
        there.proxy.rule = nothing
        invariants(there, there.run("run", path))
        assert ANOTHER["_id"] not in {row["platform_id"] for row in there.attempts()}
        assert [(len(there.ids(n)), there.rings_of(n)) for n in ALARMING] == [(1, 1), (1, 1)]


@pytest.mark.slow
def test_f15_broken_json_is_unknown_until_the_platform_tells(tmp_path: Path) -> None:
    """One was placed, one was not; what is broken is said, and nothing is made of it."""
    with stage(tmp_path) as there:
        broken = b'{"_id": "ffffffffffffffffffffffff", "call_status": "regis'
        there.proxy.rule = first_dial({3: Answered(201, broken, after=True), 6: Answered(201, broken)})
        ended = there.run("run", there.plan())
        invariants(there, ended)
        assert ended.err.count("its answer cannot be read") == 1
        assert (len(there.ids(3)), there.rings_of(3)) == (1, 1)
        assert (len(there.ids(6)), len(set(there.ids(6))), there.rings_of(6)) == (2, 1, 1)
        for n in (3, 6):
            assert there.events(n)[:2] == ["intended", "held"]
            assert "is not JSON" in there.details(n, "held")[0]
