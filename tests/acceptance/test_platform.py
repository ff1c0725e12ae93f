"""A platform that refuses, redirects, slows down, is not there, goes away and comes back."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from tests.acceptance.kit import KEY, OWN, World, merged, number, person, simulator
from tests.acceptance.oracle import everyone_settled, nobody_over_rung
from tests.acceptance.proxy import Answered, Asked, Proxy, between

PEOPLE = 16


@contextlib.contextmanager
def _platform(folder: Path, *options: str) -> Iterator[tuple[World, Proxy]]:
    world = World(folder)
    world.people(PEOPLE)
    with simulator(world, *options) as (_, port), between(port) as proxy:
        yield world, proxy


def _campaign(world: World, url: str, **changes: object) -> Path:
    platform = {"url": url, "api_key": "${DIALER_TEST_KEY}", "simulator": ...}
    world.environ["DIALER_TEST_KEY"] = KEY
    slow = {"pace": {"calls_per_second": 20}, "retry": {"attempts": 1}}
    return world.campaign(platform=platform, **merged(slow, changes))


def _free_port() -> int:
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _problem(error: str, message: str) -> dict[str, str]:
    return {"error": error, "message": message}


def _fault(field: str, message: str) -> dict[str, object]:
    return {"detail": [{"loc": ["body", field], "msg": message, "type": "value_error"}]}


def _dials(answer: Callable[[Asked], Answered | None]) -> Callable[[Asked], Answered | None]:
    return lambda asked: answer(asked) if asked.is_dial else None


@pytest.mark.slow
def test_a_wrong_key_dials_nobody_and_loses_nothing(tmp_path: Path) -> None:
    with _platform(tmp_path, "--api-key", KEY) as (world, proxy):
        path = _campaign(world, proxy.url)
        wrong = world.run("run", path, DIALER_TEST_KEY="API_canary_wrong")
        assert (wrong.code, wrong.closing.split()[:3]) == (77, ["camp", "77", "key_refused"])
        assert "platform.api_key" in wrong.err
        assert "API_canary_wrong" not in wrong.out + wrong.err
        assert proxy.dials == []
        right = world.run("run", path)
        assert right.code == 0, right.err
    everyone_settled(world, people=PEOPLE, most=1)


REFUSALS = {
    "401": (401, _problem("unauthorized", "This key was taken back."), 77, "key_refused", "taken back"),
    "402": (402, _problem("payment_required", "No credit left."), 77, "invalid_payment", "No credit left"),
    "403": (403, _problem("forbidden", "This key may not dial."), 77, "key_refused", "may not dial"),
    "404": (404, _problem("not_found", "No such path."), 78, "no_such_path", "platform.url"),
    "422 of what is the same for all": (422, _fault("from_number", "not yours"), 78, "rejected", "from_number"),
    "422 of everybody": (422, _fault("to_number", "not a number"), 78, "rejected", "5 dials in a row"),
}


@pytest.mark.slow
def test_a_refusal_of_everybody_stops_the_run_and_they_are_due_again(tmp_path: Path) -> None:
    """One refusal after the other; when it is over, everybody is still there to be called."""
    with _platform(tmp_path) as (world, proxy):
        path = _campaign(world, proxy.url)
        for kind, (status, body, code, reason, words) in REFUSALS.items():
            came = len(proxy.dials)
            proxy.rule = _dials(_always(Answered(status, body)))
            ended = world.run("run", path)
            assert (ended.code, ended.closing.split()[:3]) == (code, ["camp", str(code), reason]), (kind, ended.err)
            assert words in ended.err, kind
            assert ended.closing.endswith(f"due={PEOPLE} live=0 unknown=0"), kind
            assert {(row["state"], row["attempts"]) for row in world.contacts().values()} == {("due", 0)}, kind
            assert 0 < len(proxy.dials) - came < PEOPLE, kind
        proxy.rule = lambda _: None
        healed = world.run("run", path)
        assert healed.code == 0, healed.err
    everyone_settled(world, people=PEOPLE, most=1)


def _always(answer: Answered) -> Callable[[Asked], Answered]:
    return lambda _: answer


@pytest.mark.slow
def test_one_row_that_the_platform_rejects_is_excluded_in_its_words(tmp_path: Path) -> None:
    with _platform(tmp_path) as (world, proxy):
        bad = Answered(422, _fault("to_number", "This number is on a block list"))
        proxy.rule = _dials(lambda asked: bad if asked.number == number(7) else None)
        ended = world.run("run", _campaign(world, proxy.url))
        assert ended.code == 0, ended.err
        assert sum(asked.number == number(7) for asked in proxy.dials) == 1
    contacts = world.contacts()
    assert contacts[person(7)]["state"] == "excluded"
    assert "This number is on a block list" in contacts[person(7)]["detail"]
    assert {row["state"] for who, row in contacts.items() if who != person(7)} <= {"done", "exhausted"}
    nobody_over_rung(world.rings())


@pytest.mark.slow
def test_a_redirect_is_not_followed_and_wants_to_be_looked_at(tmp_path: Path) -> None:
    with _platform(tmp_path) as (world, proxy), between(1) as elsewhere:
        path = _campaign(world, proxy.url)
        for status in (302, 307):
            moved = Answered(status, None, {"Location": f"{elsewhere.url}/v1/calls/dial-outbound-phone-call"})
            proxy.rule = _dials(_always(moved))
            ended = world.run("run", path, "--grace", "1s")
            assert (ended.code, ended.closing.split()[:3]) == (70, ["camp", "70", "redirect"]), ended.err
        assert elsewhere.asked == []
        assert 2 <= len(proxy.dials) < PEOPLE
        proxy.rule = lambda _: None
        healed = world.run("run", path)
        assert healed.code == 0, healed.err
    everyone_settled(world, people=PEOPLE, most=1)


@pytest.mark.slow
def test_too_many_requests_hold_all_dials_for_as_long_as_asked(tmp_path: Path) -> None:
    with _platform(tmp_path) as (world, proxy):
        came: list[float] = []

        def rule(asked: Asked) -> Answered | None:
            if not asked.is_dial:
                return None
            came.append(time.monotonic())
            return Answered(429, _problem("slow_down", "Too many."), {"Retry-After": "2"}) if len(came) == 3 else None

        proxy.rule = rule
        ended = world.run("run", _campaign(world, proxy.url))
        assert ended.code == 0, ended.err
        # What had already left when the answer came is not held.
        pause = max(later - earlier for earlier, later in pairwise(came))
        assert pause >= 1.7
        refused = proxy.dials[2]
        again = [asked for asked in proxy.dials if asked.number == refused.number]
        assert [asked.body["call_id"] for asked in again] == [refused.body["call_id"]] * 2
    everyone_settled(world, people=PEOPLE, most=1)


@pytest.mark.slow
@pytest.mark.parametrize("where", ["record of another number", "record of another call"])
def test_an_answer_for_somebody_else_wants_to_be_looked_at(tmp_path: Path, where: str) -> None:
    """The call was placed; its answer is another's. The run stops, and the next one finds out."""
    with _platform(tmp_path) as (world, proxy):
        to = "+12025559999" if where == "record of another number" else None
        proxy.rule = _dials(lambda asked: Answered(201, _record(asked, to)) if asked.number == number(3) else None)
        path = _campaign(world, proxy.url)
        ended = world.run("run", path)
        assert ended.code == 70, ended.err
        assert world.contacts()[person(3)]["state"] == "unknown"
        proxy.rule = lambda _: None
        healed = world.run("run", path)
        assert healed.code == 0, healed.err
    everyone_settled(world, people=PEOPLE, most=1)


