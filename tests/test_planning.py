"""`plan`: whom a list or a ledger has, what is assumed, and how it is told."""

from __future__ import annotations

import asyncio
import io
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dialer.cli.plan import assumptions
from dialer.clock import Clock
from dialer.config import load
from dialer.console import chart
from dialer.errors import CampaignError, ListError, UsageError
from dialer.ledger import Ledger, optouts
from dialer.ledger.planning import counted
from dialer.model.planning import Planned
from dialer.policy import permission
from dialer.policy.spans import Spans
from dialer.runner import planning
from dialer.runner.seen import Seen
from tests.command_line import campaign, change, people_of, taken_in, told
from tests.ledger_kit import desk, forge, row

MONDAY = datetime(2026, 11, 23, 13, tzinfo=UTC)  # 08:00 in New York
RULED = """\
name: reminders
contacts: {file: contacts.csv, phone: phone, id: id, country: US, postcode: zip, consent: ok}
call: {from: ["+14155550100"], data: [name]}
platform: {url: simulator, simulator: {time_scale: 1}}
pace: {calls_per_second: 1, concurrent_calls: 10}
hours: {mon-fri: [09:00-17:00]}
rules: {purpose: info, packs: [us], consent: ok, yes: [y]}
ledger: dialer.db
"""
PEOPLE = """\
id,phone,name,zip,ok
A1,+12125550101,Ann,10001,y
A2,+12125550102,Bob,10001,y
A3,+14155550103,Cid,94105,y
A4,+14155550104,Dan,99999,y
A5,+14155550103,Eve,94105,y
A6,12,Fay,94105,y
A7,+12125550107,Gus,10001,n
"""


def clock(at: datetime = MONDAY) -> Clock:
    return Clock(wall=at.timestamp)


def planned(path: Path, at: datetime = MONDAY, **given: float) -> Planned:
    return planning.plan(load(path, {}), clock(at), given)


def ruled(folder: Path, people: str = PEOPLE, **changes: str) -> Path:
    text = RULED
    for old, new in changes.items():
        text = text.replace(f"{old}:", f"{new}", 1)
    return campaign(folder, people, text)


# --- by the list -------------------------------------------------------------------------------------


def test_a_list_is_planned_by_the_rules_and_nothing_is_written(tmp_path: Path) -> None:
    path = ruled(tmp_path)
    found = planned(path)
    assert found.source == planning.LIST
    assert {wait.until: wait.people for wait in found.forecast.waits} == {
        (MONDAY + timedelta(hours=1)).timestamp(): found.forecast.people - 1,
        (MONDAY + timedelta(hours=4)).timestamp(): 1,
    }
    why = {each.why: (each.people, each.examples) for each in found.excluded}
    assert why["held:unknown_postcode"] == (1, ("+14155550104",))
    assert {each.why: each.people for each in found.counted.rejects} == {"duplicate": 1, "impossible_number": 1}
    assert found.forecast.worst == 3 * found.forecast.people
    assert sorted(file.name for file in tmp_path.iterdir()) == ["campaign.yaml", "contacts.csv"]


def test_one_decision_is_made_for_all_who_are_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    people = "id,phone,name,zip,ok\n" + "".join(f"A{n},+1212555{n:04d},Ann,10001,y\n" for n in range(100, 400))
    asked: list[object] = []

    def counting(*given: Any) -> Spans:
        asked.append(given)
        return openings(*given)

    openings = permission.openings
    monkeypatch.setattr(permission, "openings", counting)
    found = planned(ruled(tmp_path, people))
    assert (found.forecast.people, len(found.forecast.zones)) == (300, 1)
    assert len(asked) == 1


def test_turns_and_ends_of_the_list_count(tmp_path: Path) -> None:
    people = (
        "id,phone,name,since,until,first\n"
        "A1,+12125550101,Ann,2026-11-24,,5\n"
        "A2,+12125550102,Bob,,2026-11-22,0\n"
        "A3,+12125550103,Cid,2026-11-01,,-1234567\n"
        "A4,+12125550104,Dan,,,\n"
    )
    text = RULED.replace("postcode: zip, consent: ok", "not_before: since, not_after: until, priority: first")
    text = text.replace("consent: ok, yes: [y]", "consent: given")
    found = planned(campaign(tmp_path, people.replace("-1234567", "-123456"), text), MONDAY + timedelta(hours=3))
    assert (found.forecast.people, found.forecast.ready) == (4, 2)
    assert found.forecast.unfit == {"time_is_over": 1}
    (wait,) = found.forecast.waits
    assert (wait.people, wait.until) == (1, (MONDAY + timedelta(hours=25)).timestamp())
    given_up = ruled(tmp_path, PEOPLE)
    change(given_up, "consent: ok}", "consent: ok, expires: 30m}")
    assert sum(planned(given_up).forecast.unfit.values()) == planned(given_up).forecast.people


