"""How a call is recognised as ours, wherever the list keeps it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dialer.model import Attempt
from dialer.verbex import wire
from tests.desk import answer, body_of, no_echo
from tests.engine_kit import OWN, placed
from tests.recovery_kit import looking, verdict
from tests.virtual_time import Time, in_virtual_time, moment

# --- recognising ----------------------------------------------------------------------------------


def test_a_call_without_our_id_is_known_by_numbers_and_time(tmp_path: Path) -> None:
    async def main() -> None:
        async with looking(tmp_path, Time(), lookup="platform") as at_work:
            at_work.desk.told = lambda record: no_echo(record) | {"to_number": record["to_number"][1:]}
            case = at_work.recovery.take(await at_work.lost(is_placed=True))
            assert (await verdict(case))[0] == "found"

    in_virtual_time(main())


@pytest.mark.parametrize(
    "change",
    [
        {"to_number": "+14155559999"},
        {"from_number": "+14155550199"},
        {"metadata": {"dialer_call_id": "of another dial"}},
        {"call_id": "of another dial"},
        {"call_start_time": "2026-11-22T13:00:00Z"},
        {"call_start_time": None, "call_end_time": "2026-11-22T13:00:00Z"},
    ],
    ids=lambda change: " ".join(change),
)
def test_a_call_that_does_not_fit_is_not_adopted(tmp_path: Path, change: dict[str, Any]) -> None:
    async def main() -> None:
        async with looking(tmp_path, Time(), lookup="platform") as at_work:
            at_work.desk.told = lambda record: no_echo(record) | change
            case = at_work.recovery.take(await at_work.lost(is_placed=True))
            assert (await verdict(case, 300.0))[0] == "nothing"

    in_virtual_time(main())


def test_the_call_of_an_earlier_attempt_is_not_adopted(tmp_path: Path) -> None:
    """A retry soon after a call that the ledger knows: the number, the own number and nearly the time fit."""

    async def main() -> None:
        async with looking(tmp_path, Time(), lookup="platform") as at_work:
            at_work.desk.told = no_echo
            earlier = await placed(at_work.desk, at_work.ledger, at_work.rules, at_work.campaign_id)
            later = replace(await at_work.lost(), number=earlier.number)
            assert (await verdict(at_work.recovery.take(later), 300.0))[0] == "nothing"

    in_virtual_time(main())


def test_a_list_that_knows_calls_by_the_platforms_id_alone_proves_nothing_for_those_without_one(
    tmp_path: Path,
) -> None:
    """It may show the lost call under a number that is written in a way of its own."""

    async def main() -> None:
        async with looking(tmp_path, Time(), lookup="platform") as at_work:
            at_work.desk.told = lambda record: no_echo(record) | {"from_number": "reminders"}
            another = await placed(at_work.desk, at_work.ledger, at_work.rules, at_work.campaign_id)
            page = body_of(at_work.desk._read("", {}))
            at_work.recovery.found("list", wire.page(page).calls[0], another)
            lost = await at_work.lost(is_placed=True)
            assert (await verdict(at_work.recovery.take(lost), 600.0))[0] == "nothing"

    in_virtual_time(main())


@pytest.mark.parametrize("skew", [-86400.0, -3600.0, 3600.0])
def test_a_call_is_known_by_numbers_and_time_whatever_our_clock_says(tmp_path: Path, skew: float) -> None:
    """Ours was set forward by a day, perhaps: the platform dates the call before we made it, and tells its time."""

    def dated(record: dict[str, Any]) -> dict[str, Any]:
        started = record["call_start_time"]
        moment = datetime.fromisoformat(started) + timedelta(seconds=skew) if started else None
        return no_echo(record) | {"call_start_time": moment and moment.isoformat()}

    async def main() -> None:
        async with looking(tmp_path, Time(), lookup="platform") as at_work:
            at_work.desk.told, at_work.desk.skew = dated, skew
            await at_work.recovery._client.list(page_size=1)
            case = at_work.recovery.take(await at_work.lost(is_placed=True))
            assert (await verdict(case))[0] == "found"

    in_virtual_time(main())


# --- where calls that have not started stand ------------------------------------------------------


@pytest.mark.parametrize("end", ["first", "last"])
def test_a_call_that_has_not_started_is_found_at_either_end_of_the_list(tmp_path: Path, end: str) -> None:
    async def main() -> None:
        async with looking(tmp_path, Time(), lookup="platform") as at_work:
            at_work.prove()
            lost = await at_work.lost()
            at_work.desk.unread = _sorted_by_start(lost, end)
            assert (await verdict(at_work.recovery.take(lost)))[0] == "found"

    in_virtual_time(main())


def _sorted_by_start(attempt: Attempt, end: str) -> Any:
    """A list of two pages each way, the call that has not started standing first or last of all."""
    plain = {"call_status": "ended", "from_number": OWN, "to_number": "+14155559999", "direction": "outbound"}
    old = plain | {"_id": "old", "call_start_time": "2026-11-01T00:00:00Z"}
    ours = plain | {
        "_id": "ours",
        "call_status": "registered",
        "call_start_time": None,
        "metadata": {"dialer_call_id": attempt.call_id},
    }

    def unread(path: str, query: dict[str, str]) -> bytes:
        if path != "/v1/calls/":
            return answer(404)
        if "start_time_after" in query:
            return answer(200, {"calls": [], "next_page_token": None, "total_count": 0})
        is_first = (end == "first") == (query["sort_direction"] == "desc")
        token = query.get("page_token")
        calls = [ours, old] if is_first and token is None else [old]
        return answer(200, {"calls": calls, "next_page_token": "2", "total_count": 2})

    return unread


@pytest.mark.slow
def test_a_list_without_end_is_not_whole(tmp_path: Path) -> None:
    async def main() -> None:
        async with looking(tmp_path, Time()) as at_work:
            at_work.prove()
            at_work.desk.unread = lambda path, query: (
                answer(200, {"calls": [], "next_page_token": "on", "total_count": 0}) if path == "/v1/calls/" else None
            )
            assert (await verdict(at_work.recovery.take(await at_work.lost()), 180.0))[0] == "nothing"

    in_virtual_time(main())


def test_nothing_is_asked_while_nothing_is_open(tmp_path: Path) -> None:
    async def main() -> None:
        async with looking(tmp_path, Time()) as at_work:
            await moment(3600.0)
            assert at_work.desk.reads == []

    in_virtual_time(main())
