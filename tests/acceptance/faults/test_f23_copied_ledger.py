"""F23: the ledger is copied, and the copy is run after the original has gone on: it is noticed, and treated as F29."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.acceptance.faults.kit import invariants
from tests.acceptance.faults.lost_time import AGAIN, kind_of_platform, some


def _everything(folder: Path, elsewhere: Path) -> None:
    for path in folder.glob("camp.db*"):
        shutil.copy2(path, elsewhere / path.name)


def _ledger_and_secret(folder: Path, elsewhere: Path) -> None:
    for name in ("camp.db", "camp.db.secret"):
        shutil.copy2(folder / name, elsewhere / name)


@pytest.mark.slow
@pytest.mark.parametrize("copy", [_everything, pytest.param(_ledger_and_secret, marks=pytest.mark.ci)])
def test_f23_a_copy_that_is_run_elsewhere_asks_before_it_dials(
    tmp_path: Path, copy: Callable[[Path, Path], None]
) -> None:
    with kind_of_platform(tmp_path, "both") as there:
        path, elsewhere = there.plan(retry=AGAIN), tmp_path / "elsewhere"
        elsewhere.mkdir()
        some(there, path)
        copy(there.folder, elsewhere)
        some(there, path, 5)
        there.ledger = elsewhere / "camp.db"
        shutil.copy2(there.folder / "people.csv", elsewhere)
        for secret in (path, there.folder / "clock"):
            if secret.exists():
                shutil.copy2(secret, elsewhere)
        ended = there.run("run", elsewhere / path.name)
        assert "its file is not where it was written last: it was copied, moved or put back" in ended.err
        assert "5 calls were found of which the ledger did not know" in ended.err
        invariants(there, ended, most=3)
