"""A dial as it is to be sent, made of a campaign and a row of its list. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache

from dialer.model import JSON, CallerId, CallRules, Campaign, DialRequest, ListRules
from dialer.policy import callid
from dialer.policy.callerid import callers_of

CALL_ID_KEY = "dialer_call_id"
"""Under this key the call id stands in the metadata too: a platform may not look custom ids up."""


@lru_cache(maxsize=64)
def _called(contacts: ListRules, call: CallRules, columns: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """As `called`; the same for all rows of a list, and asked at each dial."""
    used = {*contacts.phone, contacts.id, call.agent_column, *contacts.steering}
    named = {*call.data, *call.metadata} - {"*"}
    rest = [column for column in columns if column not in used and column not in named]
    return (
        [column for name in call.data for column in (rest if name == "*" else [name])],
        [column for name in call.metadata for column in (rest if name == "*" else [name])],
    )


def called(contacts: ListRules, call: CallRules, columns: Mapping[str, JSON]) -> tuple[list[str], list[str]]:
    """The columns of a row that are sent as data and as metadata; `*` is all that have no other use."""
    return _called(contacts, call, tuple(columns))


def request_for(
    campaign: Campaign,
    person: str,
    number: str,
    data: str,
    serial: int,
    secret: bytes,
    caller: CallerId | None = None,
) -> DialRequest:
    """The dial of a contact: `data` is the row as JSON text, `caller` the own number that shows (None: the first one of
    the campaign), whose agent goes before the campaign's. Pure; `check` shows the same."""
    caller = caller or callers_of(campaign.call)[0]
    row: dict[str, JSON] = json.loads(data)
    in_data, in_metadata = called(campaign.contacts, campaign.call, row)
    call_id = callid.call_id(secret, campaign.name, person, serial)
    agent = campaign.call.agent
    if campaign.call.agent_column is not None:
        agent = _text(row.get(campaign.call.agent_column)) or None
    agent = caller.agent or agent
    return DialRequest(
        call_id=call_id,
        from_number=caller.number,
        to_number=number,
        agent=agent,
        metadata={**{column: _text(row.get(column)) for column in in_metadata}, CALL_ID_KEY: call_id},
        data={column: row.get(column) for column in in_data},
    )


def _text(value: JSON) -> str:
    """A cell as metadata carries it: always text."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
