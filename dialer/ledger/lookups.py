"""The ledger's verbs for what is asked beside the dialling: calls that it may not know, what webhooks have told, and by
what the files of a list are known."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from dialer.ledger import earlier, inbox, stamps
from dialer.ledger.earlier import Doubt
from dialer.ledger.events import RunMark
from dialer.ledger.intending import Passed
from dialer.ledger.reading import SQL as READING
from dialer.ledger.stamps import KnownList
from dialer.ledger.writer import Writer
from dialer.model import CallRecord, Candidate, FileStamp


class Lookups:
    """A part of `Ledger`, which has what it works with."""

    _writer: Writer
    _now: Callable[[], datetime]
    _mark: RunMark

    # --- calls that this ledger may not know ---

    async def doubt_of(self, campaign: int) -> Doubt | None:
        """Why calls may have been made of which this ledger does not know, if the platform was not asked since."""
        return await self._writer.do(lambda db: earlier.doubt_of(db, campaign))

    async def doubted_others(self, campaign: int) -> list[str]:
        """The names of the other campaigns of which calls may have been made that this ledger does not know."""
        return await self._writer.do(lambda db: earlier.doubted_others(db, campaign))

    async def last_moment(self) -> datetime | None:
        """The last moment that the ledger knows of earlier runs."""
        run = self._mark.run_id
        return await self._writer.do(lambda db: earlier.last_moment(db, run))

    async def doubt(self, why: str) -> None:
        """There are calls of which the ledger does not know, whatever speaks against it."""
        now, mark = self._now(), self._mark
        await self._writer.do(lambda db: earlier.doubted(db, why, now, mark))

    async def prove(self, campaign: int, how: str) -> None:
        """The platform was asked for them, and all that it told of is written down."""
        now, mark = self._now(), self._mark
        await self._writer.do(lambda db: earlier.prove(db, campaign, how, now, mark))

    async def people_with(self, campaign: int, numbers: Iterable[str]) -> list[Candidate]:
        """Contacts that have one of these numbers."""
        return await self._writer.do(lambda db: earlier.people_with(db, campaign, numbers))

    async def dialable(self, campaign: int, after: int, limit: int) -> list[Candidate]:
        """Contacts that are due or waiting, by their ids, from one on."""
        return await self._writer.do(lambda db: earlier.dialable(db, campaign, after, limit))

    async def last_calls(self, key_mark: str, limit: int) -> list[str]:
        """Ids of the last calls that ended and were dialled under this key."""
        return await self._writer.do(lambda db: earlier.last_calls(db, key_mark, limit))

    async def dialled_under(self, ids: Sequence[str]) -> set[str]:
        """The marks of the keys under which the calls of these ids were dialled."""
        return await self._writer.do(lambda db: earlier.dialled_under(db, ids))

    async def strange(self, ids: Sequence[str]) -> set[str]:
        """Those of the ids that belong to no attempt."""
        return await self._writer.do(lambda db: earlier.strange(db, ids))

    async def adopt(
        self, candidate: Candidate, serial: int, call_id: str, number: str, record: CallRecord
    ) -> int | Passed:
        """Make an attempt of a call of which this ledger did not know."""
        now, mark = self._now(), self._mark
        return await self._writer.do(
            lambda db: earlier.adopt(db, candidate, serial, call_id, number, record, now, mark)
        )

    # --- what was told by webhook ---

    async def keep(self, trace_id: str, event: str, call: str, body: str) -> bool:
        """Keep a delivery; False if it is there already."""
        now = self._now()
        return await self._writer.do(lambda db: inbox.keep(db, trace_id, event, call, body, now))

    async def was_told_of(self, call: str) -> bool:
        """Whether a delivery tells of a call by this id, ours or the platform's."""
        return await self._writer.do(lambda db: inbox.tells_of(db, call))

    async def strangers(self, since: datetime, limit: int) -> list[str]:
        """Calls that were told of since then and belong to no attempt."""
        return await self._writer.do(lambda db: inbox.strangers(db, since, limit))

    # --- the files of a list ---

    async def known_list(self, campaign: int) -> KnownList:
        """The list as it was last taken in."""
        return await self._writer.do(lambda db: stamps.known_list(db, campaign))

    async def keep_stamps(self, campaign: int, fingerprint: str, found: Sequence[FileStamp]) -> None:
        """What the files of the list with this fingerprint looked like when they were read."""
        await self._writer.do(lambda db: stamps.keep(db, campaign, fingerprint, found))

    async def rejected(self, campaign: int) -> int:
        """How many rejects the list as it was last taken in has."""
        given = {"campaign": campaign}
        return await self._writer.do(lambda db: sum(row["n"] for row in db.execute(READING["reject_counts"], given)))
