"""The ledger's verbs for what stands around a call: the own number that shows, and what is found in it afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from dialer.ledger import analyses, callers
from dialer.ledger.analyses import EndedAttempt, Heard, Heeded
from dialer.ledger.events import RunMark
from dialer.ledger.writer import Writer
from dialer.model import JSON


class Around:
    """A part of `Ledger`, which has what it works with."""

    _writer: Writer
    _now: Callable[[], datetime]
    _mark: RunMark
    secret: bytes
    halts: int

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

    # --- what is found afterwards ---

    async def unanalysed(
        self, campaign: int, since: datetime, limit: int, before: int | None = None
    ) -> list[EndedAttempt]:
        """Calls that have ended since then, and whose analysis is not here, the newest first; `before`: of attempts
        older than that one."""
        return await self._writer.do(lambda db: analyses.unanalysed(db, campaign, since, limit, before))

    async def ended_call(self, campaign: int, call: str) -> EndedAttempt | None:
        """A call by its id, ours or the platform's, if it has ended and its analysis is not here."""
        return await self._writer.do(lambda db: analyses.ended_call(db, campaign, call))

    async def keep_analysis(
        self, ended: EndedAttempt, items: Mapping[str, JSON], heard: Heard | None = None
    ) -> Heeded | None:
        """Keep what was found in a call, and heed what was heard in it, at once; None if it is there already."""
        now, mark, secret, what = self._now(), self._mark, self.secret, heard or Heard()
        self.halts += what.word is not None
        return await self._writer.do(lambda db: analyses.keep(db, secret, ended, items, what, now, mark))

    async def zones_of(self, contact: int) -> tuple[str, ...]:
        """All zones in which somebody may be."""
        return await self._writer.do(lambda db: analyses.zones_of(db, contact))
