"""Takes a campaign's list into the ledger: whole, or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

from dialer import contacts
from dialer.clock import Clock
from dialer.contacts import header
from dialer.errors import CampaignError, ListError, Problem, UsageError
from dialer.ledger import Imported, Ledger
from dialer.model import Campaign, Chunk
from dialer.places import NumberReader, known_region


def check_header(campaign: Campaign) -> tuple[str, ...]:
    """The list's columns; everything that can be told of a list without reading its rows.

    Raises:
        ListError: a file is missing, empty or unreadable, or a column that the campaign names is not there.
        CampaignError: `contacts.country` is not a region.
    """
    country = campaign.contacts.country
    if country is not None and not known_region(country):
        problem = Problem("contacts.country", 0, f"{country!r} is not an ISO region", "for example US or GB")
        raise CampaignError(str(campaign.path), (problem,))
    columns = contacts.columns(campaign.contacts)
    header.check_has_all(campaign.contacts.files[0], columns, campaign.contacts, campaign.call)
    return columns


def check_age(campaign: Campaign, clock: Clock) -> None:
    """Raises ListError where a file is older than `contacts.newer_than` allows: yesterday's list, by mistake."""
    newest = campaign.contacts.newer_than
    if newest is None:
        return
    for path in campaign.contacts.files:
        age = clock.now().timestamp() - path.stat().st_mtime
        if age > newest:
            raise ListError(
                f"{path.name} was written {age / 3600:.1f} h ago, and `contacts.newer_than` asks for a file of the "
                f"last {newest / 3600:.1f} h: put the new list in its place; nobody was dialled"
            )


def rows(campaign: Campaign) -> Iterator[Chunk]:
    """The list, piece by piece."""
    rules = campaign.contacts
    return contacts.read(rules, campaign.call, NumberReader(rules.country))


async def take_in(
    ledger: Ledger,
    campaign: Campaign,
    campaign_id: int,
    clock: Clock,
    *,
    yes: bool,
    is_stopping: Callable[[], bool] = lambda: False,
) -> Imported | None:
    """Import the list unless it is the one that was imported last; gives what changed, None if it was stopped.

    Raises:
        ListError: a fault of the list as a whole, or a gate. Nothing of it was taken, nothing of the old is lost.
    """
    columns = check_header(campaign)
    check_age(campaign, clock)
    rules = campaign.contacts
    fingerprint = await asyncio.to_thread(contacts.fingerprint, rules, campaign.call)
    if (known := await ledger.known(campaign_id, fingerprint, rules)) is not None:
        return known
    names = [path.name for path in rules.files]
    import_id = await ledger.begin_import(campaign_id, fingerprint, names, columns)
    try:
        pieces = rows(campaign)
        while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
            await ledger.stage(campaign_id, import_id, piece)
            if is_stopping():
                await ledger.drop_import(campaign_id)
                return None
        return await ledger.apply(campaign_id, import_id, rules, yes)
    except ListError:
        await ledger.drop_import(campaign_id)
        raise


def told(found: Imported) -> tuple[str, str]:
    """What an import changed, as an event and a sentence."""
    if found.known:
        return "list_known", f"the list is unchanged: {found.good} people"
    changes = f"{found.added} new, {found.changed} changed, {found.withdrawn} gone, {found.returned} back"
    return "list_taken", f"{found.good} people from {found.read} rows ({changes}); {found.rejected} rejects"


async def check_only(ledger: Ledger, campaign: Campaign, campaign_id: int, only: str | None) -> None:
    """Raises UsageError where `--only` names nobody of this campaign."""
    if only is not None and not await ledger.has_person(campaign_id, only):
        raise UsageError(
            f"--only {only}: {campaign.name} has nobody with this id or number; write it as the ledger does, "
            "a number with its plus"
        )
