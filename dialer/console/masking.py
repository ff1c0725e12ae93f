"""Numbers, secrets and foreign words as the screen and the log may show them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from dialer.model.plain import shown

_HIDDEN = "•••"
_GONE = "…"

_SECRETS = re.compile(
    r"(?P<bearer>\bBearer\s+)[^\s\"',;)]+"
    r"|(?P<webhook>whsec_)[^\s\"',;)]+"
    r"|(?P<key>(?<![A-Za-z0-9_])(?-i:API_))[\w\-.]+"
    r"|(?P<named>\b(?:access_token|sip_trunk_password)\b[\"']?\s*[=:]\s*[\"']?)[^\s\"',;)}]+",
    re.IGNORECASE,
)
_NUMBERS = re.compile(
    r"(?:\+|%2B)[1-9](?:[ ().\-/]{0,2}\d){6,}"  # with a country code, whatever is put between its digits
    r"|(?<!\w)\(?\d{3}\)?[ .\-]\d{3}[ .\-]\d{4}(?!\w)"  # as it is written in North America
    r"|(?<!\w)\d{10,15}(?!\w|\.\d)",  # digits alone
    re.IGNORECASE,
)
_SECRET_NAMES = re.compile(r"key|token|secret|password|authorization", re.IGNORECASE)
_SEEN = 4  # digits at either end, at most
_FEWEST_HIDDEN = 3


def mask(number: str) -> str:
    """A telephone number that its owner would recognise and nobody could ring: `+1415•••0123`.

    At least three digits are hidden, and the dots do not say how many.
    """
    digits = "".join(filter(str.isdigit, number.replace("%2B", "+").replace("%2b", "+")))
    plus = "+" if number.startswith(("+", "%2B", "%2b")) else ""
    tail = max(0, min(_SEEN, (len(digits) - _FEWEST_HIDDEN) // 2))
    head = max(0, min(_SEEN, len(digits) - _FEWEST_HIDDEN - tail))
    return f"{plus}{digits[:head]}{_HIDDEN}{digits[len(digits) - tail :]}"


def mask_text(text: str) -> str:
    """The text with all that looks like a telephone number masked and all that looks like a secret gone.

    What commands a terminal goes as well, and first, since it could stand inside a number: the platform's words and
    the list's come this way. Masked text stays as it is when it is masked again.
    """
    return _NUMBERS.sub(lambda found: mask(found[0]), _SECRETS.sub(_without_secret, shown(text)))


def _without_secret(found: re.Match[str]) -> str:
    return f"{found[found.lastgroup or 0]}{_GONE}"


def mask_value(value: Any, name: str = "") -> Any:
    """A fact for the log: texts masked however deep they stand, and nothing shown under the name of a secret."""
    if name and isinstance(value, str) and _SECRET_NAMES.search(name):
        return _GONE
    if isinstance(value, Mapping):
        return {mask_text(str(key)): mask_value(inner, str(key)) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [mask_value(inner, name) for inner in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return mask_text(str(value))
