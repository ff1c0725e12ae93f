"""The same dials as task queues would make them: arq on Redis, and procrastinate on PostgreSQL.

One job a person; the job POSTs and records the platform's answer. Both run a job again after a crash, and so ring
somebody twice. To know of a call that was under way, a job has to write an intent down before the POST, synced, as
dialer does: it is measured with and without. Jobs are put into the queue beforehand, as a list is taken in beforehand,
and each queue has one worker process with as many jobs at once as dialer has lines. The worker and its database have
the one core that dialer and its ledger have.

None of this belongs to the project. To measure it once (Debian's names):

    apt-get install redis-server postgresql
    pip install arq procrastinate "psycopg[binary,pool]"
    python -m tests.benchmarks --only queues
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx

from dialer.clock import Clock
from dialer.model import DialRequest, Reply, Secret
from dialer.verbex import Client, wire
from dialer.verbex.client import DIAL
from tests.benchmarks import dialing
from tests.benchmarks.bare_loop import OWN, number
from tests.benchmarks.kit import How, Line, Missing, Ratio, in_process, paired, pinned
from tests.benchmarks.server import served

LINES = 200
OWN_CLIENT, PLAIN_CLIENT = "with dialer's client", "with httpx as it comes"
"""What a job POSTs with: as dialer does, so that only the queue differs; or as whoever writes a job would."""

Post = Callable[[DialRequest], Awaitable[str]]
Work = Callable[..., float]


@dataclass(frozen=True, slots=True)
class Way:
    """How a job dials: with which client, and whether it writes an intent down before."""

    client: str
    writes_intent: bool = False

    def __str__(self) -> str:
        return f"{self.client}, an intent before each POST" if self.writes_intent else self.client


QUICKLY = (Way(OWN_CLIENT), Way(PLAIN_CLIENT))
SAFELY = (Way(OWN_CLIENT, writes_intent=True), Way(PLAIN_CLIENT, writes_intent=True))
"""What it costs to write down what dialer writes down. To promise what dialer promises they would have to read it, too,
after a crash, and to ask the platform."""

CONNECTIONS = 20
"""Of a worker to PostgreSQL."""

_RESULTS, _INTENTS = "SELECT COUNT(*) AS found FROM results", "SELECT COUNT(*) AS found FROM intents"

_NEEDED = ("arq", "procrastinate", "psycopg_pool")
_PROGRAMS = ("redis-server", "initdb", "pg_ctl")


def measure(how: How) -> list[Line]:
    """dialer's dials per second over each queue's, by turns against one server."""
    _look_for_what_is_needed()
    how.folder.chmod(0o711)  # PostgreSQL does not run as root, and has to reach its own folder
    people, times = (500, 1) if how.quick else (3_000, 3)
    lines = []
    with served(core=1) as url:
        ours = partial(_dialer, how.folder, url, people)

        def against(work: Work, socket: Path, queue: str, goal: int, ways: tuple[Way, ...]) -> None:
            for way in ways:
                ratio = paired(ours, partial(_on_core, work, str(socket), url, people, way), times)
                lines.append(_line(ratio, f"{queue}, {way}", goal))

        arq = f"arq {version('arq')} on Redis {_version('redis-server')}"
        for synced, ways in (("always", SAFELY + QUICKLY), ("everysec", QUICKLY)):
            with _redis(how.folder / f"redis-{synced}", synced) as socket:
                against(_arq, socket, f"{arq}, fsync {synced}", 7, ways)
        with _postgres(how.folder / "postgres") as socket:
            words = f"procrastinate {version('procrastinate')} on PostgreSQL {_version('postgres')}"
            against(_procrastinate, socket, f"{words}, synchronous_commit on", 10, SAFELY + QUICKLY)
    return lines


def _line(ratio: Ratio, queue: str, goal: int) -> Line:
    ours, theirs = statistics.median(ratio.ours), statistics.median(ratio.other)
    measured = f"{ratio} ×; {ours:,.0f} against {theirs:,.0f} a second"
    return Line("dials per second", queue, f"≥ {goal} ×", measured, ratio.median >= goal)


def _on_core(work: Work, *given: Any) -> float:
    with pinned(0):
        return in_process(work, *given).answer


# --- dialer ------------------------------------------------------------------------------------------


def _dialer(folder: Path, url: str, people: int) -> float:
    """Dials a second of a whole run, from the first intent in its ledger to the last end of a call. The 1,000 calls a
    second at which a campaign's file ends would bind: the campaign is made without one."""
    with tempfile.TemporaryDirectory(dir=folder) as place, pinned(0):
        return in_process(dialing.run, Path(place) / "run", url, people, LINES).answer.per_second


