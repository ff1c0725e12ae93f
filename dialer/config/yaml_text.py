"""A campaign file's text as a tree of texts, each with its line.

YAML guesses types: `21:00` becomes 1260, `+14155550100` a number without its plus, `NO` false. Here every scalar
stays the text that it looks like, and what hides things from a reader (a key written twice, an alias, a tag, a
second document) is refused.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from dialer.config.document import Document, Place, Tree, dotted
from dialer.config.yaml_faults import problem_of
from dialer.errors import CampaignError, Problem

MOST_BYTES = 1_000_000
MOST_DEPTH = 20

_ALIAS = "!alias"
_FIRST_FILE = "`dialer init contacts.csv` writes a first campaign file from a list"


def read(path: Path) -> tuple[Document, tuple[Problem, ...]]:
    """The tree of a campaign file, and what is to be refused in it although it can be read.

    Raises CampaignError, with one problem, for a file that is not there, is no text, no YAML, or has no keys.
    """
    text = _decoded(path, _bytes(path))
    loader, root = _composed(path, text)
    if root is None or root.value == "":
        raise _error(path, Problem("", 0, "the file is empty", _FIRST_FILE))
    if not isinstance(root, yaml.MappingNode):
        raise _error(path, Problem("", 1, "this is no campaign file: it has no keys such as `name:`", _FIRST_FILE))
    builder = _Builder()
    tree = builder.mapping(root, ())
    return Document(tree, builder.lines, frozenset(builder.spoiled)), (*loader.problems, *builder.problems)


def _error(path: Path, problem: Problem) -> CampaignError:
    return CampaignError(str(path), (problem,))


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        problem = Problem("", 0, "there is no such file", _FIRST_FILE)
    except IsADirectoryError:
        problem = Problem("", 0, "this is a directory", "name the campaign file in it")
    except OSError as fault:
        why = (fault.strerror or str(fault)).lower()
        problem = Problem("", 0, f"the file cannot be read: {why}", "see who may read it")
    else:
        return data
    raise _error(path, problem)


def _decoded(path: Path, data: bytes) -> str:
    if len(data) > MOST_BYTES:
        raise _error(path, Problem("", 0, "the file is too large for a campaign", "was the list given in its place?"))
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        line = data.count(b"\n", 0, fault.start) + 1
        problem = Problem("", line, f"byte {fault.start + 1} of the file is not UTF-8", "save the file as UTF-8 text")
    raise _error(path, problem)


def _composed(path: Path, text: str) -> tuple[_Loader, yaml.Node | None]:
    try:
        loader = _Loader(text)
        return loader, loader.get_single_node()
    except yaml.YAMLError as fault:
        problem = problem_of(fault, text)
    raise _error(path, problem)


class _Loader(yaml.BaseLoader):
    """Composes nodes, all scalars being texts; keeps a list of the aliases, anchors and tags it met."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.problems: list[Problem] = []
        self._depth = 0
        self._events: Any = self  # the parser's own verbs, of which its stubs tell no types

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event: Any = self._events.peek_event()
        if self._depth > MOST_DEPTH:
            raise yaml.MarkedYAMLError(problem="too deep", problem_mark=event.start_mark)
        if isinstance(event, yaml.AliasEvent):
            return self._alias()
        self._look_at(event)
        self._depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self._depth -= 1

    def _alias(self) -> yaml.Node:
        event = self._events.get_event()
        self._refuse(event, f"an alias (*{event.anchor}) may not be used", "write the value out")
        return yaml.ScalarNode(_ALIAS, "", event.start_mark, event.end_mark)

    def _look_at(self, event: Any) -> None:
        if event.anchor is not None:
            self._refuse(
                event, f"an anchor (&{event.anchor}) may not be used", "write the value out where it is needed"
            )
        tag = getattr(event, "tag", None)
        if tag is not None:
            self._refuse(event, "a tag (!…) may not be used", "remove it; every value is read as it looks")

    def _refuse(self, event: Any, message: str, hint: str) -> None:
        self.problems.append(Problem("", event.start_mark.line + 1, message, hint))


class _Builder:
    """Turns nodes into a tree of texts, and notes where each part of it stands."""

    def __init__(self) -> None:
        self.lines: dict[Place, int] = {}
        self.spoiled: set[Place] = set()
        self.problems: list[Problem] = []

    def mapping(self, node: yaml.MappingNode, place: Place) -> dict[str, Tree]:
        tree: dict[str, Tree] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if key.tag == _ALIAS:
                continue
            if not isinstance(key, yaml.ScalarNode):
                self._refuse(place, line, "a list or keys cannot be a key", "write `key: value`")
            elif key.value in tree:
                first = self.lines[(*place, key.value)]
                self._refuse((*place, key.value), line, f"is written twice, first in line {first}", "keep one of them")
            else:
                self.lines[(*place, key.value)] = line
                tree[key.value] = self._tree(value, (*place, key.value))
        return tree

    def _tree(self, node: yaml.Node, place: Place) -> Tree:
        if node.tag == _ALIAS:
            self.spoiled.add(place)
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, place)
        if isinstance(node, yaml.SequenceNode):
            return [self._item(item, (*place, index)) for index, item in enumerate(node.value)]
        return str(node.value)

    def _item(self, node: yaml.Node, place: Place) -> Tree:
        self.lines[place] = node.start_mark.line + 1
        return self._tree(node, place)

    def _refuse(self, place: Place, line: int, message: str, hint: str) -> None:
        self.problems.append(Problem(dotted(place), line, message, hint))
