"""A recovery at work over a real ledger and a real client, for the tests of looking up."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dialer.ledger import Ledger
from dialer.model import Attempt, Campaign, RecoveryRules
from dialer.recovery import Absent, Books, Case, Recovery, Way
from tests.desk import Desk, client_of, desk
from tests.engine_kit import campaign, dial_of, number, open_ledger, unknown, with_people
from tests.virtual_time import Time, running

PEOPLE = [number(n) for n in range(4)]
HOLD = 120.0


@dataclass
class Looking:
    """A recovery at work, over a desk and a ledger with people in it."""

    recovery: Recovery
    desk: Desk
    ledger: Ledger
    rules: Campaign
    campaign_id: int

    async def lost(self, hold: float = HOLD, *, is_placed: bool = False) -> Attempt:
        """An attempt whose answer was lost just now."""
        attempt = await unknown(self.ledger, self.rules, self.campaign_id, hold)
        if is_placed:
            self.desk.place(dial_of(attempt))
        return attempt

    def prove(self, way: Way = Way.LIST) -> None:
        """A call of ours, of whomever, was found by this way."""
        self.recovery._proven.add((way, ""))

    def looks(self) -> int:
        """The looks that are written down."""
        return int(self.ledger._connection.execute("SELECT SUM(looks) FROM attempts").fetchone()[0])


@contextlib.asynccontextmanager
async def looking(
    folder: Path, time: Time, *, hold: float = HOLD, look_back: float = 7 * 86400.0, **sim: Any
) -> AsyncIterator[Looking]:
    async with desk(time, **sim) as made, open_ledger(folder, time) as ledger, client_of(made, time) as client:
        rules = campaign(folder, made.url)
        campaign_id = await with_people(ledger, rules, PEOPLE)
        recovery = Recovery(
            client, time.clock, RecoveryRules(hold, 50, look_back), books_of(ledger), lambda heard: None
        )
        async with running(recovery.run()):
            yield Looking(recovery, made, ledger, rules, campaign_id)


def books_of(ledger: Ledger) -> Books:
    """A ledger as recovery asks it."""
    return Books(ledger.look, ledger.knows, ledger.was_told_of, ledger.strangers, ledger.dialled_under)


async def verdict(case: Case, seconds: float = 600.0) -> tuple[str, float]:
    """The verdict in a word, and when it came: `nothing` if there was none in that time."""
    loop = asyncio.get_running_loop()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            told = await asyncio.shield(case.verdict)
            return ("absent" if isinstance(told, Absent) else "found"), loop.time()
    return "nothing", loop.time()
