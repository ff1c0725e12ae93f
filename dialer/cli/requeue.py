"""`requeue`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from dialer.cli import given
from dialer.cli.asking import agreed
from dialer.clock import Clock
from dialer.config.words import nearest
from dialer.console import mask_text
from dialer.errors import UsageError
from dialer.ledger.requeuing import Wanted, attempts_more, reach_of
from dialer.policy import outcome
from dialer.report.words import DETAILS
from dialer.runner import requests
from dialer.runner import requeue as word


def requeue(
    file: Path, reasons: Sequence[str], state: str | None, only: Sequence[str], extra: int, yes: bool, why: str
) -> None:
    """Say whom it would reach, ask, have it done, and print what was (UsageError)."""
    campaign = given.campaign(file)
    asked = Wanted(campaign.name, campaign.retry.attempts, tuple(reasons), state, tuple(only), extra)
    facts = word.facts_of(asked, why, given.who())
    wanted, clock = word.wanted_of(facts), Clock()
    if not campaign.ledger.exists():
        raise UsageError(f"there is no ledger {campaign.ledger}: the campaign has not been run yet")
    _check_reasons(reasons)
    reach = reach_of(campaign.ledger, wanted, clock.now())
    if reach.meant:
        agreed(mask_text(_question(wanted, reach.meant)), yes=yes)
    answer = asyncio.run(requests.ask(campaign.ledger, word.VERB, facts, clock))
    if answer.startswith(requests.NOT_DONE):
        raise UsageError(answer)
    print(mask_text(answer.replace("; left out: ", "\n  left out: ")))


def _check_reasons(reasons: Sequence[str]) -> None:
    """Raises UsageError for what is nearly a finish reason: nobody would be meant, and nothing would say why."""
    for reason in reasons:
        meant = nearest(reason, outcome.REASONS)
        if reason not in outcome.REASONS and reason not in DETAILS and ":" not in reason and meant is not None:
            raise UsageError(f"--reason: there is no finish reason {reason!r}; did you mean {meant}?")


def _question(wanted: Wanted, people: int) -> str:
    who = "1 person" if people == 1 else f"{people} people"
    more = f", with {attempts_more(wanted.extra)}" if wanted.extra else ""
    return f"{wanted.campaign}: {who} will be called again{more}. Do it?"
