"""`purge`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from dialer import packs
from dialer.cli import given
from dialer.cli.asking import agreed
from dialer.cli.telling import tell
from dialer.clock import Clock
from dialer.console import mask_text
from dialer.errors import UsageError
from dialer.ledger import Ledger, opening
from dialer.ledger.purging import Choice, Purged, Share, would_purge
from dialer.model import Campaign


def purge(
    file: Path | None,
    ledger: Path | None,
    older_than: str | None,
    person: str | None,
    dry_run: bool,
    yes: bool,
    why: str = "",
) -> None:
    """Say who would be forgotten, ask, forget them, and print what stays.

    Raises:
        UsageError: neither or both of the two ways to say who is meant, nobody is, or a call of theirs is on the line.
        LedgerHeld: a run holds the ledger.
        LedgerError: it cannot be read or written.
    """
    campaign = None if file is None else given.campaign(file)
    path = campaign.ledger if campaign is not None else given.ledger_of(None, ledger)[0]
    clock = Clock()
    choice = _choice(None if campaign is None else campaign.name, older_than, person, clock.now())
    if not path.exists():
        raise UsageError(f"there is no ledger {path}: nothing was dialled yet, so there is nothing to forget")
    found = would_purge(path, opening.known_secret(path) or b"", choice)
    for line in _told(found, "would be forgotten" if dry_run else "will be forgotten"):
        tell(mask_text(line))
    for line in _keeps(campaign):
        tell(line)
    if dry_run:
        return
    if not found.is_nobody:
        agreed("This cannot be undone. Do it?", yes=yes)
    # Also where there is nobody left: what an earlier purge could not take out of the file goes now.
    done = asyncio.run(_forget(path, choice, why, clock))
    if done.is_nobody and person is not None:
        raise UsageError(
            mask_text(
                f"the ledger knows nobody by {person}: write the id as the list has it, or the number with its plus"
            )
        )
    tell(mask_text(_done(done, path)))


def _choice(campaign: str | None, older_than: str | None, person: str | None, now: datetime) -> Choice:
    if (older_than is None) == (person is None):
        raise UsageError("say who is to be forgotten: by --older-than 90d, or by --person PERSON")
    if older_than is None:
        return Choice(person=given.person(person or ""))
    return Choice(before=now - timedelta(seconds=given.seconds("--older-than", older_than)), campaign=campaign)


async def _forget(path: Path, choice: Choice, why: str, clock: Clock) -> Purged:
    ledger = Ledger.open(path, "purge", clock.now)
    try:
        return await ledger.purge(choice, given.who() + (f": {why}" if why else ""))
    finally:
        await ledger.close()


def _told(found: Purged, will_be: str) -> Iterator[str]:
    if found.is_nobody:
        yield f"Nobody {will_be}."
    for share in found.shares:
        yield f"{share.campaign}: {_people(share.people)} {will_be}, with {_calls(share)}{_waiting(share)}."
    if found.mentions:
        entries = "1 entry tells" if found.mentions == 1 else f"{found.mentions} entries tell"
        yield f"Beside, {entries} of them: rejects, do-not-call list, calls to own telephones."
    if found.sharers:
        yield f"{_people(found.sharers)} of another id with a number of theirs will stay: name them too if meant."


def _people(count: int) -> str:
    return "1 person" if count == 1 else f"{count} people"


def _calls(share: Share) -> str:
    return "what is known of 1 call" if share.calls == 1 else f"what is known of {share.calls} calls"


def _waiting(share: Share) -> str:
    return f"; {share.waiting} of them would still have been called" if share.waiting else ""


def _keeps(campaign: Campaign | None) -> Sequence[str]:
    """What the law may want to be kept, by the packs of the campaign."""
    if campaign is None:
        return ["Which records must be kept depends on the rule packs: name a campaign's file to be told."]
    if campaign.law is None:
        return ["The campaign goes by no rule packs: nothing is known here of records that must be kept."]
    told = [(code, sentence) for code in campaign.law.packs for sentence in packs.pack(code).keeps]
    return ["Mind what the law wants kept:"] + [f"  {code}: {sentence}" for code, sentence in told] if told else []


def _done(done: Purged, path: Path) -> str:
    return (
        f"{_people(done.people)} forgotten: no number, data, transcript or record of theirs is left in {path.name} and "
        "its log. Totals stay, and as keyed hashes opt-outs, rings and who is finished. Copies made by `backup`, "
        "exports, lists, and what Verbex itself keeps are not touched."
    )
