"""Admission by room: never more lines than the limit, and a free line to whom it belongs."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.lines import Line, Lines, Share
from dialer.model import PaceRules
from dialer.policy import pacing
from tests.virtual_time import in_virtual_time, moment


def shared(*rules: PaceRules, limit: float | None = None) -> list[Share]:
    """Campaigns that share an account, of whose limit nothing is known, or that is as given."""
    reserve = max(one.leave_free for one in rules)
    start = (
        pacing.trusting() if limit is None else pacing.Pacing(limit, probe=pacing.Probe(credit=-2.0), reserve=reserve)
    )
    account = Lines(start, lambda: asyncio.get_running_loop().time() if _runs() else 0.0)
    return [Share(account, one) for one in rules]


def _runs() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def alone(lines: int | None = 2, limit: float | None = None, **more: Any) -> Share:
    return shared(PaceRules(1.0, lines, **more), limit=limit)[0]


# --- lines ---------------------------------------------------------------------------------------


def test_a_line_is_counted_once_however_often_it_is_held_or_freed() -> None:
    room = alone()
    line = room.take()
    line.hold()
    assert room.in_use == room.account.in_use == 1
    line.free()
    line.free()
    assert room.in_use == room.account.in_use == 0
    line.hold()
    assert room.in_use == 1
    line.refused()
    line.refused()
    assert room.in_use == room.account.in_use == 0


def test_lines_are_counted_above_the_limit() -> None:
    room = alone(2)
    taken = [room.resume() for _ in range(5)]
    assert (room.in_use, room.limit, room.is_full) == (5, 5, True)
    for line in taken[:4]:
        line.free()
    assert not room.is_full


def test_room_waits_until_a_line_is_free_and_not_a_moment_less() -> None:
    async def main() -> None:
        room = alone(1)
        line, other = room.take(), room.take()
        waiting = asyncio.create_task(room.room())
        await moment(1.0)
        other.free()
        await moment(1.0)
        assert not waiting.done()
        line.free()
        await moment(0.001)
        assert waiting.done()

    in_virtual_time(main())


def test_room_comes_with_a_limit_that_has_grown() -> None:
    async def main() -> None:
        room = Share(Lines(pacing.learning(), asyncio.get_running_loop().time), PaceRules(1.0, None))
        lines = [room.take() for _ in range(7)]
        assert room.is_full
        waiting = asyncio.create_task(room.room())
        await moment(1.0)
        assert not waiting.done()
        for line in lines:
            line.placed()
            line.shown()
        await moment(pacing.SETTLES + 0.25)
        assert waiting.done()
        assert room.account.learned is None  # it was not met yet
        assert room.limit == 7

    in_virtual_time(main())


def test_a_probe_comes_with_time_alone() -> None:
    async def main() -> None:
        room = alone(None, limit=3.0)
        for _ in range(3):
            room.resume()
        room.account._pacing = room.account._pacing._replace(probe=pacing.Probe(refused_at=0.0, credit=1.0))
        began = asyncio.get_running_loop().time()
        await room.room()
        passed = asyncio.get_running_loop().time() - began
        assert pacing.ROUTINE * 60.0 - 1 <= passed <= pacing.ROUTINE * 60.0 + 2

    in_virtual_time(main())


def test_a_refusal_takes_lines_away() -> None:
    room = alone(10)
    lines = [room.take() for _ in range(6)]
    lines[-1].refused()
    assert (room.limit, room.in_use) == (5, 5)


def test_a_line_that_never_was_a_call_leaves_no_trace() -> None:
    room = alone(None, limit=5.0)
    before = room.account._pacing.habits
    room.take().free(was_call=False)
    room.take().free()
    assert room.account._pacing.habits == before
    line = room.take()
    line.ended(0.0)
    line.free()
    assert room.account._pacing.habits != before


def test_the_calls_of_our_lines_are_known_by_either_id_until_they_are_freed() -> None:
    room = alone()
    line = room.take()
    line.bears("ours", None)
    line.bears("ours", "theirs")
    account = room.account
    assert account.is_ours(None, "theirs")
    assert account.is_ours("ours", None)
    assert not account.is_ours(None, None)
    line.free()
    assert not account.is_ours("ours", "theirs")


@given(st.lists(st.sampled_from(["take", "resume", "free", "refused", "unsent", "shown", "others"]), max_size=60))
def test_the_count_is_of_lines_held_whatever_happens(steps: list[str]) -> None:
    room = alone(3)
    held: list[Line] = []
    others = 0
    for step in steps:
        if step in ("take", "resume"):
            held.append(getattr(room, step)())
        elif step == "others":
            others += 1
            room.account.others(1, 0.0)
        elif held:
            line = held[0] if step == "shown" else held.pop()
            {"free": line.free, "refused": line.refused, "shown": line.shown}.get(
                step, lambda line=line: line.free(was_call=False)
            )()
        assert room.in_use == len(held)
        assert room.account.in_use == len(held) + others
        assert 1 <= room.limit <= max(3, len(held))


# --- several campaigns ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rules", "limit", "lines"),
    [
        (PaceRules(1.0, 7), 100.0, 7),
        (PaceRules(1.0, 7), 4.0, 4),
        (PaceRules(1.0, None), 100.0, 100),
        (PaceRules(1.0, None, at_most=30), 100.0, 30),
        (PaceRules(1.0, None, leave_free=2), 100.0, 98),
        (PaceRules(1.0, None, at_most=99, leave_free=2), 100.0, 98),
        (PaceRules(1.0, None, leave_free=5), 3.0, 1),
    ],
)
def test_each_campaign_has_its_own_cap_beneath_the_accounts(rules: PaceRules, limit: float, lines: int) -> None:
    room = shared(rules, limit=limit)[0]
    assert room.limit == lines
    while not room.is_full:
        room.resume()
    assert room.in_use == lines


def test_what_others_use_is_not_ours_to_use() -> None:
    room = alone(None, limit=10.0, leave_free=1)
    room.account.others(4, 0.0)
    while not room.is_full:
        room.resume()
    assert room.in_use == 5
    room.account.others(-4, 0.0)
    assert not room.is_full


async def _shares_of(campaigns: list[Share], frees: int) -> list[int]:
    """Who gets the lines that come free, one after the other, when all of them want one."""
    taken: list[list[Line]] = [[] for _ in campaigns]

    async def want(place: int) -> None:
        while True:
            await campaigns[place].room()
            taken[place].append(campaigns[place].take())

    workers = [asyncio.create_task(want(place)) for place in range(len(campaigns))]
    await moment(0.1)
    for _ in range(frees):
        most = max(taken, key=len)
        most.pop(0).free()
        await moment(0.01)
    for worker in workers:
        worker.cancel()
    await asyncio.gather(*workers, return_exceptions=True)
    return [len(lines) for lines in taken]


def test_campaigns_that_share_an_account_share_its_lines_evenly() -> None:
    async def main() -> None:
        campaigns = shared(*[PaceRules(1.0, None)] * 3, limit=12.0)
        first = [campaigns[0].resume() for _ in range(12)]
        sharing = asyncio.create_task(_shares_of(campaigns, 0))
        for line in first:
            await moment(0.001)
            line.free()
        assert await sharing == [4, 4, 4]

    in_virtual_time(main())


def test_a_small_campaign_is_not_starved_by_a_large_one() -> None:
    async def main() -> None:
        campaigns = shared(PaceRules(1.0, None), PaceRules(1.0, 2), limit=10.0)
        assert await _shares_of(campaigns, 5) == [8, 2]

    in_virtual_time(main())


def test_the_higher_priority_goes_first() -> None:
    async def main() -> None:
        campaigns = shared(PaceRules(1.0, None), PaceRules(1.0, None, priority=5), limit=10.0)
        first = [campaigns[0].resume() for _ in range(10)]
        sharing = asyncio.create_task(_shares_of(campaigns, 0))
        for line in first:
            await moment(0.001)
            line.free()
        assert await sharing == [0, 10]

    in_virtual_time(main())


def test_who_may_have_no_line_stands_in_nobodys_way() -> None:
    async def main() -> None:
        campaigns = shared(PaceRules(1.0, 1, priority=5), PaceRules(1.0, None), limit=4.0)
        assert await _shares_of(campaigns, 0) == [1, 3]

    in_virtual_time(main())


def test_another_number_of_lines_holds_at_once() -> None:
    async def main() -> None:
        room = alone(1)
        room.take()
        waiting = asyncio.create_task(room.room())
        await moment(1.0)
        assert not waiting.done()
        room.change(3)
        await moment(0.001)
        assert waiting.done()
        assert room.limit == 3
        room.change(None)
        assert room.learns
        assert room.account.limit == pacing.FIRST_LINES

    in_virtual_time(main())


def test_a_person_who_gives_a_number_has_the_account_tried_for_it() -> None:
    room = alone(None, limit=1.0)
    room.resume()
    assert room.is_full
    room.change(40)
    assert not room.is_full


def test_a_cap_of_the_file_holds_whatever_is_given() -> None:
    room = alone(None, limit=100.0, at_most=20)
    room.change(500)
    assert room.at_most == 20


def test_a_call_that_was_not_dialled_on_its_line_teaches_nothing_by_its_refusal() -> None:
    room = alone(None, limit=50.0)
    room.resume().refused()
    parked = room.take()
    parked.free()
    parked.hold()
    parked.refused()
    assert (room.limit, room.in_use, room.account.in_use) == (50, 0, 0)


def test_a_number_that_is_rung_is_known_until_the_platform_has_told_its_id() -> None:
    room = alone(5)
    line = room.take()
    line.calls("+1 (415) 555-0123")
    line.bears("ours")
    assert room.account.calls("+14155550123")
    line.bears("ours", "theirs")
    assert not room.account.calls("+14155550123")
    assert not room.account.calls("")


def test_to_learn_what_is_learned_already_changes_nothing() -> None:
    room = alone(None, limit=40.0)
    room.change(None)
    assert room.account.learned == 40.0
