"""`dialer why`: all that was decided about a person, over all campaigns, in words and as JSON."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dialer.cli import why
from dialer.cli.why import following
from dialer.clock import Clock
from dialer.config import load
from dialer.ledger import Ledger
from dialer.ledger.telling import ContactTold
from dialer.ledger.telling import told as told_of
from dialer.model import Campaign, Rule, Ruling
from dialer.model.rules import Finding
from dialer.policy.marks import number_key, person_key
from tests.command_line import campaign, change, taken_in, told
from tests.ledger_kit import Desk, campaign_called, desk, forge, row

NUMBER = "+14155550123"
LATER = datetime(2026, 11, 23, 14, tzinfo=UTC)


# --- what the ledger tells ---------------------------------------------------------------------------


async def test_all_contacts_with_the_id_or_the_number_in_all_campaigns_are_told_of(tmp_path: Path) -> None:
    async with desk(tmp_path, row("ann", 1), row("bob", 2), row("cid", 1, 3)) as made:
        other = (await made.ledger.bind(campaign_called("survey", made.path))).id
        await made.take(row("ann", 9), campaign=other)
        found = told_of(made.path, "ann", made.wall())
        assert [(one.campaign, one.person) for one in found.contacts] == [("reminders", "ann"), ("survey", "ann")]
        by_number = told_of(made.path, "+14155550001", made.wall())
        assert [one.person for one in by_number.contacts] == ["ann"]
        assert told_of(made.path, "zoe", made.wall()).contacts == ()


async def test_each_event_and_each_dial_in_order_with_who_and_why(tmp_path: Path) -> None:
    async with desk(tmp_path, row("ann", 1)) as made:
        await made.bring("ann", "waiting")
        made.wall.goes_on(days=1)
        attempt = await made.dial("ann")
        await made.hold(attempt)
        (ann,) = told_of(made.path, "ann", made.wall()).contacts
        assert [event.event for event in ann.events] == ["intended", "ended", "woken", "intended", "held"]
        assert [(call.state, call.finish_reason, call.costs) for call in ann.calls] == [
            ("ended", "no_answer", True),
            ("unknown", None, False),
        ]
        assert ann.calls[1].intended_at == made.wall()
        assert len(told_of(made.path, "ann", made.wall()).rings) == 2


async def test_what_bars_them_is_told_from_keys_too(tmp_path: Path) -> None:
    async with desk(tmp_path, row("ann", 1)) as made:
        secret = made.ledger.secret
        for key, kind in ((number_key(secret, NUMBER), "number"), (person_key(secret, "ann"), "id")):
            sql = "INSERT INTO opt_outs (key, kind, reason, source, at) VALUES (?, ?, 'asked', 'file', ?)"
            forge(made.path, sql, key, kind, "2026-11-22T09:00:00.000Z")
        assert [one.about for one in told_of(made.path, "ann", made.wall()).opt_outs] == ["ann"]
        assert [one.kind for one in told_of(made.path, NUMBER, made.wall()).opt_outs] == ["number"]


# --- what comes next ---------------------------------------------------------------------------------

ANN = ContactTold(
    campaign="reminders", paused=None, paused_until=None, paused_why=None, paused_by=None, contact_id=1, person="ann",
    numbers=(NUMBER,), state="due", detail="", finish_reason=None, stop=None, due_at=None, expires_at=None, attempts=0,
    extra_attempts=0, first_seen_at=LATER, purged_at=None, facts="{}", data="{}", events=(), calls=(), rings=(),
)  # fmt: skip
NOW = LATER - timedelta(hours=2)


@pytest.mark.parametrize(
    ("contact", "words"),
    [
        (ANN, "to be called as soon as a run goes on, as the rules and the lines allow"),
        (replace(ANN, state="waiting", due_at=LATER), "to be called at 2026-11-23 14:00:00 UTC, "),
        (replace(ANN, state="waiting", due_at=NOW), "to be called as soon as a run goes on"),
        (replace(ANN, expires_at=LATER), "; given up at 2026-11-23 14:00:00 UTC"),
        (replace(ANN, paused="paused", paused_until=LATER), "nothing while reminders is paused until 2026-11-23 14:00"),
        (replace(ANN, paused="paused", paused_until=NOW), "to be called"),
        (replace(ANN, stop="opted_out"), "nothing; they are taken out when their turn comes (asked not to be called)"),
        (replace(ANN, state="dialing"), "on the line"),
        (replace(ANN, state="unknown"), "dialer unknown list"),
        (replace(ANN, state="done"), "only `dialer requeue --only` would call them again"),
        (replace(ANN, state="exhausted"), "nothing; `dialer requeue` would call them again"),
        (replace(ANN, state="excluded", detail="held:no_zone"), "correct the list"),
        (replace(ANN, state="excluded", detail="blocked:no_consent"), "nothing as long as that rule applies to them"),
        (replace(ANN, state="excluded", detail="dnc:national.csv"), "as the do-not-call list has all their numbers"),
        (replace(ANN, state="excluded", stop="opted_out"), "`dialer dnc remove`"),
        (replace(ANN, state="excluded", stop="withdrawn"), "unless the list has them again"),
        (replace(ANN, state="excluded", stop="withdrawn", purged_at=LATER), "was purged at 2026-11-23 14:00:00 UTC"),
        (replace(ANN, state="excluded", stop="cancelled"), "nothing"),
    ],
)
def test_what_comes_next_and_when(contact: ContactTold, words: str) -> None:
    assert words in following(contact, NOW)


@pytest.mark.parametrize(
    ("until", "words"),
    [
        (None, "nothing as long as us-hours stands against it"),
        (LATER, "to be called at 2026-11-23 14:00:00 UTC, "),
        (NOW - timedelta(hours=1), "to be called at 2026-11-23 13:00:00 UTC, "),
    ],
)
def test_the_rules_say_when_it_may_be(until: datetime | None, words: str) -> None:
    findings = [
        Finding(Rule("us-hours", "US"), Ruling.HOLD, until, ""),
        Finding(Rule("hours", "*"), Ruling.ALLOW, None, ""),
    ]
    assert following(replace(ANN, due_at=NOW + timedelta(hours=1)), NOW, findings).startswith(words)


# --- the command -------------------------------------------------------------------------------------


def called(path: Path, *reasons: str) -> None:
    """The first person was called, and the calls ended so."""
    taken_in(path)
    asyncio.run(_call(path, reasons))


async def _call(path: Path, reasons: tuple[str, ...]) -> None:
    rules = load(path, {})
    ledger = Ledger.open(rules.ledger, "run", Clock().now)
    try:
        await ledger.start_run("run", [rules.name])
        made = Desk(ledger, Clock().now, (await ledger.bind(rules)).id)  # type: ignore[arg-type]
        for reason in reasons:
            await made.end(await made.dial("A1"), reason)
    finally:
        await ledger.close()


def test_it_is_told_in_words_within_80_columns_and_masked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = campaign(tmp_path)
    called(path, "no_answer")
    for person in ("A1", NUMBER):
        shown = told(capsys, "why", person, "--ledger", tmp_path / "dialer.db")
        assert (shown.code, shown.err) == (0, "")
        assert shown.out.startswith("A1 in reminders: waiting (did not answer)\n")
        assert max(map(len, shown.out.splitlines())) <= 80
        assert "14155550123" not in shown.out
        assert "  numbers: +1415•••0123; attempts used up: 1\n" in shown.out
        assert "  next: to be called at 20" in shown.out
        assert "+1415•••0123 from +1415•••0100: did not answer" in " ".join(shown.out.split())
        assert "ended (dialing → waiting): no_answer; again at 20" in " ".join(shown.out.split())
        assert "On no do-not-call list." in shown.out
        assert "Rings of the last 90 days, over all campaigns, which caps count:\n  20" in shown.out
        assert "to see what they say now, name this campaign's file" in " ".join(shown.out.split())


def test_as_json_it_is_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = campaign(tmp_path)
    called(path, "user_ended_call")
    found = json.loads(told(capsys, "why", "A1", path, "--json").out)
    (ann,) = found["contacts"]
    assert (ann["campaign"], ann["state"], ann["attempts"], ann["rules"]) == ("reminders", "done", 1, [])
    assert ann["data"]["name"] == "Ann"
    assert [event["event"] for event in ann["events"]] == ["intended", "ended"]
    assert ann["calls"][0]["finish_reason"] == "user_ended_call"
    assert found["rings"][0]["talked"] is True
    assert "14155550123" not in json.dumps(found)


def test_what_the_rules_say_now_is_told_where_it_is_known(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = campaign(tmp_path)
    called(path)

    def explain(rules: Campaign, contact: ContactTold, now: datetime) -> Sequence[Finding]:
        assert (rules.name, contact.person, contact.rings) == ("reminders", "A1", ())
        rule = Rule("us.federal.hours", "US", pack="us", version="2026.11.22", citation="47 CFR 64.1200(c)(1)")
        return [Finding(rule, Ruling.HOLD, LATER, "08:00–21:00 of their own time")]

    why.why("A1", path, None, False, explain)
    out = capsys.readouterr().out
    assert "    HOLD  us.federal.hours (us-2026.11.22) until 2026-11-23 14:00:00 UTC:" in out
    why.why("A1", path, None, True, explain)
    (finding,) = json.loads(capsys.readouterr().out)["contacts"][0]["rules"]
    assert (finding["says"], finding["citation"]) == ("HOLD", "47 CFR 64.1200(c)(1)")
    assert finding["until"] == "2026-11-23T14:00:00.000Z"
    why.why("A1", path, None, False, lambda *_: ())
    assert "  rules now: none applies\n" in capsys.readouterr().out


def test_each_rule_of_the_campaign_is_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = campaign(tmp_path)
    change(path, "hours: always\nrules: none", "hours: {daily: [00:00-24:00]}\nrules: {purpose: survey, packs: [us]}")
    called(path, "no_answer")
    facts = {"zones": ["America/Los_Angeles"], "places": ["US", "US-CA"], "countries": ["US"], "lines": ["mobile"]}
    ledger = tmp_path / "dialer.db"
    forge(ledger, "INSERT INTO audiences (id, facts) VALUES (77, ?)", json.dumps(facts))
    forge(ledger, "UPDATE contacts SET audience = 77")
    (ann,) = json.loads(told(capsys, "why", "A1", path, "--json").out)["contacts"]
    assert {rule["rule"] for rule in ann["rules"]} > {"hours"}
    assert any(rule["version"].startswith("us-") and rule["citation"] for rule in ann["rules"])
    shown = told(capsys, "why", "A1", path)
    assert "  rules now:\n    " in shown.out
    assert max(map(len, shown.out.splitlines())) <= 80


def test_without_rules_none_applies(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = campaign(tmp_path)
    called(path, "no_answer")
    assert "  rules now: none applies\n" in told(capsys, "why", "A1", path).out


def test_of_who_was_purged_that_much_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = campaign(tmp_path)
    called(path, "user_ended_call")
    assert told(capsys, "purge", path, "--person", "A1", "--yes").code == 0
    shown = told(capsys, "why", "A1", path)
    assert shown.out.startswith(
        "A1 is in no campaign of this ledger any more.\nWas done in reminders when they were purged"
    )
    assert "which caps count:\n  20" in shown.out
    assert max(map(len, shown.out.splitlines())) <= 80
    (one,) = json.loads(told(capsys, "why", "A1", path, "--json").out)["forgotten"]
    assert (one["campaign"], one["state"]) == ("reminders", "done")


def test_who_was_purged_is_told_once_where_the_number_says_who_somebody_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = campaign(tmp_path)
    change(path, "  id: id\n", "")
    taken_in(path)
    assert told(capsys, "purge", path, "--person", "+14155550123", "--yes").code == 0
    assert told(capsys, "why", "+14155550123", path).out.count("when they were purged") == 1


@pytest.mark.parametrize("person", ["A9", "+14155550199"])
def test_who_is_unknown_is_said_to_be(tmp_path: Path, capsys: pytest.CaptureFixture[str], person: str) -> None:
    path = campaign(tmp_path)
    taken_in(path)
    refused = told(capsys, "why", person, path)
    assert (refused.code, "knows nothing of" in refused.err) == (2, True)
    assert told(capsys, "why", person, "--ledger", tmp_path / "none.db").code == 74


def test_what_is_not_there_is_not_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, "why", "A1", campaign(tmp_path)).code == 74
    assert not (tmp_path / "dialer.db").exists()