def test_whoever_is_on_a_do_not_call_list_is_left_out(tmp_path: Path) -> None:
    path = ruled(tmp_path)
    (tmp_path / "national.csv").write_text("phone\n+12125550101\n")
    path.write_text(path.read_text() + "dnc: [{file: national.csv}]\n")
    asyncio.run(_opt_out(path, "+12125550102", "A3"))
    found = {each.why: each.examples for each in planned(path).counted.excluded}
    assert found["dnc:national.csv"] == ("+12125550101",)
    assert found["opted_out"] == ("+12125550102", "+14155550103")
    (tmp_path / "national.csv").write_text("phone\nsoon\n")
    with pytest.raises(ListError, match=r"national\.csv"):
        planned(path)


async def _opt_out(path: Path, number: str, person: str) -> None:
    ledger = Ledger.open(load(path, {}).ledger, "run", Clock().now)
    try:
        await ledger.start_run("run", [])
        await ledger._writer.do(
            lambda db: optouts.add(
                db, ledger.secret, [number], [person], optouts.Word("asked"), Clock().now(), ledger._mark
            )
        )
    finally:
        await ledger.close()


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("min_rows: 8", "it has 7 rows, and `contacts.min_rows` asks for 8"),
        ("min_rows: 7", ""),
        ("max_rejects: 20%", "2 of its 7 rows are rejects, and `contacts.max_rejects` allows 20%"),
        ("max_rejects: 30%", ""),
    ],
)
def test_a_list_that_would_not_be_taken_in_is_said_to_be_none(tmp_path: Path, rule: str, words: str) -> None:
    path = ruled(tmp_path)
    change(path, "consent: ok}", f"consent: ok, {rule}}}")
    assert planned(path).counted.gate == words
    assert any("dials nobody" in note for note in planned(path).notes) == bool(words)


def test_a_list_of_nobody_is_said_to_be_one(tmp_path: Path) -> None:
    found = planned(ruled(tmp_path, "id,phone,name,zip,ok\nA6,12,Fay,94105,y\n"))
    assert (found.counted.gate, found.forecast.people) == ("none of its 1 rows can be dialled", 0)


def test_a_bad_number_beside_a_good_one_is_no_bad_row(tmp_path: Path) -> None:
    path = ruled(
        tmp_path, "id,phone,home,name,zip,ok\nA1,+12125550101,12,Ann,10001,y\nA2,12,+12125550102,Bob,10001,y\n"
    )
    change(path, "phone: phone", "phone: [phone, home], max_rejects: 0%")
    found = planned(path)
    assert (found.counted.gate, found.forecast.people) == ("", 2)
    assert {each.why: each.people for each in found.counted.rejects} == {"impossible_number": 2}


def test_rules_that_cannot_be_read_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(CampaignError, match="was good until"):
        planned(ruled(tmp_path), datetime(2040, 1, 1, tzinfo=UTC))


# --- by the ledger -----------------------------------------------------------------------------------


async def test_a_ledger_is_counted_in_groups(tmp_path: Path) -> None:
    people = [row(f"P{n}", n) for n in range(1, 9)]
    async with desk(tmp_path, *people) as made:
        await made.bring("P1", "done")
        await made.bring("P2", "waiting")
        await made.bring("P3", "waiting")
        await made.bring("P4", "exhausted")
        await made.dial("P5")
        forge(made.path, "UPDATE contacts SET stop = 'withdrawn' WHERE person = 'P6'")
        forge(
            made.path,
            "UPDATE contacts SET expires_at = ?, priority = 7 WHERE person = 'P7'",
            "2026-12-01T00:00:00.000Z",
        )
        found = counted(made.path, "reminders", made.wall())
        assert found is not None
        fresh = {(each.priority, each.expires_at is None): each.people for each in found.crowds if not each.again}
        assert fresh == {(0, True): 1, (7, False): 1}
        (again,) = (each for each in found.crowds if each.again)
        assert (again.people, again.past) == (2, (1, (("no_answer", 1),)))
        assert again.due_at is not None and again.due_at > made.wall().timestamp()
        assert (found.finished, found.live, found.unknown, found.paused) == (2, 1, 0, "")
        assert [(each.why, each.people, len(each.examples)) for each in found.excluded] == [("withdrawn", 1, 1)]
        assert sum(each.calls for each in found.ended) == 4
        assert counted(made.path, "survey", made.wall()) is None


