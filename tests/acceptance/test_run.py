"""The main job: a campaign, from its file to its result."""

from __future__ import annotations

import csv
import re
import shutil
from pathlib import Path

import pytest

from tests.acceptance.kit import ROOT, World
from tests.acceptance.oracle import by_person, everyone_settled, fate, most_in_a_second, most_live, nobody_over_rung

COLUMNS = [
    *("campaign", "id", "phone", "state", "attempts", "finish_reason", "call_status", "call_id", "platform_id"),
    *("from_number", "ai_agent_id", "started_at", "ended_at", "duration_seconds", "recording_url", "transcript"),
    *("due_at", "detail", "rule", "rule_version"),
]
FULL = "concurrent_call_limit_reached"


@pytest.mark.slow
def test_the_demo_is_taken_to_its_end_and_exported(tmp_path: Path) -> None:
    folder = tmp_path / "campaigns"
    folder.mkdir()
    for name in ("demo.yaml", "demo-contacts.csv"):
        shutil.copy(ROOT / "campaigns" / name, folder)
    world = World(folder)
    world.ledger, world.rings_file = folder / "demo.db", folder / "demo.db.rings.jsonl"

    ended = world.run("run", "demo.yaml", within=90)

    assert (ended.code, ended.closing) == (0, "demo 0 finished next=- due=0 live=0 unknown=0"), ended.err
    assert ended.seconds < 60
    assert "demo: 300 people" in ended.out
    assert re.search(r"\d+ reached", ended.out)
    _check_rings(world)

    exported = world.run("export", "demo.yaml", "-o", "results.csv")
    assert exported.code == 0, exported.err
    with (folder / "results.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    own = ["appointment_id", "name", "phone", "date", "time", "amount_due"]
    assert list(rows[0]) == COLUMNS + [f"row.{column}" for column in own]
    assert len(rows) == len({row["id"] for row in rows}) == 300
    contacts = world.contacts("demo")
    assert {row["id"]: row["state"] for row in rows} == {who: row["state"] for who, row in contacts.items()}


def _check_rings(world: World) -> None:
    rings = world.rings()
    nobody_over_rung(rings)
    contacts = world.contacts("demo")
    told = {ring.metadata["appointment_id"] for ring in rings if ring.metadata}
    assert told == contacts.keys()
    rung: dict[str, int] = dict.fromkeys(contacts, 0)
    for ring in rings:
        assert ring.metadata is not None
        rung[ring.metadata["appointment_id"]] += ring.reason != FULL
    assert max(rung.values()) <= 3
    assert rung == {who: row["attempts"] for who, row in contacts.items()}
    # Somebody found the account full, and was dialled again under a new call id.
    turned_away = [ring for ring in rings if ring.turned_away]
    assert turned_away
    for ring in turned_away:
        later = [each for each in rings if each.to_number == ring.to_number and each.at > ring.at]
        assert later
        assert ring.call_id not in {each.call_id for each in later}
    assert 15 <= most_live(rings) <= 20
    # 25 a second, two let go together; an event loop that is held up for a quarter of a second lets those that
    # were due in it arrive with the next.
    assert most_in_a_second(ring.at for ring in rings) <= 25 + 2 + 25 // 4


@pytest.mark.slow
def test_the_lines_of_the_campaign_are_kept_below_those_of_the_account(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.people(40)
    path = world.campaign(pace={"calls_per_second": 40, "concurrent_calls": 6})
    assert world.run("run", path).code == 0
    everyone_settled(world, people=40)
    assert 5 <= most_live(world.rings()) <= 6


@pytest.mark.slow
def test_the_calls_per_second_are_kept(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.people(30)
    path = world.campaign(pace={"calls_per_second": 8}, retry={"attempts": 1})
    ended = world.run("run", path)
    assert ended.code == 0, ended.err
    moments = [ring.at for ring in world.rings()]
    # One by one: 8 in a second, one at its edge, and one more that a held-up event loop may bring in late.
    assert most_in_a_second(moments) <= 8 + 2
    assert max(moments) - min(moments) <= 30 / 8 * 1.25


@pytest.mark.slow
def test_the_same_command_again_dials_nobody_and_a_longer_list_only_the_new(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.people(15)
    path = world.campaign()
    assert world.run("run", path).code == 0
    before = world.rings()
    again = world.run("run", path)
    assert (again.code, again.closing) == (0, "camp 0 finished next=- due=0 live=0 unknown=0")
    assert world.rings() == before
    world.people(20)
    assert world.run("run", path).code == 0
    assert world.rings()[: len(before)] == before
    assert by_person(world.rings()[len(before) :]).keys() <= {f"P-{n:04d}" for n in range(15, 20)}
    everyone_settled(world, people=20)


@pytest.mark.slow
def test_the_oracle_sees_a_second_ring(tmp_path: Path) -> None:
    """The judge of these tests is not blind."""
    world = World(tmp_path)
    world.people(3)
    assert world.run("run", world.campaign(retry={"attempts": 1})).code == 0
    rings = world.rings()
    with pytest.raises(AssertionError, match="rung twice"):
        nobody_over_rung([*rings, rings[0]])
    with pytest.raises(AssertionError, match="rung again"):
        fate([rings[0], rings[0]], most=1)
