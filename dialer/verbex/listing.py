"""The platform's list of calls, read back to a moment: several questions are answered by one reading."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from dialer.model import Answer, CallPage, CallRecord
from dialer.verbex.client import Client

_PAGE = 1000
_MOST_PAGES = 500

EVER = datetime.min.replace(tzinfo=UTC)
"""As the moment from which a list is whole that was read to its end."""

Heard = Callable[[CallPage | Answer], None]


@dataclass(frozen=True, slots=True)
class Listing:
    """Calls of the account, and from which moment on these are all; None: a page could not be read."""

    records: tuple[CallRecord, ...]
    whole_from: datetime | None


async def read_back(client: Client, earliest: datetime, back_to: datetime, heard: Heard) -> Listing:
    """All calls since `earliest`; pages are read until one ends before `back_to`, which allows for another clock.

    Newest first; then by the time filter, and from the other end, since a platform may sort calls that have not
    started yet elsewhere: where it has no time for them, behind all the others.
    """
    is_enough = _Before(back_to)
    plain, reached_end = await _pages(client, heard, is_enough)
    if plain is None or reached_end:
        return Listing(tuple(plain or ()), None if plain is None else EVER)
    filtered, _ = await _pages(client, heard, is_enough, after=back_to)
    unstarted, _ = await _pages(client, heard, _has_started, order="asc")
    is_whole = filtered is not None and unstarted is not None
    records = _each_once([*plain, *(filtered or ()), *(unstarted or ())])
    return Listing(records, earliest if is_whole else None)


class _Before:
    """Whether a page ends before a moment."""

    def __init__(self, moment: datetime) -> None:
        self._moment = moment

    def __call__(self, page: CallPage) -> bool:
        started = [record.started_at for record in page.calls if record.started_at is not None]
        return bool(started) and started[-1] < self._moment


def _has_started(page: CallPage) -> bool:
    return any(record.started_at is not None for record in page.calls)


async def _pages(
    client: Client,
    heard: Heard,
    is_enough: Callable[[CallPage], bool],
    *,
    after: datetime | None = None,
    order: str = "desc",
) -> tuple[list[CallRecord] | None, bool]:
    """The records of the pages up to the one that is enough (None where a page could not be read), and whether the list
    itself came to its end."""
    records: list[CallRecord] = []
    token: str | None = None
    for _ in range(_MOST_PAGES):
        page = await client.list(page_size=_PAGE, page_token=token, start_time_after=after, sort_direction=order)
        heard(page)
        if not isinstance(page, CallPage):
            return None, False
        records.extend(page.calls)
        token = page.next_page_token
        if token is None:
            return records, True
        if is_enough(page):
            return records, False
    return None, False


def _each_once(records: list[CallRecord]) -> tuple[CallRecord, ...]:
    """New calls shift the pages: the same one may stand on two."""
    named: dict[str, CallRecord] = {}
    others: list[CallRecord] = []
    for record in records:
        if record.platform_id is None:
            others.append(record)
        else:
            named.setdefault(record.platform_id, record)
    return (*named.values(), *others)
