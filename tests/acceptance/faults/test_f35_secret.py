"""F35: the secret beside the ledger is lost. Without it earlier calls cannot be recognised: nobody is dialled."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.acceptance.faults.served import campaign_on, finishes, nothing_lost_so_far, served

PEOPLE = 5
SPOILT: dict[str, tuple[Callable[[Path], object], str]] = {
    "gone": (lambda file: file.unlink(), "camp.db.secret is missing"),
    "empty": (lambda file: file.write_bytes(b""), "camp.db.secret cannot be read as the ledger's secret"),
    "torn": (lambda file: file.write_bytes(file.read_bytes()[:21]), "camp.db.secret cannot be read as the ledger's"),
    "another's": (lambda file: file.write_text("7" * 64 + "\n"), "camp.db.secret is the secret of another ledger"),
}


@pytest.mark.slow
@pytest.mark.parametrize("how", SPOILT)
def test_f35_without_its_secret_a_ledger_dials_nobody(tmp_path: Path, how: str) -> None:
    spoil, words = SPOILT[how]
    with served(tmp_path, PEOPLE) as (world, proxy):
        path = campaign_on(world, proxy)
        assert world.run("run", path, "--max-calls", "2").code == 75
        file, asked = tmp_path / "camp.db.secret", len(proxy.asked)
        secret = file.read_bytes()
        spoil(file)
        spoilt = file.read_bytes() if file.exists() else None

        ended = world.run("run", path)

        assert ended.code == 74, ended.err
        assert "Traceback" not in ended.err
        assert words in ended.err
        assert "restore" in ended.err
        assert ended.closing.startswith("camp 74 ledger ")
        assert len(proxy.asked) == asked, "the platform was asked for something"
        assert (file.read_bytes() if file.exists() else None) == spoilt, "a new secret was made in silence"
        nothing_lost_so_far(world, proxy, PEOPLE)

        file.write_bytes(secret)
        finishes(world, proxy, path, PEOPLE)


@pytest.mark.slow
def test_f35_a_secret_is_made_only_where_nobody_was_dialled_yet(tmp_path: Path) -> None:
    with served(tmp_path, PEOPLE) as (world, proxy):
        path = campaign_on(world, proxy)
        with world.running("run", path) as run:
            run.until((tmp_path / "camp.db.secret").exists)
            run.kill()
        assert world.attempts() == []
        (tmp_path / "camp.db.secret").unlink()
        finishes(world, proxy, path, PEOPLE)
        assert (tmp_path / "camp.db.secret").stat().st_mode & 0o777 == 0o600