def _record(asked: Asked, to: str | None) -> dict[str, object]:
    return {
        "_id": "f" * 24,
        "call_status": "registered",
        "from_number": OWN,
        "to_number": to or asked.number,
        "direction": "outbound",
        "metadata": {"dialer_call_id": "SOMEBODYELSE"},
    }


@pytest.mark.slow
def test_it_goes_away_in_the_middle_and_the_run_goes_on_by_itself(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.people(PEOPLE * 2)
    with simulator(world) as (first, port):
        path = _campaign(world, f"http://127.0.0.1:{port}", pace={"calls_per_second": 15})
        with world.running("run", path) as run:
            run.until(lambda: len(world.rings()) >= 8)
            first.kill()
            before = len(world.rings())
            refused = "SELECT 1 FROM events WHERE event = 'refused' LIMIT 1"
            run.until(lambda: bool(world.ask(refused)), within=15)
            with simulator(world, port=port):
                ended = run.ended(60)
    assert (ended.code, ended.closing) == (0, "camp 0 finished next=- due=0 live=0 unknown=0"), ended.err
    assert len(world.rings()) > before
    # Nobody waits much longer for the ends of calls than the platform was away.
    assert ended.seconds < 25
    everyone_settled(world, people=PEOPLE * 2, most=1)


@pytest.mark.ci
@pytest.mark.slow
def test_it_was_never_there(tmp_path: Path) -> None:
    """Given up after a minute: nobody is spent, and the same command does it once there is somebody to ask."""
    world = World(tmp_path)
    world.people(PEOPLE)
    port = _free_port()
    path = _campaign(world, f"http://127.0.0.1:{port}")
    ended = world.run("run", path, within=100)
    assert (ended.code, ended.closing.split()[:3]) == (69, ["camp", "69", "unreachable"]), ended.err
    assert 55 < ended.seconds < 90
    assert "platform.url" in ended.err
    assert {(row["state"], row["attempts"], row["serial"]) for row in world.contacts().values()} == {("due", 0, 0)}
    with simulator(world, port=port):
        assert world.run("run", path).code == 0
    everyone_settled(world, people=PEOPLE, most=1)


@pytest.mark.slow
def test_it_comes_while_the_run_waits_for_it(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.people(PEOPLE)
    port = _free_port()
    path = _campaign(world, f"http://127.0.0.1:{port}")
    with world.running("run", path) as run:
        run.until(lambda: world.states()["due"] == PEOPLE)
        with simulator(world, port=port):
            ended = run.ended(30)
    assert ended.code == 0, ended.err
    everyone_settled(world, people=PEOPLE, most=1)
