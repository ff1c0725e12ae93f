"""Which own number shows for whom, and which of them rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.model import CallerId, CallRules
from dialer.policy import callerid
from dialer.policy.callerid import Health, NoCaller, Resting, choose

NOW = datetime(2026, 11, 22, 14, 30, tzinfo=UTC)
TOMORROW = datetime(2026, 11, 23, tzinfo=UTC)
HOUR = timedelta(hours=1)
OWN = tuple(CallerId(f"+1415555010{n}") for n in range(4))
A, B = OWN[0].number, OWN[1].number
texts = st.text(max_size=12)


def own(number: str, *places: str, per_day: int | None = None) -> CallerId:
    return CallerId(number, frozenset(places), per_day=per_day)


def shown(
    callers: tuple[CallerId, ...] = OWN,
    person: str = "ann",
    *places: str,
    last: str | None = None,
    used: Mapping[str, int] | None = None,
    resting: Mapping[str, datetime] | None = None,
    rotates: bool = False,
) -> str | NoCaller:
    found = choose(callers, places, person, last, used or {}, resting or {}, NOW, rotates=rotates)
    return found if isinstance(found, NoCaller) else found.number


# --- the same for the same person -----------------------------------------------------------------


@given(person=texts)
def test_a_person_always_sees_the_same_number(person: str) -> None:
    assert shown(person=person) == shown(OWN[::-1], person)
    assert shown(person=person) in {caller.number for caller in OWN}


def test_the_own_numbers_are_shown_evenly() -> None:
    seen = Counter(shown(person=f"+1415555{n:04}") for n in range(4000))
    assert set(seen) == {caller.number for caller in OWN}
    assert all(800 < times < 1200 for times in seen.values())


@given(person=texts, gone=st.sampled_from(OWN))
def test_taking_a_number_away_changes_only_those_who_saw_it(person: str, gone: CallerId) -> None:
    before = shown(person=person)
    left = tuple(caller for caller in OWN if caller != gone)
    assert shown(left, person) == before or before == gone.number


def test_what_a_person_sees_stays_when_the_program_changes() -> None:
    assert [shown(person=f"person {n}") for n in range(4)] == SEEN


SEEN = ["+14155550100", "+14155550100", "+14155550101", "+14155550100"]


def test_a_campaign_that_says_nothing_of_its_numbers_shows_them_to_everybody() -> None:
    plain = CallRules((A, B))
    assert callerid.callers_of(plain) == (CallerId(A), CallerId(B))
    assert callerid.callers_of(CallRules((A,), callers=(FLORIDA,))) == (FLORIDA,)


def test_one_own_number_is_everybodys() -> None:
    assert shown(OWN[:1], "anyone") == A


@given(person=texts, last=st.sampled_from(OWN))
def test_the_number_that_was_shown_is_shown_again(person: str, last: CallerId) -> None:
    assert shown(person=person, last=last.number) == last.number


@given(person=texts)
def test_who_rotates_sees_each_number_once_before_the_first_again(person: str) -> None:
    seen: list[str | None] = [None]
    for _ in range(8):
        now = shown(person=person, last=seen[-1], rotates=True)
        assert isinstance(now, str)
        seen.append(now)
    assert seen[1] == shown(person=person)
    assert set(seen[1:5]) == {caller.number for caller in OWN}
    assert seen[1:5] == seen[5:9]


def test_a_number_that_is_not_ours_any_more_is_not_shown_again() -> None:
    assert shown(OWN[:1], last="+14155559999") == A


# --- where they are meant for ---------------------------------------------------------------------

FLORIDA, STATES, ANYWHERE, BRITAIN = own("fl", "US-FL"), own("us", "US"), own("any"), own("gb", "GB")
MEANT = (ANYWHERE, BRITAIN, STATES, FLORIDA)


@pytest.mark.parametrize(
    ("callers", "places", "number"),
    [
        (MEANT, ("US", "US-FL"), "fl"),
        (MEANT, ("US", "US-GA"), "us"),
        (MEANT, ("US", "US-?"), "us"),
        (MEANT, ("GB",), "gb"),
        (MEANT, ("FR",), "any"),
        (MEANT, (), "any"),
        (MEANT[::-1], ("US", "US-FL", "US-GA"), "fl"),
        ((own("both", "US", "US-FL"), STATES), ("US", "US-FL"), "both"),
    ],
)
def test_the_nearest_place_goes_first(callers: tuple[CallerId, ...], places: tuple[str, ...], number: str) -> None:
    assert shown(callers, "ann", *places) == number


@given(person=texts)
def test_people_elsewhere_never_see_a_number_that_is_not_meant_for_them(person: str) -> None:
    assert shown(MEANT, person, "US", "US-GA") == "us"
    assert shown((FLORIDA, BRITAIN), person, "US", "US-GA") == NoCaller("no own number is meant for US, US-GA", None)


def test_somebody_of_whom_nothing_is_known_is_held_where_all_numbers_have_places() -> None:
    found = shown((FLORIDA, STATES))
    assert found == NoCaller("no own number is meant for people of whom no place is known", None)


def test_whether_any_number_is_meant_for_them_is_known_before_one_is_chosen() -> None:
    assert callerid.is_meant((FLORIDA, STATES), ("US", "US-GA"))
    assert callerid.is_meant((ANYWHERE,), ())
    assert not callerid.is_meant((FLORIDA, BRITAIN), ("US", "US-GA"))
    assert not callerid.is_meant((), ("US",))


def test_a_number_that_was_shown_but_is_not_meant_for_them_any_more_is_not_shown() -> None:
    assert shown(MEANT, "ann", "US", "US-GA", last="fl") == "us"


def test_a_number_that_was_shown_stays_although_a_nearer_one_was_added() -> None:
    assert shown(MEANT, "ann", "US", "US-FL", last="us") == "us"


# --- used up, at rest -----------------------------------------------------------------------------


def test_a_number_is_shown_as_often_a_day_as_it_may_be() -> None:
    callers = (own(A, per_day=2),)
    assert shown(callers, used={A: 1}) == A
    assert shown(callers, used={A: 2}) == NoCaller(
        "all own numbers that are meant for them have been shown often enough today", TOMORROW
    )


def test_another_one_takes_over_and_the_next_nearest_if_there_is_none() -> None:
    callers = (own("fl", "US-FL", per_day=1), own("fl2", "US-FL"), STATES)
    assert shown(callers, "ann", "US", "US-FL", used={"fl": 1}, last="fl") == "fl2"
    assert shown(callers, "ann", "US", "US-FL", used={"fl": 1}, resting={"fl2": NOW + HOUR}) == "us"


def test_a_number_at_rest_is_not_shown_until_its_rest_is_over() -> None:
    two = OWN[:2]
    assert shown(two, last=A, resting={A: NOW + HOUR}) == B
    assert shown(two, last=A, resting={A: NOW}) == A
    both = shown(two, last=A, resting={A: NOW + 2 * HOUR, B: NOW + HOUR})
    assert both == NoCaller(
        "all own numbers that are meant for them rest or have been shown as often today as `per_day` allows", NOW + HOUR
    )


def test_who_is_both_used_up_and_at_rest_comes_back_when_both_are_over() -> None:
    callers = (own(A, per_day=1),)
    found = shown(callers, used={A: 1}, resting={A: NOW + HOUR})
    assert isinstance(found, NoCaller)
    assert found.until == TOMORROW
    assert found.rule == "no_caller_id"


@given(
    used=st.dictionaries(st.sampled_from([c.number for c in OWN]), st.integers(0, 3)),
    rests=st.dictionaries(st.sampled_from([c.number for c in OWN]), st.integers(-2, 2)),
    last=st.sampled_from([None, *(c.number for c in OWN)]),
    rotates=st.booleans(),
)
def test_nobody_ever_sees_a_number_that_is_used_up_or_rests(
    used: dict[str, int], rests: dict[str, int], last: str | None, rotates: bool
) -> None:
    callers = tuple(own(c.number, per_day=2) for c in OWN)
    resting = {number: NOW + hours * HOUR for number, hours in rests.items()}
    found = shown(callers, last=last, used=used, resting=resting, rotates=rotates)
    free = {c.number for c in callers if used.get(c.number, 0) < 2 and resting.get(c.number, NOW) <= NOW}
    if isinstance(found, NoCaller):
        assert not free
        assert found.until is not None and found.until > NOW
    else:
        assert found in free


# --- resting --------------------------------------------------------------------------------------


def fared(resting: Resting, number: str, failures: int, dials: int = 20) -> Resting:
    for n in range(dials):
        resting = callerid.dialled(resting, number, n < failures, NOW)
    return resting


@pytest.mark.parametrize(
    ("fields", "message", "is_named"),
    [
        (("body.from_number",), "", True),
        (("from_number",), "", True),
        (("to_number",), "from_number and to_number differ", False),
        ((), "from_number is not a number of yours", True),
        ((), "no", False),
    ],
)
def test_a_refusal_is_about_the_own_number(fields: tuple[str, ...], message: str, is_named: bool) -> None:
    assert callerid.is_named(fields, message) is is_named


def test_a_refused_number_rests_an_hour_and_then_twice_as_long() -> None:
    once = callerid.refused({}, A, NOW)
    assert callerid.at_rest(once, NOW) == {A: NOW + HOUR}
    assert callerid.refused(once, A, NOW + HOUR / 2) is once
    assert callerid.at_rest(once, NOW + HOUR) == {}
    twice = callerid.refused(once, A, NOW + HOUR)
    assert callerid.at_rest(twice, NOW + HOUR) == {A: NOW + 3 * HOUR}


def test_a_rest_is_never_longer_than_a_day() -> None:
    resting: Resting = {}
    now = NOW
    for _ in range(30):
        resting = callerid.refused(resting, A, now)
        until = callerid.at_rest(resting, now)[A]
        assert until - now <= timedelta(days=1)
        now = until
    assert resting[A].times == 30


def test_a_number_that_fares_well_again_begins_anew() -> None:
    rested = callerid.refused({}, A, NOW - HOUR)
    assert fared(rested, A, 0, 19)[A].times == 1
    assert fared(rested, A, 0, 20)[A].times == 0


@pytest.mark.parametrize(
    ("failures", "others", "rests"),
    [(6, 0, True), (5, 0, False), (8, 2, True), (7, 2, False), (20, 5, True), (20, 6, False)],
)
def test_a_number_rests_that_fails_far_oftener_than_the_others(failures: int, others: int, rests: bool) -> None:
    resting = fared(fared({}, B, others), A, failures)
    assert (A in callerid.at_rest(resting, NOW)) is rests
    assert B not in callerid.at_rest(resting, NOW)


def test_a_number_without_others_never_rests_for_its_failures() -> None:
    assert callerid.at_rest(fared({}, A, 20), NOW) == {}
    assert callerid.at_rest(fared(fared({}, B, 0, 19), A, 20), NOW) == {}


def test_only_the_last_dials_count() -> None:
    resting = fared(fared(fared({}, A, 20), A, 0), B, 0)
    assert callerid.at_rest(callerid.dialled(resting, A, True, NOW), NOW) == {}


def test_what_was_under_way_when_a_number_was_laid_to_rest_says_nothing_more() -> None:
    resting = callerid.refused({}, A, NOW)
    assert callerid.dialled(resting, A, True, NOW) is resting
    after = callerid.dialled(resting, A, True, NOW + HOUR)
    assert after[A] == Health((True,), NOW + HOUR, 1)


def test_one_more_that_goes_well_changes_nothing_and_one_that_fails_is_kept() -> None:
    resting: callerid.Resting = {}
    for _ in range(callerid.LOOKED_AT):
        resting = callerid.dialled(resting, "+14155550100", False, NOW)
    assert callerid.dialled(resting, "+14155550100", False, NOW) is resting
    after = callerid.dialled(resting, "+14155550100", True, NOW)
    assert sum(after["+14155550100"].failed) == 1
