"""Keyed hashes of numbers, ids and debts: what must be remembered of people who are to be forgotten names nobody."""

from __future__ import annotations

import hashlib

KEY_BYTES = 16
"""128 bits: no two people of all ledgers ever share one."""


def number_key(secret: bytes, number: str) -> bytes:
    """The key of a number in E.164."""
    return _keyed(secret, b"number", number)


def person_key(secret: bytes, person: str) -> bytes:
    """The key of an id; where a campaign knows people by their number alone, that number is the id too."""
    return _keyed(secret, b"person", person)


def debt_key(secret: bytes, debt: str) -> bytes:
    """The key of a debt; none for none."""
    return _keyed(secret, b"debt", debt) if debt else b""


def _keyed(secret: bytes, what: bytes, text: str) -> bytes:
    # blake2b takes keys of up to 64 bytes; `person` keeps kinds apart, so that an id that looks like a number is none.
    key = secret if len(secret) <= 64 else hashlib.sha256(secret).digest()
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=KEY_BYTES, key=key, person=what).digest()
