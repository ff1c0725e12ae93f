"""`dialer call`: a telephone of one's own rings as somebody on the list would be rung, and no campaign has made it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from dialer.clock import Clock
from dialer.config import load
from dialer.errors import UsageError
from dialer.ledger import Ledger
from dialer.ledger.moments import text as text_of
from dialer.ledger.own_calls import OwnCall, Step
from dialer.model import CallerId
from dialer.policy.marks import number_key
from dialer.runner import own_call, requests
from dialer.simulator import read_rings
from tests.acceptance.kit import World
from tests.command_line import KEY, TEXT, Told, campaign, change, on_platform, serving, taken_in, told
from tests.desk import Desk as Platform
from tests.desk import answer, desk, saying
from tests.engine_kit import campaign as rules_of
from tests.engine_kit import number, open_ledger
from tests.ledger_kit import desk as ledger_desk
from tests.ledger_kit import forge, row, rows_of
from tests.virtual_time import Time, in_virtual_time

MINE = "+14155550177"
OWN_NUMBER = CallerId("+14155550100")
CALL = OwnCall("own-1", "reminders", MINE, "+14155550100", "ann", "me")


# --- what is written down ----------------------------------------------------------------------------


async def test_the_intent_and_each_step_are_on_disk_and_no_contact_changes(tmp_path: Path) -> None:
    async with ledger_desk(tmp_path, row("ann", 1)) as made:
        before = made.rows("SELECT * FROM contacts")
        await made.ledger.intend_own_call(CALL)
        assert [one["state"] for one in made.rows("SELECT state FROM own_calls")] == ["intended"]
        await made.ledger.own_call_goes_on(Step("own-1", "placed", "pf"))
        await made.ledger.own_call_goes_on(Step("own-1", "ended", "pf", "user_ended_call", 12))
        (found,) = made.rows("SELECT * FROM own_calls")
        assert (found["state"], found["platform_id"], found["finish_reason"]) == ("ended", "pf", "user_ended_call")
        assert (found["duration_seconds"], found["person"], found["who"]) == (12, "ann", "me")
        assert found["closed_at"] is not None
        with pytest.raises(Exception, match="not legal"):
            await made.ledger.own_call_goes_on(Step("own-1", "placed"))
        assert made.rows("SELECT * FROM contacts") == before
        assert made.rows("SELECT * FROM attempts") == []
        events = made.rows("SELECT to_state, detail, contact_id FROM events WHERE event = 'own_call' ORDER BY id")
        assert [event["to_state"] for event in events] == ["intended", "placed", "ended"]
        assert events[0]["detail"] == "reminders by me: a telephone of one's own, as ann"


async def test_what_a_campaign_rings_now_is_not_rung_beside_it(tmp_path: Path) -> None:
    async with ledger_desk(tmp_path, row("ann", 177)) as made:
        await made.dial("ann")
        with pytest.raises(UsageError, match="a campaign rings this telephone now"):
            await made.ledger.intend_own_call(CALL)


async def test_a_telephone_on_the_do_not_call_list_is_not_rung(tmp_path: Path) -> None:
    async with ledger_desk(tmp_path, row("ann", 1)) as made:
        entry = "INSERT INTO opt_outs (key, kind, source, at) VALUES (?, 'number', 'file', 'x')"
        forge(made.path, entry, number_key(made.ledger.secret, MINE))
        with pytest.raises(UsageError, match="on the do-not-call list"):
            await made.ledger.intend_own_call(CALL)
        assert made.rows("SELECT * FROM own_calls") == []


def test_a_run_that_holds_the_ledger_writes_it_down(tmp_path: Path) -> None:
    async def main() -> None:
        time = Time()
        async with open_ledger(tmp_path, time) as ledger:
            facts = json.loads(json.dumps(own_call.intent_facts(CALL)))
            told = await requests.carry_out(ledger, own_call.VERB, facts, time.clock)
            assert told == "me rings a telephone of their own, beside the campaign"
            step = json.loads(json.dumps(own_call.step_facts(Step("own-1", "refused", error="key"))))
            assert "is refused" in await requests.carry_out(ledger, own_call.VERB, step, time.clock)
            assert rows_of(ledger.path, "SELECT state, error FROM own_calls") == [{"state": "refused", "error": "key"}]

    in_virtual_time(main())


# --- how it goes -------------------------------------------------------------------------------------


class Book:
    """Writes into a ledger as the command has it done, and looks whether it is there before the request."""

    def __init__(self, ledger: Ledger, verbex: Platform) -> None:
        self.ledger = ledger
        self.verbex = verbex
        self.before_the_first = -1

    async def __call__(self, verb: str, facts: Mapping[str, Any]) -> str:
        said = await requests.carry_out(self.ledger, verb, facts, self.verbex.time.clock)
        if "intent" in facts:
            self.before_the_first = len(self.verbex.posts)
        return said


@pytest.mark.parametrize(
    ("said", "code", "words", "state"),
    [
        (None, 0, "the call is over (user_ended_call: talked, and hung up themselves), after ", "ended"),
        ((401, {"detail": "no"}), 77, "not rung: the platform refused the key (no)", "refused"),
        ((402, {"detail": "pay"}), 77, "not rung: the account cannot pay (pay)", "refused"),
        ((422, {"detail": "bad"}), 78, "not rung: the platform did not take the request (bad)", "refused"),
        ((429, {"detail": "slow"}), 69, "not rung: the platform asked for a slower pace (slow)", "refused"),
        ((502, "bad gateway"), 69, "nobody knows whether it rings", "unknown"),
    ],
)
def test_how_it_ends_is_told_and_written_down(tmp_path: Path, said: Any, code: int, words: str, state: str) -> None:
    async def main() -> None:
        time = Time()
        async with desk(time, mix={"user_ended_call": 1}) as verbex, open_ledger(tmp_path, time) as ledger:
            verbex.faults = [] if said is None else [saying(*said)]
            rules = rules_of(tmp_path, verbex.url, [number(1), number(2)])
            found = own_call.row_of(rules, number(2))
            book = Book(ledger, verbex)
            rung = await own_call.ring(rules, found, MINE, OWN_NUMBER, "me", book, time.clock)
            assert (rung.code, words in rung.sentence) == (code, True), rung
            assert book.before_the_first == 0
            ((_, body),) = verbex.posts
            assert body["to_number"] == MINE
            assert body["call_id"].startswith("own-")
            assert body["metadata"]["dialer_call_id"] == body["call_id"]
            assert [one["state"] for one in rows_of(ledger.path, "SELECT state FROM own_calls")] == [state]

    in_virtual_time(main())


@pytest.mark.parametrize("lookup", ["custom", "platform"])
def test_the_end_is_found_by_whichever_id_the_platform_knows(tmp_path: Path, lookup: str) -> None:
    async def main() -> None:
        time = Time()
        async with desk(time, lookup=lookup) as verbex, open_ledger(tmp_path, time) as ledger:
            rules = rules_of(tmp_path, verbex.url, [number(1)])
            rung = await own_call.ring(
                rules, own_call.row_of(rules, number(1)), MINE, OWN_NUMBER, "me", Book(ledger, verbex), time.clock
            )
            assert rung.code == 0

    in_virtual_time(main())


def test_an_end_that_is_never_told_is_waited_for_no_longer_than_a_call_lasts(tmp_path: Path) -> None:
    async def main() -> None:
        time = Time()
        async with desk(time) as verbex, open_ledger(tmp_path, time) as ledger:
            verbex.unread = lambda path, query: answer(404, {"detail": "no"})
            rules = rules_of(tmp_path, verbex.url, [number(1)], longest=600.0)
            rung = await own_call.ring(
                rules, own_call.row_of(rules, number(1)), MINE, OWN_NUMBER, "me", Book(ledger, verbex), time.clock
            )
            assert (rung.code, "does not tell how it ended" in rung.sentence) == (69, True)
            assert 600 <= time.monotonic() < 620
            assert rows_of(ledger.path, "SELECT state FROM own_calls") == [{"state": "unknown"}]

    in_virtual_time(main())


# --- the command -------------------------------------------------------------------------------------


def ring(capsys: pytest.CaptureFixture[str], path: Path, to: str = MINE, person: str = "A2") -> Told:
    return told(capsys, "call", path, "--to", to, "--as", person)


@pytest.mark.slow
def test_on_the_simulator_with_a_ledger_or_before_there_is_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = campaign(tmp_path)
    early = ring(capsys, path)
    assert (early.code, early.err) == (0, "")
    assert early.out.splitlines()[0] == (
        "reminders: +1415•••0177 is rung by the simulated platform from +1415•••0100 with the data of A2."
    )
    assert early.out.splitlines()[-1].startswith(
        "reminders: the call is over (user_ended_call: talked, and hung up themselves), after "
    )
    assert not (tmp_path / "dialer.db").exists()
    lines = [json.loads(line) for line in (tmp_path / "dialer.db.calls.jsonl").read_text().splitlines()]
    assert [next(iter(set(line) - {"campaign"})) for line in lines] == ["intent", "step", "step"]
    assert lines[0]["intent"]["person"] == ""
    taken_in(path)
    before = rows_of(tmp_path / "dialer.db", "SELECT * FROM contacts")
    assert ring(capsys, path, person="+14155550124").code == 0
    (found,) = rows_of(tmp_path / "dialer.db", "SELECT state, person, number FROM own_calls")
    assert found == {"state": "ended", "person": "A2", "number": MINE}
    assert rows_of(tmp_path / "dialer.db", "SELECT * FROM contacts") == before
    assert not (tmp_path / "dialer.db.rings.jsonl").exists()


@pytest.mark.slow
def test_on_a_platform_with_the_data_of_the_row(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = campaign(tmp_path)
    taken_in(path)
    rings = tmp_path / "rings.jsonl"
    with serving(rings, key=KEY, time_scale=600.0) as url:
        on_platform(path, url, KEY)
        assert ring(capsys, path).code == 0
        change(path, KEY, "API_wrong")
        assert ring(capsys, path).code == 77
    assert [one.to_number for one in read_rings(rings)] == [MINE]
    nobody = ring(capsys, path)
    assert (nobody.code, "not rung: the platform could not be reached" in nobody.out) == (69, True)


@pytest.mark.parametrize(
    ("to", "person", "words"),
    [
        ("12", "A2", "--to 12: "),
        ("4155550177", "A2", "the number has no plus and no country code"),
        (MINE, "A9", "--as A9: the list has nobody with this id or number"),
    ],
)
def test_a_wrong_word_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], to: str, person: str, words: str
) -> None:
    refused = ring(capsys, campaign(tmp_path), to, person)
    assert (refused.code, words in refused.err) == (2, True), refused.err
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("dialer.db")] == []


def test_what_may_not_be_rung_is_refused_before_the_request(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = campaign(tmp_path)
    taken_in(path)
    secret = bytes.fromhex((tmp_path / "dialer.db.secret").read_text().strip())
    entry = "INSERT INTO opt_outs (key, kind, source, at) VALUES (?, 'number', 'file', 'x')"
    forge(tmp_path / "dialer.db", entry, number_key(secret, MINE))
    refused = ring(capsys, path)
    assert (refused.code, "is on the do-not-call list" in refused.err) == (2, True)
    assert rows_of(tmp_path / "dialer.db", "SELECT * FROM own_calls") == []


def test_the_row_is_that_of_the_list_as_it_is_now(tmp_path: Path) -> None:
    path = campaign(tmp_path)
    rules = load(path, {})
    assert json.loads(own_call.row_of(rules, "A3").data)["name"] == "Cy"
    assert own_call.number_of(rules, "+1 415 555 0177") == MINE
    assert Clock().monotonic() > 0


# --- which own number shows -----------------------------------------------------------------------------

FIRST, EAST, WEST, SPARE = (f"+1415555010{n}" for n in range(4))
FROM = f"""call:
  from:
    - {{number: "{FIRST}", for: [FR]}}
    - {{number: "{EAST}", for: [US-NY], agent: a-east}}
    - {{number: "{WEST}", for: [US-CA], per_day: 2}}
    - {{number: "{SPARE}", for: [US-CA], per_day: 1}}
