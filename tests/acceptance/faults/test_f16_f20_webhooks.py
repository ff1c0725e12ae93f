"""F16–F20: webhooks that come often, too early, in the wrong order, from somebody else, or not at all."""

from __future__ import annotations

import json
import socket
import threading
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.faults.hooks import (
    ANALYSED,
    ENDED,
    STARTED,
    forged,
    inbox,
    listening,
    post,
    relaying,
    subscribed,
    until_listening,
)
from tests.acceptance.faults.kit import Stage, first_dial, invariants, nothing, stage
from tests.acceptance.kit import KEY, World, number
from tests.acceptance.oracle import nobody_over_rung
from tests.acceptance.proxy import Asked, Changed, Cut, Delayed, Fate, free_port
from tests.webhook_kit import OTHER

FEW = 4
TALK = {"mix": {"user_ended_call": 1.0}}
IMPATIENT = {"client": {"dial_timeout": 0.8}}
"""An answer may take 30 s as it is shipped."""


def reads_of(there: Stage) -> list[str]:
    """The calls that were asked for by themselves, by the id that was asked for."""
    gets = [asked.path.removeprefix("/v1/calls/") for asked in there.proxy.asked if asked.method == "GET"]
    return [name for name in gets if not name.startswith("?")]


def moved_once(there: Stage, people: int) -> None:
    """Whatever was told how often: each was placed once, and ended once."""
    for n in range(people):
        assert there.events(n) == ["intended", "placed", "ended"]


# --- F16, F17 -------------------------------------------------------------------------------------


@pytest.mark.slow
def test_f16_one_webhook_ten_times_at_once(tmp_path: Path) -> None:
    """One transition, every answer 2xx, and kept once."""
    with stage(tmp_path, FEW, call_seconds=100, **TALK) as there, relaying() as relay:
        relay.copies = 10
        invariants(there, there.run("run", subscribed(there, relay)), people=FEW)
        taken = [passed for passed in relay.passed if set(passed.statuses) == {200}]
        assert {passed.event for passed in taken} == {STARTED, ENDED, ANALYSED}
        assert not [passed for passed in relay.passed if set(passed.statuses) - {200, 503}]
        assert len(inbox(there)) == len({row["trace_id"] for row in inbox(there)}) == len(taken)
        moved_once(there, FEW)
        assert reads_of(there)  # what was told is read back


@pytest.mark.slow
def test_f17_the_end_is_told_before_the_beginning(tmp_path: Path) -> None:
    """The terminal state stands."""
    ended: defaultdict[str, threading.Event] = defaultdict(threading.Event)

    def wait_for_the_end(event: str, body: bytes) -> None:
        if event == STARTED:
            ended[json.loads(body)["payload"]["call_id"]].wait(3)

    def note_the_end(event: str, body: bytes) -> None:
        if event == ENDED:
            ended[json.loads(body)["payload"]["call_id"]].set()

    with stage(tmp_path, FEW, call_seconds=100, **TALK) as there, relaying() as relay:
        relay.before, relay.after = wait_for_the_end, note_the_end
        path = subscribed(there, relay)
        there.proxy.rule = first_dial({FEW - 1: Delayed(back=2.0)})  # so that the run hears of the beginnings too
        invariants(there, there.run("run", path), people=FEW)
        moved_once(there, FEW)
        began = [passed.trace for passed in relay.passed if passed.event == STARTED and passed.statuses == (200,)]
        assert began
        order = [(row["call"], row["event"]) for row in inbox(there)]
        for call in {call for call, event in order if event == STARTED}:
            assert order.index((call, ENDED)) < order.index((call, STARTED))


# --- F18 ------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("which", ["custom", "platform"])
def test_f18_the_end_is_told_before_the_answer_to_the_dial(tmp_path: Path, which: str) -> None:
    """Kept, and applied as soon as the answer is there."""
    with stage(tmp_path, FEW, webhook_id=which, **TALK) as there, relaying() as relay:
        path = subscribed(there, relay)
        there.proxy.rule = first_dial({2: Delayed(back=2.0)})
        invariants(there, there.run("run", path), people=FEW)
        [attempt] = there.attempts_of(2)
        names = {attempt["call_id"], attempt["platform_id"]}
        [told] = [row for row in inbox(there) if row["call"] in names and row["event"] == ENDED]
        assert told["received_at"] < attempt["placed_at"] < attempt["closed_at"]
        assert names & set(reads_of(there))
        moved_once(there, FEW)