# --- the job -----------------------------------------------------------------------------------------


def _request(place: int) -> DialRequest:
    call_id = f"{place:08d}{time.time_ns():024d}"
    data = {"first_name": f"Name{place}", "amount_due": "12.50"}
    return DialRequest(call_id, OWN, number(place), None, {"crm_id": f"c{place}", "dialer_call_id": call_id}, data)


@contextlib.asynccontextmanager
async def _posting(url: str, client: str) -> AsyncIterator[Post]:
    """What a job does: send the dial, and give the platform's record to be kept."""
    if client == OWN_CLIENT:
        async with Client(url, Secret("API_made_up"), connections=LINES + 10, now=Clock().now) as own:
            yield partial(_posted_by_own, own)
    else:
        limits = httpx.Limits(max_connections=LINES + 10, max_keepalive_connections=LINES + 10)
        async with httpx.AsyncClient(base_url=url, limits=limits, timeout=30.0) as plain:
            yield partial(_posted_by_plain, plain)


async def _posted_by_own(client: Client, request: DialRequest) -> str:
    answer = await client.dial(request)
    if not isinstance(answer, Reply) or answer.record is None:
        raise RuntimeError(f"not dialled: {answer}")
    return json.dumps(dict(answer.record.record))


async def _posted_by_plain(client: httpx.AsyncClient, request: DialRequest) -> str:
    answer = await client.post(DIAL, json=wire.payload(request))
    answer.raise_for_status()
    return json.dumps(answer.json())


# --- arq on Redis ------------------------------------------------------------------------------------


def _arq(socket: str, url: str, people: int, way: Way) -> float:
    """Jobs a second of one worker of arq, whose results are kept in Redis."""
    return asyncio.run(_arq_worked(socket, url, people, way))


async def _arq_worked(socket: str, url: str, people: int, way: Way) -> float:
    arq: Any = importlib.import_module("arq")
    pool = await arq.create_pool(arq.connections.RedisSettings(unix_socket_path=socket))
    await pool.flushall()
    for place in range(people):
        await pool.enqueue_job("dial", place)
    async with _posting(url, way.client) as post:
        worker = arq.Worker(
            [arq.func(_arq_job, name="dial", keep_result_forever=True)],
            redis_pool=pool,
            burst=True,
            max_jobs=LINES,
            handle_signals=False,
            ctx={"post": post, "way": way},
        )
        began = time.perf_counter()
        await worker.async_run()
        seconds = time.perf_counter() - began
        for kept in ("arq:result", *(["intent"] if way.writes_intent else [])):
            _check(len([key async for key in pool.scan_iter(f"{kept}:*", count=1000)]), people)
        await worker.close()
    return people / seconds


async def _arq_job(ctx: dict[str, Any], place: int) -> str:
    post: Post = ctx["post"]
    request = _request(place)
    if ctx["way"].writes_intent:
        await ctx["redis"].set(f"intent:{place}", request.call_id)
    return await post(request)


@contextlib.contextmanager
def _redis(folder: Path, synced: str) -> Iterator[Path]:
    """A server of its own, with nothing but the append-only file; gives its socket."""
    folder.mkdir()
    socket = folder / "redis.sock"
    options = {"port": 0, "unixsocket": socket, "dir": folder, "appendonly": "yes", "appendfsync": synced, "save": ""}
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    with pinned(0):
        process = subprocess.Popen([_found("redis-server"), *words], stdout=subprocess.DEVNULL)
    with process:
        while not socket.exists():
            if process.poll() is not None:
                raise RuntimeError(f"redis-server ended with {process.returncode}")
            time.sleep(0.02)
        yield socket
        process.terminate()


