"""With which campaigns of its ledger a campaign shares people: for `check`, which writes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain

from dialer.ledger.reading import open_reader
from dialer.model import Campaign
from dialer.runner.intake import rows


def shared(campaign: Campaign) -> Mapping[str, int]:
    """By the name of each other campaign of the ledger, how many people of this one have a number that it has too.

    A campaign that was never run is looked for by its list (LedgerError, ListError).
    """
    if not campaign.ledger.is_file():
        return {}
    with open_reader(campaign.ledger) as reader:
        known = {row.name: row.id for row in reader.campaigns()}
        if campaign.name in known:
            return reader.shared_with(known[campaign.name])
        return reader.shared_by(_numbers(campaign)) if known else {}


def _numbers(campaign: Campaign) -> Iterator[tuple[int, str]]:
    """The list's numbers, each with the place of its row."""
    every = chain.from_iterable(chunk.rows for chunk in rows(campaign))
    return ((place, number.e164) for place, row in enumerate(every) for number in row.numbers)
