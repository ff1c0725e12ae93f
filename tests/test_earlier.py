"""Calls that the platform made for us and this ledger does not know: by the list, by numbers and time, one by one."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from dialer.earlier import Earlier, Looked
from dialer.ledger import Doubt, Ledger
from dialer.model import Answer, CallPage, Campaign, Ending
from dialer.policy import callid
from dialer.runner.doubts import books_of
from dialer.verbex import listing, wire
from tests.desk import Desk, answer, body_of, client_of, desk, no_echo
from tests.engine_kit import OWN, begun, campaign, dial_of, looked_up, number, open_ledger, with_people
from tests.ledger_kit import TOO_MANY, deciding
from tests.virtual_time import START, Time, in_virtual_time

PEOPLE = [number(n) for n in range(4)]
DAY = 86400.0


@dataclass
class Looking:
    """A search over a desk and a ledger with people in it."""

    earlier: Earlier
    desk: Desk
    ledger: Ledger
    rules: Campaign
    campaign_id: int
    heard: list[CallPage | Answer] = field(default_factory=list)

    def lost(self, n: int, serial: int, **changes: Any) -> None:
        """A call of a time that the ledger does not know."""
        call_id = callid.call_id(self.ledger.secret, self.rules.name, PEOPLE[n], serial)
        self.place(call_id, PEOPLE[n], **changes)

    def place(self, call_id: str, to: str, **changes: Any) -> None:
        body = {
            "call_id": call_id,
            "from_number": OWN,
            "to_number": to,
            "metadata": {"dialer_call_id": call_id},
            "direction": "outbound",
        }
        self.desk.place(body | changes)

    async def known(self) -> None:
        """A call that the ledger knows, of the most urgent person; it is over, and nobody was reached."""
        attempt = await begun(self.ledger, self.rules, self.campaign_id)
        record = wire.call(body_of(self.desk.place(dial_of(attempt))))
        await self.ledger.settle(attempt.id, record, deciding_no_answer(self.desk.time))

    async def look(self, known_until: float | None = 0.0, *, has_attempts: bool = True, key_mark: str = "") -> Looked:
        """`known_until` in seconds after the start, None for a ledger that is new."""
        until = None if known_until is None else START + timedelta(seconds=known_until)
        return await self.earlier.look(Doubt("it is a test", until, has_attempts, key_mark))

    def asked(self) -> list[str]:
        return [target for _, target in self.desk.reads]


def deciding_no_answer(time: Time) -> Any:
    return deciding(Ending("no_answer", "ended", None, has_messages=False), time.clock.now())


def told(looked: Looked) -> list[tuple[int, int]]:
    """Who was called, by their place in the list, and by which dial, in the order in which it was told."""
    return [(PEOPLE.index(call.candidate.person), call.serial) for call in looked.calls]


@contextlib.asynccontextmanager
async def looking(folder: Path, time: Time, people: Sequence[str] = PEOPLE, **sim: Any) -> AsyncIterator[Looking]:
    async with desk(time, **sim) as made, open_ledger(folder, time) as ledger, client_of(made, time) as client:
        rules = campaign(folder, made.url)
        campaign_id = await with_people(ledger, rules, people)
        heard: list[CallPage | Answer] = []
        earlier = Earlier(rules, ledger.secret, client, time.clock, books_of(ledger, campaign_id), heard.append)
        yield Looking(earlier, made, ledger, rules, campaign_id, heard)


def searching(
    folder: Path, work: Callable[[Looking], Awaitable[None]], people: Sequence[str] = PEOPLE, **sim: Any
) -> None:
    """Do this with a search, in virtual time."""

    async def main() -> None:
        async with looking(folder, Time(), people, **sim) as at_work:
            await work(at_work)

    in_virtual_time(main())


# --- by the list -------------------------------------------------------------------------------------


@pytest.mark.parametrize("lookup", ["custom", "platform", "both"])
def test_calls_are_known_by_their_ids_whatever_a_get_understands(tmp_path: Path, lookup: str) -> None:
    async def work(at_work: Looking) -> None:
        for n, serial in ((2, 1), (0, 1), (0, 2), (0, 4)):
            at_work.lost(n, serial)
            at_work.desk.time.jump += 60.0
        looked = await at_work.look(None, has_attempts=False)
        assert looked.is_proven
        assert told(looked) == [(2, 1), (0, 1), (0, 2), (0, 4)]
        first = looked.calls[0]
        assert first.call_id == callid.call_id(at_work.ledger.secret, "reminders", PEOPLE[2], 1)
        assert (first.number, first.record.own_id) == (PEOPLE[2], first.call_id)
        assert all(isinstance(one, CallPage) for one in at_work.heard)

    searching(tmp_path, work, lookup=lookup)


def test_calls_of_others_are_left_alone_and_prove_nothing(tmp_path: Path) -> None:
    """Another campaign's and another ledger's calls to our people, and a call to a stranger."""

    async def work(at_work: Looking) -> None:
        at_work.place(callid.call_id(at_work.ledger.secret, "invoices", PEOPLE[0], 1), PEOPLE[0])
        at_work.place(callid.call_id(b"another secret", "reminders", PEOPLE[1], 1), PEOPLE[1])
        at_work.place(callid.call_id(at_work.ledger.secret, "reminders", "+14155559999", 1), "+14155559999")
        looked = await at_work.look(has_attempts=False)
        assert (looked.calls, looked.is_proven, looked.is_answered) == ((), False, True)

    searching(tmp_path, work)


def test_what_the_ledger_knows_is_not_told_and_proves_the_list(tmp_path: Path) -> None:
    async def work(at_work: Looking) -> None:
        await at_work.known()
        at_work.lost(1, 1)
        looked = await at_work.look()
        assert (told(looked), looked.is_proven) == ([(1, 1)], True)

    searching(tmp_path, work)


def test_a_known_call_alone_proves_that_there_are_no_others(tmp_path: Path) -> None:
    async def work(at_work: Looking) -> None:
        await at_work.known()
        looked = await at_work.look()
        assert (looked.calls, looked.is_proven) == ((), True)

    searching(tmp_path, work)


def test_an_id_that_was_refused_and_may_be_sent_again_is_strange_where_the_list_shows_it(tmp_path: Path) -> None:
    async def work(at_work: Looking) -> None:
        attempt = await begun(at_work.ledger, at_work.rules, at_work.campaign_id)
        await at_work.ledger.refuse(attempt.id, *_too_many(at_work.desk.time))
        at_work.desk.place(dial_of(attempt))
        looked = await at_work.look()
        assert told(looked) == [(0, 1)]
        assert looked.calls[0].candidate.reuse == attempt.id

    searching(tmp_path, work)


def _too_many(time: Time) -> Any:
    return TOO_MANY, deciding(TOO_MANY, time.clock.now())


@pytest.mark.parametrize(("key_mark", "is_proven"), [("", True), ("the other key", False)])
def test_a_known_call_of_another_key_shows_another_account(tmp_path: Path, key_mark: str, is_proven: bool) -> None:
    """The list shows calls of this ledger, made under this key; the campaign's were made under another."""

    async def work(at_work: Looking) -> None:
        await at_work.known()
        looked = await at_work.look(key_mark=key_mark)
        assert (looked.calls, looked.is_proven) == ((), is_proven)

    searching(tmp_path, work)


