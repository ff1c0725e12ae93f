"""A numbering plan as it is followed: which digits may be cut off, and what may be remembered of an answer."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from dialer.model import BadNumber, Number
from dialer.places.patterns import Node

# What is remembered: digits to cut off, region and kind; or the fault; None where nothing may be remembered.
Verdict = tuple[int, str, str] | BadNumber | None


@dataclass(frozen=True, slots=True)
class Plan:
    """One way of writing the numbers of a calling code, and what is known of them.

    `cuts` are the digits that may stand before a national number in this way of writing and that the
    library takes off; `prefix` finds the national ones, `abroad` what dials out of the country.
    """

    code: str
    cuts: tuple[str, ...]
    prefix: re.Pattern[str] | None
    abroad: re.Pattern[str] | None
    longest_short: int
    root: Node[Verdict] = field(repr=False)

    def verdict(self, digits: str, found: Number | BadNumber) -> Verdict:
        """What may be remembered of this answer for all numbers of its leaf and length; None: nothing."""
        if not self._cuts_alike(digits):
            return None
        if isinstance(found, BadNumber):
            shortest = len(digits) - max(map(len, self.cuts))
            return found if shortest > self.longest_short else None
        national = found.e164[1 + len(self.code) :]
        cut = digits.removesuffix(national)
        is_whole = digits.endswith(national) and cut in self.cuts
        return (len(cut), found.region, found.kind) if is_whole else None

    def _cuts_alike(self, digits: str) -> bool:
        """Nothing is taken off or put in but the `cuts`, whatever the digits that are not decided here."""
        if self.abroad is not None and self.abroad.match(digits):
            return False
        return all(self._prefix_is_plain(digits, cut) for cut in self.cuts if digits.startswith(cut))

    def _prefix_is_plain(self, digits: str, cut: str) -> bool:
        found = self.prefix.match(digits[len(cut) :]) if self.prefix is not None else None
        if found is None or found.end() == 0:
            return True
        return not any(found.groups()) and cut + found.group() in self.cuts
