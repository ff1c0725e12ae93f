"""`${VARIABLE}` and `${file:path}` in a campaign file, replaced by what they stand for.

`$${` stands for the two signs `${` themselves. What a reference brings in is not looked at for references again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from dialer.config.document import Document, Place, Tree, dotted
from dialer.config.words import Wrong, quoted
from dialer.errors import Problem

MOST_BYTES = 100_000
SECRET_KEYS = frozenset({"api_key", "secret"})

_REFERENCE = re.compile(
    r"""(?P<literal>\$\$\{)                                   # $${ is ${
      | \$\{file:(?P<file>(?:[^{}$]|\$\{\w+\}|\$)*)\}         # the path may hold variables, as systemd's credentials do
      | \$\{(?P<variable>[^{}]*)\}
      | (?P<unclosed>\$\{)""",
    re.VERBOSE,
)


class References:
    """What references stand for; paths of files are relative to `folder`."""

    def __init__(self, environ: Mapping[str, str], folder: Path) -> None:
        self._environ = environ
        self._folder = folder
        self.read: set[str] = set()
        """All that came out of files: it may be secret."""

    def filled(self, text: str) -> str:
        """The text with its references replaced. Raises Wrong for one that stands for nothing."""
        return _REFERENCE.sub(self._meaning, text)

    def _meaning(self, found: re.Match[str]) -> str:
        if found["literal"]:
            return "${"
        if found["unclosed"]:
            raise Wrong("a ${ is not closed", "write ${VARIABLE}, or $${ for the two signs themselves")
        if found["file"] is not None:
            return self._file(self.filled(found["file"]).strip())
        return self._variable(found["variable"])

    def _variable(self, name: str) -> str:
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            raise Wrong("what stands in ${…} is no variable's name", "write ${VERBEX_API_KEY} or ${file:/a/path}")
        if name not in self._environ:
            raise Wrong(f"the environment variable {name} is not set", f"set it: export {name}=…")
        return self._environ[name]

    def _file(self, name: str) -> str:
        if not name:
            raise Wrong("${file:} names no file", "write ${file:/path/of/a/file}")
        try:
            text = _text(self._folder / name)
        except (OSError, ValueError) as fault:
            why = (fault.strerror or "").lower() if isinstance(fault, OSError) else str(fault)
        else:
            self.read.add(text)
            return text
        raise Wrong(f"the file {quoted(name)} cannot be read: {why}", "see that it is there and who may read it")


def _text(path: Path) -> str:
    if not path.is_file() and path.exists():
        raise ValueError("it is no file")
    with path.open("rb") as file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise ValueError("it is too large to be a value")
    try:
        return data.decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8 text") from None


def fill(document: Document, environ: Mapping[str, str], folder: Path) -> tuple[Document, tuple[Problem, ...]]:
    """The document with all references replaced, and what stands for nothing; those places are spoiled."""
    references = References(environ, folder)
    problems: dict[Place, Wrong] = {}

    def filled(text: str, place: Place) -> str:
        try:
            return references.filled(text)
        except Wrong as wrong:
            problems[place] = wrong
            return text

    tree = _mapped(document.tree, (), filled)
    assert isinstance(tree, dict)  # noqa: S101 - a mapped dictionary is one  # nosec B101
    told = tuple(_told(document, place, wrong) for place, wrong in problems.items())
    secrets = references.read.union(key for key in _keys(tree) if not _REFERENCE.search(key))
    return replace(document, tree=tree, spoiled=document.spoiled | problems.keys(), secrets=frozenset(secrets)), told


def _told(document: Document, place: Place, wrong: Wrong) -> Problem:
    return Problem(dotted(place), document.line(place), wrong.message, wrong.suggestion)


def _mapped(tree: Tree, place: Place, change: Callable[[str, Place], str]) -> Tree:
    if isinstance(tree, dict):
        return {key: _mapped(value, (*place, key), change) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_mapped(value, (*place, index), change) for index, value in enumerate(tree)]
    return change(tree, place)


def _keys(tree: Tree, named: bool = False) -> Iterator[str]:
    """Every text under a key whose value is a secret, wherever it was written."""
    if isinstance(tree, dict):
        for name, value in tree.items():
            yield from _keys(value, name in SECRET_KEYS)
    elif isinstance(tree, list):
        for value in tree:
            yield from _keys(value, named)
    elif named:
        yield tree
