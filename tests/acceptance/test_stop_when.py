"""`stop_when`, with real processes: a list of 60 is not burnt, the calls are named, and a person says what follows."""

from __future__ import annotations

import contextlib
import re
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.kit import Ended, World, number
from tests.acceptance.oracle import everyone_settled, nobody_over_rung

PEOPLE = 60
SLOWLY = {"calls_per_second": 25, "concurrent_calls": 4}
MUTE = {"mix": {"user_ended_call": 1.0}, "call_seconds": 1.0}


def _world(folder: Path, **changes: Any) -> tuple[World, Path]:
    world = World(folder)
    world.people(PEOPLE)
    return world, world.campaign(pace=SLOWLY, **changes)


def _stopped(world: World, ended: Ended, rule: str) -> list[str]:
    """It stopped early for that rule; gives the calls that it names."""
    assert ended.code == 70, ended.err
    assert ended.closing.startswith(f"camp 70 stop_when_{rule} ")
    assert world.states()["due"] > 10, "it did not stop early"
    (named,) = re.findall(r"look at them in Verbex \((.*?)\)", ended.err)[:1]
    ids = [name for name in re.split(r", | and ", named) if not name.endswith(" more")]
    assert len(ids) == 5
    assert set(ids) <= {row["platform_id"] for row in world.attempts()}
    return ids


def _the_next_run_dials_nobody(world: World, path: Path) -> None:
    before = len(world.rings())
    again = world.run("run", path)
    assert again.code == 70, again.err
    assert again.closing.startswith("camp 70 stop_when ")
    assert "look at them in Verbex" in again.err
    assert "paused by `stop_when`" in world.run("status", path).out
    assert len(world.rings()) == before


@pytest.mark.ci
@pytest.mark.slow
def test_a_mute_agent_stops_the_list_until_a_person_has_looked(tmp_path: Path) -> None:
    rules = {"under_8s": "40% of 20"}
    world, path = _world(tmp_path, platform={"simulator": MUTE}, stop_when=rules)
    _stopped(world, world.run("run", path), "under_8s")
    first = len(world.rings())
    assert first >= 9
    _the_next_run_dials_nobody(world, path)

    resumed = world.run("resume", path, "--reason", "the agent was mute")
    assert resumed.out == "camp: the pause is taken back; the next run goes on\n"
    once_more = world.run("run", path)  # the agent is still mute: a new window, and it stops again
    assert once_more.code == 70, once_more.err
    assert len(world.rings()) >= first + 9

    world.run("resume", path)
    world.campaign(pace=SLOWLY, platform={"simulator": MUTE | {"call_seconds": 60.0}}, stop_when=rules)
    mended = world.run("run", path)
    assert mended.code == 0, mended.err
    everyone_settled(world, people=PEOPLE)


@pytest.mark.slow
def test_a_platform_that_fails_stops_the_list(tmp_path: Path) -> None:
    failing = {"mix": {"llm_websocket_initialization_error": 1.0}}
    later, rules = {"platform_failed": "1h"}, {"platform_failed": "10% of 50"}
    world, path = _world(tmp_path, platform={"simulator": failing}, retry=later, stop_when=rules)
    _stopped(world, world.run("run", path), "platform_failed")
    _the_next_run_dials_nobody(world, path)
    nobody_over_rung(world.rings())


@pytest.mark.ci
@pytest.mark.slow
def test_a_full_account_stops_nothing(tmp_path: Path) -> None:
    """It has one line, dialer is told of four."""
    full = {"concurrent_calls": 1, "full_answer": "record", "mix": {"user_ended_call": 1.0}, "call_seconds": 300.0}
    strict = {"platform_failed": "1% of 10", "opt_out": "1% of 10", "under_8s": "50% of 2"}
    world = World(tmp_path)
    world.people(10)
    path = world.campaign(pace=SLOWLY, platform={"simulator": full | {"time_scale": 2000}}, stop_when=strict)
    ended = world.run("run", path)
    assert ended.code == 0, ended.err
    assert any(ring.turned_away for ring in world.rings())
    everyone_settled(world, people=10)


@pytest.mark.ci
@pytest.mark.slow
def test_opt_outs_during_the_calls_stop_the_list(tmp_path: Path) -> None:
    """Whoever is on the line opts out; so it is written down while the run goes on."""
    long = {"mix": {"user_ended_call": 1.0}, "call_seconds": 60.0}
    world, path = _world(tmp_path, platform={"simulator": long}, stop_when={"opt_out": "10% of 30"})
    with world.running("run", path) as run:

        def opted_out() -> bool:
            with contextlib.closing(sqlite3.connect(world.ledger, timeout=5)) as db:
                db.execute("UPDATE contacts SET stop = 'opted_out' WHERE state = 'dialing' AND stop IS NULL")
                db.commit()
                found = db.execute("SELECT COUNT(*) FROM contacts WHERE stop IS NOT NULL AND state = 'done'")
                return bool(found.fetchone()[0] >= 4)

        run.until(lambda: world.states()["dialing"])
        run.until(lambda: opted_out() or run.process.poll() is not None)
        ended = run.ended()
    assert ended.code == 70, ended.err
    assert ended.closing.startswith("camp 70 stop_when_opt_out ")
    assert world.states()["due"] > 10
    _the_next_run_dials_nobody(world, path)
    assert number(0) in {ring.to_number for ring in world.rings()}
