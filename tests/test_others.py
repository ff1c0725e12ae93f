"""Others' calls on the account: counted while they are live, by what its list shows, and by asking for the rest."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

from dialer.lines import Line, Lines, Share
from dialer.model import CallRecord, PaceRules
from dialer.others import OthersSeen
from dialer.policy import pacing
from tests.tracker_kit import a_line, watching
from tests.virtual_time import START, Time, in_virtual_time, moment, running, until


class Seen:
    """Others' calls on an account of which 20 lines are known, by a clock of its own."""

    def __init__(self) -> None:
        self.time = Time()
        self.lines = Lines(pacing.Pacing(20.0), self.time.monotonic)
        self.share = Share(self.lines, PaceRules(1.0, None))
        self.others = OthersSeen(self.lines, self.time.clock)

    def read(self, *records: CallRecord, skew: float = 0.0, is_whole: bool = True) -> int:
        self.others.read(records, skew, is_whole=is_whole)
        assert self.lines.in_use == self.share.in_use + self.others.count
        return self.others.count


def record(name: str, began: float | None = 0.0, ended: float | None = None, own: str | None = None) -> CallRecord:
    """A call of the list, by seconds of virtual time."""
    return CallRecord(
        platform_id=name,
        own_id=own,
        to_number="+14155550123",
        from_number="",
        status="ongoing" if ended is None else "ended",
        finish_reason=None,
        started_at=None if began is None else START + timedelta(seconds=began),
        ended_at=None if ended is None else START + timedelta(seconds=ended),
        duration_seconds=None,
        has_messages=False,
        record={},
    )


def seen(test: Any) -> None:
    """Let the test see others, in virtual time."""

    async def main() -> None:
        await moment(100.0)
        await test(Seen())

    in_virtual_time(main())


def test_those_that_are_live_hold_lines_until_they_end() -> None:
    async def test(at: Seen) -> None:
        assert at.read(record("a"), record("b", None), record("over", 1.0, 9.0)) == 2
        assert at.read(record("a"), record("b")) == 2
        assert at.read(record("a", 0.0, 50.0), record("b")) == 1
        assert at.lines.in_use == 1

    seen(test)


def test_what_is_on_a_line_of_ours_is_no_others() -> None:
    async def test(at: Seen) -> None:
        line = at.share.take()
        assert at.read(record("x")) == 1
        line.bears("ours", "x")
        assert at.read(record("x"), record("y", own="ours")) == 0
        line.free()
        assert at.read(record("y", own="ours")) == 1  # an earlier call of ours, given up and live all the same

    seen(test)


def test_one_that_the_list_would_show_and_does_not_is_gone() -> None:
    async def test(at: Seen) -> None:
        at.read(record("a", 10.0), record("b", 90.0))
        assert at.read(record("c", 95.0), record("d", 80.0), is_whole=False) == 3
        assert at.lines.in_use == 3
        assert at.read() == 0

    seen(test)


def test_what_is_live_for_hours_holds_no_line() -> None:
    async def test(at: Seen) -> None:
        at.read(record("a", 90.0), record("b", None))
        await moment(7300.0)
        assert at.read(record("a", 90.0), record("b", None)) == 0
        assert at.read(record("old", 90.0), record("b", None)) == 0
        assert at.read(record("old", 90.0), record("new", 7390.0)) == 1

    seen(test)


def test_those_beyond_the_page_are_asked_for_a_few_at_a_time() -> None:
    async def test(at: Seen) -> None:
        at.read(*(record(f"o{n}", n / 10) for n in range(6)))
        at.read(record("new", 99.0), is_whole=False)
        assert at.others.to_be_asked() == []
        await moment(6.0)
        asked = at.others.to_be_asked()
        assert len(asked) == 3
        at.others.told(asked[0], None, 0.0)
        at.others.told(asked[1], record(asked[1], 0.1, 50.0), 0.0)
        at.others.told(asked[2], record(asked[2], 0.2), 0.0)
        at.others.told("nobody", None, 0.0)
        assert at.others.count == 5
        assert not {asked[0], asked[1], asked[2]} & set(at.others.to_be_asked())

    seen(test)


