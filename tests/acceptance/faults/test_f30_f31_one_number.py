"""F30, F31: who is halted in mid-run is dialled no more; one number in two campaigns is never rung twice at once."""

from __future__ import annotations

import contextlib
import sqlite3
from collections import Counter
from pathlib import Path

import pytest

from dialer.simulator import Ring
from tests.acceptance.faults.kit import Stage, stage
from tests.acceptance.kit import number, person
from tests.acceptance.oracle import nobody_over_rung

BOTH = ("camp", "other")
TALK = {"mix": {"user_ended_call": 1.0}}
NO_ANSWER = {"mix": {"no_answer": 1.0}}
HAS_TALKED, OPTED_OUT = ("done", "user_ended_call"), ("excluded", "opted_out")


def _two(there: Stage, **changes: object) -> tuple[Path, Path]:
    """Two campaigns of one ledger with the same list."""
    first, second = (there.plan(name=name, **changes) for name in BOTH)
    return first, second


def _one_at_a_time(there: Stage, rings: list[Ring], people: int, times: int) -> None:
    """Everybody was rung so often, and never while another call to them was live."""
    assert Counter(ring.to_number for ring in rings) == {number(n): times for n in range(people)}
    assert there.without_intent == []
    nobody_over_rung(rings)


# --- F31 --------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.ci
def test_f31_one_number_in_two_campaigns_of_one_run_is_rung_one_after_the_other(tmp_path: Path) -> None:
    people = 6
    with stage(tmp_path, people, call_seconds=60, **TALK) as there:
        ended = there.run("run", *_two(there))
        assert ended.code == 0, ended.err
        _one_at_a_time(there, there.rings(), people, 2)
        for name in BOTH:
            assert there.states(name) == {"done": people}
            assert f"{name} 0 finished next=- due=0 live=0 unknown=0" in ended.out


@pytest.mark.slow
@pytest.mark.ci
def test_f31_one_number_in_two_campaigns_that_run_one_after_the_other_waits_for_the_first_call(tmp_path: Path) -> None:
    """The first run is killed while its calls are live: the second dials none of these people before the platform has
    told that they are over."""
    people = 3
    with stage(tmp_path, people, call_seconds=300, **TALK) as there:
        first, second = _two(there)
        with there.running("run", first) as run:
            run.until(lambda: there.states() == {"dialing": people} and len(there.rings()) == people)
            run.kill()
        waits = there.run("run", second)
        assert waits.code == 75, waits.err
        assert len(there.rings()) == people
        assert there.states("other") == {"due": people}
        assert there.run("run", first).code == 0
        assert there.run("run", second).code == 0
        _one_at_a_time(there, there.rings(), people, 2)
        assert there.states("camp") == there.states("other") == {"done": people}


@pytest.mark.slow
@pytest.mark.ci
def test_f31_the_second_campaign_waits_for_the_end_of_the_first_call_and_for_the_gap_between_calls(
    tmp_path: Path,
) -> None:
    people, gap = 3, 6.0
    with stage(tmp_path, people, call_seconds=60, **TALK) as there:
        ended = there.run("run", *_two(there, caps={"gap": f"{gap:.0f}s"}))
        assert ended.code == 0, ended.err
        rings = there.rings()
        _one_at_a_time(there, rings, people, 2)
        for n in range(people):
            first, second = sorted(ring.at for ring in rings if ring.to_number == number(n))
            assert gap - 0.01 <= second - first < gap + 10
        assert there.details(0, "held_back") != []


# --- F30 --------------------------------------------------------------------------------------------


def _halt(there: Stage, *people: int) -> None:
    """Write into the ledger, beside the run that goes on, that these asked not to be called; in every campaign."""
    with contextlib.closing(sqlite3.connect(there.ledger, timeout=10)) as db, db:
        for n in people:
            halted = db.execute("UPDATE contacts SET stop = 'opted_out' WHERE person = ?", (person(n),))
            assert halted.rowcount == len(BOTH)


def _rings_of(there: Stage) -> Counter[str]:
    return Counter(ring.to_number for ring in there.rings())


