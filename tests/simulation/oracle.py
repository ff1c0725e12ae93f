"""What must be true after a seed, told from the platform's own list of rings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from dialer.simulator import Ring
from tests.acceptance.oracle import FREE, Fate, fate, most_in_a_second
from tests.simulation.lists import PeopleList, zone_of
from tests.simulation.world import World
from tests.virtual_time import START

CALIFORNIA = "America/Los_Angeles"
"""Where all numbers are of."""

NAMED = {"due", "waiting", "dialing", "done", "exhausted", "excluded", "unknown"}


def broken_invariants(world: World) -> list[str]:
    """Sentences about what is not as it must be, the invariant's name first; empty if all is well."""
    found = list(world.broken)
    for check in (_rung, _nobody_lost, _in_time, _not_too_soon, _settled, _paced, _lines):
        found.extend(check(world))
    return found


# --- I1: who was rung ----------------------------------------------------------------------------


def _rung(world: World) -> Iterator[str]:
    rings = [ring for _, ring in world.carrier.rings]
    ids: set[str] = set()
    over_at: dict[str, float] = {}
    for ring in rings:
        if ring.call_id in ids:
            yield f"I1 {ring.call_id} rang {ring.to_number} a second time at {_second(ring.at)}"
        ids.add(str(ring.call_id))
        if ring.at < over_at.get(ring.to_number, 0.0):
            yield f"I1 {ring.to_number} was rung at {_second(ring.at)} while a call to it was live"
        over_at[ring.to_number] = max(ring.over_at, over_at.get(ring.to_number, 0.0))
    for person, theirs in _by_person(rings).items():
        costly = [ring for ring in theirs if ring.reason not in FREE]
        if len(costly) > world.plan.attempts:
            yield f"I1 {person} was rung {len(costly)} times, and {world.plan.attempts} are allowed"
        try:
            fate(theirs, world.plan.attempts)
        except AssertionError as error:
            yield f"I1 {person}: {error}"


def _by_person(rings: Iterable[Ring]) -> dict[tuple[str, str], list[Ring]]:
    """By the campaign and the id that went with each call."""
    found: dict[tuple[str, str], list[Ring]] = defaultdict(list)
    for ring in rings:
        assert ring.metadata is not None
        found[ring.metadata["campaign"], ring.metadata["id"]].append(ring)
    return found


def _second(epoch: float) -> str:
    return f"{epoch - START.timestamp():.3f}"


# --- I3: nobody is lost ----------------------------------------------------------------------------


def _nobody_lost(world: World) -> Iterator[str]:
    for listed in world.lists:
        if world.is_stopped(listed.campaign):
            continue
        contacts = _contacts(world, listed)
        if strangers := contacts.keys() - listed.everyone().keys():
            yield f"I3 {sorted(strangers)} are contacts of {listed.campaign} and stood in no list"
        if missing := {listed.key(one) for one in listed.people} - contacts.keys():
            yield f"I3 {sorted(missing)} stand in the list of {listed.campaign} and are no contacts"
        states = {state for state, *_ in contacts.values()}
        if states - NAMED:
            yield f"I3 {states - NAMED} is no state"
        lines = tuple(line for (line,) in _of(world, listed, "SELECT DISTINCT line FROM rejects", "ORDER BY line"))
        if lines != listed.bad_lines:
            yield f"I3 the rejects of {listed.campaign} stand in lines {lines}, the bad rows in {listed.bad_lines}"


def _contacts(world: World, listed: PeopleList) -> dict[str, tuple[str, str, int, str | None]]:
    rows = _of(world, listed, "SELECT person, state, detail, attempts, stop FROM contacts")
    return {person: (state, detail, attempts, stop) for person, state, detail, attempts, stop in rows}


def _of(world: World, listed: PeopleList, query: str, order: str = "") -> list[tuple[Any, ...]]:
    where = "WHERE campaign_id = (SELECT id FROM campaigns WHERE name = ?)"
    return world.look(f"{query} {where} {order}", listed.campaign)


# --- I4: nobody is rung outside the hours -----------------------------------------------------------


