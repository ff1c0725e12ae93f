"""A ledger that was put back: whoever counts the calls of all campaigns waits until those of each are known."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dialer.errors import ExitCode
from dialer.model import Campaign
from tests.command_line import TEXT as simulated_text
from tests.command_line import campaign as simulated
from tests.command_line import rung, told
from tests.days_kit import TimeFrom, by_minute, campaign, through_days, utc
from tests.desk import Desk, desk
from tests.engine_kit import heart, open_ledger

TEXT = """\
contacts: {file: people.csv}
call: {from: "+14155550100"}
pace: {calls_per_second: 2, concurrent_calls: 5}
hours: always
rules: none
"""
ONCE = "caps: {per_person: 1 per 7d}\n"
PEOPLE = [f"+1212555{n:04d}" for n in range(123, 126)]


async def put_back(folder: Path, time: TimeFrom, made: Desk) -> None:
    """Two people are called by a campaign after its ledger was copied, and the copy is put in its place."""
    (folder / "people.csv").write_text("\n".join(["phone", *PEOPLE, ""]))
    first = campaign(folder, made.url, TEXT, "first")
    async with open_ledger(folder, time) as ledger, heart(first, made, ledger, max_calls=1) as there:
        await there.engine.run()
    shutil.copy(folder / "dialer.db", folder / "old.db")
    async with open_ledger(folder, time) as ledger, heart(first, made, ledger) as there:
        await there.engine.run()
    for ending in ("-wal", "-shm"):
        (folder / f"dialer.db{ending}").unlink(missing_ok=True)
    shutil.copy(folder / "old.db", folder / "dialer.db")
    time.jump += 3600.0


def played(folder: Path, caps: str, work: Callable[[TimeFrom, Desk, Campaign, Campaign], object]) -> None:
    async def main() -> None:
        time = TimeFrom(utc("2026-11-23T17:00"))
        async with desk(time, mix={"user_ended_call": 1.0}) as made:
            await put_back(folder, time, made)
            first, second = (
                campaign(folder, made.url, text, name) for text, name in ((TEXT, "first"), (TEXT + caps, "second"))
            )
            await work(time, made, first, second)  # type: ignore[misc]

    through_days(main())


def test_the_other_campaign_is_to_be_run_first(tmp_path: Path) -> None:
    async def work(time: TimeFrom, made: Desk, first: Campaign, second: Campaign) -> None:
        async with open_ledger(tmp_path, time) as ledger:
            async with heart(second, made, ledger) as there:
                await there.engine.run()
                assert there.engine.stopped is not None
                assert there.engine.stopped.code is ExitCode.LOOK_FIRST
                assert "run first first" in there.engine.stopped.sentence
            assert len(by_minute(made)) == len(PEOPLE)
            for rules in (first, second):
                async with heart(rules, made, ledger) as there:
                    await there.engine.run()
                    assert there.engine.stopped is None
        assert len(by_minute(made)) == len(PEOPLE)

    played(tmp_path, ONCE, work)


def test_in_one_run_it_waits_for_the_other(tmp_path: Path) -> None:
    async def work(time: TimeFrom, made: Desk, first: Campaign, second: Campaign) -> None:
        async with (
            open_ledger(tmp_path, time) as ledger,
            heart(second, made, ledger) as there,
            heart(first, made, ledger) as other,
        ):
            there.engine._are_settling = lambda names: "first" in names and other.engine.is_settling
            await asyncio.gather(there.engine.run(), other.engine.run())
            assert (there.engine.stopped, other.engine.stopped) == (None, None)
        assert len(by_minute(made)) == len(PEOPLE)

    played(tmp_path, ONCE, work)


@pytest.mark.parametrize(("caps", "options"), [("", {}), (ONCE, {"none_were_called": True})])
def test_whoever_counts_nothing_or_is_told_that_nobody_was_called_goes_on(
    tmp_path: Path, caps: str, options: Any
) -> None:
    async def work(time: TimeFrom, made: Desk, first: Campaign, second: Campaign) -> None:
        async with open_ledger(tmp_path, time) as ledger, heart(second, made, ledger, **options) as there:
            await there.engine.run()
            assert there.engine.stopped is None
        assert len(by_minute(made)) > len(PEOPLE)

    played(tmp_path, caps, work)


def test_what_is_found_counts_for_the_day(tmp_path: Path) -> None:
    """Three calls a day were made, two of which the ledger that is put back does not know."""

    async def main() -> None:
        time = TimeFrom(utc("2026-11-23T17:00"))
        async with desk(time, mix={"user_ended_call": 1.0}) as made:
            await put_back(tmp_path, time, made)
            (tmp_path / "people.csv").write_text("\n".join(["phone", *PEOPLE, "+12125550199", ""]))
            rules = campaign(tmp_path, made.url, f"{TEXT}caps: {{per_day: 3}}\n", "first")
            async with open_ledger(tmp_path, time) as ledger, heart(rules, made, ledger, yes=True) as there:
                await there.engine.run()
            assert len(by_minute(made)) == len(PEOPLE)
            time.jump += 24 * 3600.0
            async with open_ledger(tmp_path, time) as ledger, heart(rules, made, ledger) as there:
                await there.engine.run()
            assert len(by_minute(made)) == len(PEOPLE) + 1

    through_days(main())


@pytest.mark.slow
def test_campaigns_of_one_run_wait_for_each_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = simulated(tmp_path)
    caps = simulated_text.replace("hours: always", "caps: {per_person: 1 per 7d}\nhours: always")
    paths = []
    for name in ("second", "third"):
        paths.append(tmp_path / f"{name}.yaml")
        paths[-1].write_text(caps.replace("name: reminders", f"name: {name}"))
    assert told(capsys, "run", first, "--max-calls", "1").code == 75
    shutil.copy(tmp_path / "dialer.db", tmp_path / "old.db")
    assert told(capsys, "run", first).code == 0
    for ending in ("-wal", "-shm"):
        (tmp_path / f"dialer.db{ending}").unlink(missing_ok=True)
    shutil.copy(tmp_path / "old.db", tmp_path / "dialer.db")
    ended = told(capsys, "run", paths[0], first, paths[1])
    assert ended.code == 75, ended.said  # nobody may be rung again for a week
    assert rung(tmp_path / "dialer.db.rings.jsonl") == 3
