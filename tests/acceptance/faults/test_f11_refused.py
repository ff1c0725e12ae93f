"""F11: refusals. One row's own fault excludes that row; what tells of the campaign stops the run and burns nobody."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.faults.kit import Stage, each_dial, invariants, nothing, stage
from tests.acceptance.kit import KEY, number, person
from tests.acceptance.proxy import Answered, Asked

PEOPLE = 40


def _problem(error: str, message: str) -> dict[str, str]:
    return {"error": error, "message": message}


def _fault(field: str, message: str) -> dict[str, object]:
    return {"detail": [{"loc": ["body", field], "msg": message, "type": "value_error"}]}


@dataclass(frozen=True)
class Kind:
    """A refusal, whom it meets (None: everybody), and how the run ends."""

    status: int
    body: Any
    whom: int | None
    code: int
    reason: str
    words: str


STOPPING = {
    "401 on any": Kind(401, _problem("unauthorized", "This key was taken back."), 3, 77, "key_refused", "taken back"),
    "402 on any": Kind(402, _problem("payment_required", "No credit left."), 6, 77, "invalid_payment", "No credit"),
    "403 on any": Kind(403, _problem("forbidden", "This key may not dial."), 9, 77, "key_refused", "may not dial"),
    "404 on any": Kind(404, _problem("not_found", "No such path."), 12, 78, "no_such_path", "platform.url"),
    "422 of what is the same for all": Kind(422, _fault("from_number", "not yours"), 15, 78, "rejected", "from_number"),
    "404 on each": Kind(404, _problem("not_found", "No such path."), None, 78, "no_such_path", "platform.url"),
    "422 on each": Kind(422, _fault("to_number", "not a number"), None, 78, "rejected", "5 dials in a row"),
}


@pytest.mark.slow
def test_f11_a_list_is_never_burnt_by_what_is_not_its_own_fault(tmp_path: Path) -> None:
    """One after the other; whoever was refused is due again, and in the end everybody has been called once."""
    with stage(tmp_path, PEOPLE) as there:
        path = there.plan(pace={"calls_per_second": 20})
        for name, kind in STOPPING.items():
            _stops(there, path, name, kind)
        there.proxy.rule = nothing
        invariants(there, there.run("run", path), people=PEOPLE)


def _stops(there: Stage, path: Path, name: str, kind: Kind) -> None:
    refusal = Answered(kind.status, kind.body)
    there.proxy.rule = each_dial(
        lambda asked: refusal if kind.whom is None or asked.number == number(kind.whom) else None
    )
    came = len(there.proxy.dials)
    ended = there.run("run", path)
    assert (ended.code, ended.closing.split()[:3]) == (kind.code, ["camp", str(kind.code), kind.reason]), (
        name,
        ended.err,
    )
    assert kind.words in ended.err, name
    rung = len(there.rings())
    assert ended.closing.endswith(f"due={PEOPLE - rung} live=0 unknown=0"), name
    states = {
        (row["state"], row["attempts"]) for who, row in there.contacts().items() if not there.rings_of(int(who[2:]))
    }
    assert states == {("due", 0)}, name
    assert 0 < len(there.proxy.dials) - came < PEOPLE, name


@pytest.mark.slow
def test_f11_one_row_is_excluded_in_the_platform_s_words_and_the_others_go_on(tmp_path: Path) -> None:
    with stage(tmp_path) as there:
        bad = Answered(422, _fault("to_number", "This number is on a block list"))
        there.proxy.rule = each_dial(_only(7, bad))
        invariants(there, there.run("run", there.plan()), besides={person(7): "excluded"})
        assert len(there.ids(7)) == 1
        assert "This number is on a block list" in there.contacts()[person(7)]["detail"]


def _only(n: int, answer: Answered) -> Callable[[Asked], Answered | None]:
    return lambda asked: answer if asked.number == number(n) else None


@pytest.mark.slow
def test_f11_a_wrong_key_dials_nobody_and_loses_nothing(tmp_path: Path) -> None:
    with stage(tmp_path, api_key=KEY) as there:
        path = there.plan()
        wrong = there.run("run", path, FAULT_KEY="API_canary_wrong")
        assert (wrong.code, wrong.closing.split()[:3]) == (77, ["camp", "77", "key_refused"]), wrong.err
        assert "platform.api_key" in wrong.err
        assert "API_canary_wrong" not in wrong.out + wrong.err
        assert there.proxy.dials == []
        invariants(there, there.run("run", path))
