"""What other processes ask of a run through the spool: done once, answered, whatever else lies there."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from dialer.errors import UsageError
from dialer.ledger import Ledger, control
from dialer.ledger.control import beside
from dialer.model import RetryRules
from dialer.runner import requests
from tests.engine_kit import campaign, looked_up, number, open_ledger, unknown, with_people
from tests.policy_cases import rule_sets
from tests.virtual_time import Time, in_virtual_time, moment, running, until

LOST = number(0)
"""The one person, whose call is unknown."""


@dataclass
class Served:
    """A ledger whose requests are served, and the verbs that took effect."""

    ledger: Ledger
    done: list[str] = field(default_factory=list)

    def ask(self, verb: str, **facts: Any) -> str:
        return control.ask(self.ledger.path, verb, {"campaign": "reminders", "why": "", "who": "me"} | facts)


@contextlib.asynccontextmanager
async def served(folder: Path) -> AsyncIterator[Served]:
    time = Time()
    async with open_ledger(folder, time) as ledger:
        rules = campaign(folder, "http://x")
        await unknown(ledger, rules, await with_people(ledger, rules, [LOST]), 3600.0)
        made = Served(ledger)

        async def act(verb: str, facts: requests.Facts) -> str:
            sentence = await requests.carry_out(ledger, verb, facts, time.clock)
            made.done.append(verb)
            return sentence

        async with running(requests.serve(ledger, act, time.clock)) as serving:
            yield made
            assert not serving.done()


def test_a_request_takes_effect_within_a_second_and_is_answered(tmp_path: Path) -> None:
    async def main() -> None:
        async with served(tmp_path) as run:
            name = run.ask("pause", why="lunch")
            await moment(1.0)
            assert control.take_answer(run.ledger.path, name) == "reminders is paused; live calls run out"
            assert run.done == ["pause"]
            assert looked_up(run.ledger.path, "SELECT paused, paused_why FROM campaigns") == [("paused", "lunch")]

    in_virtual_time(main())


@pytest.mark.parametrize(
    ("verb", "facts"),
    [
        ("dance", {}),
        ("pause", {"campaign": "nobody"}),
        ("pause", {"until": "tomorrow"}),
        ("pause", {"until": "2026-11-22"}),
        ("mark", {"person": "nobody", "word": "done"}),
        ("mark", {"person": LOST, "word": "dialled"}),
        ("mark", {"person": LOST}),
        ("mark", {"word": "done"}),
        ("mark", {"person": LOST, "word": "placed"}),
        ("mark", {"person": LOST, "word": "placed", "retry": []}),
        ("mark", {"person": LOST, "word": "placed", "retry": {"attempts": 3, "responses": []}}),
        ("mark", {"person": LOST, "word": "placed", "retry": {"attempts": 3, "responses": {"unknown_error": []}}}),
        ("mark", {"person": LOST, "word": "placed", "retry": {"attempts": "x", "responses": {}}}),
        ("mark", {"person": LOST, "word": "done", "campaign": "nobody"}),
    ],
)
def test_what_cannot_be_done_is_answered_and_does_not_end_the_service(
    tmp_path: Path, verb: str, facts: dict[str, Any]
) -> None:
    async def main() -> None:
        async with served(tmp_path) as run:
            refused, done = run.ask(verb, **facts), run.ask("cancel")
            await moment(1.0)
            assert (control.take_answer(run.ledger.path, refused) or "").startswith(requests.NOT_DONE)
            assert (control.take_answer(run.ledger.path, done) or "").startswith("reminders is cancelled")
            assert run.done == ["cancel"]
            assert looked_up(run.ledger.path, "SELECT state FROM attempts") == [("unknown",)]

    in_virtual_time(main())


def test_an_answer_that_cannot_be_written_is_tried_again_and_the_request_done_once(tmp_path: Path) -> None:
    async def main() -> None:
        async with served(tmp_path) as run:
            name = run.ask("pause")
            in_the_way = beside(run.ledger.path, "spool") / f".{name}.answer"
            in_the_way.mkdir()
            await moment(3.0)
            other = run.ask("resume")
            await moment(1.0)
            assert control.take_answer(run.ledger.path, other) == "reminders goes on at the next run"
            in_the_way.rmdir()
            await moment(1.0)
            assert control.take_answer(run.ledger.path, name) == "reminders is paused; live calls run out"
            assert run.done == ["pause", "resume"]

    in_virtual_time(main())


# --- rules, as a request carries them ------------------------------------------------------------------


@given(rules=rule_sets)
def test_a_campaigns_rules_come_through_a_request_whole(rules: RetryRules) -> None:
    carried = json.loads(json.dumps({"retry": requests.facts_of(rules)}))
    assert requests.rules_of(carried) == rules
    assert requests.rules_of({}) is requests.rules_of({"retry": None}) is None


# --- asking ------------------------------------------------------------------------------------------


async def asked(path: Path, verb: str = "pause") -> str:
    return await requests.ask(path, verb, {"campaign": "reminders", "why": "", "who": "me"}, Time().clock)


def test_whoever_asks_is_answered_by_the_run_that_holds_the_ledger(tmp_path: Path) -> None:
    async def main() -> None:
        async with served(tmp_path) as run:
            assert await asked(run.ledger.path) == "reminders is paused; live calls run out"
            assert run.done == ["pause"]
            assert (await asked(run.ledger.path, "dance")).startswith(requests.NOT_DONE)

    in_virtual_time(main())


def test_where_no_run_holds_the_ledger_it_is_done_at_once(tmp_path: Path) -> None:
    async def main() -> None:
        with pytest.raises(UsageError, match="there is no ledger"):
            await asked(tmp_path / "dialer.db")
        async with served(tmp_path):
            pass
        assert await asked(tmp_path / "dialer.db") == "reminders is paused; live calls run out"
        assert (
            await asked(tmp_path / "dialer.db", "resume") == "reminders: the pause is taken back; the next run goes on"
        )
        assert await asked(tmp_path / "dialer.db", "resume") == "reminders was not paused"
        with pytest.raises(UsageError, match="does not know the request 'dance'"):
            await asked(tmp_path / "dialer.db", "dance")

    in_virtual_time(main())


def test_a_request_that_nobody_answers_is_taken_back(tmp_path: Path) -> None:
    async def main() -> None:
        time = Time()
        async with open_ledger(tmp_path, time) as ledger:
            with pytest.raises(UsageError, match="did not answer within 10 s, and the request was taken back"):
                await asked(ledger.path)
            assert list(beside(ledger.path, "spool").iterdir()) == []

    in_virtual_time(main())


def test_a_request_whose_asker_goes_away_is_not_left_for_the_next_run(tmp_path: Path) -> None:
    async def main() -> None:
        async with open_ledger(tmp_path, Time()) as ledger:
            asking = asyncio.create_task(asked(ledger.path))
            await until(lambda: any(control.requests(ledger.path)))
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            assert list(control.requests(ledger.path)) == []

    in_virtual_time(main())


def test_a_request_that_a_run_leaves_behind_at_its_end_is_done_by_the_asker(tmp_path: Path) -> None:
    async def main() -> None:
        time = Time()
        async with served(tmp_path):
            pass
        async with open_ledger(tmp_path, time) as ledger:
            asking = asyncio.create_task(asked(ledger.path))
            await until(lambda: any(control.requests(ledger.path)))
        assert await asking == "reminders is paused; live calls run out"
        assert time.monotonic() < 5.0
        assert list(beside(ledger.path, "spool").iterdir()) == []
        assert looked_up(ledger.path, "SELECT paused FROM campaigns") == [("paused",)]

    in_virtual_time(main())
