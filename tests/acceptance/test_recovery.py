"""Answers that are lost on the way: what becomes of the person is found out from the platform, never guessed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.kit import KEY, World, number, simulator
from tests.acceptance.oracle import everyone_settled, nobody_over_rung
from tests.acceptance.proxy import Answered, Asked, Cut, Fate, Proxy, Rule, between

PEOPLE = 12
LOST = number(5)
"""The person whose answer is lost."""


@contextlib.contextmanager
def _platform(folder: Path, people: int = PEOPLE) -> Iterator[tuple[World, Proxy]]:
    world = World(folder)
    world.people(people)
    with simulator(world) as (_, port), between(port) as proxy:
        yield world, proxy


def _campaign(world: World, proxy: Proxy, **changes: Any) -> Path:
    platform = {"url": proxy.url, "api_key": KEY, "simulator": ...}
    return world.campaign(platform=platform, **changes)


def _once(cut: Cut, to: str = LOST) -> Rule:
    """A rule that cuts the first dial of one person."""
    seen: list[Asked] = []

    def rule(asked: Asked) -> Cut | None:
        if asked.is_dial and asked.number == to and not seen:
            seen.append(asked)
            return cut
        return None

    return rule


def _ids(proxy: Proxy, to: str = LOST) -> list[str]:
    return [asked.body["call_id"] for asked in proxy.dials if asked.number == to]


@pytest.mark.ci
@pytest.mark.slow
def test_many_answers_lost_in_one_run(tmp_path: Path) -> None:
    """Every third dial is cut, before or after; everybody is settled all the same."""
    with _platform(tmp_path, 30) as (world, proxy):

        def rule(_: Asked) -> Cut | None:
            count = len(proxy.dials)
            return Cut(after=count % 2 == 0) if count % 3 == 0 and proxy.asked[-1].is_dial else None

        proxy.rule = lambda asked: rule(asked) if asked.is_dial else None
        ended = world.run("run", _campaign(world, proxy))
        assert ended.code == 0, ended.err
    everyone_settled(world, people=30)
    assert sum(row["event"] == "held" for row in world.ask("SELECT event FROM events")) >= 10


@pytest.mark.slow
def test_where_looking_up_proves_nothing_the_contact_stays_unknown(tmp_path: Path) -> None:
    """The last of four loses its answer, and from then on no read finds anything."""
    with _platform(tmp_path, 4) as (world, proxy):
        path = _campaign(world, proxy, pace={"concurrent_calls": 1}, retry={"attempts": 1})
        cut = Cut(after=True)
        lose = _once(cut, number(3))

        def rule(asked: Asked) -> Fate | None:
            blind = cut.at.is_set() and not asked.is_dial
            return Answered(404, {"error": "not_found", "message": "No."}) if blind else lose(asked)

        proxy.rule = rule
        ended = world.run("run", path)
        assert (ended.code, ended.closing) == (3, "camp 3 unknown_left next=- due=0 live=0 unknown=1"), ended.err
        assert world.states()["unknown"] == 1
        again = world.run("run", path)
        assert again.code == 3, again.err
        assert len(_ids(proxy, number(3))) == 1
        nobody_over_rung(world.rings())

        proxy.rule = lambda _: None
        healed = world.run("run", path)
        assert (healed.code, healed.closing) == (0, "camp 0 finished next=- due=0 live=0 unknown=0"), healed.err
        assert len(_ids(proxy, number(3))) == 1
    everyone_settled(world, people=4, most=1)


@pytest.mark.slow
def test_an_account_whose_list_shows_nothing_of_ours_proves_no_absence(tmp_path: Path) -> None:
    """A list that is readable but another account's, and a GET that knows no id: nothing is sent again."""
    with _platform(tmp_path, 1) as (world, proxy):
        path = _campaign(world, proxy, retry={"attempts": 1})
        empty = Answered(200, {"calls": [], "next_page_token": None, "total_count": 0})
        missing = Answered(404, {"error": "not_found", "message": "No."})

        def rule(asked: Asked) -> Answered | Cut | None:
            if asked.is_dial:
                return Cut(after=True)
            return empty if asked.path.startswith("/v1/calls/?") else missing

        proxy.rule = rule
        ended = world.run("run", path)
        assert ended.code == 3, ended.err
        assert len(proxy.dials) == 1
        proxy.rule = lambda _: None
        assert world.run("run", path).code == 0
    everyone_settled(world, people=1, most=1)


@pytest.mark.slow
def test_the_last_one_open_is_settled_by_what_the_list_shows_of_the_others(tmp_path: Path) -> None:
    """Nobody else is left to be dialled in the second run, but the list shows calls of the first: it is the right one,
    and what is not in it was not placed."""
    with _platform(tmp_path, 3) as (world, proxy):
        path = _campaign(world, proxy, pace={"concurrent_calls": 1}, retry={"attempts": 1})
        cut = Cut(after=False, held=True)
        proxy.rule = _once(cut, number(2))
        with world.running("run", path) as run:
            run.until(cut.at.is_set)
            run.kill()
        ended = world.run("run", path)
        assert (ended.code, ended.closing) == (0, "camp 0 finished next=- due=0 live=0 unknown=0"), ended.err
        assert len(set(_ids(proxy, number(2)))) == 1
    everyone_settled(world, people=3, most=1)


@pytest.mark.ci
@pytest.mark.slow
def test_too_many_unknown_stop_the_run(tmp_path: Path) -> None:
    with _platform(tmp_path) as (world, proxy):
        path = _campaign(world, proxy, recovery={"max_unknown": 2}, retry={"attempts": 1}, pace={"calls_per_second": 5})

        def rule(asked: Asked) -> Answered | Cut:
            return Cut(after=True) if asked.is_dial else Answered(404, {"error": "not_found", "message": "No."})

        proxy.rule = rule
        ended = world.run("run", path)
        assert ended.code == 70, ended.err
        assert ended.closing.startswith("camp 70 too_many_unknown ")
        assert world.states()["unknown"] >= 3
        proxy.rule = lambda _: None
        healed = world.run("run", path)
        assert healed.code == 0, healed.err
    everyone_settled(world, people=PEOPLE, most=1)
