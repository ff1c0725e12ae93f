"""What a forecast looks ahead at, and what it keeps: the hours of people who are alike, the course of their calls."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from dialer.policy.clocks import DAY, instant
from dialer.policy.spans import Spans, join, next_in

FAR_DAYS = 400
"""So far a forecast goes, and so far ahead an opening is looked for."""

_AHEAD = 14 * DAY
_HALF = 0.5
"""Of a call: what is less is not waited for, or one of a thousand people who needs a third call would make the end."""

Opens = Callable[[int, datetime, datetime], Spans]
"""When dials to people of a kind may begin, from an instant up to another."""


class Hours:
    """When each kind of people may be called, worked out as far ahead as is asked. Moments are epoch seconds."""

    def __init__(self, opens: Opens, now: float) -> None:
        self._opens = opens
        self._now = math.floor(now)
        self.far = self._now + FAR_DAYS * DAY
        self._spans: dict[int, Spans] = {}
        self._until: dict[int, int] = {}

    def part(self, kind: int, start: float, end: float) -> float:
        """How many seconds of this time are open."""
        spans = self._known(kind, end)
        at, seconds = max(0, bisect_right(spans, (start, math.inf)) - 1), 0.0
        while at < len(spans) and spans[at][0] < end:
            seconds += max(0.0, min(end, spans[at][1]) - max(start, spans[at][0]))
            at += 1
        return seconds

    def next(self, kind: int, at: float) -> float | None:
        """The first moment from `at` on that is open; None: none within the forecast."""
        until = at + DAY
        while (found := next_in(self._known(kind, until), at)) is None and until < self.far:
            until += max(_AHEAD, until - self._now)
        return found

    def _known(self, kind: int, until: float) -> Spans:
        known = self._until.get(kind, self._now)
        while known < min(until, self.far):
            more = min(self.far, known + max(_AHEAD, known - self._now))
            found = self._opens(kind, instant(known), instant(more))
            self._spans[kind] = join(self._spans.get(kind, ()), found)
            self._until[kind] = known = more
        return self._spans.get(kind, ())


@dataclass(slots=True)
class Course:
    """The calls that are forecast of some people. Those after the first of `tail` are less than half a call together,
    so that it tells when all is over."""

    people: int = 0
    calls: float = 0.0
    first: float | None = None
    tail: deque[tuple[float, float]] = field(default_factory=deque)
    beyond: float = 0.0

    def add(self, start: float, end: float, calls: float) -> None:
        """So many calls more, the first of them and the last made then."""
        self.calls += calls
        if self.first is None:
            self.first = start
        self.beyond += calls if self.tail else 0.0
        self.tail.append((end, calls))
        while self.beyond >= _HALF:
            self.tail.popleft()
            self.beyond -= self.tail[0][1]

    @property
    def last(self) -> float | None:
        """When the last call is made."""
        return self.tail[0][0] if self.tail else None
