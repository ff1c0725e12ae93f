"""The platform's side of the wire: dials that are on their way, records that appear late, others' calls, two accounts.

Seconds are those of the true time, which nobody's clock need show. What is sent goes on its way whatever becomes of the
process that sent it.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode

from dialer.model import SimulatorRules
from dialer.simulator import HttpAnswer, Platform, Ring
from tests.simulation.plan import Plan
from tests.simulation.story import Story
from tests.virtual_time import START

_NOT_FOUND: dict[str, Any] = {"error": "not_found", "message": "Not found."}


@dataclass(slots=True, order=True)
class Parcel:
    """A dial on its way to an account; `answer` is there once it has arrived."""

    arrives: float
    serial: int
    account: int = field(compare=False)
    body: dict[str, Any] = field(compare=False)
    lag: float = field(compare=False)
    must_arrive: bool = field(compare=False)
    answer: HttpAnswer | None = field(default=None, compare=False)


@dataclass
class Account:
    """What one key sees."""

    platform: Platform
    rings: list[Ring]
    shown_at: dict[str, float] = field(default_factory=dict)


class Carrier:
    """Takes dials to the platform and answers reads; `now` gives the true second."""

    def __init__(self, plan: Plan, refused: Sequence[str], now: Callable[[], float], story: Story) -> None:
        self._kind = plan.kind
        self._refused = frozenset(refused)
        self._now = now
        self._story = story
        self._under_way: list[Parcel] = []
        self._sent = 0
        self.accounts = [_account(plan, 1), _account(plan, 2)]
        dice = plan.rng("foreign")
        for n in range(plan.weather.foreign):
            self._post(dice.random() * plan.storm, 0, _foreign(n), 0.0, must_arrive=True)

    # --- dials ---

    def send(self, body: dict[str, Any], account: int, after: float, lag: float, *, must_arrive: bool) -> Parcel:
        """Put a dial on its way: it arrives `after` so many seconds, and is told of `lag` seconds later."""
        return self._post(self._now() + after, account, body, lag, must_arrive=must_arrive)

    def _post(self, arrives: float, account: int, body: dict[str, Any], lag: float, *, must_arrive: bool) -> Parcel:
        self._sent += 1
        parcel = Parcel(arrives, self._sent, account, body, lag, must_arrive)
        heapq.heappush(self._under_way, parcel)
        return parcel

    def advance(self) -> None:
        """Let everything arrive whose time has come."""
        while self._under_way and self._under_way[0].arrives <= self._now():
            parcel = heapq.heappop(self._under_way)
            account = self.accounts[parcel.account]
            before = len(account.rings)
            parcel.answer = self._dialled(account, parcel)
            for ring in account.rings[before:]:
                account.shown_at[ring.platform_id] = parcel.arrives + parcel.lag
                said = "rings" if ring.nth else "turned away"
                self._story.tell(parcel.arrives, said, ring.to_number, ring.call_id, ring.reason, parcel.lag)

    def _dialled(self, account: Account, parcel: Parcel) -> HttpAnswer:
        if parcel.body["to_number"] in self._refused:
            detail = [{"loc": ["body", "to_number"], "msg": "not a number that we call", "type": "value_error"}]
            return HttpAnswer(422, {"detail": detail})
        answer = account.platform.dial(parcel.body, instant(parcel.arrives))
        return answer._replace(body=self._told(answer.body))

    def lose(self, is_lost: Callable[[], bool]) -> None:
        """A process has died: of what it was just sending some has not left."""
        self._under_way = [one for one in self._under_way if one.must_arrive or not is_lost()]
        heapq.heapify(self._under_way)

    @property
    def rings(self) -> list[tuple[int, Ring]]:
        """Every call of ours, with its account, in the order in which they were placed."""
        found = [
            (place, ring)
            for place, account in enumerate(self.accounts)
            for ring in account.rings
            if ring.call_id is not None
        ]
        return sorted(found, key=lambda one: one[1].at)

    # --- reads ---

    def get(self, name: str, account: int) -> HttpAnswer:
        """One call, by the id that this kind of platform understands."""
        if self._kind.lookup == "neither":
            return HttpAnswer(404, _NOT_FOUND)
        self.advance()
        answer = self.accounts[account].platform.get(name, instant(self._now()))
        if answer.status != 200 or self._is_hidden(answer.body, account):
            return HttpAnswer(404, _NOT_FOUND)
        return answer._replace(body=self._told(answer.body))

    def list(self, query: dict[str, str], account: int) -> HttpAnswer:
        """A page, no longer than this kind of platform gives."""
        if not self._kind.lists:
            return HttpAnswer(404, _NOT_FOUND)
        self.advance()
        size = min(int(query["page_size"]), self._kind.page_most)
        asked = parse_qsl(urlencode({**query, "page_size": str(size)}))
        answer = self.accounts[account].platform.list(asked, instant(self._now()))
        if answer.status != 200:
            return answer
        shown = [self._told(call) for call in answer.body["calls"] if not self._is_hidden(call, account)]
        return answer._replace(body={**answer.body, "calls": shown})

    def _is_hidden(self, call: dict[str, Any], account: int) -> bool:
        return self.accounts[account].shown_at.get(call["_id"], 0.0) > self._now()

    def _told(self, body: Any) -> Any:
        """A record as this kind of platform tells it."""
        if self._kind.echoes or "call_status" not in body:
            return body
        return {**body, "metadata": None}


def instant(second: float) -> datetime:
    """A true second as the platform's clock shows it."""
    return START + timedelta(seconds=second)


def _account(plan: Plan, number: int) -> Account:
    rules = SimulatorRules(
        seed=plan.seed * 10 + number,
        concurrent_calls=plan.kind.calls_at_once,
        calls_per_second=plan.kind.calls_per_second,
        call_seconds=plan.call_seconds,
        ring_seconds=10.0,
        full_answer=plan.kind.full_answer,
        lookup="both" if plan.kind.lookup == "neither" else plan.kind.lookup,
        repeated=plan.kind.repeated,
    )
    rings: list[Ring] = []
    return Account(Platform(rules, rings), rings)


def _foreign(n: int) -> dict[str, Any]:
    """A call of somebody else in the same account."""
    return {"from_number": "+14155550199", "to_number": f"+1415202{n:04d}", "direction": "outbound"}
