"""When a platform is whole: reads and dials are judged apart, and one dial at a time finds out."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from dialer.clock import Clock
from dialer.errors import ExitCode
from dialer.model import CallPage, NoReply, Reply, StopCause
from dialer.runner.health import NEVER_SEEN, Platform
from dialer.verbex import Client

PAGE = CallPage((), None, 0)
TAKEN = Reply(201)
BROKEN = Reply(503)


class Desk:
    """A platform's health by a clock that is moved by hand; reads are answered by `answer`."""

    def __init__(self) -> None:
        self.at = 0.0
        self.answer: Any = PAGE
        self.stops: list[StopCause] = []
        self.said: list[str] = []
        self.asked: list[dict[str, Any]] = []
        clock = Clock(monotonic=lambda: self.at)
        self.health = Platform(
            cast(Client, self), clock, self.stops.append, lambda event, *_, **__: self.said.append(event)
        )

    async def list(self, **asked: Any) -> Any:
        self.asked.append(asked)
        return self.answer

    async def settled(self) -> None:
        """Let whatever was begun come to its end."""
        while tasks := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(tasks)

    def dials(self, answer: Any, times: int = 1) -> None:
        for _ in range(times):
            self.health.hear_dial(answer)


async def test_reads_that_are_answered_do_not_make_up_for_dials_that_fail() -> None:
    desk = Desk()
    await desk.health.first_look()
    desk.dials(BROKEN, 5)
    desk.health.hear(PAGE)
    assert desk.health.is_down
    assert desk.said == ["platform_down"]
    desk.at = 2.0
    assert await desk.health.admit()  # one dial, to find out
    waiting = asyncio.create_task(desk.health.admit())
    for _ in range(5):
        await asyncio.wait({waiting}, timeout=0)
    assert not waiting.done()
    desk.dials(TAKEN)
    assert await waiting
    assert desk.said == ["platform_down", "platform_up"]


async def test_the_one_dial_that_finds_out_follows_a_read_that_was_answered() -> None:
    desk = Desk()
    await desk.health.first_look()
    desk.dials(BROKEN, 5)
    desk.at, desk.asked = 2.0, []
    assert await desk.health.admit()
    assert desk.asked == [{"page_size": 1}]


async def test_where_reads_fail_nobody_is_dialled_to_find_out() -> None:
    desk = Desk()
    await desk.health.first_look()
    desk.dials(BROKEN, 5)
    desk.at, desk.asked, desk.answer = 2.0, [], NoReply(unsent=True, cause="refused")
    waiting = asyncio.create_task(desk.health.admit())
    for _ in range(20):
        await asyncio.wait({waiting}, timeout=0)
    assert not waiting.done()
    assert desk.asked
    waiting.cancel()


async def test_a_trial_that_was_not_sent_lets_another_through() -> None:
    desk = Desk()
    desk.dials(BROKEN, 5)
    desk.at = 2.0
    assert await desk.health.admit()
    desk.health.trial_over()
    assert await desk.health.admit()


async def test_dials_that_go_on_failing_end_the_run_though_reads_are_answered() -> None:
    desk = Desk()
    await desk.health.first_look()
    desk.dials(BROKEN, 5)
    while desk.at < 700 and not desk.stops:
        desk.at += 40.0
        desk.health.hear(PAGE)
        if await desk.health.admit():
            desk.dials(BROKEN)
    assert [cause.code for cause in desk.stops] == [ExitCode.UNREACHABLE]
    assert "status 503" in desk.stops[0].sentence
    assert desk.at <= 640


@pytest.mark.parametrize("status", [401, 403])
async def test_a_key_that_is_refused_while_calls_are_live_stops_the_run(status: int) -> None:
    desk = Desk()
    await desk.health.first_look()
    desk.answer = Reply(status, message="key revoked")
    desk.health.hear(desk.answer)
    await desk.settled()
    assert [cause.code for cause in desk.stops] == [ExitCode.REFUSED]


@pytest.mark.parametrize("status", [401, 403])
async def test_a_question_that_is_refused_is_no_refused_key_while_the_list_is_answered(status: int) -> None:
    """A platform may say so of a call that it does not know."""
    desk = Desk()
    await desk.health.first_look()
    for _ in range(3):
        desk.health.hear(Reply(status, message="not your call"))
        await desk.settled()
    assert desk.stops == []
    assert len(desk.asked) == 4


@pytest.mark.parametrize("status", [401, 403])
async def test_a_key_that_is_refused_at_the_first_look_stops_at_once(status: int) -> None:
    desk = Desk()
    desk.answer = Reply(status, message="wrong key")
    await desk.health.first_look()
    assert [cause.code for cause in desk.stops] == [ExitCode.REFUSED]


async def test_a_platform_that_never_answered_is_given_up_sooner() -> None:
    desk = Desk()
    desk.answer = NoReply(unsent=True, cause="refused")
    await desk.health.first_look()
    assert desk.health.is_down
    desk.at = NEVER_SEEN + 1
    assert not await desk.health.admit()
    assert desk.stops[0].code is ExitCode.UNREACHABLE


@pytest.mark.parametrize(("status", "said"), [(404, ["no_list"]), (405, ["no_list"]), (429, [])])
async def test_a_list_that_is_not_there_is_said_aloud_and_stops_nothing(status: int, said: list[str]) -> None:
    desk = Desk()
    desk.answer = Reply(status)
    await desk.health.first_look()
    assert desk.said == said
    assert await desk.health.admit()


def test_an_answer_that_cannot_be_read_is_said_once() -> None:
    desk = Desk()
    desk.dials(Reply(201, message="The platform answered 201, but its body is not JSON."), 3)
    desk.dials(Reply(422, message="no"))
    assert desk.said == ["unreadable_answer"]
