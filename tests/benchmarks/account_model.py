"""A discrete-event model of an account: calls, refusals, others' calls, and how late all that is known."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from math import floor, log
from typing import Any, Protocol

from dialer.model.pacing import Freed, Heard, Nothing, Others, Placed, Refused, Shown, Taken
from dialer.policy import pacing
from dialer.verbex.ahead import Ahead

WAY = 0.05
"""Seconds from us to the platform, and the same back."""

_LOOKS = 0.25
"""Seconds after which whoever waits for a line looks again, as `dialer.lines` does."""

_ANSWERED, _RING = 90.0, 25.0
_SIGMA = 0.8
MEAN_CALL = 0.65 * _ANSWERED + 0.35 * _RING


@dataclass(frozen=True, slots=True)
class Cell:
    """One case: the account's limit by time, how ends are learned, and what else goes on."""

    name: str
    limits: tuple[tuple[float, int], ...]
    feedback: str = "webhook"  # webhook | poll
    delay: float = 0.5
    others: float = 0.0
    is_shown: bool = True
    skew: float = 0.0
    refusals: str = "answer"  # answer | record
    per_second: float = 50.0
    seconds: float = 3600.0
    start: float | None = None

    def limit(self, now: float) -> int:
        return next(limit for since, limit in reversed(self.limits) if now >= since)


class Controller(Protocol):
    """Who decides how many calls may be live."""

    def room(self, now: float) -> bool: ...
    def taken(self, line: int, now: float) -> None: ...
    def refused(self, line: int, sent: float, now: float) -> None: ...
    def placed(self, line: int, now: float) -> None: ...
    def shown(self, line: int, now: float) -> None: ...
    def freed(self, line: int, at: float, since: float, now: float) -> None: ...
    def others(self, change: int, at: float, now: float) -> None: ...
    def tick(self, now: float) -> None: ...


@dataclass(slots=True)
class Result:
    """What came of a run: `levels` is the number of our truly live calls once a second."""

    dials: int = 0
    refused: int = 0
    line_seconds: float = 0.0
    levels: list[int] = field(default_factory=list)


