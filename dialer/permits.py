"""Who of a campaign may be dialled when: the rules, asked for each audience and for each dial.

What all people of an audience share is worked out once for some days ahead (`policy.permission.Desk`); what one
person's history adds is asked in the transaction of the intent.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from dialer import packs
from dialer.errors import DialerError
from dialer.law import calling_rules
from dialer.ledger.reading import Reader
from dialer.model import Audience, CallerId, CallingRules, Campaign, Candidate, Order, Permit, Ruling
from dialer.model.turns import AT_ANY_TIME, Asked, Turns
from dialer.policy import callerid, permission
from dialer.policy.caps import has_limits
from dialer.policy.standing import detail_of

_AHEAD = timedelta(days=10)
_MOST_DESKS = 10_000
"""One for each audience and day (UTC) that was asked about; beyond that they are made anew."""


def turns_of(campaign: Campaign, reader: Reader, now: datetime) -> Turns:
    """Whose turn it may be, for those who only look; where the rules cannot be read, it is anybody's."""
    try:
        known = reader.find(campaign.name).id
        today = now.replace(hour=0, minute=0, second=0, microsecond=0)
        made = reader.calls_since(known, today) if campaign.per_day is not None else 0
        permits = Permits(
            calling_rules(campaign, now),
            campaign.order,
            per_day=campaign.per_day,
            calls_today=lambda moment: made if moment.date() == now.date() else 0,
        )
        permits.know(reader.audiences(known))
    except DialerError:
        return AT_ANY_TIME
    return permits


