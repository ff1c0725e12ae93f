"""What is looked up, what is asked of the ledger meanwhile, and what can become of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from dialer.model import Attempt, CallRecord, Decision


class Way(StrEnum):
    """How a call can be found."""

    LIST = "list"
    GET_OWN = "get_own"  # GET by the id that we gave
    GET_PLATFORM = "get_platform"  # GET by the platform's id


@dataclass(frozen=True, slots=True)
class Found:
    """The platform has made a call of it."""

    record: CallRecord


@dataclass(frozen=True, slots=True)
class Absent:
    """Shown, twice, not to have been placed."""


@dataclass(frozen=True, slots=True)
class Settled:
    """The operator has said what became of it, and that is written down; nothing is left to be done."""

    decision: Decision


Verdict = Found | Absent | Settled


@dataclass(frozen=True, slots=True)
class Books:
    """What recovery asks of the ledger, and has it write down.

    `look` writes a look down; `knows` tells whether an id, ours or the platform's, is an attempt's; `was_told_of`
    whether a webhook has told of a call by this id; `strangers` are ids of calls that webhooks have told of since a
    moment, at most so many, and that no attempt knows; `dialled_under` gives the marks of the API keys under which the
    calls of some ids were dialled.
    """

    look: Callable[[int, str], Awaitable[None]]
    knows: Callable[[str], Awaitable[bool]]
    was_told_of: Callable[[str], Awaitable[bool]]
    strangers: Callable[[datetime, int], Awaitable[list[str]]]
    dialled_under: Callable[[Sequence[str]], Awaitable[set[str]]]


@dataclass(slots=True, eq=False)
class Case:
    """One attempt that is being looked up. `answered` is set with the verdict, or once it was looked up in vain by ways
    that prove nothing: from then on it occupies no line, and waits for a proof or for the operator. `is_told`: a
    webhook has told of it by an id of its own; None where the ledger's inbox was not asked yet."""

    attempt: Attempt
    ready_at: float
    verdict: asyncio.Future[Verdict]
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    looks: int = 0
    tries: int = 0
    is_told: bool | None = None
    hopes: int = 0  # looks that it is still worth waiting for, since a way was proven after it was parked

    def settle(self, verdict: Verdict) -> None:
        """The platform's word; nobody may be waiting for it any more."""
        if not self.verdict.done():
            self.verdict.set_result(verdict)
        self.answered.set()
