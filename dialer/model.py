"""The words of the trade as frozen values: what a campaign, a contact, an attempt and a call are.

Everything that two rooms hand to each other has its type here. Instants are aware datetimes in UTC,
lengths of time are seconds as floats, rates are calls per second. Nothing here reads a clock, rolls
dice or touches the world. `docs/glossary.md` defines the terms.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from dialer.errors import ExitCode

JSON = Any
"""A JSON value as Python holds it: None, bool, int, float, str, list or dict of these."""


class ContactState(StrEnum):
    """Where a contact stands; `policy.lifecycle` holds the legal transitions."""

    DUE = "due"
    DIALING = "dialing"
    WAITING = "waiting"
    DONE = "done"
    EXHAUSTED = "exhausted"
    EXCLUDED = "excluded"
    UNKNOWN = "unknown"


class AttemptState(StrEnum):
    """Where an attempt stands; intended, placed and unknown are live."""

    INTENDED = "intended"
    PLACED = "placed"
    ENDED = "ended"
    REFUSED = "refused"
    UNKNOWN = "unknown"


class Halt(StrEnum):
    """Why a contact is not to be dialled any more, whatever its state (column `contacts.stop`)."""

    OPTED_OUT = "opted_out"
    WITHDRAWN = "withdrawn"
    CANCELLED = "cancelled"


class Verdict(StrEnum):
    """What a finish reason tells about the person who was called."""

    REACHED = "reached"
    AGAIN = "again"
    NEVER = "never"
    NOBODY = "nobody"
    PLATFORM_FAILED = "platform_failed"
    STOP = "stop"


class Action(StrEnum):
    """What a campaign does after a finish reason."""

    WAIT = "wait"
    NEVER = "never"
    DONE = "done"
    STOP = "stop"


class Refusal(StrEnum):
    """Why a dial was, provably, not placed."""

    UNSENT = "unsent"  # never connected
    TOO_MANY = "too_many"  # 429
    ACCOUNT_FULL = "account_full"  # a refusal for capacity, whatever its status
    REJECTED = "rejected"  # 400, 413, 422: this request, in the platform's words
    NO_SUCH_PATH = "no_such_path"  # 404, 405, 415: the address is not a Verbex dial endpoint
    KEY = "key"  # 401, 403
    PAYMENT = "payment"  # 402
    ABSENT = "absent"  # looked up twice and not there
    EXPIRED = "expired"  # the intent was too old to be sent


class RejectReason(StrEnum):
    """Why a row of the list is nobody's contact."""

    NO_NUMBER = "no_number"
    NO_COUNTRY = "no_country"
    INVALID_NUMBER = "invalid_number"
    IMPOSSIBLE_NUMBER = "impossible_number"
    EMERGENCY_NUMBER = "emergency_number"
    SHORT_NUMBER = "short_number"
    NO_ID = "no_id"
    DUPLICATE = "duplicate"
    RAGGED = "ragged"
    REQUIRED_EMPTY = "required_empty"
    CELL_TOO_LONG = "cell_too_long"
    NUL_BYTE = "nul_byte"


class Sample(StrEnum):
    """The three things pacing hears of a dial."""

    ACCEPTED = "accepted"
    NOTHING = "nothing"
    REFUSED = "refused"


