"""Whatever is entered and taken back: who is stopped is on the list by a number or an id, and who is not, is not."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.errors import UsageError
from dialer.ledger import optouts
from dialer.ledger.optouts import Word
from tests.ledger_kit import BY_NAME, Desk, campaign_called, desk, e164, row

FIRST = [("ann", [1]), ("bob", [2, 3]), ("cy", [3]), ("di", [4, 5, 6])]
SECOND = [("ann", [7]), ("eve", [1, 6]), ("bob", [2])]

words = st.tuples(
    st.sampled_from(["add", "remove"]),
    st.one_of(
        st.integers(1, 8).map(lambda n: ([e164(n)], list[str]())),
        st.sampled_from(["ann", "bob", "cy", "eve", "nobody"]).map(lambda name: (list[str](), [name])),
    ),
)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(st.lists(words, max_size=10))
def test_who_is_on_the_list_is_stopped_and_nobody_else(said: list[tuple[str, tuple[list[str], list[str]]]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_holds(Path(folder), said))


async def _holds(folder: Path, said: list[tuple[str, tuple[list[str], list[str]]]]) -> None:
    async with desk(folder) as made:
        shared = replace(BY_NAME, one_per="id")
        monday = (await made.ledger.bind(campaign_called("monday", made.path))).id
        await made.take(*(row(name, *numbers) for name, numbers in FIRST), rules=shared)
        await made.take(*(row(name, *numbers) for name, numbers in SECOND), rules=shared, campaign=monday)
        for verb, (numbers, people) in said:
            made.wall.goes_on(seconds=1)
            act = made.ledger.opt_out if verb == "add" else made.ledger.opt_in
            with contextlib.suppress(UsageError):
                await act(numbers, people, Word())
            await _check(made, {made.campaign: FIRST, monday: SECOND})


async def _check(made: Desk, people: dict[int, list[tuple[str, list[int]]]]) -> None:
    listed = {one["shown"] for one in made.rows("SELECT shown FROM opt_outs")}
    for campaign, rows in people.items():
        for name, numbers in rows:
            given_numbers = [e164(one) for one in numbers]
            is_listed = not listed.isdisjoint([name, *given_numbers])
            found = made.contact(name, campaign)
            assert (found["state"], found["stop"]) == (("excluded", "opted_out") if is_listed else ("due", None))
            asked = partial(optouts.barred, secret=made.ledger.secret, numbers=given_numbers, person=name)
            bar = await made.ledger._writer.do(asked)
            assert (bar is not None) == is_listed