ONE, OTHER, DUE, BYSTANDER = range(4)
"""With one line a campaign: two who are live, one in either, and two who are due in both."""


@pytest.mark.slow
@pytest.mark.ci
def test_f30_a_contact_that_is_halted_while_it_is_due_or_live_is_dialled_no_more(tmp_path: Path) -> None:
    """All have been handed out or are about to be. The live calls run out, and are not followed by another."""
    with stage(tmp_path, 4, call_seconds=250, **TALK) as there:
        paths = _two(there, pace={"concurrent_calls": 1}, retry={"attempts": 2})
        with there.running("run", *paths) as run:
            run.until(lambda: _rings_of(there) == {number(ONE): 1, number(OTHER): 1})
            _halt(there, ONE, OTHER, DUE)
            ended = run.ended()
        assert ended.code == 0, ended.err
        assert _rings_of(there) == {number(ONE): 1, number(OTHER): 1, number(BYSTANDER): 2}
        nobody_over_rung(there.rings())
        assert _ended_as(there, ONE) == _ended_as(there, OTHER) == [HAS_TALKED, OPTED_OUT]
        assert _ended_as(there, DUE) == [OPTED_OUT] * 2
        assert _ended_as(there, BYSTANDER) == [HAS_TALKED] * 2
        assert there.details(DUE, "halted") == ["opted_out"] * 2


def _ended_as(there: Stage, n: int) -> list[tuple[str, str]]:
    """A person's state and its detail in each campaign, the states in order."""
    rows = [there.contacts(name)[person(n)] for name in BOTH]
    return sorted((row["state"], row["detail"]) for row in rows)


@pytest.mark.slow
@pytest.mark.ci
def test_f30_a_contact_that_is_halted_while_it_waits_is_dialled_no_more(tmp_path: Path) -> None:
    """Nobody answers: all wait for their next attempt in both campaigns when one is halted."""
    with stage(tmp_path, 2, **NO_ANSWER) as there:
        first, second = _two(there, retry={"attempts": 2, "unreached": "5s"})
        with there.running("run", first, second) as run:
            run.until(lambda: all(there.states(name) == {"waiting": 2} for name in BOTH))
            _halt(there, 0)
            ended = run.ended()
        assert ended.code == 0, ended.err
        assert _rings_of(there) == {number(0): 2, number(1): 4}
        assert _ended_as(there, 0) == [OPTED_OUT] * 2
        assert {state for state, _ in _ended_as(there, 1)} == {"exhausted"}
        nobody_over_rung(there.rings())


@pytest.mark.slow
@pytest.mark.ci
def test_f30_who_is_on_the_list_by_a_command_or_a_file_waits_no_more_and_stays_on_it_after_a_purge(
    tmp_path: Path,
) -> None:
    """All wait for their next attempt in both campaigns. What the commands say has happened, has: nobody is dialled in
    the second after it either."""
    with stage(tmp_path, 3, **NO_ANSWER) as there:
        first, second = _two(there, retry={"attempts": 2, "unreached": "12s"})
        stops = tmp_path / "stop.txt"
        stops.write_text(f"{number(1)}\n")
        with there.running("run", first, second) as run:
            run.until(lambda: all(there.states(name) == {"waiting": 3} for name in BOTH))
            for words in (("add", number(0)), ("import", str(stops))):
                told = there.run("dnc", *words, "--ledger", str(there.ledger))
                assert told.code == 0, told.err
                assert all(f"{name}: 1 person will not be dialled" in told.out for name in BOTH)
            assert _ended_as(there, 0) == _ended_as(there, 1) == [OPTED_OUT] * 2
            ended = run.ended()
        assert ended.code == 0, ended.err
        assert _rings_of(there) == {number(0): 2, number(1): 2, number(2): 4}
        for path in (first, second):
            assert there.run("purge", path, "--older-than", "0s", "--yes").code == 0
        assert there.run("run", there.plan(name="third")).code == 0
        assert _rings_of(there) == {number(0): 2, number(1): 2, number(2): 5}
        assert there.states("third")["excluded"] == 2
