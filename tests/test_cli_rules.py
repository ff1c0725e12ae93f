"""`rules show` and `rules test`: what is printed first, why, by which source; and what cannot be asked."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from dialer.cli.rule_case import Case, Judged, judged
from dialer.errors import UsageError
from dialer.model import Ruling
from dialer.packs import codes, pack
from tests.command_line import Told, told

pytestmark = pytest.mark.slow

MIAMI, SEATTLE, BOSTON, AUSTIN = "+13055550123", "+12065550123", "+16175550123", "+15125550123"
PITTSBURGH, JACKSON, BANGOR, PHOENIX = "+14125550123", "+16015550123", "+12075550123", "+16025550123"
NEW_ORLEANS, HONOLULU, SAN_JUAN = "+15045550123", "+18085550123", "+17875550123"
LONDON, PARIS, BERLIN, SYDNEY, TOLL_FREE, ZURICH = (
    "+442079460123", "+33142685300", "+493012345678", "+61293744000", "+18002255288", "+41446681800",
)  # fmt: skip

SALES = Case("marketing", consents=True)
NOW = datetime(2026, 11, 22, 17, 0, tzinfo=UTC)


def decided(number: str, at: str | None, case: Case = SALES, **cells: str) -> Judged:
    places = {"timezone": "", "postcode": "", "region": ""} | cells
    return judged(number, at, case, places, NOW)


def ask(capsys: pytest.CaptureFixture[str], *arguments: str) -> Told:
    return told(capsys, "rules", *arguments)


# --- test: instants around the edges ---------------------------------------------------------------------------------

EDGES = [
    # 2026-11-23 is a Monday
    (BOSTON, "2026-11-23T07:59", "HOLD", "us-ma-hours"),
    (BOSTON, "2026-11-23T08:00", "ALLOW", "us-ma-hours"),
    (BOSTON, "2026-11-23T19:58", "ALLOW", "us-ma-hours"),
    (BOSTON, "2026-11-23T19:59:30", "HOLD", "us-ma-hours"),  # could still ring at 20:00
    (MIAMI, "2026-11-22T20:30", "HOLD", "us-fl-hours"),
    (AUSTIN, "2026-11-22T11:59", "HOLD", "us-tx-hours"),  # a Sunday
    (HONOLULU, "2026-11-22T20:30", "ALLOW", "us-hours"),  # federal alone
    (HONOLULU, "2026-11-22T21:00", "HOLD", "us-hours"),
    (PITTSBURGH, "2026-10-17T20:00", "ALLOW", None),  # a Saturday, the last day of the old hours
    (PITTSBURGH, "2026-10-18T12:00", "HOLD", "us-pa-hours"),  # a Sunday, the first day of the new ones
    (PITTSBURGH, "2026-10-19T08:30", "HOLD", "us-pa-hours"),
    (PITTSBURGH, "2026-10-12T12:00", "HOLD", "us-pa-hours-before-2026-10-18"),  # Columbus Day
    (PITTSBURGH, "2026-10-19T09:00", "ALLOW", "us-pa-hours"),
    (JACKSON, "2026-11-23T08:00", "ALLOW", None),
    (JACKSON, "2026-11-22T12:00", "HOLD", "us-ms-hours"),
    (NEW_ORLEANS, "2026-02-17T12:00", "HOLD", "us-la-hours"),  # Mardi Gras
    (NEW_ORLEANS, "2026-02-18T12:00", "ALLOW", "us-la-hours"),
    (NEW_ORLEANS, "2026-04-03T12:00", "HOLD", "us-la-hours"),  # Good Friday
    (BANGOR, "2026-11-23T16:58", "ALLOW", "us-me-automated"),
    (BANGOR, "2026-11-23T17:00", "HOLD", "us-me-automated"),
    (BANGOR, "2026-11-21T12:00", "HOLD", "us-me-automated"),
    (SEATTLE, "2026-11-23T12:00", "BLOCK", "us-wa-automated"),
    (SAN_JUAN, "2026-11-23T12:00", "ALLOW", "us-hours"),
    (LONDON, "2026-11-21T10:00", "ALLOW", "uk-hours"),
    (LONDON, "2026-11-21T17:00", "HOLD", "uk-hours"),
    (PARIS, "2026-11-23T13:30", "HOLD", "fr-hours"),
    (PARIS, "2026-11-23T14:00", "ALLOW", "fr-hours"),
    (PARIS, "2026-11-21T14:00", "HOLD", "fr-hours"),
    (PARIS, "2026-07-14T14:00", "HOLD", "fr-hours"),
    (BERLIN, "2026-11-21T12:00", "ALLOW", "de-hours"),
    (SYDNEY, "2026-01-26T12:00", "HOLD", "au-hours"),  # Australia Day
    (SYDNEY, "2026-01-27T12:00", "ALLOW", "au-hours"),
    (TOLL_FREE, "2026-11-23T12:00", "HOLD", "held:no_zone"),
    (ZURICH, "2026-11-23T12:00", "HOLD", "held:no_pack"),
    (BOSTON, "2027-11-22T12:00", "HOLD", "held:expired_pack"),
]


@pytest.mark.parametrize(("number", "at", "ruling", "rule"), EDGES)
def test_what_is_decided(number: str, at: str, ruling: str, rule: str | None) -> None:
    found = decided(number, at)
    assert found.permit.ruling == ruling, found.permit
    if rule is not None:
        assert found.permit.rule == rule


@pytest.mark.parametrize(
    ("number", "purpose", "consents", "ruling", "rule"),
    [
        (BOSTON, "marketing", False, "BLOCK", "us-ai-consent"),
        (BOSTON, "info", False, "BLOCK", "us-ai-consent"),
        (BOSTON, "debt", True, "ALLOW", None),
        (SEATTLE, "info", True, "ALLOW", None),
        (PHOENIX, "marketing", False, "BLOCK", "us-az-mobile"),
        (BERLIN, "marketing", False, "BLOCK", "de-consent"),
        (BERLIN, "info", False, "ALLOW", None),
        (PARIS, "marketing", False, "BLOCK", "fr-consent"),
    ],
)  # fmt: skip
def test_purpose_and_consent(number: str, purpose: str, consents: bool, ruling: str, rule: str | None) -> None:
    found = decided(number, "2026-11-23T15:00", Case(purpose, consents))
    assert found.permit.ruling == ruling
    if rule is not None:
        assert any(each.rule.id == rule and each.says is Ruling.BLOCK for each in found.findings)


def test_a_law_of_consent_holds_from_its_day_on() -> None:
    case = Case("marketing", consents=False)
    assert decided(PARIS, "2026-08-10T15:00", case).permit.ruling is Ruling.ALLOW
    assert decided(PARIS, "2026-08-11T15:00", case).permit.ruling is Ruling.BLOCK


def test_the_address_brings_its_own_state_and_clock() -> None:
    here = decided(BOSTON, "2026-11-23T19:30Z")
    assert here.permit.ruling is Ruling.ALLOW
    moved = decided(BOSTON, "2026-11-23T19:30", region="RI")
    assert moved.permit.rule == "us-ri-hours"
    assert {"US-MA", "US-RI"} <= set(moved.where.places)


def test_an_unknown_cell_holds() -> None:
    found = decided(BOSTON, "2026-11-23T12:00", timezone="America/Bostn")
    assert (found.permit.ruling, found.permit.rule) == (Ruling.HOLD, "held:unknown_zone")


def test_an_instant_without_offset_is_tried_on_every_clock_and_the_strictest_counts() -> None:
    # Tennessee is on two clocks. Where it is 20:30 in the east, 20:30 in the west is an hour later.
    for at, ruling in [("08:00", "HOLD"), ("09:00", "ALLOW"), ("19:30", "ALLOW"), ("20:30", "HOLD")]:
        assert decided("+14235550123", f"2026-11-23T{at}").permit.ruling == ruling, at


def test_a_time_that_is_there_twice_is_read_both_ways() -> None:
    assert decided(HONOLULU, "2026-11-01T01:30", SALES).permit.ruling is Ruling.HOLD
    found = decided(BOSTON, "2026-11-01T01:30")
    assert found.permit.until == datetime(2026, 11, 1, 13, 0, tzinfo=UTC)


def test_a_time_that_is_not_there_is_told() -> None:
    with pytest.raises(UsageError, match="set forward over 2026-03-08T02:30; there is no such time"):
        decided(BOSTON, "2026-03-08T02:30")


def test_without_an_instant_it_is_now() -> None:
    assert decided(BOSTON, None).at == NOW


# --- test: what is printed -------------------------------------------------------------------------------------------


def test_the_example_of_the_interface(capsys: pytest.CaptureFixture[str]) -> None:
    found = ask(capsys, "test", "+1 305 555 0123", "--at", "2026-11-22T20:30")
    lines = found.out.splitlines()
    assert found.code == 0
    assert lines[0] == "HOLD until 2026-11-23T14:00Z"
    assert lines[1] == "calls only Mon–Sun 08:00–20:00"
    assert lines[2] == "us-fl-hours of us-2026.11.22: F.S. 501.616(6)"
    assert "Assumed: the purpose is marketing, they consent to it" in found.out
    assert any(line.startswith("ALLOW  us-hours: Mon–Sun 08:00–21:00") for line in lines)
    assert any(line.startswith("HOLD   us-fl-hours: ") for line in lines)
    assert max(map(len, lines)) <= 80
    assert "5550123" not in found.out.replace(" ", "")


@pytest.mark.parametrize("number", [BOSTON, SEATTLE, TOLL_FREE, ZURICH, PARIS])
def test_every_answer_begins_with_its_word_and_fits_a_terminal(number: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = ask(capsys, "test", number, "--at", "2026-11-23T12:00")
    assert found.code == 0
    assert found.out.split()[0] == decided(number, "2026-11-23T12:00").permit.ruling
    assert max(map(len, found.out.splitlines())) <= 80


def test_what_is_assumed_can_be_said(capsys: pytest.CaptureFixture[str]) -> None:
    found = ask(capsys, "test", BOSTON, "--at", "2026-11-23T12:00", "--purpose", "info", "--no-consent")
    assert found.out.startswith("BLOCK\n")
    assert "Assumed: the purpose is info, they do not consent" in found.out


def test_by_one_pack_alone(capsys: pytest.CaptureFixture[str]) -> None:
    found = ask(capsys, "test", LONDON, "--at", "2026-11-23T12:00", "--pack", "us")
    assert found.out.startswith("HOLD\n")
    assert "no rules for the country GB" in found.out
    assert ask(capsys, "test", LONDON, "--at", "2026-11-23T12:00", "--pack", "UK").out.startswith("ALLOW\n")


def test_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    found: dict[str, Any] = json.loads(ask(capsys, "test", MIAMI, "--at", "2026-11-23T03:00Z", "--json").out)
    assert (found["ruling"], found["until"], found["at"]) == ("HOLD", "2026-11-23T14:00Z", "2026-11-23T03:00Z")
    assert (found["rule"], found["version"]) == ("us-fl-hours", "us-2026.11.22")
    assert found["citation"] == "F.S. 501.616(6)"
    assert found["assumed"] == {"purpose": "marketing", "consent": True, "voice": "ai"}
    said = {each["rule"]: (each["says"], each["until"]) for each in found["findings"]}
    assert said["us-fl-caps"] == ("ALLOW", None)
    assert said["us-fl-hours"] == ("HOLD", "2026-11-23T14:00Z")
    assert found["number"] == "+1305•••0123"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["test", "305 555 0123"], "write it with a plus and the country code"),
        (["test", "+1305"], "'+1305'"),
        (["test", BOSTON, "--at", "tomorrow"], "--at: 'tomorrow' is not an instant"),
        (["test", BOSTON, "--at", "0001-01-01T00:00Z"], "not between the years 2000 and 2099"),
        (["test", BOSTON, "--purpose", "sales"], "--purpose: 'sales' is none of marketing, debt, info, survey"),
        (["test", BOSTON, "--pack", "xx"], "--pack: there is no rule pack 'xx'; there are au, bd"),
        (["show", "xx"], "'xx' is neither a pack"),
        (["show", "US-ZZ"], "'US-ZZ' is neither a pack"),
        (["show", "CH"], "no pack is about CH"),
        (["show", "xx"], "as US-FL or GB; `dialer rules show` alone lists the packs"),
        (["show", "us-hours"], "us-hours is a rule of the pack us: `dialer rules show us` prints it"),
        (["show", "us-fl-hour"], "did you mean us-fl-hours? It is a rule of the pack us: `dialer rules show us`"),
        (["show", "US-F"], "did you mean US-FL? `dialer rules show` alone lists the packs"),
        (["show", "US-FLO"], "did you mean US-FL?"),
        (["show", "PR"], "did you mean US-PR?"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_told_in_a_sentence(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found = ask(capsys, *arguments)
    assert found.code == 2
    assert said in " ".join(found.err.split())
    assert not found.out


# --- show ------------------------------------------------------------------------------------------------------------


def test_all_packs(capsys: pytest.CaptureFixture[str]) -> None:
    lines = ask(capsys, "show").out.splitlines()
    assert [line.split()[0] for line in lines] == list(codes())
    assert lines[-1].split() == ["us", "United", "States", "2026.11.22", "45", "rules,", "good", "until", "2027-11-22"]


@pytest.mark.parametrize("code", codes())
def test_a_pack(code: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = ask(capsys, "show", code)
    assert max(map(len, found.out.splitlines())) <= 80
    plain = " ".join(found.out.split())
    for rule in pack(code).rules:
        assert f"{rule.id} {rule.place}" in plain
        assert f"{rule.citation}; confidence: {rule.confidence}; read on 2026-11-22" in plain
        assert rule.note in plain


def test_a_place_has_the_rules_of_its_country_and_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    for place in ("US-FL", "us-fl"):
        found = ask(capsys, "show", place).out
        named = [line.split()[0] for line in found.splitlines() if line.startswith("us-")]
        assert sorted(named) == sorted(
            ["us-fl-hours", "us-fl-caps", "us-hours", "us-ai-consent", "us-debt-hours", "us-debt-caps"]
        )
    assert "6 rules reach US-FL" in found


def test_effective_dates_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    found = ask(capsys, "show", "US-PA").out
    assert "since 2026-10-18" in found
    assert "until 2026-10-18, that day not included" in found


def test_places_without_rules_of_their_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert "4 rules reach US-HI" in ask(capsys, "show", "US-HI").out
    assert "2 rules reach GB" in ask(capsys, "show", "GB").out
    assert "us-unknown-hours" in ask(capsys, "show", "US-?").out


def test_shown_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert [each["code"] for each in json.loads(ask(capsys, "show", "--json").out)] == list(codes())
    whole = json.loads(ask(capsys, "show", "us", "--json").out)
    assert len(whole["rules"]) == len(pack("us").rules)
    rules = {each["id"]: each for each in json.loads(ask(capsys, "show", "US-PA", "--json").out)}
    assert rules["us-pa-hours"]["from"] == "2026-10-18"
    assert rules["us-debt-caps"]["caps"] == [{"most": 7, "seconds": 604800.0, "per": "debt"}]
