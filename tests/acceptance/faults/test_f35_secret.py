"""F35: the secret beside the ledger is lost. Without it earlier calls cannot be recognised: nobody is dialled."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.acceptance.faults.gates import finishes, nothing_lost_so_far
from tests.acceptance.faults.kit import stage
from tests.acceptance.kit import Ended

PEOPLE = 5
SPOILT: dict[str, tuple[Callable[[Path], object], str]] = {
    "gone": (lambda file: file.unlink(), "camp.db.secret is missing"),
    "empty": (lambda file: file.write_bytes(b""), "camp.db.secret cannot be read as the ledger's secret"),
    "torn": (lambda file: file.write_bytes(file.read_bytes()[:21]), "camp.db.secret cannot be read as the ledger's"),
    "another's": (lambda file: file.write_text("7" * 64 + "\n"), "camp.db.secret is the secret of another ledger"),
}


@pytest.mark.slow
def test_f35_without_its_secret_a_ledger_dials_nobody(tmp_path: Path) -> None:
    with stage(tmp_path, PEOPLE) as there:
        path = there.plan()
        assert there.run("run", path, "--max-calls", "2").code == 75
        file, asked = tmp_path / "camp.db.secret", len(there.proxy.asked)
        secret = file.read_bytes()
        for spoil, words in SPOILT.values():
            file.write_bytes(secret)
            spoil(file)
            spoilt = _content(file)
            _is_refused(there.run("run", path), words)
            assert _content(file) == spoilt, "a new secret was made in silence"
            assert len(there.proxy.asked) == asked, "the platform was asked for something"
            nothing_lost_so_far(there, PEOPLE)
        file.write_bytes(secret)
        finishes(there, path, PEOPLE)


def _content(file: Path) -> bytes | None:
    return file.read_bytes() if file.exists() else None


def _is_refused(ended: Ended, words: str) -> None:
    assert ended.code == 74, ended.err
    assert "Traceback" not in ended.err
    assert words in ended.err
    assert "restore" in ended.err
    assert ended.closing.startswith("camp 74 ledger ")


@pytest.mark.slow
def test_f35_a_secret_is_made_only_where_nobody_was_dialled_yet(tmp_path: Path) -> None:
    with stage(tmp_path, PEOPLE) as there:
        path = there.plan()
        with there.running("run", path) as run:
            run.until((tmp_path / "camp.db.secret").exists)
            run.kill()
        assert there.attempts() == []
        (tmp_path / "camp.db.secret").unlink()
        finishes(there, path, PEOPLE)
        assert (tmp_path / "camp.db.secret").stat().st_mode & 0o777 == 0o600
