"""Brings the ledger in line with the rules before anybody is dialled: whose audience is held or barred, who is on a
do-not-call list; and counts the calls of a day."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import date, datetime

from dialer.clock import Clock
from dialer.errors import CampaignError, ListError, Problem
from dialer.law import calling_rules, register_age
from dialer.ledger import Ledger, reading
from dialer.model import Campaign, ContactState
from dialer.permits import Permits
from dialer.policy import marks
from dialer.policy.callerid import callers_of
from dialer.policy.consent import asks_everybody
from dialer.report import why
from dialer.runner.registers import check, check_age, ids, take_in

Say = Callable[..., None]


class Today:
    """How many calls a campaign has made on each day (UTC), the dials under way among them."""

    def __init__(self) -> None:
        self._made: Counter[date] = Counter()

    def made(self, moment: datetime) -> int:
        """Calls on the day of this moment."""
        return self._made[moment.date()]

    def count(self, moment: datetime, calls: int = 1) -> None:
        """So many more; fewer where nobody was rung after all."""
        self._made[moment.date()] += calls


def permits_of(campaign: Campaign, ledger: Ledger, clock: Clock, today: Today) -> Permits:
    """The rules of a campaign, for those who dial by them (CampaignError as `calling_rules`)."""
    return Permits(
        calling_rules(campaign, clock.now()),
        campaign.order,
        debt_column=campaign.contacts.debt,
        debt_mark=lambda debt: marks.debt_key(ledger.secret, debt).hex(),
        per_day=campaign.per_day,
        calls_today=today.made,
        callers=callers_of(campaign.call),
    )


def check_rules(campaign: Campaign, clock: Clock) -> None:
    """All that can be told of a campaign's rules and do-not-call lists before the ledger is opened.

    Raises CampaignError as `calling_rules`, and where everybody must have consented and nothing tells who did, and
    ListError for a list that is not there or too old.
    """
    calling = calling_rules(campaign, clock.now())
    if (
        campaign.contacts.consent is None
        and campaign.contacts.consents is None
        and (rule := asks_everybody(calling, clock.now()))
    ):
        raise CampaignError(str(campaign.path), (_no_consent(campaign, rule.id),))
    check_age(campaign, clock, register_age(calling))


def _no_consent(campaign: Campaign, rule: str) -> Problem:
    from dialer.config import line_of  # only where there is a fault

    message = f"is missing: by the rule {rule} everybody must have consented, so nobody could be called"
    hint = "name the column that tells it (consent: … and yes: [yes]), or write consent: given if all of them did"
    return Problem("rules.consent", line_of(campaign.path, ("rules",)), message, hint)


def check_anybody(ledger: Ledger, campaign: Campaign, campaign_id: int) -> None:
    """Raises ListError where the rules bar everybody on the list whatever the hour: such a campaign is not done."""
    if ruled := _all_ruled(ledger, campaign_id, _NEVER_CALLED):
        raise nobody(campaign, ruled)


def nobody_left(ledger: Ledger, campaign: Campaign, campaign_id: int) -> str:
    """That the rules bar everybody who is not finished whatever the hour, for a run that has called others; '' where
    somebody is still to be called."""
    ruled = _all_ruled(ledger, campaign_id, _NEVER_CALLED | _FINISHED)
    return _nobody(campaign, ruled, "nobody of the list who is not finished") if ruled else ""


_NEVER_CALLED = frozenset({ContactState.EXCLUDED})
_FINISHED = frozenset({ContactState.DONE, ContactState.EXHAUSTED})
_RULED = ("held:", "blocked:")


def _all_ruled(ledger: Ledger, campaign_id: int, states: frozenset[ContactState]) -> Counter[str]:
    """How many people the rules bar, by detail; nobody where anybody is in another state than these."""
    with reading.open_reader(ledger.path) as reader:
        reasons = reader.reasons(campaign_id)
    ruled = Counter[str]()
    for (state, _, detail), people in reasons.items():
        if state not in states:
            return Counter()
        if state == ContactState.EXCLUDED and detail.startswith(_RULED):
            ruled[detail] += people
    return ruled


def nobody(campaign: Campaign, held: Mapping[str, int]) -> ListError:
    """That nobody of a list can be called, with what stands against most of them; `held` counts people by detail."""
    return ListError(_nobody(campaign, held, "nobody of the list"))


def _nobody(campaign: Campaign, held: Mapping[str, int], who: str) -> str:
    files = ", ".join(path.name for path in campaign.contacts.files)
    most = max(held, key=lambda detail: held[detail])
    return (
        f"{files}: {who} can be called by the rules as they are, whatever the hour: "
        f"{why(ContactState.EXCLUDED, '', most)} ({held[most]} of {sum(held.values())}); correct the list or the rules"
    )


def check_registers(campaign: Campaign, clock: Clock) -> list[str]:
    """A sentence about each do-not-call list in a file, read as `run` would (ListError)."""
    return check(campaign, clock, register_age(calling_rules(campaign, clock.now())))


async def bring_in_line(
    ledger: Ledger, campaign: Campaign, campaign_id: int, permits: Permits, clock: Clock, say: Say, *, yes: bool = False
) -> None:
    """Exclude whom rules or lists bar whatever the hour, and have those be due again whom they bar no more. `yes`: also
    where far fewer numbers are in a do-not-call list than before.

    Raises:
        ListError: a do-not-call list is too old, cannot be read, or may have been cut off. Nobody was dialled.
    """
    now = clock.now()
    listed = await take_in(ledger, campaign, clock, register_age(permits.calling), yes=yes)
    for one in listed:
        say("do_not_call", one.sentence)
    registers = ids(listed)
    ledger.goes_by(campaign_id, registers)
    if (stopped := await ledger.stop_listed(campaign_id)) is not None and stopped.withdrawn:
        say("stopped", f"{stopped.withdrawn} people of the list are on the do-not-call list, and are not dialled")
    barred, freed = await ledger.go_by_registers(campaign_id, registers)
    permits.know(await ledger.audiences_of(campaign_id))
    held, back = await ledger.apply_standing(campaign_id, await asyncio.to_thread(permits.standing, now))
    for count, words in (
        (barred, "excluded: all their numbers are on a do-not-call list of the campaign"),
        (held, "excluded by the rules, or held because it is not known where they are: `dialer status` says why"),
        (freed + back, "due again: what stood against them does not any more"),
    ):
        if count:
            say("ruled", f"{count} {'people are' if count > 1 else 'person is'} {words}")


async def count_today(ledger: Ledger, campaign: Campaign, campaign_id: int, clock: Clock, today: Today) -> None:
    """Know how many calls the campaign has made today already, where that is capped."""
    if campaign.per_day is None:
        return
    now = clock.now()
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    today.count(now, await ledger.calls_since(campaign_id, midnight))
