"""A run that only settles: what it tells of those whom nobody dials."""

from __future__ import annotations

from pathlib import Path

from dialer.ledger import reading
from dialer.report import Totals
from dialer.runner.endings import ending
from tests.days_kit import TimeFrom, campaign, through_days, utc
from tests.desk import desk
from tests.engine_kit import Heart, heart, open_ledger

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
    return ending(there.engine.stopped, totals.states, is_closed=totals.is_closed)[1]


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