class Account:
    """One run of a cell with one seed."""

    def __init__(self, cell: Cell, seed: int, controller: Controller) -> None:
        self._cell = cell
        self._calls = random.Random(f"calls{seed}")
        self._foreign = random.Random(f"others{seed}")
        self._beat = random.Random(f"beat{seed}").random()
        self._controller = controller
        self._events: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._n = 0
        self._now = 0.0
        self._live = self._others = 0
        self._ours_since = 0.0
        self._untold: list[tuple[Callable[..., None], tuple[Any, ...]]] = []
        self._next_send = 0.0
        self._is_awaited = False
        self._line = 0
        self._sent: dict[int, float] = {}
        self._ahead = Ahead()
        self.result = Result()

    def run(self) -> Result:
        self._do(0.0, self._second)
        self._do(_LOOKS, self._look)
        if self._cell.feedback == "poll":
            self._do(self._cell.delay, self._poll)
        if self._cell.others:
            for _ in range(int(self._cell.others)):
                self._other_begins()
            self._other_comes()
        self._pump()
        while self._events and self._events[0][0] < self._cell.seconds:
            self._now, _, act, given = heapq.heappop(self._events)
            act(*given)
            self._pump()
        self._count(0)
        return self.result

    def _do(self, at: float, act: Callable[..., None], *given: Any) -> None:
        self._n += 1
        heapq.heappush(self._events, (at, self._n, act, given))

    # --- our dials ---

    def _pump(self) -> None:
        while self._controller.room(self._now):
            if self._now < self._next_send:
                if not self._is_awaited:
                    self._is_awaited = True
                    self._do(self._next_send, self._turn)
                return
            self._next_send = max(self._next_send, self._now - 1e-9) + 1.0 / self._cell.per_second
            self._line += 1
            self._sent[self._line] = self._now
            self.result.dials += 1
            self._controller.taken(self._line, self._now)
            self._do(self._now + WAY, self._arrives, self._line)

    def _turn(self) -> None:
        self._is_awaited = False

    def _arrives(self, line: int) -> None:
        if self._live + self._others >= self._cell.limit(self._now):
            self.result.refused += 1
            if self._cell.refusals == "answer":
                self._do(self._now + WAY, self._told_refused, line)
            else:
                self._tell(self._told_refused, line)
                self._do(self._now + WAY, self._answered, line)
            return
        self._count(1)
        self._do(self._now + self._length(), self._ends, line)
        self._tell(self._told_live, line)
        self._do(self._now + WAY, self._answered, line)

    def _answered(self, line: int) -> None:
        """The answer's date, in whole seconds, tells how far the platform's clock is off."""
        self._ahead.dated(floor(self._now - WAY + self._cell.skew + self._beat) - self._beat - self._now)
        self._controller.placed(line, self._now)

    def _length(self) -> float:
        if self._calls.random() < 0.35:
            return _RING
        return self._calls.lognormvariate(log(_ANSWERED) - _SIGMA**2 / 2, _SIGMA)

    def _ends(self, line: int) -> None:
        self._count(-1)
        self._tell(self._told_ended, line, self._now + self._cell.skew)

    def _count(self, change: int) -> None:
        self.result.line_seconds += self._live * (self._now - self._ours_since)
        self._ours_since = self._now
        self._live += change

    # --- what is told ---

    def _tell(self, act: Callable[..., None], *given: Any) -> None:
        if self._cell.feedback == "webhook":
            self._do(self._now + self._cell.delay, act, *given)
        else:
            self._untold.append((act, given))

    def _poll(self) -> None:
        told, self._untold = self._untold, []
        for act, given in told:
            self._do(self._now + WAY, act, *given)
        self._do(self._now + self._cell.delay, self._poll)

    def _told_refused(self, line: int) -> None:
        self._controller.refused(line, self._sent.pop(line), self._now)

    def _told_live(self, line: int) -> None:
        self._controller.shown(line, self._now)

    def _told_ended(self, line: int, at: float) -> None:
        self._ahead.ended(at - self._now)
        self._controller.freed(line, self._ours(at), self._sent.pop(line), self._now)

    def _told_other(self, change: int, at: float) -> None:
        if change < 0:
            self._ahead.ended(at - self._now)
        self._controller.others(change, self._ours(at), self._now)

    def _ours(self, at: float) -> float:
        return min(at - self._ahead.seconds, self._now)

    # --- others ---

    def _other_comes(self) -> None:
        if self._now > 0:
            self._other_begins()
        self._do(self._now + self._foreign.expovariate(self._cell.others / _ANSWERED), self._other_comes)

    def _other_begins(self) -> None:
        self._others += 1  # they find room, if need be above the limit: what they do does not follow from what we do
        self._do(self._now + self._foreign.lognormvariate(log(_ANSWERED) - _SIGMA**2 / 2, _SIGMA), self._other_ends)
        if self._cell.is_shown:
            self._tell(self._told_other, 1, self._now + self._cell.skew)

    def _other_ends(self) -> None:
        self._others -= 1
        if self._cell.is_shown:
            self._tell(self._told_other, -1, self._now + self._cell.skew)

    def _second(self) -> None:
        self.result.levels.append(self._live)
        self._do(self._now + 1.0, self._second)

    def _look(self) -> None:
        self._controller.tick(self._now)
        self._do(self._now + _LOOKS, self._look)


class Oracle:
    """Knows the limit, and has the same feedback."""

    def __init__(self, cell: Cell) -> None:
        self._cell = cell
        self._count = 0

    def room(self, now: float) -> bool:
        return self._count < self._cell.limit(now)

    def taken(self, line: int, now: float) -> None:
        self._count += 1

    def placed(self, line: int, now: float) -> None:
        """Nothing that it did not know."""

    shown = placed

    def refused(self, line: int, sent: float, now: float) -> None:
        self._count -= 1

    def freed(self, line: int, at: float, since: float, now: float) -> None:
        self._count -= 1

    def others(self, change: int, at: float, now: float) -> None:
        self._count += change

    def tick(self, now: float) -> None:
        """Time teaches it nothing."""


class Paced:
    """`policy.pacing` at work."""

    def __init__(self, cell: Cell) -> None:
        self.state = pacing.learning(cell.start)

    def room(self, now: float) -> bool:
        return self.state.slots.live < pacing.lines(self.state)

    def taken(self, line: int, now: float) -> None:
        self._hear(Taken(line, now), now)

    def placed(self, line: int, now: float) -> None:
        self._hear(Placed(line), now)

    def shown(self, line: int, now: float) -> None:
        self._hear(Shown(line), now)

    def refused(self, line: int, sent: float, now: float) -> None:
        self._hear(Refused(line, sent), now)

    def freed(self, line: int, at: float, since: float, now: float) -> None:
        self._hear(Freed(line, at, since), now)

    def others(self, change: int, at: float, now: float) -> None:
        self._hear(Others(change, at), now)

    def tick(self, now: float) -> None:
        self._hear(Nothing(), now)

    def _hear(self, heard: Heard, now: float) -> None:
        self.state = pacing.after(self.state, heard, now)