def test_the_same_key_is_recognised(tmp_path: Path) -> None:
    async def work(at_work: Looking) -> None:
        await at_work.known()
        [(mark,)] = looked_up(at_work.ledger.path, "SELECT key_mark FROM attempts")
        assert mark
        assert (await at_work.look(key_mark=mark)).is_proven

    searching(tmp_path, work)


def test_a_list_that_shows_nothing_of_ours_any_more_is_proven_by_a_known_call(tmp_path: Path) -> None:
    """It goes back a week; the last call that the ledger knows is older, and a GET still finds it."""

    async def work(at_work: Looking) -> None:
        await at_work.known()
        empty = answer(200, {"calls": [], "next_page_token": None, "total_count": 0})
        at_work.desk.unread = lambda path, query: empty if path == "/v1/calls/" else None
        assert (await at_work.look()).is_proven
        at_work.desk.unread = lambda path, query: empty if path == "/v1/calls/" else answer(404)
        assert not (await at_work.look()).is_proven

    searching(tmp_path, work)


# --- how far back ------------------------------------------------------------------------------------


@pytest.fixture
def short_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """One call a page, so that a list is not read to its end by chance."""
    monkeypatch.setattr(listing, "_PAGE", 1)


@pytest.mark.usefixtures("short_pages")
def test_a_new_ledger_is_read_back_until_a_week_has_passed_without_a_call(tmp_path: Path) -> None:
    async def work(at_work: Looking) -> None:
        # 90, 65, 50, 25, 10 and 5 days old; None is another's.
        for place, (days, n) in enumerate(((25, None), (15, 3), (25, None), (15, 2), (5, 1), (5, 0))):
            if n is None:
                at_work.place(callid.call_id(b"another", "x", "y", place), f"+1415555999{place}")
            else:
                at_work.lost(n, 1)
            at_work.desk.time.jump += days * DAY
        looked = await at_work.look(None, has_attempts=False)
        assert told(looked) == [(2, 1), (1, 1), (0, 1)]
        assert looked.is_proven

    searching(tmp_path, work)


