"""Pacing: the limit of calls at once."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.model import Sample
from dialer.policy import pacing
from dialer.policy.pacing import Pacing

moments = st.lists(
    st.tuples(st.sampled_from(Sample), st.integers(0, 60), st.floats(0.0, 10.0)),
    max_size=80,
)


@given(start=st.integers(-3, 50) | st.none(), samples=moments)
def test_the_limit_stays_between_one_and_its_ceiling(
    start: int | None, samples: list[tuple[Sample, int, float]]
) -> None:
    for made in (pacing.fixed(start or 0), pacing.learning(start)):
        current, now = made, 0.0
        for sample, in_use, passed in samples:
            now += passed
            before, current = current, pacing.after(current, sample, in_use, now)
            assert 1.0 <= current.limit <= current.ceiling == made.ceiling
            assert 1 <= pacing.lines(current) <= current.ceiling
            assert sample is not Sample.REFUSED or current.limit <= before.limit
            assert sample is Sample.REFUSED or current.limit >= before.limit


def test_where_it_starts() -> None:
    assert pacing.fixed(20) == Pacing(20.0, 20.0)
    assert pacing.lines(pacing.learning()) == 5
    assert pacing.learning().fast
    assert pacing.learning(37.5) == Pacing(37.5, pacing.MOST_LINES)
    assert pacing.learning(1e9).limit == pacing.MOST_LINES


@pytest.mark.parametrize(("limit", "lines"), [(1.0, 1), (1.99, 1), (2.0, 2), (2.9999999999, 3), (0.2, 1)])
def test_a_line_is_a_whole_line(limit: float, lines: int) -> None:
    assert pacing.lines(Pacing(limit, 10.0)) == lines


@pytest.mark.parametrize(
    ("limit", "in_use", "fallen"),
    [(20.0, 21, 20.0), (20.0, 20, 19.0), (20.5, 12, 11.0), (20.0, 40, 20.0), (20.0, 1, 1.0), (3.0, 0, 1.0)],
)
def test_a_refusal_sets_the_limit_just_under_what_was_in_use(limit: float, in_use: int, fallen: float) -> None:
    assert pacing.after(Pacing(limit, 50.0), Sample.REFUSED, in_use, 0.0).limit == fallen


def test_refusals_that_were_under_way_when_it_fell_teach_nothing_new() -> None:
    once = pacing.after(Pacing(20.0, 20.0), Sample.REFUSED, 20, 100.0)
    assert pacing.after(once, Sample.REFUSED, 12, 100.0 + pacing.QUIET - 0.01) == once
    assert pacing.after(once, Sample.REFUSED, 12, 100.0 + pacing.QUIET).limit == 11.0


def test_it_grows_only_while_all_lines_are_in_use() -> None:
    start = Pacing(10.0, 20.0)
    assert pacing.after(start, Sample.ACCEPTED, 9, 0.0) == start
    assert pacing.after(start, Sample.NOTHING, 10, 0.0) == start
    assert pacing.after(start, Sample.ACCEPTED, 10, 0.0).limit == pytest.approx(10.1)


@pytest.mark.parametrize(("limit", "calls"), [(2.0, 10), (10.0, 11), (40.0, 41)])
def test_a_line_more_takes_a_round_of_calls_and_no_fewer_than_ten(limit: float, calls: int) -> None:
    grown = Pacing(limit, 100.0)
    for call in range(1, calls + 1):
        assert pacing.lines(grown) == limit, call
        grown = pacing.after(grown, Sample.ACCEPTED, int(limit), 0.0)
    assert pacing.lines(grown) == limit + 1


def test_learning_is_fast_until_the_first_refusal() -> None:
    current = pacing.learning()
    for in_use in range(5, 40):
        current = pacing.after(current, Sample.ACCEPTED, in_use, 0.0)
    assert pacing.lines(current) == 40
    current = pacing.after(current, Sample.REFUSED, 33, 1.0)
    assert (current.limit, current.fast) == (32.0, False)
    assert pacing.after(current, Sample.ACCEPTED, 32, 5.0).limit == pytest.approx(32 + 1 / 32)


def test_a_fixed_limit_climbs_back_to_itself_and_no_further() -> None:
    current = pacing.after(pacing.fixed(20), Sample.REFUSED, 15, 0.0)
    assert pacing.lines(current) == 14
    for _ in range(200):
        current = pacing.after(current, Sample.ACCEPTED, pacing.lines(current), 10.0)
    assert current.limit == 20.0


# --- against an account whose room is hidden -----------------------------------------------------


@dataclass
class Account:
    """A platform in steps of a tenth of a second that takes at most `room` calls at once, and what was dialled."""

    room: int
    seed: int
    told_late: bool
    now: float = 0.0
    live: list[tuple[float, Sample]] = field(default_factory=list)
    told: list[tuple[float, Sample]] = field(default_factory=list)

    def run(self, current: Pacing, seconds: float) -> Pacing:
        dice = random.Random(self.seed)
        end = self.now + seconds
        while self.now < end:
            self.now += 0.1
            current = self._hear(current)
            if len(self.live) < pacing.lines(current):
                self._dial(dice)
        return current

    def _dial(self, dice: random.Random) -> None:
        taken = sum(sample is Sample.ACCEPTED for _, sample in self.live)
        if taken < self.room:
            self.live.append((self.now + dice.uniform(2.0, 10.0), Sample.ACCEPTED))
        else:
            self.live.append((self.now + (dice.uniform(0.2, 1.5) if self.told_late else 0.0), Sample.REFUSED))

    def _hear(self, current: Pacing) -> Pacing:
        for over in sorted(call for call in self.live if call[0] <= self.now):
            current = pacing.after(current, over[1], len(self.live), self.now)
            self.live.remove(over)
            self.told.append(over)
        return current

    def refused_since(self, moment: float) -> float:
        heard = [sample for at, sample in self.told if at >= moment]
        return heard.count(Sample.REFUSED) / len(heard)


@pytest.mark.parametrize("told_late", [False, True], ids=["at once", "in a later record"])
@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize(("start", "room"), [(None, 20), (None, 8), (None, 40), (50, 20), (20, 20), (20, 9)])
def test_it_finds_the_room_that_is_not_told(start: int | None, room: int, seed: int, told_late: bool) -> None:
    account = Account(room, seed, told_late)
    current = account.run(pacing.learning() if start is None else pacing.fixed(start), 120.0)
    for _ in range(10):
        current = account.run(current, 12.0)
        assert room - 4 <= pacing.lines(current) <= room + 3
    assert account.refused_since(120.0) < 0.10


@pytest.mark.parametrize("seed", range(5))
def test_few_dials_are_refused_from_the_first_on_at_a_limit_of_twenty(seed: int) -> None:
    account = Account(20, seed, told_late=True)
    account.run(pacing.learning(), 240.0)
    assert account.refused_since(0.0) < 0.10


def test_it_follows_an_account_whose_room_shrinks_and_comes_back() -> None:
    account = Account(20, 3, told_late=False)
    current = account.run(pacing.fixed(20), 60.0)
    assert pacing.lines(current) == 20
    account.room = 6
    current = account.run(current, 60.0)
    assert pacing.lines(current) <= 9
    account.room = 20
    assert pacing.lines(account.run(current, 400.0)) == 20
