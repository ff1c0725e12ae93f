"""What the triggers of a ledger count, against what is there to be counted."""

from __future__ import annotations

_COUNTED = """
    SELECT campaign_id, state, COALESCE(finish_reason, ''), detail, COUNT(*), SUM(attempts) FROM contacts
    GROUP BY 1, 2, 3, 4"""
_TALLIED = """
    SELECT campaign_id, state, finish_reason, detail, n, attempts FROM tallies WHERE n <> 0 OR attempts <> 0"""
_TIMED = """
    SELECT campaign_id, substr(due_at, 1, 16), COUNT(*) FROM contacts
    WHERE state IN ('due', 'waiting') AND due_at IS NOT NULL GROUP BY 1, 2"""
_MINUTES = """
    SELECT campaign_id, minute, n FROM due_minutes WHERE n <> 0"""


def _differ(one: str, other: str) -> str:
    return f"SELECT * FROM ({one} EXCEPT {other}) UNION ALL SELECT * FROM ({other} EXCEPT {one})"  # noqa: S608 - our own words


WRONG = {
    "contacts by state, reason and detail are miscounted": _differ(_COUNTED, _TALLIED),
    "those who are due later are miscounted": _differ(_TIMED, _MINUTES),
}
"""Queries that find nothing in a ledger whose tallies are right."""
