"""The ledger's verbs for what stands around a call: the own number that shows, and what is found in it afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from dialer.ledger import callers
from dialer.ledger.events import RunMark
from dialer.ledger.writer import Writer


class Around:
    """A part of `Ledger`, which has what it works with."""

    _writer: Writer
    _now: Callable[[], datetime]
    _mark: RunMark

    # --- own numbers ---

    async def used_today(self, numbers: Iterable[str]) -> dict[str, int]:
        """How often each of these own numbers was shown since 00:00 UTC, over all campaigns of the ledger."""
        now, asked = self._now(), tuple(numbers)
        return await self._writer.do(lambda db: callers.used_today(db, asked, now))

    async def last_from(self, contact: int) -> str | None:
        """The own number that a contact saw last; None if they were never rung."""
        return await self._writer.do(lambda db: callers.last_from(db, contact))

    async def put_off(self, contact: int, until: datetime | None, rule: str, why: str) -> None:
        """Hold somebody who is due, until then or, with None, until somebody has looked."""
        now, mark = self._now(), self._mark
        await self._writer.do(lambda db: callers.put_off(db, contact, until, rule, why, now, mark))
