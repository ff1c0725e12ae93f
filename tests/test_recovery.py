"""Looking up: what is found is found; what is not there counts only where that has been shown to mean something."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dialer.policy import jumps
from dialer.recovery import Found, Way
from dialer.verbex import wire
from tests.desk import Desk, answer, no_echo
from tests.engine_kit import OWN, dial_of, placed
from tests.recovery_kit import HOLD, PEOPLE, looking, verdict
from tests.virtual_time import Time, in_virtual_time, moment, until

pytestmark = pytest.mark.slow

# --- found ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("lookup", ["custom", "platform", "both"])
@pytest.mark.parametrize("call_seconds", [1.0, 5000.0])
def test_a_call_that_was_placed_is_found_live_or_over(tmp_path: Path, lookup: str, call_seconds: float) -> None:
    async def main() -> None:
        async with looking(tmp_path, Time(), lookup=lookup, call_seconds=call_seconds) as at_work:
            lost = await at_work.lost(is_placed=True)
            case = at_work.recovery.take(lost)
            word, when = await verdict(case)
            assert word == "found"
            assert when == pytest.approx(HOLD, abs=1.0)
            found = case.verdict.result()
            assert isinstance(found, Found)
            assert (found.record.own_id, found.record.is_over) == (lost.call_id, call_seconds < 10.0)
            assert at_work.recovery.unsettled == at_work.looks() == 0

    in_virtual_time(main())


def test_a_list_that_cannot_be_read_leaves_the_call_to_be_asked_for(tmp_path: Path) -> None:
    async def main() -> None:
        async with looking(tmp_path, Time(), lookup="custom") as at_work:
            at_work.desk.unread = lambda path, query: answer(503) if path == "/v1/calls/" else None
            case = at_work.recovery.take(await at_work.lost(is_placed=True))
            assert (await verdict(case))[0] == "found"

    in_virtual_time(main())


def test_one_reading_of_the_list_tells_about_many(tmp_path: Path) -> None:
    async def main() -> None:
        async with looking(tmp_path, Time()) as at_work:
            lost = [await at_work.lost(is_placed=True) for _ in PEOPLE]
            cases = [at_work.recovery.take(one) for one in lost]
            assert [(await verdict(case))[0] for case in cases] == ["found"] * 4
            # The holds end a few nanoseconds apart, so that the first to be ready may have a reading of its own.
            assert len(at_work.desk.reads) <= 2

    in_virtual_time(main())


def test_the_record_of_another_call_is_not_taken_for_ours(tmp_path: Path) -> None:
    async def main() -> None:
        async with looking(tmp_path, Time()) as at_work:
            stranger = {"_id": "x", "call_status": "ended", "from_number": OWN, "to_number": "+14155559999"}
            at_work.desk.unread = lambda path, query: (
                answer(200, stranger | {"direction": "outbound"}) if path != "/v1/calls/" else None
            )
            at_work.prove(Way.GET_OWN)
            assert (await verdict(at_work.recovery.take(await at_work.lost())))[0] == "nothing"

    in_virtual_time(main())


# --- absent ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", [Way.LIST, Way.GET_OWN])
def test_an_absence_is_believed_after_the_hold_and_two_looks_by_a_proven_way(tmp_path: Path, way: Way) -> None:
    async def main() -> None:
        async with looking(tmp_path, Time()) as at_work:
            at_work.prove(way)
            case = at_work.recovery.take(await at_work.lost())
            word, when = await verdict(case)
            assert word == "absent"
            assert when >= HOLD + 15.0
            assert at_work.looks() == 2
            assert at_work.desk.reads[0][0] >= HOLD

    in_virtual_time(main())


def test_a_call_found_in_the_same_reading_proves_the_list(tmp_path: Path) -> None:
    async def main() -> None:
        async with looking(tmp_path, Time()) as at_work:
            there = at_work.recovery.take(await at_work.lost(is_placed=True))
            gone = at_work.recovery.take(await at_work.lost())
            assert (await verdict(there))[0] == "found"
            assert (await verdict(gone))[0] == "absent"

    in_virtual_time(main())


def test_a_call_of_an_earlier_run_in_the_list_proves_it(tmp_path: Path) -> None:
    async def main() -> None:
        async with looking(tmp_path, Time()) as at_work:
            await placed(at_work.desk, at_work.ledger, at_work.rules, at_work.campaign_id)
            assert (await verdict(at_work.recovery.take(await at_work.lost())))[0] == "absent"

    in_virtual_time(main())


def test_a_list_with_ids_of_its_own_in_the_place_of_ours_proves_nothing(tmp_path: Path) -> None:
    """It shows the lost call, under an id and a spelling that cannot be recognised."""

    async def main() -> None:
        async with looking(tmp_path, Time(), lookup="platform") as at_work:
            await placed(at_work.desk, at_work.ledger, at_work.rules, at_work.campaign_id)
            at_work.desk.told = lambda record: no_echo(record) | {"call_id": f"verbex-{record['_id']}"}
            lost = await at_work.lost(is_placed=True)
            assert (await verdict(at_work.recovery.take(lost), 600.0))[0] == "nothing"

    in_virtual_time(main())


def test_an_absence_by_ways_that_prove_nothing_is_not_believed_and_keeps_no_line(tmp_path: Path) -> None:
    async def main() -> None:
        async with looking(tmp_path, Time()) as at_work:
            case = at_work.recovery.take(await at_work.lost())
            await until(case.answered.is_set)
            assert asyncio.get_running_loop().time() == pytest.approx(HOLD + 15.0, abs=1.0)
            assert at_work.recovery.unsettled == 1
            assert (await verdict(case, 3600.0))[0] == "nothing"
            assert at_work.looks() == 0

    in_virtual_time(main())


def test_evidence_that_comes_later_settles_what_was_open(tmp_path: Path) -> None:
    async def main() -> None:
        async with looking(tmp_path, Time()) as at_work:
            open_one = await at_work.lost()
            case = at_work.recovery.take(open_one)
            await until(case.answered.is_set)
            another = await placed(at_work.desk, at_work.ledger, at_work.rules, at_work.campaign_id)
            record = wire.call(at_work.desk.platform.get(another.call_id, at_work.desk.time.clock.now()).body)
            at_work.recovery.found("list", record, another)
            assert (await verdict(case))[0] == "absent"
            assert at_work.recovery.unsettled == 0

    in_virtual_time(main())


@pytest.mark.parametrize("status", [500, 401, 429])
def test_a_platform_that_answers_no_question_says_nothing(tmp_path: Path, status: int) -> None:
    async def main() -> None:
        async with looking(tmp_path, Time()) as at_work:
            at_work.prove(Way.LIST)
            at_work.prove(Way.GET_OWN)
            at_work.desk.unread = lambda path, query: answer(status)
            case = at_work.recovery.take(await at_work.lost())
            assert (await verdict(case, 1800.0))[0] == "nothing"
            assert case.answered.is_set()
            assert len(at_work.desk.reads) < 100
            at_work.desk.unread = lambda path, query: None
            assert (await verdict(case))[0] == "absent"

    in_virtual_time(main())


def test_a_call_that_was_placed_once_is_never_believed_absent(tmp_path: Path) -> None:
    """Its record may have been deleted, or be too old for the list: the person was rung all the same."""

    async def main() -> None:
        async with looking(tmp_path, Time()) as at_work:
            for way in Way:
                at_work.prove(way)
            lost = replace(await at_work.lost(), platform_id="forgotten", placed_at=at_work.desk.time.clock.now())
            case = at_work.recovery.take(lost)
            assert (await verdict(case, 3600.0))[0] == "nothing"
            assert case.answered.is_set()
            assert at_work.looks() == 0

    in_virtual_time(main())


def test_a_list_that_is_not_read_as_far_back_as_the_dial_proves_nothing_about_it(tmp_path: Path) -> None:
    async def main() -> None:
        async with looking(tmp_path, Time(), look_back=3600.0) as at_work:
            at_work.prove()
            at_work.desk.unread = _only_new_ones(at_work.desk)
            old = await at_work.lost(is_placed=True)
            at_work.desk.time.jump += 2 * 3600.0
            assert (await verdict(at_work.recovery.take(old)))[0] == "nothing"

    in_virtual_time(main())


def _only_new_ones(made: Desk) -> Any:
    """No GET; a list so long that its end is never reached: all calls asked for, then somebody else's older one."""
    older = {
        "_id": "older",
        "call_status": "ended",
        "from_number": OWN,
        "to_number": "+14155559999",
        "direction": "outbound",
    }

    def unread(path: str, query: dict[str, str]) -> bytes:
        if path != "/v1/calls/":
            return answer(404)
        now = made.time.clock.now()
        since = datetime.fromisoformat(query.get("start_time_after", "2000-01-01T00:00:00Z"))
        cut = max(since, now - timedelta(hours=1, minutes=6))
        body: dict[str, Any] = made.platform.list([("start_time_after", cut.isoformat())], now).body
        last = older | {"call_start_time": cut.isoformat()}
        more = None if "start_time_after" in query else "more"
        return answer(200, {"calls": [*body["calls"], last], "next_page_token": more, "total_count": 9})

    return unread


