"""Calls that were only told of: asked for a few times at most, each in its turn, and remembered once they are shown."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from dialer.verbex.hearsay import MOST_AT_ONCE, MOST_TRIES, Hearsay
from tests.desk import Desk, answer, client_of, desk
from tests.engine_kit import number
from tests.virtual_time import Time, in_virtual_time

NAMES = [f"told-{n}" for n in range(60)]


@contextlib.asynccontextmanager
async def listening() -> AsyncIterator[tuple[Hearsay, Desk]]:
    time = Time()
    async with desk(time) as made, client_of(made, time) as client:
        yield Hearsay(client, lambda heard: None), made


def placed(made: Desk, n: int) -> str:
    """A call on the platform; its id there."""
    body: dict[str, Any] = {"from_number": number(0), "to_number": number(n), "direction": "outbound"}
    made.place(body)
    return made.rings[-1].platform_id


def asked(made: Desk) -> list[str]:
    return [target.rpartition("/")[2] for _, target in made.reads]


def test_what_is_shown_is_asked_for_once_and_remembered() -> None:
    async def main() -> None:
        async with listening() as (hearsay, made):
            call, later = placed(made, 1), placed(made, 2)
            first = await hearsay.calls([call])
            again = await hearsay.calls([call, later])
            assert [record.platform_id for record in first.records] == [call]
            assert [record.platform_id for record in again.records] == [call, later]
            assert (first.is_clear, again.is_clear) == (True, True)
            assert asked(made) == [call, later]

    in_virtual_time(main())


def test_what_is_not_shown_is_asked_for_a_few_times_and_each_in_its_turn() -> None:
    async def main() -> None:
        async with listening() as (hearsay, made):
            assert not (await hearsay.calls(NAMES)).is_clear
            assert len(asked(made)) == MOST_AT_ONCE
            await hearsay.calls(NAMES)
            assert set(asked(made)) == set(NAMES)
            for _ in range(10):
                last = await hearsay.calls(NAMES)
            assert sorted(asked(made)) == sorted(NAMES * MOST_TRIES)
            assert (last.records, last.is_clear) == ((), True)

    in_virtual_time(main())


def test_those_who_are_in_a_hurry_ask_once() -> None:
    async def main() -> None:
        async with listening() as (hearsay, made):
            first, second = [await hearsay.calls(["told"], tries=1) for _ in range(2)]
            assert (first.is_clear, second.is_clear, asked(made)) == (False, True, ["told"])
            await hearsay.calls(["told"])
            assert asked(made) == ["told", "told"]

    in_virtual_time(main())


def test_a_platform_that_fails_is_not_asked_on_and_that_counts_as_no_try() -> None:
    async def main() -> None:
        async with listening() as (hearsay, made):
            call = placed(made, 1)
            for status in (429, 500, 503):
                made.unread = lambda path, query, status=status: answer(status)  # type: ignore[misc]
                assert not (await hearsay.calls([call, *NAMES[:5]])).is_clear
            assert asked(made) == [call] * 3
            made.unread = lambda path, query: None
            assert [record.platform_id for record in (await hearsay.calls([call], tries=1)).records] == [call]

    in_virtual_time(main())


def test_what_it_remembers_has_an_end() -> None:
    async def main() -> None:
        async with listening() as (hearsay, made):
            names = [placed(made, n) for n in range(250)]
            for start in range(0, 250, MOST_AT_ONCE):
                await hearsay.calls(names[start : start + MOST_AT_ONCE])
            assert len((await hearsay.calls(names, tries=1)).records) == 200

    in_virtual_time(main())
