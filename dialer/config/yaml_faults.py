"""What is wrong with a text that is no YAML, in the words of somebody who writes a campaign."""

from __future__ import annotations

import re

import yaml

from dialer.errors import Problem

_UNCLOSED = {
    "while scanning a quoted scalar": "a quote is opened here and never closed",
    "while parsing a flow sequence": "a [ is opened here and not closed, or a comma is missing in it",
    "while parsing a flow mapping": "a { is opened here and not closed, or a comma is missing in it",
}

_FAULTS: tuple[tuple[str, str, str], ...] = (
    (
        "mapping values are not allowed",
        "there is a colon too many, or this line is indented deeper than the one above it",
        "write `key: value`, and put a text that holds a colon and a space into quotes",
    ),
    ("could not find expected ':'", "the line has no colon", "write `key: value`"),
    (r"found character '\\t'", "a tab stands where only spaces may", "indent with spaces"),
    ("expected alphabetic or numeric character", "a * or & stands alone", 'put it into quotes: "*"'),
    ("unknown escape character", "a backslash in double quotes has a meaning of its own", "use single quotes"),
    ("found character", "a value cannot begin with this sign", "put the value into quotes"),
    ("found another document", "a second document (---) begins here", "write one campaign a file"),
    ("undefined alias", "an alias (*name) may not be used", 'put a text that begins with * into quotes: "*"'),
    (r"\btag\b", "a tag (!name) may not be used", "remove it; every value is read as it looks"),
    ("sequence entries are not allowed", "a list begins in the middle of a line", "write each `- item` on a line"),
    ("too deep", "lists and keys stand too deep in each other", "a campaign needs three levels at most"),
    ("special characters", "there is a sign that no text has", "save the file as plain UTF-8 text"),
    (
        "expected <block end>",
        "this does not fit to the lines above it",
        "give all keys of one part the same indentation, and close quotes at the end of the value",
    ),
)
_OTHER = ("this is not YAML", "write `key: value`, one a line, as `dialer init` does")
_CUT_REFERENCE = ("a ${…} within { } or [ ] is cut off at its own bracket", 'put it into quotes: "${…}"')


def problem_of(fault: yaml.YAMLError, text: str) -> Problem:
    """The fault that PyYAML found in a text, with the line and column at which a writer should look."""
    if isinstance(fault, yaml.reader.ReaderError):
        return _at(text, fault.position, _words(fault.reason))
    assert isinstance(fault, yaml.MarkedYAMLError)  # noqa: S101 - PyYAML raises no third kind while reading  # nosec B101
    mark, problem = fault.problem_mark, fault.problem or ""
    if mark is not None and text[mark.index - 1 : mark.index + 1] == "${":
        return _at(text, mark.index, _CUT_REFERENCE)
    unclosed = _UNCLOSED.get(fault.context or "")
    if unclosed and fault.context_mark is not None and re.search("end of stream|expected ','", problem):
        return _at(text, fault.context_mark.index, (unclosed, "close it"))
    return _at(text, mark.index if mark else 0, _words(f"{fault.context or ''} {problem}"))


def _words(problem: str) -> tuple[str, str]:
    return next(((told, hint) for sign, told, hint in _FAULTS if re.search(sign, problem)), _OTHER)


def _at(text: str, index: int, words: tuple[str, str]) -> Problem:
    before = text[:index].replace("\r\n", "\n").replace("\r", "\n")
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    return Problem("", line, f"column {column}: {words[0]}", words[1])
