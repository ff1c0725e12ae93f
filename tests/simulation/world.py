"""A seed from its first process to its last: what happens to the processes, and between them."""

from __future__ import annotations

import contextlib
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dialer.clock import Boot, Clock
from dialer.errors import ExitCode
from dialer.ledger.moments import instant
from dialer.model import Campaign, DialRequest
from dialer.runner.options import Options
from tests.ledger_kit import forge
from tests.simulation.campaigns import campaign_of, found
from tests.simulation.carrier import Carrier
from tests.simulation.client import Network
from tests.simulation.lists import PeopleList, lists_of, refused_by_platform
from tests.simulation.loop import SteppedLoop, stepped
from tests.simulation.operating import became, say
from tests.simulation.plan import Plan
from tests.simulation.posts import Post, without_intent
from tests.simulation.process import Guards, Orders, Process
from tests.simulation.story import Story
from tests.virtual_time import START

_SIMULATED = 30 * 86400.0
_MOST_CALM = 40
_CALM_CRON = 1800.0
_REBOOTS = 0.15  # of the kills
_NEVER_TOO_MANY = 100_000
_OPEN = ("due", "waiting", "dialing")
_EXPECTED = {
    ExitCode.OK,
    ExitCode.UNKNOWN_LEFT,
    ExitCode.PAUSED,
    ExitCode.WORK_REMAINS,
    ExitCode.LOOK_FIRST,
    ExitCode.UNREACHABLE,
}


