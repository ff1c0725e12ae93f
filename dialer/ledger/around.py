"""The ledger's verbs for what stands around a call: the own number that shows, and what is found in it afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from dialer.ledger import analyses, callers
from dialer.ledger.analyses import EndedAttempt, Talked
from dialer.ledger.events import RunMark
from dialer.ledger.writer import Writer
from dialer.model import JSON


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

    # --- what is found afterwards ---

    async def unanalysed(self, campaign: int, since: datetime, limit: int) -> list[EndedAttempt]:
        """Calls that have ended since then, and whose analysis is not here, the newest first."""
        return await self._writer.do(lambda db: analyses.unanalysed(db, campaign, since, limit))

    async def ended_call(self, campaign: int, call: str) -> EndedAttempt | None:
        """A call by its id, ours or the platform's, if it has ended and its analysis is not here."""
        return await self._writer.do(lambda db: analyses.ended_call(db, campaign, call))

    async def keep_analysis(self, ended: EndedAttempt, items: Mapping[str, JSON]) -> bool:
        """Keep what was found in a call; False if it is there already."""
        now, mark = self._now(), self._mark
        return await self._writer.do(lambda db: analyses.keep(db, ended, items, now, mark))

    async def who_talked(self, contact: int) -> Talked:
        """Of whom a call was: their id, numbers and zones."""
        return await self._writer.do(lambda db: analyses.who_talked(db, contact))

    async def call_back(self, ended: EndedAttempt, due_at: datetime, most: int) -> bool:
        """Somebody asked to be called again at that moment; whether they are."""
        now, mark = self._now(), self._mark
        return await self._writer.do(lambda db: analyses.call_back(db, ended, due_at, most, now, mark))

    async def refuse_callback(self, ended: EndedAttempt, why: str) -> None:
        """A time for which somebody asked cannot be understood."""
        now, mark = self._now(), self._mark
        await self._writer.do(lambda db: analyses.refuse_callback(db, ended, why, now, mark))
