"""What has changed since a campaign was last run, for those who only look."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

from dialer.errors import DialerError
from dialer.ledger import Foreseen, reading
from dialer.ledger.edits import Comparison
from dialer.model import Campaign, Row
from dialer.report.said import Edit, edits, said
from dialer.runner.edits import edit_lines, foreseen_lines


class Since:
    """Hears the rows that a list would give, and tells what they and the file would change."""

    def __init__(self, name: str, changed: Sequence[Edit], comparison: Comparison | None) -> None:
        self._name = name
        self._changed = changed
        self._comparison = comparison

    def hear(self, rows: Sequence[Row]) -> None:
        """Rows that would be taken."""
        if self._comparison is not None:
            self._comparison.add(rows)

    def lines(self) -> Iterator[str]:
        """What would change, a line each; nothing where the campaign was never run."""
        if self._comparison is None:
            return
        found = Foreseen(self._comparison.result())
        if not self._changed and not found.is_anything:
            yield "Nothing has changed since it was last run."
        yield from edit_lines(self._name, self._changed)
        yield from foreseen_lines(found)


@contextlib.contextmanager
def since_last_run(campaign: Campaign) -> Iterator[Since]:
    """What has changed since then; the ledger is only read, and not missed where there is none."""
    with contextlib.ExitStack() as stack:
        yield _since(campaign, stack)


def _since(campaign: Campaign, stack: contextlib.ExitStack) -> Since:
    nothing = Since(campaign.name, (), None)
    if not campaign.ledger.is_file():
        return nothing
    try:
        reader = stack.enter_context(reading.open_reader(campaign.ledger))
        row = reader.find(campaign.name)
        if not reader.known_list(row.id).fingerprint:
            return nothing
        before = reader.said(row.id)
        changed = edits(before, said(campaign)) if before is not None else ()
        return Since(campaign.name, changed, stack.enter_context(reader.comparing(row.id)))
    except DialerError:  # no campaign of this name yet, or what the check of the ledger has told already
        return nothing
