"""`call`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dialer.cli import given
from dialer.clock import Clock
from dialer.console import mask, mask_text
from dialer.errors import UsageError
from dialer.model import Campaign
from dialer.runner import own_call, requests


def call(file: Path, to: str, person: str, why: str = "") -> int:
    """Say what is rung, ring it, wait for the end and print it; gives the exit code (UsageError, ListError)."""
    campaign = given.campaign(file)
    number = own_call.number_of(campaign, to)
    row = own_call.row_of(campaign, person)
    clock = Clock()
    where = "the simulated platform" if campaign.platform.url is None else campaign.platform.url
    caller = own_call.caller_of(campaign, row, clock.now())
    from_number = f"from {mask(caller.number)}"
    words = f"{campaign.name}: {mask(number)} is rung by {where} {from_number} with the data of {row.person}."
    print(mask_text(words), flush=True)
    print("It is outside the campaign: no result of it changes.", flush=True)
    rung = asyncio.run(own_call.ring(campaign, row, number, caller, given.who(), _ask(campaign, clock), clock, why))
    print(mask_text(f"{campaign.name}: {rung.sentence}"))
    return rung.code


def _ask(campaign: Campaign, clock: Clock) -> own_call.Ask:
    if not campaign.ledger.exists():
        return own_call.Journal(campaign.ledger)

    async def ask(verb: str, facts: Mapping[str, Any]) -> str:
        answer = await requests.ask(campaign.ledger, verb, facts, clock)
        if answer.startswith(requests.NOT_DONE):
            raise UsageError(answer)
        return answer

    return ask
