"""F01–F04: killed with no chance to tidy up, at each point of one dial."""

from __future__ import annotations

import contextlib
import http.client
from pathlib import Path

import pytest

from tests.acceptance.faults.kit import (
    PEOPLE,
    Stage,
    first_dial,
    invariants,
    killed_by_itself,
    nothing,
    stage,
)
from tests.acceptance.kit import number
from tests.acceptance.proxy import Answered, Cut, between


def _who(there: Stage, call_id: str) -> int:
    """Which of the people an attempt is to."""
    [row] = [row for row in there.attempts() if row["call_id"] == call_id]
    return next(n for n in range(PEOPLE) if number(n) == row["number"])


@pytest.mark.slow
def test_f01_killed_before_the_intent_is_committed(tmp_path: Path) -> None:
    """Before its transaction begins, and within it, with the rows written: the contact is due as if nothing was."""
    with stage(tmp_path) as there:
        path = there.plan()
        for order in ("dialer.ledger:Ledger.intend before 4", "dialer.ledger.intending:intend after 4"):
            before = len(there.attempts())
            killed_by_itself(there, path, order)
            assert len(there.attempts()) <= before + 3
            assert there.states()["due"] >= PEOPLE - len(there.attempts())
            assert {asked.call_id for asked in there.proxy.dials} <= {row["call_id"] for row in there.attempts()}
        invariants(there, there.run("run", path))


def test_f01_the_witness_sees_a_dial_without_an_intent(tmp_path: Path) -> None:
    """The judge of these tests is not blind: whoever dials with nothing in the ledger is told of."""
    with between(1) as proxy:
        there = Stage(tmp_path, proxy)
        proxy.rule = lambda _: Answered(201)
        body = b'{"call_id": "UNWRITTEN", "to_number": "+14155550123"}'
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", proxy.server_port)) as connection:
            connection.request("POST", "/v1/calls/dial-outbound-phone-call", body)
            assert connection.getresponse().status == 201
        assert there.without_intent == ["UNWRITTEN"]


@pytest.mark.slow
def test_f02_killed_after_the_intent_and_before_the_post(tmp_path: Path) -> None:
    """Held, looked up twice, found absent, then dialled under the same call id: one ring."""
    with stage(tmp_path) as there:
        path = there.plan()
        killed_by_itself(there, path, "dialer.verbex.client:Client.dial before 5")
        sent = {asked.call_id for asked in there.proxy.dials}
        open_ids = {row["call_id"] for row in there.attempts() if row["state"] == "intended"}
        [unsent] = open_ids - sent
        who = _who(there, unsent)
        invariants(there, there.run("run", path))
        assert there.ids(who) == [unsent]
        assert there.events(who)[:6] == ["intended", "held", "looked_up", "looked_up", "refused", "intended"]


@pytest.mark.slow
def test_f03_killed_after_the_post_left_and_before_the_answer(tmp_path: Path) -> None:
    """One was placed, and is adopted without a second POST; one had not reached the platform, and is sent again."""
    with stage(tmp_path) as there:
        placed, unheard = Cut(after=True, held=True), Cut(after=False, held=True)
        there.proxy.rule = first_dial({3: placed, 6: unheard})
        path = there.plan()
        with there.running("run", path) as run:
            run.until(lambda: placed.at.is_set() and unheard.at.is_set())
            run.kill()
        assert [row["state"] for n in (3, 6) for row in there.attempts_of(n)] == ["intended"] * 2
        there.proxy.rule = nothing
        invariants(there, there.run("run", path))
        assert len(there.ids(3)) == 1
        assert there.events(3)[:2] == ["intended", "held"]
        assert "looked_up" not in there.events(3)
        first, again = there.ids(6)
        assert first == again
        assert there.events(6)[:6] == ["intended", "held", "looked_up", "looked_up", "refused", "intended"]


@pytest.mark.slow
def test_f04_killed_after_the_answer_was_read_and_before_it_was_committed(tmp_path: Path) -> None:
    """The platform's id was lost with the process; the call is found all the same, and its id with it."""
    with stage(tmp_path) as there:
        path = there.plan()
        killed_by_itself(there, path, "dialer.ledger:Ledger.place before 5")
        rung = {ring.call_id: ring for ring in there.rings()}
        unwritten = [row for row in there.attempts() if row["state"] == "intended" and row["call_id"] in rung]
        assert unwritten
        assert {row["platform_id"] for row in unwritten} == {None}
        invariants(there, there.run("run", path))
        adopted = {row["call_id"]: row["platform_id"] for row in there.attempts()}
        for row in unwritten:
            assert adopted[row["call_id"]] == rung[row["call_id"]].platform_id
            assert there.ids(_who(there, row["call_id"])) == [row["call_id"]]
