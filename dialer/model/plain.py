"""Text from outside without what commands a terminal or hides from a reader's eyes; pure.

Whatever a list's author or the platform writes may reach a terminal, a file that somebody opens, or the agent that
speaks. There it is to be text and nothing else. What is taken out, and what becomes of the rest, stands in `plain`
and nowhere else.
"""

from __future__ import annotations

import re

_LINE_ENDS = re.compile("\r\n?|[\x85\u2028\u2029]")

_SEQUENCE = re.compile(
    "\x1b(?:"
    r"\[[0-?]*[ -/]*[@-~]"  # CSI: colours, the cursor, clearing the screen
    "|[\\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\\\)?"  # OSC and its kin: titles, links, the clipboard; to their end
    r"|[ -/]*[0-~]"  # the short ones
    ")"
)

_HIDDEN = re.compile(
    "[\x01-\x08\x0b-\x1f\x7f-\x9f"  # C0 but tab and newline (and NUL), DEL, C1
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # what turns the direction of writing
    "\U000e0000-\U000e007f]"  # tags: letters that people do not see, and agents read
)

_HALVES = re.compile("[\ud800-\udfff]")


def plain(text: str) -> str:
    """The text without control characters; printable text comes back as it is.

    Line ends of every kind become a newline. Terminal sequences that begin with ESC go as a whole; of all other
    control characters (C0 but tab and newline, DEL, C1), of those that turn the direction of writing and of
    invisible tags the character alone. Half a surrogate pair, which no file can hold, becomes U+FFFD. NUL stays:
    it says that a file is not what it seems, and whoever reads files refuses it. To do it twice changes nothing.
    """
    if text.isprintable():
        return text
    text = _SEQUENCE.sub("", _LINE_ENDS.sub("\n", text))
    return _HALVES.sub("\ufffd", _HIDDEN.sub("", text))


def shown(text: str) -> str:
    """The text as a person may see it: plain, with NUL as the sign for it."""
    return plain(text).replace("\0", "␀")
