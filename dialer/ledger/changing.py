"""The ledger's verbs for what a person changes beyond a campaign's own course: who is called again, who is forgotten,
calls to a telephone of one's own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from dialer.ledger import requeuing
from dialer.ledger.events import RunMark
from dialer.ledger.requeuing import Reach, Wanted
from dialer.ledger.writer import Writer


class Changes:
    """A part of `Ledger`, which has what it works with."""

    _writer: Writer
    _now: Callable[[], datetime]
    _mark: RunMark

    async def requeue(self, wanted: Wanted, why: str, who: str) -> Reach:
        """Make finished people due again (UsageError where that cannot be)."""
        now, mark = self._now(), self._mark
        return await self._writer.do(lambda db: requeuing.requeue(db, wanted, why, who, now, mark))
