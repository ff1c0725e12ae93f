"""Where a campaign stands, in numbers and in words. Pure: ledger rows in, texts out.

The closing line and its JSON are read by scripts, the summary by people.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from dialer.model import FINISHED, ContactState, Refusal
from dialer.report.words import DETAILS, ENDS, REASONS, RULED, TIME_OVER

OPEN = (ContactState.DUE, ContactState.WAITING)  # waiting for a dial

_MOST_LINES = 8  # of reasons under one heading


@dataclass(frozen=True, slots=True)
class Totals:
    """Where a campaign stands at one moment.

    `states`: contacts by state. `reasons`: contacts by (state, finish reason of the last call or '', detail).
    `attempts`: those that were used up. `rejects`: rows of the list that are nobody's contact, by reason.
    `live`: calls that may be under way. `due`: contacts due `now`, within the `hour`, the `day` (24 hours), and
    `later`. `next_due`: when the next one is due that is not due now. Calls in the last minute and hour. `is_closed`:
    those who are due now may not be called at this hour; then `next_due` is when the first of them may. `is_day_full`:
    it is so because all calls of the day (UTC) are made. `is_paused`: nobody is dialled before somebody resumes.
    """

    campaign: str
    at: datetime
    states: Mapping[str, int]
    reasons: Mapping[tuple[str, str, str], int]
    attempts: int
    rejects: Mapping[str, int]
    live: int
    due: Mapping[str, int]
    next_due: datetime | None
    calls_minute: int = 0
    calls_hour: int = 0
    is_closed: bool = False
    is_day_full: bool = False
    is_paused: bool = False

    @property
    def rows(self) -> int:
        return sum(self.states.values())

    @property
    def waiting(self) -> int:
        """Contacts that are due, now or later."""
        return _count(self.states, OPEN)

    @property
    def unknown(self) -> int:
        return self.states.get(ContactState.UNKNOWN, 0)

    @property
    def next_work(self) -> datetime | None:
        """When there is somebody to dial: at once if somebody is due now, None if nobody will be."""
        return self.at if self.due.get("now") and not self.is_closed else self.next_due


@dataclass(frozen=True, slots=True)
class Progress:
    """What the live view shows of one campaign.

    `outcomes`: calls that have ended, by finish reason. `lines` in use against `line_limit`, `rate` and
    `rate_limit` in calls per second. `binds`: what holds the pace down (see `what_binds`). `seconds_left` is an
    estimate, None while nothing is known. `next_due`: when the next of those who wait is due.
    """

    campaign: str
    at: datetime
    states: Mapping[str, int]
    outcomes: Mapping[str, int]
    rejects: int
    lines: int
    line_limit: int
    rate: float
    rate_limit: float
    binds: str
    seconds_left: float | None = None
    next_due: datetime | None = None

    @property
    def rows(self) -> int:
        return sum(self.states.values())

    @property
    def finished(self) -> int:
        """Contacts in a state that they do not leave by themselves."""
        return _count(self.states, FINISHED)

    @property
    def waiting(self) -> int:
        """Contacts that wait for a later time."""
        return self.states.get(ContactState.WAITING, 0)

    @property
    def unknown(self) -> int:
        return self.states.get(ContactState.UNKNOWN, 0)


def _count(states: Mapping[str, int], wanted: tuple[ContactState, ...]) -> int:
    return sum(states.get(state, 0) for state in wanted)


# --- for scripts -------------------------------------------------------------------------------------


def closing_line(name: str, code: int, reason: str, totals: Totals) -> str:
    """The last line of a run: `reminders 75 outside_hours next=2026-11-23T14:00Z due=412 live=0 unknown=3`.

    The fields and their order are always these; `next` is the minute at which there is work again, `-` if there
    is none.
    """
    moment = totals.next_work
    following = _minute(moment).strftime("%Y-%m-%dT%H:%MZ") if moment else "-"
    counts = f"due={totals.waiting} live={totals.live} unknown={totals.unknown}"
    return f"{name} {int(code)} {reason} next={following} {counts}"


def closing_json(name: str, code: int, reason: str, totals: Totals) -> dict[str, object]:
    """What the closing line says and the totals behind it, as `--result` writes it. `next` is null if nothing is."""
    return {
        "campaign": name,
        "code": int(code),
        "reason": reason,
        "next": _iso(_minute(totals.next_work)) if totals.next_work else None,
        "due": totals.waiting,
        "live": totals.live,
        "unknown": totals.unknown,
    } | totals_json(totals)


def totals_json(totals: Totals) -> dict[str, object]:
    """The totals as JSON: what `status --json` shows of a campaign."""
    return {
        "at": _iso(totals.at),
        "rows": totals.rows,
        "states": {state.value: totals.states.get(state, 0) for state in ContactState},
        "reasons": [
            {"state": state, "finish_reason": reason or None, "detail": detail, "contacts": contacts}
            for (state, reason, detail), contacts in sorted(totals.reasons.items())
        ],
        "attempts": totals.attempts,
        "rejects": dict(sorted(totals.rejects.items())),
        "due_in": dict(totals.due),
        "next_due": _iso(totals.next_due) if totals.next_due else None,
        "outside_hours": totals.is_closed and not totals.is_day_full,
        "day_full": totals.is_day_full,
        "calls_last_minute": totals.calls_minute,
        "calls_last_hour": totals.calls_hour,
    }


def _minute(moment: datetime) -> datetime:
    """The moment, or the next full minute: whoever comes back then finds the work due."""
    whole = moment.astimezone(UTC).replace(second=0, microsecond=0)
    return whole if whole == moment else whole + timedelta(minutes=1)


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


# --- for people --------------------------------------------------------------------------------------


def in_words(reason: str) -> str:
    """A finish reason in plain words; one that is not known is told as it came."""
    return REASONS.get(reason) or DETAILS.get(reason) or f"the platform said {reason}"


def why(state: str, finish_reason: str, detail: str) -> str:
    """Why a contact is where it is, in plain words; '' for one to whom nothing has happened yet."""
    head, colon, rest = detail.partition(":")
    if colon and head in ENDS:
        return f"{in_words(rest)}; {ENDS[head]}"
    if colon and head == Refusal.REJECTED:
        return f"the platform did not take the request: {rest.strip()}"
    if colon and head in RULED and detail not in DETAILS:
        return f"{RULED[head]} {rest}"
    if state == ContactState.EXHAUSTED and detail == "expired":  # elsewhere it is a dial that was too late
        return f"{in_words(finish_reason)}; {TIME_OVER}" if finish_reason else TIME_OVER
    if detail:
        return REASONS.get(detail) or DETAILS.get(detail) or detail
    return in_words(finish_reason) if finish_reason else ""


def summary(totals: Totals) -> list[str]:
    """Who was reached, who will be tried again and when, who not and why: lines for a person to read."""
    count = f"{totals.attempts} attempt was" if totals.attempts == 1 else f"{totals.attempts} attempts were"
    return [
        f"{totals.campaign}: {_people(totals.rows)}; {count} used up.",
        *_group(totals, "reached", (ContactState.DONE,)),
        *_group(totals, f"to be tried{_when(totals)}", OPEN),
        *_on_the_line(totals),
        *_group(totals, "not reached and not to be tried again", (ContactState.EXHAUSTED,)),
        *_group(totals, "not to be called", (ContactState.EXCLUDED,)),
        *_group(totals, "unknown: nobody can say yet whether they were rung", (ContactState.UNKNOWN,)),
        *_rejects(totals),
    ]


def _on_the_line(totals: Totals) -> Iterator[str]:
    """A live call has no reason yet, and the last call's would mislead."""
    if count := totals.states.get(ContactState.DIALING, 0):
        yield f"{count:>6} on the line now"


