"""By which rules a campaign calls: packs, calendars and accepted rules that are not there are told with their line."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from dialer import law
from dialer.errors import CampaignError
from dialer.model import Audience, CallingRules, Purpose
from dialer.policy.standing import standing
from tests.campaign_files import loaded, small

NOW = datetime(2026, 11, 22, 15, tzinfo=UTC)

OWN = "rules:\n  purpose: info\n  packs: us\n  add: "


def rules(folder: Path, text: str, now: datetime = NOW) -> CallingRules:
    return law.calling_rules(loaded(folder, small("", text)), now)


def test_all_rules_stand_together(tmp_path: Path) -> None:
    law_part = "rules: {purpose: debt, packs: [us, ca], i_accept: [us-fl-caps], add: [{id: mine, gap: 2h}]}"
    found = rules(tmp_path, f"caps: {{gap: 4h}}\n{law_part}")
    assert [rule.id for rule in found.rules] == ["hours", "caps", "mine"]
    assert [pack.code for pack in found.packs] == ["us", "ca"]
    assert (found.purpose, found.accepted, found.is_free) == (Purpose.DEBT, frozenset({"us-fl-caps"}), False)
    assert law.register_age(found) == 31 * 86400.0


def test_nothing_is_asked_where_nothing_is_said(tmp_path: Path) -> None:
    found = rules(tmp_path, "hours: always\nrules: none")
    assert (found.rules, found.packs, found.is_free) == ((), (), True)
    assert law.register_age(found) is None


@pytest.mark.parametrize(
    ("text", "key", "line", "words"),
    [
        ("rules: {purpose: info,\n  packs: [us, xx]}", "rules.packs", 9, "there is no pack 'xx' (there are au, bd"),
        (
            "rules:\n  purpose: info\n  packs: us\n  i_accept: us-xx",
            "rules.i_accept",
            11,
            "no pack of this campaign has a rule 'us-xx'",
        ),
        ("hours:\n  mon: 09:00-12:00\n  holidays: [US, XX]", "hours.holidays", 10, "XX"),
        (
            "rules:\n  purpose: info\n  packs: us\n  add: [{id: a, holidays: QQ}]",
            "rules.add",
            11,
            "QQ",
        ),
        (f"{OWN}[{{id: a, place: UK, gap: 4h}}]", "rules.add", 11, "'UK' is no place in which anybody is known to be"),
        (f"{OWN}[{{id: a, place: UK, gap: 4h}}]", "rules.add", 11, "did you mean GB?"),
        (f"{OWN}[{{id: a, place: DE-BY, gap: 4h}}]", "rules.add", 11, "did you mean DE?"),
        (f"{OWN}[{{id: a, place: US-XX, gap: 4h}}]", "rules.add", 11, "did you mean US?"),
        (f"{OWN}[{{id: a, place: PR, gap: 4h}}]", "rules.add", 11, "did you mean US-PR?"),
        (f"{OWN}[{{id: a, place: XX, gap: 4h}}]", "rules.add", 11, "write a country as US"),
        (f"{OWN}[{{id: us-fl-caps, gap: 4h}}]", "rules.add", 11, "'us-fl-caps' is that of a rule of a pack"),
        (f"{OWN}[{{id: a, gap: 4h}}, {{id: a, gap: 2h}}]", "rules.add", 11, "'a' is that of a rule of another of this"),
        (f"{OWN}[{{id: hours, gap: 4h}}]", "rules.add", 11, "'hours' is that of a rule of another of this campaign"),
    ],
)
def test_what_is_not_there_is_told_with_its_line(tmp_path: Path, text: str, key: str, line: int, words: str) -> None:
    with pytest.raises(CampaignError) as error:
        rules(tmp_path, text)
    (problem,) = error.value.problems
    assert (problem.key, problem.line) == (key, line)
    assert words in str(problem)


def test_a_pack_that_has_expired_calls_nobody(tmp_path: Path) -> None:
    """From the moment on from which the rules hold everybody: when that day begins anywhere."""
    text = "rules: {purpose: info, packs: us}"
    with pytest.raises(CampaignError, match=r"the pack us-2026\.11\.22 was good until 2027-11-22"):
        rules(tmp_path, text, datetime(2027, 11, 21, 10, tzinfo=UTC))
    last = datetime(2027, 11, 21, 9, 59, 59, tzinfo=UTC)
    audience = Audience(("America/New_York",), ("US", "US-NY"), ("US",), ("mobile",), consents=True)
    clocks = {"America/New_York": ZoneInfo("America/New_York")}
    assert standing(rules(tmp_path, text, last), audience, clocks, last) is None


@pytest.mark.parametrize("place", ["GB", "US-FL", "US-PR", "'US-?'", "AU-NSW", "CA-QC"])
def test_an_own_rule_stands_for_any_place_that_is_known(tmp_path: Path, place: str) -> None:
    assert rules(tmp_path, f"{OWN}[{{id: a, place: {place}, gap: 4h}}]").rules[-1].place == place.strip("'")


def test_an_own_number_for_a_place_that_is_none_is_told_with_its_line(tmp_path: Path) -> None:
    own = 'call:\n  from:\n    - {number: "+14155550100", for: [GB]}\n    - {number: "+14155550101", for: [UK]}'
    text = small("", "").replace("call:\n  from: +14155550100", own)
    with pytest.raises(CampaignError) as error:
        law.calling_rules(loaded(tmp_path, text), NOW)
    (problem,) = error.value.problems
    assert (problem.key, problem.line) == ("call.from", 5)
    assert "'UK' is no place" in str(problem)
    assert "did you mean GB?" in str(problem)
