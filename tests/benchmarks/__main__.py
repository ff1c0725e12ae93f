"""`python -m tests.benchmarks`: measures, prints as it goes, and writes down what a whole run has found."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks import document, machine
from tests.benchmarks.document import Measured
from tests.benchmarks.kit import Missing
from tests.benchmarks.parts import PARTS, Part, run

if TYPE_CHECKING:
    from rich.console import Console

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "performance.md"
KEPT = ROOT / "build" / "benchmarks"


def main(arguments: Sequence[str], parts: Sequence[Part] = PARTS, path: Path = DOCUMENT, kept_in: Path = KEPT) -> int:
    """Measure what is asked for; 1 if a part could not be measured. A goal that is missed is shown, and no failure."""
    asked = _parser(parts).parse_args(arguments)
    console = _console()
    chosen = _chosen(parts, asked.only, asked.quick)
    found, began = [], time.perf_counter()
    for part in chosen:
        measured = _measured(part, asked.quick, asked.folder, console)
        if measured is None:
            continue
        found.append(measured)
        if not asked.quick:
            _write_down(measured, path, kept_in)
    if not (asked.quick or asked.only):
        _write_head(path, asked.folder)
    _print_end(found, chosen, time.perf_counter() - began, console)
    return 0 if len(found) == len(chosen) else 1


def _parser(parts: Sequence[Part]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller, in under two minutes, and nothing is written")
    parser.add_argument(
        "--only", nargs="+", metavar="NAME", choices=[part.name for part in parts], default=[], help="these parts"
    )
    parser.add_argument("--folder", type=Path, help="where scratch files go; its disk is the one that is measured")
    return parser


def _console() -> Console:
    from rich.console import Console

    narrow = Console()
    return narrow if narrow.is_terminal else Console(width=150)


def _chosen(parts: Sequence[Part], names: Sequence[str], quick: bool) -> list[Part]:
    if names:
        return [part for part in parts if part.name in names]
    return [part for part in parts if (part.is_quick if quick else part.is_full)]


def _measured(part: Part, quick: bool, folder: Path | None, console: Console) -> Measured | None:
    began = time.perf_counter()
    try:
        lines = run(part, quick, folder)
    except Missing as missing:
        console.print(f"{part.name}: {missing}\n", markup=False)
        return None
    except Exception:
        console.print(f"{part.name} could not be measured:\n{traceback.format_exc()}", markup=False)
        return None
    on = f"{datetime.now(UTC):%Y-%m-%d} on {_place(folder)}; {machine.interpreters()}"
    measured = Measured(part.name, part.title, lines, on, time.perf_counter() - began)
    _print(measured, console)
    return measured


def _place(folder: Path | None) -> str:
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        return machine.described(Path(scratch))


def _print(measured: Measured, console: Console) -> None:
    from rich.table import Table

    table = Table(title=f"{measured.title} ({measured.name}, {measured.seconds:.0f} s)", title_justify="left")
    for column in document.COLUMNS:
        table.add_column(column)
    for line in measured.lines:
        table.add_row(*document.cells(line))
    console.print(table)
    for line in measured.lines:
        if line.note:
            console.print(f"  {line.what}: {line.note}", markup=False)
    console.print()


def _write_down(measured: Measured, path: Path, kept_in: Path) -> None:
    kept_in.mkdir(parents=True, exist_ok=True)
    (kept_in / f"{measured.name}.json").write_text(document.kept(measured), "utf-8")
    document.write(path, document.rewritten(_document(path), [measured]))


def _write_head(path: Path, folder: Path | None) -> None:
    facts = {
        "day": f"{datetime.now(UTC):%Y-%m-%d}",
        "machine": _place(folder),
        "versions": f"{machine.interpreters()}; {machine.dependencies()}",
    }
    document.write(path, document.headed(_document(path), facts))


def _document(path: Path) -> str:
    return path.read_text("utf-8") if path.exists() else document.FRAME


def _print_end(found: Sequence[Measured], chosen: Sequence[Part], seconds: float, console: Console) -> None:
    missed = [f"{part.name}: {line.what}" for part in found for line in part.lines if line.holds is False]
    names = {part.name for part in found}
    failed = [part.name for part in chosen if part.name not in names]
    console.print(f"{len(found)} of {len(chosen)} parts in {seconds:.0f} s", highlight=False)
    for words, these in (("goals missed", missed), ("not measured", failed)):
        if these:
            console.print(f"{words}: {'; '.join(these)}", markup=False, highlight=False)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
