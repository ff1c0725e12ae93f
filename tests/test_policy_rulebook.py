"""Rules between text and value."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import phonenumbers
import pytest

from dialer.ledger.rings import KEPT
from dialer.model.rules import After, Cap, Purpose, Rest, Rule, Scope
from dialer.policy.rulebook import LINES, MOST_COUNTED, BadRule, cap, rest, rule, seconds

HOUR, DAY = 3600.0, 86400.0


def test_a_rule_with_every_key() -> None:
    made = rule(
        {
            "id": "us-xx-all",
            "place": "US-XX",
            "purposes": ["marketing", "survey"],
            "voices": ["ai", "human"],
            "lines": ["mobile"],
            "hours": {"mon-fri": ["09:00-17:00"]},
            "holidays": ["US", "US-LA"],
            "not_on": ["2026-12-24", "2026-12-31"],
            "zone": "America/Chicago",
            "caps": ["3 per 24h", {"most": "7", "in": "7d", "per": "debt"}],
            "rests": [{"days": "7", "after": "conversation", "per": "debt"}],
            "gap": "4h",
            "forbidden": "such calls are barred",
            "consent": "required",
            "from": "2026-01-01",
            "until": "2027-01-01",
            "citation": "Act 1",
            "confidence": "high",
            "read_on": "2026-11-22",
            "note": "say that\n  it is a machine",
        }
    )
    assert made == Rule(
        id="us-xx-all",
        place="US-XX",
        purposes=frozenset({Purpose.MARKETING, Purpose.SURVEY}),
        voices=frozenset({"ai", "human"}),
        lines=frozenset({"mobile"}),
        week=(((540, 1020),),) * 5 + ((), ()),
        holidays=("US", "US-LA"),
        not_on=frozenset({date(2026, 12, 24), date(2026, 12, 31)}),
        zone="America/Chicago",
        caps=(Cap(3, DAY), Cap(7, 7 * DAY, Scope.DEBT)),
        rests=(Rest(7, After.CONVERSATION, Scope.DEBT),),
        gap=4 * HOUR,
        forbidden="such calls are barred",
        needs_consent=True,
        effective_from=date(2026, 1, 1),
        effective_until=date(2027, 1, 1),
        citation="Act 1",
        confidence="high",
        read_on=date(2026, 11, 22),
        note="say that it is a machine",
    )


def test_one_value_is_as_good_as_a_list_and_place_may_be_left_out() -> None:
    made = rule(
        {
            "id": "own",
            "purpose": "debt",
            "voice": "ai",
            "line": "fixed_line",
            "caps": "1 in 8h",
            "rests": {"days": "60", "after": "refusal"},
            "holidays": "FR",
            "not_on": "2026-12-24",
        }
    )
    assert made.place == "*"
    assert made.purposes == {Purpose.DEBT}
    assert made.voices == {"ai"}
    assert made.lines == {"fixed_line"}
    assert made.caps == (Cap(1, 8 * HOUR),)
    assert made.rests == (Rest(60, After.REFUSAL),)
    assert made.holidays == ("FR",)
    assert made.not_on == {date(2026, 12, 24)}


def test_holidays_may_stand_among_the_hours() -> None:
    hours = {"mon-fri": "09:00-17:00", "holidays": ["US"], "not_on": ["2026-12-24"]}
    made = rule({"id": "own", "hours": hours})
    assert made.week == (((540, 1020),),) * 5 + ((), ())
    assert made.holidays == ("US",)
    assert made.not_on == {date(2026, 12, 24)}
    assert rule({"id": "own", "hours": {"daily": "09:00-17:00"}}).holidays == ()


@pytest.mark.parametrize("place", ["*", "US", "US-FL", "US-?", "GB-ENG", "AU-NSW", "FR-75"])
def test_places(place: str) -> None:
    assert rule({"id": "own", "place": place, "gap": "4h"}).place == place


@pytest.mark.parametrize(
    ("given", "key", "message", "suggestion"),
    [
        ({}, "id", "needs an id", "us-fl-hours"),
        ({"gap": "4h"}, "id", "needs an id", "us-fl-hours"),
        ({"id": "Us"}, "id", "'Us' cannot be taken", "us-fl-hours"),
        ({"id": "us"}, "id", "the rule 'us' says nothing", "give it hours"),
        ({"id": "us", "citation": "Act 1", "place": "US"}, "id", "says nothing", "give it hours"),
        ({"id": "us", "plaec": "US"}, "plaec", "'plaec' is not a key", "did you mean place?"),
        ({"id": "us", "xyzzy": "US"}, "xyzzy", "'xyzzy' is not a key", "use one of id, place"),
        ({"id": "us", "place": "us"}, "place", "'us' cannot be taken", "US-FL, or *"),
        ({"id": "us", "place": ["US"]}, "place", "one value is needed", ""),
        ({"id": "us", "place": " "}, "place", "is empty", ""),
        ({"id": "us", "purpose": "sales"}, "purpose", "'sales' is not known", "marketing, debt, info, survey"),
        ({"id": "us", "purpose": "markting"}, "purpose", "'markting' is not known", "did you mean marketing?"),
        ({"id": "us", "purpose": []}, "purpose", "is an empty list", ""),
        ({"id": "us", "purpose": "debt", "purposes": "debt"}, "purposes", "is given twice", "once"),
        ({"id": "us", "voice": "robot"}, "voice", "'robot' is not known", "ai, human"),
        ({"id": "us", "lines": ["moblie"]}, "lines", "'moblie' is not known", "did you mean mobile?"),
        ({"id": "us", "hours": "09:00-17:00"}, "hours", "days and windows are needed", "mon-fri"),
        ({"id": "us", "hours": {"mon": "25:00-26:00"}}, "hours.mon", "past the clock's end", ""),
        ({"id": "us", "hours": {}}, "hours", "never open", ""),
        ({"id": "us", "hours": {"holidays": ["US"]}}, "hours", "never open", ""),
        (
            {"id": "us", "holidays": "US", "hours": {"mon": "09:00-17:00", "holidays": "US"}},
            "holidays",
            "given twice",
            "",
        ),
        ({"id": "us", "holidays": ["usa"]}, "holidays", "'usa' cannot be taken", "US-LA"),
        ({"id": "us", "not_on": ["24.12.2026"]}, "not_on", "'24.12.2026' is not a day", "2026-12-24"),
        ({"id": "us", "not_on": ["2026-02-29"]}, "not_on", "'2026-02-29' is not a day", "2026-12-24"),
        ({"id": "us", "zone": "Chicago"}, "zone", "'Chicago' is not a time zone", "America/Chicago"),
        ({"id": "us", "zone": "../passwd"}, "zone", "is not a time zone", ""),
        ({"id": "us", "zone": "America"}, "zone", "is not a time zone", ""),
        ({"id": "us", "caps": "3 a day"}, "caps", "'3 a day' is no cap", "3 per 24h"),
        ({"id": "us", "caps": "0 per 24h"}, "caps.most", "'0' is not a whole number from 1 up", ""),
        ({"id": "us", "caps": "3 per 24"}, "caps.in", "'24' is not a length of time", "2h"),
        ({"id": "us", "caps": "3 per 0h"}, "caps.in", "not between nothing and ten years", ""),
        ({"id": "us", "caps": "3 per 9999d"}, "caps.in", "not between nothing and ten years", ""),
        ({"id": "us", "caps": "3 per 24h per house"}, "caps.per", "'house' is not known", "person, debt"),
        ({"id": "us", "caps": {"most": "3"}}, "caps.in", "is missing", "most"),
        ({"id": "us", "caps": {"most": "3", "in": "1d", "by": "x"}}, "caps.by", "'by' is not known", "most, in, per"),
        ({"id": "us", "caps": [["3 per 24h"]]}, "caps", "keys are needed", "most"),
        ({"id": "us", "rests": "7d"}, "rests", "keys are needed", "days"),
        ({"id": "us", "rests": {"after": "refusal"}}, "rests.days", "is missing", ""),
        ({"id": "us", "rests": {"days": "7", "after": "talk"}}, "rests.after", "'talk' is not known", "conversation"),
        ({"id": "us", "gap": "soon"}, "gap", "'soon' is not a length of time", ""),
        ({"id": "us", "caps": "1 per 91d"}, "caps.in", "'91d' counts further back than 90 days", "90d or less"),
        ({"id": "us", "caps": [{"most": "1", "in": "365d"}]}, "caps.in", "'365d' counts further back", "90d or less"),
        ({"id": "us", "rests": {"days": "91"}}, "rests.days", "'91 days' counts further back", "90d or less"),
        ({"id": "us", "gap": "2161h"}, "gap", "for which rings are kept", "90d or less"),
        ({"id": "us", "forbidden": ""}, "forbidden", "is empty", ""),
        ({"id": "us", "consent": "yes"}, "consent", "'yes' is not known", "required"),
        ({"id": "us", "gap": "4h", "from": "soon"}, "from", "'soon' is not a day", ""),
        ({"id": "us", "gap": "4h", "from": "2026-01-01", "until": "2026-01-01"}, "until", "ends before it begins", ""),
        ({"id": "us", "gap": "4h", "confidence": "sure"}, "confidence", "'sure' is not known", "high, medium"),
    ],
)
def test_what_cannot_be_taken(given: Mapping[str, Any], key: str, message: str, suggestion: str) -> None:
    with pytest.raises(BadRule) as caught:
        rule(given)
    assert caught.value.key == key
    assert message in caught.value.message
    assert suggestion in caught.value.suggestion


@pytest.mark.parametrize("only", [{"from": "2026-01-01"}, {"until": "2026-01-01"}])
def test_one_effective_date_is_enough(only: Mapping[str, str]) -> None:
    made = rule({"id": "own", "gap": "4h", **only})
    assert date(2026, 1, 1) in (made.effective_from, made.effective_until)


def test_what_rings_are_kept_for_can_be_counted() -> None:
    made = rule({"id": "own", "gap": "90d", "caps": "1 per 90d", "rests": {"days": "90"}})
    assert (made.gap, made.caps, made.rests) == (90 * DAY, (Cap(1, 90 * DAY),), (Rest(90),))
    assert timedelta(seconds=MOST_COUNTED) == KEPT


def test_a_note_alone_is_a_rule() -> None:
    assert rule({"id": "eu-ai", "note": "say that it is a machine"}).note


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3 per 24h", Cap(3, DAY)),
        (" 7 per 7d ", Cap(7, 7 * DAY)),
        ("7 per 7d per debt", Cap(7, 7 * DAY, Scope.DEBT)),
        ("1 in 90s per person", Cap(1, 90.0)),
        ("2 per 1.5h", Cap(2, 5400.0)),
    ],
)
def test_caps_in_words(text: str, expected: Cap) -> None:
    assert cap(text) == expected


def test_faults_are_said_of_the_key_that_is_given() -> None:
    with pytest.raises(BadRule, match=r"caps\.per_person: 'often' is no cap"):
        cap("often", "caps.per_person")
    with pytest.raises(BadRule, match=r"rest\.weeks: 'weeks' is not known here; "):
        rest({"days": "7", "weeks": "1"}, "rest")
    with pytest.raises(BadRule, match=r"caps\.gap: 'x' is not a length"):
        seconds("x", "caps.gap")


def test_the_kinds_of_lines_are_those_of_numbers() -> None:
    """A kind that no number has would make a prohibition that never applies."""
    kinds = {phonenumbers.PhoneNumberType.to_string(kind).lower() for kind in phonenumbers.PhoneNumberType.values()}
    assert set(LINES) == kinds
