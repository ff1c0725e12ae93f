"""The house of the benchmarks: what compares, what runs a part in a process of its own, and the document. No times."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.benchmarks import choosing, document, kit, machine, pace
from tests.benchmarks.__main__ import main
from tests.benchmarks.document import Measured
from tests.benchmarks.kit import How, Line
from tests.benchmarks.parts import PARTS, Part

GOOD = """
from pathlib import Path
from tests.benchmarks.kit import How, Line

def measure(how: How) -> list[Line]:
    Path(how.folder, "scratch").write_text("x")
    return [Line("dials a second", "a bare loop", "≥ 0.85", f"0.9|{how.quick}", True, "five pairs"),
            Line("memory", "", "", str(how.folder), None)]
"""
MISSED = """
from tests.benchmarks.kit import How, Line

def measure(how):
    return [Line("import", "pandas", "≤ 3 ×", "4 ×", False)]
"""
BROKEN = """
def measure(how):
    raise RuntimeError("the server did not start")
"""
LACKING = """
from tests.benchmarks.kit import Missing

def measure(how):
    raise Missing("redis-server is not here: install it")
"""
DYING = """
import os
import subprocess
import sys
import threading

def measure(how):
    os._exit(9)
"""


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of benchmarks that a new interpreter finds too."""
    for name, text in {"good": GOOD, "missed": MISSED, "broken": BROKEN, "lacking": LACKING, "dying": DYING}.items():
        (tmp_path / f"measured_{name}.py").write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path


def parts(*names: str) -> list[Part]:
    return [Part(f"measured_{name}", f"The {name} one") for name in names]


# --- comparing ---------------------------------------------------------------------------------------


def test_each_pair_is_divided_and_the_median_of_the_pairs_counts() -> None:
    ratio = kit.Ratio((2.0, 9.0, 6.0), (1.0, 3.0, 4.0))
    assert ratio.runs == (2.0, 3.0, 1.5)
    assert ratio.median == 2.0
    assert str(ratio) == "2.00 (1.50–3.00)"


def test_a_pair_is_measured_by_turns_and_each_goes_first_as_often_as_the_other() -> None:
    order: list[str] = []

    def measuring(name: str, gives: float) -> float:
        order.append(name)
        return gives + len(order)

    ratio = kit.paired(lambda: measuring("ours", 0), lambda: measuring("other", 100), times=4)
    assert order == ["ours", "other", "other", "ours"] * 2
    assert list(ratio.ours) == [1.0, 4.0, 5.0, 8.0]
    assert list(ratio.other) == [102.0, 103.0, 106.0, 107.0]


def test_pinned_gives_the_cores_back() -> None:
    before = kit._usable()
    with kit.pinned(1):
        assert kit._usable() == kit.CORES[1 % len(kit.CORES) :][:1]
    assert kit._usable() == before


# --- processes ---------------------------------------------------------------------------------------


def memory_of(megabytes: int) -> int:
    """Runs in a process of its own."""
    return len(b"x" * (megabytes * kit.MEGABYTE)) and os.getpid()


@pytest.mark.slow
def test_a_process_of_its_own_has_a_peak_of_its_own_however_fat_its_parent_is() -> None:
    ballast = b"x" * (300 * kit.MEGABYTE)
    spent = kit.in_process(memory_of, 150)
    assert spent.answer != os.getpid()
    assert 150 * kit.MEGABYTE < spent.peak_bytes < len(ballast)


def test_what_a_process_of_its_own_raises_comes_out() -> None:
    with pytest.raises(ZeroDivisionError):
        kit.in_process(divmod, 1, 0)


def waits_for_ever() -> None:
    """Runs in a process of its own."""
    print("waiting", flush=True)
    threading.Event().wait()


@pytest.mark.slow
def test_a_process_of_its_own_ends_when_whoever_waits_for_it_is_killed() -> None:
    script = "from tests.benchmarks.kit import in_process; from tests.test_benchmarks import waits_for_ever as work\n"
    command = [sys.executable, "-c", f"{script}in_process(work)"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=machine.ROOT) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "waiting\n"
        process.kill()
        assert process.communicate(timeout=20)[0] == ""  # comes to its end only when the last who holds it is gone


def test_status_counts_bytes() -> None:
    status = kit.status_of(os.getpid())
    assert status["Pid"] == os.getpid()
    assert status["VmRSS"] % 1024 == 0
    assert kit.MEGABYTE < status["VmRSS"] <= status["VmHWM"]


# --- the document ------------------------------------------------------------------------------------