def _people(count: int) -> str:
    return "1 person" if count == 1 else f"{count} people"


def _when(totals: Totals) -> str:
    if totals.is_paused:
        return " once it is resumed"
    if totals.is_closed:
        opening = f", from {at_minute(totals.next_due)} on" if totals.next_due else ""
        return f" when the next day begins{opening}" if totals.is_day_full else f" when the hours let them{opening}"
    if totals.due.get("now"):
        return " at once" if totals.next_due is None else f", {totals.due['now']} of them at once"
    return f", the next at {at_minute(totals.next_due)}" if totals.next_due else ""


def at_minute(moment: datetime) -> str:
    """`2026-11-23 14:00 UTC`, rounded up."""
    return _minute(moment).strftime("%Y-%m-%d %H:%M UTC")


def at_second(moment: datetime) -> str:
    """`2026-11-23 14:00:00 UTC`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _group(totals: Totals, heading: str, states: tuple[ContactState, ...]) -> Iterator[str]:
    count = _count(totals.states, states)
    if not count:
        return
    yield f"{count:>6} {heading}"
    found: Counter[str] = Counter()
    for (state, reason, detail), contacts in totals.reasons.items():
        if state in states:
            found[why(state, reason, detail) or "not called yet"] += contacts
    if list(found) != ["not called yet"] or ContactState.DUE not in states:
        yield from (f"{contacts:>12}  {words}" for words, contacts in _most(found))


def _most(found: Counter[str]) -> Iterator[tuple[str, int]]:
    ordered = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    yield from ordered[:_MOST_LINES]
    if rest := ordered[_MOST_LINES:]:
        yield f"for {len(rest)} other reasons", sum(contacts for _, contacts in rest)


def _rejects(totals: Totals) -> Iterator[str]:
    if count := sum(totals.rejects.values()):
        reasons = ", ".join(f"{reason} {n}" for reason, n in sorted(totals.rejects.items()))
        faults = "fault" if count == 1 else "faults"
        yield f"{count:>6} {faults} in the list ({reasons}): `export --rejects` lists them"


# --- for the live view -------------------------------------------------------------------------------

LINES = "lines"
CALLS_PER_SECOND = "calls per second"
NOTHING_DUE = "nothing due"
HOURS = "the hours"
DAY = "the calls of the day"
CAPS = "the caps"
LIST_DONE = "the list is done"
PLATFORM_DOWN = "the platform does not answer"
SLOWED = "the platform asks for a slower pace"


def what_binds(*, unfinished: int, due_now: int, lines: int, line_limit: int, closed_by: str = "") -> str:
    """What holds the pace down: the lines, the calls per second, what keeps all who are due from being called
    (`closed_by`: the hours, the caps, the calls of the day), that nothing is due, or that the list is done."""
    if not unfinished:
        return LIST_DONE
    if lines >= line_limit:
        return LINES
    return closed_by or (CALLS_PER_SECOND if due_now else NOTHING_DUE)


def estimate_left(
    *,
    unfinished: int,
    finished: int,
    calls: int,
    calls_per_second: float,
    lines: int,
    line_seconds: float,
    last_due: float = 0.0,
) -> float | None:
    """Seconds until the list is done, if it goes on as it has gone so far; None while that cannot be told.

    `calls` are those placed so far, for the `finished` contacts and the others; `line_seconds` is how long one
    call has held its line on average; `last_due` is in how many seconds the last waiting contact is due.
    """
    if not unfinished:
        return 0.0
    if not finished or line_seconds <= 0:
        return None
    throughput = min(calls_per_second, lines / line_seconds)
    if throughput <= 0:
        return None
    calls_each = max(1.0, calls / finished)
    return max(unfinished * calls_each / throughput, last_due) + line_seconds


def brief(seconds: float) -> str:
    """A length of time in the two units that matter: `45 s`, `3 min 20 s`, `2 h 10 min`, `3 d 4 h`."""
    whole = max(0, round(seconds))
    for size, name, smaller, part in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            rest = whole % size // smaller
            return f"{whole // size} {name}" + (f" {rest} {part}" if rest else "")
    return f"{whole} s"
