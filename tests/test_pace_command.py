"""`dialer pace`: another pace while a run goes on, taken up at once, without a burst, and written down."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

from dialer.errors import UsageError
from dialer.runner import requests
from dialer.runner.requests import NewPace
from tests.acceptance.kit import World
from tests.command_line import campaign as file_of
from tests.command_line import taken_in, told
from tests.conduct_kit import Run, run_of
from tests.desk import Desk, desk
from tests.engine_kit import campaign, number, open_ledger
from tests.pace_kit import most_in_a_second
from tests.virtual_time import Time, in_virtual_time, moment, until

PEOPLE = [number(n) for n in range(60)]


async def asked(run: Run, campaign: str = "reminders", **facts: Any) -> str:
    new = {"calls_per_second": None, "concurrent_calls": None, "learns": False}
    return await run.ask("pace", campaign=campaign, **(new | facts))


def sent(made: Desk) -> list[float]:
    return [at for at, _ in made.posts]


def events(run: Run) -> list[tuple[Any, ...]]:
    return run.rows("SELECT run_id, detail FROM events WHERE event = 'pace_changed'")


# --- while a run goes on -----------------------------------------------------------------------------


def test_a_slow_run_is_made_faster_within_a_second_and_without_a_burst(tmp_path: Path) -> None:
    async def main() -> None:
        time = Time()
        async with desk(time) as verbex, open_ledger(tmp_path, time) as ledger:
            rules = campaign(tmp_path, verbex.url, PEOPLE, per_second=0.02, lines=50)
            async with run_of(verbex, ledger, rules) as run:
                await until(lambda: len(verbex.posts) == 1)
                await moment(7.0)
                asked_at = time.monotonic()
                answer = await asked(run, calls_per_second=10.0)
                assert answer == (
                    "reminders: 10 calls per second, concurrent calls as before (up to 50 now), until this run ends"
                )
                await run.ending
            at = sent(verbex)
            assert len(at) == len(PEOPLE)
            assert at[1] - asked_at <= 1.0
            assert at[-1] - at[1] <= 58 / 10 / 0.98
            assert most_in_a_second(at) <= 11
            ((run_id, detail),) = events(run)
            assert run_id is not None
            before = "0.02 calls per second, up to 50 concurrent calls"
            after = "10 calls per second, concurrent calls as before (up to 50 now)"
            assert detail == f"reminders by ann: {before} → {after}: looked"
            assert "10 calls per second, concurrent calls as before" in run.said.getvalue()

    in_virtual_time(main())


@pytest.mark.slow
def test_a_fast_run_is_made_slower_within_a_second(tmp_path: Path) -> None:
    async def main() -> None:
        time = Time()
        async with desk(time) as verbex, open_ledger(tmp_path, time) as ledger:
            rules = campaign(tmp_path, verbex.url, PEOPLE, per_second=10.0, lines=50)
            async with run_of(verbex, ledger, rules) as run:
                await until(lambda: len(verbex.posts) >= 20)
                slower_from = time.monotonic() + 1.0
                await asked(run, calls_per_second=0.5)
                await moment(20.0)
                await asked(run, calls_per_second=50.0)
                faster_from = time.monotonic()
                await run.ending
            slow = [at for at in sent(verbex) if slower_from <= at < faster_from - 1.0]
            assert 9 <= len(slow) <= 11
            assert all(later - earlier > 1.9 for earlier, later in itertools.pairwise(slow))
            assert most_in_a_second(sent(verbex)) <= 51
            assert len(sent(verbex)) == len(PEOPLE)

    in_virtual_time(main())


@pytest.mark.slow
def test_more_calls_at_once_are_begun_within_a_second_and_fewer_run_out(tmp_path: Path) -> None:
    async def main() -> None:
        time = Time()
        calm = {"call_seconds": 30.0, "ring_seconds": 5.0}
        async with desk(time, **calm) as verbex, open_ledger(tmp_path, time) as ledger:
            rules = campaign(tmp_path, verbex.url, PEOPLE, per_second=100.0, lines=2)
            async with run_of(verbex, ledger, rules) as run:
                await until(lambda: len(verbex.posts) == 2)
                answer = await asked(run, concurrent_calls=12)
                assert answer == "reminders: 100 calls per second as before, 12 concurrent calls, until this run ends"
                assert live(verbex) == 12
                await asked(run, concurrent_calls=3, calls_per_second=5.0)
                await until(lambda: live(verbex) <= 3)
                dialled = len(verbex.posts)
                await until(lambda: len(verbex.posts) >= dialled + 6)
                assert live(verbex) <= 3
                answer = await asked(run, learns=True)
                assert answer.startswith("reminders: 5 calls per second as before, as many concurrent calls as the ")
                await run.ending
            assert len({body["to_number"] for _, body in verbex.posts}) == len(PEOPLE)
            assert len(events(run)) == 3

    in_virtual_time(main())


def live(made: Desk) -> int:
    now = made.time.clock.now().timestamp()
    return sum(ring.at <= now < ring.over_at for ring in made.rings)


def test_a_campaign_that_this_run_does_not_dial_is_told_so(tmp_path: Path) -> None:
    async def main() -> None:
        time = Time()
        async with desk(time, call_seconds=60.0) as verbex, open_ledger(tmp_path, time) as ledger:
            rules = campaign(tmp_path, verbex.url, PEOPLE[:3])
            async with run_of(verbex, ledger, rules) as run:
                await until(lambda: len(verbex.posts) == 3)
                answer = await asked(run, "others", calls_per_second=5.0, file="others.yaml")
                assert answer.startswith("not done: no run dials others now")
                assert "write pace.calls_per_second or pace.concurrent_calls into others.yaml" in answer
                await run.ask("pause", campaign="reminders")
                assert (await asked(run, calls_per_second=5.0)).startswith("not done: no run dials reminders now")
                await run.ending
            assert events(run) == []

    in_virtual_time(main())


# --- what a request carries ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "new",
    [NewPace(5.0), NewPace(None, 40), NewPace(0.02, 1), NewPace(None, None, learns=True), NewPace(2.0, None, True)],
)
def test_a_new_pace_comes_through_a_request_whole(new: NewPace) -> None:
    assert requests.new_pace(requests.pace_facts("reminders", "campaign.yaml", new, "ann")) == new


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"learns": "yes"},
        {"calls_per_second": 0.0},
        {"calls_per_second": -1},
        {"calls_per_second": float("nan")},
        {"calls_per_second": float("inf")},
        {"calls_per_second": "fast"},
        {"calls_per_second": []},
        {"concurrent_calls": 0},
        {"concurrent_calls": {}},
        {"concurrent_calls": 5, "calls_per_second": 0},
    ],
)
def test_what_is_no_pace_is_refused(facts: dict[str, Any]) -> None:
    with pytest.raises((UsageError, TypeError, ValueError)):
        requests.new_pace(facts)


# --- the command ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("has_ledger", [False, True])
def test_without_a_run_it_is_told_where_a_pace_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], has_ledger: bool
) -> None:
    path = file_of(tmp_path)
    if has_ledger:
        taken_in(path)
    before = sorted(tmp_path.iterdir())
    found = told(capsys, "pace", path, "--calls-per-second", "5")
    assert (found.code, found.out) == (2, "")
    assert found.err == (
        "dialer: no run dials reminders now, and a pace is changed only while one goes on: write pace.calls_per_second "
        f"or pace.concurrent_calls into {path}, by which the next run goes\n"
    )
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.slow
def test_the_command_changes_a_run_that_goes_on(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.people(40)
    path = world.campaign(pace={"calls_per_second": 0.1})
    with world.running("run", path) as running:
        running.until(lambda: len(world.rings()) == 1)
        changed = world.run("pace", path, "--calls-per-second", "40", "--concurrent-calls", "auto")
        assert (changed.code, changed.err) == (0, "")
        assert changed.out == (
            "camp: 40 calls per second, as many concurrent calls as the account allows, until this run ends\n"
        )
        assert running.ended(30).code == 0
    assert most_in_a_second([ring.at for ring in world.rings()]) <= 41 + 1  # as it comes in, a moment after it is sent
