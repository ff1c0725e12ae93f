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

    `jump` is by how many seconds the wall clock was set since the run before; None if nobody can say. `set_back` is by
    how many it was set back in all since any of the open attempts was dialled: so much later they may have been
    written down than they were made.
    """

    def __init__(self, clock: Clock, ledger: Ledger, say: Callable[..., None]) -> None:
        self._clock = clock
        self._ledger = ledger
        self._say = say
        self._before = _noted(ledger)
        self._offset = self._now()
        self.jump = jumps.jump(self._before, self._offset)
        self.set_back = 0.0

    async def begin(self) -> None:
        """Tell of a jump since the run before, and note how the clock stands now."""
        self._tell(self.jump)
        if await self._ledger.has_open():
            self.set_back = jumps.set_back(_number(self._ledger.noted.get("set_back")), self.jump)
        await self._note()

    async def run(self) -> None:
        """Watch; ends by being cancelled."""
        while True:
            await self._clock.sleep(_LOOKS_EVERY)
            now = self._now()
            jump = jumps.jump(self._offset, now)
            if jumps.noticed(jump):
                self._tell(jump)
                self._offset = now
                self.set_back = jumps.set_back(self.set_back, jump)
            await self._note()

    def _tell(self, jump: float | None) -> None:
        if jump is not None and jumps.noticed(jump):
            self._say("clock_jumped", jumps.told(jump), level="warning", seconds=round(jump, 3))

    def moved(self) -> float | None:
        """By how many seconds the wall clock was set since the run before, until now; None if nobody can say.

        Looked up anew each time: a jump is noticed only at the next look, and a hold that is read in between must not
        be taken for over.
        """
        return jumps.jump(self._before, self._now())

    async def _note(self) -> None:
        await self._ledger.note(boot=self._offset.boot, offset=self._offset.seconds, set_back=self.set_back)

    def _now(self) -> Offset:
        boot = self._clock.boot()
        return Offset(boot.id, jumps.offset(self._clock.now().timestamp(), boot.seconds))


def _noted(ledger: Ledger) -> Offset:
    boot, seconds = ledger.noted.get("boot"), ledger.noted.get("offset")
    if not isinstance(boot, str) or not isinstance(seconds, int | float):
        return Offset("", 0.0)
    return Offset(boot, float(seconds))


def _number(noted: object) -> float:
    return float(noted) if isinstance(noted, int | float) else 0.0
