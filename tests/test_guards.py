"""Each guard is taken out where it sits, and the check that watches over it turns red.

Nothing here is a switch of the product: an argument that it has anyway, an index that is dropped, a function that is
replaced in the test. Where a check stays green without its guard, one of the two is good for nothing.
"""

from __future__ import annotations

import asyncio
import itertools
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dialer.ledger import Ledger, inbox, intending
from dialer.model import Event, Secret, WebhookRules
from dialer.policy import callid
from dialer.receiver import Receiver
from tests.acceptance.faults.order import posts, too_early, traced
from tests.acceptance.kit import World
from tests.desk import Desk, Fault, answer, desk
from tests.engine_kit import campaign, heart, looked_up, number, open_ledger
from tests.ledger_kit import forge, founded
from tests.virtual_time import Time, in_virtual_time, moment
from tests.webhook_kit import SECRET, delivery, post

LAG = 30.0
"""Seconds for which the platform knows nothing of a dial that it has taken."""

PEOPLE = [number(n) for n in range(4)]


def queued(verbex: Desk, seconds: float) -> Fault:
    """The dial is taken, its gateway answers 504, and the call is placed only so many seconds later."""

    async def fault(body: dict[str, Any]) -> bytes:
        asyncio.get_running_loop().call_later(seconds, verbex.place, body)
        return answer(504, "gateway timeout")

    return fault


async def run_to_its_end(folder: Path, verbex: Desk, people: list[str] = PEOPLE, **rules: Any) -> None:
    """One run of a campaign over these people, and a while after it, for what comes late."""
    async with open_ledger(folder, verbex.time) as ledger:
        async with heart(campaign(folder, verbex.url, people, **rules), verbex, ledger) as run:
            await run.engine.run()
        await moment(10 * LAG)


def each_was_rung_once(verbex: Desk) -> None:
    assert {one: verbex.rang(one) for one in PEOPLE} == dict.fromkeys(PEOPLE, 1)


def never_two_calls_to_one_number(verbex: Desk) -> None:
    assert verbex.overlaps() == []


def red(check: Callable[[], object]) -> None:
    """The check must fail."""
    with pytest.raises(AssertionError):
        check()


# --- the order of fsync and send -----------------------------------------------------------------

_WITHOUT_FULL = """\
import functools, sys
from dialer.cli import main
from dialer.ledger import Ledger
Ledger.open = functools.partial(Ledger.open, synchronous="NORMAL")
sys.argv = ["dialer", *sys.argv[1:]]
main()
"""


