"""What a command line asks of a run: how far it goes, whom it waits for, what it says."""

from __future__ import annotations

import json
import re
import signal
import time
from pathlib import Path

import pytest

from tests.acceptance.kit import FINISHED, World, number, person, told_json
from tests.acceptance.oracle import by_person, everyone_settled, most_live, nobody_over_rung

PEOPLE = 20
LINE = re.compile(r"[a-z0-9_-]+ \d+ [a-z_]+ next=(-|\d{4}-\d\d-\d\dT\d\d:\d\dZ) due=\d+ live=\d+ unknown=\d+")
EVENT_KEYS = ["at", "level", "event", "text", "facts"]
PROGRESS_KEYS = [
    *("at", "level", "event", "campaign", "rows", "finished", "states", "outcomes", "rejects", "unknown", "lines"),
    *("line_limit", "rate", "rate_limit", "binds", "seconds_left", "next_due"),
]


def _world(folder: Path, people: int = PEOPLE) -> World:
    world = World(folder)
    world.people(people)
    return world


# --- how far it goes -----------------------------------------------------------------------------


@pytest.mark.slow
def test_max_calls_places_so_many_and_awaits_their_ends(tmp_path: Path) -> None:
    world = _world(tmp_path)
    # An account that is smaller than the campaign believes: what is turned away there is no placed call.
    path = world.campaign(platform={"simulator": {"full_answer": "429", "concurrent_calls": 4}}, retry={"attempts": 1})
    ended = world.run("run", path, "--max-calls", "9")
    assert (ended.code, ended.closing.split()[2]) == (75, "max_calls"), ended.err
    assert ended.closing.endswith(f"due={PEOPLE - 9} live=0 unknown=0")
    assert len(world.rings()) == 9
    assert {row["state"] for row in world.attempts()} <= {"ended", "refused"}
    assert world.run("run", path).code == 0
    everyone_settled(world, people=PEOPLE, most=1)


@pytest.mark.slow
def test_max_runtime_takes_nothing_new_after_it(tmp_path: Path) -> None:
    world = _world(tmp_path)
    path = world.campaign(pace={"calls_per_second": 6}, retry={"attempts": 1})
    began = time.time()
    ended = world.run("run", path, "--max-runtime", "2s")
    assert (ended.code, ended.closing.split()[2]) == (75, "max_runtime"), ended.err
    rings = world.rings()
    assert 3 <= len(rings) < PEOPLE
    assert rings[-1].at - rings[0].at <= 2.0
    assert time.time() - began < 12
    assert ended.closing.endswith(f"due={PEOPLE - len(rings)} live=0 unknown=0")
    assert world.states()["dialing"] == 0


@pytest.mark.slow
def test_only_one_person_is_dialled(tmp_path: Path) -> None:
    world = _world(tmp_path)
    script = {number(17): ["line_busy", "user_ended_call"], number(4): ["agent_ended_call"]}
    path = world.campaign(platform={"simulator": {"script": script}})
    by_id = world.run("run", path, "--only", person(17))
    assert by_id.code == 75, by_id.err
    by_number = world.run("run", path, "--only", number(4))
    assert by_number.code == 75, by_number.err
    assert [(ring.to_number, ring.reason) for ring in world.rings()] == [
        (number(17), "line_busy"),
        (number(17), "user_ended_call"),
        (number(4), "agent_ended_call"),
    ]
    assert {who for who, row in world.contacts().items() if row["state"] == "done"} == {person(17), person(4)}
    assert world.states() == {"done": 2, "due": PEOPLE - 2}


@pytest.mark.slow
def test_only_somebody_who_is_not_there_is_told_so(tmp_path: Path) -> None:
    world = _world(tmp_path)
    ended = world.run("run", world.campaign(), "--only", "P-9999")
    assert ended.code == 2
    assert "P-9999" in ended.err
    assert world.rings() == []


def _later(world: World, people: int, wait: str) -> Path:
    """A campaign whose people are all busy at first, and reached at the second ring."""
    world.people(people)
    script = {number(n): ["line_busy", "user_ended_call"] for n in range(people)}
    return world.campaign(platform={"simulator": {"script": script}}, retry={"line_busy": wait})


@pytest.mark.slow
def test_without_wait_a_run_ends_when_the_rest_is_due_later(tmp_path: Path) -> None:
    world = World(tmp_path)
    path = _later(world, 3, "10m")
    ended = world.run("run", path)
    assert (ended.code, ended.closing.split()[2]) == (75, "due_later"), ended.err
    assert re.search(r" next=\d{4}-\d\d-\d\dT\d\d:\d\dZ due=3 live=0 unknown=0$", ended.closing)
    again = world.run("run", path, "--wait", "5s")
    assert again.code == 75
    assert len(world.rings()) == 3


@pytest.mark.ci
@pytest.mark.slow
def test_with_wait_a_run_stays_for_all_of_it(tmp_path: Path) -> None:
    world = World(tmp_path)
    path = _later(world, 3, "62s")
    ended = world.run("run", "--wait", path, within=100)
    assert (ended.code, ended.closing) == (0, "camp 0 finished next=- due=0 live=0 unknown=0"), ended.err
    assert ended.seconds > 60
    everyone_settled(world, people=3)


