"""The platform asks for fewer requests: nobody is dialled before its time is over, by any campaign of the account."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from tests.conduct_kit import run_of
from tests.desk import Desk, answer, desk, saying
from tests.engine_kit import campaign, number, open_ledger, waits
from tests.virtual_time import Time, in_virtual_time, moment, until

SOON = {"platform_failed": waits(1.0)}
HELD = 20.0


def in_seconds(time: Time) -> str:
    return f"{HELD:.0f}"


def as_date(time: Time) -> str:
    return format_datetime(time.clock.now() + timedelta(seconds=HELD + 1), usegmt=True)  # a date has no fractions


@pytest.mark.slow
@pytest.mark.parametrize("status", [429, pytest.param(503, marks=pytest.mark.ci)])
@pytest.mark.parametrize("told", [in_seconds, pytest.param(as_date, marks=pytest.mark.ci)])
def test_no_dial_of_any_campaign_leaves_before_its_time_is_over(
    tmp_path: Path, status: int, told: Callable[[Time], str]
) -> None:
    async def main() -> None:
        time = Time()
        async with desk(time) as verbex, open_ledger(tmp_path, time) as ledger:
            one = campaign(tmp_path, verbex.url, [number(n) for n in range(30)], name="one", overrides=SOON)
            other = campaign(tmp_path, verbex.url, [number(n) for n in range(50, 80)], name="other", overrides=SOON)
            async with run_of(verbex, ledger, one, other):
                await until(lambda: len(verbex.posts) >= 8)
                verbex.faults = [saying(status, {"error": "slow down"}, f"Retry-After: {told(time)}")]
                await until(lambda: not verbex.faults)
                said_at = time.monotonic()
                await until(lambda: verbex.posts[-1][0] > said_at + HELD / 2)
            check_gap(verbex, said_at)
            assert {body["to_number"] for _, body in verbex.posts} >= {number(n) for n in (0, 29, 50, 79)}

    in_virtual_time(main())


def test_a_read_that_is_refused_with_a_time_holds_the_dials_up_as_well(tmp_path: Path) -> None:
    async def main() -> None:
        time = Time()
        async with desk(time) as verbex, open_ledger(tmp_path, time) as ledger:
            rules = campaign(tmp_path, verbex.url, [number(n) for n in range(40)], overrides=SOON)
            async with run_of(verbex, ledger, rules):
                await until(lambda: len(verbex.posts) >= 5)
                refused = answer(429, {"error": "slow down"}, f"Retry-After: {HELD:.0f}")
                said_at: list[float] = []

                def once(path: str, query: dict[str, str]) -> bytes | None:
                    if said_at:
                        return None
                    said_at.append(time.monotonic())
                    return refused

                verbex.unread = once
                await until(lambda: bool(said_at))
                await moment(HELD)
            check_gap(verbex, said_at[0])

    in_virtual_time(main())


def check_gap(verbex: Desk, said_at: float) -> None:
    """What was on its way then had left already; after it, nothing comes for as long as was asked."""
    before, after = next(
        (a, b) for (a, _), (b, _) in itertools.pairwise(verbex.posts) if b - a >= HELD - 0.5 and b > said_at
    )
    assert said_at - 1.0 <= before <= said_at + 0.1
    assert after >= said_at + HELD - 0.1
