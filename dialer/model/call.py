"""A dial, its answer, a call; and the three boxes into which each answer to a dial falls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from dialer.errors import ExitCode
from dialer.model.words import JSON, Refusal


@dataclass(frozen=True, slots=True)
class DialRequest:
    """One dial as it is to be sent; `metadata` carries `dialer_call_id` beside the columns asked for."""

    call_id: str
    from_number: str
    to_number: str
    agent: str | None
    metadata: Mapping[str, str]
    data: Mapping[str, JSON]


@dataclass(frozen=True, slots=True)
class CallRecord:
    """A call as the platform tells it. `record` is all of it that the contract names, secrets dropped.

    `own_id` is our call id where the platform echoes it (in `call_id` or in the metadata), else None. In a page of the
    list the numbers and the status may be '' (a web call has none).
    """

    platform_id: str | None
    own_id: str | None
    to_number: str
    from_number: str
    status: str
    finish_reason: str | None
    started_at: datetime | None
    ended_at: datetime | None
    duration_seconds: int | None
    has_messages: bool
    record: Mapping[str, JSON]

    @property
    def is_over(self) -> bool:
        """A terminal status, or a finish reason beside any status."""
        return self.status in ("ended", "error") or self.finish_reason is not None


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer. `record` is the call in it, if the body reads as one; `message` the platform's words.

    `retry_after` is in seconds from the answer; `fields` are the fields that a 422 complains about.
    """

    status: int
    record: CallRecord | None = None
    message: str = ""
    retry_after: float | None = None
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NoReply:
    """No HTTP answer that can be read. `unsent` only where it is proven that no byte of the request left."""

    unsent: bool
    cause: str


Answer = Reply | NoReply


@dataclass(frozen=True, slots=True)
class CallPage:
    """One page of the platform's list of calls, newest first unless asked otherwise."""

    calls: tuple[CallRecord, ...]
    next_page_token: str | None
    total_count: int | None


@dataclass(frozen=True, slots=True)
class StopCause:
    """Why a whole campaign stops: the exit code, one word for the closing line, one sentence."""

    code: ExitCode
    reason: str
    sentence: str


# The three boxes into which each answer to a dial falls.


@dataclass(frozen=True, slots=True)
class Placed:
    """The platform made a call of it."""

    record: CallRecord


@dataclass(frozen=True, slots=True)
class NotPlaced:
    """Proven: nobody was rung. `reusable` tells whether the call id may be sent again."""

    refusal: Refusal
    message: str
    reusable: bool
    retry_after: float | None = None
    fields: tuple[str, ...] = ()
    stop: StopCause | None = None


@dataclass(frozen=True, slots=True)
class Lost:
    """Nobody knows. Held, and looked up before anything else happens to this person.

    `id_taken`: the platform said that it knows the call id already (409), so that it may not be sent again.
    """

    why: str
    stop: StopCause | None = None
    id_taken: bool = False


Box = Placed | NotPlaced | Lost
