"""Attempts whose fate is open, as one campaign's run deals with them: the wait for a word, the budget, the operator."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from dialer.clock import Clock
from dialer.errors import ExitCode, UsageError
from dialer.ledger import Ledger
from dialer.lines import Line
from dialer.model import Attempt, CallRecord, Campaign, Decision, Mark, RetryRules, StopCause
from dialer.policy import jumps, lifecycle
from dialer.recovery import Absent, Case, Recovery, Settled


class Unknowns:
    """Waits for the word on open attempts of one campaign.

    `key_mark` is the mark of the API key; `set_forward` tells by how many seconds the wall clock was set forward
    since the open attempts were dialled, which changes the holds of those that are `resumed`. `park` frees the line of
    an attempt that waits for a word that may not come, and gives what takes it again.
    """

    def __init__(
        self,
        ledger: Ledger,
        campaign: Campaign,
        clock: Clock,
        recovery: Recovery,
        key_mark: str,
        set_forward: Callable[[], float],
        *,
        park: Callable[[Line], Callable[[], None]],
        stop: Callable[[StopCause], None],
    ) -> None:
        self._ledger = ledger
        self._campaign = campaign
        self._clock = clock
        self._recovery = recovery
        self._key_mark = key_mark
        self._set_forward = set_forward
        self._park = park
        self._stop = stop
        self.resumed: set[int] = set()
        self._said: dict[int, asyncio.Task[Decision]] = {}

    async def look_up(self, attempt: Attempt, line: Line) -> CallRecord | Decision | None:
        """The platform's word, or the operator's; where there is none, the line is freed and the attempt waits on."""
        if (decision := await self._word_on(attempt.id)) is not None:
            return decision
        # What this run holds itself it holds from now on, whatever the wall clock has done since the hold was written.
        case = self._recovery.take(attempt, self._set_forward() if attempt.id in self.resumed else jumps.ANY)
        self.resumed.discard(attempt.id)
        await case.answered.wait()
        if not case.verdict.done():
            await self._wait_on(case, line)
        verdict = await case.verdict
        if isinstance(verdict, Settled):
            return verdict.decision
        return None if isinstance(verdict, Absent) else verdict.record

    async def mark(self, attempt: int, word: Mark, rules: RetryRules | None, why: str, who: str) -> Decision:
        """The operator's word on an attempt that is held; the machine lets go of it.

        Raises:
            UsageError: the platform has just told of it.
        """
        if self._recovery.is_settled(attempt):
            raise UsageError("the platform has just told what became of this call: nothing was marked")
        case = self._recovery.claim(attempt)
        said = self._said[attempt] = asyncio.create_task(
            mark(self._ledger, attempt, word, rules or self._campaign.retry, why, who, self._clock)
        )
        try:
            decision = await said
        except BaseException:
            del self._said[attempt]
            if case is not None:
                self._recovery.back(case)
            raise
        if case is not None:
            case.settle(Settled(decision))
        return decision

    async def _word_on(self, attempt: int) -> Decision | None:
        """What the operator's word came to, if it was given before this attempt began to be looked up: as a run reads
        at its start what an earlier one has left, it may be told what became of that."""
        said = self._said.get(attempt)
        if said is None:
            return None
        await asyncio.wait({said})
        return None if said.cancelled() or said.exception() else said.result()

    async def _wait_on(self, case: Case, line: Line) -> None:
        go_on = self._park(line)
        self._check_key()
        self._check_budget()
        await case.verdict
        go_on()

    def _check_key(self) -> None:
        others = [one for one in self._recovery.parked if one.key_mark not in ("", self._key_mark)]
        if others and self._key_mark:
            sentence = (
                f"{len(others)} open calls were dialled under another API key, and the platform does not show them "
                "under this one, which proves nothing: put the earlier key back and run again, or look in Verbex and "
                "say what became of them with `dialer unknown mark`"
            )
            self._stop(StopCause(ExitCode.LOOK_FIRST, "other_key", sentence))

    def _check_budget(self) -> None:
        most = self._campaign.recovery.max_unknown
        if self._recovery.unsettled > most:
            sentence = (
                f"{self._recovery.unsettled} calls are unknown, more than recovery.max_unknown allows ({most}): "
                "the platform does not say whether they were placed; look at them in its own list of calls, and say "
                "what became of them with `dialer unknown mark`"
            )
            self._stop(StopCause(ExitCode.LOOK_FIRST, "too_many_unknown", sentence))


async def mark(
    ledger: Ledger, attempt: int, word: Mark, rules: RetryRules | None, why: str, who: str, clock: Clock
) -> Decision:
    """Write the operator's word down, and what follows by the campaign's rules (UsageError where they are needed)."""
    now, dice = clock.now(), clock.dice()
    return await ledger.mark(attempt, word, lambda history: lifecycle.marked(history, word, rules, now, dice), why, who)
