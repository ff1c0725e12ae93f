"""Single words of a campaign file, from text to value: durations, shares, counts, numbers, addresses.

Each function takes what stands in the tree (a text, a list or keys) and returns the value, or raises Wrong with the
sentence that the writer of the campaign reads. Keys of the platform are never quoted in one.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from difflib import get_close_matches

from dialer.policy.pacing import MOST_LINES

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
"""Of which length each unit of a duration is; a day has 24 hours."""

LONGEST = 3650 * 86400
MOST_CALLS_PER_SECOND = 1000.0
MOST_PRIORITY = 100

DURATION = r"[0-9]+(\.[0-9]+)?[smhd]"
NUMBER = r"[0-9]+(\.[0-9]+)?"
WHOLE = r"[0-9]+"
SHARE = r"[0-9]+(\.[0-9]+)?\s*%?"
THRESHOLD = r"[0-9]+(\.[0-9]+)?\s*%\s+of\s+[0-9]+"
NAME = r"[a-z0-9_-]{1,64}"
COUNTRY = r"[A-Z]{2}"
DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "\\t": "\t"}

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_KEY = re.compile(r"[\x21-\x7e]+")


class Wrong(ValueError):
    """A value that cannot be taken: the sentence, and what to write in its place."""

    def __init__(self, message: str, suggestion: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.suggestion = suggestion


def quoted(text: str) -> str:
    """A value as it is shown in a message, on one line."""
    return f"'{' '.join(text.split())}'"


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was most likely meant, if any is near."""
    return next(iter(get_close_matches(word.lower(), known, n=1, cutoff=0.6)), None)


def text(value: object) -> str:
    """One value, without the spaces around it."""
    if not isinstance(value, str):
        raise Wrong(f"one value is needed here, not {'keys' if isinstance(value, dict) else 'a list'}")
    if not value.strip():
        raise Wrong("is empty", "give it a value, or remove the line")
    return value.strip()


def one_or_more(value: object) -> list[object]:
    """A list; a single value is a list of one."""
    found = value if isinstance(value, list) else [value]
    if not found:
        raise Wrong("is an empty list", "name at least one, or remove the line")
    return found


def choice(*words: str) -> Callable[[object], str]:
    """One of a few words."""

    def chosen(value: object) -> str:
        word = text(value)
        if word not in words:
            meant = nearest(word, words)
            raise Wrong(f"{quoted(word)} is not {' or '.join(words)}", f"did you mean {meant}?" if meant else "")
        return word

    return chosen


def flag(value: object) -> bool:
    """`true` or `false`."""
    word = text(value).lower()
    if word not in ("true", "false"):
        raise Wrong(f"{quoted(text(value))} is not true or false", "write true or false")
    return word == "true"


# --- lengths of time, shares, numbers ------------------------------------------------------------


def duration(value: object) -> float:
    """Seconds, of a text such as `90s`, `10m`, `1.5h` or `1d`."""
    word = text(value)
    if re.fullmatch(NUMBER, word):
        raise Wrong(f"{quoted(word)} has no unit", f"write {word}s, {word}m, {word}h or {word}d")
    if not re.fullmatch(DURATION, word):
        raise Wrong(f"{quoted(word)} is not a length of time", "write it as 90s, 10m, 2h or 1d")
    seconds = float(Decimal(word[:-1]) * SECONDS[word[-1]])
    if seconds > LONGEST:
        raise Wrong(f"{quoted(word)} is longer than ten years", "write it as 90s, 10m, 2h or 1d")
    return seconds


def some_time(value: object) -> float:
    """Seconds, of a length of time that is longer than nothing."""
    seconds = duration(value)
    if seconds <= 0:
        raise Wrong(f"{quoted(text(value))} is no time at all", "write it as 90s, 10m, 2h or 1d")
    return seconds


LONGEST_RING = 300.0
"""Seconds; nobody is dialled so shortly before the hours end, and no telephone rings for longer."""


def ring(value: object) -> float:
    """Seconds a telephone may ring: longer than nothing, and five minutes at most."""
    seconds = some_time(value)
    if seconds > LONGEST_RING:
        raise Wrong(f"{quoted(text(value))} is longer than any telephone rings", "write 5m or less, as 60s")
    return seconds


def share(value: object) -> float:
    """A part of the whole between 0 and 1, of `20%` or `0.2`."""
    word = text(value)
    if not re.fullmatch(SHARE, word):
        raise Wrong(f"{quoted(word)} is not a share", "write it as 20% or 0.2")
    part = float(Decimal(word[:-1].strip()) / 100) if word.endswith("%") else float(word)
    if part > 1:
        hint = f"write {word}%" if part <= 100 and not word.endswith("%") else "write it as 20% or 0.2"
        raise Wrong(f"{quoted(word)} is more than the whole", hint)
    return part


def threshold(value: object) -> tuple[float, int]:
    """A share above 0, and of how many of the last calls, of a text such as `10% of 50`."""
    word = text(value)
    # The sign is asked for: `1 of 50` could be meant as one call or as all of them.
    if not re.fullmatch(THRESHOLD, word):
        raise Wrong(f"{quoted(word)} is not a share of the last calls", "write it as 10% of 50")
    part, _, count = word.partition("of")
    try:
        found = share(part), whole(1)(count)
    except Wrong as wrong:
        message = wrong.message
    else:
        if found[0] > 0:
            return found
        message = f"{quoted(part)} of the calls is no share at all: it must be more than 0%"
    raise Wrong(message, "write it as 10% of 50")


