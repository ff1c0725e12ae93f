"""A campaign's file and list as a run goes by them: shown and asked about where they have changed, and taken in; the
list looked at again each morning of a run that waits, and once more at the end.

A morning is a moment at which somebody may be dialled again after hours in which nobody could be, so that the list of
that day is there before the first of its calls.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import timedelta

from dialer import contacts
from dialer.clock import Clock
from dialer.errors import ExitCode, LedgerError, ListError
from dialer.law import register_age
from dialer.ledger import Change, Expiry, Foreseen, Imported, Ledger, Trial
from dialer.model import Audience, Campaign, StopCause
from dialer.permits import Permits
from dialer.report.said import EXPIRES, IDENTITY, RING, Edit, Said, edits, may_free, said
from dialer.runner import registers
from dialer.runner.geography import geography
from dialer.runner.intake import check_only, take_in, told
from dialer.runner.options import Options
from dialer.runner.ruling import Today, bring_in_line, count_today, nobody_left, permits_of

Say = Callable[..., None]

NOT_CONFIRMED = StopCause(
    ExitCode.WORK_REMAINS, "not_confirmed", "nobody has agreed to what has changed: nothing of it was taken in"
)

_NIGHT = timedelta(hours=4)
"""So long nobody could be dialled. Hours over all zones of a country leave more than that, a wait for a retry less."""

_DAY = timedelta(days=1)
_LOOKS_EVERY = 0.25


class Edits:
    """What has changed of one campaign. `is_stopping` tells whether the run takes nothing new."""

    def __init__(
        self,
        ledger: Ledger,
        campaign: Campaign,
        campaign_id: int,
        clock: Clock,
        options: Options,
        permits: Permits,
        today: Today,
        say: Say,
        *,
        stop: Callable[[StopCause], None],
        is_stopping: Callable[[], bool],
    ) -> None:
        self._ledger = ledger
        self._campaign = campaign
        self._campaign_id = campaign_id
        self._clock = clock
        self._options = options
        self._permits = permits
        self._today = today
        self._say = say
        self._stop = stop
        self._is_stopping = is_stopping
        self._edits: tuple[Edit, ...] = ()
        self._looked_at = self._found_at = clock.now()
        self._told_nobody = ""
        self.imported: Imported | None = None

    # --- at the start ---

    async def take_in(self) -> None:
        """File and list, and what the rules of today make of them; `imported` stays None where that was stopped.

        Raises:
            ListError: as `intake.take_in` and `ruling.bring_in_line`.
            UsageError: `--only` names nobody.
        """
        parts = self._ledger, self._campaign, self._campaign_id, self._clock
        yes, is_stopping = self._options.yes, self._is_stopping
        taken = await take_in(*parts, yes=yes, is_stopping=is_stopping, agreed=self._is_agreed)
        if taken is None:
            return
        self.imported = taken
        await self._keep_said()
        self._tell(taken)
        await check_only(*parts[:3], self._options.only)
        await bring_in_line(*parts[:3], self._permits, self._clock, self._say, yes=yes)
        await count_today(*parts, self._today)
        self._looked_at = self._found_at = self._clock.now()

    def _tell(self, taken: Imported) -> None:
        self._say(*told(taken))
        if taken.examples:
            self._say("rows_changed", f"rows that say something else: {'; '.join(map(example_words, taken.examples))}")

    async def _is_agreed(self, import_id: int | None) -> bool:
        """Whether what is staged may take effect (None: the list is as it was), with what the file says otherwise."""
        before = await self._ledger.said(self._campaign_id)
        self._edits = edits(before, said(self._campaign)) if before is not None else ()
        if import_id is None and not self._edits:
            return True
        if import_id is not None:
            await self._check_identity(import_id, before)
        ask, was_run = self._options.ask, (await self._ledger.known_list(self._campaign_id)).fingerprint
        if ask is None or not was_run:
            self._say_edits()
            if was_run:
                self._check_who_may()
            return True
        foreseen = await self._foreseen(import_id)
        if not self._edits and not foreseen.is_anything:
            return True
        words = [*edit_lines(self._campaign.name, self._edits), *foreseen_lines(foreseen)]
        return await self._answered(ask("\n".join(words)))

    async def _check_identity(self, import_id: int, before: Said | None) -> None:
        """Raises ListError where people who have been called would be others to the ledger, because the file names
        another column by which they are known, and so be called anew. What it named before is not known of a campaign
        that an older version has run (`before` None)."""
        edit = next((one for one in self._edits if one.key in IDENTITY), None)
        if edit is None and before is not None:
            return
        known = before or {}
        column = known.get("contacts.id") or known.get("contacts.phone", "").partition(", ")[0]
        anew = await self._ledger.called_anew(self._campaign_id, import_id, None if before is None else column)
        why = f"{anew} people who have been called would be somebody else to the ledger, and be called anew"
        says_who = edit is not None and (edit.key == "contacts.id" or self._campaign.contacts.id is None)
        if says_who and not anew and await self._ledger.has_forgotten(self._campaign_id):
            why = "people who were forgotten (`dialer purge`) could not be known again, and might be called anew"
        elif not anew:
            return
        told = edit or "another column says who people are than at its last run (contacts.id, phone or country)"
        raise ListError(
            f"{self._campaign.path.name}: {told}, and by that {why}: put it back, or give the campaign another name; "
            "nobody was dialled"
        )

    def _check_who_may(self) -> None:
        """Raises ListError where there is nobody to ask, and the file says something else of who may be called: a slip
        of an editor is not to ring whom a rule held back. Other edits go on, or a cron line would stand still."""
        found = [edit for edit in self._edits if may_free(edit)]
        if found and not self._options.yes:
            raise ListError(
                f"{self._campaign.path.name} says something else of who may be called than at its last run "
                f"({'; '.join(map(str, found))}): nobody was dialled. If it is meant so, run it once with --yes, or on "
                "a terminal, which shows what it changes and asks"
            )

    def _say_edits(self) -> None:
        if self._edits:
            words = "; ".join(map(str, self._edits))
            self._say("file_changed", f"{self._campaign.path.name} says something else than before: {words}")

    async def _foreseen(self, import_id: int | None) -> Foreseen:
        listed = await registers.take_in(self._ledger, self._campaign, self._clock, register_age(self._permits.calling))
        trial = Trial(
            import_id,
            self._campaign.contacts,
            self._options.yes,
            self._expiry(),
            registers.ids(listed),
            self._stands,
        )
        return await self._ledger.foresee(self._campaign_id, trial)

    def _stands(self, audiences: Mapping[int, Audience]) -> Mapping[int, str]:
        """What stands against these by the rules of today; asked in the writer's thread, so by permits of its own."""
        trial = permits_of(self._campaign, self._ledger, self._clock, Today())
        trial.know(audiences)
        return trial.standing(self._clock.now())

    def _expiry(self) -> Expiry | None:
        found = {edit.key: edit for edit in self._edits if edit.key in (EXPIRES, RING)}
        if not found:
            return None
        had_none = EXPIRES in found and not found[EXPIRES].before
        return Expiry(self._campaign.contacts.expires, had_none, self._campaign.call.ring)

    async def _answered(self, asking: Awaitable[bool]) -> bool:
        """What a person answers; no, where the run is stopped while they are asked."""
        answer = asyncio.ensure_future(asking)
        try:
            while not answer.done() and not self._is_stopping():
                await asyncio.wait({answer}, timeout=_LOOKS_EVERY)
            agreed = answer.done() and answer.result()
        finally:
            answer.cancel()
        if not agreed and not self._is_stopping():
            self._say(NOT_CONFIRMED.reason, NOT_CONFIRMED.sentence)
            self._stop(NOT_CONFIRMED)
        return agreed

    async def _keep_said(self) -> None:
        words = said(self._campaign)
        if words != await self._ledger.said(self._campaign_id):
            await self._ledger.keep_said(self._campaign_id, words, list(map(str, self._edits)), self._expiry())

    # --- later ---

    async def morning(self) -> bool:
        """Asked whenever somebody may be dialled: the first time after a night, or after a day without one, the list is
        looked at, and taken in if it has changed. Whether people may be due otherwise than before.

        Nobody has seen that list, so `--yes` does not hold for it; where a gate stops it, the one before goes on. A run
        without `--wait` keeps to the list that it has, but its do-not-call lists are looked at once a day.

        Raises:
            ListError: a do-not-call list has become too old, or may have been cut off. Nobody is dialled any more.
        """
        now = self._clock.now()
        rested, self._found_at = now - self._found_at, now
        is_waiting, is_next_day = self._options.wait is not None, now - self._looked_at >= _DAY
        if not (is_next_day or (is_waiting and rested >= _NIGHT)):
            return False
        self._looked_at = now
        if is_waiting:
            await self._take_in_anew()
        elif not self._campaign.registers:
            return False
        parts = self._ledger, self._campaign, self._campaign_id
        await bring_in_line(*parts, self._permits, self._clock, self._say)
        await self._tell_nobody_left()
        return True

    async def _tell_nobody_left(self) -> None:
        """Say, once, that the rules bar everybody who is left; it is no end, since calls may be live."""
        told = await asyncio.to_thread(nobody_left, self._ledger, self._campaign, self._campaign_id)
        if told and told != self._told_nobody:
            self._say("nobody_left", f"{told}, and run again", is_trouble=True)
        self._told_nobody = told

    async def _take_in_anew(self) -> None:
        parts = self._ledger, self._campaign, self._campaign_id
        try:
            taken = await take_in(*parts, self._clock, yes=False, is_stopping=self._is_stopping)
        except ListError as error:
            words = f"the list of this morning is not taken in, the one before goes on. A new run would say: {error}"
            self._say("list_refused", words, is_trouble=True)
        else:
            if taken is not None and not taken.known:
                self.imported = taken
                self._tell(taken)

    async def at_the_end(self) -> None:
        """Say so if the list is not the one that was taken in any more; a ledger that is gone says nothing of that."""
        if self.imported is None:
            return
        try:
            known = await self._ledger.known_list(self._campaign_id)
        except LedgerError:
            return
        rules, now = (self._campaign.contacts, self._campaign.call), self._clock.now().timestamp()
        try:
            asked = *rules, known.stamps, now, geography(self._campaign.contacts)
            fingerprint, _ = await asyncio.to_thread(contacts.identify, *asked)
        except ListError as error:
            self._say("list_changed", f"the list cannot be read any more, as the next run will say: {error}")
            return
        if fingerprint != known.fingerprint:
            self._say("list_changed", "the list has changed meanwhile: the next run takes it in")


