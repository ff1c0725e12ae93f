"""Pacing: finds the limit of an account, keeps it full, is hardly ever refused, and follows where it moves."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.model.pacing import Dropped, Freed, Heard, Nothing, Others, Placed, Refused, Shown, Taken
from dialer.policy import pacing
from dialer.policy.pacing import Habits, Pacing, Probe
from tests.benchmarks.account_model import Account, Cell, Oracle, Paced, Result


def told(current: Pacing, *heard: tuple[float, Heard]) -> Pacing:
    for now, what in heard:
        current = pacing.after(current, what, now)
        if isinstance(what, Shown):
            current = pacing.after(current, Nothing(), now + 2 * pacing.SETTLES)
    return current


def full(limit: int, **more: object) -> Pacing:
    """An account with so many calls that were all taken long ago, and nothing more to be found out for now."""
    current = Pacing(float(limit), probe=Probe(credit=0.0), habits=Habits(late=0.4, call=60.0))
    current = told(current, *((0.0, Taken(n, 0.0, is_dial=False)) for n in range(limit)))
    return current._replace(**more)  # type: ignore[arg-type]


# --- where it starts -------------------------------------------------------------------------------


def test_where_it_starts() -> None:
    assert pacing.learning().limit == 5
    assert pacing.lines(pacing.learning()) == 7
    assert pacing.lines(pacing.learning(37.0)) == 38
    assert pacing.learning(None, 40).limit == 40
    assert pacing.learning(1e9).limit == pacing.learning(None, 1e9).limit == pacing.MOST_LINES
    assert pacing.learning(0.0).limit == 1.0
    assert pacing.lines(pacing.trusting()) == pacing.MOST_LINES


@pytest.mark.parametrize(("limit", "lines"), [(1.0, 1), (1.99, 1), (2.0, 2), (2.9999999999, 3), (0.2, 1)])
def test_a_line_is_a_whole_line(limit: float, lines: int) -> None:
    assert pacing.lines(Pacing(limit)) == lines


def test_lines_that_are_left_to_others_are_passed_through_only_to_find_the_limit() -> None:
    assert pacing.lines(pacing.learning(20.0, reserve=3)) == 17
    assert pacing.lines(pacing.learning(None, 20.0, 3)) == 30
    current = pacing.learning(20.0, reserve=3, now=100.0)
    current = told(current, *((100.0, Taken(n, 100.0, is_dial=False)) for n in range(17)))
    assert pacing.lines(told(current, (99.0 + 60.0 * pacing.RARE, Nothing()))) == 17
    assert pacing.lines(told(current, (100.0 + 60.0 * pacing.RARE, Nothing()))) == 21


def test_to_begin_anew_keeps_the_calls_that_are_counted() -> None:
    fresh = pacing.with_slots(pacing.learning(), full(30))
    assert (fresh.slots.live, fresh.limit, fresh.habits.call) == (30, 5.0, 60.0)


# --- a dial that is turned away --------------------------------------------------------------------


def test_a_refusal_shows_how_many_calls_the_account_takes() -> None:
    current = told(full(49)._replace(limit=60.0), (10.0, Taken(101, 10.0)), (10.1, Refused(101, 10.0)))
    assert (current.limit, current.slots.live, current.strikes) == (49.0, 49, 1)


def test_calls_that_had_ended_unknown_to_us_are_taken_off_what_a_refusal_showed() -> None:
    current = told(full(50)._replace(limit=60.0), (10.0, Taken(101, 10.0)), (10.1, Refused(101, 10.0)))
    current = told(current, (10.3, Freed(1, 9.5, 0.0)), (10.3, Freed(2, 9.9, 0.0)), (10.3, Freed(3, 10.05, 0.0)))
    assert current.limit == 48.0
    later = told(current, (20.0, Nothing()), (20.1, Freed(4, 9.0, 0.0)))
    assert later.full is None
    assert later.limit == 48.0


def test_refusals_that_were_under_way_are_one() -> None:
    current = full(50)._replace(limit=60.0)
    for line in (101, 102, 103):
        current = told(current, (10.0, Taken(line, 10.0)))
    current = told(current, (10.1, Refused(101, 10.0)), (10.11, Refused(102, 10.0)), (10.12, Refused(103, 10.0)))
    assert (current.strikes, current.slots.live, current.limit) == (1, 50, 50.0)


def test_after_refusals_in_a_row_calls_are_let_run_out_and_one_is_tried_at_a_time() -> None:
    current, now, lines = full(100)._replace(limit=110.0), 10.0, []
    for n in range(5):
        current = told(current, (now, Taken(1000 + n, now)))
        assert pacing.lines(current) == 1 or n == 0
        current = told(current, (now + 0.1, Refused(1000 + n, now)))
        lines.append(pacing.lines(current))
        while current.slots.live > lines[-1] - 1:
            now += 1.0
            current = told(current, (now, Freed(current.slots.live, now, 0.0)))
    assert lines == [100, 95, 86, 71, 58]
    current = told(current, (now, Taken(2000, now)), (now + 0.2, Shown(2000)))
    assert (current.strikes, current.limit, pacing.lines(current)) == (0, 58.0, 59)


def test_one_refusal_does_not_take_a_line_away_where_others_were_quicker_only_their_line_is_left_free() -> None:
    current = told(full(80), (10.0, Others(19, 9.0)))._replace(limit=100.0)
    current = told(current, (10.0, Taken(101, 10.0)), (10.1, Refused(101, 10.0)))
    assert current.limit == 99.0
    current = told(current, (10.3, Others(1, 9.95)), (20.0, Nothing()), (20.0, Freed(1, 20.0, 0.0)))
    assert (current.limit, current.margin) == (100.0, 1.0)
    current = told(current, (21.0, Taken(102, 21.0)), (22.0, Shown(102)))
    assert (current.strikes, pacing.lines(current)) == (0, 100)
    assert pacing.lines(current._replace(margin=1.0)) == 99


def test_a_refusal_of_a_dial_of_long_ago_shows_what_holds_now() -> None:
    current = told(full(10), (5.0, Refused(3, 5.0)))
    assert (current.limit, current.slots.live) == (9.0, 9)


# --- a dial that is taken --------------------------------------------------------------------------


def test_a_first_search_grows_by_half_a_step_for_each_that_is_shown_live() -> None:
    current, now, line = pacing.learning(), 0.0, 0
    limits = []
    for _ in range(6):
        now += 1.0
        while current.slots.live < pacing.lines(current):
            line += 1
            current = told(current, (now, Taken(line, now)), (now, Placed(line)))
        for one in [dial.line for dial in current.unjudged]:
            current = pacing.after(current, Shown(one), now + 0.5)
        current = told(current, (now + 0.5 + 2 * pacing.SETTLES, Nothing()))
        limits.append(current.limit)
    assert limits == [7.0, 10.0, 15.0, 22.0, 33.0, 49.0]


def test_above_the_limit_only_so_many_leave_before_the_first_is_answered() -> None:
    current = pacing.learning(10.0)
    for line in range(10):
        current = told(current, (1.0, Taken(line, 1.0)), (1.0, Shown(line)))
    assert pacing.lines(current) == 11
    current = current._replace(step=8.0)
    current = told(current, (2.0, Taken(20, 2.0)), (2.0, Taken(21, 2.0)))
    assert pacing.lines(current) == 10
    assert pacing.lines(told(current, (2.1, Placed(20)))) == 18


def test_a_probe_is_paid_for_and_one_line_and_confirmed_by_its_refusal() -> None:
    rich = full(50, probe=Probe(credit=1.0))
    probing = told(rich, (200.0, Nothing()))
    assert pacing.lines(probing) == 51
    refused = told(probing, (200.0, Taken(101, 200.0)), (200.1, Refused(101, 200.0)), (300.0, Nothing()))
    assert (refused.limit, refused.strikes, pacing.lines(refused)) == (50.0, 0, 50)
    assert refused.probe.credit < 0.1


def test_a_probe_that_is_taken_lets_the_limit_rise_until_a_dial_is_turned_away() -> None:
    probing = told(full(50, probe=Probe(credit=1.0)), (200.0, Nothing()), (200.0, Taken(101, 200.0)))
    risen = told(probing, (200.2, Placed(101)), (201.0, Shown(101)))
    assert (risen.limit, pacing.lines(risen)) == (51.0, 76)
    late = told(probing._replace(says_late=True), (200.2, Placed(101)), (201.0, Shown(101)))
    assert (late.limit, pacing.lines(late)) == (51.0, 56)


def test_a_probe_that_shows_nothing_is_tried_with_one_more() -> None:
    probing = told(full(50, probe=Probe(credit=1.0)), (200.0, Nothing()), (200.0, Taken(101, 200.0)))
    current = told(probing, (200.3, Freed(7, 199.9, 0.0)), (200.4, Placed(101)), (201.0, Shown(101)))
    assert (current.limit, current.probe.extra) == (50.0, 2)


def test_a_dial_that_is_shown_is_judged_when_the_ends_of_the_same_reading_are_told() -> None:
    probing = told(full(50, probe=Probe(credit=1.0)), (200.0, Nothing()), (200.0, Taken(101, 200.0)))
    shown = pacing.after(told(probing, (200.1, Placed(101))), Shown(101), 200.3)
    assert (shown.limit, len(shown.unjudged)) == (50.0, 1)
    current = told(shown, (200.3, Freed(7, 199.9, 0.0)), (200.3 + 2 * pacing.SETTLES, Nothing()))
    assert (current.limit, current.unjudged, current.probe.extra) == (50.0, (), 2)


def test_where_a_dial_that_was_shown_is_turned_away_later_to_be_shown_is_no_proof_any_more() -> None:
    probing = told(full(50, probe=Probe(credit=1.0)), (200.0, Nothing()), (200.0, Taken(101, 200.0)))
    risen = told(probing, (200.1, Placed(101)), (200.3, Shown(101)), (200.5, Nothing()))
    assert (risen.limit, risen.says_late) == (51.0, False)
    refused = told(risen, (200.6, Refused(101, 200.0)))
    assert refused.says_late
    again = told(refused, (220.0, Taken(102, 220.0)), (220.1, Placed(102)))
    shown = pacing.after(pacing.after(again, Shown(102), 220.3), Nothing(), 220.6)
    assert [dial.line for dial in shown.unjudged] == [102]
    assert pacing.after(shown, Nothing(), 220.1 + shown.habits.patience).unjudged == ()


def test_a_small_fall_is_doubted_and_each_time_less_is_believed() -> None:
    current, limits = full(100, proven=100.0), []
    for at in (10.0, 20.0, 30.0):
        for n in (1, 2):  # two dials in a row that are turned away
            current = told(current, (at + n - 0.5, Freed(n, at + n - 0.5, 0.0)), (at + n, Taken(100 + n, at + n)))
            current = told(current, (at + n + 0.1, Refused(100 + n, at + n)))
        assert current.strikes == 2
        current = told(current, (at + 3.0, Others(-4, at + 3.0)), (at + 4.0, Taken(103, at + 4.0)))
        current = told(current, (at + 4.1, Shown(103)))
        assert (current.strikes, current.step) == (0, 0.0)
        limits.append((current.limit, current.proven))
    assert limits == [(100.0, 95.0), (95.0, 90.0), (90.0, 85.0)]


def test_what_never_was_a_call_teaches_nothing() -> None:
    before = full(50)
    after = told(before, (10.0, Taken(101, 10.0)), (10.1, Dropped(101, 10.0)))
    assert (after.limit, after.slots.live, after.unjudged) == (before.limit, 50, ())


def test_one_refusal_of_few_calls_is_doubted_and_the_limit_searched_for_anew() -> None:
    current = pacing.learning(50.0)._replace(step=0.0)
    current = told(current, (1.0, Taken(1, 1.0)), (1.1, Refused(1, 1.0)), (20.0, Nothing()))
    assert (current.limit, pacing.confirmed(current)) == (1.0, 50.0)
    current = told(current, (20.0, Taken(2, 20.0)), (20.1, Placed(2)), (30.0, Shown(2)))
    assert pacing.lines(current) == 2


def test_a_fall_that_was_met_on_purpose_is_believed() -> None:
    current = pacing.learning(50.0)._replace(step=0.0)
    current = told(current, (1.0, Taken(1, 1.0)), (1.1, Refused(1, 1.0)), (20.0, Nothing()))
    current = told(current, (20.0, Taken(2, 20.0)), (20.1, Placed(2)), (30.0, Shown(2)))
    current = told(current, (30.0, Taken(3, 30.0)), (30.1, Refused(3, 30.0)), (50.0, Nothing()))
    assert (current.step, current.limit, pacing.confirmed(current)) == (0.0, 1.0, 1.0)


def test_silence_is_no_acceptance() -> None:
    current = pacing.learning()
    for line in range(7):
        current = told(current, (1.0, Taken(line, 1.0)))
    current = told(current, (500.0, Nothing()))
    assert (current.limit, len(current.unjudged)) == (5.0, 7)
    current = told(current, (500.0, Placed(6)), (510.0, Nothing()))
    assert (current.limit, len(current.unjudged)) == (7.0, 6)


def test_what_was_not_met_is_not_remembered() -> None:
    assert pacing.confirmed(pacing.learning()) is None
    assert pacing.confirmed(pacing.trusting()) is None
    assert pacing.confirmed(pacing.learning(20.0)) == 20.0


def test_a_reserve_that_leaves_hardly_anything_of_what_is_known_has_the_limit_searched_for() -> None:
    assert pacing.lines(pacing.learning(3.0, reserve=2)) == 4


# --- whatever happens ------------------------------------------------------------------------------

steps = st.lists(
    st.tuples(
        st.sampled_from(["take", "place", "show", "free", "drop", "refuse", "others", "pass"]),
        st.integers(0, 30),
        st.floats(0.0, 20.0),
    ),
    max_size=80,
)


@given(begin=st.sampled_from([pacing.learning(), pacing.learning(12.0), pacing.trusting()]), made=steps)
def test_the_count_is_kept_and_the_limit_stays_in_its_bounds_whatever_is_told(
    begin: Pacing, made: list[tuple[str, int, float]]
) -> None:
    current, now, line, others = begin, 0.0, 0, 0
    live: list[tuple[int, float]] = []
    for what, which, passed in made:
        now += passed
        one = live[which % len(live)] if live else None
        if what == "take":
            line += 1
            live.append((line, now))
            current = told(current, (now, Taken(line, now)))
        elif what == "others":
            change = 1 if which % 2 or not others else -1
            others += change
            current = told(current, (now, Others(change, now - passed / 2)))
        elif what == "pass" or one is None:
            current = told(current, (now, Nothing()))
        elif what in ("place", "show"):
            current = told(current, (now, Placed(one[0]) if what == "place" else Shown(one[0])))
        else:
            live.remove(one)
            over: dict[str, Heard] = {
                "free": Freed(one[0], (now + one[1]) / 2, one[1]),
                "drop": Dropped(one[0], one[1]),
                "refuse": Refused(one[0], one[1]),
            }
            current = told(current, (now, over[what]))
        assert current.slots.live == len(live) + others
        assert 1.0 <= current.limit <= pacing.MOST_LINES
        assert 1 <= pacing.lines(current) <= pacing.MOST_LINES
        assert 0.0 <= current.margin <= max(1.0, 0.03 * pacing.MOST_LINES)
        assert -pacing.MOST_OWED <= current.probe.credit <= pacing.MOST_EARNED


# --- in the model of an account --------------------------------------------------------------------


def lived(cell: Cell, seed: int = 1) -> tuple[Result, Result]:
    """A quarter of an hour of ours, and of the oracle's."""
    return Account(cell, seed, Paced(cell)).run(), Account(cell, seed, Oracle(cell)).run()


