"""What a plan says of a campaign, and what its run then comes to, in virtual time on the simulated platform."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from dialer.model.planning import Forecast
from dialer.runner import planning
from tests.desk import Desk, desk
from tests.engine_kit import campaign, heart, number, open_ledger, waits
from tests.virtual_time import START, Time, in_virtual_time

PEOPLE = [number(n) for n in range(120)]
MIX = {"user_ended_call": 0.4, "voicemail_detected": 0.1, "no_answer": 0.4, "line_busy": 0.1}
WITHIN = 0.2
"""Of calls and of time: shares that sixty calls have shown are so far from the true ones; seeds are fixed."""


def calls_of(verbex: Desk) -> int:
    return sum(not ring.turned_away for ring in verbex.rings)


@pytest.mark.ci
def test_the_rest_of_a_run_comes_to_what_its_plan_says(tmp_path: Path) -> None:
    """The first calls show how calls end and how long they take; what is left is forecast from that, and then made."""

    async def main() -> tuple[Forecast, int, float, float]:
        time = Time()
        async with (
            desk(time, mix=MIX, ring_seconds=8.0, call_seconds=150.0) as verbex,
            open_ledger(tmp_path, time) as ledger,
        ):
            rules = campaign(
                tmp_path,
                verbex.url,
                PEOPLE,
                lines=20,
                overrides={"unreached": waits(900.0), "machine": waits(900.0)},
            )
            async with heart(rules, verbex, ledger, max_calls=60) as run:
                await run.engine.run()
            before, began = calls_of(verbex), time.monotonic()
            found = planning.plan(rules, time.clock, {})
            assert found.source == planning.LEDGER
            assert found.assumed.sources["answer"] == "the 60 calls so far"
            async with heart(rules, verbex, ledger, wait=math.inf) as run:
                await run.engine.run()
                assert set(run.states().values()) <= {"done", "exhausted"}
            last = max(ring.at for ring in verbex.rings) - START.timestamp()
            return found.forecast, calls_of(verbex) - before, last - began, began

    forecast, calls, seconds, began = in_virtual_time(main())
    assert forecast.last is not None
    assert abs(calls - forecast.calls) <= WITHIN * forecast.calls
    planned = forecast.last - START.timestamp() - began
    assert abs(seconds - planned) <= WITHIN * planned
    assert calls <= forecast.worst
