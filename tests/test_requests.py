"""What other processes ask of a run through the spool: done once, answered, whatever else lies there."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from dialer.ledger import Ledger, control
from dialer.ledger.control import beside
from dialer.runner import requests
from tests.engine_kit import campaign, looked_up, number, open_ledger, with_people
from tests.virtual_time import Time, in_virtual_time, moment, running


@dataclass
class Served:
    """A ledger whose requests are served, and the verbs that took effect."""

    ledger: Ledger
    done: list[str] = field(default_factory=list)

    def ask(self, verb: str, **facts: str | None) -> str:
        return control.ask(self.ledger.path, verb, {"campaign": "reminders", "why": "", "who": "me"} | facts)


@contextlib.asynccontextmanager
async def served(folder: Path) -> AsyncIterator[Served]:
    time = Time()
    async with open_ledger(folder, time) as ledger:
        await with_people(ledger, campaign(folder, "http://x"), [number(0)])
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
    ],
)
def test_what_cannot_be_done_is_answered_and_does_not_end_the_service(
    tmp_path: Path, verb: str, facts: dict[str, str]
) -> None:
    async def main() -> None:
        async with served(tmp_path) as run:
            refused, done = run.ask(verb, **facts), run.ask("cancel")
            await moment(1.0)
            assert (control.take_answer(run.ledger.path, refused) or "").startswith(requests.NOT_DONE)
            assert (control.take_answer(run.ledger.path, done) or "").startswith("reminders is cancelled")
            assert run.done == ["cancel"]

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
            assert control.take_answer(run.ledger.path, other) == "reminders goes on"
            in_the_way.rmdir()
            await moment(1.0)
            assert control.take_answer(run.ledger.path, name) == "reminders is paused; live calls run out"
            assert run.done == ["pause", "resume"]

    in_virtual_time(main())
