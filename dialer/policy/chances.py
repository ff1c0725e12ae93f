"""What becomes of somebody who is called, as far as it can be assumed: finish reasons with their shares, and what
follows from each by the campaign's own rules (`lifecycle.settle`)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo
from functools import lru_cache

from dialer.model import Action, Ending, History, RetryRules, Verdict
from dialer.model.planning import Assumed, Ended, Past
from dialer.model.words import ContactState
from dialer.policy import lifecycle, outcome, retry
from dialer.policy.clocks import instant

DEFAULT = Assumed(
    answer=0.35,
    machine=0.15,
    length=60.0,
    machine_length=20.0,
    ring=20.0,
    lines=5.0,
    others={"no_answer": 1.0},
)
"""Where nothing is known and nothing is given: a guess, which is named as one."""

ENOUGH = 50
"""So many calls must have ended before it is believed how they end."""

_REACHED, _MACHINE = "user_ended_call", "voicemail_detected"
_RARE = 0.01
_BY_CHANCE = 0.5  # waits are drawn out by a tenth at most: by half of that on the mean
_EPOCH = instant(0)


@dataclass(frozen=True, slots=True)
class Branch:
    """One way in which a call may end: its share of calls, and in how many seconds the next one is due.

    `wait` None: there is none; `reached` tells whether that is since they were.
    """

    share: float
    past: Past
    wait: float | None
    reached: bool = False


# --- assuming ----------------------------------------------------------------------------------------


def is_chance(rules: RetryRules, reason: str) -> bool:
    """Whether a call may end so and the campaign goes on: somebody was, or may have been, rung."""
    return not outcome.rang_nobody(reason) and retry.response_to(rules, reason).action is not Action.STOP


def learned(assumed: Assumed, ended: Iterable[Ended], rules: RetryRules, source: str) -> Assumed:
    """The same, with what the calls of this campaign have shown so far in its place; too few of them show nothing."""
    known = [each for each in ended if each.calls and is_chance(rules, each.reason)]
    total = sum(each.calls for each in known)
    if total < ENOUGH:
        return assumed
    people = [each for each in known if outcome.verdict(each.reason) is Verdict.REACHED]
    machines = [each for each in known if each.reason in retry.GROUPS["machine"]]
    rest = Counter({each.reason: each.calls for each in known if each not in people and each not in machines})
    found: dict[str, float] = {
        "answer": _calls(people) / total,
        "machine": _calls(machines) / total,
        "ring": _mean(known, [max(0.0, each.line - each.talk) for each in known]),
    }
    if people:
        found["length"] = _mean(people, [each.talk for each in people])
    if machines:
        found["machine_length"] = _mean(machines, [each.talk for each in machines])
    shares = {reason: calls / rest.total() for reason, calls in rest.items()} or assumed.others
    return replace(assumed, others=shares, sources={**assumed.sources, **dict.fromkeys(found, source)}, **found)


def _calls(ended: Iterable[Ended]) -> int:
    return sum(each.calls for each in ended)


def _mean(ended: list[Ended], seconds: list[float]) -> float:
    weighed = sum(each.calls * value for each, value in zip(ended, seconds, strict=True))
    return weighed / _calls(ended)


def shares(assumed: Assumed) -> dict[str, float]:
    """How calls end, by finish reason; the shares add up to 1."""
    machine = min(assumed.machine, 1.0 - assumed.answer)
    rest = 1.0 - assumed.answer - machine
    found = {_REACHED: assumed.answer, _MACHINE: machine}
    for reason, share in assumed.others.items():
        found[reason] = found.get(reason, 0.0) + rest * share
    return {reason: share for reason, share in found.items() if share > 0}


def alike(ends: Mapping[str, float], rules: RetryRules) -> dict[str, float]:
    """The same, reasons that are followed alike being told as the most frequent of them, and rare ones as the most
    frequent that is followed at all: so few pasts are told apart that a million people can be forecast."""
    names: dict[object, str] = {}
    found: dict[str, float] = {}
    for reason, share in sorted(ends.items(), key=lambda item: (-item[1], item[0])):
        response = retry.response_to(rules, reason)
        limit = retry.most_times(reason, response)
        waits = response.action is Action.WAIT
        name = next(iter(names.values())) if waits and share < _RARE and names else reason
        if waits and name == reason:
            name = names.setdefault((response, limit), reason)
        found[name] = found.get(name, 0.0) + share
    return found


def line_seconds(assumed: Assumed) -> float:
    """How long a call holds its line on the mean."""
    machine = min(assumed.machine, 1.0 - assumed.answer)
    return assumed.ring + assumed.answer * assumed.length + machine * assumed.machine_length


# --- following ---------------------------------------------------------------------------------------


class Following:
    """What comes after a call, by the campaign's rules; each past is asked about once."""

    def __init__(self, rules: RetryRules, ends: Mapping[str, float]) -> None:
        self._rules = rules
        self._ends = ends
        self._known: dict[Past, tuple[Branch, ...]] = {}

    def after(self, past: Past) -> tuple[Branch, ...]:
        """The ways in which the next call of somebody with this past may end."""
        if past not in self._known:
            self._known[past] = tuple(self._branch(past, reason, share) for reason, share in self._ends.items())
        return self._known[past]

    def due(self, wait: float, over: float, clocks: Sequence[tzinfo]) -> float:
        """When the next call is due after one that was over then (epoch seconds), on the clocks of those people."""
        if not self._rules.spreads or not clocks or wait < retry.SPREAD_FROM:
            return over + wait
        return _spread(over + wait, over, clocks[0])

    def pasts(self, attempts: int) -> int:
        """How many pasts somebody may come to have within so many attempts, at most."""
        waits = sum(branch.wait is not None for branch in self.after((-attempts, ())))
        return math.comb(waits + max(0, attempts - 1), waits)

    def _branch(self, past: Past, reason: str, share: float) -> Branch:
        attempts, tally = past[0], Counter(dict(past[1]))
        ending = Ending(reason, "ended", 0, has_messages=False)
        decided = lifecycle.settle(History(attempts, 0, tally), ending, self._rules, _EPOCH, _BY_CHANCE)
        wait = None if decided.due_at is None else (decided.due_at - _EPOCH).total_seconds()
        tally[reason] += 1
        return Branch(share, (attempts + 1, tuple(sorted(tally.items()))), wait, decided.state is ContactState.DONE)


@lru_cache(maxsize=4096)
def _spread(due: float, over: float, clock: tzinfo) -> float:
    """The same for all who were called at the same time and live by the same clock."""
    return retry.spread(instant(due), instant(over), clock, _BY_CHANCE).timestamp()
