"""Several rows about one person, or with one number: whoever only looks foresees what comes of them in a run."""

from __future__ import annotations

import contextlib
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.clock import Clock
from dialer.config import load
from dialer.errors import ListError
from dialer.model import Audience, ListRules
from dialer.runner import plan_list
from dialer.runner.checking import check_list
from dialer.runner.doubles import Doubles, Refused, settled
from tests.command_line import TEXT, campaign, taken_in

LAW = "hours: always\nrules: {purpose: marketing, packs: [us], consent: ok, yes: [yes]}\n"
ANN, BOB, CID = "+12125550123", "+13125550123", "+13035550123"
BY_ID = "  phone: [mobile, home]\n  id: id\n  one_per: id\n"
BY_NUMBER = "  phone: [mobile, home]\n  id: id\n  one_per: phone\n"

Row = tuple[str, str, str, str]


def listed(folder: Path, rows: Sequence[Row], contacts: str, law: str = LAW) -> Path:
    text = TEXT.replace("hours: always\nrules: none\n", law).replace("  phone: phone\n  id: id\n", contacts)
    people = "\n".join(["id,mobile,home,ok", *(",".join(row) for row in rows), ""])
    return campaign(folder, people, text.replace("  data: [name]\n", ""))


def by_import(path: Path) -> Counter[bool]:
    taken_in(path)
    with contextlib.closing(sqlite3.connect(path.parent / "dialer.db")) as db:
        query = "SELECT json_extract(facts, '$.consents') FROM contacts JOIN audiences ON audiences.id = audience"
        return Counter(bool(consents) for (consents,) in db.execute(query))


def by_plan(path: Path) -> Counter[bool]:
    found = plan_list.counted(load(path, {}), Clock())
    people = Counter[bool]()
    for crowd in found.crowds:
        people[found.audiences[crowd.kind].consents] += crowd.people
    return people


def by_check(path: Path) -> Counter[bool]:
    try:
        found = check_list(load(path, {}), Clock())
    except ListError as error:
        assert "nobody" in str(error)
        return Counter()
    held = sum(found.held.values())
    return Counter({True: found.good - held, False: held})


@pytest.mark.parametrize(
    ("rows", "contacts", "expected"),
    [
        ([("a", ANN, "", "yes"), ("a", BOB, "", "no"), ("c", CID, "", "yes")], BY_ID, {False: 1, True: 1}),
        ([("a", ANN, "", "yes"), ("b", ANN, "", "no")], BY_ID, {False: 1, True: 1}),
        ([("a", ANN, "", "yes"), ("b", ANN, "", "no"), ("c", CID, "", "yes")], BY_NUMBER, {False: 1, True: 1}),
        ([("a", ANN, "", "yes"), ("a", ANN, "", "yes")], BY_ID, {True: 1}),
        (
            [("a", ANN, "", "yes"), ("b", BOB, "", "yes"), ("c", ANN, BOB, "no"), ("d", CID, "", "yes")],
            BY_NUMBER,
            {False: 2, True: 1},
        ),
        # What the third row takes back of the second takes it back of the first, which was read long before.
        (
            [("a", ANN, "", "yes"), ("b", ANN, "", "yes"), ("b", BOB, "", "no"), ("c", CID, "", "yes")],
            BY_NUMBER,
            {False: 1, True: 1},
        ),
    ],
)
def test_consent_that_a_double_takes_back_is_foreseen(
    tmp_path: Path, rows: Sequence[Row], contacts: str, expected: dict[bool, int]
) -> None:
    path = listed(tmp_path, rows, contacts)
    assert +by_plan(path) == +by_check(path) == +by_import(path) == expected


CELLS = st.tuples(
    st.sampled_from("abc"),
    st.sampled_from((ANN, BOB, CID)),
    st.sampled_from(("", ANN, BOB)),
    st.sampled_from(("yes", "")),
)


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(rows=st.lists(CELLS, min_size=1, max_size=6), contacts=st.sampled_from((BY_ID, BY_NUMBER)))
def test_any_list_is_planned_as_it_is_taken_in(rows: list[Row], contacts: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = listed(Path(folder), rows, contacts)
        planned = +by_plan(path)
        assert by_check(path) in (Counter(), planned)
        assert planned == +by_import(path)


def test_consent_that_is_given_for_all_is_taken_back_by_nobody(tmp_path: Path) -> None:
    law = LAW.replace("consent: ok, yes: [yes]", "consent: given")
    path = listed(tmp_path, [("a", ANN, "", "no"), ("a", ANN, "", "no")], BY_ID, law)
    assert +by_plan(path) == +by_check(path) == {True: 1}


def test_a_list_in_which_nothing_is_taken_back_is_read_once() -> None:
    rules = ListRules((), placed=True, consent="ok", consents="ok", yes=frozenset({"yes"}))
    readings = []

    def read(refused: Refused) -> int:
        doubles = Doubles(rules, refused)
        readings.append(doubles.taken(ANN, [ANN], Audience(consents=True)))
        doubles.taken(ANN, [ANN], Audience(consents=len(readings) != 1 or is_yes))
        return len(readings)

    is_yes = True
    assert settled(read) == 1
    is_yes, readings = False, []
    assert settled(read) == 2
    assert readings == [Audience(consents=True), Audience(consents=False)]
