"""Whose turn it may be at a moment, as whoever knows the rules tells it to whoever keeps the books."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from dialer.model.words import Order


class Turns(Protocol):
    """When the people of an audience may be called. Pure: the same moment has the same answer."""

    @property
    def order(self) -> Order:
        """Who goes first of those who may be called."""

    def opens_at(self, audience: int, moment: datetime) -> datetime | None:
        """The first instant from `moment` on at which they may be; None: never, or nobody knows."""

    def open_now(self, audiences: Iterable[int], now: datetime) -> list[int]:
        """Those of the audiences who may be called now."""


@dataclass(frozen=True, slots=True)
class AnyTime:
    """Everybody may be called at any time."""

    order: Order = Order.RETRIES_FIRST

    def opens_at(self, audience: int, moment: datetime) -> datetime | None:
        """At once."""
        return moment

    def open_now(self, audiences: Iterable[int], now: datetime) -> list[int]:
        """All of them."""
        return list(audiences)


AT_ANY_TIME = AnyTime()