# --- procrastinate on PostgreSQL ---------------------------------------------------------------------


def _procrastinate(socket: str, url: str, people: int, way: Way) -> float:
    """Jobs a second of one worker of procrastinate, whose results go into a table."""
    return asyncio.run(_procrastinate_worked(socket, url, people, way))


async def _procrastinate_worked(socket: str, url: str, people: int, way: Way) -> float:
    procrastinate: Any = importlib.import_module("procrastinate")
    database = procrastinate.PsycopgConnector(
        conninfo=f"host={socket} user=postgres dbname=postgres", min_size=CONNECTIONS, max_size=CONNECTIONS
    )
    async with procrastinate.App(connector=database).open_async() as app, _posting(url, way.client) as post:

        @app.task(name="dial")  # type: ignore[untyped-decorator]
        async def dial(place: int) -> None:
            request = _request(place)
            if way.writes_intent:
                await database.execute_query_async(
                    "INSERT INTO intents VALUES (%(place)s, %(call_id)s)", place=place, call_id=request.call_id
                )
            record = await post(request)
            await database.execute_query_async(
                "INSERT INTO results VALUES (%(place)s, %(record)s)", place=place, record=record
            )

        await _emptied(app, database)
        await dial.batch_defer_async(*({"place": place} for place in range(people)))
        began = time.perf_counter()
        await app.run_worker_async(concurrency=LINES, wait=False, install_signal_handlers=False)
        seconds = time.perf_counter() - began
        for query in (_RESULTS, *([_INTENTS] if way.writes_intent else [])):
            _check((await database.execute_query_one_async(query))["found"], people)
    return people / seconds


async def _emptied(app: Any, database: Any) -> None:
    found = await database.execute_query_one_async("SELECT to_regclass('results') IS NOT NULL AS there")
    if found["there"]:
        await database.execute_query_async("TRUNCATE intents, results, procrastinate_jobs CASCADE")
        return
    await app.schema_manager.apply_schema_async()
    await database.execute_query_async("CREATE TABLE intents (place integer PRIMARY KEY, call_id text NOT NULL)")
    await database.execute_query_async("CREATE TABLE results (place integer PRIMARY KEY, record jsonb NOT NULL)")


@contextlib.contextmanager
def _postgres(folder: Path) -> Iterator[Path]:
    """A server of its own with its default settings, each commit synced; gives the folder of its socket."""
    folder.mkdir()
    user = []
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
        user = ["runuser", "-u", "postgres", "--"]
    data = str(folder / "data")
    settings = f"-k {folder} -c listen_addresses= -c synchronous_commit=on -c fsync=on"
    run = partial(subprocess.run, check=True, stdout=subprocess.DEVNULL, cwd=folder)
    run([*user, _found("initdb"), "-D", data, "-A", "trust", "-U", "postgres", "--encoding", "UTF8"])
    with pinned(0):
        run([*user, _found("pg_ctl"), "-D", data, "-w", "-l", str(folder / "log"), "-o", settings, "start"])
    try:
        yield folder
    finally:
        run([*user, _found("pg_ctl"), "-D", data, "-w", "-m", "fast", "stop"])


# --- what is needed ----------------------------------------------------------------------------------


def _check(found: int, people: int) -> None:
    if found != people:
        raise RuntimeError(f"{found} results were kept of {people}")


def _look_for_what_is_needed() -> None:
    missing = [name for name in _NEEDED if find_spec(name) is None]
    missing += [name for name in _PROGRAMS if _program(name) is None]
    if missing:
        raise Missing(f"{', '.join(missing)} not found: the top of {Path(__file__).name} says what to install")


def _program(name: str) -> str | None:
    """Debian keeps PostgreSQL's programs outside of the path, by version."""
    beside = sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin")), reverse=True)
    return shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), *beside]))


def _found(name: str) -> str:
    return _program(name) or name


def _version(program: str) -> str:
    said = subprocess.run([_found(program), "--version"], check=True, capture_output=True, text=True).stdout
    return next(word.removeprefix("v=") for word in said.split() if word.removeprefix("v=")[0].isdigit())
