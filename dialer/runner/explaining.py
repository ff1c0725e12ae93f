"""What each rule of a campaign says now about one person, for `why`."""

from __future__ import annotations

import json
from datetime import datetime
from zoneinfo import ZoneInfo

from dialer import packs
from dialer.law import calling_rules
from dialer.ledger import opening
from dialer.ledger.audiences import audience_of
from dialer.ledger.telling import ContactTold
from dialer.model import Audience, Campaign
from dialer.model.rules import Finding
from dialer.policy import permission
from dialer.policy.marks import debt_key


def explain(campaign: Campaign, contact: ContactTold, now: datetime) -> tuple[Finding, ...]:
    """What each rule that applies says of a dial to a contact of the campaign at `now`, by itself.

    Raises:
        CampaignError: the campaign's rules cannot be read.
        LedgerError: the ledger's secret, by which debts are known, is missing.
    """
    calling = calling_rules(campaign, now)
    if calling.is_free and not calling.rules:
        return ()
    audience = audience_of(contact.facts)
    secret = opening.known_secret(campaign.ledger) or b""
    debt = debt_key(secret, _debt(campaign, contact)).hex()
    return permission.explain(calling, audience, _clocks(audience), packs.holidays, contact.rings, debt, now)


def _debt(campaign: Campaign, contact: ContactTold) -> str:
    if campaign.contacts.debt is None:
        return ""
    value = json.loads(contact.data).get(campaign.contacts.debt)
    return "" if value is None else str(value).strip()


def _clocks(audience: Audience) -> dict[str, ZoneInfo]:
    """A clock for each zone that there is; of one that there is not the rules say so themselves."""
    found = {}
    for name in audience.zones:
        try:
            found[name] = ZoneInfo(name)
        except (OSError, ValueError, KeyError):
            continue
    return found
