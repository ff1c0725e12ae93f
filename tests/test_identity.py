"""10,000 rows of text from CSV and from Parquet: the same people, the same export, every cell as it was."""

from __future__ import annotations

import csv
import io
import json
import random
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from dialer.cli.look import export_to
from dialer.export import RESULT_COLUMNS
from tests.command_line import TEXT, campaign, change, people_of, taken_in
from tests.lists import as_csv, write, write_parquet

pytestmark = pytest.mark.slow  # ten thousand rows, read and written several times

ROWS = 10_000
COLUMNS = ("id", "phone", "plain", "name, full", 'a "quoted" word', "größe", "=sum", "📞", "row.id", "NA")
CELLS = (
    *("", " ", "  both sides  ", "\ttab", "comma, comma", 'a "quote"', '"', "''", "'=1+1", "semi;colon", "back\\slash"),
    *("two\nlines", "\nfirst", "last\n", "\n", " line separator", "vertical"),
    *(
        "007",
        "00",
        "0.10",
        "1e5",
        "1E5",
        "NaN",
        "nan",
        "NA",
        "N/A",
        "null",
        "None",
        "true",
        "FALSE",
        "inf",
        "-0",
        "1,5",
    ),
    *("=1+1", "+1", "-1", "@cmd", "=HYPERLINK(1)", "+14155550123", "-", "+", "=", "@", "2026-11-22", "12:00", "1_000"),
    *(
        "Ünïcödé",
        "日本語",
        "עברית",
        "e\u0301",
        "🎉🧑‍🚒",
        "\ufeffmark",
        "\u200bnothing",
        "${HOME}",
        "%s",
        "{}",
        "<b>&amp;</b>",
    ),
)
RISKY = tuple("=+-@\t\r\n")


def rows_of_text(seed: int = 7) -> list[tuple[str, ...]]:
    """Rows of awkward cells; only the id and the number are plain. Every cell of CELLS is among them."""
    dice = random.Random(seed)
    return [
        (f"{n:06d}", f"+1212{2_000_000 + n}", *(_cell(dice) for _ in COLUMNS[3:]), CELLS[n % len(CELLS)])
        for n in range(ROWS)
    ]


def _cell(dice: random.Random) -> str:
    return "".join(dice.choices(CELLS, k=dice.choice((1, 1, 1, 2, 3))))


def imported(folder: Path, file: str) -> Path:
    """The ledger into which a list has been taken, with nobody dialled."""
    path = campaign(folder, text=TEXT.replace("contacts.csv", file).replace("[name]", '"*"'))
    change(path, "ledger: dialer.db", f"ledger: {file}.db")
    found = taken_in(path)
    assert found is not None
    assert (found.read, found.good, found.added, found.rejected) == (ROWS, ROWS, ROWS, 0)
    return folder / f"{file}.db"


def table(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode(), newline="")))


@pytest.fixture(scope="module")
def source() -> list[tuple[str, ...]]:
    return rows_of_text()


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory, source: Sequence[tuple[str, ...]]) -> dict[str, bytes]:
    """The exports of both, by `csv.jsonl` for the one from CSV as JSON lines, and so on."""
    folder = tmp_path_factory.mktemp("identity")
    write(folder / "list.csv", as_csv([COLUMNS, *source]))
    write_parquet(folder / "list.parquet", dict(zip(COLUMNS, map(list, zip(*source, strict=True)), strict=True)))
    found = {}
    for kind in ("csv", "parquet"):
        ledger = imported(folder, f"list.{kind}")
        for ending in ("csv", "jsonl"):
            target = folder / f"{kind}.{ending}"
            assert export_to(ledger, "reminders", str(target)) == ROWS
            found[target.name] = target.read_bytes()
        assert {row[1] for row in people_of(ledger)} == {"due"}
    return found


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_csv_and_parquet_give_the_same_bytes(exports: dict[str, bytes], ending: str) -> None:
    assert exports[f"csv.{ending}"] == exports[f"parquet.{ending}"]


def test_every_cell_is_in_the_csv_as_it_was(exports: dict[str, bytes], source: Sequence[tuple[str, ...]]) -> None:
    header, *rows = table(exports["csv.csv"])
    assert header == [*RESULT_COLUMNS, *(f"row.{name}" for name in COLUMNS)]
    assert len(rows) == ROWS
    for row, wanted in zip(rows, source, strict=True):
        assert (row[1], row[2], row[3], row[4]) == (wanted[0], wanted[1], "due", "0")
        for cell, was in zip(row[len(RESULT_COLUMNS) :], wanted, strict=True):
            assert cell == was or (cell == f"'{was}" and was.startswith(RISKY))


def test_no_cell_of_the_csv_is_a_formula(exports: dict[str, bytes]) -> None:
    cells = {cell for row in table(exports["csv.csv"]) for cell in row if cell}
    assert {cell for cell in cells if cell.startswith(("=", "@", "\t", "\r"))} == set()
    assert [cell for cell in cells if cell[0] in "+-" and not re.fullmatch(r".[\d.]+([eE]\d+)?", cell)] == []


def test_every_cell_is_in_the_json_lines_as_it_was(
    exports: dict[str, bytes], source: Sequence[tuple[str, ...]]
) -> None:
    rows = [json.loads(line) for line in exports["parquet.jsonl"].decode().split("\n") if line]
    assert len(rows) == ROWS
    for row, wanted in zip(rows, source, strict=True):
        assert tuple(row[f"row.{name}"] for name in COLUMNS) == wanted
