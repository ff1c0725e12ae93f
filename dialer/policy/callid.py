"""The names of a call: its id, and the number that rings. Stable, and free of state.

A call id says nothing about the person to anyone without the ledger's secret, and whoever has the secret and
the list can name all its calls again.
"""

from __future__ import annotations

import base64
import hmac
from functools import lru_cache

from dialer.policy.joining import joined

ID_BYTES = 20
"""160 bits: 32 characters of base32 without padding, and no two calls of all campaigns ever share one."""

LENGTH = ID_BYTES * 8 // 5
"""Characters of a call id."""

_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz234567")


def call_id(secret: bytes, campaign: str, person: str, serial: int) -> str:
    """The id of a person's dial number `serial` in a campaign: 32 characters of a–z and 2–7."""
    keyed = _keyed(secret).copy()
    keyed.update(joined(campaign, person, str(serial)))
    return base64.b32encode(keyed.digest()[:ID_BYTES]).decode("ascii").lower()


@lru_cache(maxsize=8)
def _keyed(secret: bytes) -> hmac.HMAC:
    """The secret taken in once, to be copied for each id. `hmac.digest` lets other threads run meanwhile, and the event
    loop waits until they let it go on."""
    return hmac.new(secret, digestmod="sha256")


def may_be_ours(text: str) -> bool:
    """Whether a text has the form of a call id of ours; another's cannot be one that we gave."""
    return len(text) == LENGTH and _CHARACTERS.issuperset(text)


def called_number(numbers: tuple[str, ...], attempts: int) -> str:
    """Which of a person's numbers rings: in order, the next one after each attempt that cost, and round again."""
    return numbers[attempts % len(numbers)]
