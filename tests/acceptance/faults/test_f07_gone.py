"""F07: the platform is gone altogether: neither dials nor reads are answered."""

from __future__ import annotations

import contextlib
from itertools import pairwise
from pathlib import Path

import pytest

from tests.acceptance.faults.kit import Stage, each_dial, invariants, nothing, stage
from tests.acceptance.kit import Ended
from tests.acceptance.proxy import Answered, Cut

PEOPLE = 30
SOON = {"breaker": {"give_up_after": 3.0}}
"""It is given up after ten minutes as it is shipped."""


def _goes_away(there: Stage, path: Path, kind: str) -> Ended:
    """Run until the platform has gone away in the middle, and the command has given it up."""
    there.proxy.keeps_alive = kind == "it hangs up"
    with contextlib.ExitStack() as stack:
        run = stack.enter_context(there.running("run", path, **there.defaults(**SOON)))
        run.until(lambda: len(there.proxy.dials) >= 8)
        if kind == "it hangs up":
            there.proxy.rule = lambda _: Cut(after=False)
        else:
            stack.enter_context(there.proxy.gone())
        return run.ended(30)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [pytest.param("it hangs up", marks=pytest.mark.ci), "nobody listens"])
def test_f07_the_platform_is_gone(tmp_path: Path, kind: str) -> None:
    with stage(tmp_path, PEOPLE) as there:
        path = there.plan(pace={"calls_per_second": 15})
        ended = _goes_away(there, path, kind)
        assert ended.code in (69, 70), ended.err
        if ended.code == 69:
            assert ended.closing.split()[2] == "unreachable"
            assert "platform.url" in ended.err
        assert ended.err.count("nobody new is dialled until it does") == 1
        for n in range(PEOPLE):
            assert len(there.ids(n)) <= 1, "somebody was dialled again while nobody could tell"
        _was_probed_by_reads(there, kind)
        there.proxy.rule = nothing
        invariants(there, there.run("run", path), people=PEOPLE)


def _was_probed_by_reads(there: Stage, kind: str) -> None:
    """After the last dial came nothing but reads, the smallest that there are among them."""
    if kind == "it hangs up":
        last_dial = max(place for place, asked in enumerate(there.proxy.asked) if asked.is_dial)
        probes = [asked for asked in there.proxy.asked[last_dial + 1 :] if "page_size=1&" in f"{asked.path}&"]
        assert probes
    lost = [row for row in there.attempts() if row["state"] in ("unknown", "refused")]
    # Five failures in a row open the breaker; a few more may be under way by then.
    assert len(lost) <= 5 + there.pace["calls_per_second"]


@pytest.mark.ci
@pytest.mark.slow
def test_f07_dials_fail_and_reads_are_answered(tmp_path: Path) -> None:
    """After a row of failures one dial at a time finds out, and each only after a read was answered."""
    with stage(tmp_path, PEOPLE) as there:
        there.proxy.rule = each_dial(lambda _: Answered(503))
        with there.running("run", there.plan(pace={"calls_per_second": 15})) as run:
            run.until(lambda: "nobody new is dialled until it does" in run.err)
            run.until(lambda: len(_trials(there)) >= 2)
            trials = _trials(there)
            there.proxy.rule = nothing
            ended = run.ended(30)
        for before, trial in trials:
            assert any(asked.path.startswith("/v1/calls/?page_size=1&") for asked in there.proxy.asked[before:trial])
        invariants(there, ended, people=PEOPLE)


def _trials(there: Stage) -> list[tuple[int, int]]:
    """Dials that came long after the one before: the places of both among all requests."""
    asked = list(there.proxy.asked)
    dials = [place for place, each in enumerate(asked) if each.is_dial]
    return [(before, after) for before, after in pairwise(dials) if asked[after].at - asked[before].at > 0.8]


@pytest.mark.slow
def test_f07_it_was_never_there(tmp_path: Path) -> None:
    """Given up after a while (a minute as it is shipped): nobody is spent, and the same command does it later."""
    with stage(tmp_path) as there:
        path = there.plan()
        with there.proxy.gone():
            ended = there.run_in(there.defaults(health={"NEVER_SEEN": 2.0}), path)
        assert (ended.code, ended.closing.split()[:3]) == (69, ["camp", "69", "unreachable"]), ended.err
        assert "platform.url" in ended.err
        assert {(row["state"], row["attempts"], row["serial"]) for row in there.contacts().values()} == {("due", 0, 0)}
        invariants(there, there.run("run", path))
