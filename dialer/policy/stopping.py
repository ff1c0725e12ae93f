"""When so many calls go wrong that the campaign stops for a person to look: `stop_when`.

A mute agent, a failing platform, or words that make people opt out must not burn a list in silence. Each rule judges
the calls of its own kind, and knows the last so many of them; it is broken as soon as more of these are bad than the
campaign allows, whether or not that many calls have ended. Which calls are watched is the caller's: those that ended
since a person last looked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from math import floor
from types import MappingProxyType

from dialer.errors import ExitCode
from dialer.model import StopCause, StopWhen, Threshold, Verdict
from dialer.policy import outcome

SHORT = 8
"""Seconds: a call that was answered and lasted less was no conversation."""

_NAMED = 5
_NO_RULES = StopWhen()
_HEARD_NOTHING = frozenset({"no_audio_input", "speech_recognition_error"})


@dataclass(frozen=True, slots=True)
class EndedCall:
    """A call that is over. `call` is the platform's id of it, or ours where the platform's is not known.

    `duration_seconds` is None where the platform does not tell it. `opted_out`: the contact was halted as opted out
    when the call ended. `has_rung`: it cost an attempt; a call that a full account turned away has rung nobody.
    """

    call: str
    finish_reason: str | None
    duration_seconds: int | None
    opted_out: bool = False
    has_rung: bool = True


@dataclass(frozen=True, slots=True)
class Tally:
    """How many calls a rule has judged, and which of the last so many were bad: their places (from 1) and ids."""

    judged: int = 0
    bad: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Watch:
    """A campaign's rules, and what each has seen so far."""

    rules: StopWhen
    tallies: Mapping[str, Tally] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Broken:
    """A rule that is broken: its name and threshold, and the bad ones of the last `among` calls, oldest first."""

    rule: str
    threshold: Threshold
    among: int
    calls: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Rule:
    """What a rule judges: True for a bad call, False for a good one, None for one that it says nothing of."""

    judge: Callable[[EndedCall], bool | None]
    what: str
    to_do: str


def _platform_failed(ended: EndedCall) -> bool | None:
    return outcome.verdict(ended.finish_reason) is Verdict.PLATFORM_FAILED if ended.has_rung else None


def _under_8s(ended: EndedCall) -> bool | None:
    # A call that nobody answered is short whatever the agent does, and would hide a mute agent behind the many who
    # do not pick up. One without a duration tells nothing.
    if ended.duration_seconds is None or not _was_answered(ended.finish_reason):
        return None
    return ended.duration_seconds < SHORT


def _was_answered(reason: str | None) -> bool:
    return reason in _HEARD_NOTHING or outcome.verdict(reason) is Verdict.REACHED


def _opt_out(ended: EndedCall) -> bool | None:
    return ended.opted_out if ended.has_rung else None


_RULES: Mapping[str, _Rule] = MappingProxyType(
    {
        "platform_failed": _Rule(
            _platform_failed, "calls failed on the platform's side", "mend the agent or wait until Verbex is well"
        ),
        "under_8s": _Rule(
            _under_8s, f"answered calls ended within {SHORT} seconds", "mend the agent, which may be mute"
        ),
        "opt_out": _Rule(_opt_out, "calls ended with an opt-out", "mend what the agent says, or the list"),
    }
)
"""The rules of `stop_when`, in the order in which they are told where one call breaks several."""


def after(watch: Watch, ended: EndedCall) -> Watch:
    """The watch after one more call has ended."""
    if watch.rules == _NO_RULES:
        return watch
    tallies = {name: _counted(name, threshold, watch, ended) for name, threshold in _set(watch.rules).items()}
    return replace(watch, tallies=MappingProxyType(tallies))


def _set(rules: StopWhen) -> dict[str, Threshold]:
    """The thresholds that the campaign has set, by rule."""
    found = {name: getattr(rules, name) for name in _RULES}
    return {name: threshold for name, threshold in found.items() if threshold is not None}


def _counted(name: str, threshold: Threshold, watch: Watch, ended: EndedCall) -> Tally:
    tally = watch.tallies.get(name, Tally())
    is_bad = _RULES[name].judge(ended)
    if is_bad is None:
        return tally
    place = tally.judged + 1
    bad = (*tally.bad, (place, ended.call)) if is_bad else tally.bad
    return Tally(place, tuple(one for one in bad if one[0] > place - threshold.of))


def broken(watch: Watch) -> Broken | None:
    """The first rule that is broken, or None."""
    if not watch.tallies:
        return None
    for name, threshold in _set(watch.rules).items():
        tally = watch.tallies.get(name, Tally())
        if len(tally.bad) >= too_many(threshold):
            return Broken(name, threshold, min(tally.judged, threshold.of), tuple(call for _, call in tally.bad))
    return None


def too_many(threshold: Threshold) -> int:
    """How many bad calls break a rule: more than the share allows; where it allows all of them, all of them do."""
    # A share is no exact number: 29 % of 100 would come out a little below 29, and be broken by the 29th call.
    return min(floor(round(threshold.share * threshold.of, 6)) + 1, threshold.of)


def cause(broken: Broken) -> StopCause:
    """Why the campaign stops, in a sentence that names up to five of the calls, the last ones, and what to do."""
    rule, threshold = _RULES[broken.rule], broken.threshold
    return StopCause(
        ExitCode.LOOK_FIRST,
        f"stop_when_{broken.rule}",
        f"{len(broken.calls)} of the last {broken.among} {rule.what}, and stop_when.{broken.rule} allows "
        f"{threshold.share * 100:.10g}% of {threshold.of}: look at them in Verbex ({_names(broken.calls)}), "
        f"{rule.to_do}, then `dialer resume` and run again.",
    )


def _names(calls: tuple[str, ...]) -> str:
    told = ", ".join(calls[-_NAMED:])
    more = len(calls) - _NAMED
    return f"{told} and {more} more" if more > 0 else told
