"""What commands say is no wider than the terminal that shows it."""

from __future__ import annotations

import pytest

from dialer.cli.telling import fold, tell


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("short", "short"),
        ("", ""),
        ("\nfirst, after an empty line", "\nfirst, after an\n    empty line"),
        ("  run    began and goes on", "  run    began and\n         goes on"),
        ("  where it stands, line 4", "  where it stands,\n      line 4"),
        ("one_word_that_is_wider_than_all", "one_word_that_is_wider_than_all"),
    ],
)
def test_a_line_is_broken_between_words_below_its_second_column(text: str, expected: str) -> None:
    assert fold(text, 20) == expected


def test_a_pipe_gets_lines_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    line = "word " * 60 + "end"
    tell(line)
    assert capsys.readouterr().out == line + "\n"


def test_a_terminal_gets_lines_of_its_width(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "70")
    tell("word " * 60 + "end")
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 3 and max(map(len, lines)) <= 70
