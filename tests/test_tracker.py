"""Learning how calls end: by one reading of the list for all, by a question for those that the list does not show."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from dialer.tracker import interval
from tests.desk import Desk, answer, no_echo
from tests.engine_kit import OWN, number
from tests.tracker_kit import a_line, watching
from tests.virtual_time import Time, in_virtual_time, moment, running

EMPTY: dict[str, Any] = {"calls": [], "next_page_token": None, "total_count": 0}


@pytest.mark.parametrize(
    ("mean", "seconds"), [(None, 0.5), (0.0, 0.1), (4.0, 0.1), (5.0, 0.1), (50.0, 1.0), (100.0, 2.0), (3600.0, 2.0)]
)
def test_the_interval_is_a_fiftieth_of_the_mean_call_within_bounds(mean: float | None, seconds: float) -> None:
    assert interval(mean) == seconds


# --- the list ------------------------------------------------------------------------------------


@pytest.mark.slow
def test_one_list_tells_the_ends_of_all_calls(tmp_path: Path) -> None:
    async def main() -> None:
        async with watching(tmp_path, Time(), call_seconds=40.0) as at_work:
            calls = [await at_work.live() for _ in range(20)]
            ends = await asyncio.gather(*(at_work.tracker.end_of(call, 7200.0, a_line()) for call in calls))
            assert [end.own_id for end in ends if end is not None and end.is_over] == [call.call_id for call in calls]
            assert at_work.reads("get") == 0
            last = max(ring.over_at for ring in at_work.desk.rings)
            assert at_work.desk.time.wall() - last < 2.0
            assert {way for way, _ in at_work.found} == {"list"}

    in_virtual_time(main())


def test_reads_follow_each_other_however_long_they_take(tmp_path: Path) -> None:
    async def main() -> None:
        async with watching(tmp_path, Time(), call_seconds=60.0) as at_work:
            at_work.desk.read_takes = 3.0
            calls = [await at_work.live() for _ in range(5)]
            ends = await asyncio.gather(*(at_work.tracker.end_of(call, 7200.0, a_line()) for call in calls))
            assert None not in ends
            assert at_work.desk.most_reading == 1

    in_virtual_time(main())


def test_nothing_is_read_while_nobody_waits_for_an_end(tmp_path: Path) -> None:
    async def main() -> None:
        async with watching(tmp_path, Time()) as at_work:
            await moment(600.0)
            assert at_work.reads() == 0
            await at_work.tracker.end_of(await at_work.live(), 60.0, a_line())
            before = at_work.reads()
            await moment(600.0)
            assert at_work.reads() == before

    in_virtual_time(main())


def test_a_call_is_known_by_the_platforms_id_where_ours_is_not_echoed(tmp_path: Path) -> None:
    async def main() -> None:
        async with watching(tmp_path, Time()) as at_work:
            at_work.desk.told = no_echo
            end = await at_work.tracker.end_of(await at_work.live(), 60.0, a_line())
            assert end is not None and end.own_id is None
            assert at_work.reads("get") == 0

    in_virtual_time(main())


def test_a_finish_reason_beside_a_status_that_is_not_final_is_an_end(tmp_path: Path) -> None:
    async def main() -> None:
        async with watching(tmp_path, Time(), call_seconds=500.0) as at_work:
            full = {"call_finish_reason": "concurrent_call_limit_reached"}
            at_work.desk.told = lambda record: record | full
            end = await at_work.tracker.end_of(await at_work.live(), 60.0, a_line())
            assert end is not None
            assert (end.status, end.finish_reason) == ("registered", "concurrent_call_limit_reached")

    in_virtual_time(main())


@pytest.mark.slow
def test_a_call_on_a_later_page_is_found(tmp_path: Path) -> None:
    async def main() -> None:
        async with watching(tmp_path, Time(), call_seconds=8.0) as at_work:
            first = await at_work.live()
            for n in range(130):
                at_work.desk.place({"from_number": OWN, "to_number": number(500 + n), "direction": "outbound"})
            assert await at_work.tracker.end_of(first, 60.0, a_line()) is not None
            assert at_work.reads("get") == 0

    in_virtual_time(main())


def test_the_next_reading_is_one_page_that_reaches_as_far(tmp_path: Path) -> None:
    """Each page is a way there and back, after which the oldest ends are known that much later."""

    async def main() -> None:
        async with watching(tmp_path, Time(), call_seconds=20.0) as at_work:
            first = await at_work.live()
            for n in range(250):
                at_work.desk.place({"from_number": OWN, "to_number": number(500 + n), "direction": "outbound"})
            async with running(at_work.tracker.end_of(first, 60.0, a_line())):
                await moment(3.0)
            asked = [dict(parse_qsl(urlsplit(target).query)) for _, target in at_work.desk.reads]
            assert [("page_token" in query, query["page_size"]) for query in asked[:4]] == [
                (False, "100"),
                (True, "100"),
                (True, "100"),
                (False, "313"),  # a quarter more than the 251 that it went back
            ]
            assert not any("page_token" in query for query in asked[3:])

    in_virtual_time(main())


def test_a_list_without_an_end_is_read_three_pages_a_round(tmp_path: Path) -> None:
    async def main() -> None:
        async with watching(tmp_path, Time(), call_seconds=20.0) as at_work:
            endless = answer(200, EMPTY | {"next_page_token": "on"})
            at_work.desk.unread = lambda path, query: endless if path == "/v1/calls/" else None
            assert await at_work.tracker.end_of(await at_work.live(), 60.0, a_line()) is not None
            asked = [parse_qsl(urlsplit(target).query) for _, target in at_work.desk.reads if "page_size" in target]
            first = [place for place, query in enumerate(asked) if "page_token" not in dict(query)]
            assert {after - before for before, after in itertools.pairwise(first)} == {3}

    in_virtual_time(main())


# --- questions for one call ----------------------------------------------------------------------


@pytest.mark.parametrize("lookup", ["custom", "platform"])
@pytest.mark.parametrize("listing", [answer(200, EMPTY), answer(404), answer(503)], ids=["empty", "404", "503"])
def test_a_call_that_the_list_does_not_show_is_asked_for(tmp_path: Path, lookup: str, listing: bytes) -> None:
    async def main() -> None:
        async with watching(tmp_path, Time(), lookup=lookup) as at_work:
            at_work.desk.unread = lambda path, query: listing if path == "/v1/calls/" else None
            call = await at_work.live()
            end = await at_work.tracker.end_of(call, 600.0, a_line())
            assert end is not None and end.is_over
            assert set(at_work.found) == {(f"get_{'own' if lookup == 'custom' else 'platform'}", call.call_id)}

    in_virtual_time(main())


def test_only_those_that_the_list_misses_are_asked_for(tmp_path: Path) -> None:
    async def main() -> None:
        async with watching(tmp_path, Time(), call_seconds=60.0) as at_work:
            shown, hidden = await at_work.live(), await at_work.live()
            at_work.desk.unread = _hiding(at_work.desk, hidden.number)
            await asyncio.gather(*(at_work.tracker.end_of(call, 600.0, a_line()) for call in (shown, hidden)))
            asked = {target for _, target in at_work.desk.reads if not target.startswith("/v1/calls/?")}
            assert asked == {f"/v1/calls/{hidden.platform_id}"}

    in_virtual_time(main())


def _hiding(made: Desk, hidden: str) -> Any:
    def unread(path: str, query: dict[str, str]) -> bytes | None:
        if path != "/v1/calls/":
            return None
        body: dict[str, Any] = made.platform.list(list(query.items()), made.time.clock.now()).body
        return answer(200, body | {"calls": [call for call in body["calls"] if call["to_number"] != hidden]})

    return unread


def test_a_call_without_a_platform_id_is_asked_for_by_ours(tmp_path: Path) -> None:
    async def main() -> None:
        async with watching(tmp_path, Time(), lookup="custom") as at_work:
            at_work.desk.told = no_echo
            call = replace(await at_work.live(), platform_id=None)
            assert await at_work.tracker.end_of(call, 60.0, a_line()) is not None

    in_virtual_time(main())


def test_the_record_of_another_call_is_not_the_end_of_this_one(tmp_path: Path) -> None:
    async def main() -> None:
        async with watching(tmp_path, Time(), call_seconds=500.0) as at_work:
            stranger = {"_id": "x", "call_status": "ended", "from_number": OWN, "to_number": "+14155559999"}
            at_work.desk.unread = lambda path, query: (
                answer(200, EMPTY) if path == "/v1/calls/" else answer(200, stranger | {"direction": "outbound"})
            )
            assert await at_work.tracker.end_of(await at_work.live(), 60.0, a_line()) is None
            assert at_work.found == []

    in_virtual_time(main())


# --- trouble -------------------------------------------------------------------------------------


def test_a_call_whose_end_is_never_told_is_given_up_after_its_longest_time(tmp_path: Path) -> None:
    async def main() -> None:
        async with watching(tmp_path, Time(), call_seconds=50_000.0) as at_work:
            call = await at_work.live()
            assert await at_work.tracker.end_of(call, 90.0, a_line()) is None
            assert at_work.desk.time.monotonic() == pytest.approx(90.0, abs=1.0)
            before = at_work.reads()
            await moment(100.0)
            assert at_work.reads() == before

    in_virtual_time(main())


@pytest.mark.parametrize(
    ("headers", "least", "most"),
    [((), 9, 30), (("Retry-After: 25",), 9, 14), (("Retry-After: 90",), 3, 4), (("Retry-After: 86400",), 1, 1)],
)
def test_too_many_requests_slow_the_reads(tmp_path: Path, headers: tuple[str, ...], least: int, most: int) -> None:
    async def main() -> None:
        async with watching(tmp_path, Time(), call_seconds=50_000.0) as at_work:
            at_work.desk.unread = lambda path, query: answer(429, None, *headers)
            call = await at_work.live()
            assert await at_work.tracker.end_of(call, 300.0, a_line()) is None
            assert least <= at_work.reads() <= most
            assert at_work.reads("get") == 0

    in_virtual_time(main())


def test_reads_come_back_to_their_pace_when_they_are_taken_again(tmp_path: Path) -> None:
    async def main() -> None:
        async with watching(tmp_path, Time(), call_seconds=50_000.0) as at_work:
            at_work.desk.unread = lambda path, query: answer(429)
            call = await at_work.live()
            async with running(at_work.tracker.end_of(call, 7200.0, a_line())):
                await moment(300.0)
                assert at_work.tracker.pause == 30.0
                at_work.desk.unread = lambda path, query: None
                await moment(120.0)
                assert at_work.tracker.pause == 0.5

    in_virtual_time(main())


def test_the_end_is_learned_as_soon_as_a_platform_that_was_away_is_back(tmp_path: Path) -> None:
    async def main() -> None:
        async with watching(tmp_path, Time(), call_seconds=1.0) as at_work:
            at_work.desk.unread = lambda path, query: answer(503)
            call = await at_work.live()
            async with running(at_work.tracker.end_of(call, 7200.0, a_line())) as waiting:
                await moment(600.0)
                assert not waiting.done()
                at_work.desk.unread = lambda path, query: None
                await moment(31.0)
                assert waiting.done()

    in_virtual_time(main())
