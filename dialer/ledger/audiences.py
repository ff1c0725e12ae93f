"""People for whom the same is decided at the same moment: as rows, and what stands against all of them at once."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime
from functools import lru_cache
from typing import Any

from dialer.ledger.events import SQL as DUE
from dialer.ledger.events import RunMark, check_fence
from dialer.ledger.moments import text
from dialer.ledger.queries import load
from dialer.ledger.writer import Writer
from dialer.model import Audience
from dialer.model.turns import Turns

SQL = load("audiences.sql")

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode


def audience_id(db: sqlite3.Connection, audience: Audience) -> int:
    """The id of an audience, which is added if it is new; 0 for the one of which nothing is asked."""
    given = {"facts": facts_of(audience)}
    db.execute(SQL["add_audience"], given)
    return int(db.execute(SQL["audience"], given).fetchone()[0])


@lru_cache(maxsize=4096)
def facts_of(audience: Audience) -> str:
    """An audience as text: what it has, and nothing of what it has not."""
    return _encode({name: value for name, value in asdict(audience).items() if value})


@lru_cache(maxsize=4096)
def audience_of(told: str) -> Audience:
    """The audience that a text tells of."""
    found: dict[str, Any] = json.loads(told)
    facts: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in found.items()}
    return Audience(**facts)


def audiences_of(db: sqlite3.Connection, campaign: int) -> dict[int, Audience]:
    """With whom the people of a campaign are decided about, by id."""
    rows = db.execute(SQL["audiences_of"], {"campaign": campaign})
    return {audience: audience_of(facts) for audience, facts in map(tuple, rows)}


def apply_standing(
    db: sqlite3.Connection, campaign: int, standing: Mapping[int, str], at: datetime, mark: RunMark
) -> tuple[int, int]:
    """Exclude those against whom something stands whatever the clock says (`standing`: by audience the detail, '' for
    nothing), and have those be due again against whom it does not any more, whatever held or blocked them and whenever:
    the next intent asks the rules of today. Gives how many of each. So does it of those who wait by the rules of
    another day, who are not counted.

    Raises LedgerHeld if another run has taken the ledger over.
    """
    check_fence(db, mark)
    given = {"campaign": campaign, "at": text(at), "run": mark.run_id}
    if db.execute(SQL["is_anybody_held_back"], given).fetchone()[0]:
        db.execute(SQL["tell_asked_anew"], given)
        db.execute(SQL["ask_anew"], given)
    excluded = _bar(db, given, standing)
    freed = _free(db, given, standing)
    still = _bar(db, given, standing) if freed else 0  # for another reason than before
    for audience, detail in standing.items():
        db.execute(SQL["keep_standing"], {"campaign": campaign, "audience": audience, "detail": detail})
    return excluded, freed - still


def is_closed(db: sqlite3.Connection, campaign: int, now: datetime, turns: Turns) -> bool:
    """Whether somebody is due, and all who are may not be called at this hour."""
    known = [row[0] for row in db.execute(DUE["audience_ids"], {"campaign": campaign})]
    opened = set(turns.open_now(known, now))
    given = {"campaign": campaign, "now": text(now)}
    waiting = [each for each in known if db.execute(DUE["is_due_now"], {**given, "audience": each}).fetchone()[0]]
    return bool(waiting) and opened.isdisjoint(waiting)


class Audiences:
    """The ledger's verbs for people who share place and rules; a part of `Ledger`."""

    _writer: Writer
    _now: Callable[[], datetime]
    _mark: RunMark

    async def audiences_of(self, campaign: int) -> dict[int, Audience]:
        """With whom the people of a campaign are decided about, by id."""
        return await self._writer.do(lambda db: audiences_of(db, campaign))

    async def apply_standing(self, campaign: int, standing: Mapping[int, str]) -> tuple[int, int]:
        """Exclude those against whom something stands whatever the clock says, and have those be due again against whom
        nothing does any more; gives how many of each."""
        now, mark = self._now(), self._mark
        return await self._writer.do(lambda db: apply_standing(db, campaign, standing, now, mark))

    async def calls_since(self, campaign: int, since: datetime) -> int:
        """How many calls of a campaign were made at or after an instant, those that rang nobody apart."""
        given = {"campaign": campaign, "since": text(since)}
        return await self._writer.do(lambda db: int(db.execute(SQL["calls_since"], given).fetchone()[0]))


def _bar(db: sqlite3.Connection, common: Mapping[str, object], standing: Mapping[int, str]) -> int:
    """Exclude whoever is to be dialled and must not be; gives how many."""
    barred = 0
    for audience, detail in standing.items():
        if detail:
            given = {**common, "audience": audience, "detail": detail}
            db.execute(SQL["tell_barred_now"], given)
            db.execute(SQL["tell_barred_later"], given)
            barred += db.execute(SQL["bar_now"], given).rowcount + db.execute(SQL["bar_later"], given).rowcount
    return barred


def _free(db: sqlite3.Connection, given: Mapping[str, object], standing: Mapping[int, str]) -> int:
    """Have whoever is held or blocked for what does not stand against them today be due again; gives how many."""
    if not db.execute(SQL["is_anybody_held"], given).fetchone()[0]:
        return 0
    db.execute(SQL["make_standing_now"])
    db.executemany(SQL["stands_now"], standing.items())
    db.execute(SQL["tell_freed"], given)
    freed = db.execute(SQL["free"], given).rowcount
    db.execute("DROP TABLE temp.standing_now")
    return freed
