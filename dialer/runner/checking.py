"""Looks a campaign over before anybody is dialled: the whole list, the first requests, the key. Writes nothing."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice

from dialer.attempt import request_for
from dialer.clock import Clock
from dialer.errors import CampaignError, LedgerError, ListError, Problem
from dialer.law import calling_rules
from dialer.ledger import dialled_elsewhere, opening, reading
from dialer.model import Campaign, Chunk, DialRequest, NoReply, Reject, RejectReason, Reply, Row
from dialer.permits import Permits
from dialer.policy import callerid, callid
from dialer.policy.callerid import NoCaller, callers_of
from dialer.runner import owning
from dialer.runner.doubles import Doubles, Refused, settled
from dialer.runner.intake import check_age, check_header, rows
from dialer.runner.owning import Shown
from dialer.runner.ruling import nobody
from dialer.verbex import Client

_SHOWN = 2
_EXAMPLES = 5
_SOME_HELD = 3
_NO_SECRET = b"check"  # where there is no ledger yet: the ids are not those that will be sent


@dataclass
class Checked:
    """What a list holds: rows that can be dialled and those that cannot; of the former, `held` are those against whom
    the rules stand whatever the hour, by what stands against them, and `some_held` the numbers of a few of each."""

    good: int = 0
    bad: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    examples: list[Reject] = field(default_factory=list)
    first: list[DialRequest] = field(default_factory=list)
    held: Counter[str] = field(default_factory=Counter)
    some_held: dict[str, list[str]] = field(default_factory=dict)

    def hold(self, row: Row, detail: str) -> None:
        """One more whom this holds; the first few are kept by their numbers."""
        self.held[detail] += 1
        some = self.some_held.setdefault(detail, [])
        if len(some) < _SOME_HELD:
            some.append(row.numbers[0].e164)


def check_ledger(campaign: Campaign) -> None:
    """Whether `run` could write the ledger, has its secret, and knows this campaign from the same platform.

    Raises:
        CampaignError: it could not, or does not.
    """
    path = campaign.ledger
    _secret(campaign)
    if not path.exists():
        if not os.access(path.parent, os.W_OK | os.X_OK):
            raise _ledger_fault(campaign, f"{path} cannot be made: its folder must exist and be writable by this user")
        return
    try:
        with reading.open_reader(path) as reader:
            known = {row.name: row.platform_url for row in reader.campaigns()}
    except LedgerError as error:
        raise _ledger_fault(campaign, str(error)) from error
    url = campaign.platform.url or "simulator"
    if known.get(campaign.name, url) != url:
        raise dialled_elsewhere(campaign, known[campaign.name])


def _ledger_fault(campaign: Campaign, sentence: str) -> CampaignError:
    return CampaignError(str(campaign.path), (Problem("ledger", 0, sentence),))


def check_list(
    campaign: Campaign, clock: Clock, hear: Callable[[Sequence[Row]], object] = lambda rows: None
) -> Checked:
    """Read the whole list as `run` would, and count; `hear` is given the rows that can be dialled, piece by piece;
    all of them again where the list is read once more.

    Raises:
        ListError: a fault of the list as a whole, or a gate that would stop `run`.
    """
    check_header(campaign)
    check_age(campaign, clock)
    secret, now = _secret(campaign), clock.now()
    permits = Permits(calling_rules(campaign, now), callers=callers_of(campaign.call))
    checked = settled(lambda refused: _read(campaign, hear, secret, permits, now, refused))
    _gates(campaign, checked)
    return checked


def _read(
    campaign: Campaign,
    hear: Callable[[Sequence[Row]], object],
    secret: bytes,
    permits: Permits,
    now: datetime,
    refused: Refused,
) -> Checked:
    checked = Checked()
    doubles = Doubles(campaign.contacts, refused)
    for chunk in rows(campaign):
        good = list(_taken(chunk, doubles))
        hear(good)
        ruled = [(row, permits.stands_against(row.audience, now)) for row in good]
        found = (_first_request(campaign, row, secret, now) for row, detail in ruled if not detail)
        checked.first.extend(islice(filter(None, found), _SHOWN - len(checked.first)))
        checked.good += len(good)
        for row, detail in ruled:
            if detail:
                checked.hold(row, detail)
        checked.bad += _bad_rows(chunk) + len(chunk.rows) - len(good)
        checked.rejected.update(reject.reason.value for reject in chunk.rejects)
        checked.rejected[RejectReason.DUPLICATE.value] += len(chunk.rows) - len(good)
        checked.examples.extend(chunk.rejects[: _EXAMPLES - len(checked.examples)])
    return checked


def _taken(chunk: Chunk, doubles: Doubles) -> Iterator[Row]:
    """The rows that would be taken, with what is known of their people's consent by all of the list."""
    for row in chunk.rows:
        audience = doubles.taken(row.person, [number.e164 for number in row.numbers], row.audience)
        if audience is not None:
            yield row if audience is row.audience else replace(row, audience=audience)


