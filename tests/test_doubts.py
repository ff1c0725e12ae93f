"""A run of a ledger that may not know all its calls: they are written down before those people are dialled."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from dialer.errors import ExitCode
from dialer.ledger import Ledger
from dialer.ledger.moments import text
from dialer.model import Campaign, Mark
from dialer.policy import callid, lifecycle
from tests.desk import Desk, answer, desk, no_echo
from tests.engine_kit import OWN, begun, campaign, dial_of, heart, number, open_ledger, placed, with_people
from tests.virtual_time import Time, in_virtual_time, moment

PEOPLE = [number(n) for n in range(3)]
TALKS = {"mix": {"agent_ended_call": 1.0}, "repeated": "dialled"}


class Scene:
    """A doubted ledger with people in it, a platform that knows more, and runs over both."""

    def __init__(self, made: Desk, ledger: Ledger, rules: Campaign, campaign_id: int) -> None:
        self.desk = made
        self.ledger = ledger
        self.rules = rules
        self.campaign_id = campaign_id

    def doubt(self) -> None:
        """As opening a backup does."""
        at = text(self.desk.time.clock.now())
        self.ledger._connection.execute("UPDATE ledger SET doubted_at = ?, doubt = 'it was put back'", (at,))

    def lost(self, n: int, serial: int) -> None:
        """A call that the platform made and the ledger does not know."""
        call_id = callid.call_id(self.ledger.secret, self.rules.name, PEOPLE[n], serial)
        self.desk.place(
            {
                "call_id": call_id,
                "from_number": OWN,
                "to_number": PEOPLE[n],
                "metadata": {"dialer_call_id": call_id},
                "direction": "outbound",
            }
        )

    async def run(self, **options: Any) -> tuple[ExitCode | None, list[str], dict[str, str]]:
        """A run to its end: why it stopped, what was said, and the states of the people."""
        async with heart(self.rules, self.desk, self.ledger, **options) as at_work:
            await at_work.engine.run()
            stopped = at_work.engine.stopped
            return None if stopped is None else stopped.code, [event for event, _ in at_work.said], at_work.states()

    def rang(self) -> list[int]:
        return [self.desk.rang(one) for one in PEOPLE]

    def is_doubted(self) -> bool:
        [(proven,)] = self.ledger._connection.execute(
            "SELECT proven_at FROM campaigns WHERE id = ?", (self.campaign_id,)
        )
        return proven is None


@contextlib.asynccontextmanager
async def scene(folder: Path, people: Sequence[str] = PEOPLE, **changes: Any) -> AsyncIterator[Scene]:
    time = Time()
    async with desk(time, **TALKS, **changes) as made, open_ledger(folder, time) as ledger:
        rules = campaign(folder, made.url, people)
        yield Scene(made, ledger, rules, await with_people(ledger, rules, people))


def played(folder: Path, work: Callable[[Scene], Awaitable[None]], **changes: Any) -> None:
    async def main() -> None:
        async with scene(folder, **changes) as there:
            await work(there)

    in_virtual_time(main())


def test_what_is_found_is_adopted_and_the_others_are_dialled(tmp_path: Path) -> None:
    async def work(there: Scene) -> None:
        there.doubt()
        there.lost(1, 1)
        stopped, said, states = await there.run()
        assert stopped is None
        assert set(states.values()) == {"done"}
        assert there.rang() == [1, 1, 1]
        assert [event for event in said if event.startswith("ledger")] == ["ledger_doubted", "ledger_proven"]
        assert not there.is_doubted()
        _, said, _ = await there.run()
        assert "ledger_doubted" not in said

    played(tmp_path, work)


@pytest.mark.parametrize("state", ["intended", "placed"])
def test_a_later_call_waits_for_the_word_on_the_one_before_it(tmp_path: Path, state: str) -> None:
    """The ledger knows a call as open; it was not answered, and the next, of which it knows nothing, was."""

    async def work(there: Scene) -> None:
        if state == "intended":
            attempt = await begun(there.ledger, there.rules, there.campaign_id)
            there.lost(0, 1)
        else:
            attempt = await placed(there.desk, there.ledger, there.rules, there.campaign_id)
        there.desk.time.jump += 3600.0
        there.lost(0, 2)
        there.doubt()
        stopped, _, states = await there.run()
        assert stopped is None
        assert states[attempt.person] == "done"
        assert there.rang() == [2, 1, 1]
        assert not there.is_doubted()
        serials = there.ledger._connection.execute("SELECT serial, state FROM attempts WHERE contact_id = 1")
        assert [tuple(row) for row in serials] == [(1, "ended"), (2, "ended")]

    script = {PEOPLE[0]: ("no_answer", "agent_ended_call")}
    played(tmp_path, work, script=script)


def test_a_call_that_is_found_for_an_open_dial_is_not_written_down_twice(tmp_path: Path) -> None:
    """A platform that tells no ids: by numbers and time it may be the call of that dial, or a later one."""

    async def work(there: Scene) -> None:
        attempt = await begun(there.ledger, there.rules, there.campaign_id)
        there.desk.place(dial_of(attempt))
        there.desk.told = lambda record: {**no_echo(record), "call_id": None}
        there.doubt()
        _, _, states = await there.run(none_were_called=True)
        assert states[attempt.person] == "waiting"
        attempts = there.ledger._connection.execute("SELECT serial, state FROM attempts WHERE contact_id = 1")
        assert [tuple(row) for row in attempts] == [(1, "ended")]
        assert there.rang() == [1, 1, 1]

    played(tmp_path, work, script={PEOPLE[0]: ("no_answer",)}, lookup="platform")


def test_where_no_word_comes_the_person_is_left_alone_and_looked_for_again(tmp_path: Path) -> None:
    """A platform that shows the later call, and nothing of the earlier one: that one may have been placed, or not."""

    async def work(there: Scene) -> None:
        await begun(there.ledger, there.rules, there.campaign_id)
        there.lost(0, 2)
        there.doubt()
        there.desk.unread = lambda path, query: None if path == "/v1/calls/" else answer(404)
        there.rules = _never_proven(there)
        stopped, said, states = await there.run()
        assert stopped is None
        assert states[PEOPLE[0]] == "unknown"
        assert "earlier_calls_wait" in said
        assert there.rang() == [1, 1, 1]
        assert there.is_doubted()
        _, said, _ = await there.run()
        assert "ledger_doubted" in said

    played(tmp_path, work)


def _never_proven(there: Scene) -> Campaign:
    """The attempt was told of by a webhook, so that its absence is never believed."""
    call_id = callid.call_id(there.ledger.secret, there.rules.name, PEOPLE[0], 1)
    there.ledger._connection.execute(
        "INSERT INTO inbox (trace_id, received_at, event, call, body) VALUES ('t', ?, 'CallStarted', ?, '{}')",
        (text(there.desk.time.clock.now()), call_id),
    )
    return there.rules


def test_a_number_that_another_campaign_holds_does_not_keep_the_run_for_ever(tmp_path: Path) -> None:
    async def work(there: Scene) -> None:
        other = campaign(tmp_path, there.desk.url, PEOPLE[:1], name="invoices")
        await begun(there.ledger, other, await with_people(there.ledger, other, PEOPLE[:1]))
        there.doubt()
        there.lost(0, 1)
        began = there.desk.time.monotonic()
        stopped, said, _ = await there.run()
        assert there.desk.time.monotonic() - began < 600.0
        assert stopped is None
        assert "earlier_calls_wait" in said
        assert there.rang() == [1, 1, 1]
        assert there.is_doubted()

    played(tmp_path, work)


def test_unproven_nobody_is_dialled_but_on_a_persons_word(tmp_path: Path) -> None:
    async def work(there: Scene) -> None:
        there.doubt()
        stopped, said, states = await there.run()
        assert stopped is ExitCode.LOOK_FIRST
        assert (set(states.values()), there.rang()) == ({"due"}, [0, 0, 0])
        assert "ledger_proven" not in said
        assert there.is_doubted()
        stopped, said, states = await there.run(none_were_called=True)
        assert stopped is None
        assert (set(states.values()), there.rang()) == ({"done"}, [1, 1, 1])
        assert "ledger_believed" in said
        assert not there.is_doubted()

    played(tmp_path, work)


def test_settling_leaves_the_doubt_to_the_next_run(tmp_path: Path) -> None:
    async def work(there: Scene) -> None:
        there.doubt()
        there.lost(1, 1)
        _, said, _ = await there.run(dials=False)
        assert "ledger_doubted" not in said
        assert there.is_doubted()

    played(tmp_path, work)


@pytest.mark.slow
def test_live_calls_take_their_lines_before_anybody_is_dialled(tmp_path: Path) -> None:
    async def work(there: Scene) -> None:
        there.doubt()
        there.lost(0, 1)
        there.lost(1, 1)
        async with heart(there.rules, there.desk, there.ledger) as at_work:
            in_use: list[int] = []
            there.desk.always = lambda body: _noting(in_use, at_work.engine.lines.in_use)
            await at_work.engine.run()
            assert in_use == [3]
            assert at_work.engine.lines.in_use == 0
        assert there.rang() == [1, 1, 1]

    played(tmp_path, work, call_seconds=600.0)


async def _noting(in_use: list[int], lines: int) -> bytes | None:
    in_use.append(lines)
    await moment(0.01)
    return None


def test_the_platform_is_right_where_a_person_has_marked_a_call_wrongly(tmp_path: Path) -> None:
    """Said not to have been placed, and it was: it is written down as the call that it is, once."""

    async def work(there: Scene) -> None:
        attempt = await begun(there.ledger, there.rules, there.campaign_id)
        there.desk.place(dial_of(attempt))
        held_until = there.desk.time.clock.now()
        await there.ledger.hold(attempt.id, held_until, "status 502")
        now = there.desk.time.clock.now()
        await there.ledger.mark(
            attempt.id,
            Mark.NOT_PLACED,
            lambda history: lifecycle.marked(history, Mark.NOT_PLACED, there.rules.retry, now, 0.0),
            "",
            "ann",
        )
        there.desk.time.jump += 3600.0
        stopped, said, states = await there.run()
        assert stopped is None
        assert "ledger_doubted" in said
        assert there.rang() == [1, 1, 1]
        assert set(states.values()) == {"done"}
        _, said, _ = await there.run()
        assert "ledger_doubted" not in said

    played(tmp_path, work)