# --- the hold -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("jump", "ready"), [(0.0, 120.0), (-3600.0, 120.0), (60.0, 60.0), (86400.0, 0.0)])
def test_a_hold_goes_on_over_restarts_and_is_never_longer_than_itself(
    tmp_path: Path, jump: float, ready: float
) -> None:
    async def main() -> None:
        time = Time()
        async with looking(tmp_path, time) as at_work:
            lost = await at_work.lost(is_placed=True)
            time.jump += jump
            word, when = await verdict(at_work.recovery.take(lost))
            assert word == "found"
            assert when == pytest.approx(ready, abs=1.0)

    in_virtual_time(main())


def test_a_call_is_found_although_the_wall_clock_was_set_back_since(tmp_path: Path) -> None:
    """Ours was an hour fast when the call was made, and was set right: the call lies before the moment that was written
    down. Without an id of ours it is known by its time alone."""

    async def main() -> None:
        time = Time()
        async with looking(tmp_path, time, lookup="platform") as at_work:
            at_work.desk.told = no_echo
            time.jump += 3600.0
            lost = await at_work.lost()
            time.jump -= 3600.0
            at_work.desk.place(dial_of(lost))
            at_work.prove()
            at_work.recovery._set_back = lambda: 3600.0
            assert (await verdict(at_work.recovery.take(lost)))[0] == "found"

    in_virtual_time(main())


