"""Rows about one person, or with one number, of which one says yes and another does not: then there is no consent."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.command_line import TEXT, campaign, taken_in

LAW = "hours: always\nrules: {purpose: marketing, packs: [us], consent: ok, yes: [yes]}\n"
ANN, BOB, CID = "+12125550123", "+13125550123", "+13035550123"


def consenting(folder: Path, header: str, rows: Sequence[str], contacts: str) -> dict[str, bool]:
    """Who consents, of those who are taken."""
    text = TEXT.replace("hours: always\nrules: none\n", LAW).replace("  phone: phone\n  id: id\n", contacts)
    taken_in(campaign(folder, "\n".join([header, *rows, ""]), text.replace("  data: [name]\n", "")))
    with contextlib.closing(sqlite3.connect(folder / "dialer.db")) as db:
        query = (
            "SELECT person, json_extract(facts, '$.consents') FROM contacts JOIN audiences ON audiences.id = audience"
        )
        return {person: bool(consents) for person, consents in db.execute(query)}


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([f"{ANN},yes", f"{ANN},no"], {ANN: False}),
        ([f"{ANN},no", f"{ANN},yes"], {ANN: False}),
        ([f"{ANN},yes", f"{ANN},"], {ANN: False}),
        ([f"{ANN},yes", f"{ANN},yes"], {ANN: True}),
        ([f"{ANN},yes", f"{BOB},yes", f"{ANN},yes", f"{ANN},no"], {ANN: False, BOB: True}),
    ],
)
def test_of_several_rows_about_one_person_none_may_say_no(
    tmp_path: Path, rows: Sequence[str], expected: dict[str, bool]
) -> None:
    assert consenting(tmp_path, "phone,ok", rows, "  phone: phone\n") == expected


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([f"a,{ANN},,yes", f"b,{ANN},,no"], {"a": False}),
        ([f"a,{ANN},,yes", f"b,{ANN},,yes", f"c,{CID},,yes"], {"a": True, "c": True}),
        ([f"a,{ANN},,yes", f"b,{BOB},,yes", f"c,{ANN},{BOB},no", f"d,{CID},,yes"], {"a": False, "b": False, "d": True}),
    ],
)
def test_of_several_rows_with_one_number_none_may_say_no(
    tmp_path: Path, rows: Sequence[str], expected: dict[str, bool]
) -> None:
    contacts = "  phone: [mobile, home]\n  id: id\n  one_per: phone\n"
    assert consenting(tmp_path, "id,mobile,home,ok", rows, contacts) == expected