class Secret:
    """A text that prints as stars everywhere; `reveal` is for the one place that sends it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "Secret('**********')"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __reduce__(self) -> str:
        raise TypeError("a secret is not pickled")


# --- a campaign, as its file says it -------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ListRules:
    """The `contacts:` part of a campaign file.

    `files` are absolute and in the order in which they are read. Shares are between 0 and 1.
    """

    files: tuple[Path, ...]
    phone: tuple[str, ...] = ("phone",)
    id: str | None = None
    one_per: str = "phone"  # phone | id
    country: str | None = None
    steering: tuple[str, ...] = ()  # columns with a use of their own: timezone, region, postcode, consent
    required: tuple[str, ...] = ()
    expires: float | None = None
    max_rejects: float | None = None
    min_rows: int = 1
    newer_than: float | None = None
    max_gone: float = 0.10
    encoding: str | None = None
    delimiter: str | None = None


@dataclass(frozen=True, slots=True)
class CallRules:
    """The `call:` part: whose number shows, which agent speaks, what it is told.

    `agent` is an agent's id or None; `agent_column` names a column that holds one instead.
    `data` and `metadata` name columns; `("*",)` means all that have no other use.
    `longest` is in seconds: a call not known to have ended by then is unknown.
    """

    from_numbers: tuple[str, ...]
    agent: str | None = None
    agent_column: str | None = None
    data: tuple[str, ...] = ()
    metadata: tuple[str, ...] = ()
    longest: float = 7200.0


@dataclass(frozen=True, slots=True)
class SimulatorRules:
    """A simulated Verbex: its people, its limits, and what is not known of the real one.

    `mix` gives weights by finish reason to each ring (empty: people have habits instead); `script`
    gives, by E.164 number, the finish reasons of that person's rings in order, the last one repeating.
    Seconds are the simulated platform's own; `time_scale` of them pass in one real second. `calls_per_second` counts
    real seconds: the traffic of its API is not sped up.
    """

    seed: int = 1
    time_scale: float = 1.0
    concurrent_calls: int = 20
    calls_per_second: float = 50.0
    call_seconds: float = 60.0
    ring_seconds: float = 20.0
    mix: Mapping[str, float] = field(default_factory=dict)
    script: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    full_answer: str = "201"  # 201 | record | 429 | 403: where account-full is said
    lookup: str = "both"  # custom | platform | both: which id its GET understands
    repeated: str = "refused"  # refused | merged | dialled: what a repeated call_id does
    api_key: Secret | None = None  # None: any key
    own_numbers: tuple[str, ...] = ()  # empty: any caller id


@dataclass(frozen=True, slots=True)
class PlatformRules:
    """The `platform:` part. `url` is None for the simulator that runs inside `run`."""

    url: str | None
    api_key: Secret
    simulator: SimulatorRules = SimulatorRules()


@dataclass(frozen=True, slots=True)
class PaceRules:
    """The `pace:` part; `concurrent_calls` None means: learn the account's limit."""

    calls_per_second: float = 1.0
    concurrent_calls: int | None = 5


@dataclass(frozen=True, slots=True)
class Response:
    """What a campaign does after one finish reason: an action, and waits in seconds for WAIT.

    The wait after the n-th time of that reason is `waits[n - 1]`; the last one repeats.
    """

    action: Action
    waits: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class RetryRules:
    """One budget of attempts over all reasons, and a response for each of the 26 reasons."""

    attempts: int
    responses: Mapping[str, Response]


@dataclass(frozen=True, slots=True)
class RecoveryRules:
    """How long a lost answer waits before an absence counts, how many may be open, how far back to look."""

    hold: float = 120.0
    max_unknown: int = 50
    look_back: float = 7 * 86400.0


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign as its file says it; paths are absolute."""

    name: str
    path: Path
    contacts: ListRules
    call: CallRules
    platform: PlatformRules
    pace: PaceRules
    retry: RetryRules
    recovery: RecoveryRules
    ledger: Path
    hours: str = "always"
    rules: str = "none"


# --- a list, as it is read -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Number:
    """A telephone number in E.164, with its ISO region and kind (mobile, fixed_line, …)."""

    e164: str
    region: str
    kind: str


@dataclass(frozen=True, slots=True)
class BadNumber:
    """Why a cell is no number that may be dialled, in a code and in words."""

    reason: RejectReason
    why: str


@dataclass(frozen=True, slots=True)
class Row:
    """One good row: who it is about, the numbers in order, all its columns as a JSON object's text."""

    person: str
    numbers: tuple[Number, ...]
    data: str
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Reject:
    """One bad row or cell: physical line (the header is line 1), column ('' for the whole row), value."""

    file: str
    line: int
    column: str
    value: str
    reason: RejectReason
    why: str


@dataclass(frozen=True, slots=True)
class Chunk:
    """What one piece of a list gave."""

    rows: tuple[Row, ...]
    rejects: tuple[Reject, ...]


# --- a dial, its answer, a call ------------------------------------------------------------------


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


# --- deciding ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class History:
    """What earlier attempts did to a contact.

    `attempts` counts those that cost one; `refusals` counts those in a row that cost nothing; `tally`
    counts the finish reasons of attempts so far.
    """

    attempts: int = 0
    refusals: int = 0
    tally: Mapping[str, int] = field(default_factory=dict)
    expires_at: datetime | None = None
    halt: Halt | None = None


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


@dataclass(frozen=True, slots=True)
class Intent:
    """A dial that is about to be sent, as it is committed before its first byte leaves."""

    request: DialRequest
    serial: int
    payload_hash: str
    intended_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt as the ledger holds it."""

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