def test_nobody_is_asked_for_where_the_accounts_limit_is_no_matter() -> None:
    async def test(at: Seen) -> None:
        at.lines._pacing = pacing.with_slots(pacing.trusting(), at.lines._pacing)
        at.read(record("a", 1.0))
        at.read(record("new", 99.0), is_whole=False)
        await moment(6.0)
        assert at.others.to_be_asked() == []

    seen(test)


def test_a_call_without_any_id_of_ours_may_be_ours_all_the_same() -> None:
    async def test(at: Seen) -> None:
        line = at.share.take()
        line.bears("our id")
        line.calls("+14155550123")
        assert at.read(record("theirs")) == 0
        line.bears("theirs")
        assert at.read(record("theirs"), record("another")) == 1

    seen(test)


def test_more_of_them_than_can_be_asked_for_are_forgotten_after_a_mean_call() -> None:
    async def test(at: Seen) -> None:
        for minute in range(20):
            began = 100.0 + 10.0 * minute
            at.read(*(record(f"{minute}-{n}", began) for n in range(50)), is_whole=False)
            await moment(10.0)
        assert at.others.count <= 50 * 8
        assert at.lines.is_learned

    seen(test)


def test_what_a_lagging_list_left_out_counts_again_when_it_is_shown() -> None:
    async def test(at: Seen) -> None:
        calls = [record(f"o{n}", 10.0 + n) for n in range(10)]
        assert at.read(*calls) == 10
        assert at.read(*calls[:4]) == 4
        assert at.read(*calls) == 10

    seen(test)


def test_a_clock_that_is_off_moves_nothing() -> None:
    async def test(at: Seen) -> None:
        at.read(record("a", 90.0 + 30.0), skew=30.0)
        at.read(record("a", 90.0 + 30.0, 98.0 + 30.0), skew=30.0)
        times = [round(when, 3) for when, _ in at.lines._pacing.slots.changes]
        assert times == [90.0, 98.0]

    seen(test)


def test_while_only_others_hold_the_lines_the_list_is_read_all_the_same(tmp_path: Path) -> None:
    async def main() -> None:
        time = Time()
        async with watching(tmp_path, time, call_seconds=30.0) as at_work:
            lines = Lines(pacing.Pacing(1.0, reserve=1, probe=pacing.Probe(credit=-2.0)), time.monotonic)
            at_work.tracker._others = OthersSeen(lines, time.clock)
            share = Share(lines, PaceRules(1.0, None))
            call = await at_work.live()
            async with running(at_work.tracker.end_of(call, 5.0, a_line())):
                await moment(4.0)
            assert lines.in_use == 1  # nobody waits for that call any more, and it holds its line
            waiting = asyncio.create_task(share.room())
            await until(waiting.done, 600.0)
            assert lines.in_use == 0

    in_virtual_time(main())


def test_the_line_of_a_call_hears_that_it_is_shown_and_when_it_ended(tmp_path: Path) -> None:
    async def main() -> None:
        time = Time()
        async with watching(tmp_path, time, call_seconds=30.0) as at_work:
            lines = Lines(pacing.learning(), time.monotonic)
            line: Line = Share(lines, PaceRules(1.0, None)).take()
            call = await at_work.live()
            assert len(lines._pacing.unjudged) == 1
            async with running(at_work.tracker.end_of(call, 600.0, line)) as end:
                await until(lambda: not lines._pacing.unjudged)
                await until(end.done)
            record = end.result()
            line.free()
            assert record is not None
            assert record.ended_at is not None
            ended = (record.ended_at - START).total_seconds()
            assert abs(lines._pacing.slots.changes[-1][0] - ended) < 1.1  # the Date header has whole seconds

    in_virtual_time(main())
