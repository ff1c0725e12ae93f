"""The platform's list, read back: what is whole, and what may be whole a moment later."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from dialer.model import Answer, NoReply, Reply
from dialer.verbex import listing
from dialer.verbex.listing import EVER, Listing
from tests.desk import RESET, answer, client_of, desk
from tests.engine_kit import OWN, number
from tests.virtual_time import Time, in_virtual_time

Unread = Callable[[str, dict[str, str]], bytes | None]


def read(unread: Unread, calls: int = 4) -> tuple[Listing, int]:
    """A list with so many calls of the last days, read back two days; and how many pages were heard of."""

    async def main() -> tuple[Listing, int]:
        time, heard = Time(), list[object]()
        async with desk(time) as made, client_of(made, time) as client:
            for n in range(calls):
                made.place({"from_number": OWN, "to_number": number(n), "direction": "outbound"})
                time.jump += 86400.0
            made.unread = unread
            earliest = time.clock.now() - timedelta(days=2)
            found = await listing.read_back(client, earliest, earliest - timedelta(minutes=5), heard.append)
            assert found.whole_from in (None, EVER, earliest)
            return found, len(heard)

    return in_virtual_time(main())


def nothing(path: str, query: dict[str, str]) -> bytes | None:
    return None


def numbers(found: Listing) -> list[str]:
    return sorted(record.to_number for record in found.records)


def test_a_short_list_is_read_to_its_end() -> None:
    found, pages = read(nothing)
    assert (found.whole_from, found.may_mend, pages) == (EVER, False, 1)
    assert numbers(found) == [number(n) for n in range(4)]


def test_a_long_one_as_far_as_asked_and_from_both_ends_and_each_call_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "_PAGE", 1)
    found, _ = read(nothing, 6)
    assert found.whole_from not in (None, EVER)
    assert set(numbers(found)) >= {number(4), number(5)}
    assert len(numbers(found)) == len(set(numbers(found)))


@pytest.mark.parametrize(
    ("said", "may_mend"),
    [
        (answer(404), False),
        (answer(405), False),
        (answer(401), False),
        (answer(422), False),
        (answer(200, "no page"), False),
        (answer(429), True),
        (answer(500), True),
        (answer(503), True),
        (RESET, True),
    ],
    ids=["404", "405", "401", "422", "no page", "429", "500", "503", "reset"],
)
@pytest.mark.parametrize("where", ["first", "filtered", "other end"])
def test_a_list_that_breaks_off_is_not_whole(
    monkeypatch: pytest.MonkeyPatch, said: bytes, may_mend: bool, where: str
) -> None:
    monkeypatch.setattr(listing, "_PAGE", 1)
    breaks: dict[str, Callable[[dict[str, str]], bool]] = {
        "first": lambda query: "page_token" in query,
        "filtered": lambda query: "start_time_after" in query,
        "other end": lambda query: query["sort_direction"] == "asc",
    }
    found, _ = read(lambda path, query: said if breaks[where](query) else None, 6)
    assert (found.whole_from, found.may_mend) == (None, may_mend)


def test_a_list_without_end_is_not_whole_and_will_not_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "_MOST_PAGES", 3)
    endless = answer(200, {"calls": [], "next_page_token": "on", "total_count": 0})
    found, pages = read(lambda path, query: endless)
    assert (found.whole_from, found.may_mend, pages) == (None, False, 3)


@pytest.mark.parametrize(
    ("said", "may_mend"),
    [
        (None, False),
        (NoReply(unsent=True, cause="gone"), True),
        (NoReply(unsent=False, cause="cut"), True),
        (Reply(404), False),
        (Reply(200), False),
    ],
)
def test_what_may_be_answered_a_moment_later(said: Answer | None, may_mend: bool) -> None:
    assert listing.may_mend(said) is may_mend
