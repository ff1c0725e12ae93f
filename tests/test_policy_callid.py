"""Call ids, and which of a person's numbers rings."""

from __future__ import annotations

import re

from hypothesis import assume, given
from hypothesis import strategies as st

from dialer.policy.callid import call_id, called_number

SECRET = bytes(range(32))
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


def test_a_person_s_numbers_ring_in_order_and_round_again() -> None:
    assert [called_number(("a", "b", "c"), attempts) for attempts in range(7)] == list("abcabca")
    assert called_number(("a",), 5) == "a"