def test_what_was_taken_in_is_planned_from_the_ledger(tmp_path: Path) -> None:
    path = ruled(tmp_path)
    before = planned(path)
    taken_in(path)
    known = people_of(tmp_path / "dialer.db")
    found = planned(path)
    assert found.source == planning.LEDGER
    assert found.forecast == before.forecast
    assert {each.why: each.people for each in found.excluded} == {each.why: each.people for each in before.excluded}
    assert {each.why: each.people for each in found.counted.rejects} == {
        each.why: each.people for each in before.counted.rejects
    }
    assert people_of(tmp_path / "dialer.db") == known
    is_there = os.stat(tmp_path / "contacts.csv")
    # The stamp of a list that was written just now is not kept, since it could be written again without a trace.
    stamp = [0, 0, is_there.st_size, is_there.st_mtime_ns, 0, 0.0, ""]
    forge(tmp_path / "dialer.db", "UPDATE imports SET stamps = ?", json.dumps([stamp]))
    assert not any("touched" in note for note in planned(path).notes)
    (tmp_path / "contacts.csv").write_text(PEOPLE + "A8,+12125550108,Hal,10001,y\n")
    assert any("touched" in note for note in planned(path).notes)


def test_a_paused_campaign_is_said_to_be(tmp_path: Path) -> None:
    path = ruled(tmp_path)
    taken_in(path)
    forge(tmp_path / "dialer.db", "UPDATE campaigns SET paused = 'paused', paused_why = 'wrong prices'")
    forge(tmp_path / "dialer.db", "UPDATE contacts SET state = 'dialing' WHERE person = 'A1'")
    notes = " ".join(planned(path).notes)
    assert "the campaign is paused: wrong prices; the forecast is what follows if it goes on now" in notes
    assert "left out of the forecast: 1 on the line, 0 unknown" in notes


# --- what is assumed ---------------------------------------------------------------------------------


def test_what_is_given_goes_before_what_is_guessed(tmp_path: Path) -> None:
    path = ruled(tmp_path)
    found = planned(path, answer=1.0, lines=2.0).assumed
    assert (found.answer, found.lines, found.machine) == (1.0, 2.0, 0.15)
    assert (found.sources["answer"], found.sources["lines"], found.sources["ring"]) == ("given", "given", "assumed")
    assert planned(path).assumed.lines == 10
    assert planned(path).assumed.sources["lines"] == "the campaign file"
    change(path, "time_scale: 1", "time_scale: 10")
    assert planned(path).assumed.length == 6.0


def test_a_learned_limit_is_taken_from_the_ledger(tmp_path: Path) -> None:
    path = ruled(tmp_path)
    change(path, "concurrent_calls: 10", "concurrent_calls: {auto: true, leave_free: 2, at_most: 30}")
    assert (planned(path).assumed.lines, planned(path).assumed.sources["lines"]) == (3.0, "assumed")
    taken_in(path)
    forge(tmp_path / "dialer.db", "UPDATE campaigns SET lines = 12.0")
    assert (planned(path).assumed.lines, planned(path).assumed.sources["lines"]) == (10.0, "learned")
    forge(tmp_path / "dialer.db", "UPDATE campaigns SET lines = 99.0")
    assert planned(path).assumed.lines == 30.0


