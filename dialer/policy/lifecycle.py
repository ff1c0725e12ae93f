"""The life of a contact and of an attempt: which moves are legal, and what follows from an outcome.

`docs/lifecycle.md` draws both machines and says a sentence about each move. `settle` is the only place in
which it is decided whether a person is called again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo

from dialer.errors import ExitCode, UsageError
from dialer.model import (
    Action,
    AttemptState,
    ContactState,
    Decision,
    Ending,
    Halt,
    History,
    Mark,
    NotPlaced,
    Outcome,
    Refusal,
    Response,
    RetryRules,
    StopCause,
    Verdict,
)
from dialer.policy import brake, outcome, retry

_C = ContactState
_A = AttemptState

CONTACT_MOVES: frozenset[tuple[ContactState, ContactState]] = frozenset(
    (start, end)
    for start, ends in {
        _C.DUE: (_C.DIALING, _C.WAITING, _C.EXHAUSTED, _C.EXCLUDED),
        _C.WAITING: (_C.DUE, _C.EXHAUSTED, _C.EXCLUDED),
        _C.DIALING: (_C.DUE, _C.WAITING, _C.DONE, _C.EXHAUSTED, _C.EXCLUDED, _C.UNKNOWN),
        _C.UNKNOWN: (_C.DIALING, _C.DUE, _C.DONE, _C.WAITING, _C.EXHAUSTED, _C.EXCLUDED),
        _C.DONE: (_C.DUE,),
        _C.EXHAUSTED: (_C.DUE,),
        _C.EXCLUDED: (_C.DUE,),
    }.items()
    for end in ends
)
"""The legal moves of a contact, from and to."""

ATTEMPT_MOVES: frozenset[tuple[AttemptState, AttemptState]] = frozenset(
    (start, end)
    for start, ends in {
        _A.INTENDED: (_A.PLACED, _A.ENDED, _A.REFUSED, _A.UNKNOWN),
        _A.PLACED: (_A.ENDED, _A.UNKNOWN),
        _A.UNKNOWN: (_A.PLACED, _A.ENDED, _A.REFUSED),
        _A.REFUSED: (_A.INTENDED,),
    }.items()
    for end in ends
)
"""The legal moves of an attempt; refused → intended only where its call id may be sent again."""


@dataclass(frozen=True, slots=True)
class _Case:
    """What a decision rests on beside the outcome; no wait in it is shorter than `at_least` seconds."""

    history: History
    rules: RetryRules
    now: datetime
    dice: float
    zone: tzinfo | None = None
    at_least: float = 0.0

    @property
    def budget(self) -> int:
        """Attempts in all: the campaign's, and what a person has given beyond them."""
        return self.rules.attempts + self.history.extra_attempts


def settle(
    history: History,
    outcome: Outcome,
    rules: RetryRules,
    now: datetime,
    dice: float,
    zone: tzinfo | None = None,
) -> Decision:
    """Decide what becomes of a contact that was being dialled, or whose fate was unknown.

    `history` is as it was before this attempt; `now` is aware and in UTC; `dice` is in [0, 1) and only draws
    waits out. A NotPlaced that carries a stop makes the contact due again, whatever the refusal: so the caller
    who adds a `rejection_stop` to a rejection keeps that contact. `zone` is the person's, for retries at another time
    of day (`RetryRules.spreads`).
    """
    case = _Case(history, rules, now, dice, zone)
    decision = _not_placed(case, outcome) if isinstance(outcome, NotPlaced) else _ended(case, outcome)
    return _halted(decision, history.halt)


