"""Taking a list in, every number validated and everything synced, against pandas that only moves it into a table."""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.benchmarks.kit import MEGABYTE, How, Line, in_process, megabytes, paired

_COLUMNS = ("phone", "id", "first_name", "amount", "tz", "note")
_NAMES = ("Ann", "Bob", "Cid", "Zoë", "José", "Mary Lou")
_ZONES = ("America/New_York", "America/Chicago", "America/Los_Angeles")
_AREAS = ("415", "212", "305", "713", "206", "312", "617", "404", "602", "303")
_MOST_MEMORY = 300 * MEGABYTE


def measure(how: How) -> list[Line]:
    """Time against pandas and peak memory, for both kinds of list; ten times the rows for the memory."""
    rows, times = (20_000, 1) if how.quick else (1_000_000, 5)
    lines, peaks = [], {}
    for kind in ("csv", "parquet"):
        path = written(how.folder / f"list.{kind}", rows)
        ratio = paired(partial(_seconds, take, path), partial(_seconds, move, path), times)
        lines.append(
            Line(
                f"taking in {rows:,} rows of {kind}",
                "pandas reading it and `to_sql`, nothing validated",
                "≤ 3 ×",
                f"{ratio} ×; {min(ratio.ours):.1f} against {min(ratio.other):.1f} s",
                None if how.quick else ratio.median <= 3.0,
            )
        )
        peaks[kind] = in_process(take, str(path), str(how.folder / f"peak.{kind}.db")).peak_bytes
        lines.append(
            Line(
                f"peak memory of that, {kind}",
                "–",
                "≤ 300 MB",
                megabytes(peaks[kind]),
                None if how.quick else peaks[kind] <= _MOST_MEMORY,
            )
        )
        path.unlink()
    return lines if how.quick else [*lines, _ten_times(how, rows, peaks["csv"])]


def _ten_times(how: How, rows: int, before: int) -> Line:
    path = written(how.folder / "long.csv", 10 * rows)
    spent = in_process(take, str(path), str(how.folder / "long.db"))
    measured = f"{spent.peak_bytes / before:.2f} ×; {megabytes(spent.peak_bytes)}, in {spent.answer:.0f} s"
    is_flat = spent.peak_bytes <= 1.1 * before
    return Line(f"peak memory of {10 * rows:,} rows of csv", f"{rows:,} rows", "≤ 1.1 ×", measured, is_flat)


def _seconds(work: Callable[[str, str], float], path: Path) -> float:
    """What it says of itself, in a process of its own and into a ledger of its own."""
    target = path.with_suffix(f".{work.__name__}.{time.monotonic_ns()}.db")
    seconds = in_process(work, str(path), str(target)).answer
    for left in path.parent.glob(f"{target.name}*"):
        left.unlink()
    return seconds


def take(path: str, ledger: str) -> float:
    """Take the list in as a run does; the seconds that it took. Libraries are loaded before that, as pandas is."""
    import asyncio
    from dataclasses import replace

    import pyarrow.parquet  # noqa: F401

    import dialer.places  # noqa: F401
    from dialer.clock import Clock
    from dialer.ledger import Ledger
    from dialer.runner.intake import take_in
    from tests.engine_kit import campaign

    folder = Path(ledger).with_suffix("")
    folder.mkdir()
    rules = campaign(folder, "http://127.0.0.1:1")
    rules = replace(rules, contacts=replace(rules.contacts, files=(Path(path),), id="id"), ledger=Path(ledger))

    async def main() -> float:
        clock = Clock()
        held = Ledger.open(rules.ledger, "run", clock.now)
        try:
            await held.start_run("run", [rules.name])
            bound = await held.bind(rules)
            began = time.perf_counter()
            await take_in(held, rules, bound.id, clock, yes=True, is_stopping=lambda: False)
            return time.perf_counter() - began
        finally:
            await held.close()

    return asyncio.run(main())


def move(path: str, database: str) -> float:
    """Read the list with pandas and write it with `to_sql`; the seconds that it took, libraries loaded before."""
    import contextlib

    import pandas as pd
    import pyarrow.parquet  # noqa: F401

    began = time.perf_counter()
    frame = pd.read_csv(path, dtype=str) if path.endswith(".csv") else pd.read_parquet(path)
    with contextlib.closing(sqlite3.connect(database)) as db:
        frame.to_sql("contacts", db, index=False)
        db.commit()
    return time.perf_counter() - began


def written(path: Path, rows: int) -> Path:
    """A list of American numbers, one in a hundred of them none, and one in a thousand there twice."""
    if path.suffix == ".csv":
        _write_csv(path, rows)
    else:
        _write_parquet(path, rows)
    return path


def _rows(rows: int) -> list[tuple[str, ...]]:
    return [_row(n, random.Random(n)) for n in range(rows)]


def _row(n: int, dice: random.Random) -> tuple[str, ...]:
    phone = f"+1{_AREAS[n % 10]}{2 + n // 10 % 8}{n // 80 % 1_000_000:06d}"
    if n % 100 == 7:
        phone = "12"
    elif n % 1000 == 3:
        phone = f"+1{_AREAS[(n - 1) % 10]}{2 + (n - 1) // 10 % 8}{(n - 1) // 80 % 1_000_000:06d}"
    name, zone = _NAMES[dice.randrange(6)], _ZONES[dice.randrange(3)]
    return phone, f"a{n}", name, f"{dice.randrange(100_000) / 100:.2f}", zone, f"order {n} of last week"


def _write_csv(path: Path, rows: int) -> None:
    with path.open("w", encoding="utf-8") as out:
        out.write(",".join(_COLUMNS) + "\n")
        for n in range(rows):
            out.write(",".join(_row(n, random.Random(n))) + "\n")


def _write_parquet(path: Path, rows: int) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = zip(*_rows(rows), strict=True)
    table = pa.table({name: pa.array(cells) for name, cells in zip(_COLUMNS, columns, strict=True)})
    pq.write_table(table, path, row_group_size=100_000)
