"""The dials that left, each compared with the ledger at that very moment: its intent must be on disk."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from dialer.ledger.moments import instant
from dialer.model import DialRequest
from tests.simulation.plan import Plan

_ROUNDING = 0.001  # seconds; the ledger writes milliseconds


@dataclass(frozen=True, slots=True)
class Post:
    """A dial that left: when, from which process, for which campaign, under which call id, to which account; what the
    machine's clock showed, in epoch seconds, and to which number."""

    at: float
    process: int
    campaign: str
    call_id: str
    account: int
    wall: float = 0.0
    number: str = ""


def without_intent(
    plan: Plan, request: DialRequest, wall: float, rows: Callable[..., list[tuple[Any, ...]]]
) -> Iterator[str]:
    """I2: what is wrong with a dial that leaves when the wall clock shows these epoch seconds.

    `rows` asks the ledger over a connection of its own, which sees only what is committed. Where the clock is set in
    between, moments prove nothing; where a rival has settled the attempt, its state does not either.
    """
    query = "SELECT state, number, intended_at, intent_expires_at FROM attempts WHERE call_id = ?"
    found = rows(query, request.call_id)
    if not found:
        yield f"I2 {request.call_id} left, and stands in no row of the ledger"
        return
    state, number, intended_at, expires_at = found[0]
    if number != request.to_number:
        yield f"I2 {request.call_id} left for {request.to_number}, and its intent is for {number}"
    if state != "intended" and not plan.weather.rival:
        yield f"I2 {request.call_id} left while its attempt was {state}"
    if plan.weather.jumps:
        return
    if instant(intended_at).timestamp() > wall + _ROUNDING:
        yield f"I2 {request.call_id} left before {intended_at}, when it was intended"
    if wall > instant(expires_at).timestamp() + _ROUNDING:
        yield f"I2 {request.call_id} left after {expires_at}, when its intent had expired"
