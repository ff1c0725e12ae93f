"""The live view: what a person sees who watches a run on a terminal."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import TextIO

from rich.console import Console as Terminal
from rich.console import Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from dialer.console.lines import Level, event_text, waiting_text
from dialer.console.masking import mask_text
from dialer.model import ContactState
from dialer.report import CALLS_PER_SECOND, LINES, Progress, brief

_NARROW = 60  # columns under which the bar has a line of its own
_INDENT = (0, 0, 0, 2)
_MOST_OUTCOMES = 8  # under a single campaign; fewer under several, so that all fit on a screen
_STYLES: Mapping[Level, str] = {"debug": "dim", "info": "", "warning": "yellow", "error": "bold red"}


class LiveConsole:
    """A view that is drawn again in place, with events as lines above it; it stays as it was at the end."""

    def __init__(self, stream: TextIO, environ: Mapping[str, str], width: int | None = None) -> None:
        self._terminal = Terminal(
            file=stream,
            force_terminal=True,
            no_color=bool(environ.get("NO_COLOR")),
            width=width,
            highlight=False,
            markup=False,
            emoji=False,
            _environ=environ,
        )
        self._live: Live | None = None

    def show(self, progress: Sequence[Progress], at: float) -> None:
        with _unhindered():
            self._started().update(view(progress, self._terminal.width), refresh=True)

    def say(self, event: str, sentence: str, *, level: Level = "info", **facts: object) -> None:
        with _unhindered():
            self._terminal.print(Text(event_text(sentence, level), style=_STYLES[level]))

    def close(self, code: int = 0) -> None:
        if self._live is not None:
            with _unhindered():
                self._live.stop()
            self._live = None

    def _started(self) -> Live:
        if self._live is None:
            self._live = Live(console=self._terminal, auto_refresh=False, redirect_stdout=False)
            self._live.start()
        return self._live


@contextlib.contextmanager
def _unhindered() -> Iterator[None]:
    """A terminal that has gone away does not stop the calls."""
    with contextlib.suppress(OSError):
        yield


# --- the view ----------------------------------------------------------------------------------------


def view(progress: Sequence[Progress], width: int) -> RenderableType:
    """All campaigns, one below the other."""
    outcomes = max(3, _MOST_OUTCOMES // max(1, len(progress)))
    return Group(*(part for each in progress for part in _campaign(each, width, outcomes)))


def _campaign(progress: Progress, width: int, outcomes: int) -> Iterator[RenderableType]:
    yield from _head(progress, width)
    yield Padding(_pace(progress), _INDENT)
    yield Padding(_open(progress), _INDENT)
    yield Padding(_finished(progress), _INDENT)
    if progress.outcomes:
        yield Padding(_outcomes(progress.outcomes, outcomes, width), _INDENT)


def _head(progress: Progress, width: int) -> Iterator[RenderableType]:
    name = Text(progress.campaign, style="bold")
    bar = ProgressBar(
        total=max(1, progress.rows), completed=progress.finished, complete_style="cyan", style="bright_black"
    )
    told = Text(" · ".join(_how_far(progress)))
    if width < _NARROW:
        # A bar does not end its line by itself where it is drawn without colours.
        yield from (name, Padding(bar, 0), Padding(told, _INDENT))
        return
    line = Table.grid(padding=(0, 1), expand=True)
    line.add_column(max_width=width // 3, no_wrap=True, overflow="ellipsis")
    line.add_column(ratio=1)
    line.add_column(no_wrap=True)
    line.add_row(name, bar, told)
    yield line


def _how_far(progress: Progress) -> Iterator[str]:
    yield f"{progress.finished} of {progress.rows}"
    yield f"{100 * progress.finished // max(1, progress.rows)} %"
    if progress.seconds_left:
        yield f"{brief(progress.seconds_left)} left"


def _pace(progress: Progress) -> Text:
    bold = {LINES: ("bold", ""), CALLS_PER_SECOND: ("", "bold")}.get(progress.binds, ("", ""))
    return Text.assemble(
        "lines ",
        (f"{progress.lines} of {progress.line_limit}", bold[0]),
        " · calls per second ",
        (f"{progress.rate:.1f} of {progress.rate_limit:g}", bold[1]),
        " · held by: ",
        (progress.binds, "cyan"),
    )


def _open(progress: Progress) -> Text:
    """Those whose turn is still to come."""
    count = progress.states.get
    return Text(
        f"due {count(ContactState.DUE, 0)} · dialing {count(ContactState.DIALING, 0)} · {waiting_text(progress)}"
    )


def _finished(progress: Progress) -> Text:
    """Those whose turn is over, and what a person who watches may want to look into."""
    count = progress.states.get
    return Text.assemble(
        (f"done {count(ContactState.DONE, 0)}", "green"),
        f" · exhausted {count(ContactState.EXHAUSTED, 0)} · excluded {count(ContactState.EXCLUDED, 0)} · ",
        (f"unknown {progress.unknown}", "yellow" if progress.unknown else ""),
        " · ",
        (f"rejects {progress.rejects}", "yellow" if progress.rejects else ""),
    )


def _outcomes(outcomes: Mapping[str, int], most: int, width: int) -> Table:
    ordered = sorted(outcomes.items(), key=lambda item: (-item[1], item[0]))
    shown = most + 1 if len(ordered) == most + 1 else most  # "1 other" would take the line of the other itself
    rest = sum(calls for _, calls in ordered[shown:])
    rows = ordered[:shown] + ([(f"{len(ordered) - shown} others", rest)] if rest else [])
    top = max(1, *(calls for _, calls in rows))
    table = Table.grid(padding=(0, 1))
    table.add_column(no_wrap=True, overflow="ellipsis", max_width=max(12, width - 16))
    table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True)
    room = max(0, min(24, width - 50))
    for reason, calls in rows:
        table.add_row(mask_text(reason), str(calls), Text("▬" * -(-calls * room // top), style="cyan"))
    return table
