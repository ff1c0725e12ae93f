"""The own numbers of one campaign at work: which of them shows at a dial, and what its rejections tell of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from dialer.callers import Callers
from dialer.ledger import Ledger
from dialer.model import Attempt, CallerId, Campaign, Candidate, NotPlaced, Refusal
from dialer.model.turns import Turns
from dialer.policy import callerid, lifecycle
from dialer.policy.callerid import NoCaller, callers_of


class OwnNumbers:
    """`callers` are those of the account, `turns` tells where somebody may be, `tell` hears of a number that rests."""

    def __init__(
        self, campaign: Campaign, ledger: Ledger, callers: Callers, turns: Turns, tell: Callable[[str], None]
    ) -> None:
        self._campaign = campaign
        self._ledger = ledger
        self._callers = callers
        self._turns = turns
        self._tell = tell
        self._own = callers_of(campaign.call)
        self._has_counted = any(caller.per_day is not None for caller in self._own)
        self._rejected: list[int] = []

    async def choose(self, candidate: Candidate) -> CallerId | NoCaller:
        """The own number that shows; what somebody saw before is asked only where there is a choice."""
        if self._has_counted:
            await self._callers.know(self._own, self._ledger.used_today)
        has_choice = candidate.serial > 0 and len(self._own) > 1
        last = await self._ledger.last_from(candidate.contact_id) if has_choice else None
        places, rotates = self._turns.places_of(candidate), self._campaign.call.rotates
        return self._callers.choose(self._own, places, candidate.person, last, rotates=rotates)

    def give_back(self, caller: CallerId) -> None:
        """Nobody was rung after all: the number has not been used."""
        self._callers.give_back(caller)

    def placed(self) -> None:
        """A dial was taken: whatever was rejected before it says nothing of the campaign."""
        self._rejected.clear()

    def ended(self, number: str, finish_reason: str | None) -> None:
        """A call from this number has ended: one that fails too often rests."""
        self._told(self._callers.ended(number, finish_reason))

    async def judged(self, attempt: Attempt, box: NotPlaced) -> NotPlaced:
        """Rejections that tell of the campaign, or of an own number, rather than of one person burn nobody; the former
        stop it, the latter lay the number to rest."""
        if box.refusal is not Refusal.REJECTED:
            return box
        fields = self._common(box.fields)
        if callerid.is_named(box.fields, box.message):
            self._told(self._callers.refused(attempt.from_number))
            if not self._callers.all_rest(self._own):
                return replace(box, refusal=Refusal.CALLER_ID)
            fields = ("from_number",)
        self._rejected.append(attempt.contact_id)
        stop = lifecycle.rejection_stop(len(self._rejected), fields)
        if stop is None:
            return box
        await self._ledger.due_again(self._rejected, "rejected for a fault of the campaign")
        return replace(box, stop=stop)

    def _common(self, fields: tuple[str, ...]) -> tuple[str, ...]:
        """Of the rejected fields those that are the same for everybody in this campaign."""
        has_agents = self._campaign.call.agent_column is not None or any(caller.agent for caller in self._own)
        return tuple(field for field in fields if not (has_agents and "override_ai_agent_id" in field))

    def _told(self, sentence: str) -> None:
        if sentence:
            self._tell(sentence)
