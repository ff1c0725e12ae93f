"""What it costs to write a million results, against the tool that others would take for it."""

from __future__ import annotations

import contextlib
from pathlib import Path

from dialer.cli.look import export_to
from dialer.ledger import opening
from tests.benchmarks.kit import How, Line, Spent, in_process, megabytes, paired

FULL, QUICK = 1_000_000, 20_000
NAME = "reminders"
COLUMNS = '["phone", "id", "first_name", "amount", "tz", "note"]'
AT = "2026-11-22T12:00:00.000Z"
RECORD = (
    '{"_id": "p1", "call_status": "ended", "direction": "outbound", "call_duration_seconds": 31, '
    '"recorded_call_audio_url": "https://audio.test/1.mp3", "messages": [{"role": "assistant", "content": "Hello, this '
    'is the practice of Dr. Miller, about Monday"}, {"role": "user", "content": "yes, thank you, bye"}]}'
)

_PEOPLE = """
WITH RECURSIVE each(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM each WHERE i < :people)
INSERT INTO contacts (id, campaign_id, person, state, detail, finish_reason, attempts, serial, number, data, file, line,
                      import_id, first_seen_at, updated_at)
SELECT i, 1, 'P-' || i, CASE WHEN i % 10 THEN 'done' ELSE 'due' END,
       CASE WHEN i % 10 THEN 'user_ended_call' ELSE '' END,
       CASE WHEN i % 10 THEN 'user_ended_call' END, i % 10 > 0, i % 10 > 0, '+1' || (2012000000 + i),
       '{"phone":"+1' || (2012000000 + i) || '","id":"P-' || i ||
       '","first_name":"Zoë","amount":"12.50","tz":"America/New_York","note":"call about the appointment"}',
       'people.csv', i + 1, 1, :at, :at
FROM each"""

_CALLS = """
INSERT INTO attempts (contact_id, campaign_id, run_id, serial, call_id, number, from_number, state, costs, payload_hash,
                      intended_at, intent_expires_at, placed_at, closed_at, platform_id, call_status, finish_reason,
                      started_at, ended_at, duration_seconds, record)
SELECT id, 1, 1, 1, printf('c%031d', id), number, '+14155550100', 'ended', 1, '', :at, :at, :at, :at, 'p' || id,
       'ended', 'user_ended_call', :at, :at, 31, :record
FROM contacts WHERE serial = 1"""


def ledger_of(path: Path, people: int) -> Path:
    """A ledger in which nine of ten were called, each once."""
    with contextlib.closing(opening.open_for_writing(path, AT, "OFF")) as connection:
        connection.execute("BEGIN")
        connection.execute(
            "INSERT INTO campaigns (id, name, platform_url, key_mark, columns, created_at) "
            "VALUES (1, ?, 'simulator', 'k', ?, ?)",
            (NAME, COLUMNS, AT),
        )
        connection.execute(_PEOPLE, {"people": people, "at": AT})
        connection.execute(_CALLS, {"at": AT, "record": RECORD})
        connection.execute("COMMIT")
    return path


def with_sqlite_utils(ledger: Path, target: Path) -> None:
    """What `sqlite-utils rows LEDGER results --csv` does."""
    from sqlite_utils.cli import cli

    with target.open("w") as out, contextlib.redirect_stdout(out):
        cli.main(["rows", str(ledger), "results", "--csv"], standalone_mode=False)


def _ours(ledger: Path, target: Path) -> Spent[int]:
    return in_process(export_to, ledger, NAME, str(target))


def measure(how: How) -> list[Line]:
    """CPU seconds of either, in processes of their own; and the peak of memory, of all rows and of a tenth of them."""
    people = QUICK if how.quick else FULL
    ledger, target = ledger_of(how.folder / "ledger.db", people), how.folder / "results.csv"
    found = paired(
        lambda: _ours(ledger, target).cpu_seconds,
        lambda: in_process(with_sqlite_utils, ledger, target).cpu_seconds,
        times=1 if how.quick else 3,
    )
    lines = [
        Line(
            f"export of {people:,} rows as CSV",
            "`sqlite-utils rows --csv` on the same view",
            "≤ 1.5 × the CPU",
            f"{found} ×",
            None if how.quick else found.median <= 1.5,
            "so few rows that it is mostly what both need to start" if how.quick else "",
        )
    ]
    return lines if how.quick else [*lines, *_memory(how, ledger, people)]


def _memory(how: How, ledger: Path, people: int) -> list[Line]:
    small = ledger_of(how.folder / "small.db", people // 10)
    lines = []
    for ending in ("csv", "jsonl", "parquet"):
        target = how.folder / f"results.{ending}"
        most, least = _ours(ledger, target).peak_bytes, _ours(small, target).peak_bytes
        grown = most / least
        what = f"peak memory of that export as {ending}"
        measured = f"{megabytes(most)}, {grown:.2f} ×"
        lines.append(Line(what, f"of {people // 10:,} rows", "the same within 10 %", measured, grown <= 1.1))
    return lines
