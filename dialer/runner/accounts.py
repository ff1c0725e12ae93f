"""What the campaigns of a run share when they dial under one key: lines, brakes, own numbers, and the
sight of others' calls."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dialer.callers import Callers
from dialer.clock import Clock
from dialer.lines import Lines
from dialer.model import Campaign, PaceRules
from dialer.others import OthersSeen
from dialer.pace import Brakes
from dialer.policy import pacing
from dialer.policy.pacing import Pacing


@dataclass(frozen=True, slots=True)
class Account:
    """One key's account: what is learned of it holds for all of its campaigns."""

    lines: Lines
    brakes: Brakes
    others: OthersSeen
    callers: Callers


Learned = tuple[Campaign, float | None]
"""A campaign, and the account's limit as it was learned in an earlier run, None where nothing was."""


def account_of(campaigns: Sequence[Learned], clock: Clock) -> Account:
    """The account of campaigns that dial under one key."""
    paces = [campaign.pace for campaign, _ in campaigns]
    start = _start(paces, [known for _, known in campaigns], clock.monotonic())
    lines = Lines(start, clock.monotonic)
    return Account(lines, Brakes(clock.monotonic), OthersSeen(lines, clock), Callers(clock))


def accounts_of(campaigns: Iterable[Learned], clock: Clock) -> list[Account]:
    """For each campaign its account; campaigns of one platform and key have the same."""
    given = list(campaigns)
    by_key: dict[tuple[str | None, str], list[Learned]] = {}
    for campaign, known in given:
        by_key.setdefault(_key(campaign), []).append((campaign, known))
    accounts = {key: account_of(its, clock) for key, its in by_key.items()}
    return [accounts[_key(campaign)] for campaign, _ in given]


def _key(campaign: Campaign) -> tuple[str | None, str]:
    return campaign.platform.url, campaign.platform.api_key.reveal()


def _start(paces: Sequence[PaceRules], known: Sequence[float | None], now: float) -> Pacing:
    """Where learning begins: with the least that was learned, since to rise is quicker than to be refused."""
    given = [pace.concurrent_calls for pace in paces if pace.concurrent_calls is not None]
    if len(given) == len(paces):
        return pacing.trusting()
    learned = [lines for pace, lines in zip(paces, known, strict=True) if pace.concurrent_calls is None and lines]
    reserve = max(pace.leave_free for pace in paces)
    if learned:
        return pacing.learning(min(learned), reserve=reserve, now=now)
    return pacing.learning(None, max(pacing.FIRST_LINES, sum(given)), reserve)
