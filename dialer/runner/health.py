"""Whether the platform can be dialled at this moment: the breaker, and the reads that probe it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from dialer.clock import Clock
from dialer.errors import ExitCode
from dialer.model import Answer, CallPage, NoReply, Reply, StopCause
from dialer.policy import breaker, outcome
from dialer.policy.breaker import Breaker, Health
from dialer.verbex import Client

NEVER_SEEN = 60.0
"""Seconds after which a platform is given up that has not answered once in this run: its address may be wrong."""


class Platform:
    """Hears every answer of one campaign's platform; `admit` waits until it may be dialled.

    `stop` is called with the cause if the platform refuses the key, or does not come back; `say` tells the user.
    """

    def __init__(
        self, client: Client, clock: Clock, stop: Callable[[StopCause], None], say: Callable[..., None]
    ) -> None:
        self._client = client
        self._clock = clock
        self._stop = stop
        self._say = say
        self._breaker = Breaker(give_up_after=NEVER_SEEN)
        self._seen = False
        self._last_trouble = ""

    @property
    def is_down(self) -> bool:
        """Whether nobody is dialled because the platform does not answer as it should."""
        return breaker.state(self._breaker, self._clock.monotonic()) is not Health.CLOSED

    def hear(self, answer: CallPage | Answer) -> None:
        """Learn from an answer to a dial or a read."""
        trouble = _trouble(answer)
        was_open = self._breaker.opened_at is not None
        if trouble:
            self._last_trouble = trouble
        elif not self._seen:
            self._seen = True
            self._breaker = Breaker()
        self._breaker = breaker.after(self._breaker, not trouble, self._clock.monotonic())
        is_open = self._breaker.opened_at is not None
        if is_open and not was_open:
            sentence = f"the platform does not answer as it should ({trouble}): nobody new is dialled until it does"
            self._say("platform_down", sentence, is_trouble=True)
        elif was_open and not is_open:
            self._say("platform_up", "the platform answers again: dialling goes on")

    async def first_look(self) -> None:
        """Ask once before anybody is dialled: whether the key is taken, and whether there is anybody to ask."""
        answer = await self._client.list(page_size=1)
        self.hear(answer)
        if isinstance(answer, Reply) and answer.status == 401:
            self._stop(outcome.key_refused(answer))
        elif _trouble(answer):
            self._breaker = replace(self._breaker, failures=self._breaker.opens_after - 1)
            self.hear(answer)

    async def admit(self) -> bool:
        """Wait until the platform answers; False if it is given up. A probe is a read: never a person."""
        while True:
            now = self._clock.monotonic()
            health = breaker.state(self._breaker, now)
            if health is Health.CLOSED:
                return True
            if self.is_given_up():
                return False
            if health is Health.PROBING:
                self.hear(await self._client.list(page_size=1))
            else:
                await asyncio.sleep(min(self._breaker.probe_at - now, 1.0))

    def is_given_up(self) -> bool:
        """Whether the platform has been gone for too long; then the campaign is stopped, whoever asks."""
        is_gone = breaker.state(self._breaker, self._clock.monotonic()) is Health.GIVEN_UP
        if is_gone:
            self._stop(self._given_up())
        return is_gone

    def _given_up(self) -> StopCause:
        return StopCause(
            ExitCode.UNREACHABLE,
            "unreachable",
            f"the platform could not be reached for {self._breaker.give_up_after:.0f} s ({self._last_trouble}): "
            "check the network and platform.url, then run the same command again; what was open stays open",
        )


def _trouble(answer: CallPage | Answer) -> str:
    """What is wrong with an answer, '' if the platform answered as it should."""
    if isinstance(answer, NoReply):
        return answer.cause
    if isinstance(answer, Reply) and answer.status >= 500:
        return f"status {answer.status}"
    return ""
