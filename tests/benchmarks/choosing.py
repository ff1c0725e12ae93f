"""How long it takes to find who is next, however many people a ledger holds."""

from __future__ import annotations

import contextlib
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from dialer.ledger import due, opening, reading
from dialer.ledger.events import RunMark
from dialer.ledger.moments import text
from tests.benchmarks.kit import How, Line, paired

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
BEFORE = NOW - timedelta(days=2)
"""When nobody's retry was due yet: those who have not been dialled come, in the order of the list."""
FEW, MANY, QUICK = 10_000, 10_000_000, 100_000
AT_ONCE = 500
LEFT_ALONE = 1_000
"""People who are handed out, set aside or left alone at that moment: so many more are asked for."""
_LOOKS = 5

_PEOPLE = """
WITH RECURSIVE each(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM each WHERE i < :people)
INSERT INTO contacts (id, campaign_id, person, state, due_at, serial, attempts, number, data, file, line, import_id,
                      first_seen_at, expires_at, updated_at)
SELECT i, 1, 'P-' || i,
       CASE WHEN i % 3 = 0 THEN 'waiting' WHEN i % 10 = 1 THEN 'done' WHEN i % 10 = 2 THEN 'exhausted' ELSE 'due' END,
       CASE WHEN i % 3 = 0
            THEN strftime('%Y-%m-%dT%H:%M:%fZ', :now, (i * 7919 % 86400 - i % 2 * 86400) || ' seconds') END,
       i % 3 = 0, i % 3 = 0, '+1' || (2012000000 + i), '{"first_name":"Ann","amount":"12.50"}', 'people.csv', i + 1, 1,
       :now,
       CASE WHEN i % 5 = 0
            THEN strftime('%Y-%m-%dT%H:%M:%fZ', :now, '+' || (i * 31 % 864000 + 3600) || ' seconds') END,
       :now
FROM each"""
"""A sixth waits for a retry whose time has come, in an order that is not the list's; a sixth for a later one; a fifth
will expire one day."""

_REST = (
    "INSERT INTO numbers (contact_id, rank, number, region, kind) SELECT id, 0, number, 'US', 'mobile' FROM contacts",
    """INSERT INTO attempts (contact_id, campaign_id, run_id, serial, call_id, number, from_number, state, costs,
                             payload_hash, intended_at, intent_expires_at)
       SELECT id, 1, 1, 1, 'call' || id, number, '+14155550100', 'ended', 1, '', :before, :before
       FROM contacts WHERE serial = 1""",
)


@dataclass
class Chosen:
    """A ledger with so many people, of whom the next are asked again and again."""

    path: Path
    people: int

    def __post_init__(self) -> None:
        connection = opening.open_for_writing(self.path, text(NOW), "OFF")
        given = {"people": self.people, "now": text(NOW), "before": text(BEFORE)}
        connection.execute("BEGIN")
        connection.execute(
            "INSERT INTO campaigns (id, name, platform_url, key_mark, created_at) VALUES (1, 'c', 'simulator', 'k', ?)",
            (text(NOW),),
        )
        connection.execute("INSERT INTO campaign_audiences (campaign_id, audience) VALUES (1, 0)")
        connection.execute(_PEOPLE, given)
        for statement in _REST:
            connection.execute(statement, given)
        connection.execute("COMMIT")
        self.connection = connection

    def close(self) -> None:
        self.connection.close()

    def next_people(self, now: datetime = NOW, left_alone: int = 0) -> float:
        """CPU seconds for the next of those who are due; what it wakes is undone."""
        wanted = AT_ONCE + left_alone

        def ask() -> None:
            self.connection.execute("BEGIN IMMEDIATE")
            found = due.due(self.connection, 1, now, wanted, None, RunMark(1, 0))
            self.connection.execute("ROLLBACK")
            if len(found) != wanted:
                raise AssertionError(f"{len(found)} of {wanted} people were found")

        return _median(ask)

    def next_time(self) -> float:
        """CPU seconds for when the next is due."""
        often = range(100)  # of some microseconds each
        return _median(lambda: [due.next_due(self.connection, 1, NOW, None) for _ in often]) / len(often)

    def standing(self) -> float:
        """CPU seconds for all that `status` tells."""
        with reading.open_reader(self.path) as reader:
            return _median(lambda: reader.standing(1, NOW))


def _median(work: Callable[[], object]) -> float:
    taken = []
    for _ in range(_LOOKS):
        began = time.process_time()
        work()
        taken.append(time.process_time() - began)
    return statistics.median(taken)


def measure(how: How) -> list[Line]:
    """The same questions, put to a small ledger and to a large one by turns."""
    people, times = (QUICK, 2) if how.quick else (MANY, 5)
    with contextlib.ExitStack() as stack:
        small, large = Chosen(how.folder / "small.db", FEW), Chosen(how.folder / "large.db", people)
        for one in (small, large):
            stack.callback(one.close)
        questions: dict[str, Callable[[Chosen], float]] = {
            f"the next {AT_ONCE} due, for the first time": lambda ledger: ledger.next_people(BEFORE),
            f"the next {AT_ONCE} due, for a retry": Chosen.next_people,
            f"the same, {LEFT_ALONE:,} others left alone": lambda ledger: ledger.next_people(NOW, LEFT_ALONE),
            "when the next is due": Chosen.next_time,
            "all that `status` tells": Chosen.standing,
        }
        return [_line(what, people, times, ask, large, small) for what, ask in questions.items()]


def _line(what: str, people: int, times: int, ask: Callable[[Chosen], float], large: Chosen, small: Chosen) -> Line:
    found = paired(lambda: ask(large), lambda: ask(small), times)
    note = f"CPU: {statistics.median(found.ours) * 1e3:.2f} ms"
    return Line(f"{what}, of {people:,}", f"of {FEW:,}", "≤ 2 × the time", f"{found} ×", found.median <= 2, note)