@pytest.mark.slow
@pytest.mark.parametrize("which", ["custom", "platform"])
def test_f18_the_answer_to_the_dial_never_comes_after_it_was_told(tmp_path: Path, which: str) -> None:
    """A timeout does not undo what was told: the call is found at once, long before the hold is over."""
    with stage(tmp_path, FEW, webhook_id=which, **TALK) as there, relaying() as relay:
        path = subscribed(there, relay, recovery={"hold": "50s"})
        there.proxy.rule = first_dial({2: Cut(after=True, held=True)})
        ended = there.run_in(there.defaults(**IMPATIENT), path)
        invariants(there, ended, people=FEW)
        assert ended.seconds < 25
        assert len(there.ids(2)) == there.rings_of(2) == 1
        assert there.events(2)[:2] == ["intended", "held"]
        assert "looked_up" not in there.events(2)


@pytest.mark.slow
def test_f18_what_was_told_is_never_believed_absent(tmp_path: Path) -> None:
    """The answer is lost, a webhook tells of the call, and the platform shows it no more: unknown, not redialled."""
    with stage(tmp_path, FEW, webhook_id="custom", **TALK) as there, relaying() as relay:
        path = subscribed(there, relay)
        there.proxy.rule = _forgotten(2)
        ended = there.run_in(there.defaults(**IMPATIENT), path)
        assert (ended.code, there.states()["unknown"]) == (3, 1), ended.err
        assert len(there.ids(2)) == there.rings_of(2) == 1
        assert there.run("run", path).code == 3
        nobody_over_rung(there.rings())
        assert len(there.proxy.dials) == FEW
        there.proxy.rule = nothing
        invariants(there, there.run("run", path), people=FEW)


def _forgotten(n: int) -> Any:
    """The answer to a person's dial is lost, and no read shows the call."""
    cut = first_dial({n: Cut(after=True, held=True)})
    hidden: set[str] = set()

    def without(answer: dict[str, Any]) -> dict[str, Any]:
        if answer.get("to_number") == number(n):
            hidden.add(answer["_id"])
            return {"error": "not_found", "message": "No such call."}
        calls = [call for call in answer.get("calls", ()) if call["to_number"] != number(n)]
        return answer | ({"calls": calls} if "calls" in answer else {})

    def rule(asked: Asked) -> Fate | None:
        return cut(asked) if asked.is_dial else Changed(without)

    return rule


# --- F19, and a call that we do not know ------------------------------------------------------------

CANARY = "canary-in-a-body"


def _picture(there: Stage) -> list[tuple[Any, ...]]:
    queries = ("SELECT * FROM contacts", "SELECT * FROM attempts", "SELECT * FROM events")
    return [tuple(row) for query in queries for row in there.ask(f"{query} ORDER BY id")]


@pytest.mark.slow
def test_f19_webhooks_that_are_not_the_platforms(tmp_path: Path) -> None:
    """Forged, old, ahead, repeated, too large: refused, without a trace of what they held. A stranger's is kept."""
    port, go_on, there_is_one = free_port(), threading.Event(), threading.Event()

    def one_dial_stands_still(asked: Asked) -> Fate | None:
        if asked.number == number(1) if asked.is_dial else False:
            there_is_one.set()
            go_on.wait(30)
        return None

    with stage(tmp_path, FEW, **TALK) as there:
        there.proxy.rule = one_dial_stands_still
        path = there.plan(webhooks=listening(port), pace={"concurrent_calls": 1})
        with there.running("run", path) as run:
            run.until(there_is_one.is_set)
            run.until(lambda: there.states()["done"] == 1)
            call = there.ids(1)[0]
            before = _picture(there)
            good = forged("stranger", "66f1c0ffee")
            statuses = [
                post(port, forged(CANARY, call, secret=OTHER)),
                post(port, forged(CANARY, call).without("x-webhook-signature")),
                post(port, forged(CANARY, call, ahead=-360)),
                post(port, forged(CANARY, call, ahead=360)),
                post(port, good),
                post(port, good),
                post(port, _large()),
            ]
            after = _picture(there)
            go_on.set()
            invariants(there, run.ended(), people=FEW)
        assert statuses == [401, 401, 401, 401, 200, 200, 413]
        assert after == before
        assert [(row["trace_id"], row["call"]) for row in inbox(there)] == [("stranger", "66f1c0ffee")]
        left = b"".join(file.read_bytes() for file in tmp_path.iterdir() if file.is_file())
        assert CANARY.encode() not in left
        assert b"a webhook was refused" in left