@pytest.mark.usefixtures("short_pages")
def test_one_that_was_put_back_is_read_to_what_it_knows(tmp_path: Path) -> None:
    async def work(at_work: Looking) -> None:
        await at_work.known()
        for n in (1, 2, 3):
            at_work.desk.time.jump += 10 * DAY
            at_work.lost(n, 1)
        at_work.desk.time.jump += 10 * DAY
        assert told(await at_work.look(0.0)) == [(1, 1), (2, 1), (3, 1)]

    searching(tmp_path, work)


# --- by numbers and time -----------------------------------------------------------------------------


def test_where_no_ids_are_told_what_fits_is_ours(tmp_path: Path) -> None:
    """To our people, from our number, since the last moment that is known, and no call that is known."""

    async def work(at_work: Looking) -> None:
        time = at_work.desk.time
        at_work.lost(3, 1)  # before: another system's, or one of a campaign that was
        time.jump += 3600.0
        await at_work.known()
        at_work.lost(0, 2)
        at_work.lost(1, 1)
        at_work.lost(2, 1, from_number="+14155550199")
        at_work.place(callid.call_id(at_work.ledger.secret, "reminders", "x", 1), "+14155559999")
        time.jump += 60.0
        at_work.lost(1, 2)
        at_work.desk.told = no_ids
        looked = await at_work.look(3600.0)
        assert (sorted(told(looked)), looked.is_proven) == ([(0, 2), (1, 1), (1, 2)], True)
        [of_second] = [call for call in looked.calls if call.serial == 2 and call.number == PEOPLE[1]]
        assert of_second.call_id == callid.call_id(at_work.ledger.secret, "reminders", PEOPLE[1], 2)

    searching(tmp_path, work, lookup="platform")


def test_a_last_moment_that_is_yet_to_come_hides_nothing(tmp_path: Path) -> None:
    """It was written by a wall clock that was a day ahead, and has been set right since."""

    async def work(at_work: Looking) -> None:
        at_work.desk.time.jump += DAY
        await at_work.known()
        at_work.desk.time.jump -= DAY
        at_work.lost(1, 1)
        at_work.desk.told = no_ids
        looked = await at_work.look(DAY)
        assert (told(looked), looked.is_proven) == ([(1, 1)], True)

    searching(tmp_path, work, lookup="platform")


def no_ids(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name not in ("call_id", "metadata")}


@pytest.mark.parametrize(
    "change",
    [
        no_ids,
        lambda record: no_echo(record) | {"call_id": record["_id"]},
        lambda record: no_echo(record) | {"call_id": f"verbex-{record['_id']}"},
        lambda record: no_ids(record) | {"to_number": record["to_number"][1:]},
    ],
    ids=["none", "the platform's", "others of the platform's", "another spelling"],
)
def test_an_id_that_no_dialer_gives_says_nothing_of_whose_a_call_is(tmp_path: Path, change: Any) -> None:
    async def work(at_work: Looking) -> None:
        await at_work.known()
        at_work.lost(1, 1)
        at_work.desk.told = change
        looked = await at_work.look()
        assert (told(looked), looked.is_proven) == ([(1, 1)], True)

    searching(tmp_path, work, lookup="platform")


def test_without_ids_and_without_a_known_call_nothing_is_proven(tmp_path: Path) -> None:
    async def work(at_work: Looking) -> None:
        at_work.lost(1, 1)
        at_work.desk.told = no_ids
        looked = await at_work.look(None, has_attempts=False)
        assert (told(looked), looked.is_proven) == ([(1, 1)], False)

    searching(tmp_path, work, lookup="platform")


