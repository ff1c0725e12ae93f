"""A campaign's row in the ledger: bound to the platform on which it is dialled."""

from __future__ import annotations

import hashlib
import hmac
import sqlite3
from dataclasses import dataclass
from datetime import datetime

from dialer.errors import CampaignError, Problem
from dialer.ledger import events
from dialer.ledger.events import SQL
from dialer.ledger.moments import text
from dialer.model import Campaign


@dataclass(frozen=True, slots=True)
class Bound:
    """A campaign's row in the ledger: the learned limit of lines, and the mark of the API key that is used now."""

    id: int
    lines: float | None
    key_mark: str = ""


def dialled_elsewhere(campaign: Campaign, platform_url: str) -> CampaignError:
    """What is to be said of a campaign that this ledger knows from another platform."""
    problem = Problem(
        "platform.url",
        0,
        f"the campaign {campaign.name!r} of this ledger was dialled on {platform_url}, and this file says "
        f"{campaign.platform.url or 'simulator'}: who was called there was not called here",
        "give it another name, or another ledger",
    )
    return CampaignError(str(campaign.path), (problem,))


def bind(db: sqlite3.Connection, campaign: Campaign, secret: bytes, now: datetime) -> Bound:
    """The campaign's row, made at its first run (CampaignError where it belongs to another platform)."""
    url = campaign.platform.url or "simulator"
    key_mark = hmac.new(secret, campaign.platform.api_key.reveal().encode(), hashlib.sha256).hexdigest()[:16]
    row = db.execute(SQL["campaign_by_name"], {"name": campaign.name}).fetchone()
    if row is None:
        given = {"name": campaign.name, "url": url, "key_mark": key_mark, "at": text(now)}
        added = int(db.execute(SQL["add_campaign"], given).lastrowid or 0)
        db.execute(SQL["begin_audiences"], {"campaign": added})
        return Bound(added, None, key_mark)
    if row["platform_url"] != url:
        raise dialled_elsewhere(campaign, row["platform_url"])
    if row["key_mark"] != key_mark:
        db.execute(SQL["set_key_mark"], {"campaign": row["id"], "key_mark": key_mark})
        events.add_event(db, now, "key_changed", detail=campaign.name)
    return Bound(row["id"], row["lines"], key_mark)


_MOST_KEYS = 60


def with_key(noted: object, campaign: str, key_mark: str) -> list[str]:
    """The noted keys, with one more that a campaign is run under; the oldest go first."""
    found = [one for one in noted if isinstance(one, str)] if isinstance(noted, list) else []
    one = f"{_short(campaign)}:{key_mark}"
    return [*(other for other in found if other != one), one][-_MOST_KEYS:]


def keys_of(noted: object, campaign: str) -> frozenset[str]:
    """The marks of the keys under which a campaign was run, as they are noted."""
    found = [one for one in noted if isinstance(one, str)] if isinstance(noted, list) else []
    mine = f"{_short(campaign)}:"
    return frozenset(one.removeprefix(mine) for one in found if one.startswith(mine))


def _short(campaign: str) -> str:
    return hashlib.sha256(campaign.encode()).hexdigest()[:8]
