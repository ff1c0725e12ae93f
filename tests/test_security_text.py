"""What is taken out of texts that come from outside."""

from __future__ import annotations

import io
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console as Terminal

from dialer.console import choose, mask_text
from dialer.console.live import view
from dialer.console.masking import mask_value
from dialer.export import export
from dialer.model.plain import plain, shown
from dialer.report import Progress

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)

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


# --- where texts are shown -------------------------------------------------------------------------

HOSTILE_WORDS = f"{ESC}[2J{ESC}]0;owned\x07busy\u202e\b at +1415{ESC}[m5550123\0"
SHOWN = "busy at +1415•••0123␀"


def test_what_is_masked_is_plain_and_a_sequence_inside_a_number_hides_nothing() -> None:
    assert mask_text(HOSTILE_WORDS) == SHOWN
    assert mask_value({"detail": [HOSTILE_WORDS]}) == {"detail": [SHOWN]}
    assert mask_text("two\nlines\tand a tab") == "two\nlines\tand a tab"


def test_a_secret_that_a_sequence_cuts_in_two_is_masked_as_well() -> None:
    assert mask_text(f"API_{ESC}[0mcanary and wh{ESC}[1msec_canary") == "API_… and whsec_…"


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_the_log_shows_the_platforms_words_plain(log_format: Literal["text", "json"]) -> None:
    stream = io.StringIO()
    console = choose(stream, log_format=log_format, now=lambda: NOON)
    console.say("refused", f"the platform said {HOSTILE_WORDS}", detail=HOSTILE_WORDS)
    console.show([progress()], 0.0)
    assert ESC not in stream.getvalue()
    assert "\\u001b" not in stream.getvalue()
    assert "5550123" not in stream.getvalue()


def test_the_live_view_shows_finish_reasons_plain() -> None:
    stream = io.StringIO()
    terminal = Terminal(file=stream, width=100, color_system=None, force_terminal=False)
    terminal.print(view([progress()], 100))
    assert SHOWN in stream.getvalue()
    assert ESC not in stream.getvalue()


def progress() -> Progress:
    return Progress("reminders", NOON, {}, {HOSTILE_WORDS: 1}, 0, 0, 1, 0.0, 1.0, "nothing")


# --- and where they are written --------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_an_export_holds_the_platforms_words_plain(tmp_path: Path, kind: str) -> None:
    said = json.dumps([{"role": "agent", "content": HOSTILE_WORDS, HOSTILE_WORDS: 1}])
    row = {"finish_reason": HOSTILE_WORDS, "transcript": said, "row": json.dumps({"note": HOSTILE_WORDS})}
    columns = ("finish_reason", "transcript", "row.note")
    target = tmp_path / f"r.{kind}"
    assert export(iter([row]), columns, target) == 1
    text = str(pq.read_table(target).to_pylist()) if kind == "parquet" else target.read_text()
    assert "busy at +14155550123" in text
    assert not any(sign in text for sign in (ESC, "\x07", "\u202e", "\b", "\0"))
    if kind == "jsonl":
        found = json.loads(text)
        assert found["transcript"] == [{"role": "agent", "content": PLAIN, PLAIN: 1}]
        assert found["finish_reason"] == found["row.note"] == PLAIN


PLAIN = "busy at +14155550123␀"
