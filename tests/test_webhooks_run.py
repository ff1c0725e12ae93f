"""Campaigns with `webhooks:` in a run: who listens where, and what is said where that cannot be."""

from __future__ import annotations

import contextlib
import socket
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.command_line import TEXT, campaign, rung, told
from tests.webhook_kit import OTHER, SECRET

pytestmark = pytest.mark.slow  # whole runs, one after the other


def part(port: int, secret: str | None = SECRET) -> str:
    """The part of a campaign file."""
    told_secret = f", secret: {secret}" if secret else ""
    return f"webhooks: {{listen: 127.0.0.1:{port}, url: http://127.0.0.1:{port}/verbex{told_secret}}}\n"


@contextlib.contextmanager
def taken() -> Iterator[int]:
    """A port that somebody else listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def test_a_run_says_where_it_listens(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ended = told(capsys, "run", campaign(tmp_path, text=TEXT + part(0)))
    assert ended.code == 0
    assert "webhooks are taken at 127.0.0.1:" in ended.err
    assert SECRET not in ended.said


def test_settle_goes_without_what_could_not_be_believed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = campaign(tmp_path)
    assert told(capsys, "run", path).code == 0
    path.write_text(TEXT + part(0, secret=None))
    settled = told(capsys, "settle", path)
    assert settled.code == 0, settled.err
    assert "webhooks are taken" not in settled.err


def test_a_run_that_could_not_listen_is_written_down_and_the_next_one_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = campaign(tmp_path)
    with taken() as port:
        path.write_text(TEXT + part(port))
        refused = told(capsys, "run", path)
        assert (refused.code, rung(tmp_path / "dialer.db.rings.jsonl")) == (78, 0)
        assert f"127.0.0.1:{port} cannot be listened on" in refused.err
    with contextlib.closing(sqlite3.connect(tmp_path / "dialer.db")) as db:
        assert db.execute("SELECT exit_code FROM runs").fetchall() == [(78,)]
    assert told(capsys, "run", path).code == 0
    assert rung(tmp_path / "dialer.db.rings.jsonl") == 3


@pytest.mark.parametrize(("secret", "code"), [(SECRET, 0), (OTHER, 2)])
def test_campaigns_that_listen_at_one_place_mean_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], secret: str, code: int
) -> None:
    with taken() as free:
        port = free
    first = campaign(tmp_path, text=TEXT + part(port))
    second = tmp_path / "second.yaml"
    second.write_text(TEXT.replace("name: reminders", "name: others") + part(port, secret))
    ended = told(capsys, "run", first, second)
    assert ended.code == code, ended.err
    if code:
        assert f"both listen on 127.0.0.1:{port}" in ended.err
        assert OTHER not in ended.said
        assert rung(tmp_path / "dialer.db.rings.jsonl") == 0


def test_the_simulator_of_a_run_tells_by_webhook_without_a_secret_of_anybodys(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The run subscribes by itself, each time anew."""
    with taken() as port:
        pass
    path = campaign(tmp_path, text=TEXT + part(port, secret=None))
    assert told(capsys, "run", path).code == 0
    ended = told(capsys, "settle", path)
    assert f"webhooks are taken at 127.0.0.1:{port}" in ended.err
    with contextlib.closing(sqlite3.connect(tmp_path / "dialer.db")) as db:
        names = {name for (name,) in db.execute("SELECT event FROM inbox")}
        calls = {call for (call,) in db.execute("SELECT call FROM inbox")}
        known = {name for row in db.execute("SELECT call_id, platform_id FROM attempts") for name in row}
    assert "CallHandler.CallStarted" in names
    assert calls <= known
