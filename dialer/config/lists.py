"""Which files `contacts.file` means: names and patterns, relative to the campaign file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from dialer.config.document import Document, Place
from dialer.config.words import Wrong, quoted

ENDINGS = (".csv", ".csv.gz", ".parquet")

_KEY = ("contacts", "file")
_HINTS = {
    ".xlsx": "save the sheet as CSV",
    ".xls": "save the sheet as CSV",
    ".ods": "save the sheet as CSV",
    ".tsv": "name it .csv and set contacts.delimiter: tab",
    ".txt": "name it .csv, if that is what it is",
    ".zip": "unpack it",
}


def find(document: Document, folder: Path) -> tuple[tuple[Path, ...], dict[Place, Wrong]]:
    """The list's files in the order in which they are named, a pattern's by name, each once; and what is amiss."""
    files: dict[Path, None] = {}
    faults: dict[Place, Wrong] = {}
    for place, name in _named(document):
        try:
            files |= dict.fromkeys(_meant(name, folder))
        except Wrong as wrong:
            faults[place] = wrong
        except OSError as fault:
            why = (fault.strerror or str(fault)).lower()
            faults[place] = Wrong(f"{quoted(name)} cannot be looked at: {why}", "see who may read it")
    return tuple(files), faults


def _named(document: Document) -> Iterator[tuple[Place, str]]:
    value = document.at(*_KEY)
    items: list[tuple[Place, object]] = [(_KEY, value)]
    if isinstance(value, list):
        items = [((*_KEY, index), item) for index, item in enumerate(value)]
    for place, item in items:
        if isinstance(item, str) and item.strip() and not document.is_spoiled(*place):
            yield place, item.strip()


def _meant(name: str, folder: Path) -> list[Path]:
    if "\0" in name:
        raise Wrong("a file's name cannot hold a NUL", "write the file's name")
    path = folder / name
    if path.exists() or not any(sign in name for sign in "*?["):
        return [_taken(path, name)]
    found = _matching(name, folder)
    if not found:
        raise Wrong(f"no file matches {quoted(name)} in {folder}", "the pattern is relative to the campaign file")
    return [_taken(match, match.name) for match in found]


def _matching(pattern: str, folder: Path) -> list[Path]:
    anchor = Path(pattern).anchor
    base = Path(anchor) if anchor else folder
    try:
        return sorted(match for match in base.glob(pattern.removeprefix(anchor)) if match.is_file())
    except (ValueError, NotImplementedError):
        message = f"{quoted(pattern)} is no pattern that is understood"
    raise Wrong(message, "write it as lists/*.csv")


def _taken(path: Path, name: str) -> Path:
    if not path.exists():
        raise Wrong(f"there is no file {quoted(name)} in {path.parent}", "the name is relative to the campaign file")
    if path.is_dir():
        raise Wrong(f"{quoted(name)} is a directory", f"name the files in it, as {name.rstrip('/')}/*.csv")
    if not path.name.lower().endswith(ENDINGS):
        hint = _HINTS.get(path.suffix.lower(), "give it the ending of what it is")
        raise Wrong(f"{quoted(name)} is not .csv, .csv.gz or .parquet", hint)
    return path
