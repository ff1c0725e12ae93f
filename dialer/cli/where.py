"""Where a person is, in words: places, zones, and from what it is known."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from dialer.ledger.telling import ContactTold
from dialer.model import Campaign

_COLUMNS = {"unknown_zone": "timezone", "unknown_postcode": "postcode", "unknown_region": "region"}
"""Which column is to blame for what is not known."""


def where(contact: ContactTold, campaign: Campaign | None) -> Iterator[str]:
    """A sentence of where they are, and one of the cell that cannot be understood, if one cannot. `campaign` is that of
    the contact, where its file is known: it tells from which columns."""
    if contact.purged_at is not None:
        return
    facts = json.loads(contact.facts)
    if not (facts.get("places") or facts.get("zones") or facts.get("held")):
        return
    places, zones = ", ".join(facts.get("places", ())), ", ".join(facts.get("zones", ()))
    yield f"where: {places or 'no place is known'}; clocks: {zones or 'none is known'}{_known_by(contact, campaign)}"
    key = _COLUMNS.get(str(facts.get("held", "")))
    column = _column(contact, campaign, key) if key else None
    if column:
        cell = _cells(contact).get(column)
        place = f"in the column {column!r} (contacts.{key}){_row(contact)}"
        yield f"not understood: {cell!r} {place}; correct it in the list"


def _column(contact: ContactTold, campaign: Campaign | None, key: str) -> str | None:
    """What the campaign file names under this key of `contacts`, or named at its last run if it is not at hand."""
    if campaign is not None:
        named: str | None = getattr(campaign.contacts, key)
        return named
    return contact.columns.get(f"contacts.{key}")


def _row(contact: ContactTold) -> str:
    """Where the row stands; it may have moved since, if it says the same."""
    return f", line {contact.line} of {contact.file} when it was taken in" if contact.line else ""


def _known_by(contact: ContactTold, campaign: Campaign | None) -> str:
    """From what it is known, strongest first; nothing where the file is not known."""
    if campaign is None or not contact.numbers:
        return ""
    from dialer.places.whereabouts import whereabouts  # only here: the tables take a while

    cells, rules = _cells(contact), campaign.contacts
    named = {"timezone": rules.timezone, "postcode": rules.postcode, "region": rules.region}
    given = {use: str(cells.get(column) or "").strip() for use, column in named.items() if column is not None}
    found = whereabouts(contact.numbers, **given).evidence
    return f"; known by: {', '.join(found)}" if found else ""


def _cells(contact: ContactTold) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(contact.data or "{}")
    return found