def marked(history: History, word: Mark, rules: RetryRules | None, now: datetime, dice: float) -> Decision:
    """What follows from the operator's word on a contact whose fate was unknown; the arguments are those of `settle`.

    Raises:
        UsageError: without the campaign's rules nobody can say when somebody is called again.
    """
    if word is Mark.DONE:
        return Decision(_C.DONE, "marked by hand", costs=True)
    if rules is None:
        raise UsageError(f"to mark somebody as {word}, name the campaign file: its `retry` says what follows")
    if word is Mark.PLACED:
        return settle(history, Ending(outcome.UNKNOWN_REASON, "ended", None, has_messages=False), rules, now, dice)
    return settle(history, NotPlaced(Refusal.ABSENT, "marked by hand", reusable=False), rules, now, dice)


def _halted(decision: Decision, halt: Halt | None) -> Decision:
    """What is finished stays so, or a row that comes back would be dialled once more than it may; the time at which
    the contact would have been due is kept for the day on which the halt is lifted."""
    if halt is None or decision.state in (_C.DONE, _C.EXHAUSTED):
        return decision
    return replace(decision, state=_C.EXCLUDED, detail=halt.value)


# --- a call that is over -----------------------------------------------------------------------------


def _ended(case: _Case, ending: Ending) -> Decision:
    reason = ending.finish_reason or outcome.UNKNOWN_REASON
    response = retry.response_to(case.rules, reason)
    decision = _answered(case, ending, reason, response)
    stop = _stop_cause(reason) if response.action is Action.STOP else None
    return Decision(
        decision.state,
        decision.detail,
        costs=decision.costs,
        due_at=decision.due_at,
        tally=reason,
        sample=outcome.sample(reason),
        stop=stop,
    )


def _answered(case: _Case, ending: Ending, reason: str, response: Response) -> Decision:
    free = outcome.rang_nobody(reason) and not _talked(ending)
    if response.action is Action.DONE:
        return Decision(_C.DONE, reason, costs=not free)
    if response.action is Action.NEVER:
        return Decision(_C.EXHAUSTED, f"never:{reason}", costs=not free)
    if _is_cut_short(ending, reason):
        return Decision(_C.EXHAUSTED, f"platform_failed_in_talk:{reason}", costs=True)
    if response.action is Action.STOP:
        return _stopped(case, reason)
    if free:
        return _due(case, reason, retry.wait_after(response, case.history.refusals + 1))
    return _waiting(case, reason, response)


def _talked(ending: Ending) -> bool:
    """Whether somebody was, or may have been, on the line: a call that started and tells no duration counts."""
    if ending.has_messages or (ending.duration_seconds or 0) > 0:
        return True
    return ending.duration_seconds is None and ending.has_started


def _is_cut_short(ending: Ending, reason: str) -> bool:
    """The reason is the platform's own trouble, and yet somebody was on the line: they are not rung again."""
    troubled = outcome.verdict(reason) is Verdict.PLATFORM_FAILED or outcome.rang_nobody(reason)
    return troubled and _talked(ending)


def _waiting(case: _Case, reason: str, response: Response) -> Decision:
    times = case.history.tally.get(reason, 0) + 1
    most = retry.most_times(reason, response)
    if case.history.attempts + 1 >= case.budget:
        return Decision(_C.EXHAUSTED, f"attempts_used_up:{reason}", costs=True)
    if most is not None and times >= most:
        return Decision(_C.EXHAUSTED, f"tried_often_enough:{reason}", costs=True)
    wait = retry.wait_after(response, times)
    due_at = _later(case, wait)
    if case.rules.spreads and case.zone is not None and wait >= retry.SPREAD_FROM:
        due_at = retry.spread(due_at, case.now, case.zone, case.dice)
    if _is_past(case.history, due_at):
        return Decision(_C.EXHAUSTED, "expired", costs=True)
    return Decision(_C.WAITING, reason, costs=True, due_at=due_at)


def _stopped(case: _Case, reason: str) -> Decision:
    if outcome.rang_nobody(reason):
        return _due(case, reason, None)
    if outcome.verdict(reason) is Verdict.REACHED:
        return Decision(_C.DONE, reason, costs=True)
    # Whoever looks at the calls first may make these people due again; the machine does not.
    return Decision(_C.EXHAUSTED, f"stopped:{reason}", costs=True)


