"""The names of a call: its id, the own number that shows, the number that rings. Stable, and free of state.

A call id says nothing about the person to anyone without the ledger's secret, and whoever has the secret and
the list can name all its calls again.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

ID_BYTES = 20
"""160 bits: 32 characters of base32 without padding, and no two calls of all campaigns ever share one."""

LENGTH = ID_BYTES * 8 // 5
"""Characters of a call id."""

_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz234567")


def call_id(secret: bytes, campaign: str, person: str, serial: int) -> str:
    """The id of a person's dial number `serial` in a campaign: 32 characters of a–z and 2–7."""
    digest = hmac.digest(secret, _joined(campaign, person, str(serial)), "sha256")
    return base64.b32encode(digest[:ID_BYTES]).decode("ascii").lower()


def may_be_ours(text: str) -> bool:
    """Whether a text has the form of a call id of ours; another's cannot be one that we gave."""
    return len(text) == LENGTH and _CHARACTERS.issuperset(text)


def caller_id(numbers: tuple[str, ...], person: str) -> str:
    """Which of the own numbers shows for this person.

    Always the same one for the same person, spread evenly over people; where a number is added or taken away,
    only those people change who must. It depends on who the person is, not on the number that is called.
    Raises ValueError where there is no own number.
    """
    if len(numbers) == 1:
        return numbers[0]
    return max(numbers, key=lambda number: hashlib.sha256(_joined(number, person)).digest())


def called_number(numbers: tuple[str, ...], attempts: int) -> str:
    """Which of a person's numbers rings: in order, the next one after each attempt that cost, and round again."""
    return numbers[attempts % len(numbers)]


def _joined(*fields: str) -> bytes:
    """The fields, each behind its length, so that no two different rows of fields are joined to the same bytes."""
    encoded = [field.encode("utf-8", "surrogatepass") for field in fields]
    return b"".join(len(part).to_bytes(8, "big") + part for part in encoded)
