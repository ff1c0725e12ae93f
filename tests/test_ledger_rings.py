"""When people were rung before: each ring once, by number and by id, over all campaigns and from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from dialer.ledger import rings
from dialer.ledger.purging import Choice
from dialer.ledger.rings import Told
from dialer.model import Ending, Mark, Ring
from dialer.policy import lifecycle
from tests.ledger_kit import (
    ABSENT,
    BY_NAME,
    FULL,
    NOW,
    RETRY,
    Desk,
    call,
    campaign_called,
    deciding,
    desk,
    e164,
    forge,
    row,
)


async def past(made: Desk, numbers: Iterable[int], person: str) -> tuple[Ring, ...]:
    given, secret, now = [e164(one) for one in numbers], made.ledger.secret, made.wall()
    return await made.ledger._writer.do(lambda db: rings.past(db, secret, given, person, now))


def told(number: int = 0, person: str = "", debt: str = "", days: float = 1.0, talked: bool = False) -> Told:
    return Told(e164(number) if number else "", person, debt, NOW - timedelta(days=days), talked)


# --- rings of this ledger ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("dialing", [False]),
        ("unknown", [False]),
        ("waiting", [False]),
        ("exhausted", [False]),
        ("done", [True]),
        ("excluded", []),
        ("due", []),
    ],
)
async def test_what_rang_or_may_have_counts_and_what_was_refused_does_not(
    tmp_path: Path, state: str, expected: list[bool]
) -> None:
    async with desk(tmp_path, row("ann", 1)) as made:
        await made.bring("ann", state)
        found = await past(made, [1], "ann")
        assert [ring.talked for ring in found] == expected
        assert [ring.at for ring in found] == [NOW] * len(expected)


CALLS = [
    ("user_ended_call", None, 0, True),
    ("llm_websocket_connection_lost", 240, 0, True),
    ("no_audio_input", None, 3, True),
    ("no_audio_input", 0, 0, False),
    ("verbex_service_error", None, 0, True),  # it began, and nobody knows how long it lasted
    ("call_failed", None, 0, False),
    ("voicemail_detected", 31, 2, False),
    ("answering_machine_detected", 31, 2, False),
    ("no_answer", 45, 0, False),
]


@pytest.mark.parametrize(("reason", "seconds", "messages", "expected"), CALLS)
async def test_a_call_in_which_a_person_may_have_been_on_the_line_was_a_conversation(
    tmp_path: Path, reason: str, seconds: int | None, messages: int, expected: bool
) -> None:
    async with desk(tmp_path, row("ann", 1)) as made:
        attempt = await made.dial("ann")
        record = {"messages": [{"role": "user", "content": "yes"}] * messages}
        ended = replace(call(reason), started_at=NOW, duration_seconds=seconds, record=record)
        what = Ending(reason, "ended", seconds, bool(messages), has_started=True)
        await made.ledger.settle(attempt, ended, deciding(what, made.wall()))
        assert [ring.talked for ring in await past(made, [1], "ann")] == [expected]
        await made.ledger.purge(Choice(person="ann"), "me")
        assert [ring.talked for ring in await past(made, [1], "ann")] == [expected]


@pytest.mark.parametrize(("word", "expected"), [(Mark.DONE, True), (Mark.PLACED, False)])
async def test_a_call_that_a_person_marks_as_done_was_a_conversation(
    tmp_path: Path, word: Mark, expected: bool
) -> None:
    async with desk(tmp_path, row("ann", 1)) as made:
        attempt = await made.bring("ann", "unknown")
        decide = lambda history: lifecycle.marked(history, word, RETRY, made.wall(), 0.0)  # noqa: E731 - one word
        await made.ledger.mark(attempt, word, decide, "", "ann")
        assert [ring.talked for ring in await past(made, [1], "ann")] == [expected]


@pytest.mark.parametrize("why", [FULL, ABSENT])
async def test_an_account_that_was_full_and_a_call_that_was_never_made_do_not_count(tmp_path: Path, why: Any) -> None:
    async with desk(tmp_path, row("ann", 1)) as made:
        await made.refuse(await made.dial("ann"), why)
        assert await past(made, [1], "ann") == ()


async def test_an_account_full_that_ended_a_call_does_not_count(tmp_path: Path) -> None:
    async with desk(tmp_path, row("ann", 1)) as made:
        await made.end(await made.bring("ann", "dialing"), "concurrent_call_limit_reached")
        assert await past(made, [1], "ann") == ()


async def test_a_ring_counts_by_number_and_by_id_in_every_campaign_and_once(tmp_path: Path) -> None:
    async with desk(tmp_path, row("P-1", 1), row("x", 2)) as made:
        monday = (await made.ledger.bind(campaign_called("monday", made.path))).id
        await made.take(row("P-1", 3), row("y", 1), campaign=monday)
        await made.bring("P-1", "waiting")
        made.wall.goes_on(minutes=1)
        attempt = await made.intend(await made.candidate("P-1", monday))
        assert isinstance(attempt, int)
        assert len(await past(made, [1], "P-1")) == 2
        assert len(await past(made, [1, 3], "P-1")) == 2
        assert len(await past(made, [1], "y")) == 1
        assert len(await past(made, [3], "nobody")) == 1
        assert len(await past(made, [2], "x")) == 0
        assert [ring.at for ring in await past(made, [1], "P-1")] == [NOW, NOW + timedelta(minutes=1)]


async def test_a_ring_is_ninety_days_old_at_most(tmp_path: Path) -> None:
    async with desk(tmp_path, row("ann", 1)) as made:
        await made.bring("ann", "done")
        made.wall.goes_on(days=90)
        assert len(await past(made, [1], "ann")) == 1
        made.wall.goes_on(milliseconds=1)
        assert await past(made, [1], "ann") == ()
        assert await past(made, [], "ann") == ()


async def test_a_ring_is_when_the_platform_says_it_began_and_never_before_it_was_dialled(tmp_path: Path) -> None:
    async with desk(tmp_path, row("ann", 1)) as made:
        await made.bring("ann", "done")
        forge(made.path, "UPDATE attempts SET started_at = ?", "2026-11-22T09:00:07.000Z")
        assert (await past(made, [1], "ann"))[0].at == NOW + timedelta(seconds=7)
        forge(made.path, "UPDATE attempts SET started_at = ?", "2026-11-22T08:00:00.000Z")
        assert (await past(made, [1], "ann"))[0].at == NOW


async def test_a_debt_is_named_by_its_mark_wherever_it_is_known_from(tmp_path: Path) -> None:
    async with desk(tmp_path, row("ann", 1), row("bob", 2)) as made:
        await made.bring("ann", "done")
        forge(made.path, "UPDATE attempts SET debt = 'D-1'")
        await made.ledger.keep_rings([told(2, debt="D-1")])
        mark = rings.debt_mark(made.ledger.secret, "D-1")
        assert [ring.debt for ring in (*await past(made, [1], "ann"), *await past(made, [2], "bob"))] == [mark, mark]
        assert "D-1" not in mark


# --- rings from elsewhere ----------------------------------------------------------------------------


async def test_a_ring_from_elsewhere_counts_by_number_by_id_or_both_and_once(tmp_path: Path) -> None:
    async with desk(tmp_path) as made:
        both, other = told(1, "P-1", days=2, talked=True), told(2, days=1)
        assert await made.ledger.keep_rings([both, other]) == 2
        expected = Ring(both.at, talked=True)
        assert await past(made, [1], "P-1") == (expected,)
        assert await past(made, [1], "x") == (expected,)
        assert await past(made, [9], "P-1") == (expected,)
        assert await past(made, [1, 2], "P-1") == (expected, Ring(other.at))
        assert await past(made, [9], "x") == ()


async def test_told_again_it_changes_nothing_but_that_a_conversation_is_known_of(tmp_path: Path) -> None:
    async with desk(tmp_path) as made:
        silent = told(1, "P-1")
        assert await made.ledger.keep_rings([silent]) == 1
        assert await made.ledger.keep_rings([silent, silent]) == 0
        assert await made.ledger.keep_rings([replace(silent, talked=True)]) == 1
        assert await made.ledger.keep_rings([silent]) == 0
        assert [ring.talked for ring in await past(made, [1], "P-1")] == [True]


async def test_a_ring_from_elsewhere_is_ninety_days_old_at_most(tmp_path: Path) -> None:
    async with desk(tmp_path) as made:
        await made.ledger.keep_rings([told(1, days=90), told(1, days=90.1)])
        assert len(await past(made, [1], "x")) == 1


async def test_nothing_of_whom_a_ring_from_elsewhere_reached_can_be_read(tmp_path: Path) -> None:
    async with desk(tmp_path) as made:
        await made.ledger.keep_rings([told(1, "P-1", "D-1")])
        stored = repr(made.rows("SELECT * FROM rings"))
        assert not any(word in stored for word in ("P-1", "D-1", e164(1)))


async def test_two_people_with_one_number_share_its_rings(tmp_path: Path) -> None:
    async with desk(tmp_path, row("ann", 1), row("bob", 1, 2), rules=replace(BY_NAME, one_per="id")) as made:
        await made.bring("ann", "done")
        assert len(await past(made, [1, 2], "bob")) == 1
