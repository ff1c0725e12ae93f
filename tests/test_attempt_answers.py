"""What each answer to a dial makes of the attempt and of its contact."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from dialer.errors import ExitCode
from dialer.lines import Line
from dialer.model import Attempt, CallerId, CallRecord, Refusal
from tests.attempt_kit import FULL, PEOPLE, Trying, over, record, trying
from tests.desk import RESET, Fault, answer, body_of, saying
from tests.engine_kit import OWN, looked_up
from tests.virtual_time import Time, in_virtual_time

# --- answers to a dial ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "contact", "attempt", "refusal"),
    [
        (saying(429), "due", ("refused", 0, 1), Refusal.TOO_MANY),
        (saying(429, {"error": FULL}), "due", ("refused", 0, 1), Refusal.ACCOUNT_FULL),
        (saying(403, {"error": FULL}), "due", ("refused", 0, 1), Refusal.ACCOUNT_FULL),
        (saying(400, {"message": "no"}), "excluded", ("refused", 0, 0), Refusal.REJECTED),
        (saying(413), "excluded", ("refused", 0, 0), Refusal.REJECTED),
        (saying(422, {"detail": []}), "excluded", ("refused", 0, 0), Refusal.REJECTED),
        (saying(401), "due", ("refused", 0, 0), Refusal.KEY),
        (saying(403), "due", ("refused", 0, 0), Refusal.KEY),
        (saying(402), "due", ("refused", 0, 0), Refusal.PAYMENT),
        (saying(404), "due", ("refused", 0, 0), Refusal.NO_SUCH_PATH),
        (saying(405), "due", ("refused", 0, 0), Refusal.NO_SUCH_PATH),
        (saying(415), "due", ("refused", 0, 0), Refusal.NO_SUCH_PATH),
    ],
)
def test_an_answer_that_proves_that_nobody_was_rung_costs_nothing(
    tmp_path: Path, fault: Fault, contact: str, attempt: tuple[Any, ...], refusal: Refusal
) -> None:
    async def main() -> None:
        async with trying(tmp_path, Time()) as at_work:
            at_work.desk.faults = [fault]
            result = await at_work.carry_out()
            assert result.refusal is not None
            assert result.refusal.refusal is refusal
            assert at_work.contact()[0] == contact
            assert at_work.contact()[2] == 0
            assert at_work.attempt()[:3] == attempt
            stops = refusal in (Refusal.KEY, Refusal.PAYMENT, Refusal.NO_SUCH_PATH)
            assert (result.stop is not None) == stops

    in_virtual_time(main())


async def _reset(_: dict[str, Any]) -> bytes:
    return RESET


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        *((saying(status), None) for status in (408, 409, 418, 500, 502, 503, 504)),
        (_reset, None),
        (saying(200, "no call"), None),
        (saying(307, None, "Location: https://elsewhere"), ExitCode.LOOK_FIRST),
        (saying(201, {"call_status": "registered"}), None),
        (
            saying(
                201,
                {"call_status": "registered", "from_number": OWN, "to_number": PEOPLE[7], "direction": "outbound"},
            ),
            ExitCode.LOOK_FIRST,
        ),
    ],
)
def test_any_other_answer_is_held_before_anything_else_happens(
    tmp_path: Path, fault: Fault, code: ExitCode | None
) -> None:
    async def main() -> None:
        async with trying(tmp_path, Time()) as at_work:
            at_work.desk.faults = [fault]
            held: list[Attempt] = []

            def word(attempt: Attempt) -> CallRecord | None:
                held.append(attempt)
                assert at_work.contact()[0] == at_work.attempt()[0] == "unknown"
                return record(attempt)

            at_work.word = word
            before = at_work.desk.time.clock.now()
            result = await at_work.carry_out()
            if code is not None:
                assert result.stop is not None and result.stop.code is code
                assert (at_work.contact()[0], held) == ("unknown", [])
                return
            assert held[0].held_until is not None and held[0].held_until >= before + timedelta(seconds=120)
            assert at_work.contact()[0] == "done"
            assert len(at_work.desk.posts) == 1

    in_virtual_time(main())


@pytest.mark.parametrize(("fault", "serials"), [(saying(502), [1, 1]), (saying(409), [1, 2])])
def test_found_absent_is_dialled_again_under_the_same_id_unless_the_platform_knows_it(
    tmp_path: Path, fault: Fault, serials: list[int]
) -> None:
    async def main() -> None:
        async with trying(tmp_path, Time()) as at_work:
            at_work.desk.faults = [fault]
            result = await at_work.carry_out()
            assert result.refusal is not None and result.refusal.refusal is Refusal.ABSENT
            at_work.desk.time.jump += 60.0
            await at_work.carry_out()
            ids = [body["call_id"] for _, body in at_work.desk.posts]
            assert len(set(ids)) == len(set(serials))
            assert looked_up(at_work.ledger.path, "SELECT serial FROM contacts WHERE id = 1") == [(serials[-1],)]
            assert at_work.contact()[0] == "done"

    in_virtual_time(main())


@pytest.mark.parametrize(
    ("reason", "contact", "costs"),
    [("user_ended_call", "done", 1), ("no_answer", "waiting", 1), (FULL, "due", 0), (None, "waiting", 1)],
)
def test_a_call_that_is_over_in_its_own_answer_is_settled_at_once(
    tmp_path: Path, reason: str | None, contact: str, costs: int
) -> None:
    async def main() -> None:
        async with trying(tmp_path, Time()) as at_work:

            async def over(body: dict[str, Any]) -> bytes:
                told = body_of(at_work.desk.place(body))
                return answer(201, told | {"call_status": "error", "call_finish_reason": reason})

            at_work.desk.faults = [over]
            result = await at_work.carry_out()
            assert at_work.waited == []
            assert result.finish_reason == (reason or "error")
            assert (at_work.contact()[0], at_work.contact()[2]) == (contact, costs)
            assert at_work.attempt()[:3] == ("ended", costs, 0)

    in_virtual_time(main())


def test_a_call_that_is_placed_is_written_down_before_its_end_is_awaited(tmp_path: Path) -> None:
    async def main() -> None:
        async with trying(tmp_path, Time()) as at_work:
            seen: list[str] = []
            at_work.attempts._end_of = _noting(at_work, seen)
            await at_work.carry_out()
            assert seen == ["placed"]
            assert at_work.contact()[:3] == ("done", "user_ended_call", 1)

    in_virtual_time(main())


def _noting(at_work: Trying, seen: list[str]) -> Any:
    async def end_of(attempt: Attempt, longest: float, line: Line) -> CallRecord:
        seen.append(at_work.attempt()[0])
        return over(attempt)

    return end_of


def test_a_call_whose_end_is_never_told_is_unknown_and_looked_up(tmp_path: Path) -> None:
    async def main() -> None:
        async with trying(tmp_path, Time()) as at_work:
            seen: list[tuple[Any, ...]] = []

            def word(attempt: Attempt) -> CallRecord:
                seen.append(at_work.contact()[:3])
                return over(attempt)

            at_work.ends, at_work.word = [None], word
            await at_work.carry_out()
            assert at_work.waited == [pytest.approx(3600.0, abs=1.0)]
            assert seen == [("unknown", "its end was never told", 0)]
            assert at_work.contact()[0] == "done"

    in_virtual_time(main())


# --- rejections -----------------------------------------------------------------------------------


def rejecting(*fields: str) -> Fault:
    return saying(422, {"detail": [{"loc": ["body", name], "msg": "no", "type": "value_error"} for name in fields]})


def test_the_fifth_rejection_in_a_row_stops_the_campaign_and_burns_nobody(tmp_path: Path) -> None:
    async def main() -> None:
        async with trying(tmp_path, Time()) as at_work:
            at_work.desk.always = rejecting("metadata")
            results = [await at_work.carry_out() for _ in range(5)]
            assert [result.stop is not None for result in results] == [False] * 4 + [True]
            stop = results[-1].stop
            assert stop is not None and stop.code is ExitCode.FILE
            assert {at_work.contact(person)[0] for person in PEOPLE} == {"due"}

    in_virtual_time(main())


def test_a_call_that_is_placed_in_between_ends_the_row(tmp_path: Path) -> None:
    async def main() -> None:
        async with trying(tmp_path, Time()) as at_work:
            bad = rejecting("metadata")
            at_work.desk.faults = [bad] * 4 + [None] + [bad] * 3
            results = [await at_work.carry_out() for _ in range(8)]
            assert all(result.stop is None for result in results)
            states = [at_work.contact(person)[0] for person in PEOPLE]
            assert states == ["excluded"] * 4 + ["done"] + ["excluded"] * 3

    in_virtual_time(main())


@pytest.mark.parametrize(
    ("name", "change", "stops", "state"),
    [
        ("from_number", {}, True, "due"),
        ("from_number", {"from_numbers": (OWN, "+14155550101")}, False, "due"),
        ("override_ai_agent_id", {"agent": "a"}, True, "due"),
        ("override_ai_agent_id", {"agent_column": "agent"}, False, "excluded"),
        ("override_ai_agent_id", {"callers": (CallerId(OWN, agent="a"),)}, False, "excluded"),
        ("direction", {}, True, "due"),
        ("to_number", {}, False, "excluded"),
    ],
)
def test_a_rejected_field_that_is_the_same_for_all_stops_at_the_first(
    tmp_path: Path, name: str, change: dict[str, Any], stops: bool, state: str
) -> None:
    async def main() -> None:
        async with trying(
            tmp_path, Time(), lambda rules: replace(rules, call=replace(rules.call, **change))
        ) as at_work:
            at_work.desk.faults = [rejecting(name)]
            result = await at_work.carry_out()
            assert (result.stop is not None) == stops
            assert at_work.contact()[0] == state

    in_virtual_time(main())