def _in_time(world: World) -> Iterator[str]:
    """Each dial, by the clock of the machine, which is all that the product knows: neither as it leaves nor in the
    minute for which a telephone may ring is it a break anywhere where the person may be."""
    for post in world.posts if world.plan.breaks else ():
        for zone in {zone_of(post.number), CALIFORNIA} - {""}:
            begins = datetime.fromtimestamp(post.wall, ZoneInfo(zone))
            minutes = {(begins + timedelta(seconds=rung)).strftime("%H:%M") for rung in (0, 30, 59.99)}
            if any(_is_break(world, minute) for minute in minutes):
                yield f"I4 {post.number} was dialled at {begins}, and the breaks are {world.plan.breaks}"


def _not_too_soon(world: World) -> Iterator[str]:
    """Between two dials of a number that rang there is the gap, whichever campaigns they are of.

    A clock that was set says nothing of it, nor does an older ledger of the rings that it has forgotten.
    """
    if world.plan.gap is None or world.plan.weather.jumps or world.copies or world.had_rivals:
        return
    rang = {str(ring.call_id): ring.at - START.timestamp() for _, ring in world.carrier.rings if ring.nth}
    # Of dials under one id the last before the ring is the one that rang.
    dials = {post.call_id: post for post in world.posts if post.at <= rang.get(post.call_id, -1e9)}
    last: dict[str, float] = {}
    for post in sorted(dials.values(), key=lambda post: post.at):
        if post.at - last.get(post.number, -1e9) < world.plan.gap - _ROUNDING:
            yield f"I4 {post.number} was dialled at {post.at:.3f}, {post.at - last[post.number]:.3f} s after a ring"
        last[post.number] = post.at


_ROUNDING = 0.01


def _is_break(world: World, minute: str) -> bool:
    hour, _, rest = minute.partition(":")
    return any(start <= int(hour) * 60 + int(rest) < end for start, end in world.plan.breaks)


# --- I6: everybody is settled, as the platform tells it ----------------------------------------------


def _settled(world: World) -> Iterator[str]:
    theirs = _by_person(ring for _, ring in world.carrier.rings)
    for listed in world.lists:
        everyone = listed.everyone()
        for person, contact in _contacts(world, listed).items():
            if (listed.campaign, person) in world.marked:
                continue
            rings = theirs.get((listed.campaign, everyone.get(person, "")), [])
            try:
                told = fate(rings, world.plan.attempts)
            except AssertionError:
                continue  # told above
            if complaint := _complaint(world, listed, person, contact, told):
                yield f"I6 {person} of {listed.campaign} {complaint}"


def _complaint(
    world: World, listed: PeopleList, person: str, contact: tuple[str, str, int, str | None], told: Fate
) -> str:
    state, detail, attempts, stop = contact
    if state == "unknown":
        return _unjustified(world, listed, person)
    if state in ("due", "waiting") and (world.is_stopped(listed.campaign) or _is_blocked(world, listed, person)):
        return ""
    has_expired = state == "exhausted" and detail == "expired" and world.plan.expires is not None
    if has_expired and world.plan.weather.restores and attempts < told.attempts:
        return ""  # an older ledger was put back, and what it had forgotten does not matter any more
    if attempts != told.attempts:
        return f"has cost {attempts} attempts, and their calls cost {told.attempts}"
    if state == told.state:
        return ""
    may_be_open = state == "excluded" and (stop is not None or detail.startswith("rejected"))
    if told.state == "open" and (may_be_open or has_expired):
        return ""
    return f"is {state} ({detail}), and by their calls they are {told.state}"


def _is_blocked(world: World, listed: PeopleList, person: str) -> bool:
    """Whether a call of nobody knows whom, of another campaign, may be ringing this number."""
    rows = _of(
        world,
        listed,
        "SELECT person FROM contacts",
        "AND EXISTS (SELECT 1 FROM attempts JOIN numbers ON numbers.number = attempts.number "
        "WHERE attempts.state = 'unknown' AND numbers.contact_id = contacts.id)",
    )
    return (person,) in rows


