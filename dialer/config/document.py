"""A campaign file as it was read, before anything is known of what its keys mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

Tree: TypeAlias = str | list["Tree"] | dict[str, "Tree"]
"""What a campaign file holds: texts, lists and keys; every scalar is a text."""

Place: TypeAlias = tuple[str | int, ...]
"""Where something stands in a tree: keys and, in lists, indexes."""


@dataclass(frozen=True, slots=True)
class Document:
    """The tree of a campaign file and where its parts stand.

    `lines` gives the line (from 1) of each key and list item. `spoiled` are places whose fault has been told, so
    that nothing more is said of them. `secrets` are texts that no message may show.
    """

    tree: dict[str, Tree] = field(repr=False)
    lines: Mapping[Place, int]
    spoiled: frozenset[Place] = frozenset()
    secrets: frozenset[str] = field(default=frozenset(), repr=False)

    def line(self, place: Place) -> int:
        """The line of a place, or of the nearest one around it that has a line; 0 for the file itself."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 0)

    def at(self, *keys: str) -> Tree | None:
        """What stands under these keys, or None where there is no such place."""
        found: Tree = self.tree
        for key in keys:
            if not isinstance(found, dict) or key not in found:
                return None
            found = found[key]
        return found

    def without(self, *keys: str) -> Document:
        """The document as if nothing stood under these keys."""
        return replace(self, tree=_without(self.tree, keys))

    def is_spoiled(self, *place: str | int) -> bool:
        """Whether a fault of this place, or of one around it, has been told."""
        return any(place[:end] in self.spoiled for end in range(1, len(place) + 1))


def _without(tree: dict[str, Tree], keys: tuple[str, ...]) -> dict[str, Tree]:
    first, *others = keys
    if not others:
        return {name: value for name, value in tree.items() if name != first}
    below = tree.get(first)
    return tree | {first: _without(below, tuple(others))} if isinstance(below, dict) else tree


def dotted(place: Place) -> str:
    """A place as the writer of a campaign would say it: `call.from`, without the indexes of lists."""
    return ".".join(part for part in place if isinstance(part, str))
