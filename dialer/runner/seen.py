"""Which whole numbers have come before: some ten bytes each, where a set takes seventy."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Sequence

_AT_ONCE = 65_536


class Seen:
    """Whole numbers from -2^63 up to 2^63, the latest in a set, the others sorted in arrays that double."""

    def __init__(self) -> None:
        self._latest: set[int] = set()
        self._kept: list[array[int]] = []

    def add(self, values: Sequence[int]) -> bool:
        """Keep them all, unless one of them has come before; gives whether they were kept."""
        latest = self._latest
        for value in values:
            if value in latest:
                return False
            for known in self._kept:
                if has(known, value):
                    return False
        latest.update(values)
        if len(latest) >= _AT_ONCE:
            self._put_away()
        return True

    def _put_away(self) -> None:
        found = sorted(self._latest)
        self._latest = set()
        while self._kept and len(self._kept[-1]) <= len(found):
            found = sorted([*self._kept.pop(), *found])
        self._kept.append(array("q", found))


def has(rising: Sequence[int], value: int) -> bool:
    """Whether the value is among these, which rise."""
    at = bisect_left(rising, value)
    return at < len(rising) and rising[at] == value
