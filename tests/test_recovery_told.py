"""What webhooks tell hastens the search for a lost call, and keeps it from being believed absent; it costs little."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dialer.model import Attempt
from dialer.recovery import Way
from tests.desk import answer, no_echo
from tests.engine_kit import dial_of, number
from tests.recovery_kit import HOLD, Looking, looking, verdict
from tests.virtual_time import Time, in_virtual_time, moment, until

pytestmark = pytest.mark.slow

EARLY = 5.0
HIDDEN = answer(200, {"calls": [], "next_page_token": None, "total_count": 0})


async def tell(at_work: Looking, call: str, event: str = "CallHandler.CallStarted") -> None:
    """A webhook has come that nobody in the tracker had a use for: kept, then heard."""
    kept = len(at_work.ledger._connection.execute("SELECT trace_id FROM inbox").fetchall())
    assert await at_work.ledger.keep(f"trace-{kept}", event, call, json.dumps({"payload": {"call_id": call}}))
    at_work.recovery.hasten(call)


def platforms_id(at_work: Looking, attempt: Attempt) -> str:
    """The id under which the platform knows a call whose answer was lost."""
    [ring] = [ring for ring in at_work.desk.rings if ring.call_id == attempt.call_id]
    return ring.platform_id


def calls_asked_for(at_work: Looking) -> list[str]:
    targets = [target for _, target in at_work.desk.reads]
    return [target.rpartition("/")[2] for target in targets if not target.startswith("/v1/calls/?")]


# --- found before the hold is over -----------------------------------------------------------------


@pytest.mark.parametrize("lookup", ["custom", "platform", "both"])
@pytest.mark.parametrize("told_by", ["custom", "platform"])
@pytest.mark.parametrize("is_before", [False, True], ids=["then", "before"])
def test_a_call_that_was_told_of_is_found_at_once(tmp_path: Path, lookup: str, told_by: str, is_before: bool) -> None:
    """Whichever id the webhook bears and the platform looks up, and whether it came before the answer was lost."""

    async def main() -> None:
        async with looking(tmp_path, Time(), lookup=lookup, call_seconds=5000.0) as at_work:
            lost = await at_work.lost(is_placed=True)
            name = lost.call_id if told_by == "custom" else platforms_id(at_work, lost)
            if is_before:
                await tell(at_work, name)
                case = at_work.recovery.take(lost)
            else:
                case = at_work.recovery.take(lost)
                await moment(20.0)
                assert at_work.desk.reads == []
                await tell(at_work, name)
            began = at_work.desk.time.monotonic()
            word, when = await verdict(case)
            assert word == "found"
            assert when - began < EARLY

    in_virtual_time(main())


def test_what_was_told_to_an_earlier_run_is_looked_at_as_the_next_one_begins(tmp_path: Path) -> None:
    async def main() -> None:
        async with looking(tmp_path, Time(), call_seconds=5000.0) as at_work:
            lost = await at_work.lost(is_placed=True)
            await at_work.ledger.keep("trace", "CallHandler.CallStarted", lost.call_id, "{}")
            word, when = await verdict(at_work.recovery.take(lost))
            assert (word, when < EARLY) == ("found", True)

    in_virtual_time(main())


def test_a_call_that_only_the_id_of_a_webhook_leads_to_is_found(tmp_path: Path) -> None:
    """The list does not show it, our id finds nothing, nothing of ours is echoed: the number tells."""

    async def main() -> None:
        async with looking(tmp_path, Time(), lookup="platform", call_seconds=5000.0) as at_work:
            at_work.desk.unread = lambda path, query: HIDDEN if path == "/v1/calls/" else None
            at_work.desk.told = lambda record: no_echo(record) | {"call_id": None}
            lost = await at_work.lost(is_placed=True)
            case = at_work.recovery.take(lost)
            await moment(1.0)
            await tell(at_work, platforms_id(at_work, lost))
            word, when = await verdict(case)
            assert (word, when < EARLY) == ("found", True)

    in_virtual_time(main())


def test_a_call_that_is_told_by_our_id_is_asked_for_by_it(tmp_path: Path) -> None:
    """Whatever the list shows."""

    async def main() -> None:
        async with looking(tmp_path, Time(), lookup="custom", call_seconds=5000.0) as at_work:
            at_work.desk.unread = lambda path, query: HIDDEN if path == "/v1/calls/" else None
            lost = await at_work.lost(is_placed=True)
            case = at_work.recovery.take(lost)
            await tell(at_work, lost.call_id)
            word, when = await verdict(case)
            assert (word, when < EARLY) == ("found", True)

    in_virtual_time(main())


def test_a_call_is_found_that_was_asked_for_before_its_attempt_was_lost(tmp_path: Path) -> None:
    """Its webhook came while the answer to the dial was still awaited, and another attempt was looked up."""

    async def main() -> None:
        async with looking(tmp_path, Time(), lookup="platform", call_seconds=5000.0) as at_work:
            at_work.desk.unread = lambda path, query: HIDDEN if path == "/v1/calls/" else None
            at_work.recovery.take(await at_work.lost())
            later = await at_work.lost(is_placed=True)
            await tell(at_work, platforms_id(at_work, later))
            await moment(3.0)
            asked = calls_asked_for(at_work).count(platforms_id(at_work, later))
            word, when = await verdict(at_work.recovery.take(later))
            assert (asked, word) == (1, "found")
            assert when < 10.0

    in_virtual_time(main())


def test_a_call_that_can_be_shown_only_after_it_was_told_of_is_found(tmp_path: Path) -> None:
    async def main() -> None:
        async with looking(tmp_path, Time(), lookup="platform", call_seconds=5000.0) as at_work:
            at_work.desk.unread = lambda path, query: HIDDEN if path == "/v1/calls/" else answer(404)
            lost = await at_work.lost(is_placed=True)
            case = at_work.recovery.take(lost)
            await tell(at_work, platforms_id(at_work, lost))
            await moment(30.0)
            at_work.desk.unread = lambda path, query: HIDDEN if path == "/v1/calls/" else None
            word, when = await verdict(case)
            assert word == "found"
            assert when == pytest.approx(HOLD, abs=2.0)

    in_virtual_time(main())


def test_the_first_call_of_a_flood_is_found_though_many_were_told_of_since(tmp_path: Path) -> None:
    async def main() -> None:
        async with looking(tmp_path, Time(), call_seconds=5000.0) as at_work:
            at_work.desk.unread = lambda path, query: HIDDEN if path == "/v1/calls/" else None
            lost = await at_work.lost(is_placed=True)
            await at_work.ledger.keep("ours", "CallHandler.CallStarted", platforms_id(at_work, lost), "{}")
            for n in range(120):
                await moment(0.001)
                await at_work.ledger.keep(f"{n}", "CallHandler.CallStarted", f"stranger-{n}", "{}")
            case = at_work.recovery.take(lost)
            for n in range(3):
                await moment(3.0)
                await tell(at_work, f"another-{n}")
            word, when = await verdict(case)
            assert (word, when < 12.0) == ("found", True)

    in_virtual_time(main())


# --- never absent ---------------------------------------------------------------------------------


def test_a_call_that_a_webhook_told_of_is_never_believed_absent(tmp_path: Path) -> None:
    """Its record may be gone, or come late: the person was rung all the same."""

    async def main() -> None:
        async with looking(tmp_path, Time()) as at_work:
            for way in Way:
                at_work.prove(way)
            lost = await at_work.lost()
            case = at_work.recovery.take(lost)
            await tell(at_work, lost.call_id)
            assert (await verdict(case, 3600.0))[0] == "nothing"
            assert case.answered.is_set()
            assert at_work.looks() == 0

    in_virtual_time(main())


def test_told_by_the_platforms_id_it_is_not_believed_absent_either(tmp_path: Path) -> None:
    async def main() -> None:
        async with looking(tmp_path, Time()) as at_work:
            for way in Way:
                at_work.prove(way)
            lost = replace(await at_work.lost(), platform_id="66f1c0ffee")
            case = at_work.recovery.take(lost)
            await tell(at_work, "66f1c0ffee")
            assert (await verdict(case, 3600.0))[0] == "nothing"

    in_virtual_time(main())


def test_what_is_told_of_others_does_not_keep_an_absence_from_being_believed(tmp_path: Path) -> None:
    async def main() -> None:
        async with looking(tmp_path, Time()) as at_work:
            at_work.prove()
            case = at_work.recovery.take(await at_work.lost())
            await tell(at_work, "somebody-elses")
            word, when = await verdict(case)
            assert word == "absent"
            assert when >= HOLD + 15.0
            assert at_work.looks() == 2

    in_virtual_time(main())


def test_an_early_look_that_finds_nothing_is_none_of_the_two(tmp_path: Path) -> None:
    async def main() -> None:
        async with looking(tmp_path, Time()) as at_work:
            at_work.prove()
            case = at_work.recovery.take(await at_work.lost())
            for n in range(10):
                await tell(at_work, f"stranger-{n}")
                await moment(5.0)
            assert (case.looks, case.tries, at_work.looks()) == (0, 0, 0)
            assert not case.answered.is_set()

    in_virtual_time(main())


# --- what it costs --------------------------------------------------------------------------------


def test_nothing_is_asked_early_where_nothing_was_told(tmp_path: Path) -> None:
    async def main() -> None:
        async with looking(tmp_path, Time()) as at_work:
            for _ in range(3):
                at_work.recovery.take(await at_work.lost())
            await moment(HOLD - 2.0)
            assert at_work.desk.reads == []

    in_virtual_time(main())


def test_nobody_is_asked_where_nothing_is_lost(tmp_path: Path) -> None:
    async def main() -> None:
        async with looking(tmp_path, Time()) as at_work:
            for n in range(100):
                await tell(at_work, f"stranger-{n}")
            await moment(60.0)
            assert at_work.desk.reads == []

    in_virtual_time(main())


def other_call(at_work: Looking, n: int) -> str:
    """A call that another program of the account has placed."""
    body: dict[str, Any] = {"from_number": "+14155550199", "to_number": number(500 + n), "direction": "outbound"}
    at_work.desk.place(body)
    return at_work.desk.rings[-1].platform_id


def test_calls_of_others_are_asked_for_once_and_the_list_is_left_alone(tmp_path: Path) -> None:
    async def main() -> None:
        async with looking(tmp_path, Time(), call_seconds=5000.0) as at_work:
            case = at_work.recovery.take(await at_work.lost())
            others = [other_call(at_work, n) for n in range(20)]
            for _ in range(3):  # it begins, it ends, it is analysed
                for other in others:
                    await tell(at_work, other)
                    await moment(1.0)
            assert sorted(calls_asked_for(at_work)) == sorted(others)
            assert len(at_work.desk.reads) == len(others)
            assert not case.verdict.done()

    in_virtual_time(main())


def test_a_flood_of_webhooks_for_calls_that_cannot_be_shown_costs_a_look_each_two_seconds(tmp_path: Path) -> None:
    async def main() -> None:
        async with looking(tmp_path, Time()) as at_work:
            at_work.recovery.take(await at_work.lost())
            for n in range(300):
                await tell(at_work, f"stranger-{n}")
                await moment(0.1)
            lists = [target for _, target in at_work.desk.reads if target.startswith("/v1/calls/?")]
            assert 10 <= len(lists) <= 17
            assert len(calls_asked_for(at_work)) <= 300

    in_virtual_time(main())


def test_a_platform_that_fails_is_not_asked_for_one_stranger_after_the_other(tmp_path: Path) -> None:
    async def main() -> None:
        async with looking(tmp_path, Time()) as at_work:
            at_work.desk.unread = lambda path, query: answer(503)
            at_work.recovery.take(await at_work.lost())
            for n in range(50):
                await tell(at_work, f"stranger-{n}")
            await moment(5.0)
            assert 1 <= len(calls_asked_for(at_work)) <= 3

    in_virtual_time(main())


def test_a_webhook_that_comes_right_after_a_look_is_not_forgotten(tmp_path: Path) -> None:
    async def main() -> None:
        async with looking(tmp_path, Time(), call_seconds=5000.0) as at_work:
            case = at_work.recovery.take(await at_work.lost())
            await tell(at_work, other_call(at_work, 1))
            await until(lambda: len(at_work.desk.reads) == 1, 10.0)
            at_work.desk.place(dial_of(case.attempt))
            await tell(at_work, at_work.desk.rings[-1].platform_id)
            word, when = await verdict(case)
            assert (word, when < 2 * EARLY) == ("found", True)

    in_virtual_time(main())
