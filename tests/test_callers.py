"""Own numbers while a run goes on: how often each is shown, which rest, and who is held without one."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from dialer.callers import Callers
from dialer.errors import ExitCode
from dialer.model import CallerId, Campaign, Candidate, Refusal, StopCause
from dialer.model.turns import AnyTime
from dialer.policy.callerid import NoCaller
from tests.attempt_kit import PEOPLE, Trying, over, trying
from tests.desk import Fault, answer, desk
from tests.engine_kit import OWN, campaign, heart, looked_up, open_ledger
from tests.simulator_kit import Hand
from tests.virtual_time import Time, in_virtual_time, moment

OTHER = "+14155550101"
BOTH = (CallerId(OWN), CallerId(OTHER))


def showing(*callers: CallerId, rotates: bool = False) -> Any:
    """A campaign with these own numbers."""

    def change(rules: Campaign) -> Campaign:
        numbers = tuple(caller.number for caller in callers)
        call = replace(rules.call, from_numbers=numbers, callers=callers, rotates=rotates)
        return replace(rules, call=call)

    return change


def refusing(made: Trying, *numbers: str, status: int = 422) -> Fault:
    """The platform refuses these own numbers."""
    said: Any = {"detail": [{"loc": ["body", "from_number"], "msg": "not yours", "type": "value_error"}]}
    if status == 400:
        said = {"message": "from_number is not yours"}

    async def fault(body: dict[str, Any]) -> bytes | None:
        return answer(status, said) if body["from_number"] in numbers else None

    return fault


def dialled_from(at_work: Trying) -> list[str]:
    return [body["from_number"] for _, body in at_work.desk.posts]


# --- in a run --------------------------------------------------------------------------------------


def test_each_of_the_own_numbers_is_shown_and_brings_its_agent(tmp_path: Path) -> None:
    async def main() -> None:
        callers = (CallerId(OWN, agent="one"), CallerId(OTHER))
        async with trying(tmp_path, Time(), showing(*callers)) as at_work:
            for _ in PEOPLE:
                await at_work.carry_out()
            agents = {(body["from_number"], body.get("override_ai_agent_id")) for _, body in at_work.desk.posts}
            assert agents == {(OWN, "one"), (OTHER, None)}

    in_virtual_time(main())


def test_the_agent_of_an_own_number_goes_before_the_campaigns(tmp_path: Path) -> None:
    async def main() -> None:
        def change(rules: Campaign) -> Campaign:
            shown: Campaign = showing(CallerId(OWN, agent="one"))(rules)
            call = replace(shown.call, agent="all")
            return replace(shown, call=call)

        async with trying(tmp_path, Time(), change) as at_work:
            await at_work.carry_out()
            assert at_work.desk.posts[0][1]["override_ai_agent_id"] == "one"

    in_virtual_time(main())


@pytest.mark.parametrize("status", [422, 400])
def test_a_refused_number_rests_and_the_person_is_called_from_another(tmp_path: Path, status: int) -> None:
    async def main() -> None:
        said: list[str] = []
        async with trying(tmp_path, Time(), showing(*BOTH), tell=said.append) as at_work:
            at_work.desk.always = refusing(at_work, OWN, status=status)
            for _ in range(3 * len(PEOPLE)):
                if not await at_work.ledger.due(at_work.campaign_id, 1):
                    await moment(5.0)
                    continue
                await at_work.carry_out()
            assert dialled_from(at_work).count(OWN) == 1
            assert all(at_work.contact(person)[0] == "done" for person in PEOPLE)
            assert len(said) == 1
            assert said[0].startswith(f"the own number {OWN} is refused by Verbex, and rests until ")

    in_virtual_time(main())


def test_where_all_own_numbers_are_refused_the_campaign_stops_and_nobody_is_lost(tmp_path: Path) -> None:
    async def main() -> None:
        async with trying(tmp_path, Time(), showing(*BOTH)) as at_work:
            at_work.desk.always = refusing(at_work, OWN, OTHER)
            stops: list[StopCause] = []
            while not stops:
                result = await at_work.carry_out()
                stops += [result.stop] if result.stop is not None else []
            assert stops[0].code is ExitCode.FILE
            assert "from_number" in stops[0].sentence
            assert len(at_work.desk.posts) == 2
            assert {at_work.contact(person)[0] for person in PEOPLE} == {"due"}

    in_virtual_time(main())


def test_one_refused_number_of_two_costs_nobody_an_attempt(tmp_path: Path) -> None:
    async def main() -> None:
        async with trying(tmp_path, Time(), showing(*BOTH)) as at_work:
            at_work.desk.always = refusing(at_work, OWN)
            results = [await at_work.carry_out() for _ in PEOPLE]
            refused = [result for result in results if result.refusal is not None]
            assert [one.refusal.refusal for one in refused if one.refusal] == [Refusal.CALLER_ID]
            assert all(result.decision is not None and not result.decision.costs for result in refused)

    in_virtual_time(main())


class InGeorgia(AnyTime):
    """Everybody is there."""

    def places_of(self, candidate: Candidate) -> tuple[str, ...]:
        return ("US", "US-GA")


def test_whom_no_own_number_is_meant_for_is_not_dialled(tmp_path: Path) -> None:
    async def main() -> None:
        callers = (CallerId(OWN, frozenset({"US-FL"})),)
        async with trying(tmp_path, Time(), showing(*callers), turns=InGeorgia()) as at_work:
            result = await at_work.carry_out()
            assert result.placed_nobody
            assert at_work.desk.posts == []
            assert at_work.contact()[:2] == ("excluded", "held:no_caller_id")
            told = looked_up(at_work.ledger.path, "SELECT event, detail FROM events ORDER BY id DESC LIMIT 1")
            assert told == [("held_back", "no own number is meant for US, US-GA")]

    in_virtual_time(main())


def test_whoever_is_too_many_for_a_day_waits_until_the_next_one(tmp_path: Path) -> None:
    async def main() -> None:
        async with trying(tmp_path, Time(), showing(CallerId(OWN, per_day=2))) as at_work:
            for _ in range(3):
                await at_work.carry_out()
            assert len(at_work.desk.posts) == 2
            query = "SELECT state, detail, due_at FROM contacts WHERE detail LIKE 'held%'"
            assert looked_up(at_work.ledger.path, query) == [
                ("waiting", "held:no_caller_id", "2026-11-23T00:00:00.000Z")
            ]

    in_virtual_time(main())


def test_another_run_knows_how_often_a_number_was_shown_today(tmp_path: Path) -> None:
    async def main() -> None:
        async with trying(tmp_path, Time(), showing(CallerId(OWN, per_day=2))) as at_work:
            await at_work.carry_out()
            at_work.attempts._own._callers = Callers(at_work.desk.time.clock)  # as a run finds it that begins now
            await at_work.carry_out()
            await at_work.carry_out()
            assert len(at_work.desk.posts) == 2
            at_work.desk.time.jump = 86400.0
            await at_work.carry_out()
            assert len(at_work.desk.posts) == 3

    in_virtual_time(main())


def test_who_was_not_rung_has_not_used_a_number_up(tmp_path: Path) -> None:
    async def main() -> None:
        async with trying(tmp_path, Time(), showing(CallerId(OWN, per_day=1))) as at_work:
            at_work.desk.faults = [refusing_the_person]
            await at_work.carry_out()
            await at_work.carry_out()
            assert at_work.contact(PEOPLE[1])[0] == "done"
            assert await at_work.ledger.used_today([OWN]) == {OWN: 1}

    in_virtual_time(main())


async def refusing_the_person(_: dict[str, Any]) -> bytes:
    return answer(422, {"detail": [{"loc": ["body", "to_number"], "msg": "no", "type": "value_error"}]})


@pytest.mark.parametrize("rotates", [False, True])
def test_a_retry_shows_the_same_number_unless_told_otherwise(tmp_path: Path, rotates: bool) -> None:
    async def main() -> None:
        async with trying(tmp_path, Time(), showing(*BOTH, rotates=rotates)) as at_work:
            seen: dict[str, list[str]] = {person: [] for person in PEOPLE[:2]}
            for _ in range(2):
                for _ in PEOPLE:
                    due = (await at_work.ledger.due(at_work.campaign_id, 1))[0]
                    at_work.attempts._end_of = busy
                    await at_work.carry_out()
                    seen.setdefault(due.person, []).append(dialled_from(at_work)[-1])
                at_work.desk.time.jump += 2 * 3600.0
            assert all(len(set(numbers)) == (2 if rotates else 1) for numbers in seen.values())
            assert {numbers[0] for numbers in seen.values()} == {OWN, OTHER}

    in_virtual_time(main())


async def busy(attempt: Any, longest: float, line: Any) -> Any:
    return over(attempt, "line_busy")


def test_a_number_that_somebody_saw_is_shown_again_although_their_own_choice_has_rested(tmp_path: Path) -> None:
    async def main() -> None:
        time = Time()
        callers = Callers(time.clock)
        async with trying(tmp_path, time, showing(*BOTH), callers=callers) as at_work:
            first = (await at_work.ledger.due(at_work.campaign_id, 1))[0]
            chosen = callers.choose(BOTH, (), first.person, None, rotates=False)
            assert isinstance(chosen, CallerId)
            callers.refused(chosen.number)
            at_work.attempts._end_of = busy
            await at_work.carry_out()
            at_work.desk.time.jump = 2 * 3600.0  # by then the rest is over
            again = (await at_work.ledger.due(at_work.campaign_id, 20, first.person))[0]
            await at_work.attempts.carry_out(again, at_work.line())
            assert dialled_from(at_work) == [dialled_from(at_work)[0]] * 2
            assert dialled_from(at_work)[0] != chosen.number

    in_virtual_time(main())


def test_a_whole_run_goes_on_with_the_number_that_is_left_and_says_so(tmp_path: Path) -> None:
    """The platform refuses one of two numbers, and lists none, so that only a dial can tell."""

    async def main() -> None:
        time = Time()
        async with desk(time, own_numbers=(OWN,)) as verbex, open_ledger(tmp_path, time) as ledger:
            rules = campaign(tmp_path, verbex.url, PEOPLE, own=(OWN, OTHER))
            async with heart(rules, verbex, ledger) as run:
                await run.engine.run()
            assert set(run.states().values()) == {"done"}
            assert run.engine.stopped is None
            assert {ring.from_number for ring in verbex.rings} == {OWN}
            said = [sentence for event, sentence in run.said if event == "caller_id_rests"]
            assert said == [f"the own number {OTHER} is refused by Verbex, and rests until 2026-11-22 15:00 UTC"]

    in_virtual_time(main())


# --- by themselves ---------------------------------------------------------------------------------


def callers_by(hand: Hand) -> Callers:
    return Callers(hand.clock())


async def test_numbers_without_a_limit_are_not_counted_in_the_ledger() -> None:
    async def used(_: Iterable[str]) -> dict[str, int]:
        raise AssertionError("nobody needs to know")

    await callers_by(Hand()).know(BOTH, used)


async def test_the_ledger_is_asked_once_for_each_number() -> None:
    asked: list[list[str]] = []

    async def used(numbers: Iterable[str]) -> dict[str, int]:
        asked.append(list(numbers))
        return {OWN: 3}

    own = callers_by(Hand())
    three = CallerId(OWN, per_day=3)
    await own.know([three], used)
    await own.know([three, CallerId(OTHER, per_day=1)], used)
    assert asked == [[OWN], [OTHER]]
    assert isinstance(own.choose([three], (), "ann", None, rotates=False), NoCaller)


async def test_a_new_day_begins_at_midnight_utc() -> None:
    hand = Hand()
    own, one = callers_by(hand), [CallerId(OWN, per_day=1)]
    assert isinstance(own.choose(one, (), "ann", None, rotates=False), CallerId)
    found = own.choose(one, (), "bob", None, rotates=False)
    assert isinstance(found, NoCaller)
    assert found.until is not None
    hand.at = found.until - timedelta(seconds=1)
    assert isinstance(own.choose(one, (), "bob", None, rotates=False), NoCaller)
    hand.at = found.until
    assert isinstance(own.choose(one, (), "bob", None, rotates=False), CallerId)


async def test_a_number_that_fails_far_oftener_than_the_others_is_told_once() -> None:
    own = callers_by(Hand())
    said = [own.ended(OTHER, "user_ended_call") for _ in range(20)]
    said += [own.ended(OWN, "call_failed") for _ in range(25)]
    assert [sentence for sentence in said if sentence] == [
        f"the own number {OWN} fails far more often than the others, and rests until 2026-11-22 15:00 UTC"
    ]
    assert not own.all_rest(BOTH)
    assert own.all_rest(BOTH[:1])


def test_what_is_counted_is_what_rang_today(tmp_path: Path) -> None:
    async def main() -> None:
        async with trying(tmp_path, Time(), showing(*BOTH)) as at_work:
            for _ in PEOPLE:
                await at_work.carry_out()
            today = await at_work.ledger.used_today([OWN, OTHER, "+14155559999"])
            assert sum(today.values()) == len(PEOPLE)
            assert set(today) == {OWN, OTHER}
            at_work.desk.time.jump = 10 * 3600.0  # the next day
            assert await at_work.ledger.used_today([OWN, OTHER]) == {}
            assert json.dumps(today)

    in_virtual_time(main())
