"""Every finish reason, in a run of 2,000 people: each ends where the documents say, by the platform's own list."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.kit import World, number, person
from tests.acceptance.oracle import NEVER, REASONS, STOPPING, TALKED, everyone_settled, nobody_over_rung

PEOPLE = 2000
WAITS = {
    "unreached": ["0.3s", "0.2s"],
    "machine": "0.2s",
    "not_connected": "0.25s",
    "platform_failed": ["0.1s", "0.4s"],
    "concurrent_call_limit_reached": "0.5s",
}
# Those who are reached are many enough elsewhere: here the others matter. An account that is full lowers the lines,
# so it must not come by chance too often.
MIX = {reason: 2.0 if reason in TALKED | NEVER else 5.0 for reason in sorted(REASONS - STOPPING)}
MIX["concurrent_call_limit_reached"] = 0.3


@pytest.mark.ci
@pytest.mark.slow
def test_each_of_two_thousand_ends_in_the_state_that_the_policy_says(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.people(PEOPLE)
    path = world.campaign(
        platform={"simulator": {"mix": MIX, "time_scale": 60, "concurrent_calls": 60, "calls_per_second": 400}},
        pace={"calls_per_second": 250, "concurrent_calls": 64},
        retry=WAITS,
    )
    ended = world.run("run", path, within=150)
    assert (ended.code, ended.closing) == (0, "camp 0 finished next=- due=0 live=0 unknown=0"), ended.err
    assert {ring.reason for ring in world.rings()} == REASONS - STOPPING
    everyone_settled(world, people=PEOPLE)


@pytest.mark.slow
def test_an_account_that_cannot_pay_stops_the_run_and_costs_nobody_anything(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.people(30)
    broke = [person(n) for n in (6, 7, 8)]
    script = {number(n): ["invalid_payment", "user_ended_call"] for n in (6, 7, 8)}
    path = world.campaign(platform={"simulator": {"script": script}}, pace={"calls_per_second": 20})
    ended = world.run("run", path)
    assert (ended.code, ended.closing.split()[:3]) == (77, ["camp", "77", "invalid_payment"])
    assert "cannot pay" in ended.err
    contacts = world.contacts()
    assert {(contacts[who]["state"], contacts[who]["attempts"]) for who in broke} == {("due", 0)}
    assert world.states()["due"] > 3, "it did not stop"
    again = world.run("run", path)
    assert again.code == 0, again.err
    nobody_over_rung(world.rings())
    contacts = world.contacts()
    assert {(contacts[who]["state"], contacts[who]["attempts"], contacts[who]["serial"]) for who in broke} == {
        ("done", 1, 2)
    }


@pytest.mark.slow
def test_a_scam_warning_stops_the_run_and_that_person_is_not_rung_again(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.people(30)
    script = {number(n): ["user_ended_call"] for n in range(30)} | {number(4): ["potential_scam_detected"]}
    path = world.campaign(platform={"simulator": {"script": script}}, pace={"calls_per_second": 10})
    ended = world.run("run", path)
    assert (ended.code, ended.closing.split()[:3]) == (70, ["camp", "70", "scam_warning"])
    assert "potential_scam_detected" in ended.err
    warned = world.contacts()[person(4)]
    assert (warned["state"], warned["attempts"], warned["detail"]) == (
        "exhausted",
        1,
        "stopped:potential_scam_detected",
    )
    assert world.states()["due"] > 0
    again = world.run("run", path)
    assert again.code == 0, again.err
    assert sum(ring.to_number == number(4) for ring in world.rings()) == 1
    assert world.states() == {"done": 29, "exhausted": 1}
