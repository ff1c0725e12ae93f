"""F29: a ledger that was put back from an older copy does not know its last calls: they are found before any dial."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.acceptance.faults.kit import Stage, first_dial, invariants, killed_by_itself, nothing
from tests.acceptance.faults.lost_time import (
    AGAIN,
    backed_up,
    dials_nobody,
    kept,
    kind_of_platform,
    no_list,
    put_back,
    restored_in_place,
    restored_over,
    some,
)
from tests.acceptance.oracle import nobody_over_rung
from tests.acceptance.proxy import Answered

CALLS_FOUND = "calls were found of which the ledger did not know"


def _events(there: Stage, event: str) -> int:
    return len(there.ask("SELECT 1 FROM events WHERE event = ?", event))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "restore"), [("platform", restored_over), pytest.param("mute", restored_in_place, marks=pytest.mark.ci)]
)
def test_f29_a_backup_that_is_put_back(tmp_path: Path, kind: str, restore: Callable[[Stage, Path], None]) -> None:
    with kind_of_platform(tmp_path, kind) as there:
        path = there.plan(retry=AGAIN)
        some(there, path)
        copy = backed_up(there, path)
        some(there, path, 5)
        restore(there, copy)
        ended = there.run("run", path)
        assert "it was made by `backup`" in ended.err
        assert f"5 {CALLS_FOUND}" in ended.err
        invariants(there, ended, most=3)
        assert _events(there, "adopted_earlier") == 5


@pytest.mark.ci
@pytest.mark.slow
def test_f29_a_plain_copy_made_while_nothing_runs(tmp_path: Path) -> None:
    """Ledger and log of a run that was killed. The same file holds an older state: the last run's note tells of it."""
    with kind_of_platform(tmp_path, "both") as there:
        path = there.plan(retry=AGAIN)
        killed_by_itself(there, path, "dialer.ledger:Ledger.settle after 4")
        copy = kept(there)
        assert (copy / "camp.db-wal").stat().st_size > 0
        some(there, path, 5)
        put_back(there, copy)
        ended = there.run("run", path)
        assert "it is older than the last run here: a backup was put back" in ended.err
        invariants(there, ended, most=3)
        again = dials_nobody(there, path, 0)
        assert CALLS_FOUND not in again.err


@pytest.mark.slow
def test_f29_a_folder_that_is_set_back_as_a_whole(tmp_path: Path) -> None:
    """Ledger, secret and lock, each written over in its place: nothing there tells of it, but the platform does."""
    with kind_of_platform(tmp_path, "platform") as there:
        path = there.plan(retry=AGAIN)
        some(there, path)
        files = {file: file.read_bytes() for file in there.folder.glob("camp.db*") if file.is_file()}
        some(there, path, 5)
        for file in there.folder.glob("camp.db*"):
            if file.is_file() and file not in files and file != there.rings_file:
                file.unlink()
        for file, content in files.items():
            if file != there.rings_file:
                file.write_bytes(content)
        ended = there.run("run", path)
        assert "the platform shows calls of ours that it does not know" in ended.err
        assert f"5 {CALLS_FOUND}" in ended.err
        invariants(there, ended, most=3)


@pytest.mark.ci
@pytest.mark.slow
@pytest.mark.parametrize("kind", ["both", "mute"])
def test_f29_a_backup_made_while_a_call_was_live(tmp_path: Path, kind: str) -> None:
    """Of that call the backup knows the intent; that it was not answered, and that another followed, is lost."""
    script = {f"+1201555010{n}": ("no_answer", "user_ended_call") for n in range(3)}
    with kind_of_platform(tmp_path, kind, 3, script=script, ring_seconds=100) as there:
        path = there.plan(retry=AGAIN, recovery={"hold": "2s"}, pace={"calls_per_second": 30, "concurrent_calls": 3})
        with there.running("run", path) as run:
            run.until(lambda: len(there.rings()) == 3)
            copy = backed_up(there, path)
            assert run.ended().code == 0
        assert [there.rings_of(n) for n in range(3)] == [2, 2, 2]
        restored_over(there, copy)
        assert set(there.states()) == {"dialing"}
        invariants(there, there.run("run", path), people=3, most=3)
        assert [there.rings_of(n) for n in range(3)] == [2, 2, 2]


