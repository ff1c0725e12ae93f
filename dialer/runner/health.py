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

    Reads and dials are judged apart: a platform that answers reads and fails at dials is not whole. After a row of
    failed dials one dial is let through at a time, at growing intervals, and only while reads are answered.
    `stop` is called with the cause if the platform refuses the key, or does not come back; `say` tells the user.
    """

    def __init__(
        self, client: Client, clock: Clock, stop: Callable[[StopCause], None], say: Callable[..., None]
    ) -> None:
        self._client = client
        self._clock = clock
        self._stop = stop
        self._say = say
        self._reads = Breaker(give_up_after=NEVER_SEEN)
        self._dials = Breaker()
        self._dials_gone = False
        self._trial: asyncio.Event | None = None
        self._seen = False
        self._last_trouble = ""
        self._unreadable = False
        self._asking: asyncio.Task[None] | None = None

    @property
    def is_down(self) -> bool:
        """Whether nobody is dialled because the platform does not answer as it should."""
        return self._reads.opened_at is not None or self._dials.opened_at is not None

    @property
    def _is_well(self) -> bool:
        """Whether nothing is wrong with dials, and none is a trial."""
        return not (self._dials.failures or self._dials_gone or self._trial or self.is_down)

    def hear(self, answer: CallPage | Answer) -> None:
        """Learn from an answer to a read."""
        was_down, trouble = self.is_down, self._noted(answer)
        if not trouble and not self._seen:
            self._seen = True
            self._reads = Breaker()
        self._reads = breaker.after(self._reads, not trouble, self._clock.monotonic())
        self._tell(was_down, trouble)
        if isinstance(answer, Reply) and answer.status in _KEY_REFUSED and self._asking is None:
            self._asking = asyncio.create_task(self._ask_for_key())

    async def _ask_for_key(self) -> None:
        """Whether it is the key that is refused: a platform may answer so to a question for one call that it does not
        know."""
        answer = await self._client.list(page_size=1)
        self._asking = None
        if isinstance(answer, Reply) and answer.status in _KEY_REFUSED:
            self._stop(outcome.key_refused(answer))

    def hear_dial(self, answer: Answer) -> None:
        """Learn from an answer to a dial."""
        if self._is_well and isinstance(answer, Reply) and answer.record is not None:
            return  # one more that went well changes nothing
        was_down, trouble = self.is_down, self._noted(answer)
        now = self._clock.monotonic()
        self._dials = breaker.after(self._dials, not trouble, now)
        self._dials_gone = breaker.state(self._dials, now) is Health.GIVEN_UP
        self._tell(was_down, trouble)
        self._tell_unreadable(answer)
        self.trial_over()

    def _tell_unreadable(self, answer: Answer) -> None:
        """A call that was taken and cannot be read is no everyday trouble: something stands between us and Verbex."""
        if not isinstance(answer, Reply) or answer.record is not None or not 200 <= answer.status < 300:
            return
        if answer.message and not self._unreadable:
            self._unreadable = True
            self._say(
                "unreadable_answer",
                f"the platform took a dial and its answer cannot be read ({answer.message}): the person is held as "
                "unknown and looked up; look at what stands between this machine and the platform",
                is_trouble=True,
            )

    def trial_over(self) -> None:
        """The one dial that was let through has been answered, or was not sent after all."""
        if self._trial is not None:
            self._trial.set()
            self._trial = None

    async def first_look(self) -> None:
        """Ask once before anybody is dialled: whether the key is taken, and whether there is anybody to ask."""
        answer = await self._client.list(page_size=1)
        if isinstance(answer, Reply) and answer.status in _KEY_REFUSED:
            self._stop(outcome.key_refused(answer))
            return
        self.hear(answer)
        if _trouble(answer):
            self._reads = replace(self._reads, failures=self._reads.opens_after - 1)
            self.hear(answer)
        elif isinstance(answer, Reply) and answer.status in _NO_LIST:
            self._say(
                "no_list",
                f"the platform's list of calls answers {answer.status}: ends are asked for one call at a time, and a "
                "lost answer may stay unknown",
                is_trouble=True,
            )

    async def admit(self) -> bool:
        """Wait until the platform answers; False if it is given up. A probe is a read, and then one dial."""
        while self.is_down or self._dials_gone:
            if self.is_given_up():
                return False
            if await self._is_open():
                continue
            if self._dials.opened_at is None:
                return True
            if self._trial is not None:
                await self._trial.wait()
            elif await self._answers_a_read():
                self._trial = asyncio.Event()
                return True
        return True

    async def _is_open(self) -> bool:
        """Wait a moment, or probe by a read, if a breaker says so."""
        now = self._clock.monotonic()
        states = [(one, breaker.state(one, now)) for one in (self._reads, self._dials)]
        waits = [one.probe_at - now for one, health in states if health is Health.OPEN]
        if waits:
            await asyncio.sleep(min(max(waits), 1.0))
            return True
        if states[0][1] is Health.PROBING:
            await self._answers_a_read()
            return True
        return False

    async def _answers_a_read(self) -> bool:
        """Probe by the smallest read, which rings nobody."""
        answer = await self._client.list(page_size=1)
        self.hear(answer)
        return not _trouble(answer)

    def is_given_up(self) -> bool:
        """Whether the platform has failed for too long; then the campaign is stopped, whoever asks."""
        reads_gone = breaker.state(self._reads, self._clock.monotonic()) is Health.GIVEN_UP
        # Reads go on by themselves; that nobody was dialled for so long is no failure until one more dial has failed.
        if reads_gone or self._dials_gone:
            self._stop(self._given_up(self._reads if reads_gone else self._dials))
        return reads_gone or self._dials_gone

    def _noted(self, answer: CallPage | Answer) -> str:
        trouble = _trouble(answer)
        self._last_trouble = trouble or self._last_trouble
        return trouble

    def _tell(self, was_down: bool, trouble: str) -> None:
        if self.is_down and not was_down:
            sentence = f"the platform does not answer as it should ({trouble}): nobody new is dialled until it does"
            self._say("platform_down", sentence, is_trouble=True)
        elif was_down and not self.is_down:
            self._say("platform_up", "the platform answers again: dialling goes on")

    def _given_up(self, one: Breaker) -> StopCause:
        return StopCause(
            ExitCode.UNREACHABLE,
            "unreachable",
            f"the platform could not be reached, or failed, for {one.give_up_after:.0f} s ({self._last_trouble}): "
            "check the network and platform.url, then run the same command again; what was open stays open",
        )


_KEY_REFUSED = (401, 403)
_NO_LIST = (404, 405, 410)


def _trouble(answer: CallPage | Answer) -> str:
    """What is wrong with an answer, '' if the platform answered as it should."""
    if isinstance(answer, NoReply):
        return answer.cause
    if isinstance(answer, Reply) and answer.status >= 500:
        return f"status {answer.status}"
    return ""
