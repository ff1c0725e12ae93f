"""Before anybody is dialled by a ledger that may not know all its calls: they are looked for, and written down."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence

from dialer.earlier import Books, Earlier
from dialer.errors import ExitCode
from dialer.ledger import Doubt, Ledger
from dialer.model import Campaign, EarlierCall, StopCause

_EARLIER_CALLS = "earlier_calls"


def books_of(ledger: Ledger, campaign_id: int) -> Books:
    """A ledger as the search for earlier calls asks it."""
    return Books(
        lambda numbers: ledger.people_with(campaign_id, numbers),
        lambda after, limit: ledger.dialable(campaign_id, after, limit),
        ledger.last_calls,
        ledger.strange,
    )


class Doubts:
    """Resolves the doubt that hangs over a campaign's ledger; `say` tells the user."""

    def __init__(
        self,
        ledger: Ledger,
        campaign: Campaign,
        campaign_id: int,
        earlier: Earlier,
        say: Callable[..., None],
    ) -> None:
        self._ledger = ledger
        self._campaign = campaign
        self._campaign_id = campaign_id
        self._earlier = earlier
        self._say = say

    async def resolve(self, *, yes: bool) -> Mapping[int, Sequence[EarlierCall]] | StopCause:
        """Calls of ours that the ledger does not know, by contact and in order; or why nobody may be dialled.

        Until they are written down (`write_down`), each run looks again.
        """
        doubt = await self._ledger.doubt_of(self._campaign_id)
        if doubt is None:
            return {}
        self._say(
            "ledger_doubted",
            f"there may be calls of which the ledger {self._ledger.path.name} does not know ({doubt.why}): the "
            "platform is asked for them before anybody is dialled",
        )
        looked = await self._earlier.look(doubt)
        if not looked.is_proven and not yes:
            return self._unproven(doubt)
        by_contact: dict[int, list[EarlierCall]] = defaultdict(list)
        for call in looked.calls:
            by_contact[call.candidate.contact_id].append(call)
        for calls in by_contact.values():
            calls.sort(key=lambda call: call.serial)
        if not by_contact:
            await self._done(0)
        return by_contact

    async def write_down(
        self,
        found: Mapping[int, Sequence[EarlierCall]],
        adopt: Callable[[EarlierCall], Awaitable[None]],
        is_free: Callable[[int], None],
    ) -> None:
        """Adopt what was found, each person's calls in their order; `is_free` is told who may be dialled then on."""

        async def those_of(contact: int, calls: Sequence[EarlierCall]) -> None:
            for call in calls:
                await adopt(call)
            is_free(contact)

        await asyncio.gather(*(those_of(contact, calls) for contact, calls in found.items()))
        await self._done(sum(map(len, found.values())))

    async def _done(self, found: int) -> None:
        """All that was found is written down: the ledger knows its calls again."""
        await self._ledger.prove(self._campaign_id, f"{self._campaign.name}: {found} calls found")
        self._say("ledger_proven", f"{found} calls were found of which the ledger did not know; it knows them now")

    def _unproven(self, doubt: Doubt) -> StopCause:
        secret = f"{self._ledger.path.name}.secret"
        return StopCause(
            ExitCode.LOOK_FIRST,
            _EARLIER_CALLS,
            f"there may be calls of which the ledger {self._ledger.path} does not know ({doubt.why}), and the platform "
            "shows no call of ours under this key, so that nobody can be called with certainty for the first time. Put "
            f"the right ledger and {secret} back, or correct platform.api_key; if nobody of this list was called "
            "since, say so by running once with --yes",
        )