def _unjustified(world: World, listed: PeopleList, person: str) -> str:
    """Why somebody may not be left unknown: the platform, as it is, proves what became of the dial."""
    rows = _of(
        world,
        listed,
        "SELECT call_id FROM attempts",
        f"AND state = 'unknown' AND contact_id = (SELECT id FROM contacts WHERE person = '{person}' "  # noqa: S608 - ours
        "AND campaign_id = attempts.campaign_id)",
    )
    if len(rows) != 1:
        return f"is unknown, with {len(rows)} unknown attempts"
    call_id = rows[0][0]
    if any(post.account for post in world.posts if post.call_id == call_id):
        return ""  # dialled under a key that is not there any more
    kind = world.plan.kind
    was_placed = any(ring.call_id == call_id for _, ring in world.carrier.rings)
    list_tells = kind.lists and kind.echoes
    if was_placed and (list_tells or kind.lookup in ("custom", "both")):
        return f"is unknown, and the platform shows call {call_id}"
    shows_ours = any(account == 0 and ring.nth for account, ring in world.carrier.rings)
    if not was_placed and list_tells and shows_ours:
        return f"is unknown, and the platform's list proves that {call_id} is absent"
    return ""


# --- I5: pace and lines --------------------------------------------------------------------------------


def _paced(world: World) -> Iterator[str]:
    """Within a process the rate holds, but for the one that may go ahead; each start may send one ahead."""
    rate = world.plan.per_second
    together = 2 if rate > 10 else 1
    for listed in world.lists:
        posts = [post for post in world.posts if post.campaign == listed.campaign]
        by_process: dict[int, list[float]] = defaultdict(list)
        for post in posts:
            by_process[post.process].append(post.at)
        most = max(1, int(rate)) + together
        for process, moments in by_process.items():
            if (found := most_in_a_second(moments)) > most:
                yield f"I5 process {process} sent {found} dials of {listed.campaign} in a second, {rate} are allowed"
        if not world.had_rivals and (complaint := _over_all(world, posts, most, together)):
            yield complaint


def _over_all(world: World, posts: Sequence[Any], most: int, together: int) -> str:
    moments = sorted(post.at for post in posts)
    for place, moment in enumerate(moments):
        within = sum(moment <= other < moment + 1.0 for other in moments[place : place + 4 * most])
        starts = sum(moment < start <= moment + 1.0 for start in world.starts)
        if within > most + starts * together:
            return f"I5 {within} dials within a second from {moment:.3f} on, over {starts + 1} processes"
    return ""


def _lines(world: World) -> Iterator[str]:
    """No more live calls of a campaign than it has lines: what was lost counts for as long as it is held, at least.

    A call of which no way told may be live beside others once its hold is over; with rivals, or a clock that was set,
    the hold is not what it seems.
    """
    limit = world.plan.lines
    if limit is None or world.plan.weather.jumps or world.had_rivals or world.copies:
        return
    held = {
        call_id
        for (call_id,) in world.look(
            "SELECT call_id FROM attempts JOIN events ON events.attempt_id = attempts.id WHERE event = 'held'"
        )
    }
    hold = world.plan.hold if world.guards.hold is None else world.guards.hold
    sent_at: dict[str, float] = {}
    for post in world.posts:
        sent_at[post.call_id] = post.at
    for listed in world.lists:
        moves: list[tuple[float, int]] = []
        for _, ring in world.carrier.rings:
            if ring.nth == 0 or ring.metadata is None or ring.metadata["campaign"] != listed.campaign:
                continue
            begins, ends = ring.at - START.timestamp(), ring.over_at - START.timestamp()
            if ring.call_id in held:
                ends = min(ends, sent_at[str(ring.call_id)] + hold)
            if ends > begins:
                moves += [(begins, 1), (ends, -1)]
        if (found := _most(moves)) > limit:
            yield f"I5 {found} calls of {listed.campaign} were live at once, and it has {limit} lines"


def _most(moves: Iterable[tuple[float, int]]) -> int:
    live = most = 0
    for _, change in sorted(moves):
        live += change
        most = max(most, live)
    return most
