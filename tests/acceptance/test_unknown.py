"""The operator's word, with real processes: three calls that nobody can tell of, and what follows from each word."""

from __future__ import annotations

import contextlib
import getpass
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.kit import KEY, World, number, person, simulator
from tests.acceptance.oracle import nobody_over_rung
from tests.acceptance.proxy import Answered, Asked, Cut, Proxy, between

PLACED, DONE, NOT_PLACED, LONG = range(4)
"""The people by what becomes of them. Two were rung, one was not; the fourth keeps the run going."""

RETRY = {"attempts": 2, "unreached": "never", "machine": "never", "not_connected": "never", "platform_failed": "0.2s"}
"""However a call ends that the platform tells of, it is the last; only an operator's word is followed by another."""

EMPTY = Answered(200, {"calls": [], "next_page_token": None, "total_count": 0})
MISSING = Answered(404, {"error": "not_found", "message": "No."})


class _Desk:
    """Loses the answers to the first dials of three people, and hides every call until it is told to show them."""

    def __init__(self, proxy: Proxy) -> None:
        self.lost: set[str] = set()
        self.is_blind = True
        self.proxy = proxy
        proxy.rule = self

    def __call__(self, asked: Asked) -> Answered | Cut | None:
        if asked.is_dial:
            return self._dial(asked.number)
        if not self.is_blind:
            return None
        return EMPTY if asked.path.startswith("/v1/calls/?") else MISSING

    def _dial(self, to: str) -> Cut | None:
        if to == number(LONG) or to in self.lost:
            return None
        self.lost.add(to)
        return Cut(after=to != number(NOT_PLACED))

    def ids(self, place: int) -> list[str]:
        return [asked.call_id for asked in self.proxy.dials if asked.number == number(place)]


@contextlib.contextmanager
def _world(folder: Path, people: int) -> Iterator[tuple[World, _Desk, Path]]:
    world = World(folder)
    world.people(people)
    with simulator(world) as (_, port), between(port) as proxy:
        platform = {"url": proxy.url, "api_key": KEY, "simulator": ...}
        yield world, _Desk(proxy), world.campaign(platform=platform, retry=RETRY)


def _mark(world: World, place: int, word: str, path: Path) -> str:
    marked = world.run("unknown", "mark", person(place), word, path, "--reason", f"seen {place} in Verbex")
    assert marked.code == 0, marked.err
    return marked.out


def _rung(world: World) -> list[int]:
    return [sum(ring.to_number == number(place) for ring in world.rings()) for place in range(4)]


def _told(world: World) -> dict[str, str]:
    """What the events say of each who was marked."""
    sql = "SELECT person, events.detail FROM events JOIN contacts ON contacts.id = contact_id WHERE event = 'marked'"
    return {row[0]: row[1] for row in world.ask(sql)}


def _says_who_and_why(world: World) -> None:
    told = _told(world)
    for place, word in ((PLACED, "placed"), (DONE, "done"), (NOT_PLACED, "not-placed")):
        assert told[person(place)].startswith(f"{word}, says {getpass.getuser()}: seen {place} in Verbex")


@pytest.mark.slow
def test_three_are_listed_and_marked_and_the_next_run_goes_on_with_them(tmp_path: Path) -> None:
    with _world(tmp_path, 3) as (world, desk, path):
        ended = world.run("run", path)
        assert (ended.code, ended.closing) == (3, "camp 3 unknown_left next=- due=0 live=0 unknown=3"), ended.err
        assert _rung(world)[:3] == [1, 1, 0]
        listed = json.loads(world.run("unknown", "list", path, "--json").out)
        assert {(one["person"], one["call_id"]) for one in listed} == {(person(n), desk.ids(n)[0]) for n in range(3)}

        assert "is waiting now" in _mark(world, PLACED, "placed", path)
        assert "is done now" in _mark(world, DONE, "done", path)
        assert "is due now" in _mark(world, NOT_PLACED, "not-placed", path)
        _says_who_and_why(world)
        assert world.run("unknown", "list", path).out == "Nobody is unknown.\n"

        desk.is_blind = False
        again = world.run("run", path)
        assert again.code == 0, again.err
        assert [len(set(desk.ids(place))) for place in range(3)] == [2, 1, 2]
        assert _rung(world)[:3] == [2, 1, 1]
    nobody_over_rung(world.rings())
    contacts = world.contacts()
    assert [contacts[person(place)]["attempts"] for place in range(3)] == [2, 1, 1]
    assert contacts[person(DONE)]["detail"] == "marked by hand"


@pytest.mark.slow
def test_a_word_takes_effect_in_the_run_that_goes_on(tmp_path: Path) -> None:
    """The fourth call is live, as far as anybody can tell, until the platform shows its calls."""
    with _world(tmp_path, 4) as (world, desk, path), world.running("run", path) as run:
        run.until(lambda: world.states() == {"unknown": 3, "dialing": 1})
        assert "is done now" in _mark(world, DONE, "done", path)
        assert "is due now" in _mark(world, NOT_PLACED, "not-placed", path)
        assert "is waiting now" in _mark(world, PLACED, "placed", path)
        again = world.run("unknown", "mark", person(DONE), "not-placed", path)
        assert again.code == 2
        assert "is unknown: `dialer unknown list` shows who is" in again.err
        _says_who_and_why(world)
        run.until(lambda: [len(desk.ids(place)) for place in range(4)] == [2, 1, 2, 1])
        desk.is_blind = False
        ended = run.ended()
        assert ended.code == 0, ended.err
        assert _rung(world) == [2, 1, 1, 1]
    nobody_over_rung(world.rings())
    assert all(state in ("done", "exhausted") for state in world.states())


@pytest.mark.ci
@pytest.mark.slow
def test_where_the_platform_shows_the_call_after_all_nothing_is_left_to_be_marked(tmp_path: Path) -> None:
    with _world(tmp_path, 3) as (world, desk, path):
        assert world.run("run", path).code == 3
        desk.is_blind = False
        healed = world.run("settle", path)
        assert healed.code in (0, 75), healed.err
        late = world.run("unknown", "mark", person(PLACED), "not-placed", path)
        assert late.code == 2
        assert world.run("run", path).code == 0
        assert _rung(world)[DONE] == 1
    nobody_over_rung(world.rings())
    assert "unknown" not in world.states()
