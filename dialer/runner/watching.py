"""The thresholds of `stop_when`, over the calls of a campaign: those of earlier runs count on."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Coroutine
from typing import Any

from dialer.errors import UsageError
from dialer.ledger import STOP_WHEN, Ledger
from dialer.model import Campaign, StopCause
from dialer.policy import stopping
from dialer.policy.stopping import EndedCall

_OF_ALL = 20
"""So many times as many calls are read as a rule judges: where one of twenty is answered, they hold enough of those."""


class Watching:
    """Hears how calls end; where a threshold is broken, `stop` is called and the campaign is paused in the ledger."""

    def __init__(
        self,
        ledger: Ledger,
        campaign: Campaign,
        campaign_id: int,
        stop: Callable[[StopCause, float], None],
        start: Callable[[Coroutine[Any, Any, None]], object],
    ) -> None:
        self._ledger = ledger
        self._campaign = campaign
        self._campaign_id = campaign_id
        self._stop = stop
        self._start = start
        self._watch = stopping.Watch(campaign.stop_when)
        self._is_broken = False

    async def begin(self) -> None:
        """Count the last calls of earlier runs, back to where a person had the campaign go on."""
        rules = self._campaign.stop_when
        most = max((one.of for one in (rules.platform_failed, rules.under_8s, rules.opt_out) if one), default=0)
        if most:
            for ended in await self._ledger.recent_endings(self._campaign_id, _OF_ALL * most):
                self._watch = stopping.after(self._watch, ended)
            self._check()

    def hear(self, ended: EndedCall) -> None:
        """A call has ended."""
        self._watch = stopping.after(self._watch, ended)
        self._check()

    def _check(self) -> None:
        broken = stopping.broken(self._watch)
        if broken is None or self._is_broken:
            return
        self._is_broken = True
        cause = stopping.cause(broken)
        self._stop(cause, self._campaign.call.longest)
        self._start(self._pause(cause))

    async def _pause(self, cause: StopCause) -> None:
        """Later runs dial nobody either, until a person has looked and has the campaign go on."""
        with contextlib.suppress(UsageError):  # it was cancelled, and is dialled no more anyway
            await self._ledger.pause(self._campaign.name, "pause", cause.sentence, None, STOP_WHEN)
