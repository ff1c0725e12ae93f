"""What a finish reason tells about the person, and into which of three boxes the answer to a dial falls.

Both maps are total. The platform's list of finish reasons is an open set: a reason that is not among the 26
is kept as it came and judged like `unknown_error`. The answers are judged for one question only: is it
proven that nobody was rung?
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from dialer.errors import ExitCode
from dialer.model import (
    Answer,
    Box,
    CallRecord,
    DialRequest,
    Lost,
    NoReply,
    NotPlaced,
    Placed,
    Refusal,
    Reply,
    Sample,
    StopCause,
    Verdict,
)

UNKNOWN_REASON = "unknown_error"
"""As what a call without a finish reason, or with one that we do not know, is judged."""

ACCOUNT_FULL = "concurrent_call_limit_reached"
NO_PAYMENT = "invalid_payment"
SCAM_WARNING = "potential_scam_detected"
NEVER_STARTED = "registered_call_timed_out"

_WITHOUT_PERSON = frozenset(
    {"no_answer", "line_busy", "voicemail_detected", "answering_machine_detected", NEVER_STARTED, ACCOUNT_FULL}
)
"""Reasons that say that no person took the call, whatever else is told of it."""

_BY_VERDICT: Mapping[Verdict, tuple[str, ...]] = {
    Verdict.REACHED: (
        "user_ended_call",
        "agent_ended_call",
        "call_transferred",
        "inactivity_timeout",
        "maximum_duration_exceeded",
    ),
    Verdict.AGAIN: (
        "no_answer",
        "line_busy",
        "user_connection_failure",
        "call_failed",
        "voicemail_detected",
        "answering_machine_detected",
        NEVER_STARTED,
    ),
    # The first two were answered, most likely. The other two are not expected of an outbound call, so nothing
    # is known of what the person heard: a person decides about a second ring, not the machine.
    Verdict.NEVER: (
        "no_audio_input",
        "speech_recognition_error",
        "inbound_webhook_error",
        "frontend_payload_corruption",
    ),
    Verdict.NOBODY: (ACCOUNT_FULL,),
    Verdict.PLATFORM_FAILED: (
        "twilio_service_error",
        "verbex_service_error",
        "llm_websocket_initialization_error",
        "llm_websocket_connection_lost",
        "llm_websocket_runtime_error",
        "llm_websocket_payload_corruption",
        UNKNOWN_REASON,
    ),
    Verdict.STOP: (NO_PAYMENT, SCAM_WARNING),
}

VERDICTS: Mapping[str, Verdict] = MappingProxyType(
    {reason: verdict for verdict, reasons in _BY_VERDICT.items() for reason in reasons}
)
"""What each of the 26 finish reasons tells."""

REASONS: frozenset[str] = frozenset(VERDICTS)
"""The 26 finish reasons of the contract."""


def verdict(reason: str | None) -> Verdict:
    """What this finish reason tells; total."""
    return VERDICTS[known(reason)]


def known(reason: str | None) -> str:
    """The reason itself where it is one of the 26, else `unknown_error`."""
    return reason if reason is not None and reason in VERDICTS else UNKNOWN_REASON


def may_have_talked(reason: str | None, *, spoke: bool, untimed: bool = False) -> bool:
    """Whether a call counts as a conversation with a person, for rules that want rest after one; in doubt it does.

    `spoke`: words of it are known, or it lasted some seconds; `untimed`: it began, and how long it lasted is not known.
    A call that was cut short in the midst of a talk was one; one that only a machine took was none.
    """
    told = verdict(reason)
    if told is Verdict.REACHED:
        return True
    if reason in _WITHOUT_PERSON:
        return False
    return spoke or (untimed and told is not Verdict.AGAIN)


def rang_nobody(reason: str | None) -> bool:
    """Whether the reason says that the call was refused before a telephone rang, so that it costs no attempt."""
    return reason in (ACCOUNT_FULL, NO_PAYMENT)


def sample(reason: str | None) -> Sample:
    """What pacing learns from a call that ended so: there was room, there was none, or nothing."""
    if reason == ACCOUNT_FULL:
        return Sample.REFUSED
    taken = verdict(reason) in (Verdict.REACHED, Verdict.AGAIN, Verdict.NEVER) and reason != NEVER_STARTED
    return Sample.ACCEPTED if taken else Sample.NOTHING


# --- the three boxes ---------------------------------------------------------------------------------

_REFUSALS: Mapping[int, Refusal] = {
    400: Refusal.REJECTED,
    401: Refusal.KEY,
    402: Refusal.PAYMENT,
    403: Refusal.KEY,
    404: Refusal.NO_SUCH_PATH,
    405: Refusal.NO_SUCH_PATH,
    413: Refusal.REJECTED,
    415: Refusal.NO_SUCH_PATH,
    422: Refusal.REJECTED,
    429: Refusal.TOO_MANY,
}
"""The statuses that prove that no call was placed. All others prove nothing."""

_CONFLICT = 409
_FULL = ("limit", "max", "reached", "exceed", "full", "too many", "in use", "no ", "already", "capacity")
_NOT_CALLS = ("request", "connection", "per second", "per minute")

_REUSABLE = frozenset({Refusal.TOO_MANY, Refusal.ACCOUNT_FULL})
_LONGEST_WORDS = 300


def sort_dial(answer: Answer, request: DialRequest) -> Box:
    """Sort the answer to a dial: placed, proven not placed, or lost (nobody knows).

    A placed call may already be over, an account-full among them: that is an ending, for `settle`.
    """
    if isinstance(answer, NoReply):
        return _sort_silence(answer)
    if 200 <= answer.status < 300:
        return _sort_success(answer, request)
    if 300 <= answer.status < 400:
        return Lost(f"redirect {answer.status}", _redirected(answer))
    if answer.status in _REFUSALS:
        return _sort_refusal(answer)
    return Lost(f"status {answer.status}{_quoted(answer.message)}", id_taken=answer.status == _CONFLICT)


def shows_capacity(message: str) -> bool:
    """Whether the platform's words say that the account has as many calls as it may have."""
    words = message.lower()
    is_of_calls = any(f"concurrent{gap}{what}" in words for gap in " _-" for what in ("call", "line"))
    is_of_others = any(word in words for word in _NOT_CALLS)
    return "concurren" in words and (is_of_calls or not is_of_others) and any(word in words for word in _FULL)


