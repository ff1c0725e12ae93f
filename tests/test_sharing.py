"""Lines in whole runs: the account's limit is found however it says that it is full, remembered, and shared."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dialer.model import Campaign, PaceRules
from tests.conduct_kit import Run, run_of
from tests.desk import Desk, desk
from tests.engine_kit import campaign, number, open_ledger, waits
from tests.virtual_time import Time, in_virtual_time, until

TALK = {"call_seconds": 40.0, "ring_seconds": 8.0}
SOON = {"concurrent_call_limit_reached": waits(5.0), "unreached": waits(5.0)}


def auto(folder: Path, verbex: Desk, people: range, name: str = "reminders", **pace: Any) -> Campaign:
    """A campaign that takes as many lines as the account has, or as `pace` says."""
    rules = campaign(folder, verbex.url, [number(n) for n in people], name=name, attempts=9, overrides=SOON)
    return replace(rules, pace=PaceRules(**{"calls_per_second": 20.0, "concurrent_calls": None, **pace}))


def live_at_most(verbex: Desk) -> int:
    """The most calls that were live at once."""
    rings = [ring for ring in verbex.rings if not ring.turned_away]
    return max(sum(other.at <= ring.at < other.over_at for other in rings) for ring in rings)


def turned_away(verbex: Desk) -> int:
    return len(verbex.posts) - sum(not ring.turned_away for ring in verbex.rings)


def learned(run: Run) -> dict[str, float]:
    return dict(run.rows("SELECT name, lines FROM campaigns"))


@pytest.mark.slow
@pytest.mark.parametrize(
    "full",
    [
        "201",
        pytest.param("record", marks=pytest.mark.ci),
        pytest.param("429", marks=pytest.mark.ci),
        pytest.param("403", marks=pytest.mark.ci),
    ],
)
def test_the_limit_is_found_and_kept_full_however_the_account_says_that_it_is_full(tmp_path: Path, full: str) -> None:
    async def main() -> None:
        time = Time()
        async with (
            desk(time, concurrent_calls=12, full_answer=full, **TALK) as verbex,
            open_ledger(tmp_path, time) as ledger,
        ):
            rules = auto(tmp_path, verbex, range(130))
            async with run_of(verbex, ledger, rules) as run:
                await until(lambda: len(verbex.rings) > 120, 7200.0)
                middle = [
                    ring for ring in verbex.rings if not ring.turned_away and ring.at - verbex.rings[0].at > 200.0
                ]
                seconds = middle[-1].at - middle[0].at
                used = sum(min(ring.over_at, middle[-1].at) - ring.at for ring in middle[:-1])
                assert used / seconds >= (0.8 if full == "record" else 0.9) * 12
            assert live_at_most(verbex) == 12
            assert turned_away(verbex) <= 0.05 * len(verbex.posts) + 4
            assert verbex.overlaps() == []
            assert learned(run)["reminders"] == pytest.approx(12, abs=1)

    in_virtual_time(main())


@pytest.mark.slow
def test_what_was_learned_is_where_the_next_run_begins(tmp_path: Path) -> None:
    async def main() -> None:
        time = Time()
        async with desk(time, concurrent_calls=25, **TALK) as verbex, open_ledger(tmp_path, time) as ledger:
            async with run_of(verbex, ledger, auto(tmp_path, verbex, range(110))) as run:
                pass
            assert learned(run)["reminders"] == pytest.approx(25, abs=1)
            before = len(verbex.posts)
            async with run_of(verbex, ledger, auto(tmp_path, verbex, range(200, 240), "more")):
                began = time.monotonic()
                await until(lambda: len(verbex.posts) >= before + 25)
                assert time.monotonic() - began <= 10.0

    in_virtual_time(main())


@pytest.mark.ci
@pytest.mark.slow
def test_campaigns_of_one_key_share_one_limit_evenly(tmp_path: Path) -> None:
    async def main() -> None:
        time = Time()
        async with desk(time, concurrent_calls=10, **TALK) as verbex, open_ledger(tmp_path, time) as ledger:
            one, other = auto(tmp_path, verbex, range(60), "one"), auto(tmp_path, verbex, range(200, 260), "other")
            async with run_of(verbex, ledger, one, other) as run:
                await until(lambda: len(verbex.posts) > 80, 7200.0)
                first = sum(body["to_number"] < number(200) for _, body in verbex.posts)
                assert 32 <= first <= 48
            assert live_at_most(verbex) == 10
            assert turned_away(verbex) <= 0.05 * len(verbex.posts) + 4
            assert set(learned(run).values()) <= {9.0, 10.0, 11.0}

    in_virtual_time(main())


@pytest.mark.slow
@pytest.mark.ci
def test_the_higher_priority_is_dialled_first_and_the_other_when_there_is_room(tmp_path: Path) -> None:
    async def main() -> None:
        time = Time()
        async with desk(time, concurrent_calls=6, **TALK) as verbex, open_ledger(tmp_path, time) as ledger:
            one = auto(tmp_path, verbex, range(30), "one")
            first = auto(tmp_path, verbex, range(200, 230), "first", priority=9)
            async with run_of(verbex, ledger, one, first):
                await until(lambda: len(verbex.posts) > 27, 7200.0)
                ahead = sum(body["to_number"] >= number(200) for _, body in verbex.posts)
                assert ahead >= 18  # the other is ready a moment sooner, and takes the first lines
            assert {body["to_number"] for _, body in verbex.posts} >= {number(0), number(29), number(229)}

    in_virtual_time(main())


@pytest.mark.slow
@pytest.mark.ci
def test_room_is_left_for_others_and_a_cap_holds(tmp_path: Path) -> None:
    async def main() -> None:
        time = Time()
        async with desk(time, concurrent_calls=12, **TALK) as verbex, open_ledger(tmp_path, time) as ledger:
            capped = auto(tmp_path, verbex, range(40), "capped", at_most=4)
            async with run_of(verbex, ledger, capped):
                pass
            assert live_at_most(verbex) == 4
            verbex.rings.clear()
            async with run_of(verbex, ledger, auto(tmp_path, verbex, range(100, 200), "left", leave_free=3)):
                await until(lambda: len(verbex.rings) > 90, 7200.0)
                late = [ring for ring in verbex.rings[40:] if not ring.turned_away]
                most = max(sum(other.at <= ring.at < other.over_at for other in late) for ring in late)
                assert most == 9

    in_virtual_time(main())
