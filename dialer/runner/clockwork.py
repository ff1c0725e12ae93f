"""The wall clock is watched while a run goes on: a jump is noticed and said, and noted for the run that follows."""

from __future__ import annotations

from collections.abc import Callable

from dialer.clock import Clock
from dialer.ledger import Ledger
from dialer.policy import jumps
from dialer.policy.jumps import Offset

_LOOKS_EVERY = 1.0


class Clockwork:
    """Watches the wall clock, and notes in the ledger's lock file how it stands and how far the ledger has come.

    `jump` is by how many seconds the wall clock was set since the run before; None if nobody can say. `set_back` and
    `set_forward` are by how many it was set in all, this way or that, since any of the open attempts was dialled: so
    much later, or earlier, they may have been written down than they were made. Both are noted for the runs that
    follow: how the clock stands is noted at once, and by that alone the next run would see no jump.
    """

    def __init__(self, clock: Clock, ledger: Ledger, say: Callable[..., None]) -> None:
        self._clock = clock
        self._ledger = ledger
        self._say = say
        self._offset = self._now()
        self.jump = jumps.jump(_noted(ledger), self._offset)
        self._back = self._forward = 0.0

    @property
    def set_back(self) -> float:
        """Until now: what is read between a jump and the next look must know of it."""
        return jumps.set_back(self._back, self._unnoticed())

    @property
    def set_forward(self) -> float:
        """As above."""
        return jumps.set_forward(self._forward, self._unnoticed())

    async def begin(self) -> None:
        """Tell of a jump since the run before, and note how the clock stands now."""
        self._tell(self.jump)
        if await self._ledger.has_open():
            noted = self._ledger.noted
            self._back = jumps.set_back(_number(noted.get("set_back"), 0.0), self.jump)
            self._forward = jumps.set_forward(_number(noted.get("set_forward"), jumps.ANY), self.jump)
        await self._note()

    async def run(self) -> None:
        """Watch; ends by being cancelled."""
        while True:
            await self._clock.sleep(_LOOKS_EVERY)
            self._look(self._now())
            await self._note()

    def _look(self, now: Offset) -> None:
        """One reading of the clock: what is set between two would be counted by neither."""
        jump = jumps.jump(self._offset, now)
        if jumps.noticed(jump):
            self._back, self._forward = jumps.set_back(self._back, jump), jumps.set_forward(self._forward, jump)
            self._offset = now
            self._tell(jump)

    def _unnoticed(self) -> float | None:
        """By how many seconds the wall clock was set since the last jump that was noticed."""
        return jumps.jump(self._offset, self._now())

    def _tell(self, jump: float | None) -> None:
        if jump is not None and jumps.noticed(jump):
            self._say("clock_jumped", jumps.told(jump), level="warning", seconds=round(jump, 3))

    async def _note(self) -> None:
        at = self._offset
        await self._ledger.note(boot=at.boot, offset=at.seconds, set_back=self._back, set_forward=self._forward)

    def _now(self) -> Offset:
        boot = self._clock.boot()
        return Offset(boot.id, jumps.offset(self._clock.now().timestamp(), boot.seconds))


def _noted(ledger: Ledger) -> Offset:
    boot, seconds = ledger.noted.get("boot"), ledger.noted.get("offset")
    if not isinstance(boot, str) or not isinstance(seconds, int | float):
        return Offset("", 0.0)
    return Offset(boot, float(seconds))


def _number(noted: object, otherwise: float) -> float:
    return float(noted) if isinstance(noted, int | float) else otherwise