def _sort_silence(answer: NoReply) -> Box:
    if answer.unsent:
        return NotPlaced(Refusal.UNSENT, answer.cause, reusable=True)
    return Lost(answer.cause)


def _sort_success(reply: Reply, request: DialRequest) -> Box:
    if reply.record is None:
        return Lost(f"status {reply.status} without a call that can be read{_quoted(reply.message)}")
    if not _is_same_number(reply.record.to_number, request.to_number):
        return Lost("answer for another number", _mismatched("other_number", "another number than the one dialled"))
    if _is_foreign(reply.record, request):
        return Lost("answer for another call", _mismatched("other_call", "another call id than the one sent"))
    return Placed(reply.record)


def _is_same_number(one: str, other: str) -> bool:
    return one == other or _digits(one) == _digits(other)


def _digits(number: str) -> str:
    return "".join(filter(str.isdigit, number))


def _is_foreign(record: CallRecord, request: DialRequest) -> bool:
    # A platform may put its own id where ours was sent: that is no echo, and no contradiction.
    return record.own_id not in (None, record.platform_id, request.call_id)


def _sort_refusal(reply: Reply) -> NotPlaced:
    refusal = Refusal.ACCOUNT_FULL if shows_capacity(reply.message) else _REFUSALS[reply.status]
    return NotPlaced(
        refusal,
        _words(reply.message) or f"status {reply.status}",
        reusable=refusal in _REUSABLE,
        retry_after=reply.retry_after,
        fields=reply.fields,
        stop=_refusal_stop(refusal, reply),
    )


def _refusal_stop(refusal: Refusal, reply: Reply) -> StopCause | None:
    if refusal is Refusal.KEY:
        return key_refused(reply)
    if refusal is Refusal.PAYMENT:
        return payment_refused(reply.message)
    if refusal is Refusal.NO_SUCH_PATH:
        return _no_such_path(reply)
    return None


# --- why a campaign stops ----------------------------------------------------------------------------


def payment_refused(message: str = "") -> StopCause:
    """The account cannot pay, told by a 402 or by a call's finish reason."""
    return StopCause(
        ExitCode.REFUSED,
        NO_PAYMENT,
        f"Verbex says that the account cannot pay{_quoted(message)}: "
        "settle the account's payment with Verbex, then run the same command again.",
    )


def key_refused(reply: Reply) -> StopCause:
    return StopCause(
        ExitCode.REFUSED,
        "key_refused",
        f"Verbex refuses the API key (status {reply.status}){_quoted(reply.message)}: "
        "correct platform.api_key in the campaign file, then run the same command again.",
    )


def _no_such_path(reply: Reply) -> StopCause:
    return StopCause(
        ExitCode.FILE,
        "no_such_path",
        f"the address in platform.url takes no dials (status {reply.status}){_quoted(reply.message)}: "
        "correct platform.url in the campaign file, then run the same command again.",
    )


def _redirected(reply: Reply) -> StopCause:
    return StopCause(
        ExitCode.LOOK_FIRST,
        "redirect",
        f"the address in platform.url answers with a redirect (status {reply.status}), which is not followed: "
        "find out where the platform has moved and correct platform.url before running again.",
    )


def _mismatched(reason: str, what: str) -> StopCause:
    return StopCause(
        ExitCode.LOOK_FIRST,
        reason,
        f"the platform answered a dial with {what}: look at the call in Verbex and at any proxy in between "
        "before running again.",
    )


def _words(message: str) -> str:
    return " ".join(message.split())[:_LONGEST_WORDS]


def _quoted(message: str) -> str:
    words = _words(message)
    return f', "{words}"' if words else ""