def test_own_numbers_with_calls_a_day_bind_together(tmp_path: Path) -> None:
    path = ruled(tmp_path)
    change(path, '["+14155550100"]', '[{number: "+14155550100", per_day: 2}, {number: "+14155550101", per_day: 3}]')
    assert planned(path).speed.per_day == 5
    path.write_text(path.read_text() + "caps: {per_day: 4}\n")
    assert planned(path).speed.per_day == 4
    change(path, ", per_day: 3", "")
    change(path, "caps: {per_day: 4}", "caps: {per_day: 900}")
    assert planned(path).speed.per_day == 900


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ([], {}),
        (["answer=35%,length=60s"], {"answer": 0.35, "length": 60.0}),
        (["answer=0.2", "lines=40, ring=5s"], {"answer": 0.2, "lines": 40.0, "ring": 5.0}),
        (["machine = 10%", "machine_length=1m"], {"machine": 0.1, "machine_length": 60.0}),
    ],
)
def test_assumptions_are_read(texts: list[str], expected: dict[str, float]) -> None:
    assert assumptions(texts) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("anser=3%", "did you mean answer?"),
        ("answer", "is not one of answer, machine"),
        ("answer=lots", "--assume answer: 'lots' is not a share; write it as 20% or 0.2"),
        ("answer=120%", "more than the whole"),
        ("length=60", "--assume length: '60' has no unit"),
        ("lines=0", "--assume lines: '0' is too little"),
        ("answer=60%,machine=50%", "more than 100 % of the calls together"),
    ],
)
def test_assumptions_that_cannot_be_are_refused(text: str, words: str) -> None:
    with pytest.raises(UsageError, match="--assume") as refused:
        assumptions([text])
    assert words in str(refused.value)


# --- the command -------------------------------------------------------------------------------------


def test_it_is_told_in_words_within_80_columns_and_masked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = ruled(tmp_path)
    shown = told(capsys, "plan", path)
    assert (shown.code, shown.err) == (0, "")
    assert shown.out.startswith("reminders: ")
    assert max(map(len, shown.out.splitlines())) <= 80
    assert "+1415•••0104" in shown.out
    for number in ("14155550104", "12125550101"):
        assert number not in shown.out
    for words in ("ready now", "not called", "held:unknown_postcode", "list faults", "first call", "last call", "pace"):
        assert words in shown.out
    for words in ("by time zone", "America/New_York: ", "answer=35%  ", "(assumed)", "calls per hour (UTC)", "###"):
        assert words in shown.out


def test_several_campaigns_are_told_one_after_the_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = ruled(tmp_path)
    other = tmp_path / "other.yaml"
    other.write_text(path.read_text().replace("name: reminders", "name: survey"))
    shown = told(capsys, "plan", path, other)
    assert "\nsurvey: " in shown.out
    assert "2 campaigns, each as if it ran alone" in shown.out


def test_as_json_it_is_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = ruled(tmp_path)
    (found,) = json.loads(told(capsys, "plan", path, "--json", "--assume", "answer=50%").out)["campaigns"]
    assert (found["campaign"], found["source"], found["most_calls"]) == ("reminders", "list", 3 * found["people"])
    assert found["assumed"]["answer"] == {"value": 0.5, "from": "given"}
    assert sum(hour["calls"] for hour in found["hours"]) == pytest.approx(found["calls"], abs=0.1)
    assert {zone["zones"][0] for zone in found["zones"]} == {"America/New_York", "America/Los_Angeles"}
    assert found["first_call"].endswith("Z") and found["first_call"] < found["last_call"]
    assert "14155550104" not in json.dumps(found)


def test_a_wrong_assumption_is_wrong_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    refused = told(capsys, "plan", ruled(tmp_path), "--assume", "speed=9")
    assert (refused.code, "'speed=9' is not one of" in refused.err) == (2, True)


# --- parts -------------------------------------------------------------------------------------------


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def test_a_chart_is_drawn_on_a_terminal_and_written_elsewhere() -> None:
    rows = [("Mon 14:00", 1000.0), ("Mon 15:00", 500.0), ("Mon 16:00", 0.0)]
    plain = io.StringIO()
    chart.show("calls", rows, plain)
    head, first, second, third = plain.getvalue().splitlines()
    assert (head, len(first), third) == ("  calls", 80, "    Mon 16:00     0")
    assert first.count("#") == pytest.approx(2 * second.count("#"), abs=1)
    drawn = Terminal()
    chart.show("calls", rows, drawn, {"TERM": "xterm"})
    assert "█" in drawn.getvalue() and "#" not in drawn.getvalue()
    nothing = io.StringIO()
    chart.show("calls", [], nothing)
    assert nothing.getvalue() == ""


def test_what_has_come_before_is_known_however_long_ago() -> None:
    seen = Seen()
    assert all(seen.add((n * 7919 % 300_007 - 150_000,)) for n in range(300_007))
    assert not any(seen.add((n,)) for n in range(-150_000, 150_007, 997))
    assert not seen.add((10**15, 0))
    assert seen.add((10**15,))
