"""Attempts over a real ledger and a real client, for the tests of one attempt."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dialer.attempt import CALL_ID_KEY, Attempts, Result
from dialer.callers import Callers
from dialer.ledger import Ledger
from dialer.lines import Line
from dialer.model import Attempt, CallRecord, Campaign
from dialer.model.turns import AT_ANY_TIME, Turns
from dialer.verbex import wire
from tests.desk import Desk, client_of, desk
from tests.engine_kit import campaign, looked_up, number, open_ledger, the_due, with_people
from tests.tracker_kit import a_line
from tests.virtual_time import Time

PEOPLE = [number(n) for n in range(8)]
FULL = "concurrent_call_limit_reached"


@dataclass
class Trying:
    """Attempts over a desk and a ledger; `ends` and `word` are what the tracker and recovery will say."""

    attempts: Attempts
    desk: Desk
    ledger: Ledger
    rules: Campaign
    campaign_id: int
    ends: list[CallRecord | None] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)
    word: Callable[[Attempt], CallRecord | None] = lambda attempt: None
    is_stopping: bool = False

    async def carry_out(self) -> Result:
        """Dial the most urgent contact."""
        return await self.attempts.carry_out(await the_due(self.ledger, self.campaign_id), self.line())

    async def resume(self, attempt: Attempt) -> Result:
        return await self.attempts.resume(attempt, self.line())

    def line(self) -> Line:
        return a_line()

    def contact(self, person: str = PEOPLE[0]) -> tuple[Any, ...]:
        """State, detail, attempts, serial of a person."""
        query = f"SELECT state, detail, attempts, serial FROM contacts WHERE person = '{person}'"  # noqa: S608 - ours
        return looked_up(self.ledger.path, query)[0]

    def attempt(self) -> tuple[Any, ...]:
        """State, cost, reusable and error of the first attempt."""
        return looked_up(self.ledger.path, "SELECT state, costs, reusable, error FROM attempts ORDER BY id")[0]


@contextlib.asynccontextmanager
async def trying(
    folder: Path,
    time: Time,
    change: Any = None,
    *,
    turns: Turns = AT_ANY_TIME,
    callers: Callers | None = None,
    tell: Callable[[str], None] = lambda _: None,
    **sim: Any,
) -> AsyncIterator[Trying]:
    async with desk(time, **sim) as made, open_ledger(folder, time) as ledger, client_of(made, time) as client:
        rules = campaign(folder, made.url, longest=3600.0)
        rules = change(rules) if change is not None else rules
        campaign_id = await with_people(ledger, rules, PEOPLE)
        at_work: list[Trying] = []

        async def end_of(attempt: Attempt, longest: float, line: Line) -> CallRecord | None:
            at_work[0].waited.append(longest)
            return at_work[0].ends.pop(0) if at_work[0].ends else over(attempt)

        async def look_up(attempt: Attempt, line: Line) -> CallRecord | None:
            return at_work[0].word(attempt)

        attempts = Attempts(
            rules,
            ledger,
            client,
            time.clock,
            end_of=end_of,
            look_up=look_up,
            is_stopping=lambda: at_work[0].is_stopping,
            heard=lambda heard: None,
            turns=turns,
            callers=callers,
            tell=tell,
        )
        at_work.append(Trying(attempts, made, ledger, rules, campaign_id))
        yield at_work[0]


def record(attempt: Attempt, **fields: Any) -> CallRecord:
    return wire.call(
        {
            "_id": "p1",
            "call_status": "ongoing",
            "from_number": attempt.from_number,
            "to_number": attempt.number,
            "direction": "outbound",
            "metadata": {CALL_ID_KEY: attempt.call_id},
        }
        | fields
    )


def over(attempt: Attempt, reason: str = "user_ended_call") -> CallRecord:
    return record(attempt, call_status="ended", call_finish_reason=reason, call_duration_seconds=30)