def _large() -> Any:
    sent = forged(CANARY, CANARY * (2 * 1024 * 1024 // len(CANARY)))
    assert len(sent.body) > 2_000_000
    return sent


# --- F20 ------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_f20_the_webhooks_never_come(tmp_path: Path) -> None:
    """Reading settles it."""
    with stage(tmp_path) as there, relaying() as relay:
        relay.copies = 0
        invariants(there, there.run("run", subscribed(there, relay)))
        assert inbox(there) == []


@pytest.mark.slow
def test_f20_an_end_that_nobody_ever_tells(tmp_path: Path) -> None:
    """Past the longest time of a call it is unknown, and is not dialled again by itself."""
    with stage(tmp_path, FEW, **TALK) as there, relaying() as relay:
        relay.copies = 0
        path = subscribed(there, relay, call={"longest": "1m"})
        there.proxy.rule = _lost_sight_of(2)
        short = there.seams(
            DEFAULTS=json.dumps({"dialer.attempt": {"_ONE_MORE_LOOK": 0.5}}), CLOCK=str(there.clock_file)
        )
        with there.running("run", path, **short) as run:
            run.until(lambda: there.states()["done"] == FEW - 1)
            run.kill()
        there.shift_clock(90)
        ended = there.run_in(short, path)
        assert (ended.code, ended.closing) == (3, "camp 3 unknown_left next=- due=0 live=0 unknown=1"), ended.err
        assert len(there.ids(2)) == there.rings_of(2) == 1
        assert there.details(2, "held")[0] == "its end was never told"
        there.proxy.rule = nothing
        invariants(there, there.run("run", path), people=FEW)


def _lost_sight_of(n: int) -> Any:
    """A call is answered for, and shown by no read after that."""
    hide = _forgotten(n)

    def rule(asked: Asked) -> Fate | None:
        fate: Fate | None = None if asked.is_dial else hide(asked)
        return fate

    return rule


# --- written down before it is thanked for ----------------------------------------------------------


@pytest.mark.slow
def test_f18_what_was_answered_with_200_is_on_disk_and_helps_the_next_run(tmp_path: Path) -> None:
    """Killed right after the answer: the row is there, and the next run finds the open call before its hold is over."""
    with stage(tmp_path, FEW, **TALK) as there:
        port = free_port()
        path = there.plan(webhooks=listening(port), recovery={"hold": "50s"})
        there.proxy.rule = first_dial({2: Cut(after=True, held=True)})
        with there.running("run", path) as run:
            run.until(lambda: there.ids(2) and there.states()["done"] == FEW - 1)
            until_listening(run)
            status = post(port, forged("last", there.ids(2)[0], name=STARTED))
            run.kill()
        assert status == 200
        assert [(row["trace_id"], row["call"]) for row in inbox(there)] == [("last", there.ids(2)[0])]
        there.proxy.rule = nothing
        ended = there.run("run", path)
        invariants(there, ended, people=FEW)
        assert ended.seconds < 25
        assert len(there.ids(2)) == there.rings_of(2) == 1


# --- where nothing can be heard ---------------------------------------------------------------------


@pytest.mark.slow
def test_a_port_that_is_taken_is_said_before_anybody_is_dialled(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.people(FEW)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = world.run("run", world.campaign(webhooks=listening(port)))
    assert ended.code == 78
    assert f"webhooks.listen: 127.0.0.1:{port} cannot be listened on: Address already in use" in ended.err
    assert "Nobody was dialled" in ended.err
    assert world.rings() == []


@pytest.mark.slow
def test_without_a_secret_nobody_is_dialled(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.people(FEW)
    hooks = {name: text for name, text in listening(free_port()).items() if name != "secret"}
    platform = {"url": "http://127.0.0.1:9", "api_key": KEY, "simulator": ...}
    ended = world.run("run", world.campaign(webhooks=hooks, platform=platform))
    assert ended.code == 78
    assert "webhooks.secret is missing" in ended.err
    assert world.rings() == []
    assert not world.ledger.exists()
