"""The text of a campaign file: what YAML would guess, what it would hide, and what is no YAML."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dialer.config import load
from dialer.errors import CampaignError
from tests.campaign_files import SMALL, loaded, only, refused, small


@pytest.mark.parametrize(
    ("line", "column"),
    [
        ("id: NO", "NO"),
        ("id: 'NO'", "NO"),
        ("id: 21:00", "21:00"),
        ("id: 0123", "0123"),
        ('id: "0123"', "0123"),
        ("id: +14155550100", "+14155550100"),
        ("id: 1e3", "1e3"),
        ("id: 1_000", "1_000"),
        ("id: 2026-11-22", "2026-11-22"),
        ("id: true", "true"),
        ("id: null", "null"),
        ("id: ~", "~"),
        ("id: 0x1F", "0x1F"),
        ("id: .inf", ".inf"),
        ("id: =", "="),
        ("id: größe 📞", "größe 📞"),
        ("id: 'two  spaces'", "two  spaces"),
        ("id: a#b", "a#b"),
        ("id: $${x}", "${x}"),
        ("id: cost$", "cost$"),
    ],
)
def test_every_scalar_is_the_text_that_it_looks_like(tmp_path: Path, line: str, column: str) -> None:
    assert loaded(tmp_path, small("contacts", line)).contacts.id == column


def test_numbers_keep_their_plus_without_quotes(tmp_path: Path) -> None:
    text = SMALL.replace("from: +14155550100", "from: [+14155550100, '+1 415 555 0101']")
    assert loaded(tmp_path, text).call.from_numbers == ("+14155550100", "+14155550101")


@pytest.mark.parametrize(
    "text", [f"\ufeff{SMALL}", SMALL.replace("\n", "\r\n"), f"---\n{SMALL}...\n", f"# a comment\n\n{SMALL}"]
)
def test_marks_and_line_ends_of_other_systems_are_taken(tmp_path: Path, text: str) -> None:
    assert loaded(tmp_path, text).name == "reminders"


def test_lines_are_counted_with_other_line_ends_too(tmp_path: Path) -> None:
    problem = only(tmp_path, small("", "oops: 1").replace("\n", "\r\n"))
    assert (problem.line, problem.key) == (8, "oops")


@pytest.mark.parametrize(
    ("line", "at", "key", "message"),
    [
        ("name: again", 8, "name", "is written twice, first in line 1"),
        ("ledger: &a x.db", 8, "", "an anchor (&a) may not be used"),
        ("ledger: !!str x.db", 8, "", "a tag (!…) may not be used"),
        ("ledger: !secret x.db", 8, "", "a tag (!…) may not be used"),
        ("ledger: *a", 8, "", "an alias (*a) may not be used"),
        ("? [a, b]\n: c", 8, "", "a list or keys cannot be a key"),
        ("<<: x", 8, "<<", "there is no such key"),
    ],
)
def test_what_hides_things_is_refused(tmp_path: Path, line: str, at: int, key: str, message: str) -> None:
    problem = only(tmp_path, small("", line))
    assert (problem.line, problem.key, problem.message) == (at, key, message)


def test_a_key_written_twice_in_a_part_tells_both_lines(tmp_path: Path) -> None:
    problem = only(tmp_path, small("contacts", "id: a\n  country: US\n  id: b"))
    assert (problem.line, problem.key, problem.message) == (5, "contacts.id", "is written twice, first in line 3")


def test_all_that_hides_things_is_told_at_once_beside_other_faults(tmp_path: Path) -> None:
    text = SMALL + "ledger: &a x.db\npace:\n  calls_per_second: *a\nname: b\noops: 1\n"
    assert [problem.line for problem in refused(tmp_path, text)] == [8, 10, 11, 12]


@pytest.mark.parametrize(
    ("text", "line", "column", "says"),
    [
        ("a: b: c", 1, 5, "a colon too many"),
        ("name:x\ncontacts:\n  file: x", 2, 9, "a colon too many"),
        ("a: b\n  c: d", 2, 4, "indented deeper"),
        ("a:\n  b: 1\n c: 2", 3, 2, "does not fit to the lines above"),
        ("a: 'x' y", 1, 8, "does not fit to the lines above"),
        ("- a\nb: c", 2, 1, "does not fit to the lines above"),
        ("a:\n\t- b", 2, 1, "a tab stands where only spaces may"),
        ("a: 1\nb: 'x\nc: 2", 2, 4, "a quote is opened here and never closed"),
        ('a: 1\nb: "x\nc: 2', 2, 4, "a quote is opened here and never closed"),
        ("a: 1\nb: [1, 2\nc: 3", 2, 4, "a [ is opened here and not closed"),
        ("a: 1\nb: {x: 1\nc: 3", 2, 4, "a { is opened here and not closed"),
        ("a: [1, 2", 1, 4, "a [ is opened here and not closed"),
        ("data: *", 1, 8, "a * or & stands alone"),
        ("data: [*]", 1, 9, "a * or & stands alone"),
        ("x: @me", 1, 4, "a value cannot begin with this sign"),
        ("x: %20", 1, 4, "a value cannot begin with this sign"),
        ('x: "\\d"', 1, 6, "a backslash in double quotes"),
        ("a: - b", 1, 4, "a list begins in the middle of a line"),
        ("a: b\n---\nc: d", 2, 1, "a second document (---) begins here"),
        ("a: !x!y z", 1, 4, "a tag (!name) may not be used"),
        ("a: 1\nb: x\x07y", 2, 5, "a sign that no text has"),
        ("a: 1\r\nb: x\x00", 2, 5, "a sign that no text has"),
        ("a: {x: ${Y}}", 1, 9, "a ${…} within { } or [ ] is cut off"),
        ("a: " + "[" * 900, 1, 24, "stand too deep in each other"),
    ],
)
def test_what_is_no_yaml_is_told_with_line_and_column_in_plain_words(
    tmp_path: Path, text: str, line: int, column: int, says: str
) -> None:
    problem = only(tmp_path, text)
    assert problem.line == line
    assert problem.message.startswith(f"column {column}: ")
    assert says in problem.message
    assert problem.suggestion
    for jargon in ("scann", "token", "mapping", "scalar", "<", "sequence", "node"):
        assert jargon not in str(problem)


@pytest.mark.parametrize("line", ["*x: y", "? *x\n: y", "*x : y"])
def test_an_alias_as_a_key_is_told_once(tmp_path: Path, line: str) -> None:
    problem = only(tmp_path, small("", line))
    assert (problem.line, problem.suggestion) == (8, "write the value out")


@pytest.mark.parametrize("text", ["", "\n\n", "# a comment alone\n", "---\n", "\ufeff", "''", "--- ''\n...\n"])
def test_an_empty_file(tmp_path: Path, text: str) -> None:
    problem = only(tmp_path, text)
    assert str(problem) == "the file is empty (`dialer init contacts.csv` writes a first campaign file from a list)"


@pytest.mark.parametrize("text", ["phone,name\n+14155550123,Ann\n", "- a\n- b\n", "hello"])
def test_a_file_without_keys(tmp_path: Path, text: str) -> None:
    assert "it has no keys such as `name:`" in only(tmp_path, text).message


def test_a_file_that_is_not_utf8(tmp_path: Path) -> None:
    problem = only(tmp_path, b"name: a\n# M\xe4rz\n")
    assert str(problem) == "line 2: byte 12 of the file is not UTF-8 (save the file as UTF-8 text)"
    assert "is not UTF-8" in only(tmp_path, SMALL.encode("utf-16")).message


def test_a_list_given_in_place_of_the_campaign(tmp_path: Path) -> None:
    assert "too large for a campaign" in only(tmp_path, b"a: b\n" * 250_000).message


def said(path: Path) -> str:
    with pytest.raises(CampaignError) as error:
        load(path, {})
    return str(error.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "none.yaml"
    hint = "`dialer init contacts.csv` writes a first campaign file from a list"
    assert said(path) == f"{path}: 1 problem, nobody was dialled:\n  there is no such file ({hint})"


def test_a_directory(tmp_path: Path) -> None:
    assert said(tmp_path).endswith("\n  this is a directory (name the campaign file in it)")


def test_a_file_in_a_file(tmp_path: Path) -> None:
    path = written_file(tmp_path) / "campaign.yaml"
    assert said(path).endswith("\n  the file cannot be read: not a directory (see who may read it)")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    path = written_file(tmp_path)
    path.chmod(0)
    assert said(path).endswith("\n  the file cannot be read: permission denied (see who may read it)")


def written_file(folder: Path) -> Path:
    path = folder / "plain.yaml"
    path.write_text(SMALL)
    return path
