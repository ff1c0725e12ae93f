"""How a pace is judged: by the moments at which something was let go."""

from __future__ import annotations

from collections.abc import Sequence


def most_in_a_second(moments: Sequence[float]) -> int:
    """The most of them that any second holds, its end not counted; they are in order."""
    most = first = 0
    for last, end in enumerate(moments):
        while moments[first] <= end - 1.0:
            first += 1
        most = max(most, last - first + 1)
    return most


def mean_rate(moments: Sequence[float]) -> float:
    """How many a second, from the first to the last of them."""
    return (len(moments) - 1) / (moments[-1] - moments[0])