# --- several campaigns, one ledger ---------------------------------------------------------------


@pytest.mark.slow
def test_several_campaigns_never_ring_one_number_at_once(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.people(20, file="first.csv")
    world.people(20, first=10, file="second.csv")
    slow = {"simulator": {"time_scale": 30}}
    first = world.campaign("first", contacts={"file": "first.csv"}, platform=slow)
    second = world.campaign("second", contacts={"file": "second.csv"}, platform=slow)
    ended = world.run("run", first, second)
    assert ended.code == 0, ended.err
    assert ended.out.splitlines()[-2:] == [
        "first 0 finished next=- due=0 live=0 unknown=0",
        "second 0 finished next=- due=0 live=0 unknown=0",
    ]
    nobody_over_rung(world.rings())
    assert sum(world.states("first").values()) == sum(world.states("second").values()) == 20
    assert {*world.states("first"), *world.states("second")} <= FINISHED
    both = [number(n) for n in range(10, 20)]
    assert all(sum(ring.to_number == each for ring in world.rings()) >= 2 for each in both)
    assert most_live(world.rings()) > 12, "they did not run beside each other"


@pytest.mark.slow
def test_of_several_campaigns_the_gravest_end_is_the_code(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.people(4, file="first.csv")
    world.people(4, first=10, file="second.csv")
    script = {number(n): ["line_busy"] for n in range(10, 14)}
    simulated = {"simulator": {"script": script}}
    first = world.campaign("first", contacts={"file": "first.csv"}, platform=simulated, retry={"attempts": 1})
    second = world.campaign("second", contacts={"file": "second.csv"}, platform=simulated, retry={"line_busy": "1h"})
    ended = world.run("run", first, second, "--result", "result.json")
    assert ended.code == 75, ended.err
    first_line, second_line = ended.out.splitlines()[-2:]
    assert first_line.startswith("first 0 finished ")
    assert second_line.startswith("second 75 due_later ")
    told = told_json(tmp_path / "result.json")
    assert (told["code"], [each["code"] for each in told["campaigns"]]) == (75, [0, 75])


# --- a ledger that is held -----------------------------------------------------------------------


@pytest.mark.slow
def test_a_held_ledger_names_who_holds_it_and_can_be_waited_for(tmp_path: Path) -> None:
    world = _world(tmp_path)
    path = world.campaign(pace={"calls_per_second": 4}, retry={"attempts": 1})
    with world.running("run", path) as first:
        first.until(lambda: bool(world.rings()))
        second = world.run("run", path)
        assert second.code == 11, second.err
        assert f"pid {first.process.pid}" in second.err
        assert second.closing.startswith("camp 11 held ")
        patient = world.run("run", path, "--retry-lock", "30s")
        assert first.process.poll() == 0, "it did not wait for the first to end"
        assert (patient.code, patient.closing.split()[:3]) == (0, ["camp", "0", "finished"]), patient.err
        assert first.ended().code == 0
    everyone_settled(world, people=PEOPLE, most=1)


@pytest.mark.slow
def test_the_patience_with_a_held_ledger_has_an_end(tmp_path: Path) -> None:
    world = _world(tmp_path)
    path = world.campaign(pace={"calls_per_second": 2})
    with world.running("run", path) as first:
        first.until(lambda: bool(world.rings()))
        second = world.run("run", path, "--retry-lock", "1s")
        assert first.process.poll() is None
    assert second.code == 11
    assert "waiting for it up to 1 s" in second.err


# --- settle, pause, resume, cancel ---------------------------------------------------------------


@pytest.mark.slow
def test_settle_collects_the_ends_and_dials_nobody(tmp_path: Path) -> None:
    world = _world(tmp_path)
    path = world.campaign(platform={"simulator": {"time_scale": 20}}, retry={"attempts": 1})
    with world.running("run", path) as run:
        run.until(lambda: len(world.rings()) >= 10)
        run.kill()
    rings = world.rings()
    opened = {row["call_id"] for row in world.attempts() if row["state"] in ("intended", "placed")}
    assert opened
    settled = world.run("settle", path)
    assert (settled.code, settled.closing.split()[2]) == (75, "due_later"), settled.err
    assert world.rings() == rings
    assert {row["state"] for row in world.attempts() if row["call_id"] in {ring.call_id for ring in rings}} == {"ended"}
    assert world.run("run", path).code == 0
    everyone_settled(world, people=PEOPLE, most=1)


@pytest.mark.slow
def test_settle_without_a_ledger_says_that_nothing_is_open(tmp_path: Path) -> None:
    world = _world(tmp_path, 2)
    ended = world.run("settle", world.campaign())
    assert ended.code == 2
    assert "no ledger" in ended.err
    assert not world.ledger.exists()


@pytest.mark.slow
def test_a_pause_takes_effect_within_a_second_and_is_taken_back(tmp_path: Path) -> None:
    world = _world(tmp_path)
    path = world.campaign(pace={"calls_per_second": 3}, retry={"attempts": 1})
    with world.running("run", path) as run:
        run.until(lambda: len(world.rings()) >= 3)
        paused = world.run("pause", path, "--reason", "wrong prices")
        answered_at = time.time()
        ended = run.ended(20)
    assert (paused.code, paused.err) == (0, "")
    assert "camp is paused" in paused.out
    assert max(ring.at for ring in world.rings()) <= answered_at + 0.2
    assert (ended.code, ended.closing.split()[:3]) == (4, ["camp", "4", "paused"]), ended.err
    assert ended.closing.endswith("live=0 unknown=0")
    before = world.rings()
    assert world.run("run", path).code == 4
    assert world.rings() == before
    assert world.run("resume", path).code == 0
    path.write_text(path.read_text().replace("calls_per_second: 3", "calls_per_second: 60"))
    assert world.run("run", path).code == 0
    everyone_settled(world, people=PEOPLE, most=1)


@pytest.mark.slow
def test_a_cancelled_campaign_ends_for_good_while_live_calls_run_out(tmp_path: Path) -> None:
    world = _world(tmp_path)
    path = world.campaign(pace={"calls_per_second": 4}, platform={"simulator": {"time_scale": 20}})
    with world.running("run", path) as run:
        run.until(lambda: len(world.rings()) >= 4)
        cancelled = world.run("cancel", path, "--reason", "called off")
        answered_at = time.time()
        ended = run.ended(30)
    assert cancelled.code == 0, cancelled.err
    assert max(ring.at for ring in world.rings()) <= answered_at + 0.2
    assert ended.code == 4, ended.err
    told, contacts = by_person(world.rings()), world.contacts()
    for who, row in contacts.items():
        talked = any(ring.fate.talk > 0 and ring.reason.endswith("ended_call") for ring in told.get(who, []))
        assert row["state"] in (("done",) if talked else ("excluded", "done", "exhausted")), (who, row["state"])
        assert row["state"] != "excluded" or row["detail"] == "cancelled"
    before = world.rings()
    again = world.run("run", path)
    assert again.code == 4
    assert world.rings() == before
    assert world.run("resume", path).code == 2


# --- what it says --------------------------------------------------------------------------------


@pytest.mark.slow
def test_quiet_is_silent_when_all_is_well(tmp_path: Path) -> None:
    world = _world(tmp_path, 6)
    path = world.campaign(retry={"attempts": 1})
    stopped = world.run("run", path, "--quiet", "--max-calls", "2", "--result", "result.json")
    assert (stopped.code, stopped.out, stopped.err) == (75, "", "")
    assert told_json(tmp_path / "result.json")["reason"] == "max_calls"
    finished = world.run("run", path, "--quiet")
    assert (finished.code, finished.out, finished.err) == (0, "", "")
    paused = world.run("pause", path)
    assert paused.code == 0
    loud = world.run("run", path, "--quiet")
    assert loud.code == 4
    assert loud.closing.startswith("camp 4 paused ")


@pytest.mark.slow
def test_json_lines_have_the_documented_keys_and_no_number_in_full(tmp_path: Path) -> None:
    world = _world(tmp_path, 10)
    path = world.campaign(pace={"calls_per_second": 5})
    with world.running("run", path, "--log-format", "json", "--result", "result.json") as run:
        run.until(lambda: len(world.rings()) >= 4)
        run.send(signal.SIGTERM)
        ended = run.ended(20)
    assert ended.code == 75
    lines = [json.loads(line) for line in ended.err.splitlines()]
    assert {"begins", "list_taken", "progress", "stopping"} <= {line["event"] for line in lines}
    for line in lines:
        assert list(line) == (PROGRESS_KEYS if line["event"] == "progress" else EVENT_KEYS)
    assert not [n for n in range(10) if number(n) in ended.err + ended.out]

    assert LINE.fullmatch(ended.closing)
    told = told_json(tmp_path / "result.json")
    assert (told["campaign"], told["code"], told["reason"]) == ("camp", 75, "stopped")
    assert (told["due"], told["live"], told["unknown"]) == (world.states()["due"] + world.states()["waiting"], 0, 0)
    assert told["rows"] == 10
    assert {state: n for state, n in told["states"].items() if n} == dict(world.states())


@pytest.mark.slow
def test_without_a_terminal_there_are_plain_lines(tmp_path: Path) -> None:
    world = _world(tmp_path, 6)
    ended = world.run("run", world.campaign(retry={"attempts": 1}))
    assert ended.code == 0
    assert "\x1b" not in ended.err + ended.out
    assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ \S", line) for line in ended.err.splitlines())
    assert "hours: always (people are rung at any hour)" in ended.err
    assert "rules: none" in ended.err
    assert not [n for n in range(6) if number(n) in ended.err + ended.out]
    assert LINE.fullmatch(ended.closing)
