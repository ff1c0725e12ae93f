"""Whose turn it may be at a moment, as whoever knows the rules tells it to whoever keeps the books."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Protocol

from dialer.model.deciding import Candidate
from dialer.model.rules import Permit, Ring, Ruling
from dialer.model.words import Order


@dataclass(frozen=True, slots=True)
class Asked:
    """What an intent asks of the rules in its transaction: `decide` on the rings of the past, which are looked up where
    `has_caps`; `debt` is what the call is about."""

    decide: Callable[[Sequence[Ring]], Permit]
    has_caps: bool = False
    debt: str = ""


FREE = Asked(lambda past: Permit(Ruling.ALLOW))
"""Nothing is asked of the rules."""


class Turns(Protocol):
    """When the people of an audience may be called. Pure: the same moment has the same answer."""

    @property
    def order(self) -> Order:
        """Who goes first of those who may be called."""

    def opens_at(self, audience: int, moment: datetime) -> datetime | None:
        """The first instant from `moment` on at which they may be; None: never, or nobody knows."""

    def open_now(self, audiences: Iterable[int], now: datetime) -> list[int]:
        """Those of the audiences who may be called now."""

    def is_day_full(self, moment: datetime) -> bool:
        """Whether the campaign has made all its calls of this day (UTC)."""

    @property
    def has_caps(self) -> bool:
        """Whether any rule counts earlier rings: then people are asked about one by one."""

    def asked(self, candidate: Candidate, now: datetime) -> Asked | None:
        """What is to be asked before somebody is dialled; None where no rule says anything."""

    def may_send(self, candidate: Candidate, now: datetime) -> bool:
        """Whether the moment is still one at which they may be called, right before the dial is sent."""

    def zone_of(self, audience: int) -> tzinfo | None:
        """The clock of these people, the first of several; None where nobody knows."""

    def places_of(self, candidate: Candidate) -> tuple[str, ...]:
        """Where this person may be, as `US` and `US-FL`; nothing where nobody knows."""


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

    def is_day_full(self, moment: datetime) -> bool:
        """No day ever is."""
        return False

    @property
    def has_caps(self) -> bool:
        """None."""
        return False

    def asked(self, candidate: Candidate, now: datetime) -> Asked | None:
        """Nothing."""
        return None

    def may_send(self, candidate: Candidate, now: datetime) -> bool:
        """It always is."""
        return True

    def zone_of(self, audience: int) -> tzinfo | None:
        """Nobody knows."""
        return None

    def places_of(self, candidate: Candidate) -> tuple[str, ...]:
        """Nobody knows."""
        return ()


AT_ANY_TIME = AnyTime()
