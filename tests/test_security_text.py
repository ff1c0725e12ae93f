"""What is taken out of texts that come from outside."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.model.plain import plain, shown

ESC = "\x1b"
CASES = [
    ("Ann", "Ann"),
    ("Zoë, 😀 and 名前", "Zoë, 😀 and 名前"),
    ("a\tb\nc", "a\tb\nc"),
    ("a\r\nb\rc\x85d\u2028e\u2029f", "a\nb\nc\nd\ne\nf"),
    (f"{ESC}[31mred{ESC}[0m", "red"),
    (f"{ESC}[2J{ESC}[1;1H{ESC}[?25lgone", "gone"),
    (f"{ESC}]0;a title\x07name", "name"),
    (f"{ESC}]8;;https://evil.example{ESC}\\click{ESC}]8;;{ESC}\\", "click"),
    (f"{ESC}]52;c;cm0gLXJm\x07x", "x"),
    (f"{ESC}]0;without an end\nnext line", "\nnext line"),
    (f"{ESC}Pq#0;1;2{ESC}\\x", "x"),
    (f"{ESC}(0{ESC}c{ESC}=x", "x"),
    (f"x{ESC}", "x"),
    ("\x9b31mred", "31mred"),
    ("Dvo\x9e\xe1k", "Dvo\xe1k"),
    ("over\bwritten\x07\x7f\v\f", "overwritten"),
    ("\u202egnp.exe\u202c", "gnp.exe"),
    ("\u2066a\u2069\u200e\u200f\u061c", "a"),
    ("hi\U000e0069\U000e0067", "hi"),
    ("half \ud83d of a pair \udc00", "half \ufffd of a pair \ufffd"),
    ("with\0NUL", "with\0NUL"),
    ("zero\u200bwidth \u200djoined", "zero\u200bwidth \u200djoined"),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_plain(text: str, expected: str) -> None:
    assert plain(text) == expected


def test_nul_is_shown_by_its_sign() -> None:
    assert shown(f"a\0{ESC}[31mb") == "a␀b"


HOSTILE = st.text(st.sampled_from("\x1b[]0;m\x07\x9b\r\n\t\x85\u202e\u2069\ud800\U000e0041\\abc\x00é"), max_size=30)


@given(st.text() | HOSTILE)
def test_nothing_is_left_that_is_no_text_and_to_do_it_twice_changes_nothing(text: str) -> None:
    found = plain(text)
    assert not re.search("[\x01-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2028\u2029\u2066-\u2069]", found)
    assert plain(found) == found
    found.encode()
    assert found.count("\0") <= text.count("\0")


@given(st.text(st.characters(categories=["L", "N", "P", "S"])))
def test_what_is_text_stays(text: str) -> None:
    assert plain(text) == text
