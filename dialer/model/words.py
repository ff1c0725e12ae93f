"""The words of the trade: states, verdicts, reasons; and a text that is kept secret."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

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


FINISHED = (ContactState.DONE, ContactState.EXHAUSTED, ContactState.EXCLUDED)
"""The states that are not left without a new decision."""


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
    CALLER_ID = "caller_id"  # the same, about the own number: another one may show
    NO_SUCH_PATH = "no_such_path"  # 404, 405, 415: the address is not a Verbex dial endpoint
    KEY = "key"  # 401, 403
    PAYMENT = "payment"  # 402
    ABSENT = "absent"  # looked up twice and not there
    EXPIRED = "expired"  # the intent was too old to be sent


class Mark(StrEnum):
    """The operator's word on a call of which nobody knows whether it was placed."""

    PLACED = "placed"  # it costs an attempt, and goes on as unknown_error
    NOT_PLACED = "not-placed"  # nobody was rung: due again, under a new call id
    DONE = "done"  # the person was reached: finished


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
    BAD_PRIORITY = "bad_priority"
    BAD_MOMENT = "bad_moment"


class Sample(StrEnum):
    """The three things pacing hears of a dial."""

    ACCEPTED = "accepted"
    NOTHING = "nothing"
    REFUSED = "refused"


class Order(StrEnum):
    """Who goes first of those who are due: whoever was rung before, or whoever was not."""

    RETRIES_FIRST = "retries"
    FRESH_FIRST = "fresh"


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
