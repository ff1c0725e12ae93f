"""An empty name, as by a variable of a shell that is not set, is nobody: it is told, and nothing is done."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.command_line import campaign, told

pytestmark = pytest.mark.slow

EMPTY = [
    ("dnc", "add", ""),
    ("dnc", "remove", " "),
    ("why", ""),
    ("purge", "--person", ""),
    ("unknown", "mark", "", "placed"),
]


@pytest.mark.parametrize("words", EMPTY, ids=[" ".join(words) for words in EMPTY])
def test_nobody_is_told_so(tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]) -> None:
    path = campaign(tmp_path)
    assert told(capsys, "run", path).code == 0
    found = told(capsys, *words, path)
    assert found.code == 2
    assert "nobody is named" in found.err
    assert "[]" in told(capsys, "dnc", "list", path, "--json").out


def test_a_telephone_of_somebody_on_the_list_is_not_ones_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = campaign(tmp_path)
    assert told(capsys, "run", path).code == 0
    found = told(capsys, "call", path, "--to", "+14155550124", "--as", "A1")
    assert found.code == 2
    assert "somebody on the list of reminders" in found.err
