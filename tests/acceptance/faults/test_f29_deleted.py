"""F29: the ledger was deleted and the list is run again: whom it had called is found before anybody is dialled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.faults.kit import Stage, first_dial, invariants, nothing
from tests.acceptance.faults.lost_time import (
    AGAIN,
    NO_ANSWER_FIRST,
    backed_up,
    delete,
    dials_nobody,
    files,
    kind_of_platform,
    no_list,
    restored_in_place,
    some,
)
from tests.acceptance.kit import number
from tests.acceptance.proxy import Answered

REJECTED = Answered(422, {"detail": [{"loc": ["body", "metadata"], "msg": "too long", "type": "value_error"}]})


def _never_asked_again(there: Stage, path: Path) -> None:
    again = dials_nobody(there, path, 0)
    assert "there may be calls" not in again.err


@pytest.mark.slow
def test_f29_deleted_while_the_secret_stays(tmp_path: Path) -> None:
    with kind_of_platform(tmp_path, "platform") as there:
        path = there.plan(retry=AGAIN)
        some(there, path, 7)
        delete(there)
        ended = there.run("run", path)
        assert "it is new, and its secret was here before it: an earlier ledger was deleted" in ended.err
        assert "7 calls were found" in ended.err
        invariants(there, ended, most=3)
        _never_asked_again(there, path)


@pytest.mark.ci
@pytest.mark.slow
def test_f29_deleted_where_there_is_no_list_and_a_dial_had_left_no_record(tmp_path: Path) -> None:
    """The first dial of one was refused; the platform has none of it, and a call of the next."""
    script = NO_ANSWER_FIRST | {number(2): ("user_ended_call",)}
    with kind_of_platform(tmp_path, "custom", script=script) as there:
        refused, path = first_dial({2: REJECTED}), there.plan(retry=AGAIN)
        there.proxy.rule = lambda asked: no_list(asked) or refused(asked)
        some(there, path, 5)
        # A person has it dialled again, as one does whose data were corrected.
        lines = (there.folder / "people.csv").read_text().replace("Name2,", "Two,")
        (there.folder / "people.csv").write_text(lines)
        some(there, path, 3)
        assert (len(set(there.ids(2))), there.rings_of(2)) == (2, 1)
        delete(there)
        invariants(there, there.run("run", path), most=3)
        assert there.rings_of(2) == 1


@pytest.mark.ci
@pytest.mark.slow
def test_f29_deleted_on_a_platform_that_tells_no_ids(tmp_path: Path) -> None:
    """Nothing shows that these calls are ours: nobody is dialled; on a person's word those that fit are taken for
    ours."""
    with kind_of_platform(tmp_path, "mute") as there:
        path = there.plan(retry=AGAIN)
        some(there, path, 7)
        delete(there)
        ended = dials_nobody(there, path, 70)
        assert "shows no call of ours under this key" in ended.err
        assert "--none-were-called" in ended.err
        invariants(there, there.run("run", path, "--none-were-called"), most=3)
        _never_asked_again(there, path)


@pytest.mark.slow
def test_f29_everything_deleted_is_a_fresh_start(tmp_path: Path) -> None:
    """Allowed, and documented: whoever deletes secret and lock too says that nobody is known any more."""
    with kind_of_platform(tmp_path, "both", 3, script={}, mix={"user_ended_call": 1.0}) as there:
        path = there.plan()
        assert there.run("run", path).code == 0
        delete(there, "secret", "lock")
        ended = there.run("run", path)
        assert ended.code == 0
        assert "there may be calls" not in ended.err
        assert [there.rings_of(n) for n in range(3)] == [2, 2, 2]


@pytest.mark.ci
@pytest.mark.slow
def test_f29_ledger_and_secret_are_gone_and_the_lock_tells_of_runs(tmp_path: Path) -> None:
    with kind_of_platform(tmp_path, "both") as there:
        path = there.plan(retry=AGAIN)
        some(there, path)
        copy = backed_up(there, path)
        some(there, path, 5)
        delete(there, "secret")
        for _ in range(2):
            ended = dials_nobody(there, path, 74)
            assert "camp.db.lock tells of earlier runs: put both back from a backup" in ended.err
            assert "remove the lock's file too" in ended.err
            assert files(there) == []
            assert not (there.folder / "camp.db.secret").exists()
        there.ledger.touch()
        restored_in_place(there, copy)
        invariants(there, there.run("run", path), most=3)


@pytest.mark.slow
def test_f29_a_platform_that_does_not_answer_is_asked_by_the_next_run(tmp_path: Path) -> None:
    """It fails at the very question; that is no answer, and a person is not called for it."""
    with kind_of_platform(tmp_path, "both") as there:
        path, gone = there.plan(retry=AGAIN), Answered(503, {"error": "unavailable", "message": "Later."})
        some(there, path, 7)
        delete(there)
        there.proxy.rule = lambda asked: gone if "page_size=1000" in asked.path else None
        pauses: Any = [0.1]
        hasty = there.defaults(health={"NEVER_SEEN": 1.0}, breaker={"give_up_after": 1.0}, earlier={"_PAUSES": pauses})
        before = len(there.proxy.dials)
        ended = there.run_in(hasty, path)
        assert (ended.code, len(there.proxy.dials)) == (69, before), ended.err
        there.proxy.rule = nothing
        invariants(there, there.run("run", path), most=3)
