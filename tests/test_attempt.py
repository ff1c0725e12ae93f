"""One attempt: that nothing is sent that must not be, and how one goes on that an earlier run has left."""

from __future__ import annotations

import asyncio
import hashlib
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from dialer.attempt import CALL_ID_KEY, INTENT_HOLDS, called, request_for
from dialer.errors import LedgerError
from dialer.ledger import Passed
from dialer.model import Attempt, AttemptState, CallRules, ListRules, Refusal
from tests.attempt_kit import PEOPLE, over, record, trying
from tests.engine_kit import OWN, begun, campaign, placed, the_due, unknown, with_people
from tests.ledger_kit import rows_of
from tests.virtual_time import Time, in_virtual_time

# --- before the dial ------------------------------------------------------------------------------


def test_an_intent_that_was_not_written_is_not_sent(tmp_path: Path) -> None:
    async def main() -> None:
        async with trying(tmp_path, Time()) as at_work:
            candidate = await the_due(at_work.ledger, at_work.campaign_id)
            await at_work.ledger.pause("reminders", "pause", "lunch", None, "me")
            assert (await at_work.carry_out()).passed is Passed.PAUSED
            await at_work.ledger.pause("reminders", "resume", "", None, "me")
            await at_work.attempts.carry_out(candidate, at_work.line())
            assert (await at_work.attempts.carry_out(candidate, at_work.line())).passed is Passed.CHANGED
            assert len(at_work.desk.posts) == 1

    in_virtual_time(main())


def test_what_is_sent_is_what_the_ledger_has_the_hash_of(tmp_path: Path) -> None:
    async def main() -> None:
        async with trying(tmp_path, Time()) as at_work:
            await at_work.carry_out()
            (_, sent), *_ = at_work.desk.posts
            written = json.dumps(sent, sort_keys=True, separators=(",", ":")).encode()
            kept = rows_of(at_work.ledger.path, "SELECT payload_hash FROM attempts")
            assert kept == [{"payload_hash": hashlib.sha256(written).hexdigest()}]

    in_virtual_time(main())


def test_a_number_that_is_live_in_another_campaign_is_left_alone(tmp_path: Path) -> None:
    async def main() -> None:
        async with trying(tmp_path, Time()) as at_work:
            other = campaign(tmp_path, at_work.desk.url, name="other")
            other_id = await with_people(at_work.ledger, other, PEOPLE[:1])
            await begun(at_work.ledger, other, other_id)
            assert (await at_work.carry_out()).passed is Passed.NUMBER_LIVE
            assert at_work.contact()[0] == "due"
            assert at_work.desk.posts == []

    in_virtual_time(main())


def test_nothing_is_sent_once_the_run_stops(tmp_path: Path) -> None:
    async def main() -> None:
        async with trying(tmp_path, Time()) as at_work:
            at_work.is_stopping = True
            result = await at_work.carry_out()
            assert result.refusal is not None and result.refusal.refusal is Refusal.EXPIRED
            assert at_work.desk.posts == []
            assert at_work.contact()[0] == "due"
            assert at_work.attempt()[:3] == ("refused", 0, 1)

    in_virtual_time(main())


@pytest.mark.parametrize(("late", "sent"), [(29.0, 1), (30.0, 0), (86400.0, 0)])
def test_an_intent_that_has_grown_old_is_not_sent(tmp_path: Path, late: float, sent: int) -> None:
    async def main() -> None:
        time = Time()
        async with trying(tmp_path, time) as at_work:

            def is_stopping() -> bool:
                time.jump += late  # the last moment before the send
                return False

            at_work.attempts._is_stopping = is_stopping
            await at_work.carry_out()
            assert len(at_work.desk.posts) == sent

    in_virtual_time(main())


@pytest.mark.parametrize(("late", "sent"), [(4.0, 1), (5.0, 0)])
def test_an_intent_is_not_sent_once_the_person_s_time_is_over(tmp_path: Path, late: float, sent: int) -> None:
    async def main() -> None:
        time = Time()
        async with trying(tmp_path, time) as at_work:

            def is_stopping() -> bool:
                time.jump += late
                return False

            at_work.attempts._is_stopping = is_stopping
            found = await the_due(at_work.ledger, at_work.campaign_id)
            ends = time.clock.now() + timedelta(seconds=5)
            candidate = replace(found, history=replace(found.history, expires_at=ends))
            await at_work.attempts.carry_out(candidate, at_work.line())
            assert len(at_work.desk.posts) == sent

    in_virtual_time(main())


def test_a_ledger_that_cannot_be_written_lets_nothing_be_sent(tmp_path: Path) -> None:
    async def main() -> None:
        async with trying(tmp_path, Time()) as at_work:
            candidate = await the_due(at_work.ledger, at_work.campaign_id)
            at_work.ledger._connection.execute("PRAGMA query_only = 1")
            with pytest.raises(LedgerError):
                await at_work.attempts.carry_out(candidate, at_work.line())
            at_work.ledger._connection.execute("PRAGMA query_only = 0")
            assert at_work.desk.posts == []

    in_virtual_time(main())