def number(value: object) -> float:
    """A number that is not negative."""
    word = text(value)
    if not re.fullmatch(NUMBER, word) or len(word) > 30:
        raise Wrong(f"{quoted(word)} is not a number of 0 or more", "write it as 2 or 0.5")
    return float(word)


def above_zero(value: object) -> float:
    """A number that is more than zero."""
    found = number(value)
    if found <= 0:
        raise Wrong(f"{quoted(text(value))} is too little: it must be more than 0", "write it as 2 or 0.5")
    return found


def calls_per_second(value: object) -> float:
    """A rate of calls, above 0 and at most 1000 a second."""
    found = above_zero(value)
    if found > MOST_CALLS_PER_SECOND:
        raise Wrong(f"{quoted(text(value))} calls a second are more than {MOST_CALLS_PER_SECOND:.0f}", "write fewer")
    return found


def whole(least: int) -> Callable[[object], int]:
    """A whole number that is not less than `least`."""

    def counted(value: object) -> int:
        word = text(value)
        if not re.fullmatch(WHOLE, word) or len(word) > 9 or int(word) < least:
            raise Wrong(f"{quoted(word)} is not a whole number of {least} or more", f"write it as {max(least, 5)}")
        return int(word)

    return counted


def lines(value: object) -> int | None:
    """How many calls at once: a whole number of 1 or more, or None for `auto`."""
    word = text(value)
    if word == "auto":
        return None
    try:
        return whole(1)(word)
    except Wrong:
        message = f"{quoted(word)} is neither a whole number of 1 or more nor auto"
    raise Wrong(message, "write it as 20, or as auto")


def auto(value: object) -> bool:
    """The word `true`: that the account's limit is learned."""
    if text(value).lower() != "true":
        message = f"{quoted(text(value))} is not true: the keys beside it are for a limit that is learned"
        raise Wrong(message, "write auto: true, or a number alone, as concurrent_calls: 20")
    return True


def left_free(value: object) -> int:
    """How many of an account's lines are left for others: a whole number, less than all that can be learned of."""
    found = whole(0)(value)
    if found >= MOST_LINES:
        message = f"{found} lines left free leave none to dial on: no more than {MOST_LINES:.0f} are ever learned of"
        raise Wrong(message, "write it as 2")
    return found


def priority(value: object) -> int:
    """Who goes first where campaigns share a run: a whole number of 0 to 100."""
    word = text(value)
    if not re.fullmatch(WHOLE, word) or len(word) > 9 or int(word) > MOST_PRIORITY:
        raise Wrong(f"{quoted(word)} is not a whole number of 0 to {MOST_PRIORITY}", "write it as 10; 0 is the lowest")
    return int(word)


# --- names, telephone numbers, the platform's key ------------------------------------------------


def name(value: object) -> str:
    """A campaign's name: small letters, digits, _ and -, at most 64."""
    word = text(value)
    if re.fullmatch(NAME, word):
        return word
    if len(word) > 64:
        raise Wrong(f"the name has {len(word)} characters", "use at most 64")
    plain = re.sub(r"[^a-z0-9_-]+", "-", word.lower()).strip("-")
    hint = f"write {plain}" if plain else "write it as reminders"
    raise Wrong(f"{quoted(word)} may only have the letters a-z in lower case, digits, _ and -", hint)


def country(value: object) -> str:
    """An ISO 3166 region of two capital letters; whether there is such a region is not known here."""
    word = text(value)
    if re.fullmatch(COUNTRY, word):
        return word
    hint = f"write {word.upper()}" if re.fullmatch("[A-Za-z]{2}", word) else "write it as US, GB or DE"
    raise Wrong(f"{quoted(word)} is not a country's two capital letters", hint)


def own_number(value: object) -> str:
    """A number in E.164; spaces, dashes, dots and brackets in it are passed over."""
    word = text(value)
    plain = re.sub(r"[\s().-]", "", word)
    if _E164.fullmatch(plain):
        return plain
    raise Wrong(
        f"{quoted(word)} is not a whole number with its country code",
        "write your own number with a plus, as +1 and ten digits for the United States",
    )


def key(value: object) -> str:
    """The platform's API key, or Wrong without a word of it."""
    word = text(value)
    if not _KEY.fullmatch(word):
        raise Wrong("the key holds a space, a line break or a sign that no key has", "copy it again from Verbex")
    return word


def encoding(value: object) -> str:
    """The name by which Python knows a text encoding."""
    word = text(value)
    try:
        "a".encode(word)
        return codecs.lookup(word).name
    except (LookupError, ValueError):
        message = f"{quoted(word)} is not an encoding that is known"
    raise Wrong(message, "write utf-8, utf-16, latin-1 or cp1252")


def delimiter(value: object) -> str:
    """The sign between two cells: by name (comma, semicolon, tab), or the sign itself."""
    if value == "\t":
        return "\t"
    word = text(value)
    sign = DELIMITERS.get(word.lower(), word)
    if len(sign) != 1 or sign.isalnum() or sign in "\"'\r\n\\":
        raise Wrong(f"{quoted(word)} cannot stand between two cells", "write comma, semicolon, tab, or the sign itself")
    return sign
