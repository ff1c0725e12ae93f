"""Sets of instants: sorted, disjoint, half-open spans of UTC epoch seconds; spans that touch are one."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable

Spans = tuple[tuple[int, int], ...]
"""From and until of each span, `from < until < the next from`."""


def join(*sets: Iterable[tuple[int, int]]) -> Spans:
    """All instants that are in any of them, which may be in any order, overlap, touch or be empty."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted(span for spans in sets for span in spans if span[0] < span[1]):
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(joined[-1][1], end)
        else:
            joined.append((start, end))
    return tuple(joined)


def meet(one: Spans, other: Spans) -> Spans:
    """The instants that are in both."""
    met = []
    at = beside = 0
    while at < len(one) and beside < len(other):
        start, end = max(one[at][0], other[beside][0]), min(one[at][1], other[beside][1])
        if start < end:
            met.append((start, end))
        if one[at][1] == end:
            at += 1
        else:
            beside += 1
    return tuple(met)


def without(spans: Spans, gone: Spans) -> Spans:
    """The instants of the first that are not in the second."""
    if not spans:
        return ()
    first, last = spans[0][0], spans[-1][1]
    edges = [first, *(edge for span in gone for edge in span if first < edge < last), last]
    if contains(gone, first):
        edges = edges[1:]
    return meet(spans, tuple(zip(edges[::2], edges[1::2], strict=False)))


def shortened(spans: Spans, seconds: float) -> Spans:
    """The instants from which on that many seconds still lie inside: every end comes so much earlier."""
    by = math.ceil(seconds)
    return tuple((start, end - by) for start, end in spans if start < end - by)


def contains(spans: Spans, at: float) -> bool:
    """Whether this instant is in one of them."""
    index = bisect_right(spans, (at, math.inf)) - 1
    return index >= 0 and at < spans[index][1]


def next_in(spans: Spans, at: float) -> float | None:
    """The first instant from `at` on that is in one of them: `at` itself, the start of a later span, or None."""
    index = bisect_right(spans, (at, math.inf))
    if index and at < spans[index - 1][1]:
        return at
    return spans[index][0] if index < len(spans) else None