@pytest.mark.ci
@pytest.mark.slow
def test_f29_a_live_call_of_the_lost_time_is_adopted_and_its_line_counted(tmp_path: Path) -> None:
    """Four lines, four lost calls that go on: the fifth person waits until one of them has ended."""
    with kind_of_platform(tmp_path, "both", 5, script={}, call_seconds=400, mix={"user_ended_call": 1.0}) as there:
        path = there.plan(pace={"calls_per_second": 30, "concurrent_calls": 4})
        killed_by_itself(there, path, "dialer.ledger:Ledger.intend before 1")
        copy = backed_up(there, path)
        with there.running("run", path) as run:
            run.until(lambda: len(there.rings()) == 4)
            run.kill()
        restored_in_place(there, copy)
        ended = there.run("run", path)
        assert f"4 {CALLS_FOUND}" in ended.err
        invariants(there, ended, people=5)
        happened = [row["event"] for row in there.ask("SELECT event FROM events ORDER BY id")]
        assert happened.count("adopted_earlier") == 4
        assert "ended" in happened[: happened.index("intended")]


@pytest.mark.ci
@pytest.mark.slow
def test_f29_put_back_in_the_middle_of_an_id_that_may_be_sent_again(tmp_path: Path) -> None:
    """In the backup a dial was refused by a 429; after it the same id was sent again, and the call was placed."""
    with kind_of_platform(tmp_path, "mute") as there:
        path = there.plan(retry=AGAIN)
        too_many = first_dial({3: Answered(429, {"error": "rate_limit_exceeded"}, {"Retry-After": "1"})})
        usual = there.proxy.rule
        there.proxy.rule = lambda asked: too_many(asked) or usual(asked)
        with there.running("run", path, "--max-calls", "4") as run:
            run.until(lambda: "refused" in there.events(3))
            copy = backed_up(there, path)
            run.ended()
        some(there, path, 3)
        assert there.rings_of(3) == 1
        restored_in_place(there, copy)
        invariants(there, there.run("run", path), most=3)
        assert there.rings_of(3) == 1


@pytest.mark.ci
@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "order"),
    [("both", "dialer.ledger:Ledger.adopt after 3"), ("mute", "dialer.ledger:Ledger.settle before 2")],
)
def test_f29_killed_in_the_middle_of_the_adoption(tmp_path: Path, kind: str, order: str) -> None:
    with kind_of_platform(tmp_path, kind) as there:
        path = there.plan(retry=AGAIN)
        some(there, path, 2)
        copy = backed_up(there, path)
        some(there, path, 6)
        restored_in_place(there, copy)
        before = len(there.proxy.dials)
        killed_by_itself(there, path, order)
        assert _events(there, "proven") == 0
        nobody_over_rung(there.rings())
        ended = there.run("run", path)
        invariants(there, ended, most=3)
        assert len(there.proxy.dials) > before


@pytest.mark.ci
@pytest.mark.slow
def test_f29_where_there_is_no_list_each_person_is_asked_for(tmp_path: Path) -> None:
    with kind_of_platform(tmp_path, "custom") as there:
        there.proxy.rule = no_list
        path = there.plan(retry=AGAIN)
        some(there, path)
        copy = backed_up(there, path)
        some(there, path, 5)
        restored_in_place(there, copy)
        ended = there.run("run", path)
        assert f"5 {CALLS_FOUND}" in ended.err
        invariants(there, ended, most=3)


@pytest.mark.ci
@pytest.mark.slow
def test_f29_where_nothing_can_be_proven_nobody_is_dialled(tmp_path: Path) -> None:
    """A GET that knows the platform's ids alone, and no list."""
    with kind_of_platform(tmp_path, "platform") as there:
        there.proxy.rule = no_list
        path = there.plan(retry=AGAIN)
        some(there, path)
        copy = backed_up(there, path)
        some(there, path, 5)
        restored_in_place(there, copy)
        ended = dials_nobody(there, path, 70)
        assert ended.closing.startswith("camp 70 earlier_calls ")
        assert "--none-were-called" in ended.err
        there.proxy.rule = nothing
        invariants(there, there.run("run", path), most=3)
