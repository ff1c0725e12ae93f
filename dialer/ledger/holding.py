"""Whoever is due, and whom caps hold back, is held before it would be their turn: each of them would cost a turn of the
calls per second otherwise, and a list of people who were rung yesterday would stand still for hours."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from dialer.ledger import rings
from dialer.ledger.choosing import chosen
from dialer.ledger.due import candidates_of
from dialer.ledger.events import SQL, RunMark
from dialer.ledger.intending import Known, Passed, is_live, not_now
from dialer.ledger.moments import text
from dialer.model import Candidate, Ruling
from dialer.model.turns import Turns


def hold_back(
    db: sqlite3.Connection, campaign: int, now: datetime, limit: int, turns: Turns, known: Known, mark: RunMark
) -> int:
    """Ask the rules about the next so many who are due, and hold those whom they hold; gives how many they are.

    Asked again until it is nobody: those behind them come up then.
    """
    audiences = [row[0] for row in db.execute(SQL["audience_ids"], {"campaign": campaign})]
    given = {"campaign": campaign, "now": text(now)}
    rows = chosen(db, given, turns.open_now(audiences, now), limit, turns.order)
    return sum(_is_held(db, one, now, turns, known, mark) for one in candidates_of(db, rows, known.registers))


def _is_held(
    db: sqlite3.Connection, candidate: Candidate, now: datetime, turns: Turns, known: Known, mark: RunMark
) -> bool:
    asked = turns.asked(candidate, now)
    if asked is None or not asked.has_caps:
        return False
    numbers = [row[0] for row in db.execute(SQL["numbers_of"], {"contact": candidate.contact_id})]
    permit = asked.decide(rings.past(db, known.secret, numbers, candidate.person, now))
    if permit.ruling is Ruling.ALLOW or is_live(db, candidate, numbers):  # what comes of a live call decides
        return False
    return not_now(db, candidate, permit, now, mark) is Passed.NOT_NOW
