"""For any rules and any person: what is allowed is what a plain look at each minute allows, no minute more or later."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings

from dialer.model.rules import Permit, Ruling
from dialer.policy.permission import NEVER_OPENS, decide, desk, explain, openings
from dialer.policy.spans import contains
from tests.calling_kit import MINUTE, ZONES, Scene, scenes

AHEAD = 2 * 1440


def decided(scene: Scene) -> Permit:
    return decide(scene.calling, scene.audience, ZONES, scene.holidays, scene.past, scene.debt, scene.now)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(scene=scenes())
def test_a_dial_may_begin_in_exactly_the_minutes_in_which_every_rule_lets_it_ring(scene: Scene) -> None:
    minutes = [scene.now + n * MINUTE for n in range(1440)]
    found = openings(scene.calling, scene.audience, ZONES, scene.holidays, minutes[0], minutes[-1] + MINUTE)
    for minute in minutes:
        expected = all(scene.oracle.may_ring(rule, minute) for rule in scene.calling.rules)
        assert contains(found, minute.timestamp()) == expected, minute


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(scene=scenes())
def test_the_next_opening_is_the_earliest_allowed_minute(scene: Scene) -> None:
    oracle, said = scene.oracle, decided(scene)
    if oracle.is_blocked(scene.now):
        assert said.ruling is Ruling.BLOCK
        return
    found = oracle.first_allowed(scene.now + n * MINUTE for n in range(AHEAD))
    if found is None:
        assert said.ruling is Ruling.HOLD
        assert said.until is None or said.until >= scene.now + AHEAD * MINUTE
    elif found == scene.now:
        assert (said.ruling, said.until) == (Ruling.ALLOW, None)
    else:
        assert (said.ruling, said.until) == (Ruling.HOLD, found)


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(scene=scenes())
def test_a_hold_names_a_rule_that_lets_go_at_that_moment(scene: Scene) -> None:
    said, oracle = decided(scene), scene.oracle
    if said.ruling is Ruling.HOLD and said.rule != NEVER_OPENS:
        assert said.until is not None
        rule = next(rule for rule in scene.calling.rules if rule.id == said.rule)
        before = said.until - MINUTE
        assert not (
            oracle.is_open(rule, before) and oracle.is_free(rule, before) and not oracle.is_barred(rule, before)
        )
        assert oracle.allows(said.until)
        assert said.why


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(scene=scenes())
def test_an_allow_names_a_rule_that_is_the_first_to_close(scene: Scene) -> None:
    said, oracle = decided(scene), scene.oracle
    if said.ruling is not Ruling.ALLOW:
        return
    assert (said.rule == "") == (not scene.calling.rules)
    for n in range(1440):
        minute = scene.now + n * MINUTE
        closed = [rule.id for rule in scene.calling.rules if not oracle.may_ring(rule, minute)]
        if closed:
            assert said.rule in closed
            break


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(scene=scenes())
def test_a_desk_that_was_made_before_says_the_same(scene: Scene) -> None:
    start = scene.now - timedelta(hours=7)
    for end in (scene.now - timedelta(hours=1), scene.now + timedelta(hours=3), scene.now + timedelta(days=9)):
        made = desk(scene.calling, scene.audience, ZONES, scene.holidays, start, end)
        again = made.decide(scene.past, scene.debt, scene.now)
        said = decided(scene)
        assert (again.ruling, again.until) == (said.ruling, said.until)
        assert made.decide(scene.past, scene.debt, scene.now) == again


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(scene=scenes())
def test_all_rules_together_allow_what_each_allows_by_itself(scene: Scene) -> None:
    findings = explain(scene.calling, scene.audience, ZONES, scene.holidays, scene.past, scene.debt, scene.now)
    assert [finding.rule for finding in findings] == list(scene.calling.rules)
    says = {finding.says for finding in findings}
    together = decided(scene)
    if says <= {Ruling.ALLOW}:
        assert together.ruling is Ruling.ALLOW
    else:
        assert together.ruling is (Ruling.BLOCK if Ruling.BLOCK in says else Ruling.HOLD)
    if together.until is not None:
        assert all(
            finding.until is not None and finding.until <= together.until for finding in findings if finding.until
        )
