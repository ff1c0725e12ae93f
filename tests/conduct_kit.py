"""A whole run over the simulated platform in virtual time, and what another process asks of it."""

from __future__ import annotations

import asyncio
import contextlib
import io
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from dialer.console import choose
from dialer.ledger import Ledger, control
from dialer.model import Campaign
from dialer.runner import Options
from dialer.runner.conduct import Closed, Conductor
from tests.desk import Desk
from tests.engine_kit import looked_up
from tests.virtual_time import moment, until


@dataclass
class Run:
    """A whole run over a desk and a ledger, and what is asked of it through the spool."""

    ledger: Ledger
    desk: Desk
    ending: asyncio.Task[Closed]
    said: io.StringIO

    async def ask(self, verb: str, **facts: Any) -> str:
        """Ask as another process does; gives the answer, which comes within a second."""
        name = control.ask(self.ledger.path, verb, {"why": "looked", "who": "ann"} | facts)
        await moment(1.0)
        told = control.take_answer(self.ledger.path, name)
        assert told is not None
        return told

    async def mark(self, person: str, word: str, campaign: str | None = "reminders", **facts: Any) -> str:
        return await self.ask("mark", person=person, word=word, campaign=campaign, **facts)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return looked_up(self.ledger.path, query)

    def state(self, person: str, name: str = "reminders") -> tuple[str, int]:
        """Somebody's state, and how many attempts it has cost them."""
        sql = f"""SELECT state, attempts FROM contacts WHERE person = '{person}'
                  AND campaign_id = (SELECT id FROM campaigns WHERE name = '{name}')"""  # noqa: S608 - our own names
        (found,) = self.rows(sql)
        return found[0], found[1]

    async def held(self, count: int = 1) -> None:
        await until(lambda: self.rows("SELECT COUNT(*) FROM attempts WHERE state = 'unknown'") == [(count,)])


@contextlib.asynccontextmanager
async def run_of(made: Desk, ledger: Ledger, *campaigns: Campaign, **options: Any) -> AsyncIterator[Run]:
    """A run of these campaigns, going on; it ends by itself, or with the test."""
    said = io.StringIO()
    console = choose(said, now=made.time.clock.now)
    conductor = Conductor(campaigns, Options(**options), console, made.time.clock, ledger)
    ending = asyncio.create_task(conductor.run())
    try:
        yield Run(ledger, made, ending, said)
        await ending
    finally:
        ending.cancel()
        await asyncio.gather(ending, return_exceptions=True)
