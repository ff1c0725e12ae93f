"""Webhooks in a run: who listens where, what is kept, and who is told.

The simulated platform of a run has nobody who could subscribe with it beforehand, so the run does that itself.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace

from dialer.clock import Clock
from dialer.console import Console
from dialer.errors import UsageError
from dialer.ledger import Ledger
from dialer.model import Campaign, Event, Secret, WebhookRules
from dialer.runner.engine import Engine
from dialer.verbex.subscriptions import Subscriptions
from dialer.verbex.webhooks import ANALYSED, USED


def check_listening(campaigns: Sequence[Campaign], *, dials: bool) -> None:
    """What can be told before the ledger is opened.

    Raises:
        UsageError: two campaigns listen at one place and mean different things.
        WebhookError: nothing that comes to a campaign's address could be believed.
    """
    taken: dict[tuple[str, int], Campaign] = {}
    for campaign in campaigns:
        if campaign.webhooks is None:
            continue
        if dials and not _is_simulated(campaign):
            from dialer.receiver import check_can_receive  # only here: it brings a web server along

            check_can_receive(campaign.webhooks, str(campaign.path))
        at = campaign.webhooks.host, campaign.webhooks.port
        other = taken.setdefault(at, campaign)
        if campaign.webhooks.port != 0 and other.webhooks != campaign.webhooks:
            raise UsageError(
                f"{other.path} and {campaign.path} both listen on {at[0]}:{at[1]}, with other words under `webhooks:`: "
                "give both the same url and secret, or each a port of its own"
            )


def _is_simulated(campaign: Campaign) -> bool:
    """Whether the campaign is dialled on the run's own simulator, at a port that is known before it listens."""
    return campaign.platform.url is None and campaign.webhooks is not None and campaign.webhooks.port != 0


class Listening:
    """Takes the platform's deliveries for the campaigns of a run, and tells its engines."""

    def __init__(
        self,
        campaigns: Sequence[Campaign],
        engines: Callable[[], Sequence[Engine]],
        ledger: Ledger,
        clock: Clock,
        console: Console,
    ) -> None:
        self._campaigns = campaigns
        self._engines = engines
        self._ledger = ledger
        self._clock = clock
        self._console = console

    @contextlib.asynccontextmanager
    async def serve(self, simulator_url: str) -> AsyncIterator[None]:
        """Listen at each address once; those whose deliveries could not be believed are left out (`settle`).

        Raises:
            WebhookError: an address cannot be taken.
        """
        async with contextlib.AsyncExitStack() as stack:
            for rules in await self._rules(simulator_url):
                from dialer.receiver import Receiver  # only here: as above

                receiver = Receiver(rules, self._keep, self._clock.now, self._heard, self._amiss)
                address = await stack.enter_async_context(receiver.serve())
                self._console.say("listening", f"webhooks are taken at {address}, sent to {rules.url}")
            yield

    async def _rules(self, simulator_url: str) -> list[WebhookRules]:
        found: dict[WebhookRules, None] = {}
        for campaign in self._campaigns:
            rules = campaign.webhooks
            if rules is not None and _is_simulated(campaign) and not rules.secrets:
                rules = await self._subscribed(campaign, rules, simulator_url)
            if rules is not None and rules.secrets:
                found[rules] = None
        return list(found)

    async def _subscribed(self, campaign: Campaign, rules: WebhookRules, simulator_url: str) -> WebhookRules:
        """Subscribe with the run's own simulator; what an earlier run has left there is taken away."""
        host = f"[{rules.host}]" if ":" in rules.host else rules.host
        url = f"http://{host}:{rules.port}{rules.path}"
        async with Subscriptions(simulator_url, campaign.platform.api_key, self._clock.now) as there:
            for old in await there.list():
                if old.url == url:
                    await there.remove(old.id)
            made = await there.create(campaign.name, url, USED)
        secrets: tuple[Secret, ...] = () if made.secret is None else (made.secret,)
        return replace(rules, url=url, secrets=secrets)

    async def _keep(self, event: Event) -> bool:
        return await self._ledger.keep(event.trace_id, event.name, event.call_id, event.body)

    def _heard(self, event: Event) -> None:
        """The platform has told of a call: whoever waits for it asks; else it may be one whose answer was lost."""
        engines = self._engines()
        for engine in engines if event.name == ANALYSED else ():
            engine.analysing.told(event.call_id)
        if event.call_id and not any(one.tracker.told(event.call_id, is_end=event.is_end) for one in engines):
            for engine in engines:
                engine.recovery.hasten(event.call_id)

    def _amiss(self, sentence: str) -> None:
        self._console.say("webhook_refused", sentence, level="warning")
