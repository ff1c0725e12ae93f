"""The patterns of numbering plans, followed digit by digit.

A pattern of a plan is a regular expression over digits, and what it says of a number is decided long
before the last digit: `(?:6[0-8]|7\\d)\\d{7}` after two digits, but for their count. A tree of first digits,
grown where numbers are looked up, finds the point from which on nothing but the count is left.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Generic, TypeVar

# A pattern is a set of sequences of steps; a step is a set of digits or a set of sequences, and how often.
Step = tuple["frozenset[str] | tuple[Sequence, ...]", int, int]
Sequence = tuple[Step, ...]

_ANY = frozenset("0123456789")
_TOKEN = re.compile(r"\\d|\[[\d-]+\]|\(\?:|[()|?\d]|\{\d+(?:,\d+)?\}")
_DEEPEST = 12


class Unread(Exception):
    """A pattern in a dialect that is not followed here; the library decides alone."""


@cache
def sequences(pattern: str) -> tuple[Sequence, ...]:
    """The pattern as alternatives. Raises Unread for anything beyond digits, sets, groups and counts."""
    tokens = _TOKEN.findall(pattern)
    if "".join(tokens) != pattern:
        raise Unread(pattern)
    tokens.reverse()
    found = _alternatives(tokens)
    if tokens:
        raise Unread(pattern)
    return found


def _alternatives(tokens: list[str]) -> tuple[Sequence, ...]:
    found: list[Sequence] = []
    steps: list[Step] = []
    while tokens and tokens[-1] != ")":
        token = tokens.pop()
        if token == "|":  # noqa: S105 - a token of a pattern  # nosec B105
            found.append(tuple(steps))
            steps = []
        else:
            steps.append(_step(token, tokens))
    return (*found, tuple(steps))


def _step(token: str, tokens: list[str]) -> Step:
    item = _group(tokens) if token.startswith("(") else _digits(token)
    low, high = _count(tokens)
    if isinstance(item, tuple) and any(_is_optional(sequence) for sequence in item):
        low = 0
    return item, low, high


def _group(tokens: list[str]) -> tuple[Sequence, ...]:
    found = _alternatives(tokens)
    if not tokens:
        raise Unread("a group is not closed")
    tokens.pop()
    return found


def _digits(token: str) -> frozenset[str]:
    if token[0] not in "\\[0123456789":
        raise Unread(token)
    return frozenset(digit for digit in _ANY if re.fullmatch(token, digit))


def _count(tokens: list[str]) -> tuple[int, int]:
    if tokens and tokens[-1] == "?":
        tokens.pop()
        return 0, 1
    if tokens and tokens[-1].startswith("{"):
        low, _, high = tokens.pop()[1:-1].partition(",")
        return int(low), int(high or low)
    return 1, 1


def _is_optional(sequence: Sequence) -> bool:
    return all(low == 0 for _, low, _ in sequence)


def literally(digits: str) -> Sequence:
    """The sequence that is these digits and nothing else."""
    return tuple((frozenset(digit), 1, 1) for digit in digits)


def _after(sequence: Sequence, digit: str) -> Iterator[Sequence]:
    """What may still follow once this digit has been read (the partial derivatives of the sequence)."""
    if not sequence:
        return
    (item, low, high), rest = sequence[0], sequence[1:]
    tail = rest if high == 1 else ((item, max(low - 1, 0), high - 1), *rest)
    if isinstance(item, frozenset):
        if digit in item:
            yield tail
    else:
        for alternative in item:
            for left in _after(alternative, digit):
                yield left + tail
    if low == 0:
        yield from _after(rest, digit)


def _is_free(sequence: Sequence) -> bool:
    """Nothing but the count of the digits is left to decide."""
    return all(item == _ANY if isinstance(item, frozenset) else all(map(_is_free, item)) for item, _, _ in sequence)


Answer = TypeVar("Answer")


class Node(Generic[Answer]):
    """What is still open after some first digits, and the answers (by length) where nothing is.

    `wholes` are patterns for all the digits, `starts` for the first of them: the latter are open as long
    as they could look at one digit more.
    """

    __slots__ = ("_children", "_starts", "_wholes", "answers", "is_settled")

    def __init__(self, wholes: frozenset[Sequence], starts: frozenset[Sequence]) -> None:
        self.is_settled = not any(starts) and all(map(_is_free, wholes))
        self._wholes = frozenset() if self.is_settled else wholes
        self._starts = starts
        self._children: dict[str, Node[Answer]] = {}
        self.answers: dict[int, Answer] = {}

    def leaf(self, digits: str) -> Node[Answer] | None:
        """The node at which these digits are decided; None if they are not, or only by their last digits."""
        node = self
        for digit in digits[:_DEEPEST]:
            if node.is_settled:
                return node
            child = node._children.get(digit)
            node = child if child is not None else node._grow(digit)
        return node if node.is_settled else None

    def _grow(self, digit: str) -> Node[Answer]:
        wholes = frozenset(left for sequence in self._wholes for left in _after(sequence, digit))
        starts = frozenset(left for sequence in self._starts for left in _after(sequence, digit))
        child = self._children[digit] = Node(wholes, starts)
        return child