@pytest.mark.slow
def test_without_synchronous_full_a_dial_leaves_before_its_intent_is_on_disk(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.people(4)
    trace = traced(world, "run", world.campaign(retry={"attempts": 1}), program=("-c", _WITHOUT_FULL))
    assert len(list(posts(trace))) == 4
    red(lambda: _nobody_too_early(too_early(trace)))


def _nobody_too_early(found: list[str]) -> None:
    assert found == []


# --- the hold ------------------------------------------------------------------------------------


@pytest.mark.parametrize("hold", [4 * LAG, 0.0])
def test_without_the_hold_an_absence_that_is_believed_too_early_is_a_second_ring(tmp_path: Path, hold: float) -> None:
    async def main() -> None:
        async with desk(Time(), repeated="dialled") as verbex:
            verbex.faults = [queued(verbex, LAG)]
            await run_to_its_end(tmp_path, verbex, hold=hold, attempts=1)
            if hold:
                each_was_rung_once(verbex)
            else:
                red(lambda: each_was_rung_once(verbex))
                assert max(map(verbex.rang, PEOPLE)) == 2

    in_virtual_time(main())


# --- one live call to a number -------------------------------------------------------------------


@pytest.mark.parametrize("guarded", [True, False])
def test_without_a_look_at_live_numbers_one_telephone_rings_twice_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    """Two people of one list share a number, and both are due now: the intent looks, and an index makes sure."""

    async def main() -> None:
        if not guarded:
            forge(founded(tmp_path / "dialer.db"), "DROP INDEX attempts_live_number")
            monkeypatch.setattr(intending, "is_live", lambda *_: False)
        async with desk(Time()) as verbex:
            both = [PEOPLE[0], PEOPLE[0]]
            await run_to_its_end(tmp_path, verbex, both, id="name", one_per="id", attempts=1)
            assert verbex.rang(PEOPLE[0]) == 2
            if guarded:
                never_two_calls_to_one_number(verbex)
            else:
                red(lambda: never_two_calls_to_one_number(verbex))

    in_virtual_time(main())


# --- the call id ---------------------------------------------------------------------------------


@pytest.mark.parametrize("guarded", [True, False])
def test_with_random_call_ids_a_dial_that_is_sent_again_is_another_dial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    """The platform lags for longer than any hold, but knows an id that it has seen: the late one is merged with the one
    that was sent again, if only they have one id."""
    if not guarded:
        monkeypatch.setattr(callid, "call_id", lambda *_: secrets.token_hex(16))

    async def main() -> None:
        async with desk(Time(), repeated="merged") as verbex:
            verbex.faults = [queued(verbex, 5 * LAG)]
            await run_to_its_end(tmp_path, verbex, hold=LAG, attempts=1)
            for check in (each_was_rung_once, _each_dial_is_in_the_ledger(tmp_path)):
                if guarded:
                    check(verbex)
                else:
                    red(lambda check=check: check(verbex))  # type: ignore[misc]

    in_virtual_time(main())


def _each_dial_is_in_the_ledger(folder: Path) -> Callable[[Desk], None]:
    def check(verbex: Desk) -> None:
        known = set(itertools.chain(*looked_up(folder / "dialer.db", "SELECT call_id FROM attempts")))
        assert {body["call_id"] for _, body in verbex.posts} <= known

    return check


# --- a delivery comes once -----------------------------------------------------------------------


@pytest.mark.parametrize("guarded", [True, False])
def test_without_its_trace_id_a_delivery_that_is_repeated_is_heard_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    """One webhook, ten times at once."""
    path = founded(tmp_path / "dialer.db")
    if not guarded:
        forge(path, "DROP TABLE inbox")
        forge(path, "CREATE TABLE inbox (trace_id TEXT, received_at TEXT, event TEXT, call TEXT, body TEXT)")
        monkeypatch.setitem(inbox.SQL, "keep", inbox.SQL["keep"].partition("ON CONFLICT")[0])

    async def main() -> None:
        time = Time()
        async with open_ledger(tmp_path, time) as ledger:
            statuses, heard = await _delivered(ledger, time, 10)
        assert statuses == [200] * 10
        if guarded:
            _heard_once(path, heard)
        else:
            red(lambda: _heard_once(path, heard))
            assert len(heard) == 10

    in_virtual_time(main())


def _heard_once(path: Path, heard: list[str]) -> None:
    assert len(heard) == 1
    assert looked_up(path, "SELECT trace_id FROM inbox") == [(heard[0],)]


async def _delivered(ledger: Ledger, time: Time, times: int) -> tuple[list[int], list[str]]:
    """The answers to so many deliveries of one event, and what was heard of them."""
    heard: list[str] = []

    async def keep(event: Event) -> bool:
        return await ledger.keep(event.trace_id, event.name, event.call_id, event.body)

    rules = WebhookRules("127.0.0.1", 0, "https://calls.example.com/verbex", "/verbex", (Secret(SECRET),))
    async with Receiver(rules, keep, time.clock.now, lambda event: heard.append(event.trace_id)).serve() as address:
        sent = delivery(at=time.clock.now())
        answers = await asyncio.gather(*(post(address, sent) for _ in range(times)))
    return [status for status, _ in answers], heard