def measured(name: str, value: str) -> Measured:
    return Measured(name, f"On {name}", [Line("what", "against", "goal", value, True)], "a day", 3.0)


def test_a_part_that_is_measured_again_changes_nothing_else() -> None:
    first = document.rewritten(document.FRAME, [measured("one", "111"), measured("two", "222")])
    by_hand = first.replace("## What was learnt\n", "## What was learnt\n\nThat \\1 fsync costs | little.\n")
    by_hand = by_hand.replace("## On one", "A word beside.\n\n## On one")
    again = document.rewritten(by_hand, [measured("two", "333")])
    assert again == by_hand.replace("222", "333")


def test_a_new_part_stands_before_what_was_learnt() -> None:
    text = document.rewritten(document.FRAME + "\nA lesson.\n", [measured("one", "111")])
    assert text.index("111") < text.index("## What was learnt") < text.index("A lesson.")


@given(st.text(st.characters(blacklist_categories=["Cs"]), max_size=60))
def test_what_is_written_by_hand_stays_whatever_it_is(words: str) -> None:
    begun = document.headed(document.rewritten(document.FRAME, [measured("one", "111")]), {"machine": "this"})
    by_hand = begun.replace("## What was learnt\n", f"## What was learnt\n{words}\n")
    again = document.headed(document.rewritten(by_hand, [measured("one", "111")]), {"machine": "this"})
    assert again == by_hand


def test_a_cell_stays_a_cell() -> None:
    line = Line("a|b", "", "", "two\nlines", None, "and a note")
    text = document.rendered(Measured("one", "One", [line], "a day", 1.0))
    assert "| a\\|b | – | – | two lines | – |" in text
    assert text.endswith("- a|b: and a note")


def test_the_machine_is_told_with_every_dependency(tmp_path: Path) -> None:
    assert "an fsync takes" in machine.described(tmp_path)
    assert os.listdir(tmp_path) == []
    for library in ("httpx ", "PyYAML ", "pandas "):
        assert library in machine.dependencies()


# --- the command -------------------------------------------------------------------------------------


def test_a_run_writes_each_part_down_and_fails_for_what_it_could_not_measure(
    house: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, kept = house / "performance.md", house / "build"
    code = main([], parts("good", "broken", "missed", "lacking", "dying"), path, kept)
    said, text = capsys.readouterr().out, path.read_text()
    assert code == 1
    assert "the server did not start" in said
    assert "lacking: redis-server is not here: install it" in said
    assert "goals missed: measured_missed: import" in said.replace("\n", " ")
    assert "0.9\\|False" in text
    assert "| import | pandas | ≤ 3 × | 4 × | **no** |" in text
    assert text.index("measured: machine") < text.index("What was learnt")
    assert sorted(os.listdir(kept)) == ["measured_good.json", "measured_missed.json"]
    lines = json.loads((kept / "measured_good.json").read_text())["lines"]
    assert not Path(lines[1]["measured"]).exists()


def test_a_missed_goal_is_no_failure_and_quick_writes_nothing(house: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, kept = house / "performance.md", house / "build"
    assert main(["--quick", "--only", "measured_missed"], parts("missed", "broken"), path, kept) == 0
    assert "4 ×" in capsys.readouterr().out
    assert not path.exists()
    assert not kept.exists()


def test_a_part_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--only", "dailing"])
    assert ended.value.code == 2
    assert "invalid choice: 'dailing'" in capsys.readouterr().err


@pytest.mark.parametrize("part", PARTS, ids=lambda part: str(part.name))
def test_every_part_of_the_list_can_be_asked_to_measure(part: Part) -> None:
    spec = find_spec(part.module)
    assert spec is not None and spec.origin is not None
    names = [one.name for one in ast.parse(Path(spec.origin).read_text()).body if isinstance(one, ast.FunctionDef)]
    assert "measure" in names


@pytest.mark.slow
def test_the_sends_of_a_real_run_are_noted(tmp_path: Path) -> None:
    """The client is replaced for that: a client that is asked otherwise would leave nothing to be measured."""
    line = pace._run(How(quick=True, folder=tmp_path), rate=20.0, seconds=0.5)
    assert "came in at the server" in line.note


def test_the_next_people_are_found_in_the_ledger_that_is_made_for_it(tmp_path: Path) -> None:
    made = choosing.Chosen(tmp_path / "small.db", 10_000)
    try:
        assert min(made.next_people(choosing.BEFORE), made.next_people(), made.next_people(left_alone=1_000)) > 0
        assert made.next_time() > 0
    finally:
        made.close()
