"""`dialer purge`: who they were is in no byte of the ledger any more; what counts and what bars stays."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from dialer.errors import LedgerError, UsageError
from dialer.ledger import analyses, purging, rings
from dialer.ledger.purging import Choice, Purged, Share, would_purge
from dialer.ledger.reading import open_reader
from dialer.model import CallRecord, Chunk, Ending
from dialer.policy.marks import number_key, person_key
from tests.ledger_kit import (
    BY_NAME,
    BY_NUMBER,
    Desk,
    campaign_called,
    deciding,
    desk,
    e164,
    forge,
    placed_in_list,
    reject,
    row,
)
from tests.test_ledger_tallies import faults

WORDS = "my knee hurts when it rains"


def old(made: Desk) -> Choice:
    """All that has not changed for an hour."""
    return Choice(before=made.wall() - timedelta(hours=1))


async def talked(made: Desk, person: str, reason: str = "user_ended_call") -> int:
    """A call with words in it, told of by a webhook too."""
    attempt = await made.dial(person)
    made.wall.goes_on(seconds=5)
    number = made.contact(person)["number"]
    record = {"messages": [{"role": "user", "content": WORDS}], "to_number": number, "ai_agent_id": "agent"}
    told = CallRecord("pf_7", None, number, "", "ended", reason, made.wall(), None, 61, True, record)
    await made.ledger.settle(attempt, told, deciding(Ending(reason, "ended", 61, True), made.wall()))
    await made.ledger.keep("trace-7", "call_ended", "pf_7", json.dumps(record))
    analysis = "INSERT INTO analyses (attempt_id, fetched_at, items) VALUES (?, ?, ?)"
    forge(made.path, analysis, attempt, made.wall().isoformat(), json.dumps({"mood": WORDS}))
    return attempt


def bytes_of(path: Path) -> bytes:
    """All that lies on disk of a ledger, but its secret."""
    return b"".join(
        found.read_bytes() for found in sorted(path.parent.glob(f"{path.name}*")) if found.suffix != ".secret"
    )


def totals(made: Desk) -> dict[str, Any]:
    with open_reader(made.path) as reader:
        standing: dict[str, Any] = dict(reader.standing(made.campaign, made.wall()))
        return standing | {"outcomes": reader.outcomes(made.campaign)}


def everything(made: Desk) -> Iterator[bytes]:
    """What names anybody of the two who are called here."""
    for text in ("annabel-lee", e164(1)[1:], e164(2)[1:], "Baker Street", WORDS, "pays on Friday", "bad-cell-0815"):
        yield text.encode()


async def lived(made: Desk) -> None:
    """Annabel has had a conversation, with all that is left of one; bob and cid have not been called."""
    people = (row("annabel-lee", 1, 2, street="Baker Street"), row("bob", 3), row("cid", 4))
    await made.take(*people, rejects=[replace(reject(7), value="bad-cell-0815", why="bad-cell-0815 is no number")])
    await talked(made, "annabel-lee")
    forge(made.path, "UPDATE contacts SET detail = 'rejected: pays on Friday' WHERE person = 'annabel-lee'")
    plain = "UPDATE attempts SET call_id = 'k2j5', debt = 'pays on Friday', error = 'pays on Friday'"
    forge(made.path, plain)  # a call id as the product makes it tells of nobody
    forge(made.path, "INSERT INTO events (at, event, detail) VALUES ('x', 'opted_out', 'dnc add: annabel-lee')")
    forge(made.path, "UPDATE imports SET stamps = '[[1, 2]]'")
    shown = "INSERT INTO opt_outs (key, kind, shown, source, at) VALUES (?, ?, ?, 'command', 'x')"
    forge(made.path, shown, number_key(made.ledger.secret, e164(1)), "number", e164(1))
    forge(made.path, shown, person_key(made.ledger.secret, "annabel-lee"), "id", "annabel-lee")
    own = """INSERT INTO own_calls (call_id, campaign, number, from_number, person, who, state, intended_at)
             VALUES ('own-1', 'reminders', '+14155559999', '+1', 'annabel-lee', 'me', 'ended', 'x')"""
    forge(made.path, own)
    made.wall.goes_on(days=2)


# --- what goes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["age", "id", "number"])
async def test_no_byte_is_left_of_who_they_were_and_what_was_said(tmp_path: Path, by: str) -> None:
    async with desk(tmp_path) as made:
        await lived(made)
        choice = {"age": old(made), "id": Choice(person="annabel-lee"), "number": Choice(person=e164(2))}[by]
        if by == "number":
            forge(made.path, "UPDATE rejects SET value = '', why = ''")
        before = totals(made)
        assert all(text in bytes_of(made.path) for text in everything(made) if by == "age")
        expected = would_purge(made.path, made.ledger.secret, choice)
        done = await made.ledger.purge(choice, "me")
        assert done == expected
        assert done.shares == (Share("reminders", 1, 0, 1),)
        gone = [text for text in everything(made) if text != b"bad-cell-0815" or by == "age"]
        left = bytes_of(made.path)
        assert [text for text in gone if text in left] == []
        assert b"+14155550003" in left
        assert made.path.with_name("dialer.db-wal").stat().st_size == 0
        after = totals(made)
        assert {**after, "reasons": None} == {**before, "reasons": None}
        assert after["reasons"] == {("done", "user_ended_call", "rejected"): 1, ("due", "", ""): 2}
        assert faults(made.path) == []
        assert made.rows("PRAGMA foreign_key_check") == []


async def test_what_stays_counts_and_tells_of_nobody(tmp_path: Path) -> None:
    async with desk(tmp_path) as made:
        await lived(made)
        await made.ledger.purge(old(made), "me")
        (shell,) = made.rows("SELECT * FROM contacts WHERE purged_at IS NOT NULL")
        assert (shell["state"], shell["attempts"], shell["finish_reason"]) == ("done", 1, "user_ended_call")
        assert (shell["person"], shell["number"], shell["data"]) == (f"purged:{shell['id']}", "", "{}")
        (attempt,) = made.rows("SELECT * FROM attempts")
        assert (attempt["state"], attempt["duration_seconds"], attempt["error"]) == ("ended", 61, "purged")
        assert await made.ledger.knows("pf_7")
        assert await made.ledger.keep("trace-7", "call_ended", "pf_7", "{}") is False
        assert made.rows("SELECT body FROM inbox") == [{"body": "{}"}]
        assert [one["shown"] for one in made.rows("SELECT shown FROM opt_outs")] == [None, None]
        (event,) = made.rows("SELECT detail FROM events WHERE event = 'purged' AND contact_id IS NULL")
        assert event["detail"] == "1 person by me"
        assert [one["event"] for one in made.rows("SELECT event FROM events WHERE contact_id = ?", shell["id"])] == [
            "intended",
            "ended",
            "purged",
        ]


async def test_rings_outlive_them_so_that_caps_still_count(tmp_path: Path) -> None:
    async with desk(tmp_path) as made:
        await lived(made)
        before = rings_of(made, (e164(1), e164(2)), "annabel-lee")
        await made.ledger.purge(old(made), "me")
        assert rings_of(made, (e164(1), e164(2)), "annabel-lee") == before
        assert rings_of(made, (e164(1),), "nobody") == before
        assert rings_of(made, ("+19",), "annabel-lee") == before
        assert [ring.talked for ring in before] == [True]


def rings_of(made: Desk, numbers: tuple[str, ...], person: str) -> Any:
    with closing(sqlite3.connect(made.path)) as db:
        return rings.past(db, made.ledger.secret, numbers, person, made.wall())


async def test_a_ring_of_which_the_platform_told_later_counts_from_then(tmp_path: Path) -> None:
    async with desk(tmp_path, row("ann", 1)) as made:
        await talked(made, "ann")
        forge(made.path, "UPDATE attempts SET started_at = '2026-11-22T09:00:44.000Z'")
        made.wall.goes_on(days=2)
        await made.ledger.purge(old(made), "me")
        assert {one["at"] for one in made.rows("SELECT at FROM rings")} == {"2026-11-22T09:00:44.000Z"}


async def test_what_is_told_of_them_later_is_neither_asked_for_nor_kept_for_long(tmp_path: Path) -> None:
    async with desk(tmp_path) as made:
        await lived(made)
        await made.ledger.purge(Choice(person="annabel-lee"), "me")
        since = made.wall() - timedelta(days=9)
        found = await made.ledger._writer.do(lambda db: analyses.unanalysed(db, made.campaign, since, 9))
        assert found == []
        await made.ledger.keep("trace-8", "call_analysed", "pf_7", WORDS)
        await made.ledger.purge(old(made), "me")
        assert WORDS.encode() not in bytes_of(made.path)


# --- who ---------------------------------------------------------------------------------------------


async def test_only_who_is_finished_and_has_been_for_so_long(tmp_path: Path) -> None:
    async with desk(tmp_path, *(row(f"p{n}", n) for n in range(6))) as made:
        for place, state in enumerate(("waiting", "unknown", "dialing", "excluded", "done")):
            await made.bring(f"p{place}", state)
        made.wall.goes_on(hours=2)
        assert would_purge(made.path, made.ledger.secret, old(made)) == Purged((Share("reminders", 2, 0, 2),))
        await made.bring("p5", "done")
        await made.ledger.purge(old(made), "me")
        assert sorted(made.states().values()) == sorted(["waiting", "unknown", "dialing", "excluded", "done", "done"])
        assert {"p0", "p1", "p2", "p5"} < set(made.states())
        assert "p3" not in made.states()


async def test_one_campaign_or_all_of_the_ledger(tmp_path: Path) -> None:
    async with desk(tmp_path, row("ann", 1)) as made:
        other = (await made.ledger.bind(campaign_called("survey", made.path))).id
        await made.take(row("bob", 2), campaign=other)
        forge(made.path, "UPDATE contacts SET state = 'done'")
        made.wall.goes_on(hours=2)
        only = replace(old(made), campaign="survey")
        assert [share.campaign for share in would_purge(made.path, b"", only).shares] == ["survey"]
        assert [share.campaign for share in would_purge(made.path, b"", old(made)).shares] == ["reminders", "survey"]
        with pytest.raises(UsageError, match="has no campaign 'none'"):
            would_purge(made.path, b"", replace(only, campaign="none"))


async def test_a_person_who_waits_is_forgotten_and_not_called(tmp_path: Path) -> None:
    async with desk(tmp_path, row("ann", 1), row("bob", 1, 5), row("cid", 6)) as made:
        other = (await made.ledger.bind(campaign_called("survey", made.path))).id
        await made.take(row("ann", 7), campaign=other)
        await made.bring("ann", "waiting")
        done = await made.ledger.purge(Choice(person="ann"), "me")
        assert done.shares == (Share("reminders", 1, 1, 1), Share("survey", 1, 1, 0))
        assert done.sharers == (1 if "bob" in made.states() else 0)
        assert e164(1).encode() not in bytes_of(made.path) or done.sharers
        made.wall.goes_on(days=3)
        assert "cid" in await made.due()
        purged = made.rows("SELECT state, detail FROM contacts WHERE purged_at IS NOT NULL")
        assert [(one["state"], one["detail"]) for one in purged] == [("excluded", "purged")] * 2
        assert faults(made.path) == []


@pytest.mark.parametrize("state", ["dialing", "unknown"])
async def test_who_is_on_the_line_is_not_forgotten(tmp_path: Path, state: str) -> None:
    async with desk(tmp_path, row("ann", 1)) as made:
        await made.bring("ann", state)
        with pytest.raises(UsageError, match="ann is on the line in reminders, or it is unknown"):
            await made.ledger.purge(Choice(person="ann"), "me")
        assert made.states() == {"ann": state}


async def test_who_is_on_the_do_not_call_list_alone_is_hidden_there(tmp_path: Path) -> None:
    async with desk(tmp_path, row("ann", 1)) as made:
        shown = "INSERT INTO opt_outs (key, kind, shown, source, at) VALUES (?, 'number', ?, 'file', 'x')"
        forge(made.path, shown, number_key(made.ledger.secret, "+19"), "+19")
        assert (await made.ledger.purge(Choice(person="+19"), "me")).mentions == 1
        assert (await made.ledger.purge(Choice(person="+19"), "me")).is_nobody
        assert made.states() == {"ann": "due"}


# --- a list that comes back --------------------------------------------------------------------------


async def listed(made: Desk, *people: Any) -> int:
    """The list is read again; gives how many rows of it were about people who were forgotten."""
    rows = placed_in_list(people)
    import_id = await made.ledger.begin_import(made.campaign, "again", ["people.csv"], ["phone"])
    await made.ledger.stage(made.campaign, import_id, Chunk(rows, ()))
    secret, campaign = made.ledger.secret, made.campaign
    return await made.ledger._writer.do(lambda db: purging.drop_forgotten(db, secret, campaign))


async def test_nobody_who_was_finished_is_called_because_the_old_list_comes_back(tmp_path: Path) -> None:
    people = [row("ann", 1, 2), row("bob", 3), row("cid", 4)]
    async with desk(tmp_path, *people) as made:
        await made.bring("ann", "done")
        await made.bring("bob", "excluded")
        made.wall.goes_on(hours=2)
        assert await listed(made, *people) == 0
        await made.ledger.purge(old(made), "me")
        assert await listed(made, *people, row("dan", 3)) == 2
        staged = await made.ledger._writer.do(lambda db: [one[0] for one in db.execute("SELECT person FROM staged")])
        assert staged == ["cid", "dan"]
        keys = made.rows("SELECT key, state FROM forgotten ORDER BY state")
        assert [one["state"] for one in keys] == ["done", "excluded"]


async def test_the_old_list_by_cron_dials_nobody_who_was_finished(tmp_path: Path) -> None:
    people = [row("ann", 1, 2), row("bob", 3), row("cid", 4), row("dan", 5)]
    async with desk(tmp_path, *people) as made:
        for person, state in (("ann", "done"), ("bob", "excluded"), ("cid", "exhausted")):
            await made.bring(person, state)
        made.wall.goes_on(hours=2)
        await made.ledger.purge(old(made), "me")
        for listed in ([*people, row("eve", 6)], [row("cid", 4, street="new"), row("ann", 1), row("bob", 9)], people):
            imported = await made.take(*listed, yes=True)
            assert imported.good == imported.read == len(listed)
            assert set(await made.due()) <= {"dan", "eve"}
        states = sorted(one["state"] for one in made.rows("SELECT state FROM contacts WHERE purged_at IS NOT NULL"))
        assert states == ["done", "excluded", "exhausted"]
        assert made.states()["dan"] == "due"
        assert len(made.states()) == 5
        assert faults(made.path) == []


async def test_who_is_known_by_a_number_is_known_again_by_any_of_theirs(tmp_path: Path) -> None:
    async with desk(tmp_path, row(e164(1), 1, 2), row(e164(5), 5), rules=BY_NUMBER) as made:
        await made.bring(e164(1), "done")
        made.wall.goes_on(hours=2)
        await made.ledger.purge(old(made), "me")
        assert await listed(made, row(e164(2), 2), row(e164(9), 9, 1), row(e164(5), 5)) == 2


async def test_who_is_known_by_a_number_that_was_corrected_is_known_again_by_all_they_had(tmp_path: Path) -> None:
    rules = replace(BY_NUMBER, phone=("mobile", "home"))
    async with desk(tmp_path, row(e164(1), 1, 2), rules=rules) as made:
        attempt = await made.dial(e164(1))
        await made.take(row(e164(3), 3, 2), rules=rules)  # the first number is another while it rings
        assert list(made.states()) == [e164(1)]
        await made.end(attempt, "user_ended_call")
        made.wall.goes_on(hours=2)
        await made.ledger.purge(old(made), "me")
        again = (row(e164(3), 3), row(e164(4), 4, 2), row(e164(1), 1), row(e164(5), 5))
        assert await listed(made, *again) == 3


async def test_the_rows_that_are_left_are_neither_gone_nor_called(tmp_path: Path) -> None:
    async with desk(tmp_path, row("ann", 1), row("bob", 2)) as made:
        await made.bring("ann", "done")
        made.wall.goes_on(hours=2)
        await made.ledger.purge(old(made), "me")
        imported = await made.take(row("bob", 2), row("cid", 3), rules=BY_NAME)
        assert (imported.added, imported.withdrawn) == (1, 0)
        assert sorted(made.states().values()) == ["done", "due", "due"]


# --- the file ----------------------------------------------------------------------------------------


async def test_whoever_reads_the_ledger_is_asked_to_close_it(tmp_path: Path) -> None:
    async with desk(tmp_path, row("ann", 1)) as made:
        await made.bring("ann", "done")
        made.wall.goes_on(hours=2)
        made.ledger._connection.execute("PRAGMA busy_timeout = 1")
        with closing(sqlite3.connect(made.path, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT * FROM contacts").fetchone()
            with pytest.raises(LedgerError, match="-wal still holds old pages, since another program reads"):
                await made.ledger.purge(old(made), "me")
        await made.ledger.purge(old(made), "me")
        assert e164(1).encode() not in bytes_of(made.path)


async def test_who_stands_only_in_a_row_that_was_not_taken_is_hidden_there(tmp_path: Path) -> None:
    async with desk(tmp_path) as made:
        await made.take(row("ann", 1), rejects=[replace(reject(7), person="cid", value="bad-cell")])
        assert b"bad-cell" in bytes_of(made.path)
        assert (await made.ledger.purge(Choice(person="cid"), "me")).mentions == 1
        assert (await made.ledger.purge(Choice(person="cid"), "me")).is_nobody
        assert b"bad-cell" not in bytes_of(made.path)
        assert made.states() == {"ann": "due"}