# --- in words ----------------------------------------------------------------------------------------


def edit_lines(name: str, changed: Sequence[Edit]) -> Iterator[str]:
    """What the campaign file says otherwise, a line each."""
    if changed:
        yield f"{name}: the campaign file says something else than when it was last run"
        yield from (f"  {edit}" for edit in changed)


def foreseen_lines(found: Foreseen) -> Iterator[str]:
    """What would change for people, a line each."""
    taken = found.taken
    if taken.is_anything:
        yield list_words(taken)
        yield from (f"  {example_words(example)}" for example in taken.examples)
    for count, words in (
        (found.barred, "would be excluded: by the rules, by a do-not-call list, or held"),
        (found.freed, "would be due again: what stood against them does not any more"),
        (found.given_up, "would be given up: their time is over"),
    ):
        if count:
            yield f"{count} {'people' if count > 1 else 'person'} {words}"


def list_words(taken: Imported) -> str:
    """How many would come, go and change."""
    new_data = taken.changed - taken.moved
    words = f"{taken.added} new, {new_data} with new data, {taken.withdrawn} gone (not dialled any more)"
    return f"the list: {words}, {taken.returned} back"


def example_words(change: Change) -> str:
    """Whose row has changed, and in which columns; nothing of what stands there."""
    return f"{change.person}: {', '.join(change.columns)}"
