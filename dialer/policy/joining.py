"""Texts joined to bytes, for hashes of several of them."""

from __future__ import annotations


def joined(*fields: str) -> bytes:
    """The fields, each behind its length, so that no two different rows of fields are joined to the same bytes."""
    encoded = [field.encode("utf-8", "surrogatepass") for field in fields]
    return b"".join(len(part).to_bytes(8, "big") + part for part in encoded)