@pytest.mark.parametrize("refusals", ["answer", "record"])
@pytest.mark.parametrize(("feedback", "delay"), [("webhook", 0.5), ("poll", 1.0)])
def test_a_limit_is_found_and_kept_full(feedback: str, delay: float, refusals: str) -> None:
    ours, best = lived(Cell("30", ((0.0, 30),), feedback, delay, refusals=refusals, seconds=900.0))
    assert ours.line_seconds >= 0.98 * best.line_seconds
    assert ours.refused <= (0.02 if refusals == "answer" else 0.03) * ours.dials + 2


def test_a_limit_that_moves_is_followed_both_ways() -> None:
    ours, best = lived(Cell("moves", ((0.0, 60), (600.0, 36), (1200.0, 80)), "poll", 1.0, seconds=1700.0), seed=3)
    for at in (800, 1450, 1650):  # two mean calls after each move, and at the end
        assert sum(ours.levels[at : at + 20]) >= 0.93 * sum(best.levels[at : at + 20])
    assert ours.refused <= 0.03 * ours.dials


def test_a_clock_that_is_off_and_others_calls_cost_little() -> None:
    ours, best = lived(Cell("busy", ((0.0, 60),), "poll", 1.0, others=12.0, skew=30.0, seconds=900.0))
    assert ours.line_seconds >= 0.95 * best.line_seconds
    assert ours.refused <= 0.03 * ours.dials


def test_calls_per_second_that_bind_leave_the_limit_alone() -> None:
    ours, best = lived(Cell("slow", ((0.0, 100),), per_second=0.5, seconds=900.0))
    assert ours.refused == 0
    assert ours.line_seconds == best.line_seconds
