"""A tracker at work over a real ledger and a real client, for the tests of learning how calls end."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dialer.ledger import Ledger
from dialer.lines import Line, Lines, Share
from dialer.model import Attempt, CallRecord, Campaign, PaceRules
from dialer.policy import pacing
from dialer.tracker import Tracker
from tests.desk import Desk, client_of, desk
from tests.engine_kit import campaign, number, open_ledger, placed, with_people
from tests.virtual_time import Time, running

PEOPLE = [number(n) for n in range(30)]


@dataclass
class Watching:
    """A tracker at work over a desk."""

    tracker: Tracker
    desk: Desk
    ledger: Ledger
    rules: Campaign
    campaign_id: int
    found: list[tuple[str, str]] = field(default_factory=list)

    async def live(self) -> Attempt:
        """A call that was placed just now."""
        return await placed(self.desk, self.ledger, self.rules, self.campaign_id)

    def reads(self, kind: str = "") -> int:
        """How many reads of a kind (`list`, `get`, or all) there were."""
        is_list = {"list": (True,), "get": (False,)}.get(kind, (True, False))
        return sum(target.startswith("/v1/calls/?") in is_list for _, target in self.desk.reads)


def a_line() -> Line:
    """A line of an account of which nothing is known."""
    return Share(Lines(pacing.trusting(), lambda: 0.0), PaceRules()).take()


@contextlib.asynccontextmanager
async def watching(folder: Path, time: Time, **sim: Any) -> AsyncIterator[Watching]:
    found: list[tuple[str, str]] = []

    def hear(way: str, record: CallRecord, attempt: Attempt) -> None:
        found.append((way, attempt.call_id))

    async with desk(time, **sim) as made, open_ledger(folder, time) as ledger, client_of(made, time) as client:
        rules = campaign(folder, made.url)
        campaign_id = await with_people(ledger, rules, PEOPLE)
        tracker = Tracker(client, time.clock, lambda heard: None, hear)
        async with running(tracker.run()):
            yield Watching(tracker, made, ledger, rules, campaign_id, found)
