"""A first campaign file from a list's header: what is guessed, and that it loads once a number is put in."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dialer.config import load, starter
from dialer.config.guessing import guess
from dialer.errors import CampaignError
from dialer.model import Campaign, RecoveryRules, Threshold
from tests.campaign_files import ENVIRON, only

COLUMNS = ["appointment_id", "Mobile Phone", "first_name", "amount: due", "when"]


def finished(folder: Path, text: str, list_name: str = "contacts.csv") -> Campaign:
    """The campaign of a starter whose writer has put an own number in."""
    (folder / list_name).touch()
    path = folder / "campaign.yaml"
    path.write_text(text.replace("from: []", "from: [+14155550100]"), encoding="utf-8")
    return load(path, ENVIRON)


def test_it_loads_once_a_number_is_put_in(tmp_path: Path) -> None:
    campaign = finished(tmp_path, starter("contacts.csv", COLUMNS))
    assert campaign.name == "contacts"
    assert campaign.contacts.files == (tmp_path / "contacts.csv",)
    assert campaign.contacts.phone == ("Mobile Phone",)
    assert campaign.contacts.id == "appointment_id"
    assert campaign.call.data == ("first_name", "amount: due", "when")
    assert campaign.call.metadata == ("appointment_id",)
    assert campaign.platform.url == "https://api.verbex.ai"


def test_what_is_commented_out_is_in_order_once_it_is_put_in(tmp_path: Path) -> None:
    text = starter("contacts.csv", COLUMNS)
    put_in = text.replace("\n# recovery", "\nrecovery").replace("\n# stop_when", "\nstop_when")
    put_in = put_in.replace("\n# webhooks", "\nwebhooks").replace("\n#   ", "\n  ", 99)
    put_in = put_in.replace("\n  dialer ", "\n#   dialer ")  # the commands at its head
    (tmp_path / "contacts.webhook-secret").write_text("whsec_1234567890")
    campaign = finished(tmp_path, put_in)
    assert campaign.recovery == RecoveryRules()
    assert campaign.stop_when.platform_failed == Threshold(0.1, 50)
    assert campaign.webhooks is not None
    assert (campaign.webhooks.host, campaign.webhooks.port, len(campaign.webhooks.secrets)) == ("127.0.0.1", 8089, 1)


def test_it_asks_for_the_own_number(tmp_path: Path) -> None:
    text = starter("contacts.csv", COLUMNS)
    problem = only(tmp_path, text)
    assert problem.key == "call.from"
    assert text.splitlines()[problem.line - 1].startswith("  from: []")
    assert problem.message == "no number of your own stands here"
    assert problem.suggestion == 'write it with a plus: ["+1…"], one or several'


def test_it_asks_for_the_column_that_it_cannot_guess(tmp_path: Path) -> None:
    with pytest.raises(CampaignError) as error:
        finished(tmp_path, starter("contacts.csv", ["who", "where"]))
    assert [problem.key for problem in error.value.problems] == ["contacts.phone"]


def test_a_name_is_made_of_the_list(tmp_path: Path) -> None:
    for list_name, name in [
        ("März 2026.csv.gz", "marz-2026"),
        ("電話.csv", "campaign"),
        (f"{'x' * 80}.parquet", "x" * 64),
        ("${HOME} [1].csv", "home-1"),
    ]:
        assert finished(tmp_path, starter(list_name, ["phone"]), list_name).name == name


def test_many_columns_stand_in_a_line_each(tmp_path: Path) -> None:
    columns = ["phone", *(f"a_rather_long_column_{number}" for number in range(30))]
    text = starter("contacts.csv", columns)
    assert max(map(len, text.splitlines())) <= 120
    assert finished(tmp_path, text).call.data == tuple(columns[1:])


@pytest.mark.parametrize(
    ("columns", "rows", "phones"),
    [
        (["phone"], [], ("phone",)),
        (["Phone Number"], [], ("Phone Number",)),
        (["mobilePhone", "homePhone"], [], ("mobilePhone", "homePhone")),
        (["mobile", "home_phone", "phone_2"], [], ("mobile", "home_phone", "phone_2")),
        (["to_number", "order_number"], [], ("to_number",)),
        (["Telefon", "Name"], [], ("Telefon",)),
        (["phone_type", "has_phone_consent", "cellar"], [], ()),
        (["phone", "tel"], [["mobile", "+1 415 555 0100"]], ("tel",)),
        (["a", "b"], [["x", "+1 415 555 0100"], ["y", "+49 30 901820"]], ("b",)),
        (["a", "b"], [["4155550100", "7"]], ()),
        (["a"], [["+1 415 555 0100"], ["unknown"]], ()),
    ],
)
def test_columns_with_numbers(columns: list[str], rows: list[list[str]], phones: tuple[str, ...]) -> None:
    assert guess(columns, rows).phones == phones


@pytest.mark.parametrize(
    ("columns", "rows", "chosen"),
    [
        (["phone", "customer_id", "id"], [], "id"),
        (["phone", "CustomerID"], [], "CustomerID"),
        (["phone", "crm_ref"], [], "crm_ref"),
        (["phone", "agent_id", "paid"], [], None),
        (["phone", "name"], [], None),
        (["phone", "store_id", "order_id"], [["", "1", "7"], ["", "1", "8"]], "order_id"),
    ],
)
def test_a_column_with_ids(columns: list[str], rows: list[list[str]], chosen: str | None) -> None:
    assert guess(columns, rows).id == chosen


def test_names_and_local_numbers_are_noted() -> None:
    text = starter("contacts.csv", ["phone", "first_name"], [["(415) 555-0100", "Ann"]])
    assert "# required: [first_name]" in text
    assert "some numbers of this list are written without a plus" in text
    assert "some numbers of this list" not in starter("contacts.csv", ["phone"], [["+14155550100"]])


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=12), max_size=6))
@example(["CONSENT", "zip"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
def test_any_header_comes_back_as_it_was(tmp_path: Path, columns: list[str]) -> None:
    campaign = finished(tmp_path, starter("contacts.csv", ["phone", *columns]))
    contacts, call = campaign.contacts, campaign.call
    consent = guess([column.strip() for column in columns]).consent  # proposed in a comment, and no matter of the agent
    proposed = {contacts.id, consent} - {None}
    named = {*contacts.phone, *call.data, *contacts.steering, *proposed}
    assert named == {"phone", *(column.strip() for column in columns)} - {"", "*"}


@pytest.mark.parametrize(
    "column", ["NO", "yes", "~", "#x", "a: b", "- a", "*", "&a", "${X}", "$${X}", "1", "'q'", '"q"', "a,b"]
)
def test_columns_that_yaml_would_misread(tmp_path: Path, column: str) -> None:
    expected = () if column == "*" else (column,)
    assert finished(tmp_path, starter("contacts.csv", ["phone", column])).call.data == expected


STEERED = ["phone", "mobile", "id", "name", "Time Zone", "zip", "State", "priority", "not_before", "Opt-In"]


def test_columns_that_steer_are_proposed_and_the_agent_is_not_told_them(tmp_path: Path) -> None:
    text = starter("contacts.csv", STEERED)
    campaign = finished(tmp_path, text)
    rules = campaign.contacts
    assert (rules.timezone, rules.postcode, rules.region) == ("Time Zone", "zip", "State")
    assert (rules.priority, rules.not_before, rules.not_after) == ("priority", "not_before", None)
    assert (rules.phone, campaign.call.data, rules.consent) == (("phone", "mobile"), ("name",), None)
    put_in = "\n".join(line for line in text.splitlines() if not line.startswith("rules: none"))
    asked = finished(tmp_path, put_in.replace("\n# rules:", "\nrules:"))
    assert asked.law is not None
    assert (asked.contacts.consent, asked.law.yes) == ("Opt-In", frozenset({"yes"}))
