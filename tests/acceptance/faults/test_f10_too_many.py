"""F10: 429, with `Retry-After` in seconds, as a date, absurd, or without one."""

from __future__ import annotations

import signal
import time
from datetime import datetime
from email.utils import formatdate
from pathlib import Path

import pytest

from tests.acceptance.faults.kit import Stage, first_dial, invariants, longest_pause, stage
from tests.acceptance.kit import person
from tests.acceptance.proxy import Answered

SLOW_DOWN = {"error": "rate_limit_exceeded", "message": "Too many calls per second."}


def _too_many(after: str | None = None, back: float = 0.0) -> Answered:
    return Answered(429, SLOW_DOWN, {} if after is None else {"Retry-After": after}, back=back)


def _dialled_again_for_nothing(there: Stage, n: int) -> None:
    """Under the same call id, after a refusal that has cost nothing."""
    first, again = there.ids(n)
    assert first == again
    [attempt] = there.attempts_of(n)
    assert (attempt["costs"], attempt["serial"]) == (1, 1)
    assert there.events(n)[:3] == ["intended", "refused", "intended"]


@pytest.mark.slow
def test_f10_nobody_is_dialled_for_as_long_as_asked(tmp_path: Path) -> None:
    """In seconds; everybody waits, and nobody else is refused for it."""
    with stage(tmp_path) as there:
        there.proxy.rule = first_dial({4: _too_many("2")})
        ended = there.run("run", there.plan())
        invariants(there, ended)
        _dialled_again_for_nothing(there, 4)
        # What had already left when the answer came is not held.
        assert longest_pause(there) >= 1.7


@pytest.mark.slow
def test_f10_as_a_date_in_other_words_and_without_a_word(tmp_path: Path) -> None:
    """A date, nothing, and words that say nothing: a moment's wait, and the same call id."""
    with stage(tmp_path) as there:
        # They are under way together, so that the next does not wait for the one before.
        date = formatdate(time.time() + 5, usegmt=True)
        words = {0: date, 1: None, 2: "-5", 3: "soon"}
        there.proxy.rule = first_dial({n: _too_many(word, back=0.5) for n, word in words.items()})
        ended = there.run("run", there.plan())
        invariants(there, ended)
        for n in words:
            _dialled_again_for_nothing(there, n)


@pytest.mark.slow
def test_f10_an_absurd_wait_is_capped(tmp_path: Path) -> None:
    """300 s at most, drawn out by a tenth; seen by a wall clock that is put on."""
    with stage(tmp_path) as there:
        there.proxy.rule = first_dial({3: _too_many("99999999999")})
        path = there.plan()
        with there.running("run", path) as run:
            run.until(lambda: "refused" in there.events(3))
            run.send(signal.SIGTERM)
            assert run.ended().code == 75
        contact = there.contacts()[person(3)]
        assert (contact["state"], contact["attempts"]) == ("due", 0)
        wait = datetime.fromisoformat(contact["due_at"]) - datetime.fromisoformat(contact["updated_at"])
        assert 300 <= wait.total_seconds() <= 331
        there.shift_clock(335)
        invariants(there, there.run_in(there.seams(CLOCK=str(there.clock_file)), path))
        _dialled_again_for_nothing(there, 3)