class Permits:
    """The rules of one campaign over the audiences of its people; satisfies `model.turns.Turns`.

    `debt_mark` names a debt as the ledger's rings do. `calls_today` tells how many calls the campaign has made on the
    day (UTC) of a moment, for `per_day`. `callers` are the campaign's own numbers.
    """

    def __init__(
        self,
        calling: CallingRules,
        order: Order = Order.RETRIES_FIRST,
        *,
        debt_column: str | None = None,
        debt_mark: Callable[[str], str] = str,
        per_day: int | None = None,
        calls_today: Callable[[datetime], int] = lambda day: 0,
        callers: tuple[CallerId, ...] = (),
    ) -> None:
        self.calling = calling
        self._callers = callers
        self._order = order
        self._debt_column = debt_column
        self._debt_mark = debt_mark
        self._per_day = per_day
        self._calls_today = calls_today
        self._audiences: Mapping[int, Audience] = {0: Audience()}
        self._standing: dict[Audience, str] = {}
        self._asks_nothing = calling.is_free and not calling.rules
        self._desks: dict[tuple[Audience, date], permission.Desk] = {}

    @property
    def order(self) -> Order:
        """Who goes first of those who may be called."""
        return self._order

    @property
    def counts_calls(self) -> bool:
        """Whether a rule says how often somebody may be rung, by all campaigns together."""
        calling = self.calling
        rules = (*calling.rules, *(rule for pack in calling.packs for rule in pack.rules))
        return any(has_limits(rule) for rule in rules)

    def know(self, audiences: Mapping[int, Audience]) -> None:
        """The audiences of the campaign, as they stand in the ledger once its list is taken in."""
        self._audiences = {0: Audience(), **audiences}
        self._desks.clear()
        self._standing.clear()

    # --- whole audiences ---

    def standing(self, now: datetime) -> dict[int, str]:
        """By audience what stands against it whatever the clock says, as a contact's detail; '' for nothing."""
        return {audience: self.stands_against(facts, now) for audience, facts in self._audiences.items()}

    def stands_against(self, facts: Audience, now: datetime) -> str:
        """The same of one audience."""
        if facts not in self._standing:
            self._standing[facts] = self._by_the_rules(facts, now) or self._by_own_numbers(facts)
        return self._standing[facts]

    def _by_the_rules(self, facts: Audience, now: datetime) -> str:
        if self._asks_nothing:
            return ""
        found = permission.standing(self.calling, facts, clocks(facts), now) or self._never_opens(facts, now)
        return "" if found is None else detail_of(found)

    def _by_own_numbers(self, facts: Audience) -> str:
        """That none of the campaign's own numbers is meant for where these people are."""
        is_meant = not self._callers or callerid.is_meant(self._callers, facts.places)
        return "" if is_meant else f"held:{callerid.NO_CALLER_ID}"

    def _never_opens(self, facts: Audience, now: datetime) -> Permit | None:
        """That no hour comes at which all rules let these people be called."""
        permit = self._desk_of(facts, now).decide((), "", now)
        return permit if permit.ruling is Ruling.HOLD and permit.until is None else None

    def opens_at(self, audience: int, moment: datetime) -> datetime | None:
        """The first instant from `moment` on at which these people may be called; None: never, or nobody knows."""
        moment = self._day_with_room(moment)
        if self._asks_nothing:
            return moment
        permit = self._desk(audience, moment).decide((), "", moment)
        return moment if permit.ruling is Ruling.ALLOW else permit.until

    def open_now(self, audiences: Iterable[int], now: datetime) -> list[int]:
        """Those of the audiences who may be called now."""
        return [audience for audience in audiences if self.opens_at(audience, now) == now]

    def is_day_full(self, moment: datetime) -> bool:
        """Whether the campaign has made all its calls of this day (UTC)."""
        return self._is_full_day(moment, dialling=0)

    def _is_full_day(self, moment: datetime, *, dialling: int = 1) -> bool:
        """Whether the day has had all its calls; the one that is `dialling` is counted already."""
        return self._per_day is not None and self._calls_today(moment) - dialling >= self._per_day

    def _day_with_room(self, moment: datetime) -> datetime:
        """The moment itself, or the next midnight (UTC) where this day has had all its calls."""
        if not self._is_full_day(moment, dialling=0):
            return moment
        return moment.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)

    @property
    def has_caps(self) -> bool:
        """Whether any rule counts earlier rings."""
        rules = [*self.calling.rules, *(rule for pack in self.calling.packs for rule in pack.rules)]
        return any(rule.caps or rule.rests or rule.gap is not None for rule in rules)

    # --- one dial ---

    def places_of(self, candidate: Candidate) -> tuple[str, ...]:
        """Where this person may be, as `US` and `US-FL`; nothing where nobody knows."""
        return self._audiences.get(candidate.audience, _NOWHERE).places

    def asked(self, candidate: Candidate, now: datetime) -> Asked | None:
        """What is to be asked before this person is dialled; None where no rule says anything."""
        if self._is_full_day(now):
            return Asked(lambda past: _full_day(self._day_with_room(now)))
        if self._asks_nothing:
            return None
        desk, debt = self._desk(candidate.audience, now), self._debt(candidate)
        mark = self._debt_mark(debt)
        return Asked(lambda past: desk.decide(past, mark, now), bool(desk.limits), debt)

    def zone_of(self, audience: int) -> ZoneInfo | None:
        """The clock of these people, the first of several; None where nobody knows."""
        return next(iter(clocks(self._audiences.get(audience, _NOWHERE)).values()), None)

    def may_send(self, candidate: Candidate, now: datetime) -> bool:
        """Whether the moment is still one at which these people may be called, right before the dial is sent."""
        return self._asks_nothing or self._desk(candidate.audience, now).decide((), "", now).ruling is Ruling.ALLOW

    def _debt(self, candidate: Candidate) -> str:
        if self._debt_column is None:
            return ""
        value = json.loads(candidate.data).get(self._debt_column)
        return "" if value is None else str(value).strip()

    def _desk(self, audience: int, now: datetime) -> permission.Desk:
        return self._desk_of(self._audiences.get(audience, _NOWHERE), now)

    def _desk_of(self, facts: Audience, now: datetime) -> permission.Desk:
        key = facts, now.date()
        desk = self._desks.get(key)
        if desk is None:
            if len(self._desks) >= _MOST_DESKS:
                self._desks.clear()
            start = now.replace(hour=0, minute=0, second=0, microsecond=0)
            desk = permission.desk(self.calling, facts, clocks(facts), packs.holidays, start, start + _AHEAD)
            self._desks[key] = desk
        return desk


def _full_day(until: datetime) -> Permit:
    return Permit(Ruling.HOLD, "caps.per_day", "the campaign has made all its calls of this day (UTC)", until=until)


_NOWHERE = Audience(held="no_zone")
"""Of an audience that is not known nobody is dialled."""


def clocks(audience: Audience) -> dict[str, ZoneInfo]:
    """A clock for each zone that there is; for one that there is not, none, and nobody is dialled."""
    found = {}
    for name in audience.zones:
        try:
            found[name] = ZoneInfo(name)
        except (OSError, ValueError, KeyError):
            continue
    return found
