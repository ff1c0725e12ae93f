"""Takes a campaign's list into the ledger: whole, or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator

from dialer import contacts
from dialer.clock import Clock
from dialer.contacts import header
from dialer.errors import CampaignError, DialerError, ListError, Problem, UsageError
from dialer.ledger import Imported, Ledger, reading
from dialer.model import Campaign, Chunk
from dialer.runner.geography import geography


def check_header(campaign: Campaign) -> tuple[str, ...]:
    """The list's columns; everything that can be told of a list without reading its rows.

    Raises:
        ListError: a file is missing, empty or unreadable, or a column that the campaign names is not there.
        CampaignError: `contacts.country` is not a region.
    """
    from dialer.places import known_region  # only here: the numbering plans take a while, and most lists are known

    country = campaign.contacts.country
    if country is not None and not known_region(country):
        problem = Problem("contacts.country", 0, f"{country!r} is not an ISO region", "for example US or GB")
        raise CampaignError(str(campaign.path), (problem,))
    columns = contacts.columns(campaign.contacts)
    header.check_has_all(campaign.contacts.files[0], columns, campaign.contacts, campaign.call)
    return columns


def check_list(campaign: Campaign, clock: Clock) -> None:
    """All that can be told of a list before the ledger is opened: its age, and its header unless it is known as it is.

    Raises ListError and CampaignError, as `check_header` and `check_age`.
    """
    if not _is_recognised(campaign, clock):
        check_header(campaign)
    check_age(campaign, clock)


def _is_recognised(campaign: Campaign, clock: Clock) -> bool:
    """Whether nobody has touched the files since this very list was taken in by the same rules: its header was as it
    must be. Reads no byte of them."""
    if not campaign.ledger.is_file():
        return False
    try:
        with reading.open_reader(campaign.ledger) as reader:
            known = reader.known_list(reader.find(campaign.name).id)
    except DialerError:  # whoever opens it to write will say it, or bring it up to date
        return False
    now = clock.now().timestamp()
    return known.fingerprint == contacts.recognise(
        campaign.contacts, campaign.call, known.stamps, now, geography(campaign.contacts)
    )


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
    from dialer.places import NumberReader  # only here: as above

    rules = campaign.contacts
    place = None
    if rules.placed:
        from dialer.places.whereabouts import Placer

        place = Placer().audience
    return contacts.read(rules, campaign.call, NumberReader(rules.country).column, place=place)


def _read(found: Iterator[Chunk]) -> asyncio.Future[Chunk | None]:
    """The next piece, None after the last, read in a thread. Whoever loses interest in it leaves nothing untold."""
    piece = asyncio.ensure_future(asyncio.to_thread(next, found, None))
    piece.add_done_callback(lambda done: None if done.cancelled() else done.exception())
    return piece


async def _nobody_is_asked(import_id: int | None) -> bool:
    return True


async def take_in(
    ledger: Ledger,
    campaign: Campaign,
    campaign_id: int,
    clock: Clock,
    *,
    yes: bool,
    is_stopping: Callable[[], bool] = lambda: False,
    agreed: Callable[[int | None], Awaitable[bool]] = _nobody_is_asked,
) -> Imported | None:
    """Import the list unless it is the one that was imported last; gives what changed, None if it was stopped.

    `agreed` is asked before anything takes effect, with the import that is staged, or None where the list is known.

    Raises:
        ListError: a fault of the list as a whole, or a gate. Nothing of it was taken, nothing of the old is lost.
    """
    rules = campaign.contacts
    stamps = (await ledger.known_list(campaign_id)).stamps
    now = clock.now().timestamp()
    asked = rules, campaign.call, stamps, now, geography(rules)
    fingerprint, stamps = await asyncio.to_thread(contacts.identify, *asked)
    check_age(campaign, clock)
    if (known := await ledger.known(campaign_id, fingerprint, rules)) is not None:
        if not await agreed(None):
            return None
        await ledger.keep_stamps(campaign_id, fingerprint, stamps)
        return known
    columns = check_header(campaign)
    names = [path.name for path in rules.files]
    import_id = await ledger.begin_import(campaign_id, fingerprint, names, columns)
    try:
        pieces = rows(campaign)
        ahead = _read(pieces)
        while (piece := await ahead) is not None:
            ahead = _read(pieces)  # while this one is kept
            await ledger.stage(campaign_id, import_id, piece)
            if is_stopping():
                await asyncio.wait({ahead})
                await ledger.drop_import(campaign_id)
                return None
        if not await agreed(import_id):
            await ledger.drop_import(campaign_id)
            return None
        taken = await ledger.apply(campaign_id, import_id, rules, yes)
    except ListError:
        await ledger.drop_import(campaign_id)
        raise
    await ledger.keep_stamps(campaign_id, fingerprint, stamps)
    return taken


def told(found: Imported) -> tuple[str, str]:
    """What an import changed, as an event and a sentence."""
    if found.known:
        return "list_known", f"the list is unchanged: {found.good} people"
    changes = f"{found.added} new, {found.changed - found.moved} changed, {found.withdrawn} gone, {found.returned} back"
    rejects = "1 reject" if found.rejected == 1 else f"{found.rejected} rejects"
    return "list_taken", f"{found.good} people from {found.read} rows ({changes}); {rejects}"


async def check_only(ledger: Ledger, campaign: Campaign, campaign_id: int, only: str | None) -> None:
    """Raises UsageError where `--only` names nobody of this campaign."""
    if only is not None and not await ledger.has_person(campaign_id, only):
        raise UsageError(
            f"--only {only}: {campaign.name} has nobody with this id or number; write it as the ledger does, "
            "a number with its plus"
        )