@pytest.mark.parametrize("steps", range(12))
def test_cancelled_at_any_step_it_leaves_what_a_next_run_can_ask_about(tmp_path: Path, steps: int) -> None:
    """Whatever was sent has an intent, placed or open; whoever was not sent to is due or open."""

    async def main() -> None:
        async with trying(tmp_path, Time()) as at_work:
            task = asyncio.create_task(at_work.carry_out())
            for _ in range(steps * 3):
                await asyncio.wait({task}, timeout=0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            state, open_ones = at_work.contact()[0], await at_work.ledger.open_attempts(at_work.campaign_id)
            assert (state in ("dialing", "unknown")) == (len(open_ones) == 1)
            assert state in ("due", "dialing", "done")
            if at_work.desk.posts and state != "done":
                assert open_ones[0].call_id == at_work.desk.posts[0][1]["call_id"]

    in_virtual_time(main())


# --- going on with what an earlier run left -------------------------------------------------------


@pytest.mark.parametrize(
    ("later", "held_for"),
    [(1.0, 120.0), (29.0, 120.0), (60.0, 100.0), (1000.0, -840.0), (-600.0, 120.0)],
)
def test_an_intent_that_was_left_is_held_from_the_last_moment_at_which_it_can_have_been_sent(
    tmp_path: Path, later: float, held_for: float
) -> None:
    async def main() -> None:
        time = Time()
        async with trying(tmp_path, time) as at_work:
            left = await begun(at_work.ledger, at_work.rules, at_work.campaign_id)
            time.jump += later
            held: list[Attempt] = []
            at_work.word = lambda attempt: held.append(attempt)
            result = await at_work.resume(left)
            assert held[0].held_until is not None
            seconds = (held[0].held_until - time.clock.now()).total_seconds()
            assert seconds == pytest.approx(held_for, abs=0.1)
            assert result.refusal is not None and result.refusal.refusal is Refusal.ABSENT
            assert at_work.contact()[0] == "due"
            assert at_work.desk.posts == []

    in_virtual_time(main())


@pytest.mark.parametrize("is_over", [True, False])
def test_an_unknown_whose_call_is_found_goes_on_as_if_nothing_had_been(tmp_path: Path, is_over: bool) -> None:
    async def main() -> None:
        async with trying(tmp_path, Time()) as at_work:
            left = await unknown(at_work.ledger, at_work.rules, at_work.campaign_id, 1.0)
            at_work.word = lambda attempt: over(attempt, "no_answer") if is_over else record(attempt)
            await at_work.resume(left)
            assert at_work.contact()[::2] == (("waiting", 1) if is_over else ("done", 1))
            assert len(at_work.waited) == (0 if is_over else 1)
            assert at_work.desk.posts == []

    in_virtual_time(main())


@pytest.mark.parametrize(("age", "longest"), [(0.0, 3600.0), (600.0, 3000.0), (7200.0, 10.0)])
def test_a_call_that_was_left_live_is_awaited_for_the_rest_of_its_longest_time(
    tmp_path: Path, age: float, longest: float
) -> None:
    async def main() -> None:
        async with trying(tmp_path, Time()) as at_work:
            left = await placed(at_work.desk, at_work.ledger, at_work.rules, at_work.campaign_id)
            at_work.desk.time.jump += age
            await at_work.resume(left)
            assert at_work.waited == [pytest.approx(longest, abs=1.0)]
            assert at_work.contact()[0] == "done"

    in_virtual_time(main())


def test_whoever_was_cancelled_meanwhile_is_not_dialled_again(tmp_path: Path) -> None:
    async def main() -> None:
        async with trying(tmp_path, Time()) as at_work:
            left = await unknown(at_work.ledger, at_work.rules, at_work.campaign_id, 1.0)
            await at_work.ledger.pause("reminders", "cancel", "", None, "me")
            await at_work.resume(left)
            assert at_work.contact()[:2] == ("excluded", "cancelled")

    in_virtual_time(main())


# --- what is sent ---------------------------------------------------------------------------------


def test_a_request_says_what_the_campaign_asks_for_and_nothing_of_the_person_in_its_id() -> None:
    rules = replace(
        campaign(Path("/tmp"), "http://x"),  # noqa: S108 - nothing of it is read
        call=CallRules((OWN,), agent_column="agent", data=("*",), metadata=("crm", "note")),
    )
    row = {"phone": PEOPLE[0], "crm": 7, "note": None, "agent": " a1", "name": "Ann", "sums": {"due": 1.5}}
    request = request_for(rules, "ann", PEOPLE[0], json.dumps(row), 3, b"secret")
    assert request.agent == " a1"
    assert request.metadata == {"crm": "7", "note": "", CALL_ID_KEY: request.call_id}
    assert request.data == {"name": "Ann", "sums": {"due": 1.5}}
    assert "ann" not in request.call_id
    again = request_for(rules, "ann", PEOPLE[0], json.dumps(row), 3, b"secret")
    assert again == request
    assert request_for(rules, "ann", PEOPLE[0], json.dumps(row), 4, b"secret").call_id != request.call_id
    assert request_for(rules, "ann", PEOPLE[0], json.dumps(row | {"agent": None}), 3, b"secret").agent is None


@pytest.mark.parametrize(
    ("data", "metadata", "expected"),
    [
        ((), (), ([], [])),
        (("*",), (), (["name", "city", "crm"], [])),
        (("*",), ("crm",), (["name", "city"], ["crm"])),
        (("city", "*"), ("*",), (["city", "name", "crm"], ["name", "crm"])),
    ],
)
def test_a_star_stands_for_the_columns_that_have_no_other_use(
    data: tuple[str, ...], metadata: tuple[str, ...], expected: tuple[list[str], list[str]]
) -> None:
    columns = dict.fromkeys(("phone", "id", "tz", "agent", "name", "city", "crm"), "x")
    rules = ListRules((), id="id", timezone="tz")
    assert called(rules, CallRules((OWN,), agent_column="agent", data=data, metadata=metadata), columns) == expected


def test_an_intent_holds_half_a_minute() -> None:
    assert timedelta(seconds=30) == INTENT_HOLDS
    assert AttemptState.INTENDED in AttemptState
