"""What a campaign file says of whom it calls when, and how two sayings differ."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from dialer.model import Campaign, Cap, PaceRules, Purpose, RecoveryRules, Rest, Rule
from dialer.model.rules import EVERY_MINUTE
from dialer.report.said import Edit, edits, may_free, said
from tests.campaign_files import CANARY, FULL, loaded

FILE = """\
name: reminders
contacts:
  file: contacts.csv
  id: appointment
  country: US
  timezone: tz
  consent: agreed
  expires: 20h
call:
  from: [{number: "+14155550100", for: [US-CA], per_day: 300}, "+14155550101"]
  agent: 66f1c0ffee
  data: [first_name]
platform:
  url: https://api.verbex.ai
  api_key: ${VERBEX_API_KEY}
retry: {attempts: 3, no_answer: [2h, 1d], spread: true}
hours: {mon-fri: [09:00-17:00], holidays: [US], not_on: [2026-12-24]}
rules:
  purpose: info
  packs: [us]
  consent: agreed
  yes: [ja]
  add: [{id: ours, place: US-NY, forbidden: we do not call there}]
caps: {per_person: 3 per 7d, gap: 4h, per_day: 5000}
dnc: [{file: national.csv, max_age: 31d}]
order: fresh
"""

EDITS = [
    ("id: appointment", "id: visit", "contacts.id: appointment → visit"),
    ("expires: 20h", "expires: 30h", "contacts.expires: 20 h → 30 h"),
    ("  expires: 20h\n", "", "contacts.expires: 20 h → nothing"),
    ("per_day: 300", "per_day: 200", "call.from: +14155550100 for US-CA 300 a day, +14155550101 → "),
    ("agent: 66f1c0ffee", "agent: {column: who}", "call.agent: 66f1c0ffee → the column who"),
    ("data: [first_name]", "data: [first_name, due]", "call.data: first_name → first_name, due"),
    ("attempts: 3", "attempts: 5", "retry.attempts: 3 → 5"),
    ("[2h, 1d], spread", "[3h], spread", "retry.no_answer: 2 h, 24 h → 3 h"),
    (", spread: true", "", "retry.spread: true → nothing"),
    (
        "09:00-17:00",
        "09:00-18:00",
        "hours: Mon–Fri 09:00–17:00, not on holidays of US, not on 2026-12-24 → Mon–Fri 09",
    ),
    ("holidays: [US]", "holidays: [US-LA]", "hours: Mon–Fri 09:00–17:00, not on holidays of US, not on 2026-12-24 → "),
    ("packs: [us]", "packs: [us, ca]", "rules.packs: us → us, ca"),
    ("purpose: info", "purpose: survey", "rules.purpose: info → survey"),
    ("yes: [ja]", "yes: [ja, ok]", "rules.yes: ja → ja, ok"),
    (
        "US-NY, forbidden: we",
        "US-NJ, forbidden: we",
        "rules.add ours: US-NY; forbidden: we do not call there → US-NJ",
    ),
    ("3 per 7d", "4 per 7d", "caps: at most 3 rings in 7 days, 4 h between rings → at most 4 rings in 7 days"),
    ("per_day: 5000", "per_day: 4000", "caps.per_day: 5000 → 4000"),
    (
        "file: national",
        "file: ./lists/national",
        "dnc: national.csv no older than 31 days → lists/national.csv no older",
    ),
    (
        "max_age: 31d",
        "column: p, max_age: 31d",
        "dnc: national.csv no older than 31 days → national.csv by its column p",
    ),
    ("max_age: 31d", "max_age: 7d", "dnc: national.csv no older than 31 days → national.csv no older than 7 days"),
    ("order: fresh", "order: retries", "order: fresh → retries"),
]


def file_of(folder: Path, old: str = "", new: str = "") -> Campaign:
    assert old in FILE
    for path in (folder / "national.csv", folder / "lists" / "national.csv"):
        path.parent.mkdir(exist_ok=True)
        path.write_text("+14155550199\n")
    return loaded(folder, FILE.replace(old, new, 1) if old else FILE)


@pytest.mark.parametrize(("old", "new", "told"), EDITS, ids=[told.partition(":")[0] for _, _, told in EDITS])
def test_an_edit_is_told_by_its_key(tmp_path: Path, old: str, new: str, told: str) -> None:
    (edit,) = edits(said(file_of(tmp_path)), said(file_of(tmp_path, old, new)))
    assert str(edit).startswith(told)


def test_the_same_file_says_the_same(tmp_path: Path) -> None:
    assert edits(said(file_of(tmp_path)), said(file_of(tmp_path))) == ()


def test_what_is_said_first_and_what_is_said_no_more() -> None:
    found = edits({"a": "1", "gone": "x"}, {"new": "y", "a": "1"})
    assert found == (Edit("new", "", "y"), Edit("gone", "x", ""))
    assert [str(edit) for edit in found] == ["new: nothing → y", "gone: x → nothing"]


def test_no_secret_and_no_place_of_this_machine_is_said(tmp_path: Path) -> None:
    for one in (file_of(tmp_path), loaded(tmp_path, FULL)):
        words = " ".join(said(one).values())
        assert CANARY not in words
        assert str(tmp_path) not in words
        assert "verbex.ai" not in words


Other = Callable[[Campaign], Campaign]


@pytest.mark.parametrize(
    "other",
    [
        lambda one: replace(one, pace=PaceRules(9.0, 99)),
        lambda one: replace(one, recovery=RecoveryRules(hold=1.0)),
        lambda one: replace(one, contacts=replace(one.contacts, files=(Path("/lists/monday.csv"),))),
        lambda one: replace(one, contacts=replace(one.contacts, max_gone=1.0, min_rows=7)),
    ],
    ids=["pace", "recovery", "another file of the list", "gates"],
)
def test_what_decides_nothing_about_people_is_not_said(tmp_path: Path, other: Other) -> None:
    one = file_of(tmp_path)
    assert said(other(one)) == said(one)


def test_every_part_that_decides_is_said(tmp_path: Path) -> None:
    """Nothing of a rule of one's own goes unseen: each of its fields is changed in turn."""
    changes: dict[str, Any] = {
        "place": "US-TX",
        "purposes": frozenset({Purpose.DEBT}),
        "voices": frozenset({"human"}),
        "lines": frozenset({"mobile"}),
        "week": EVERY_MINUTE,
        "holidays": ("US",),
        "not_on": frozenset({date(2026, 12, 24)}),
        "zone": "America/Chicago",
        "caps": (Cap(1, 86400.0),),
        "rests": (Rest(7),),
        "gap": 60.0,
        "forbidden": "no",
        "needs_consent": True,
        "effective_from": date(2026, 1, 1),
        "effective_until": date(2027, 1, 1),
    }
    only_told = {"id", "citation", "confidence", "read_on", "pack", "version", "note"}
    assert changes.keys() | only_told == {one.name for one in fields(Rule)}
    one = file_of(tmp_path)
    assert one.law is not None
    plain = replace(one, law=replace(one.law, added=(Rule("ours", "*"),)))
    for name, value in changes.items():
        rule = replace(Rule("ours", "*"), **{name: value})
        other = replace(one, law=replace(one.law, added=(rule,)))
        assert edits(said(plain), said(other)), name


@pytest.mark.parametrize(
    ("key", "before", "after", "frees"),
    [
        ("hours", "always", "Mon–Fri 09:00–17:00", False),
        ("hours", "Mon–Fri 09:00–17:00", "always", True),
        ("hours", "Mon–Fri 09:00–17:00", "Mon–Fri 09:00–12:00", True),  # who can tell in general: somebody is asked
        ("rules", "none", "", False),
        ("rules", "", "none", False),
        ("rules.packs", "us, ca", "us", True),
        ("rules.packs", "us", "", True),
        ("rules.purpose", "", "marketing", False),
        ("rules.i_accept", "", "us-fl-caps", True),
        ("rules.consent", "column", "given", True),
        ("caps", "at most 3 rings in 7 d", "", True),
        ("caps", "", "at most 3 rings in 7 d", False),
        ("dnc", "national.csv", "", True),
        ("opt_out_when.analysis do_not_call", "yes", "", True),
        ("retry.attempts", "3", "5", False),
        ("hours_of_others", "a", "b", False),
    ],
)
def test_what_may_free_people_is_told_from_what_only_holds_more_of_them(
    key: str, before: str, after: str, frees: bool
) -> None:
    assert may_free(Edit(key, before, after)) is frees