@dataclass
class World:
    """Everything that outlives a process."""

    plan: Plan
    folder: Path
    guards: Guards
    story: Story = field(default_factory=Story)
    broken: list[str] = field(default_factory=list)
    posts: list[Post] = field(default_factory=list)
    codes: list[ExitCode | None] = field(default_factory=list)
    copies: list[bytes] = field(default_factory=list)
    starts: list[float] = field(default_factory=list)
    marked: set[tuple[str, str]] = field(default_factory=set)  # campaign and person, by the operator

    def __post_init__(self) -> None:
        self._second = 0.0
        self._loop: SteppedLoop | None = None
        self._behind = 0.0  # how far the process's own seconds are ahead of the true ones
        self._account = 0
        self._boots = 1
        self.path = self.folder / "dialer.db"
        self.lists: list[PeopleList] = lists_of(self.plan, self.folder)
        self.refused = refused_by_platform(self.plan)
        self.carrier = Carrier(self.plan, self.refused, self.now, self.story)
        dice = self.plan.rng("network")
        self.network = Network(self.plan, self.carrier, self.story, self.now, self._posted, dice)
        self._dice = self.plan.rng("world")
        self._own_dice = self.plan.rng("product")

    # --- time ---

    def now(self) -> float:
        """The true second."""
        return self._second if self._loop is None else self._loop.time() - self._behind

    def wall(self) -> float:
        """What the machine's clock shows, as epoch seconds."""
        return START.timestamp() + self.now() + self.set_by(self.now())

    def set_by(self, second: float) -> float:
        """How far the machine's clock is from the truth at that second."""
        return sum(seconds for at, seconds in self.plan.weather.jumps if at <= second)

    def _clock(self, loop: SteppedLoop) -> Clock:
        return Clock(self.wall, loop.time, self._own_dice.random, self._boot)

    def _boot(self) -> Boot:
        return Boot(f"boot {self._boots}", self.now() + 1000.0 * self._boots)

    # --- the whole of it ---

    def run(self) -> None:
        """The storm, then calm weather until everybody is settled."""
        found(self.path, self.plan)
        self.guards.ledger_made(self.path)
        with contextlib.closing(sqlite3.connect(self.path, isolation_level=None)) as self._reader:
            while len(self.codes) < self.plan.processes and self.network.is_stormy:
                self._deeds()
                self._one_process(self._stormy_orders())
                self._second += self._pause_after(self.codes[-1])
            self._calm_down()
            self.tables = self._tables()

    def _one_process(self, orders: Orders) -> None:
        dice = self.plan.rng(f"process {orders.number}")
        most = self.plan.weather.commits
        self._behind = 1000.0 * orders.number
        self.starts.append(self._second)
        loop = stepped(
            self._second + self._behind,
            orders.kill_at,
            lambda: dice.random() * most if self.network.is_stormy else 0.0,
        )
        self._account = orders.account
        process = Process(orders, self.path, self.network, self._clock, self.guards, dice)
        self.story.tell(self._second, "starts", orders.number, "key", orders.account)
        self._loop = loop
        try:
            process.run(loop, until=_SIMULATED + self._behind)
            self._second = self.now()
        finally:
            self._loop = None
        self.carrier.lose(lambda: self._dice.random() < 0.5)
        self.carrier.advance()
        self.codes.append(process.code)
        self.broken += process.errors
        self._check_code(process, orders)
        self._check_sums()

    def _check_code(self, process: Process, orders: Orders) -> None:
        expected = _EXPECTED | ({ExitCode.HELD, ExitCode.LEDGER} if orders.rival_after is not None else set())
        if process.code is not None and process.code not in expected:
            self.broken.append(f"process {orders.number} ended with {process.code.name}")

    def _check_sums(self) -> None:
        """I3 at every moment at which nothing runs."""
        counted = dict(self._rows("SELECT campaign_id || state, COUNT(*) FROM contacts GROUP BY 1"))
        kept = dict(self._rows("SELECT campaign_id || state, SUM(n) FROM tallies GROUP BY 1 HAVING SUM(n) > 0"))
        if counted != kept:
            self.broken.append(f"I3 the counters say {kept}, the contacts are {counted}")

    @property
    def had_rivals(self) -> bool:
        """Whether a second run was let loose on the ledger."""
        return self.plan.weather.rival > 0

    def is_stopped(self, campaign: str) -> bool:
        """Whether the campaign was cancelled, or is held until somebody puts the right ledger back."""
        rows = self.look("SELECT 1 FROM campaigns WHERE name = ? AND paused = 'cancelled'", campaign)
        return bool(rows) or self.is_doubted

    def look(self, query: str, *given: Any) -> list[tuple[Any, ...]]:
        """Rows of the ledger as it was left."""
        with contextlib.closing(sqlite3.connect(self.path)) as db:
            return db.execute(query, given).fetchall()

    def _rows(self, query: str, *given: Any) -> list[tuple[Any, ...]]:
        return self._reader.execute(query, given).fetchall()

    # --- a dial leaves ---

    def _posted(self, process: int, request: DialRequest) -> None:
        about = request.metadata["campaign"], request.call_id, self._account
        post = Post(self.now(), process, *about, self.wall(), request.to_number)
        self.posts.append(post)
        self.story.tell(post.at, "post", request.to_number, request.call_id)
        self.broken += without_intent(self.plan, request, self.wall(), self._rows)

    # --- in the storm ---

    def _stormy_orders(self) -> Orders:
        weather, dice, number = self.plan.weather, self._dice, len(self.codes) + 1

        def soon() -> float:
            return float(10 ** (dice.random() * 3 - 1))

        kill_at = int(10 ** (1 + dice.random() * 3.5)) if dice.random() < weather.kill else None
        signals = sorted(soon() for _ in range(dice.choice((1, 2)))) if dice.random() < weather.signal else []
        words = []
        if dice.random() < weather.word:
            name = dice.choice(self.lists).campaign
            words.append((soon(), name, dice.choice(("pause", "pause", "pause", "resume", "cancel"))))
        return Orders(
            number=number,
            campaigns=self._campaigns(other_key := int(dice.random() < weather.other_key)),
            account=other_key,
            options=self._options(),
            kill_at=kill_at,
            signals=tuple(signals),
            words=tuple(words),
            rival_after=soon() if dice.random() < weather.rival else None,
        )

    def _options(self) -> Options:
        return Options(wait=self.plan.stays)

    def _pause_after(self, code: ExitCode | None) -> float:
        """Somebody starts it again: a supervisor soon, cron at its time."""
        if code is None:
            self._boots += self._dice.random() < _REBOOTS
            return float(10 ** (self._dice.random() * 3.5 - 0.5))
        return self._cron()

    def _cron(self) -> float:
        """Seconds to the next start that finds somebody due; those before it would change nothing."""
        (due_at,) = self._rows("SELECT MIN(due_at) FROM contacts WHERE state IN ('due', 'waiting')")[0]
        return max(self.plan.cron, instant(due_at).timestamp() - self.wall() - 30.0 if due_at else 0.0)

    def _deeds(self) -> None:
        """What is done between two processes."""
        weather, dice = self.plan.weather, self._dice
        if not self.codes:
            return
        if dice.random() < weather.list_changes:
            one = dice.choice(self.lists)
            self.story.tell(self._second, "list", one.campaign, one.change(dice))
        if dice.random() < 0.5:
            self._resume()
        if weather.restores:
            self._copy_or_restore(dice.random() < weather.restores)

    def _resume(self) -> None:
        for (name,) in self._rows("SELECT name FROM campaigns WHERE paused = 'paused'"):
            forge(self.path, "UPDATE campaigns SET paused = NULL WHERE name = ?", name)
            self.story.tell(self._second, "resumed", name)

    def _copy_or_restore(self, restores: bool) -> None:
        """A backup is made; or the last one is put back in the place of the ledger."""
        if not restores or not self.copies:
            self._reader.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self.copies.append(self.path.read_bytes())
            return
        self._reader.close()
        for ending in ("-wal", "-shm"):
            self.path.with_name(self.path.name + ending).unlink(missing_ok=True)
        older = self._dice.choice(self.copies)
        self.path.unlink()
        self.path.write_bytes(older)
        self._reader = sqlite3.connect(self.path, isolation_level=None)
        self.story.tell(self._second, "restored", len(older))

    # --- in calm weather ---

    def _calm_down(self) -> None:
        """I6: without faults the same command reaches the end; and once more dials nobody."""
        self.network.is_calm = True
        self.story.tell(self._second, "calm")
        for _ in range(_MOST_CALM):
            self._resume()
            self._one_process(self._calm_orders())
            if self.codes[-1] is ExitCode.ERROR or self.is_doubted:
                return
            if not self._open():
                self._once_more()
                return
            self._operator()
            self._second += max(self._cron(), _CALM_CRON)
        self.broken.append(f"I6 {_MOST_CALM} runs without a fault, and still open: {self._open()}")

    @property
    def is_doubted(self) -> bool:
        """Whether the platform cannot show what an older ledger has forgotten: it is said, and nobody is dialled."""
        doubts = self.look("SELECT 1 FROM ledger, campaigns WHERE doubted_at > COALESCE(proven_at, '')")
        return bool(doubts) and self.codes[-1] is ExitCode.LOOK_FIRST

    def _operator(self) -> None:
        """Who dialled under a key that is gone has to look there, and say what became of those calls."""
        rings = [ring for _, ring in self.carrier.rings]
        elsewhere = {post.call_id for post in self.posts if post.account}
        held = self._rows(
            "SELECT attempts.id, call_id, campaigns.name, person FROM attempts "
            "JOIN campaigns ON campaigns.id = attempts.campaign_id "
            "JOIN contacts ON contacts.id = contact_id WHERE attempts.state = 'unknown'"
        )
        words = {row[0]: became(row[1], rings) for row in held if row[1] in elsewhere}
        self.marked |= {(row[2], row[3]) for row in held if row[1] in elsewhere}
        if words:
            say(self.path, words, self._campaigns(0)[0].retry, Clock(self.wall, lambda: 0.0, lambda: 0.5))
            self.story.tell(self._second, "marked", *words.values())

    def _calm_orders(self) -> Orders:
        campaigns = self._campaigns(0, max_unknown=_NEVER_TOO_MANY)
        return Orders(len(self.codes) + 1, campaigns, 0, self._options())

    def _open(self) -> list[tuple[Any, ...]]:
        """Who is neither finished nor held; somebody whose number an open call may be ringing is held too, and whoever
        came with a list after the campaign was cancelled is dialled no more."""
        marks = ", ".join("?" * len(_OPEN))
        query = f"""SELECT person, state, detail, due_at FROM contacts WHERE state IN ({marks}) AND NOT EXISTS
                    (SELECT 1 FROM attempts JOIN numbers ON numbers.number = attempts.number
                     WHERE attempts.state = 'unknown' AND numbers.contact_id = contacts.id)
                    AND campaign_id NOT IN (SELECT id FROM campaigns WHERE paused = 'cancelled') LIMIT 5"""  # noqa: S608
        return self._rows(query, *_OPEN)

    def _once_more(self) -> None:
        """Whoever is finished stays so: the same command once more dials nobody, but for those of whom it learns then
        that they were not rung."""
        before = len(self.posts)
        held = self._rows("SELECT 1 FROM attempts WHERE state = 'unknown'")
        self._second += self.plan.cron
        self._one_process(self._calm_orders())
        if len(self.posts) > before and not held:
            self.broken.append(f"I6 everybody was finished, and {len(self.posts) - before} were dialled once more")

    # --- the files ---

    def _campaigns(self, account: int, max_unknown: int | None = None) -> tuple[Campaign, ...]:
        plan = self.plan
        hold = plan.hold if self.guards.hold is None else self.guards.hold
        most = max_unknown or plan.max_unknown
        return tuple(campaign_of(plan, one, self.path, account, most, hold) for one in self.lists)

    def _tables(self) -> dict[str, list[tuple[Any, ...]]]:
        """The ledger's rows, without what differs from machine to machine."""
        names = ("attempts", "contacts", "events", "imports", "rejects", "tallies")
        return {name: self._rows(f"SELECT * FROM {name} ORDER BY 1, 2") for name in names}  # noqa: S608 - ours
