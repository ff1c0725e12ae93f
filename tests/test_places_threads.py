"""Lists of several campaigns are read at the same time, each in a thread of its own, by plans that they share."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from dialer.places import NumberReader, numbering

CODES = ("1415", "1212", "4420", "4915", "3361")
RESTS = ("5550123", "79460123", "12345678")
NUMBERS = [f"+{code}{rest}" for code in CODES for rest in RESTS]
THREADS = 6


@pytest.fixture
def impatient() -> Iterator[None]:
    """Threads take turns as often as can be."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def _read_together(begin: Barrier) -> object:
    begin.wait()
    return NumberReader("US").column(NUMBERS).e164


def test_what_two_threads_learn_at_once_is_what_one_learns(impatient: None) -> None:
    expected = NumberReader("US").column(NUMBERS).e164
    for _ in range(15):
        numbering.plan_of.cache_clear()
        numbering._international_plan.cache_clear()
        begin = Barrier(THREADS)
        with ThreadPoolExecutor(THREADS) as pool:
            found = [each.result() for each in [pool.submit(_read_together, begin) for _ in range(THREADS)]]
        assert found == [expected] * THREADS
