"""What outlives a purge names nobody, and tells kinds and ledgers apart."""

from __future__ import annotations

from dialer.policy.marks import KEY_BYTES, debt_key, number_key, person_key

SECRET = b"s" * 32


def test_keys_are_stable_short_and_say_nothing() -> None:
    key = number_key(SECRET, "+14155550123")
    assert key == number_key(SECRET, "+14155550123")
    assert len(key) == KEY_BYTES
    assert b"4155550123" not in key


def test_kinds_ledgers_and_people_are_told_apart() -> None:
    text = "+14155550123"
    keys = [number_key(SECRET, text), person_key(SECRET, text), debt_key(SECRET, text), number_key(b"t" * 32, text)]
    assert len({*keys, number_key(SECRET, "+14155550124")}) == 5


def test_no_debt_has_no_key_and_a_long_secret_does() -> None:
    assert debt_key(SECRET, "") == b""
    assert len(number_key(b"x" * 100, "+1")) == KEY_BYTES
