"""When all rules let a telephone ring, and which of them opens and closes each stretch of that time."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dialer.model.rules import Rule
from dialer.policy.spans import Spans


@dataclass(frozen=True, slots=True)
class Window:
    """From and until, in UTC epoch seconds, half-open; `opener` let it begin and `closer` lets it end.

    Both are None where no rule says anything.
    """

    start: int
    end: int
    opener: Rule | None = None
    closer: Rule | None = None


@dataclass(frozen=True, slots=True)
class Windows:
    """Windows in order, with their starts beside them, to be searched."""

    windows: tuple[Window, ...]
    starts: tuple[int, ...]

    def next(self, at: float) -> Window | None:
        """The window that holds this instant, else the first one after it."""
        index = bisect_right(self.starts, at)
        if index and at < self.windows[index - 1].end:
            return self.windows[index - 1]
        return self.windows[index] if index < len(self.windows) else None


def windows(whole: tuple[int, int], ruled: Iterable[tuple[Rule, Spans]], ring: float) -> Windows:
    """The time in `whole` that lies in the spans of every rule, each end so many seconds of ringing earlier.

    Of rules that open or close at the same moment the first that is given is named.
    """
    found: Sequence[Window] = [Window(*whole)]
    for rule, spans in ruled:
        found = _narrowed(found, rule, spans)
    by = math.ceil(ring)
    kept = tuple(
        Window(window.start, window.end - by, window.opener, window.closer)
        for window in found
        if window.start < window.end - by
    )
    return Windows(kept, tuple(window.start for window in kept))


def _narrowed(found: Sequence[Window], rule: Rule, spans: Spans) -> list[Window]:
    narrowed = []
    at = beside = 0
    while at < len(found) and beside < len(spans):
        window, (start, end) = found[at], spans[beside]
        if max(window.start, start) < min(window.end, end):
            narrowed.append(_cut(window, rule, start, end))
        if window.end <= end:
            at += 1
        else:
            beside += 1
    return narrowed


def _cut(window: Window, rule: Rule, start: int, end: int) -> Window:
    opens = start > window.start or window.opener is None
    closes = end < window.end or window.closer is None
    return Window(
        max(window.start, start),
        min(window.end, end),
        rule if opens else window.opener,
        rule if closes else window.closer,
    )