"""
EASTERN, WESTERN = "+12125550123", "+14155550124"


def placed(folder: Path) -> Path:
    text = TEXT.replace('call:\n  from: ["+14155550100"]\n', FROM).replace(
        "hours: always", "hours: {daily: 09:00-17:00}"
    )
    return campaign(folder, f"id,phone,name\nA1,{EASTERN},Ann\nA2,{WESTERN},Bob\nA3,+442071838750,Cid\n", text)


def shows(path: Path, person: str) -> str:
    rules = load(path, {})
    return own_call.caller_of(rules, own_call.row_of(rules, person), Clock().now()).number


def rang(folder: Path, person: str, own: str) -> None:
    """A campaign has rung them under that number today."""
    db = folder / "dialer.db"
    (one,) = rows_of(db, f"SELECT id FROM contacts WHERE person = '{person}'")  # noqa: S608 - ours
    serial = len(rows_of(db, "SELECT id FROM attempts")) + 1
    sql = (
        "INSERT INTO attempts (contact_id, campaign_id, run_id, serial, call_id, number, from_number, state, costs,"
        " payload_hash, intended_at, intent_expires_at) VALUES (?, 1, 1, ?, ?, '+1', ?, 'ended', 1, '', ?, '')"
    )
    forge(db, sql, one["id"], serial, f"c{serial}", own, text_of(Clock().now()))


def test_the_number_shows_that_the_campaign_would_show(tmp_path: Path) -> None:
    """By place; the one that they saw before; not one that has been shown as often today as it may."""
    path = placed(tmp_path)
    assert shows(path, "A1") == EAST
    first = shows(path, "A2")
    assert first in (WEST, SPARE)
    taken_in(path)
    assert shows(path, "A2") == first
    rang(tmp_path, "A2", WEST)
    assert shows(path, "A2") == WEST
    rang(tmp_path, "A1", WEST)
    assert shows(path, "A2") == SPARE
    rang(tmp_path, "A1", SPARE)
    with pytest.raises(UsageError, match=r"--as A2: all own numbers .* \(call\.from\), until \d{4}-.* 00:00 UTC"):
        shows(path, "A2")
    with pytest.raises(UsageError, match=r"--as A3: no own number is meant for GB"):
        shows(path, "A3")


def test_the_agent_of_the_number_speaks(tmp_path: Path) -> None:
    rules = load(placed(tmp_path), {})
    found = own_call.row_of(rules, "A1")
    request = own_call.request_of(rules, found, MINE, own_call.caller_of(rules, found, Clock().now()))
    assert (request.from_number, request.agent, request.to_number) == (EAST, "a-east", MINE)


@pytest.mark.slow
def test_while_a_run_goes_on_that_run_writes_it_down(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.people(5)
    path = world.campaign(pace={"calls_per_second": 0.2}, hours="always", rules="none")
    with world.running("run", path) as running:
        running.until(lambda: len(world.rings()) == 1)
        rung = world.run("call", path, "--to", MINE, "--as", "P-0003")
        assert (rung.code, rung.err) == (0, "")
        assert "the call is over" in rung.out
        running.until(lambda: "rings a telephone of their own, beside the campaign" in running.err)
        running.kill()
    assert [(one["state"], one["person"]) for one in world.ask("SELECT * FROM own_calls")] == [("ended", "P-0003")]
    assert {ring.to_number for ring in world.rings()}.isdisjoint({MINE})


def test_why_it_was_asked_for_stands_in_the_event(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = campaign(tmp_path)
    taken_in(path)
    assert told(capsys, "call", path, "--to", MINE, "--as", "A1", "--why", "to hear it").code == 0
    events = rows_of(tmp_path / "dialer.db", "SELECT detail FROM events WHERE event = 'own_call'")
    assert any((each["detail"] or "").endswith("as A1: to hear it") for each in events)
