"""Before anybody is dialled by a ledger that may not know all its calls: they are looked for, and written down."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace

from dialer.clock import Clock
from dialer.earlier import Books, Earlier, Looked
from dialer.errors import ExitCode
from dialer.ledger import Doubt, Ledger, Passed
from dialer.lines import Line, Share
from dialer.model import Campaign, EarlierCall, StopCause

_NOTHING_FOUND = "the platform shows no call of which the ledger does not know"
_EARLIER_CALLS = "earlier_calls"
_WORKERS = 200
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 15.0
"""Seconds after which it is tried again to write a call down that must wait for another."""

Found = Mapping[int, Sequence[EarlierCall]]
"""Calls of ours that a ledger does not know, by contact and in order."""

Adopt = Callable[[EarlierCall, Line | None], Awaitable[Passed | None]]
"""Writes a call down and stays with it to its end, on its line if one was taken for it; or says why it was not."""


def books_of(ledger: Ledger, campaign_id: int) -> Books:
    """A ledger as the search for earlier calls asks it."""
    return Books(
        lambda numbers: ledger.people_with(campaign_id, numbers),
        lambda after, limit: ledger.dialable(campaign_id, after, limit),
        ledger.last_calls,
        ledger.strange,
        ledger.dialled_under,
    )


class Doubts:
    """Resolves the doubt that hangs over a campaign's ledger; `say` tells the user, `is_quiet` whether nothing is under
    way of which anything could be learned in this run.

    `is_adopting` from the moment at which calls were found until they are written down, or left to a later run.
    """

    def __init__(
        self,
        ledger: Ledger,
        campaign: Campaign,
        campaign_id: int,
        earlier: Earlier,
        clock: Clock,
        lines: Share,
        say: Callable[..., None],
        is_quiet: Callable[[], bool],
        key_mark: str = "",
    ) -> None:
        self._ledger = ledger
        self._campaign = campaign
        self._campaign_id = campaign_id
        self._earlier = earlier
        self._clock = clock
        self._lines = lines
        self._say = say
        self._is_quiet = is_quiet
        self._key_mark = key_mark
        self._taken: dict[str, Line] = {}
        self._written = 0
        self.is_adopting = False

    async def resolve(self, *, none_were_called: bool) -> Found | StopCause:
        """Calls of ours that the ledger does not know; or why nobody may be dialled. The lines of those that are live
        are taken. `none_were_called`: the operator says so, where the platform cannot tell.

        Until they are written down (`write_down`), each run looks again.
        """
        doubt = await self._ledger.doubt_of(self._campaign_id) or await self._glimpsed()
        if doubt is None:
            return {}
        if self._key_mark:
            doubt = replace(doubt, other_keys=self._ledger.other_keys(self._campaign.name, self._key_mark))
        self._say(
            "ledger_doubted",
            f"there may be calls of which the ledger {self._ledger.path.name} does not know ({doubt.why}): the "
            "platform is asked for them before anybody is dialled",
        )
        looked = await self._earlier.look(doubt)
        if not looked.is_answered or not (looked.is_proven or none_were_called):
            return self._unproven(doubt, looked)
        found: dict[int, list[EarlierCall]] = defaultdict(list)
        for call in sorted(looked.calls, key=lambda call: call.serial):
            found[call.candidate.contact_id].append(call)
            if not call.record.is_over:
                self._taken[call.call_id] = self._lines.resume()
        if not looked.is_proven:
            self._say("ledger_believed", "the platform could not show that these are all; --none-were-called says so")
        if not found:
            await self._done(0)
        self.is_adopting = bool(found)
        return found

    async def others(
        self, are_settling: Callable[[Sequence[str]], bool], is_stopping: Callable[[], bool]
    ) -> StopCause | None:
        """Why nobody may be dialled by rules that count the calls of all campaigns: those of another are not known.

        Waits for this campaign's own to be written down, and while one of the others is looked after in this run.
        """
        while not is_stopping():
            names = await self._ledger.doubted_others(self._campaign_id)
            if not names:
                return None
            if not self.is_adopting and not are_settling(names):
                return self._unknown_to(names)
            await self._clock.sleep(_FIRST_PAUSE)
        return None

    def _unknown_to(self, names: Sequence[str]) -> StopCause:
        return StopCause(
            ExitCode.LOOK_FIRST,
            _EARLIER_CALLS,
            f"{self._campaign.name} counts how often somebody is rung over all campaigns, and there may be calls of "
            f"{', '.join(names)} of which the ledger {self._ledger.path} does not know: nobody was dialled; run "
            f"{names[0]} first, or all in one run; if nobody was called since, say so with "
            "--none-were-called",
        )

    async def _glimpsed(self) -> Doubt | None:
        """A doubt where nothing here speaks for one, and yet the platform shows a call that the ledger does not know:
        the whole folder was put back, perhaps."""
        if not await self._earlier.glimpse(await self._ledger.last_moment()):
            return None
        await self._ledger.doubt("the platform shows calls of ours that it does not know")
        return await self._ledger.doubt_of(self._campaign_id)

    async def write_down(self, found: Found, adopt: Adopt, is_free: Callable[[int], None]) -> None:
        """Adopt what was found, each person's calls in their order; `is_free` is told who may be dialled then on.

        A call whose person, or number, has another that is open waits for that one; where no word on it is to be
        expected in this run, the person is left alone, and the next run looks again.
        """

        waiting = 0
        people = iter(found.items())

        async def work() -> None:
            nonlocal waiting
            for contact, calls in people:
                if await self._are_written(calls, adopt):
                    is_free(contact)
                else:
                    waiting += 1

        # A call that is live keeps its worker to its end; the others have theirs at once.
        live = sum(not call.record.is_over for calls in found.values() for call in calls)
        try:
            await asyncio.gather(*(work() for _ in range(min(len(found), live + _WORKERS))))
            if waiting:
                self._say("earlier_calls_wait", _waiting(waiting), is_trouble=True)
            else:
                await self._done(self._written)
        finally:
            self.is_adopting = False

    async def _are_written(self, calls: Sequence[EarlierCall], adopt: Adopt) -> bool:
        try:
            for call in calls:
                if not await self._is_written(call, adopt):
                    return False
        finally:
            for call in calls:
                if (line := self._taken.pop(call.call_id, None)) is not None:
                    line.free()
        return True

    async def _is_written(self, call: EarlierCall, adopt: Adopt) -> bool:
        pause = _FIRST_PAUSE
        while (passed := await adopt(call, self._taken.get(call.call_id))) in (Passed.OPEN, Passed.NUMBER_LIVE):
            if self._is_quiet():
                return False
            await self._clock.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
        self._written += passed is None
        return True

    async def _done(self, found: int) -> None:
        """All that was found is written down: the ledger knows its calls again."""
        await self._ledger.prove(self._campaign_id, f"{self._campaign.name}: {found} calls found")
        told = f"{found} calls were" if found != 1 else "1 call was"
        sentence = f"{told} found of which the ledger did not know; it knows now" if found else _NOTHING_FOUND
        self._say("ledger_proven", sentence)

    def _unproven(self, doubt: Doubt, looked: Looked) -> StopCause:
        open_question = f"there may be calls of which the ledger {self._ledger.path} does not know ({doubt.why})"
        if not looked.is_answered:
            return StopCause(
                ExitCode.UNREACHABLE,
                "unreachable",
                f"{open_question}, and the platform did not answer when it was asked for them: nobody was dialled; run "
                "the same command again",
            )
        return StopCause(
            ExitCode.LOOK_FIRST,
            _EARLIER_CALLS,
            f"{open_question}, and the platform shows no call of ours under this key, so that nobody is sure to be "
            f"called for the first time. Put the right ledger and {self._ledger.path.name}.secret back, or correct "
            "platform.api_key; if nobody of this list was called since, say so by running once with --none-were-called",
        )


def _waiting(people: int) -> str:
    return (
        f"{people} people are left alone in this run: calls of theirs were found of which the ledger did not know, and "
        "another call to them, or to their number, is still open: settle that one first (`dialer settle`, `dialer "
        "unknown list`), then run again"
    )
