"""What deciding takes and gives: histories, outcomes, decisions, candidates, intents, attempts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from dialer.model.call import CallRecord, DialRequest, NotPlaced, StopCause
from dialer.model.words import AttemptState, ContactState, Halt, Sample


@dataclass(frozen=True, slots=True)
class History:
    """What earlier attempts did to a contact.

    `attempts` counts those that cost one; `refusals` counts those in a row that cost nothing; `tally`
    counts the finish reasons of attempts so far. `extra_attempts` a person has given beyond the campaign's budget;
    `audience` is that of the contact, by its id in the ledger.
    """

    attempts: int = 0
    refusals: int = 0
    tally: Mapping[str, int] = field(default_factory=dict)
    expires_at: datetime | None = None
    halt: Halt | None = None
    extra_attempts: int = 0
    audience: int = 0


@dataclass(frozen=True, slots=True)
class Ending:
    """How an attempt ended: a call that is over. `has_started`: the platform names a start, so somebody may have been
    rung even where it names no duration."""

    finish_reason: str | None
    status: str
    duration_seconds: int | None
    has_messages: bool
    has_started: bool = False


Outcome = Ending | NotPlaced


@dataclass(frozen=True, slots=True)
class Decision:
    """What follows from an outcome for the contact.

    `due_at` is set for WAITING, and for DUE where nobody was rung and a moment should pass first.
    `costs`: an attempt is used up. `tally`: the reason to be counted, or None.
    """

    state: ContactState
    detail: str
    costs: bool
    due_at: datetime | None = None
    tally: str | None = None
    sample: Sample = Sample.NOTHING
    stop: StopCause | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A contact that is due, as the ledger holds it. `reuse` is an attempt whose call id may be sent again."""

    contact_id: int
    campaign_id: int
    person: str
    state: ContactState
    serial: int
    numbers: tuple[str, ...]
    data: str
    history: History
    due_at: datetime | None = None
    reuse: int | None = None
    audience: int = 0
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Intent:
    """A dial that is about to be sent, as it is committed before its first byte leaves. `content` is the body that is
    sent, `payload_hash` its SHA-256."""

    request: DialRequest
    serial: int
    payload_hash: str
    intended_at: datetime
    expires_at: datetime
    debt: str = ""
    content: bytes = b""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt as the ledger holds it. `key_mark` tells under which API key it was sent, '' where that was not
    written down."""

    id: int
    contact_id: int
    campaign_id: int
    person: str
    serial: int
    call_id: str
    number: str
    from_number: str
    state: AttemptState
    intended_at: datetime
    history: History
    platform_id: str | None = None
    placed_at: datetime | None = None
    held_until: datetime | None = None
    id_taken: bool = False
    key_mark: str = ""


@dataclass(frozen=True, slots=True)
class EarlierCall:
    """A call of ours that the ledger does not know: whose it was, and by which dial."""

    candidate: Candidate
    serial: int
    call_id: str
    number: str
    record: CallRecord
