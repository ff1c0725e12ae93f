"""The ledger's verbs for what a person changes beyond a campaign's own course: who is called again, who is forgotten,
calls to a telephone of one's own."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import Executor
from datetime import datetime
from pathlib import Path

from dialer.ledger import own_calls, purging, requeuing
from dialer.ledger.events import RunMark
from dialer.ledger.own_calls import OwnCall, Step
from dialer.ledger.purging import Choice, Purged
from dialer.ledger.requeuing import Reach, Wanted
from dialer.ledger.writer import Writer, explained


class Changes:
    """A part of `Ledger`, which has what it works with."""

    path: Path
    secret: bytes
    _connection: sqlite3.Connection
    _executor: Executor
    _writer: Writer
    _now: Callable[[], datetime]
    _mark: RunMark

    async def requeue(self, wanted: Wanted, why: str, who: str) -> Reach:
        """Make finished people due again (UsageError where that cannot be)."""
        now, mark = self._now(), self._mark
        return await self._writer.do(lambda db: requeuing.requeue(db, wanted, why, who, now, mark))

    async def purge(self, choice: Choice, who: str) -> Purged:
        """Forget people: out of the tables in one transaction, then out of the file and its log of changes.

        Raises:
            UsageError: a call of theirs is on the line, or there is no such campaign.
            LedgerError: it cannot be written, or somebody reads it; the same command again goes on with it.
        """
        now, secret = self._now(), self.secret
        await self._outside(purging.prepare)
        found = await self._writer.do(lambda db: purging.purge(db, secret, choice, who, now))
        await self._outside(lambda db: purging.scrub(db, str(self.path)))
        return found

    async def _outside(self, work: Callable[[sqlite3.Connection], None]) -> None:
        """Work that cannot be done in a transaction, where the writer works; nothing is written meanwhile."""
        await self._writer.idle()
        try:
            await asyncio.get_running_loop().run_in_executor(self._executor, work, self._connection)
        except sqlite3.Error as error:
            raise explained(error, str(self.path)) from error

    async def intend_own_call(self, call: OwnCall) -> None:
        """Commit the intent to ring a telephone of one's own (UsageError: it may not be rung)."""
        now, mark, secret = self._now(), self._mark, self.secret
        await self._writer.do(lambda db: own_calls.intend(db, secret, call, now, mark))

    async def own_call_goes_on(self, step: Step) -> None:
        """What became of it."""
        now, mark = self._now(), self._mark
        await self._writer.do(lambda db: own_calls.go_on(db, step, now, mark))