def test_an_id_that_may_be_sent_again_is_taken_for_that_of_a_call_without_one(tmp_path: Path) -> None:
    async def work(at_work: Looking) -> None:
        await at_work.known()
        attempt = await begun(at_work.ledger, at_work.rules, at_work.campaign_id)
        await at_work.ledger.refuse(attempt.id, *_too_many(at_work.desk.time))
        at_work.desk.place(dial_of(attempt))
        at_work.desk.told = no_ids
        [call] = (await at_work.look()).calls
        assert (call.serial, call.call_id) == (attempt.serial, attempt.call_id)

    searching(tmp_path, work, lookup="platform")


# --- one by one --------------------------------------------------------------------------------------


def _no_list(other: Callable[[str], bytes | None] = lambda name: None) -> Any:
    return lambda path, query: answer(404) if path == "/v1/calls/" else other(path.removeprefix("/v1/calls/"))


def test_without_a_list_each_persons_next_calls_are_asked_for(tmp_path: Path) -> None:
    """Also of those whose last call is open; a dial that left no record hides none that came after it."""

    async def work(at_work: Looking) -> None:
        await at_work.known()
        await begun(at_work.ledger, at_work.rules, at_work.campaign_id)
        at_work.lost(0, 2)
        at_work.lost(0, 3)
        at_work.lost(1, 2)
        at_work.lost(2, 3)
        at_work.desk.unread = _no_list()
        looked = await at_work.look()
        assert (sorted(told(looked)), looked.is_proven) == ([(0, 2), (0, 3), (1, 2), (2, 3)], True)

    searching(tmp_path, work, lookup="custom")


def test_a_call_that_is_found_proves_that_ids_are_looked_up(tmp_path: Path) -> None:
    async def work(at_work: Looking) -> None:
        at_work.desk.unread = _no_list()
        assert not (await at_work.look(None, has_attempts=False)).is_proven
        at_work.lost(3, 1)
        looked = await at_work.look(None, has_attempts=False)
        assert (told(looked), looked.is_proven) == ([(3, 1)], True)

    searching(tmp_path, work, lookup="custom")


@pytest.mark.parametrize("status", [400, 404, 422])
def test_a_platform_that_does_not_look_our_ids_up_proves_nothing(tmp_path: Path, status: int) -> None:
    async def work(at_work: Looking) -> None:
        await at_work.known()
        at_work.lost(1, 1)
        at_work.desk.unread = _no_list(lambda name: answer(status) if callid.may_be_ours(name) else None)
        looked = await at_work.look()
        assert (looked.calls, looked.is_proven, looked.is_answered) == ((), False, True)

    searching(tmp_path, work, lookup="platform")


def test_it_is_not_asked_for_ever_in_vain(tmp_path: Path) -> None:
    async def work(at_work: Looking) -> None:
        at_work.desk.unread = _no_list()
        looked = await at_work.look(None, has_attempts=False)
        assert not looked.is_proven
        assert 600 <= len(at_work.desk.reads) <= 640

    searching(tmp_path, work, [number(n) for n in range(1000)], lookup="custom")


# --- a platform that fails ---------------------------------------------------------------------------


@pytest.mark.parametrize("status", [429, 500, 503])
@pytest.mark.parametrize("is_list", [True, False])
def test_a_question_that_is_not_answered_is_put_again(tmp_path: Path, status: int, is_list: bool) -> None:
    async def work(at_work: Looking) -> None:
        at_work.lost(1, 1)
        left = [2]

        def unread(path: str, query: dict[str, str]) -> bytes | None:
            if not is_list and path == "/v1/calls/":
                return answer(404)
            left[0] -= 1
            return answer(status, None, "Retry-After: 20") if left[0] >= 0 else None

        at_work.desk.unread = unread
        looked = await at_work.look(None, has_attempts=False)
        assert (told(looked), looked.is_proven) == ([(1, 1)], True)

    searching(tmp_path, work, lookup="custom")


@pytest.mark.parametrize("failing", ["list", "get"])
def test_a_platform_that_keeps_failing_has_not_answered(tmp_path: Path, failing: str) -> None:
    async def work(at_work: Looking) -> None:
        at_work.lost(1, 1)
        at_work.desk.unread = lambda path, query: answer(503 if failing == "list" or path != "/v1/calls/" else 404)
        looked = await at_work.look(None, has_attempts=False)
        assert (looked.calls, looked.is_proven, looked.is_answered) == ((), False, False)
        assert 60.0 <= at_work.desk.time.monotonic() <= 70.0

    searching(tmp_path, work, lookup="custom")
