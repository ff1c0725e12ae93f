"""The platform's list of calls, read back to a moment: several questions are answered by one reading."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from dialer.model import Answer, CallPage, CallRecord, NoReply, Reply
from dialer.verbex.client import Client

_PAGE = 1000
_MOST_PAGES = 500
_TOO_MANY = 429
_ALWAYS_KEPT = 200

EVER = datetime.min.replace(tzinfo=UTC)
"""As the moment from which a list is whole that was read to its end."""

Heard = Callable[[CallPage | Answer], None]


@dataclass(frozen=True, slots=True)
class Listing:
    """Calls of the account, and from which moment on these are all; None: a page could not be read. `may_mend`: it may
    be read a moment later."""

    records: tuple[CallRecord, ...]
    whole_from: datetime | None
    may_mend: bool = False

    def ought_to_show(self, call: CallRecord) -> bool:
        """Whether a call that is there lies in the time of which the list shows all."""
        moment = call.started_at or call.ended_at
        return moment is not None and self.whole_from is not None and moment >= self.whole_from


@dataclass(frozen=True, slots=True)
class _Pages:
    """Records of the pages up to the one that is enough, None where one could not be read; whether the list itself came
    to its end; how many calls were shown, and how many the platform counts; and the answer that was no page."""

    records: list[CallRecord] | None
    reached_end: bool = False
    count: int = 0
    total: int | None = None
    failed: Answer | None = None


def may_mend(answer: Answer | None) -> bool:
    """Whether the same question may well be answered a moment later: no reply, too many questions, a failure."""
    if isinstance(answer, Reply):
        return answer.status >= 500 or answer.status == _TOO_MANY
    return isinstance(answer, NoReply)


def _every(_: CallRecord) -> bool:
    return True


async def read_back(
    client: Client,
    earliest: datetime,
    back_to: datetime,
    heard: Heard,
    keep: Callable[[CallRecord], bool] = _every,
) -> Listing:
    """All calls since `earliest`; pages are read until one ends before `back_to`, which allows for another clock.

    Records bear transcripts: of a long list only those are kept that `keep` asks for, and a few at its beginning.

    Newest first; then by the time filter, and from the other end, since a platform may sort calls that have not
    started yet elsewhere: where it has no time for them, behind all the others.
    """
    is_enough = _Before(back_to)
    plain = await _pages(client, heard, is_enough, keep)
    if plain.records is None:
        return Listing((), None, may_mend(plain.failed))
    if plain.reached_end and not _is_short(plain):
        return Listing(tuple(plain.records), EVER)
    filtered = await _pages(client, heard, is_enough, keep, after=back_to)
    unstarted = await _pages(client, heard, _has_started, keep, order="asc")
    records = _each_once([*plain.records, *(filtered.records or ()), *(unstarted.records or ())])
    if filtered.records is None or unstarted.records is None:
        return Listing(records, None, may_mend(filtered.failed or unstarted.failed))
    if plain.reached_end:
        return Listing(records, _oldest(records))
    return Listing(records, earliest)


def _is_short(pages: _Pages) -> bool:
    """Whether the list came to an end before it had shown all the calls that it counts: it may go back only so far."""
    return pages.total is not None and pages.count < pages.total


def _oldest(records: Iterable[CallRecord]) -> datetime | None:
    return min((record.started_at for record in records if record.started_at is not None), default=None)


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
    keep: Callable[[CallRecord], bool],
    *,
    after: datetime | None = None,
    order: str = "desc",
) -> _Pages:
    records: list[CallRecord] = []
    token: str | None = None
    total: int | None = None
    count = 0
    for _ in range(_MOST_PAGES):
        page = await client.list(page_size=_PAGE, page_token=token, start_time_after=after, sort_direction=order)
        heard(page)
        if not isinstance(page, CallPage):
            return _Pages(None, failed=page)
        records.extend(record for record in page.calls if len(records) < _ALWAYS_KEPT or keep(record))
        count += len(page.calls)
        total = page.total_count if total is None else total
        token = page.next_page_token
        if token is None:
            return _Pages(records, reached_end=True, count=count, total=total)
        if is_enough(page):
            return _Pages(records)
    return _Pages(None)


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
