"""Moments between which somebody may be called: there must be time between them."""

from __future__ import annotations

import pytest

from dialer.contacts.steering import BadCell, Cells, wishes
from dialer.model import RejectReason, Wish


@pytest.mark.parametrize(
    ("begin", "end", "is_good"),
    [
        ("2026-12-01T10:00Z", "2026-12-01T10:01Z", True),
        ("2026-12-01T10:00Z", "2026-12-01T10:00Z", False),
        ("2026-12-01T10:00Z", "2026-12-01T11:00+02:00", False),
        ("2026-12-01", "2026-12-01", True),
        ("2026-12-02", "2026-12-01", False),
        ("2026-12-02", "", True),
        ("", "2026-12-01", True),
    ],
)
def test_who_could_never_be_called_is_a_reject(begin: str, end: str, is_good: bool) -> None:
    cells = Cells({"not_before": [begin], "not_after": [end]})
    ((at, found, use),) = wishes(cells, lambda row: ("America/New_York",), 1)
    assert (at, use, isinstance(found, Wish)) == (0, "not_after", is_good)
    if isinstance(found, BadCell):
        assert found.reason is RejectReason.BAD_MOMENT and "never could be" in str(found)
