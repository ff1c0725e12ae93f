"""Single words: durations, shares, counts, names, numbers, addresses."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.config import words
from dialer.config.address import address, is_local
from dialer.config.words import Wrong

OTHERWISE = " nor simulator (write https://api.verbex.ai, or simulator)"


def said(read: Callable[[object], object], value: object) -> str:
    with pytest.raises(Wrong) as wrong:
        read(value)
    return f"{wrong.value.message} ({wrong.value.suggestion})"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("10m", 600),
        ("2h", 7200),
        ("1d", 86400),
        ("1.5h", 5400),
        ("1.1h", 3960),
        ("0.25s", 0.25),
        ("0s", 0),
        ("0d", 0),
        (" 7d ", 604800),
        ("007s", 7),
        ("3650d", 315360000),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert words.duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["soon", "2 h", "h", "-1h", "1w", "1H", "1h30m", "1,5h", ".5h", "5.h", "1e3s", "nan", "inf", "٣h", "2hh"]
)
def test_no_durations(text: str) -> None:
    assert said(words.duration, text) == f"'{text}' is not a length of time (write it as 90s, 10m, 2h or 1d)"


def test_a_duration_needs_its_unit_and_an_end() -> None:
    assert said(words.duration, "20") == "'20' has no unit (write 20s, 20m, 20h or 20d)"
    assert "longer than ten years" in said(words.duration, "3651d")
    assert "longer than ten years" in said(words.duration, "9" * 400 + "d")
    assert "is no time at all" in said(words.some_time, "0m")
    assert words.ring("5m") == 300.0
    assert "is no time at all" in said(words.ring, "0s")
    assert "is longer than any telephone rings (write 5m or less, as 60s)" in said(words.ring, "301s")


@given(st.integers(0, 300), st.sampled_from("smhd"))
def test_whole_durations_are_exact(count: int, unit: str) -> None:
    assert words.duration(f"{count}{unit}") == count * words.SECONDS[unit]


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("20%", 0.2),
        ("0.2", 0.2),
        ("0", 0),
        ("0%", 0),
        ("1", 1),
        ("100%", 1),
        ("12.5%", 0.125),
        ("7 %", 0.07),
        ("33%", 0.33),
    ],
)
def test_shares(text: str, part: float) -> None:
    assert words.share(text) == part


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("20", "'20' is more than the whole (write 20%)"),
        ("101%", "'101%' is more than the whole (write it as 20% or 0.2)"),
        ("1.01e0", "'1.01e0' is not a share (write it as 20% or 0.2)"),
        ("-5%", "'-5%' is not a share (write it as 20% or 0.2)"),
        ("%20", "'%20' is not a share (write it as 20% or 0.2)"),
        ("half", "'half' is not a share (write it as 20% or 0.2)"),
    ],
)
def test_no_shares(text: str, sentence: str) -> None:
    assert said(words.share, text) == sentence


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("10% of 50", (0.1, 50)),
        (" 2.5 %  of  200 ", (0.025, 200)),
        ("100% of 1", (1.0, 1)),
        ("0.01% of 999999999", (0.0001, 999999999)),
    ],
)
def test_thresholds(text: str, found: tuple[float, int]) -> None:
    assert words.threshold(text) == found


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("10%", "'10%' is not a share of the last calls (write it as 10% of 50)"),
        ("1 of 50", "'1 of 50' is not a share of the last calls (write it as 10% of 50)"),
        ("0.1 of 50", "'0.1 of 50' is not a share of the last calls (write it as 10% of 50)"),
        ("10%of 50", "'10%of 50' is not a share of the last calls (write it as 10% of 50)"),
        ("-1% of 50", "'-1% of 50' is not a share of the last calls (write it as 10% of 50)"),
        ("10% of many", "'10% of many' is not a share of the last calls (write it as 10% of 50)"),
        ("0% of 50", "'0%' of the calls is no share at all: it must be more than 0% (write it as 10% of 50)"),
        ("101% of 50", "'101%' is more than the whole (write it as 10% of 50)"),
        ("10% of 0", "'0' is not a whole number of 1 or more (write it as 10% of 50)"),
    ],
)
def test_no_thresholds(text: str, sentence: str) -> None:
    assert said(words.threshold, text) == sentence


def test_numbers() -> None:
    assert words.number("0") == 0
    assert words.above_zero("0.5") == 0.5
    assert words.calls_per_second("1000") == 1000
    assert words.whole(1)("1") == 1
    assert words.whole(0)("0") == 0
    assert words.whole(0)("0123") == 123
    assert words.lines("auto") is None
    assert words.lines("20") == 20


@pytest.mark.parametrize("text", ["-1", "1e3", "1_000", "nan", "inf", "two", "٣", "1,5", "+1", "0x1", "9" * 400])
@pytest.mark.parametrize(
    "read", [words.number, words.above_zero, words.calls_per_second, words.whole(0), words.whole(1), words.lines]
)
def test_no_numbers(read: Callable[[object], object], text: str) -> None:
    assert said(read, text).startswith(f"'{text}' is ")


def test_numbers_out_of_bounds() -> None:
    assert "must be more than 0" in said(words.above_zero, "0")
    assert "must be more than 0" in said(words.calls_per_second, "0")
    assert "more than 1000" in said(words.calls_per_second, "1000.5")
    assert "whole number of 1 or more" in said(words.whole(1), "0")
    assert "whole number of 1 or more" in said(words.whole(1), "2.0")
    assert "neither a whole number of 1 or more nor auto" in said(words.lines, "0")


def test_a_value_is_neither_empty_nor_keys_nor_a_list() -> None:
    assert said(words.text, " ") == "is empty (give it a value, or remove the line)"
    assert said(words.text, {"a": "b"}) == "one value is needed here, not keys ()"
    assert said(words.text, ["a"]) == "one value is needed here, not a list ()"


@pytest.mark.parametrize("text", ["a", "reminders-2026_b", "0", "-", "x" * 64])
def test_names(text: str) -> None:
    assert words.name(text) == text


@pytest.mark.parametrize(
    ("text", "hint"),
    [("Spring Sale", "write spring-sale"), ("a.b", "write a-b"), ("über", "write ber"), ("!", "write it as reminders")],
)
def test_no_names(text: str, hint: str) -> None:
    assert said(words.name, text).endswith(f"digits, _ and - ({hint})")


def test_a_name_has_an_end() -> None:
    assert said(words.name, "x" * 65) == "the name has 65 characters (use at most 64)"


def test_countries() -> None:
    assert words.country("US") == "US"
    assert said(words.country, "us") == "'us' is not a country's two capital letters (write US)"
    assert "write it as US, GB or DE" in said(words.country, "Germany")


@pytest.mark.parametrize("text", ["+14155550100", "+1 (415) 555-0100", "+1.415.555.0100", "+1 415 555 0100"])
def test_own_numbers(text: str) -> None:
    assert words.own_number(text) == "+14155550100"


@pytest.mark.parametrize(
    "text", ["4155550100", "0123", "+0123456789", "+1", "+1415555010x", "+" + "1" * 16, "+٣٣٣٣٣٣٣٣٣"]
)
def test_no_own_numbers(text: str) -> None:
    assert said(words.own_number, text).startswith(f"'{text}' is not a whole number with its country code")


def test_a_key_is_never_quoted() -> None:
    assert words.key(" API_x1 ") == "API_x1"
    assert "secret" not in said(words.key, "API_secret more")
    assert "secret" not in said(words.key, "API_secret\nmore")
    assert "secret" not in said(words.key, "API_secrét")


@pytest.mark.parametrize(
    ("text", "known"),
    [("utf-8", "utf-8"), ("UTF8", "utf-8"), ("utf-16", "utf-16"), ("latin-1", "iso8859-1"), ("cp1252", "cp1252")],
)
def test_encodings(text: str, known: str) -> None:
    assert words.encoding(text) == known


@pytest.mark.parametrize("text", ["klingon", "rot13", "base64", "undefined", "utf\0"])
def test_no_encodings(text: str) -> None:
    assert "write utf-8, utf-16, latin-1 or cp1252" in said(words.encoding, text)


@pytest.mark.parametrize(
    ("text", "sign"),
    [
        ("comma", ","),
        ("semicolon", ";"),
        ("tab", "\t"),
        ("Tab", "\t"),
        ("\t", "\t"),
        ("\\t", "\t"),
        (",", ","),
        ("|", "|"),
    ],
)
def test_delimiters(text: str, sign: str) -> None:
    assert words.delimiter(text) == sign


@pytest.mark.parametrize("text", ["pipe", ";;", "x", "0", '"', "'", "\\"])
def test_no_delimiters(text: str) -> None:
    assert "cannot stand between two cells" in said(words.delimiter, text)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("simulator", "simulator"),
        ("https://api.verbex.ai", "https://api.verbex.ai"),
        ("https://api.verbex.ai/", "https://api.verbex.ai"),
        ("HTTPS://API.Verbex.ai:443", "https://api.verbex.ai"),
        ("https://api.verbex.ai:8443", "https://api.verbex.ai:8443"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://127.0.0.1:80", "http://127.0.0.1"),
        ("http://127.255.0.9:9/", "http://127.255.0.9:9"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("https://[2606:4700::1111]", "https://[2606:4700::1111]"),
    ],
)
def test_addresses(text: str, url: str) -> None:
    assert address(text) == url


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("http://api.verbex.ai", "http would send the key and the numbers unprotected (write https://api.verbex.ai)"),
        ("http://8.8.8.8:1", "http would send the key and the numbers unprotected (write https://8.8.8.8:1)"),
        (
            "http://localhost.evil.com",
            "http would send the key and the numbers unprotected (write https://localhost.evil.com)",
        ),
        ("https://api.verbex.ai/v1", "only the scheme, host and port belong here (write https://api.verbex.ai)"),
        ("http://api.verbex.ai/v1", "only the scheme, host and port belong here (write https://api.verbex.ai)"),
        ("https://a.b?key=1", "only the scheme, host and port belong here (write https://a.b)"),
        ("https://a.b/#x", "only the scheme, host and port belong here (write https://a.b)"),
        (
            "https://me:hunter2@a.b",
            "the address holds a user or a password (write https://a.b, and the key under platform.api_key)",
        ),
        (
            "api.verbex.ai",
            "'api.verbex.ai' is neither an address" + OTHERWISE,
        ),
        ("me:hunter2@a.b", "this is neither an address" + OTHERWISE),
        ("Simulator", "'Simulator' is neither an address" + OTHERWISE),
        ("ftp://a.b", "'ftp://a.b' is neither an address" + OTHERWISE),
        ("https://", "'https://' is neither an address" + OTHERWISE),
        (
            "https://a b",
            "'https://a b' is neither an address" + OTHERWISE,
        ),
        (
            "https://a:x",
            "'https://a:x' is neither an address" + OTHERWISE,
        ),
        (
            "https://[::1",
            "'https://[::1' is neither an address" + OTHERWISE,
        ),
    ],
)
def test_no_addresses(text: str, sentence: str) -> None:
    assert said(address, text) == sentence


@pytest.mark.parametrize(
    ("text", "local"),
    [
        ("simulator", True),
        ("http://localhost", True),
        ("https://127.0.0.1:9", True),
        ("http://[::1]", True),
        ("https://api.verbex.ai", False),
        ("http://127.0.0.1.evil.com", False),
        ("http://localhost/x", False),
        ("", False),
        (None, False),
    ],
)
def test_what_is_local(text: str | None, local: bool) -> None:
    assert is_local(text) is local
