"""What becomes of a ring: people with habits, drawn from the seed, the number and how often it rang.

No state and no generator: each draw is a hash of its words, so that the n-th ring of a person ends the same
way in whatever order the others are rung.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass

from dialer.model import SimulatorRules

ACCOUNT_FULL = "concurrent_call_limit_reached"

_RECORD_AFTER = 0.3  # real seconds until a record admits that the account was full

_TALKS = "talks"  # resolved by a second draw, among these
_TALK_ENDS = {"user_ended_call": 44, "agent_ended_call": 50, "call_transferred": 4, "inactivity_timeout": 2}
_MACHINES = {"voicemail_detected": 70, "answering_machine_detected": 25, "no_answer": 5}
_AT_HOME = {_TALKS: 86, "no_answer": 11, "line_busy": 2, "user_connection_failure": 1}

# Habits with their share of the people; each is the weights of the first ring, the second, …, the last repeating.
_HABITS: tuple[tuple[float, tuple[Mapping[str, float], ...]], ...] = (
    (50, (_AT_HOME,)),
    (15, ({"line_busy": 1}, {"line_busy": 25, _TALKS: 75}, _AT_HOME)),
    (15, ({"no_answer": 80, _TALKS: 20}, {"no_answer": 40, _TALKS: 60})),
    (10, (_MACHINES,)),
    (7, ({"no_answer": 1},)),
    (3, ({"call_failed": 1},)),
)


@dataclass(frozen=True, slots=True)
class Fate:
    """How a call goes: its reason and terminal status, and its three stretches in simulated seconds.

    `setup` passes before the number is dialled, then it rings, then there is talk. `rang` is whether the
    person's number was dialled at all.
    """

    reason: str
    status: str
    rang: bool
    setup: float
    ring: float
    talk: float


@dataclass(frozen=True, slots=True)
class _Course:
    """What a reason does to a call: shares of `ring_seconds` (from, to) and of `call_seconds` (the mean).

    `spoken` is the chance that a word was said, `rang` whether a call without one reached the number, and
    `ended` the chance that the terminal status is `ended` rather than `error`.
    """

    ring: tuple[float, float] = (0.15, 0.9)
    talk: float = 0.0
    spoken: float = 1.0
    rang: bool = True
    ended: float = 1.0


_TROUBLE = _Course(talk=0.4, spoken=0.25, rang=False, ended=0.1)
_CUT_OFF = _Course(talk=0.5, spoken=0.6, ended=0.1)

# Which status goes with a call that reached nobody is not known of the real platform: it is drawn.
_COURSES: Mapping[str, _Course] = {
    "user_ended_call": _Course(talk=1.0),
    "agent_ended_call": _Course(talk=1.0),
    "call_transferred": _Course(talk=0.8),
    "inactivity_timeout": _Course(talk=0.6),
    "maximum_duration_exceeded": _Course(talk=3.0),
    "no_audio_input": _Course(talk=0.3, ended=0.5),
    "speech_recognition_error": _Course(talk=0.3, ended=0.5),
    "voicemail_detected": _Course(ring=(0.8, 1.2), talk=0.25),
    "answering_machine_detected": _Course(ring=(0.5, 1.0), talk=0.15),
    "no_answer": _Course(ring=(1.0, 1.0), ended=0.5),
    "line_busy": _Course(ring=(0.05, 0.15), ended=0.5),
    "user_connection_failure": _Course(ring=(0.1, 0.4), ended=0.3),
    "call_failed": _Course(ring=(0.05, 0.15), ended=0.2),
    "llm_websocket_connection_lost": _CUT_OFF,
    "llm_websocket_runtime_error": _CUT_OFF,
    "llm_websocket_payload_corruption": _CUT_OFF,
    "llm_websocket_initialization_error": _Course(ended=0.1),
    "twilio_service_error": _TROUBLE,
    "verbex_service_error": _TROUBLE,
    "unknown_error": _TROUBLE,
    ACCOUNT_FULL: _Course(spoken=0.0, rang=False, ended=0.0),
    "registered_call_timed_out": _Course(spoken=0.0, rang=False, ended=0.5),
    "invalid_payment": _Course(spoken=0.0, rang=False, ended=0.0),
    "potential_scam_detected": _Course(spoken=0.0, rang=False, ended=0.0),
    "inbound_webhook_error": _Course(spoken=0.0, rang=False, ended=0.0),
    "frontend_payload_corruption": _Course(spoken=0.0, rang=False, ended=0.0),
}


def draw(*words: object) -> float:
    """A number in [0, 1) that depends on the words alone."""
    digest = hashlib.blake2b("|".join(map(str, words)).encode(), digest_size=8).digest()
    return float((int.from_bytes(digest, "big") >> 11) / 2**53)


def fate(rules: SimulatorRules, number: str, nth: int) -> Fate:
    """What becomes of the n-th ring (from 1) of a number: by its script, by the mix, by its habit."""
    why = _reason(rules, number, nth)
    course = _COURSES.get(why, _TROUBLE)
    words = (rules.seed, number, nth)
    talk = _talk(rules, course, words)
    rang = course.rang or talk > 0
    return Fate(
        reason=why,
        status="ended" if draw(*words, "status") < course.ended else "error",
        rang=rang,
        setup=_setup(rules, why, words),
        ring=rules.ring_seconds * _between(course.ring, draw(*words, "ring")) if rang else 0.0,
        talk=talk,
    )


def turned_away(rules: SimulatorRules) -> Fate:
    """A dial for which the account had no line: said at once, or by the record a moment later."""
    later = _RECORD_AFTER * rules.time_scale if rules.full_answer == "record" else 0.0
    return Fate(reason=ACCOUNT_FULL, status="error", rang=False, setup=later, ring=0.0, talk=0.0)


def _reason(rules: SimulatorRules, number: str, nth: int) -> str:
    if script := rules.script.get(number):
        return script[min(nth, len(script)) - 1]
    if rules.mix:
        return _weighted(dict(sorted(rules.mix.items())), draw(rules.seed, number, nth, "mix"))
    why = _weighted(_habit(rules.seed, number, nth), draw(rules.seed, number, nth, "reason"))
    return _weighted(_TALK_ENDS, draw(rules.seed, number, nth, "end")) if why == _TALKS else why


def _habit(seed: int, number: str, nth: int) -> Mapping[str, float]:
    shares = {str(place): share for place, (share, _) in enumerate(_HABITS)}
    rings = _HABITS[int(_weighted(shares, draw(seed, number, "habit")))][1]
    return rings[min(nth, len(rings)) - 1]


def _weighted(weights: Mapping[str, float], chance: float) -> str:
    """The word on which `chance` of the way through the weights falls."""
    left = chance * sum(weights.values())
    for word, weight in weights.items():
        left -= weight
        if left < 0:
            return word
    return max(weights, key=lambda word: weights[word])  # all but zero, or rounding


def _setup(rules: SimulatorRules, why: str, words: tuple[object, ...]) -> float:
    if why == "registered_call_timed_out":
        return 2 * rules.ring_seconds
    return _between((0.4, 1.6), draw(*words, "setup"))


def _talk(rules: SimulatorRules, course: _Course, words: tuple[object, ...]) -> float:
    """Lognormal with the mean that the course asks for, at least one second; 0 where no word was said."""
    mean = course.talk * rules.call_seconds
    if mean <= 0 or draw(*words, "spoken") >= course.spoken:
        return 0.0
    spread = 0.6
    radius = math.sqrt(-2 * math.log(1 - draw(*words, "talk")))
    normal = radius * math.cos(2 * math.pi * draw(*words, "turn"))
    return max(1.0, mean * math.exp(spread * normal - spread**2 / 2))


def _between(span: tuple[float, float], chance: float) -> float:
    return span[0] + (span[1] - span[0]) * chance
