"""What the keys about hours, law and lists of those not to call demand of each other; told as `checks` does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from dialer.config import calling
from dialer.config.document import Document, Place
from dialer.config.words import Wrong, duration, quoted

Fault = tuple[Place, Wrong]

SHORTEST_RING = 30.0
"""Seconds; from five to six rings, after which most networks give up or a mailbox answers."""

ENDINGS = (".csv", ".csv.gz", ".parquet", ".txt")


def law_faults(document: Document) -> Iterator[Fault]:
    """Every such rule that the file breaks, with the place of the key that should change."""
    yield from _windows(document)
    yield from _consent(document)
    yield from _analysis(document)
    yield from _ring(document)


def _windows(document: Document) -> Iterator[Fault]:
    """What is wrong below `hours`, key by key, so that each is told with its own line."""
    hours = document.at("hours")
    for key in hours if isinstance(hours, dict) else ():
        try:
            calling.window(hours, key)  # type: ignore[arg-type]
        except Wrong as wrong:
            yield ("hours", key), wrong


def _consent(document: Document) -> Iterator[Fault]:
    rules, listed = document.at("rules"), document.at("contacts", "consent")
    if not isinstance(rules, Mapping):
        if listed is not None:
            message = "nothing would ask for it without rules, and people who said no would be rung"
            hint = "write rules: {purpose: …, packs: […], yes: [yes]}, or leave out of the list who does not consent"
            yield ("contacts", "consent"), Wrong(message, hint)
        return
    said = rules.get("consent")
    if isinstance(said, Mapping | list):  # told with its own key
        return
    if (said is None and listed is None) or (said == calling.GIVEN and listed is None):
        if "yes" in rules:
            message = "says which words of a consent column mean yes, and there is no such column"
            yield ("rules", "yes"), Wrong(message, "remove the line, or name the column: consent: …")
        return
    if said == calling.GIVEN or (said is not None and listed is not None and said != listed):
        message = (
            f"the consent is told by the column {quoted(str(listed))} of contacts.consent, and this says otherwise"
        )
        yield ("rules", "consent"), Wrong(message, "keep one of the two")
    if "yes" not in rules:
        message = f"is missing: nobody can tell which words of the column {quoted(str(said or listed))} mean consent"
        yield ("rules", "yes"), Wrong(message, "yes: [yes, true]")


def _analysis(document: Document) -> Iterator[Fault]:
    """What rests on the analysis of calls where none is asked for: nobody would ever be heard."""
    said = document.at("analysis")
    if isinstance(said, str) and said.strip().lower() == "true":
        return
    for place in (("opt_out_when", "analysis"), ("retry", "callback")):
        if document.at(*place) is not None:
            yield place, Wrong("nothing would ever be found, since calls are not analysed", "write analysis: true")


def _ring(document: Document) -> Iterator[Fault]:
    """A ring that is said to be shorter than rings are lets telephones ring when the law's hours are over."""
    if not isinstance(document.at("rules"), Mapping):
        return
    try:
        seconds = duration(document.at("call", "ring"))
    except Wrong:  # told with its own key, or not there
        return
    if 0 < seconds < SHORTEST_RING:
        message = "is shorter than telephones ring, and they would ring on after the hours of the packs have ended"
        yield ("call", "ring"), Wrong(message, f"at least {SHORTEST_RING:.0f}s where packs apply; 60s is the default")


def register_faults(document: Document, folder: Path) -> Iterator[Fault]:
    """Lists of those not to call that are not there, or of no kind that is read."""
    named = document.at("dnc")
    for index, part in enumerate(named if isinstance(named, list) else [named]):
        file = part.get("file") if isinstance(part, dict) else None
        if not isinstance(file, str) or not file.strip():
            continue
        place: Place = ("dnc", index, "file")
        if not file.strip().lower().endswith(ENDINGS):
            yield (
                place,
                Wrong(f"{quoted(file)} is not .csv, .csv.gz, .parquet or .txt", "give it the ending of what it is"),
            )
        elif not (folder / file.strip()).is_file():
            hint = "the name is relative to the campaign file; nobody is dialled without the list"
            yield place, Wrong(f"there is no file {quoted(file)} in {folder}", hint)
