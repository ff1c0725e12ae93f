"""What a campaign does after each finish reason: the defaults, a campaign's own words, the waits.

A campaign overrides by finish reason or by group, and the more exact word wins wherever it stands. The groups
are disjoint, so no two of them can disagree about a reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta, tzinfo
from types import MappingProxyType

from dialer.model import Action, Response, RetryRules

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0

GROUPS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        # It rang, and nobody took it.
        "unreached": frozenset({"no_answer", "line_busy"}),
        "machine": frozenset({"voicemail_detected", "answering_machine_detected"}),
        # It never came to a ring.
        "not_connected": frozenset({"call_failed", "user_connection_failure", "registered_call_timed_out"}),
        "platform_failed": frozenset(
            {
                "twilio_service_error",
                "verbex_service_error",
                "llm_websocket_initialization_error",
                "llm_websocket_connection_lost",
                "llm_websocket_runtime_error",
                "llm_websocket_payload_corruption",
                "unknown_error",
            }
        ),
    }
)
"""Words for several finish reasons at once, disjoint; a reason in none of them is only overridden by its name."""

_DONE = Response(Action.DONE)
_NEVER = Response(Action.NEVER)
_STOP = Response(Action.STOP)
_MACHINE = Response(Action.WAIT, (4 * HOUR, DAY))
_PLATFORM = Response(Action.WAIT, (5 * MINUTE, HOUR))

DEFAULTS: Mapping[str, Response] = MappingProxyType(
    {
        "user_ended_call": _DONE,
        "agent_ended_call": _DONE,
        "call_transferred": _DONE,
        "inactivity_timeout": _DONE,
        "maximum_duration_exceeded": _DONE,
        "no_audio_input": _NEVER,
        "speech_recognition_error": _NEVER,
        "inbound_webhook_error": _NEVER,
        "frontend_payload_corruption": _NEVER,
        "no_answer": Response(Action.WAIT, (2 * HOUR, DAY)),
        "line_busy": Response(Action.WAIT, (10 * MINUTE, HOUR)),
        "voicemail_detected": _MACHINE,
        "answering_machine_detected": _MACHINE,
        "call_failed": Response(Action.WAIT, (HOUR, DAY)),
        "user_connection_failure": Response(Action.WAIT, (30 * MINUTE, 4 * HOUR)),
        "registered_call_timed_out": Response(Action.WAIT, (5 * MINUTE, 30 * MINUTE)),
        "twilio_service_error": _PLATFORM,
        "verbex_service_error": _PLATFORM,
        "llm_websocket_initialization_error": _PLATFORM,
        "llm_websocket_connection_lost": _PLATFORM,
        "llm_websocket_runtime_error": _PLATFORM,
        "llm_websocket_payload_corruption": _PLATFORM,
        "unknown_error": _PLATFORM,
        # The account's room comes back as soon as a call ends: moments, not hours.
        "concurrent_call_limit_reached": Response(Action.WAIT, (2.0, 5.0, 10.0, 20.0, 30.0)),
        "invalid_payment": _STOP,
        "potential_scam_detected": _STOP,
    }
)
"""What a careful operator would choose after each of the 26 finish reasons."""

JITTER = 0.10
"""By how much of itself a wait is drawn out at most, so that people dialled together do not return together."""

_FEW = 3


def rules(attempts: int, overrides: Mapping[str, Response]) -> RetryRules:
    """The rules of a campaign: one budget of attempts (at least 1), the defaults, and its own words over them.

    The keys of `overrides` are finish reasons and groups. Raises ValueError for a budget under 1, a word that is
    neither, and a response that is to wait but says not how long.
    """
    if attempts < 1:
        raise ValueError(f"retry.attempts is {attempts}: give at least 1")
    for word, response in overrides.items():
        _check(word, response)
    by_group = {reason: overrides[group] for group in GROUPS if group in overrides for reason in GROUPS[group]}
    by_name = {reason: overrides[reason] for reason in DEFAULTS if reason in overrides}
    return RetryRules(attempts, {**DEFAULTS, **by_group, **by_name})


def _check(word: str, response: Response) -> None:
    if word not in DEFAULTS and word not in GROUPS:
        raise ValueError(f"retry.{word} is neither a finish reason nor a group: use one of {', '.join(GROUPS)}")
    if response.action is Action.WAIT and not response.waits:
        raise ValueError(f"retry.{word} is to wait but says not how long: give at least one wait")


def response_to(rules: RetryRules, reason: str | None) -> Response:
    """What to do after this finish reason; None and reasons that are not known count as `unknown_error`."""
    return rules.responses.get(reason or "unknown_error", rules.responses["unknown_error"])


def wait_after(response: Response, times: int) -> float:
    """Seconds to wait after the n-th time (from 1) of a reason; the last wait repeats."""
    return response.waits[min(times, len(response.waits)) - 1]


def jittered(wait: float, dice: float) -> float:
    """The wait in seconds, drawn out by up to a tenth by a dice number in [0, 1); never shorter than it was."""
    return wait * (1.0 + JITTER * dice)


def most_times(reason: str, response: Response) -> int | None:
    """How often a reason may come before a contact is given up, whatever the budget; None: the budget alone.

    A call that fails most likely tells of a bad number, so it is tried a few times at most; a campaign that
    lists more waits than that has asked for more.
    """
    return max(_FEW, len(response.waits) + 1) if reason == "call_failed" else None


SPREAD_FROM = 3600.0
"""Seconds: a shorter wait is for the moment after, not for another time of day."""

_PARTS = (time(0), time(12), time(17))
"""Morning, afternoon and evening: where each part of the day begins."""
_PUT_OFF = 3600.0
"""Over so many seconds those who are put off to the same part of the day are drawn out."""


def spread(due_at: datetime, called_at: datetime, zone: tzinfo, dice: float) -> datetime:
    """The first moment from `due_at` on in another part of the person's day than that of the last call.

    Morning is before 12:00, afternoon before 17:00, evening after that, by the clock of `zone`.
    """
    if _part(due_at.astimezone(zone)) != _part(called_at.astimezone(zone)):
        return due_at
    return _next_part(due_at, zone) + timedelta(seconds=_PUT_OFF * dice)


def _part(local: datetime) -> int:
    return sum(local.time() >= begin for begin in _PARTS)


def _next_part(moment: datetime, zone: tzinfo) -> datetime:
    """When the part of the day after this one begins."""
    local = moment.astimezone(zone)
    begins = [
        datetime.combine(local.date() + timedelta(days=ahead), begin, zone) for ahead in (0, 1) for begin in _PARTS
    ]
    return min(begin.astimezone(UTC) for begin in begins if begin.astimezone(UTC) > moment)
