"""Call ids, caller ids, and which of a person's numbers rings."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from dialer.policy.callid import call_id, called_number, caller_id

SECRET = bytes(range(32))
OWN = ("+14155550100", "+14155550101", "+14155550102", "+14155550103")
texts = st.text(max_size=12)
fields = st.tuples(texts, texts, st.integers(0, 10**9))


@given(secret=st.binary(min_size=1, max_size=64), fields=fields)
def test_an_id_has_32_characters_that_pass_anywhere(secret: bytes, fields: tuple[str, str, int]) -> None:
    made = call_id(secret, *fields)
    assert re.fullmatch("[a-z2-7]{32}", made)
    assert made == call_id(secret, *fields)


@given(one=fields, other=fields)
def test_other_fields_give_another_id(one: tuple[str, str, int], other: tuple[str, str, int]) -> None:
    assume(one != other)
    assert call_id(SECRET, *one) != call_id(SECRET, *other)


@given(text=texts, cut=st.integers(0, 12), serial=st.integers(0, 99))
def test_what_stands_in_one_field_is_never_read_as_the_next(text: str, cut: int, serial: int) -> None:
    assume(cut < len(text))
    assert call_id(SECRET, text[:cut], text[cut:], serial) != call_id(SECRET, text, "", serial)


def test_joining_is_unambiguous_between_person_and_serial() -> None:
    assert call_id(SECRET, "c", "p1", 1) != call_id(SECRET, "c", "p", 11)
    assert call_id(SECRET, "c", "p\x00", 1) != call_id(SECRET, "c\x00p", "", 1)


def test_another_secret_gives_another_id() -> None:
    assert call_id(SECRET, "c", "p", 1) != call_id(SECRET[::-1], "c", "p", 1)


def test_an_id_stays_what_it_was_when_the_program_changes() -> None:
    assert call_id(SECRET, "reminders", "+14155550123", 1) == "6qqs2nc5utocctnnyoqkffvhvr33tjfv"


def test_a_broken_text_has_an_id_too() -> None:
    assert len(call_id(SECRET, "c", "\ud800", 1)) == 32


@given(person=texts)
def test_a_person_always_sees_the_same_number(person: str) -> None:
    shown = caller_id(OWN, person)
    assert shown in OWN
    assert shown == caller_id(tuple(reversed(OWN)), person)


def test_the_own_numbers_are_shown_evenly() -> None:
    shown = Counter(caller_id(OWN, f"+1415555{n:04}") for n in range(4000))
    assert set(shown) == set(OWN)
    assert all(800 < times < 1200 for times in shown.values())


@given(person=texts, gone=st.sampled_from(OWN))
def test_taking_a_number_away_changes_only_those_who_saw_it(person: str, gone: str) -> None:
    shown = caller_id(OWN, person)
    left = tuple(number for number in OWN if number != gone)
    assert caller_id(left, person) == shown or shown == gone


def test_without_an_own_number_nothing_can_be_shown() -> None:
    with pytest.raises(ValueError, match="empty"):
        caller_id((), "anyone")


def test_a_person_s_numbers_ring_in_order_and_round_again() -> None:
    assert [called_number(("a", "b", "c"), attempts) for attempts in range(7)] == list("abcabca")
    assert called_number(("a",), 5) == "a"


def test_one_own_number_is_everybodys() -> None:
    assert caller_id(("+14155550100",), "+14155550123") == "+14155550100"
