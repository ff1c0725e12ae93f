"""The ledger for those who look: read-only, while a run writes or when none does.

Nothing but the standard library is imported here, since `status` is to answer at once. The queries stand in
`reading.sql`.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypedDict

from dialer.errors import UsageError
from dialer.ledger import audiences, due, edits
from dialer.ledger.moments import instant, instant_or_none, text
from dialer.ledger.optouts import Entry, entries
from dialer.ledger.queries import load
from dialer.ledger.readonly import connect, explaining
from dialer.ledger.sharing import shared_by, shared_with
from dialer.ledger.stamps import KnownList, known_list
from dialer.model import Audience
from dialer.model.turns import AT_ANY_TIME, Turns

SQL = load("reading.sql")

_ALWAYS = ""  # sorts before every instant
_PLACED_LATE = timedelta(minutes=10)  # between an intent and the word that its call was placed, at most


@dataclass(frozen=True, slots=True)
class CampaignRow:
    """A campaign as the ledger knows it; `columns` are its list's, in the list's order.

    `paused` is None, 'paused' or 'cancelled'; `lines` is the learned concurrent-call limit.
    """

    id: int
    name: str
    platform_url: str
    columns: tuple[str, ...]
    paused: str | None
    paused_until: datetime | None
    paused_why: str | None
    paused_by: str | None
    lines: float | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class LastRun:
    """The newest run of a campaign; without `ended_at` it goes on, or was killed."""

    id: int
    host: str
    pid: int
    command: str
    started_at: datetime
    ended_at: datetime | None
    exit_code: int | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class UnknownAttempt:
    """An attempt whose fate is open; `looks` counts how often it was looked up in vain."""

    attempt_id: int
    person: str
    number: str
    call_id: str
    platform_id: str | None
    intended_at: datetime
    held_until: datetime | None
    looks: int
    detail: str


class Standing(TypedDict):
    """Where a campaign stands at one moment, all of it read from one state of the ledger.

    `states`: contacts by state. `reasons`: contacts by (state, finish reason or '', detail). `due`: contacts
    that are due `now`, within the `hour`, within the `day`, and `later`. `attempts`: those that were used up.
    """

    at: datetime
    states: Mapping[str, int]
    reasons: Mapping[tuple[str, str, str], int]
    attempts: int
    rejects: Mapping[str, int]
    live: int
    due: Mapping[str, int]
    next_due: datetime | None
    calls_minute: int
    calls_hour: int
    is_closed: bool
    is_day_full: bool


def open_reader(path: Path) -> Reader:
    """Open a ledger to look into it; nothing is written, and a run that writes it is not disturbed.

    Raises:
        LedgerError: there is none, it is no ledger of dialer, or another version of dialer made it.
    """
    return Reader(connect(path), path)


class Reader:
    """One read-only connection; campaigns are named by their id (see `find`)."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self.path = path

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *failure: object) -> None:
        self.close()

    def close(self) -> None:
        self._connection.close()

    # --- campaigns and runs ---

    def campaigns(self) -> list[CampaignRow]:
        """All campaigns of the ledger, oldest first."""
        return [_campaign(row) for row in self._rows("campaigns")]

    def find(self, name: str) -> CampaignRow:
        """The campaign of that name.

        Raises:
            UsageError: the ledger has none of that name.
        """
        found = self.campaigns()
        for campaign in found:
            if campaign.name == name:
                return campaign
        names = ", ".join(campaign.name for campaign in found) or "none"
        raise UsageError(
            f"the ledger {self.path} has no campaign {name!r} (it has: {names}): "
            "run the campaign first, or name its ledger"
        )

    def columns(self, campaign: int) -> tuple[str, ...]:
        """The columns of the campaign's list, in the list's order."""
        return next((row.columns for row in self.campaigns() if row.id == campaign), ())

    def last_run(self, campaign: int) -> LastRun | None:
        """The newest run that carried the campaign."""
        for row in self._rows("last_run", campaign=campaign):
            moments = {"started_at": instant(row["started_at"]), "ended_at": instant_or_none(row["ended_at"])}
            return LastRun(**(row | moments))
        return None

    def known_list(self, campaign: int) -> KnownList:
        """The list as it was last taken in."""
        with explaining(self.path):
            return known_list(self._connection, campaign)

    # --- what has changed ---

    def said(self, campaign: int) -> dict[str, str] | None:
        """What the campaign file said when it was last taken in, by key; None if that is not known."""
        with explaining(self.path):
            return edits.said(self._connection, campaign)

    @contextlib.contextmanager
    def comparing(self, campaign: int) -> Iterator[edits.Comparison]:
        """What a list would change, which is given to it row by row; it holds to the end of the block."""
        with self._one_state(), explaining(self.path):
            yield edits.Comparison(self._connection, campaign)

    # --- where it stands ---

    def standing(self, campaign: int, now: datetime, turns: Turns = AT_ANY_TIME) -> Standing:
        """All of the numbers below, read from one state of the ledger; `turns` tells whom the hours let be called."""
        with self._one_state():
            states, later = self.counts(campaign), self.due_later(campaign, now)
            waiting = states.get("due", 0) + states.get("waiting", 0)
            return Standing(
                at=now,
                states=states,
                reasons=self.reasons(campaign),
                attempts=self.attempts_made(campaign),
                rejects=self.reject_counts(campaign),
                live=self.live(campaign),
                due={"now": waiting - sum(later.values()), **later},
                next_due=self.next_due(campaign, now, turns),
                calls_minute=self.calls_since(campaign, now - timedelta(minutes=1)),
                calls_hour=self.calls_since(campaign, now - timedelta(hours=1)),
                is_closed=self.is_closed(campaign, now, turns),
                is_day_full=turns.is_day_full(now),
            )

    def counts(self, campaign: int) -> dict[str, int]:
        """Contacts by state; a state in which nobody is is left out. Quick however long the list is."""
        return {row["state"]: row["n"] for row in self._rows("counts", campaign=campaign)}

    def reasons(self, campaign: int) -> dict[tuple[str, str, str], int]:
        """Contacts by (state, finish reason of the last call or '', detail)."""
        rows = self._rows("reasons", campaign=campaign)
        return {(row["state"], row["finish_reason"], row["detail"]): row["contacts"] for row in rows}

    def attempts_made(self, campaign: int) -> int:
        """Attempts that were used up, over all contacts."""
        return int(self._value("attempts_made", campaign=campaign))

    def outcomes(self, campaign: int) -> dict[str, int]:
        """Calls that have ended, by finish reason; reads every attempt."""
        return {row["finish_reason"]: row["calls"] for row in self._rows("outcomes", campaign=campaign)}

    def audiences(self, campaign: int) -> dict[int, Audience]:
        """With whom the people of a campaign are decided about, by id."""
        with explaining(self.path):
            return audiences.audiences_of(self._connection, campaign)

    def is_closed(self, campaign: int, now: datetime, turns: Turns) -> bool:
        """Whether somebody is due, and all who are may not be called at this hour."""
        with explaining(self.path):
            return audiences.is_closed(self._connection, campaign, now, turns)

    def next_due(self, campaign: int, now: datetime, turns: Turns = AT_ANY_TIME) -> datetime | None:
        """When the next contact is due that is not due at `now`, or may be called then."""
        if turns is not AT_ANY_TIME:
            with explaining(self.path):
                return due.next_due(self._connection, campaign, now, None, turns)
        return instant_or_none(self._value("next_due", campaign=campaign, now=text(now)))

    def due_later(self, campaign: int, now: datetime) -> dict[str, int]:
        """How many contacts become due within an `hour`, within a `day` (24 hours), and `later`."""
        ahead = (timedelta(), timedelta(hours=1), timedelta(days=1))
        after_now, after_hour, after_day = (
            int(self._value("due_after", campaign=campaign, moment=text(now + later))) for later in ahead
        )
        return {"hour": after_now - after_hour, "day": after_hour - after_day, "later": after_day}

    def live(self, campaign: int) -> int:
        """Attempts that are intended or placed: calls that may be under way."""
        return int(self._value("live", campaign=campaign))

    def unknown(self, campaign: int) -> list[UnknownAttempt]:
        """The attempts whose fate is open, oldest first."""
        return [_unknown(row) for row in self._rows("unknown", campaign=campaign)]

    def calls_since(self, campaign: int, since: datetime) -> int:
        """How many calls were placed at or after an instant."""
        intended = text(since - _PLACED_LATE)
        return int(self._value("calls_since", campaign=campaign, since=text(since), intended=intended))

    def reject_counts(self, campaign: int) -> dict[str, int]:
        """Rejects of the list as it was last taken in, by reason."""
        return {row["reason"]: row["n"] for row in self._rows("reject_counts", campaign=campaign)}

    # --- over all campaigns ---

    def shared_with(self, campaign: int) -> dict[str, int]:
        """By the name of each other campaign, how many people of this one it has as well, by number."""
        with explaining(self.path):
            return shared_with(self._connection, campaign)

    def shared_by(self, numbers: Iterable[tuple[int, str]]) -> dict[str, int]:
        """The same for a list that was not taken in: the place of each row with a number of it."""
        with explaining(self.path):
            return shared_by(self._connection, numbers)

    def opt_outs(self) -> list[Entry]:
        """The ledger's do-not-call list, as it grew."""
        with explaining(self.path):
            return entries(self._connection)

    # --- rows, as they come ---

    def rejects(self, campaign: int) -> Iterator[dict[str, Any]]:
        """The rejects of the list as it was last taken in, in the list's order."""
        return self._rows("rejects", campaign=campaign)

    def results(self, campaign: int, since: datetime | None = None) -> Iterator[dict[str, Any]]:
        """One row a contact, those changed at or after `since`: the view `results`, `row` as JSON text."""
        return self._rows("results", campaign=campaign, since=_from(since))

    def found_names(self, campaign: int) -> tuple[str, ...]:
        """The names under which something was found in the campaign's calls afterwards, in their order."""
        return tuple(row["name"] for row in self._rows("found_names", campaign=campaign))

    def attempts(self, campaign: int, since: datetime | None = None) -> Iterator[dict[str, Any]]:
        """One row an attempt, those that were made, placed or ended at or after `since`."""
        return self._rows("attempts", campaign=campaign, since=_from(since))

    # --- inside ---

    def _rows(self, query: str, **given: object) -> Iterator[dict[str, Any]]:
        with explaining(self.path):
            cursor = self._connection.execute(SQL[query], given)
            names = [column[0] for column in cursor.description]
            for row in cursor:
                yield dict(zip(names, row, strict=True))

    def _value(self, query: str, **given: object) -> Any:
        with explaining(self.path):
            return self._connection.execute(SQL[query], given).fetchone()[0]

    @contextlib.contextmanager
    def _one_state(self) -> Iterator[None]:
        with explaining(self.path):
            self._connection.execute("BEGIN")
        try:
            yield
        finally:
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")


# --- rows into values --------------------------------------------------------------------------------


def _campaign(row: dict[str, Any]) -> CampaignRow:
    better = {
        "columns": tuple(json.loads(row["columns"])),
        "paused_until": instant_or_none(row["paused_until"]),
        "created_at": instant(row["created_at"]),
    }
    return CampaignRow(**(row | better))


def _unknown(row: dict[str, Any]) -> UnknownAttempt:
    moments = {"intended_at": instant(row["intended_at"]), "held_until": instant_or_none(row["held_until"])}
    return UnknownAttempt(**(row | moments))


def _from(since: datetime | None) -> str:
    return _ALWAYS if since is None else text(since)