@pytest.mark.parametrize("set_back", [3600.0, 30 * 86400.0, jumps.ANY])
@pytest.mark.parametrize("ahead", [3600.0, 30 * 86400.0])
def test_a_list_that_was_not_read_back_to_the_call_proves_no_absence(
    tmp_path: Path, ahead: float, set_back: float
) -> None:
    """Our clock was far ahead when the call was made; by the time of the look it lies behind a thousand newer ones."""

    async def main() -> None:
        time = Time()
        async with looking(tmp_path, time, look_back=7 * 86400.0) as at_work:
            time.jump += ahead
            lost = await at_work.lost()
            time.jump -= ahead
            at_work.desk.place(dial_of(lost))
            await moment(3600.0)
            at_work.desk.unread = _behind_newer_ones(at_work.desk)
            at_work.prove()
            at_work.recovery._set_back = lambda: set_back
            assert (await verdict(at_work.recovery.take(lost)))[0] == "found"

    in_virtual_time(main())


def _behind_newer_ones(made: Desk) -> Any:
    """No GET; a list in two pages, of which the first goes back ten minutes; from its other end it begins long ago."""

    def a_call(name: str, at: datetime) -> dict[str, Any]:
        whose = {"from_number": OWN, "to_number": "+14155559999", "direction": "outbound"}
        return whose | {"_id": name, "call_status": "ended", "call_start_time": at.isoformat()}

    def unread(path: str, query: dict[str, str]) -> bytes:
        if path != "/v1/calls/":
            return answer(404)
        now = made.time.clock.now()
        if query["sort_direction"] == "asc":
            shown, more = [a_call("old", now - timedelta(days=60))], "more"
        elif "page_token" in query:
            shown, more = made.platform.list([], now).body["calls"], None
        else:
            shown, more = [a_call("new", now - timedelta(minutes=10))], "more"
        return answer(200, {"calls": shown, "next_page_token": more, "total_count": 2})

    return unread


def test_a_call_whose_id_the_platform_said_that_it_knows_is_never_believed_absent(tmp_path: Path) -> None:
    """It has answered 409: whatever is not found, a call was made under that id."""

    async def main() -> None:
        async with looking(tmp_path, Time()) as at_work:
            for way in Way:
                at_work.prove(way)
            case = at_work.recovery.take(replace(await at_work.lost(), id_taken=True))
            assert (await verdict(case, 3600.0))[0] == "nothing"
            assert case.answered.is_set()

    in_virtual_time(main())


def test_looks_become_rarer_where_nothing_is_proven(tmp_path: Path) -> None:
    async def main() -> None:
        async with looking(tmp_path, Time(), hold=0.0) as at_work:
            case = at_work.recovery.take(await at_work.lost(0.0))
            assert (await verdict(case, 3600.0))[0] == "nothing"
            assert 12 <= len(at_work.desk.reads) / 2 <= 18

    in_virtual_time(main())