def _bad_rows(chunk: Chunk) -> int:
    """Rows that cannot be dialled: a bad number beside a good one is a reject, and its row is good."""
    good = {(row.file, row.line) for row in chunk.rows}
    return len({(reject.file, reject.line) for reject in chunk.rejects} - good)


def _first_request(campaign: Campaign, row: Row, secret: bytes, now: datetime) -> DialRequest | None:
    """The dial of a row; None where no own number is meant for these people."""
    caller = callerid.choose(callers_of(campaign.call), row.audience.places, row.person, None, {}, {}, now)
    if isinstance(caller, NoCaller):
        return None
    number = callid.called_number(tuple(number.e164 for number in row.numbers), 0)
    return request_for(campaign, row.person, number, row.data, 1, secret, caller)


def _secret(campaign: Campaign) -> bytes:
    try:
        return opening.known_secret(campaign.ledger) or _NO_SECRET
    except LedgerError as error:
        raise _ledger_fault(campaign, str(error)) from error


def _gates(campaign: Campaign, checked: Checked) -> None:
    rules, total = campaign.contacts, checked.good + checked.bad
    files = ", ".join(path.name for path in rules.files)
    if total < rules.min_rows:
        raise ListError(f"{files}: {total} rows, but `contacts.min_rows` asks for {rules.min_rows}")
    if checked.good == 0:
        first = f" The first: line {checked.examples[0].line}: {checked.examples[0].why}" if checked.examples else ""
        raise ListError(f"{files}: none of the {total} rows can be dialled.{first}")
    if rules.max_rejects is not None and checked.bad > rules.max_rejects * total:
        raise ListError(
            f"{files}: {checked.bad} of {total} rows are rejects, more than `contacts.max_rejects` allows "
            f"({rules.max_rejects:.0%}): {_rejects(checked)}"
        )
    if sum(checked.held.values()) == checked.good:
        raise nobody(campaign, checked.held)


def _rejects(checked: Checked) -> str:
    """How many there are for each reason, and the first of them."""
    counts = ", ".join(f"{reason} {count}" for reason, count in (+checked.rejected).most_common())
    told = "; ".join(f"line {one.line} ({one.column or 'the row'}): {one.why}" for one in checked.examples)
    return f"{counts}. The first of them: {told}" if told else counts


async def ask_platform(campaign: Campaign, clock: Clock) -> NoReply | Reply | Shown:
    """Ask for one call of the account's list, and if the platform takes the key, for its numbers and agents: what it
    shows of them, else its answer. Three requests at most."""
    async with Client(campaign.platform.url or "", campaign.platform.api_key, now=clock.now) as client:
        answer = await client.list(page_size=1)
        return answer if isinstance(answer, NoReply | Reply) else await owning.look(campaign, client)
