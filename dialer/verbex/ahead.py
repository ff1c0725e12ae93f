"""How far the platform's clock is ahead of ours, to a fraction of a second.

A Date is cut to whole seconds, and an answer is read a little after it was written; a call that is over ended before
that. So each of these tells how far the clock is ahead at least, and the largest of the last ones comes nearest.
"""

from __future__ import annotations

from collections import deque

_DATES, _ENDS = 20, 100
"""So many of each are remembered."""

_WHOLE = 1.0
"""Seconds by which a Date is short at most. What a record tells beyond that is no matter of the clock."""

_SET = 2.0
"""Seconds: a Date that is further off than this tells of a clock that was set, ours or the platform's."""


class Ahead:
    """Learns how far the platform's clock is ahead of ours, in seconds; below 0: behind."""

    def __init__(self) -> None:
        self._dates: deque[float] = deque(maxlen=_DATES)
        self._ends: deque[float] = deque(maxlen=_ENDS)
        self.seconds = 0.0

    def dated(self, ahead: float) -> float:
        """An answer's Date was so far ahead when the answer was read. Gives what is known now."""
        if abs(ahead - self.seconds) > _SET:
            self._dates.clear()
            self._ends.clear()
        self._dates.append(ahead)
        return self._known()

    def ended(self, ahead: float) -> float:
        """An end of a call was so far ahead when it was read; mostly below 0. Gives what is known now."""
        if self._dates and ahead <= max(self._dates) + _WHOLE:
            self._ends.append(ahead)
        return self._known()

    def _known(self) -> float:
        self.seconds = max((*self._dates, *self._ends), default=0.0)
        return self.seconds
