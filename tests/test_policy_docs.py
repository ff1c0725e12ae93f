"""docs/lifecycle.md and docs/glossary.md say what the code does."""

from __future__ import annotations

import re
import string

import pytest

from dialer.model import Action, AttemptState, ContactState, NotPlaced, Refusal, Reply, Response, Verdict
from dialer.policy import lifecycle, outcome, retry
from tests.policy_cases import DOCS, request, table_rows

LIFECYCLE = (DOCS / "lifecycle.md").read_text(encoding="utf-8")
CONTACT, ATTEMPT = LIFECYCLE.split("## An attempt")
ATTEMPT, REST = ATTEMPT.split("## What follows from an ending")
ENDINGS, ANSWERS = REST.split("## What follows from an answer")
GLOSSARY = (DOCS / "glossary.md").read_text(encoding="utf-8")

contacts = (CONTACT, lifecycle.CONTACT_MOVES, ContactState, string.ascii_uppercase)
attempts = (ATTEMPT, lifecycle.ATTEMPT_MOVES, AttemptState, string.ascii_lowercase)


@pytest.mark.parametrize(("text", "moves", "kind", "letters"), [contacts, attempts], ids=["contact", "attempt"])
def test_each_arrow_has_a_letter_and_a_sentence(
    text: str,
    moves: frozenset[tuple[str, str]],
    kind: type[ContactState] | type[AttemptState],
    letters: str,
) -> None:
    rows = [row for row in table_rows(text, 4) if row[0] != "arrow"]
    assert {(kind(start), kind(end)) for _, start, end, _ in rows} == moves
    assert [row[0] for row in rows] == list(letters[: len(moves)])
    assert all(row[3].endswith(".") for row in rows)


@pytest.mark.parametrize(("text", "moves", "kind", "letters"), [contacts, attempts], ids=["contact", "attempt"])
def test_the_diagram_shows_the_table(
    text: str,
    moves: frozenset[tuple[str, str]],
    kind: type[ContactState] | type[AttemptState],
    letters: str,
) -> None:
    drawn = re.findall(r"^ +(\w+) --> (\w+): (\w)$", text, re.MULTILINE)
    written = [(start, end, letter) for letter, start, end, _ in table_rows(text, 4) if letter != "arrow"]
    assert drawn == written
    assert set(kind) == {kind(state) for start, end, _ in drawn for state in (start, end)}


def told(response: Response) -> str:
    """A default as the page writes it."""
    if response.action is not Action.WAIT:
        return {Action.DONE: "done", Action.NEVER: "exhausted", Action.STOP: "and the run ends"}[response.action]
    return ", then ".join(length(wait) for wait in response.waits)


def length(wait: float) -> str:
    if wait % retry.DAY == 0:
        return f"{wait / retry.DAY:.0f} day"
    return f"{wait / retry.HOUR:.0f} h" if wait % retry.HOUR == 0 else f"{wait / retry.MINUTE:.0f} min"


def test_the_page_tells_the_verdict_and_the_default_of_each_reason() -> None:
    seen = []
    for names, verdict, default in table_rows(ENDINGS, 3)[1:]:
        for reason in re.findall(r"[a-z]+(?:_[a-z]+)+", names):
            seen.append(reason)
            assert Verdict(re.split("[,:; ]", verdict)[0]) is outcome.verdict(reason), reason
            if reason != "concurrent_call_limit_reached":
                assert told(retry.DEFAULTS[reason]) in default, reason
    assert sorted(seen) == sorted(outcome.REASONS)
    short = ", ".join(f"{wait:.0f}" for wait in retry.DEFAULTS["concurrent_call_limit_reached"].waits)
    assert f"{short} s" in ENDINGS


def test_the_page_names_the_members_of_each_group() -> None:
    for group in ("unreached", "machine", "not_connected"):
        written = re.search(rf"`{group}` \(([^)]+)\)", ENDINGS)
        assert written is not None
        assert set(written[1].split(", ")) == retry.GROUPS[group]
    assert "`platform_failed` (the seven above)" in ENDINGS
    assert len(retry.GROUPS["platform_failed"]) == 7


def test_the_page_lists_the_statuses_that_prove_something() -> None:
    proving = {int(status) for row in table_rows(ANSWERS, 4) if "not placed" in row[1] for status in codes(row[0])}
    sorted_out = {status for status in range(100, 600) if refusal_of(status) is not None}
    assert proving == sorted_out


def codes(cell: str) -> list[str]:
    return re.findall(r"\b\d{3}\b", cell)


def refusal_of(status: int) -> Refusal | None:
    box = outcome.sort_dial(Reply(status), request())
    return box.refusal if isinstance(box, NotPlaced) else None


def test_each_term_is_defined_once_and_found_by_its_letter() -> None:
    terms = [row[0] for row in table_rows(GLOSSARY, 2) if row[0] != "term"]
    assert terms == sorted(set(terms))
    assert all(row[1].endswith(".") for row in table_rows(GLOSSARY, 2)[1:])
