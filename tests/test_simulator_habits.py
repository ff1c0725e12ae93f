"""What becomes of a ring: the same in whatever order, by script, by mix, by habit."""

from __future__ import annotations

from collections import Counter
from random import Random
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.model import SimulatorRules
from dialer.simulator import Platform, Ring
from dialer.simulator.habits import draw, fate
from tests.simulator_kit import REASONS, after, dial, number, rules

TALKED = {"user_ended_call", "agent_ended_call", "call_transferred", "inactivity_timeout"}
MACHINES = {"voicemail_detected", "answering_machine_detected"}


@given(seed=st.integers(0, 5), dials=st.lists(st.integers(0, 6), max_size=40), chance=st.randoms())
def test_the_nth_ring_of_a_person_ends_the_same_in_whatever_order(seed: int, dials: list[int], chance: Random) -> None:
    shuffled = list(dials)
    chance.shuffle(shuffled)
    assert fates(seed, dials) == fates(seed, shuffled)


def fates(seed: int, dials: list[int]) -> dict[tuple[str, int], object]:
    log: list[Ring] = []
    there = Platform(SimulatorRules(seed=seed, concurrent_calls=99, calls_per_second=1e6), log)
    for at, n in enumerate(dials):
        there.dial(dial(number(n)), after(at))
    return {(ring.to_number, ring.nth): ring.fate for ring in log}


def test_another_seed_is_another_world() -> None:
    worlds = [[fate(SimulatorRules(seed=seed), number(n), 1) for n in range(20)] for seed in (1, 2)]
    assert worlds[0] != worlds[1]


def test_draws_are_even() -> None:
    draws = [draw("even", n) for n in range(4000)]
    assert min(draws) >= 0
    assert max(draws) < 1
    assert all(360 < count < 440 for count in Counter(int(number * 10) for number in draws).values())


@pytest.mark.parametrize("seed", range(5))
def test_three_attempts_reach_most_some_machines_and_some_never(seed: int) -> None:
    ends = Counter(last_of_three(SimulatorRules(seed=seed), number(n)) for n in range(300))
    talked = sum(ends[reason] for reason in TALKED)
    assert 200 < talked < 270
    assert 10 < sum(ends[reason] for reason in MACHINES) < 60
    assert ends["no_answer"] > 5
    assert ends["call_failed"] > 0


def last_of_three(people: SimulatorRules, who: str) -> str:
    for nth in (1, 2, 3):
        why = fate(people, who, nth).reason
        if why in TALKED | MACHINES:
            break
    return why


def test_a_script_is_followed_and_its_last_word_repeats() -> None:
    people = rules(script={number(1): ("line_busy", "no_answer", "user_ended_call")})
    assert [fate(people, number(1), nth).reason for nth in (1, 2, 3, 4, 9)] == [
        "line_busy",
        "no_answer",
        *["user_ended_call"] * 3,
    ]
    assert fate(people, number(2), 1).reason == "agent_ended_call"


def test_a_mix_is_kept_whatever_the_order_of_its_words() -> None:
    weights = {"no_answer": 3.0, "user_ended_call": 1.0, "line_busy": 0.0}
    turned = dict(reversed(weights.items()))
    drawn = [fate(rules(mix=weights), number(n), 1) for n in range(2000)]
    assert drawn == [fate(rules(mix=turned), number(n), 1) for n in range(2000)]
    counts = Counter(one.reason for one in drawn)
    assert 1400 < counts["no_answer"] < 1600
    assert counts["line_busy"] == 0


def test_every_reason_can_be_asked_for_and_one_not_known_yet() -> None:
    for reason in (*REASONS, "carrier_on_strike"):
        drawn = [fate(rules(mix={reason: 1}), number(n), 1) for n in range(20)]
        assert {one.reason for one in drawn} == {reason}
        assert all(one.setup > 0 and (one.ring > 0) == one.rang and (one.rang or not one.talk) for one in drawn)


def test_platforms_fail_before_and_within_a_talk() -> None:
    for reason in ("llm_websocket_connection_lost", "twilio_service_error", "unknown_error"):
        talks = [fate(rules(mix={reason: 1}), number(n), 1).talk for n in range(60)]
        assert 0 < sum(talk > 0 for talk in talks) < 60


def test_where_nobody_answers_the_terminal_status_may_be_either() -> None:
    for reason in ("no_answer", "line_busy", "call_failed"):
        assert {fate(rules(mix={reason: 1}), number(n), 1).status for n in range(60)} == {"ended", "error"}


def test_talks_are_about_as_long_as_asked() -> None:
    talks = [fate(rules(call_seconds=90.0), number(n), 1).talk for n in range(3000)]
    assert 85 < fmean(talks) < 95
    assert min(talks) >= 1
    assert max(talks) > 200


def test_no_answer_rings_as_long_as_asked_and_busy_is_short() -> None:
    people = rules(ring_seconds=25.0, script={number(1): ("no_answer",), number(2): ("line_busy",)})
    assert fate(people, number(1), 1).ring == 25
    assert fate(people, number(2), 1).ring < 5
