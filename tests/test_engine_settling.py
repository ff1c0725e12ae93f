"""A run that only settles: what it tells of those whom nobody dials."""

from __future__ import annotations

import asyncio
from pathlib import Path

from dialer.ledger import reading
from dialer.report import Totals
from dialer.runner.conduct import STOPPED
from dialer.runner.endings import ending
from dialer.runner.progress import progress_of
from tests.days_kit import TimeFrom, campaign, through_days, utc
from tests.desk import desk
from tests.engine_kit import Heart, heart, open_ledger
from tests.virtual_time import until

TEXT = """\
contacts: {file: people.csv}
call: {from: "+14155550100"}
pace: {calls_per_second: 2, concurrent_calls: 5}
hours: {daily: [09:00-20:00]}
rules: none
"""
MORNING = utc("2026-11-23T15:00")  # 10:00 in New York


def reason(there: Heart) -> str:
    with reading.open_reader(there.ledger.path) as reader:
        permits, now = there.engine.permits, there.desk.time.clock.now()
        totals = Totals("reminders", **reader.standing(there.engine.campaign_id, now, permits))
    return ending(there.engine.stopped, totals.states, is_closed=totals.is_closed, is_day_full=totals.is_day_full)[1]


def test_whoever_is_due_at_an_hour_at_which_they_may_be_called_is_not_outside_of_it(tmp_path: Path) -> None:
    async def main() -> None:
        (tmp_path / "people.csv").write_text("phone\n+12125550123\n")
        time = TimeFrom(MORNING)
        async with desk(time, mix={"no_answer": 1.0}) as made, open_ledger(tmp_path, time) as ledger:
            rules = campaign(tmp_path, made.url, TEXT)
            async with heart(rules, made, ledger) as there:
                await there.engine.run()
            found = []
            for later in (3, 12):
                time.jump += later * 3600
                async with heart(rules, made, ledger, dials=False) as there:
                    await there.engine.run()
                    found.append(reason(there))
            assert found == ["due_later", "outside_hours"]

    through_days(main())


def test_a_day_that_has_had_its_calls_is_not_told_as_the_hours(tmp_path: Path) -> None:
    async def main() -> None:
        (tmp_path / "people.csv").write_text("phone\n+12125550123\n+12125550124\n")
        time = TimeFrom(MORNING)
        async with desk(time, mix={"user_ended_call": 1.0}) as made, open_ledger(tmp_path, time) as ledger:
            text = TEXT.replace("hours: {daily: [09:00-20:00]}", "hours: always\ncaps: {per_day: 1}")
            rules = campaign(tmp_path, made.url, text)
            async with heart(rules, made, ledger) as there:
                ended = asyncio.create_task(there.engine.run())
                await until(lambda: there.states().get("+12125550123") == "done")
                await until(lambda: there.engine.scheduler.waits_until is not None)
                assert (await progress_of(there.engine, ledger, time.clock)).binds == "the calls of the day"
                assert reason(there) == "day_full"
                there.engine.stop(STOPPED)
                await ended
