"""The ledger's verbs for what stands over all campaigns: who is not to be called, and when people were rung before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from dialer.ledger import optouts, registers, rings
from dialer.ledger.events import RunMark, fenced
from dialer.ledger.optouts import Reached, Removed, Word
from dialer.ledger.registers import KnownRegister
from dialer.ledger.rings import Told
from dialer.ledger.writer import Writer


class Standing:
    """A part of `Ledger`, which has what it works with."""

    _writer: Writer
    _now: Callable[[], datetime]
    _mark: RunMark
    secret: bytes
    halts: int

    # --- who is not to be called ---

    async def opt_out(self, numbers: Sequence[str], people: Sequence[str], word: Word) -> tuple[Reached, ...]:
        """Enter numbers (E.164) and ids, and stop whom they reach in all campaigns, with what waits."""
        self.halts += 1
        now, mark, secret = self._now(), self._mark, self.secret
        return await self._writer.do(lambda db: optouts.add(db, secret, numbers, people, word, now, mark))

    async def opt_out_of_call(self, attempt: int, word: Word) -> tuple[Reached, ...]:
        """Somebody has said it in a call: enter the number that rang and all of theirs, and stop whom they reach."""
        self.halts += 1
        now, mark, secret = self._now(), self._mark, self.secret
        return await self._writer.do(lambda db: optouts.add_of_call(db, secret, attempt, word, now, mark))

    async def opt_in(self, numbers: Sequence[str], people: Sequence[str], word: Word) -> Removed:
        """Take entries back; whom nothing else stops is due again (UsageError: there is no such entry)."""
        now, mark, secret = self._now(), self._mark, self.secret
        return await self._writer.do(lambda db: optouts.remove(db, secret, numbers, people, word, now, mark))

    async def is_stopped(self, contact: int, since: int) -> bool:
        """Whether somebody is not to be dialled any more, who could be when `halts` was `since`.

        The ledger is asked only where anybody was stopped after that, and asked again for as long as that goes on.
        """
        while since != self.halts:
            since = self.halts
            if await self._writer.do(lambda db: optouts.is_stopped(db, contact)):
                return True
        return False

    async def is_anybody(self, person: str) -> bool:
        """Whether somebody has this id, in any campaign."""
        return await self._writer.do(lambda db: optouts.is_anybody(db, person))

    async def stop_listed(self, campaign: int) -> Reached | None:
        """Stop whoever of a campaign is on the list, as after an import."""
        self.halts += 1
        now, mark, secret = self._now(), self._mark, self.secret
        return await self._writer.do(lambda db: optouts.stop_listed(db, secret, campaign, now, mark))

    # --- lists in files ---

    async def known_register(self, file: str) -> KnownRegister | None:
        """A list as it was last read."""
        return await self._writer.do(lambda db: registers.known(db, file))

    async def gone_from_register(self, register: int, numbers: Sequence[int]) -> int:
        """How many numbers of a list as it was last read are not among these, which are in rising order."""
        return await self._writer.do(lambda db: registers.gone(db, register, numbers))

    async def keep_register(self, file: str, stamp: str, numbers: Sequence[int]) -> KnownRegister:
        """A list was read anew: these numbers take the place of those before."""
        now = self._now()
        keep = fenced(self._mark, lambda db: registers.keep(db, file, stamp, numbers, now))
        return await self._writer.do(keep)

    async def stamp_register(self, file: str, stamp: str) -> None:
        """A list's file was looked at again, and holds the same."""
        await self._writer.do(fenced(self._mark, lambda db: registers.stamp(db, file, stamp)))

    async def go_by_registers(self, campaign: int, register_ids: Sequence[int]) -> tuple[int, int]:
        """Exclude whom these lists bar, and make due again whom they bar no more; gives how many of each."""
        now, mark = self._now(), self._mark
        freed = await self._writer.do(fenced(mark, lambda db: registers.unbar(db, campaign, register_ids, now, mark)))
        barred = await self._writer.do(
            fenced(mark, lambda db: registers.bar_registered(db, campaign, register_ids, now, mark))
        )
        return barred, freed

    # --- rings from elsewhere ---

    async def keep_rings(self, told: Sequence[Told]) -> int:
        """Remember rings that no attempt tells of; gives how many are new."""
        secret = self.secret
        return await self._writer.do(lambda db: rings.keep(db, secret, told))
