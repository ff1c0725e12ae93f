"""What is written is its owner's alone, whatever the umask and whoever else may write into the folder."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from dialer.cli import running
from dialer.errors import ExitCode
from dialer.report import Totals
from dialer.runner import Closed, Closing
from tests.acceptance.kit import World
from tests.command_line import campaign, process, told

OPEN = "os.umask(0)"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def open_umask() -> Iterator[None]:
    """Whoever starts a command has no umask at all."""
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.slow
def test_all_that_a_run_leaves_is_its_owners_alone(tmp_path: Path) -> None:
    path = campaign(tmp_path)
    given = set(tmp_path.iterdir())
    ran = process("run", path, "--result", tmp_path / "last.json", before=OPEN)
    assert ran.code == 0, ran.err
    for kind in ("csv", "parquet"):
        assert process("export", path, "-o", tmp_path / f"r.{kind}", before=OPEN).code == 0
    assert process("init", tmp_path / "contacts.csv", "-o", tmp_path / "new.yaml", before=OPEN).code == 0
    made = {each.name: mode(each) for each in set(tmp_path.rglob("*")) - given if each.is_file()}
    assert {"dialer.db", "dialer.db.secret", "dialer.db.lock", "last.json", "r.csv", "r.parquet"} <= set(made)
    assert "new.yaml" in made
    assert set(made.values()) == {0o600}, made
    folders = {mode(each) for each in tmp_path.rglob("*") if each.is_dir()}
    assert folders <= {0o700}


@pytest.mark.slow
def test_all_that_stands_while_a_run_goes_on_is_its_owners_alone(tmp_path: Path, open_umask: None) -> None:
    world = World(tmp_path)
    world.people(40)
    path = world.campaign(pace={"calls_per_second": 5})
    with world.running("run", path) as run:
        run.until(lambda: len(world.attempts()) >= 2)
        made = {each.name: mode(each) for each in tmp_path.glob("camp.db*")}
        run.kill()
    folders = {"camp.db.spool"} & set(made)
    assert {"camp.db", "camp.db-wal", "camp.db-shm", "camp.db.secret", "camp.db.lock"} <= set(made)
    assert {name: bits for name, bits in made.items() if name not in folders and bits != 0o600} == {}
    assert all(made[name] == 0o700 for name in folders)


# --- the result of a run ---------------------------------------------------------------------------


def closed() -> Closed:
    from dialer.clock import Clock

    totals = Totals("reminders", Clock().now(), {}, {}, 0, {}, 0, {}, None)
    return Closed((Closing("reminders", ExitCode.OK, "finished", totals),), ExitCode.OK)


def test_a_result_takes_the_place_of_what_others_could_read(tmp_path: Path, open_umask: None) -> None:
    target = tmp_path / "last.json"
    target.write_text("old")
    running._write_result(target, closed())
    assert json.loads(target.read_text())["campaign"] == "reminders"
    assert mode(target) == 0o600
    assert list(tmp_path.iterdir()) == [target]


def test_a_result_is_not_written_through_a_link_that_somebody_has_laid(tmp_path: Path) -> None:
    """In a folder that others may write to, the name of a draft must not be known before."""
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    for name in (".last.json.new", ".last.json.part", "last.json.tmp"):
        (tmp_path / name).symlink_to(victim)
    running._write_result(tmp_path / "last.json", closed())
    assert victim.read_text() == "untouched"
    assert json.loads((tmp_path / "last.json").read_text())["code"] == 0


def test_a_result_that_cannot_be_written_is_told_and_changes_no_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    running._write_result(tmp_path / "nowhere" / "last.json", closed())
    assert "last.json cannot be written (No such file or directory)" in capsys.readouterr().err


def test_a_result_may_be_a_device(tmp_path: Path) -> None:
    running._write_result(Path(os.devnull), closed())
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)


def test_no_number_and_no_terminal_sequence_stands_in_a_result(tmp_path: Path) -> None:
    from dialer.clock import Clock

    totals = Totals(
        "reminders", Clock().now(), {}, {("excluded", "", "\x1b[31mrefused +14155550124"): 1}, 0, {}, 0, {}, None
    )
    end = Closed((Closing("reminders", ExitCode.OK, "API_leaked +14155550123", totals),), ExitCode.OK)
    running._write_result(tmp_path / "last.json", end)
    written = (tmp_path / "last.json").read_text()
    assert "41555501" not in written
    assert "API_leaked" not in written
    assert "\\u001b" not in written
    assert json.loads(written)["reason"] == "API_… +1415•••0123"


def test_a_refusal_of_ours_masks_what_it_quotes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Even a command line that holds a number, and a folder that is named after one."""
    folder = tmp_path / "+14155550123"
    folder.mkdir()
    ended = told(capsys, "status", "--ledger", folder / "none.db")
    assert ended.code == ExitCode.LEDGER
    assert "+1415•••0123" in ended.err
    assert "4155550123" not in ended.said
