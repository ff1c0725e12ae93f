"""Hours, law, caps, lists of those not to call, caller ids: what a campaign file says of them, and each wrong word."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from dialer.model import CallerId, Cap, OptOut, Order, Purpose, Register, Rule
from tests.campaign_files import loaded, only, refused, small

WHOLE = """\
name: reminders
contacts:
  file: contacts.csv
  consent: ok
  debt: account
  priority: p
  not_before: nb
  not_after: na
call:
  from:
    - +14155550100
    - {number: +13055550100, for: [US-FL, US-GA], agent: a1, per_day: 300}
  ring: 45s
  rotate: true
platform: {url: simulator}
retry: {attempts: 4, spread: true, callback: callback_at, no_answer: 2h}
hours: {mon-fri: [09:00-12:00, 13:00-19:30], sat: [10:00-16:00], holidays: [US, US-LA], not_on: [2026-12-24]}
rules:
  purpose: debt
  packs: [us, ca]
  yes: ["Yes", ja]
  add: [{id: quiet, place: US-UT, hours: {fri: [09:00-12:00]}}]
  i_accept: [us-fl-hours]
caps: {per_person: 3 per 7d, gap: 4h, per_day: 5000}
dnc: [{file: national.csv, max_age: 31d}]
opt_out_when: {reasons: [user_ended_call], analysis: {do_not_call: [yes, true]}}
order: fresh
analysis: true
"""


def test_all_of_it(tmp_path: Path) -> None:
    (tmp_path / "national.csv").write_text("phone\n")
    campaign = loaded(tmp_path, WHOLE)
    assert campaign.contacts.steering == ("ok", "account", "p", "nb", "na")
    assert campaign.call.from_numbers == ("+14155550100", "+13055550100")
    assert campaign.call.callers[1] == CallerId("+13055550100", frozenset({"US-FL", "US-GA"}), "a1", 300)
    assert (campaign.call.ring, campaign.contacts.ring, campaign.call.rotates) == (45.0, 45.0, True)
    assert (campaign.retry.attempts, campaign.retry.spreads, campaign.retry.callback) == (4, True, "callback_at")
    hours = campaign.hours
    assert hours is not None
    assert hours.week is not None
    assert (hours.week[0], hours.week[5], hours.week[6]) == (((540, 720), (780, 1170)), ((600, 960),), ())
    assert (hours.holidays, hours.not_on) == (("US", "US-LA"), frozenset({date(2026, 12, 24)}))
    law = campaign.law
    assert law is not None
    assert (law.purpose, law.packs, law.consent, law.yes) == (
        Purpose.DEBT,
        ("us", "ca"),
        "column",
        frozenset({"yes", "ja"}),
    )
    assert (law.added[0].id, law.added[0].place, law.accepted) == ("quiet", "US-UT", frozenset({"us-fl-hours"}))
    assert campaign.caps == Rule(id="caps", place="*", caps=(Cap(3, 7 * 86400.0),), gap=14400.0)
    assert campaign.per_day == 5000
    assert campaign.registers == (Register(str(tmp_path / "national.csv"), 31 * 86400.0, named="national.csv"),)
    assert campaign.opt_out == OptOut(frozenset({"user_ended_call"}), {"do_not_call": frozenset({"yes", "true"})})
    assert (campaign.order, campaign.analysis) == (Order.FRESH_FIRST, True)
    assert campaign.contacts.placed


def test_whose_consent_is_known_stands_with_the_list(tmp_path: Path) -> None:
    given = loaded(tmp_path, small("", "rules: {purpose: info, packs: us, consent: given}"))
    assert (given.contacts.consents, given.contacts.consent) == ("given", None)
    column = loaded(tmp_path, small("", "rules: {purpose: info, packs: us, consent: ok, yes: x}"))
    assert (column.contacts.consents, column.contacts.consent, column.contacts.yes) == (
        "column",
        "ok",
        frozenset({"x"}),
    )
    nobody = loaded(tmp_path, small("", "rules: {purpose: info, packs: us}"))
    assert (nobody.contacts.consents, nobody.contacts.consent) == (None, None)


@pytest.mark.parametrize(
    ("ring", "law", "taken"),
    [
        ("29s", "rules: {purpose: info, packs: us}", False),
        ("30s", "rules: {purpose: info, packs: us}", True),
        ("1s", "rules: none", True),
    ],
)
def test_where_packs_apply_a_ring_is_no_shorter_than_rings_are(
    tmp_path: Path, ring: str, law: str, taken: bool
) -> None:
    text = small("", law).replace("platform:", f"  ring: {ring}\nplatform:", 1)
    if taken:
        assert loaded(tmp_path, text).call.ring == float(ring.rstrip("s"))
        return
    problem = only(tmp_path, text)
    assert (problem.line, problem.key) == (6, "call.ring")
    assert "at least 30s where packs apply" in str(problem)


def test_where_it_does_not_matter_nobody_is_placed(tmp_path: Path) -> None:
    assert not loaded(tmp_path, small("", "hours: always\nrules: none")).contacts.placed
    assert loaded(tmp_path, small("", "hours: {daily: 09:00-24:00}\nrules: none")).contacts.placed
    assert loaded(tmp_path, small("", "hours: always\nrules: {purpose: info, packs: us}")).contacts.placed


SAID = [
    ("hours: {mon: 9-17}", "hours.mon", "'9-17'"),
    ("hours: {mon: 22:00-02:00}", "hours.mon", "midnight"),
    ("hours: {mon: [09:00-12:00, 11:00-13:00]}", "hours.mon", "overlap"),
    ("hours: {weekdays: 09:00-12:00}", "hours.weekdays", "weekdays"),
    ("hours: {holidays: US}", "hours", "nobody would ever be called"),
    ("hours: {mon: 09:00-12:00, holidays: usa}", "hours.holidays", "'usa' is no calendar of holidays"),
    ("hours: {mon: 09:00-12:00, not_on: 24.12.2026}", "hours.not_on", "'24.12.2026' is not a day"),
    ("hours: [mon]", "hours", "days with their windows are needed here"),
    ("rules: {packs: us}", "rules.purpose", "is missing"),
    ("rules: {purpose: sales, packs: us}", "rules.purpose", "'sales' is not marketing, debt, info or survey"),
    ("rules: {purpose: info}", "rules.packs", "is missing"),
    ("rules: {purpose: info, packs: [usa]}", "rules.packs", "'usa' is no pack"),
    ("rules: {purpose: info, packs: us, consent: ok}", "rules.yes", "is missing: nobody can tell which words"),
    ("rules: {purpose: info, packs: us, yes: ok}", "rules.yes", "there is no such column"),
    ("rules: {purpose: info, packs: us, add: [{id: a, horus: x}]}", "rules.add", "horus"),
    ("rules: {purpose: info, packs: us, i_acept: a}", "rules.i_acept", "there is no such key"),
    ("caps: {per_person: 3}", "caps.per_person", "'3' is no cap"),
    ("caps: {per_person: 3 per 1000d}", "caps.per_person", "'3 per 1000d' counts further back"),
    ("caps: {gap: 0s}", "caps.gap", "'0s' is no time between two rings"),
    ("caps: {per_week: 3}", "caps.per_week", "there is no such key"),
    ("dnc: [{file: nowhere.csv}]", "dnc.file", "there is no file 'nowhere.csv'"),
    ("dnc: [{file: list.xlsx}]", "dnc.file", "'list.xlsx' is not .csv"),
    ("dnc: {max_age: 31d}", "dnc.file", "is missing"),
    ("opt_out_when: {reasons: bye}", "opt_out_when.reasons", "'bye' is not a finish reason"),
    ("opt_out_when: {analysis: {gone: [yes]}}", "opt_out_when.analysis", "since calls are not analysed"),
    ("retry: {callback: callback_at}", "retry.callback", "since calls are not analysed"),
    ("order: random", "order", "'random' is not retries or fresh"),
    ("analysis: sometimes", "analysis", "'sometimes' is not true or false"),
]


@pytest.mark.parametrize(("text", "key", "message"), SAID, ids=[row[0] for row in SAID])
def test_each_fault_is_one_sentence_at_its_place(tmp_path: Path, text: str, key: str, message: str) -> None:
    problem = only(tmp_path, small("", text))
    assert (problem.line, problem.key) == (8, key)
    assert message in problem.message


def test_a_window_has_its_own_line(tmp_path: Path) -> None:
    problem = only(tmp_path, small("", "hours:\n  mon-fri: 09:00-19:00\n  sat: 19:00-09:00"))
    assert (problem.line, problem.key) == (10, "hours.sat")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("from: [{number: +14155550100, for: Florida}]", "'Florida' is no place"),
        ("from: [{number: 4155550100}]", "'4155550100' is not a whole number"),
        ("from: [{for: US-FL}]", "is missing"),
        ("from: [+14155550100, {number: +14155550100}]", "'+14155550100' stands there twice"),
        ("from: [{number: +14155550100, per_day: 0}]", "'0' is not a whole number of 1 or more"),
    ],
)
def test_caller_ids_are_own_numbers(tmp_path: Path, line: str, message: str) -> None:
    problem = only(tmp_path, small("", "").replace("from: +14155550100", line))
    assert problem.key.startswith("call.from")
    assert message in problem.message


def test_a_consent_with_keys_of_its_own_is_one_fault(tmp_path: Path) -> None:
    text = small("", "rules: {purpose: info, packs: us, consent: {column: ok, yes: [x]}}")
    assert [one.key for one in refused(tmp_path, text)] == ["rules.consent"]


def test_two_words_on_consent_are_one_too_many(tmp_path: Path) -> None:
    text = small("contacts", "consent: ok") + "rules: {purpose: info, packs: us, consent: other, yes: x}\n"
    assert [one.key for one in refused(tmp_path, text)] == ["rules.consent"]


@pytest.mark.parametrize(
    ("text", "key", "hint"),
    [
        ("dnc: [{file: list.csv, colum: x}]", "dnc.colum", "did you mean column?"),
        ("opt_out_when: {reason: no_answer}", "opt_out_when.reason", "did you mean reasons?"),
        ("caps: {per_persn: 3 per 7d}", "caps.per_persn", "did you mean per_person?"),
    ],
)
def test_an_unknown_key_of_an_entry_is_told(tmp_path: Path, text: str, key: str, hint: str) -> None:
    (tmp_path / "list.csv").write_text("phone\n")
    problem = only(tmp_path, small("", text))
    assert (problem.key, problem.suggestion) == (key, hint)


@pytest.mark.parametrize(("word", "meant"), [("per_dy", "per_day"), ("numbr", "number"), ("fr", "for")])
def test_an_unknown_key_of_an_own_number_is_told(tmp_path: Path, word: str, meant: str) -> None:
    entry = f"from: [{{number: +14155550100, {word}: 3}}]"
    problem = only(tmp_path, small("", "").replace("from: +14155550100", entry))
    assert (problem.key, problem.suggestion) == (f"call.from.{word}", f"did you mean {meant}?")
