"""F05, F06: the connection stays open and silent. Was the call placed? Only the platform can tell."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.faults.kit import first_dial, invariants, nothing, stage
from tests.acceptance.kit import person
from tests.acceptance.proxy import Cut, Delayed

IMPATIENT = {"client": {"dial_timeout": 0.8}}
"""An answer may take 30 s as it is shipped."""


@pytest.mark.slow
def test_f05_read_timeout_and_the_call_was_placed(tmp_path: Path) -> None:
    """Unknown, looked up, adopted: one ring. An answer that is only slow is no fault."""
    with stage(tmp_path) as there:
        there.proxy.rule = first_dial({5: Cut(after=True, held=True), 7: Delayed(there=0.2, back=0.2)})
        invariants(there, there.run_in(there.defaults(**IMPATIENT), there.plan()))
        assert len(there.ids(5)) == there.rings_of(5) == 1
        assert there.events(5)[:2] == ["intended", "held"]
        assert "looked_up" not in there.events(5)
        assert there.events(7)[:2] == ["intended", "placed"]


@pytest.mark.slow
def test_f06_read_timeout_and_the_call_was_not_placed(tmp_path: Path) -> None:
    """Unknown, held, looked up twice, absent: dialled under the same id, and it has cost no attempt."""
    with stage(tmp_path) as there:
        there.proxy.rule = first_dial({5: Cut(after=False, held=True)})
        invariants(there, there.run_in(there.defaults(**IMPATIENT), there.plan()))
        first, again = there.ids(5)
        assert first == again
        assert there.rings_of(5) == 1
        assert there.events(5)[:6] == ["intended", "held", "looked_up", "looked_up", "refused", "intended"]


@pytest.mark.slow
def test_f06_not_placed_and_meanwhile_it_is_too_late(tmp_path: Path) -> None:
    """By the time at which it is known that nobody was rung, the contact has expired."""
    with stage(tmp_path, 4) as there:
        there.proxy.rule = first_dial({2: Cut(after=False, held=True)})
        path = there.plan(contacts={"expires": "2s"}, recovery={"hold": "2s"})
        ended = there.run_in(there.defaults(**IMPATIENT), path)
        invariants(there, ended, people=4, besides={person(2): "exhausted"})
        assert there.rings_of(2) == 0
        assert there.contacts()[person(2)]["detail"] == "expired"
        assert there.contacts()[person(2)]["attempts"] == 0


@pytest.mark.ci
@pytest.mark.slow
def test_f05_f06_the_patience_that_is_shipped(tmp_path: Path) -> None:
    """After 30 s nobody knows, and the platform is asked: one of two was placed."""
    with stage(tmp_path) as there:
        there.proxy.rule = first_dial({3: Cut(after=True, held=True), 5: Cut(after=False, held=True)})
        ended = there.run("run", there.plan(), within=120)
        assert ended.seconds > 30
        there.proxy.rule = nothing
        invariants(there, ended)
        assert (len(there.ids(3)), len(there.ids(5)), len(set(there.ids(5)))) == (1, 2, 1)