def _stop_cause(reason: str) -> StopCause:
    if reason == outcome.NO_PAYMENT:
        return outcome.payment_refused()
    if reason == outcome.SCAM_WARNING:
        return StopCause(
            ExitCode.LOOK_FIRST,
            "scam_warning",
            f"Verbex ended a call as {reason}: look at that call and at what the agent says, and ask Verbex, "
            "before running again.",
        )
    return StopCause(
        ExitCode.LOOK_FIRST,
        reason,
        f"a call ended with {reason}, at which the campaign file says to stop: look at the call before running again.",
    )


# --- a dial that was not placed ----------------------------------------------------------------------


def _not_placed(case: _Case, refused: NotPlaced) -> Decision:
    if refused.stop is not None:
        tally = outcome.NO_PAYMENT if refused.refusal is Refusal.PAYMENT else None
        return replace(_due(case, refused.refusal.value, None), tally=tally, stop=refused.stop)
    if refused.refusal is Refusal.REJECTED:
        return Decision(_C.EXCLUDED, f"rejected: {refused.message}", costs=False)
    if refused.refusal is Refusal.ACCOUNT_FULL:
        return _account_full(case, refused)
    # A 429 is about calls per second, which the brake obeys; it says nothing about lines.
    return _due(case, refused.refusal.value, brake.hold(refused.retry_after, case.history.refusals + 1))


def _account_full(case: _Case, refused: NotPlaced) -> Decision:
    """The same as a call that ended so, only that the platform may say how long to wait."""
    asked = 0.0 if refused.retry_after is None else brake.hold(refused.retry_after, 1)
    return _ended(replace(case, at_least=asked), Ending(outcome.ACCOUNT_FULL, "error", None, has_messages=False))


# --- time and budget ---------------------------------------------------------------------------------


def _due(case: _Case, detail: str, wait: float | None) -> Decision:
    """Due again without having cost anything, after a wait in seconds or at once."""
    if case.history.attempts >= case.budget:
        return Decision(_C.EXHAUSTED, f"attempts_used_up:{detail}", costs=False)
    due_at = None if wait is None else _later(case, wait)
    if _is_past(case.history, due_at or case.now):
        return Decision(_C.EXHAUSTED, "expired", costs=False)
    return Decision(_C.DUE, detail, costs=False, due_at=due_at)


def _later(case: _Case, wait: float) -> datetime:
    return case.now + timedelta(seconds=retry.jittered(max(wait, case.at_least), case.dice))


def _is_past(history: History, moment: datetime) -> bool:
    return history.expires_at is not None and moment >= history.expires_at


# --- rejections in a row -----------------------------------------------------------------------------

_SAME_FOR_ALL = ("from_number", "override_ai_agent_id", "direction")
_MOST_REJECTIONS = 5


def rejection_stop(recent_in_a_row: int, fields: tuple[str, ...]) -> StopCause | None:
    """Whether rejections tell of the campaign rather than of one person: the fifth in a row, or a common field.

    `recent_in_a_row` counts this rejection; `fields` are those that it names, dotted, with or without `body.`.
    Where the agent comes from a column, or there are several own numbers, the caller leaves that field out of
    `fields`. The contacts of such a row are to be due again: the fault was not theirs.
    """
    common = next((name for field in fields if (name := _top(field)) in _SAME_FOR_ALL), None)
    if common is not None:
        told = f"Verbex rejects {common}, which is the same for all contacts"
    elif recent_in_a_row >= _MOST_REJECTIONS:
        told = f"Verbex has rejected {recent_in_a_row} dials in a row"
    else:
        return None
    sentence = f"{told}: correct the call part of the campaign file, then run the same command again."
    return StopCause(ExitCode.FILE, "rejected", sentence)


def _top(field: str) -> str:
    return field.removeprefix("body.").split(".")[0]
