"""The named queries and the schema: the schema understands each query, and no update makes an illegal move."""

from __future__ import annotations

import contextlib
import re
import sqlite3
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta, timezone
from importlib import resources
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import sqlite_utils
from hypothesis import given
from hypothesis import strategies as st

from dialer.ledger import moments, queries
from dialer.model import AttemptState, ContactState
from dialer.policy.lifecycle import ATTEMPT_MOVES, CONTACT_MOVES
from tests.ledger_kit import ROOT, founded, rows_of

LEDGER = ROOT / "dialer" / "ledger"
FILES = sorted(path.name for path in LEDGER.glob("*.sql"))
SCRIPTS = sorted(LEDGER.glob("*.sql")) + sorted(LEDGER.glob("migrations/*.sql"))
QUERIES = {name: sql for file in FILES for name, sql in queries.load(file).items()}

Moves = set[tuple[str, str]]

# --- which moves the queries make --------------------------------------------------------------------

_UPDATE = re.compile(r"\bUPDATE (contacts|attempts) SET\b")
_LIST = r"\(\s*('\w+'(?:\s*,\s*'\w+')*)\s*\)"
_GUARD = re.compile(rf"(?<![:\w])(?:(?:contacts|attempts)\.)?state (?:= '(\w+)'|IN {_LIST})")
_DECIDED = re.compile(rf":state IN {_LIST}")
_CASE = re.compile(r"CASE WHEN (.+?) THEN '(\w+)' ELSE (?:contacts\.)?state END")
_WORD_BY_WORD = re.compile(r"\(((?:\w+\.|:)?state) = '\w+'(?: OR \1 = '\w+')+\)")
_ARROW = re.compile(r"^-- ((?:\w+ \| )*\w+) -> (\w+)")


def without_comments(sql: str) -> str:
    return "\n".join(line for line in sql.splitlines() if not line.startswith("--"))


def listed(match: re.Match[str]) -> str:
    """A column's words that are asked for one by one, as the list that they are."""
    words = ", ".join(re.findall(r"'\w+'", match[0]))
    return f"{match[1]} IN ({words})"


def split(sql: str) -> tuple[str, str]:
    """The SET and the WHERE of an update; selects inside brackets have guards of their own, and are cut out."""
    text = _WORD_BY_WORD.sub(listed, " ".join(without_comments(sql).split()))
    while (flat := re.sub(r"\(SELECT [^()]*(?:\([^()]*\)[^()]*)*\)", "?", text)) != text:
        text = flat
    changes, _, where = text.partition(" SET ")[2].partition(" WHERE ")
    return changes, where


def named(match: re.Match[str]) -> set[str]:
    """The states that a guard names."""
    return {word for group in match.groups() if group for word in re.findall(r"\w+", group)}


def guarded(where: str) -> set[str]:
    """The states from which an update moves: all that stand under OR would be a hole, so none may."""
    guards = [named(found) for found in _GUARD.finditer(where)]
    assert " OR " not in re.sub(r"\([^()]*\)", "", where), where
    return set.intersection(*guards) if guards else set()


def moves_of(sql: str, others: Mapping[str, str]) -> Moves:
    """From and to of an update, as its text says; AssertionError where it says no expected state."""
    changes, where = split(sql)
    case = _CASE.search(changes)
    if case is not None:
        starts = guarded(resolved(case[1], others))
        assert starts, f"an update that names no expected state: {sql}"
        return {(start, case[2]) for start in starts}
    starts = guarded(where)
    assert starts, f"an update that names no expected state: {sql}"
    plain = re.search(r"\bstate = '(\w+)'", changes)
    if plain is not None:
        return {(start, plain[1]) for start in starts}
    assert re.search(r"\bstate = :state\b", changes), sql
    decided = _DECIDED.search(where)
    assert decided is not None, f"a state from outside that is not checked: {sql}"
    return {(start, end) for start in starts for end in named(decided)}


def resolved(condition: str, others: Mapping[str, str]) -> str:
    """A condition that is a column of a temporary table stands where that table is made."""
    column = re.fullmatch(r"\w+\.(\w+)", condition)
    if column is None:
        return condition
    for sql in others.values():
        found = re.search(rf",\s*([^,]+?) AS {column[1]}\b", " ".join(sql.split()))
        if found is not None:
            return found[1]
    raise AssertionError(f"{condition} is made nowhere")


def sets_state(sql: str) -> bool:
    return bool(_UPDATE.search(without_comments(sql))) and bool(re.search(r"(?<![:.\w])state =", split(sql)[0]))


def table_of(sql: str) -> str:
    found = _UPDATE.search(sql)
    assert found is not None
    return found[1]


ARROWS: dict[str, Moves] = {
    "wake": {("waiting", "due")},
    "expire": {("due", "exhausted"), ("waiting", "exhausted")},
    "contact_dials": {("due", "dialing")},
    "same_attempt": {("refused", "intended")},
    "attempt_placed": {("intended", "placed"), ("unknown", "placed")},
    "contact_found_live": {("unknown", "dialing")},
    "attempt_ended": {("intended", "ended"), ("placed", "ended"), ("unknown", "ended")},
    "attempt_refused": {("intended", "refused"), ("unknown", "refused")},
    "attempt_unknown": {("intended", "unknown"), ("placed", "unknown")},
    "contact_unknown": {("dialing", "unknown")},
    "attempt_ended_by_hand": {("unknown", "ended")},
    "attempt_refused_by_hand": {("unknown", "refused")},
    "adopted_again": {("refused", "intended")},
    "wake_one": {("waiting", "due")},
    "wait_for_caller": {("due", "waiting")},
    "without_caller": {("due", "excluded")},
    "called_back": {("done", "due")},
    "halted_is_dropped": {("due", "excluded")},
    "contact_is_adopted": {("due", "dialing")},
    "contact_settles": {
        (start, end) for start in ("dialing", "unknown") for end in ("due", "waiting", "done", "exhausted", "excluded")
    },
    "excluded_due_again": {("excluded", "due")},
    "requeue": {("done", "due"), ("exhausted", "due"), ("excluded", "due")},
    "withdraw_purged": {("due", "excluded"), ("waiting", "excluded")},
    "cancel_waiting": {("due", "excluded"), ("waiting", "excluded")},
    "withdraw": {("due", "excluded"), ("waiting", "excluded")},
    "take_back": {("excluded", "due")},
    "take_new_data": {("excluded", "due")},
    "stop_waiting": {("due", "excluded"), ("waiting", "excluded")},
    "free_again": {("excluded", "due")},
    "contact_waits": {("due", "waiting")},
    "contact_is_barred": {("due", "excluded")},
    "bar_now": {("due", "excluded")},
    "bar_later": {("due", "excluded"), ("waiting", "excluded")},
    "free": {("excluded", "due")},
    "bar_listed": {("due", "excluded"), ("waiting", "excluded")},
    "unbar_unlisted": {("excluded", "due")},
}
"""The arrows of docs/lifecycle.md that the ledger makes, by the query that makes them."""

MOVING = {name: sql for name, sql in QUERIES.items() if sets_state(sql)}
LEGAL: dict[str, set[tuple[str, str]]] = {
    "contacts": {(str(start), str(end)) for start, end in CONTACT_MOVES},
    "attempts": {(str(start), str(end)) for start, end in ATTEMPT_MOVES},
}


def test_the_queries_that_move_somebody_are_these() -> None:
    assert sorted(MOVING) == sorted(ARROWS)


@pytest.mark.parametrize("name", sorted(MOVING))
def test_an_update_makes_the_moves_that_are_listed_and_all_of_them_are_legal(name: str) -> None:
    made = moves_of(MOVING[name], QUERIES)
    assert made == ARROWS[name]
    assert made <= LEGAL[table_of(MOVING[name])]


@pytest.mark.parametrize("name", sorted(name for name, sql in MOVING.items() if _ARROW.match(sql)))
def test_the_arrow_in_the_comment_is_the_one_that_is_made(name: str) -> None:
    arrow = _ARROW.match(MOVING[name])
    assert arrow is not None
    starts = set(arrow[1].split(" | "))
    ends = {end for _, end in ARROWS[name]} if arrow[2] == "whatever" else {arrow[2]}
    assert {(start, end) for start in starts for end in ends} == ARROWS[name]


def test_every_legal_move_of_an_attempt_is_made_somewhere() -> None:
    made = set().union(*(ARROWS[name] for name in ARROWS if table_of(MOVING[name]) == "attempts"))
    assert made == LEGAL["attempts"]


def test_nobody_enters_in_another_state_than_due_or_intended() -> None:
    entering = {name: sql for name, sql in QUERIES.items() if re.search(r"INSERT INTO (contacts|attempts)\b", sql)}
    assert sorted(entering) == ["add_contacts", "adopted_attempt", "new_attempt"]
    words = {str(state) for state in (*ContactState, *AttemptState)}
    for name, state in (("add_contacts", "due"), ("new_attempt", "intended"), ("adopted_attempt", "intended")):
        sql = QUERIES[name]
        assert set(re.findall(r"'(\w+)'", without_comments(sql))) & words == {state}


def test_no_state_is_set_outside_the_named_queries() -> None:
    for path in LEDGER.glob("*.py"):
        assert not re.search(r"(UPDATE|INSERT INTO) (contacts|attempts)\b", path.read_text("utf-8")), path


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE contacts SET state = 'due' WHERE id = :contact",
        "UPDATE contacts SET state = 'due' WHERE id = :contact AND (SELECT state = 'waiting' FROM contacts)",
        "UPDATE contacts SET state = :state WHERE id = :contact AND state = 'dialing'",
        "UPDATE contacts SET state = 'due' WHERE id = :contact OR state = 'waiting'",
        "UPDATE contacts SET state = CASE WHEN detail = '' THEN 'due' ELSE state END WHERE id = :contact",
    ],
)
def test_an_update_without_a_guard_is_found(sql: str) -> None:
    assert sets_state(sql)
    with pytest.raises(AssertionError):
        moves_of(sql, {})


def test_an_illegal_move_is_found() -> None:
    sql = "UPDATE contacts SET due_at = NULL, state = 'due' WHERE id = :contact AND state IN ('dialing', 'done', 'due')"
    assert moves_of(sql, {}) == {("dialing", "due"), ("done", "due"), ("due", "due")}
    assert not moves_of(sql, {}) <= LEGAL["contacts"]


# --- every query -------------------------------------------------------------------------------------


@contextlib.contextmanager
def empty(folder: Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(founded(folder / "dialer.db"), isolation_level=None)) as db:
        yield db


def dummies(sql: str) -> dict[str, None] | tuple[None, ...]:
    names = set(re.findall(r"(?<![\w:]):(\w+)", without_comments(sql)))
    return dict.fromkeys(names) if names else (None,) * sql.count("?")


MAKES = {"consents.sql": "importing.sql"}
"""Files that read tables which another one makes."""


@pytest.mark.parametrize("file", FILES)
def test_every_query_is_one_that_the_schema_understands(tmp_path: Path, file: str) -> None:
    with empty(tmp_path) as db:
        for name, sql in queries.load(MAKES[file]).items() if file in MAKES else ():
            if name.startswith("make_"):
                db.execute(sql, dummies(sql))
        for name, sql in queries.load(file).items():
            if table := re.search(r"CREATE TEMP TABLE (\w+)", sql):
                db.execute(f"DROP TABLE IF EXISTS {table[1]}")
            db.execute(f"EXPLAIN {sql}", dummies(sql)).fetchall()
            if name.startswith(("make_", "index_")):
                db.execute(sql, dummies(sql))  # those after it read what it makes


@pytest.mark.parametrize("file", FILES)
def test_every_query_is_told_in_a_sentence(file: str) -> None:
    for name, sql in queries.load(file).items():
        first = sql.splitlines()[0]
        assert re.fullmatch(r"-- \S.{3,}", first), name
        sentence = " ".join(line[3:] for line in sql.splitlines() if line.startswith("-- "))
        assert sentence.endswith("."), name


def test_every_query_is_used() -> None:
    code = "\n".join(path.read_text("utf-8") for path in LEDGER.glob("*.py"))
    unused = [name for name in QUERIES if f'"{name.removesuffix("_first_only")}' not in code]
    assert unused == []


def test_a_name_that_stands_twice_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "twice.sql").write_text("-- :name one\n-- A.\nSELECT 1\n\n-- :name one\n-- B.\nSELECT 2\n")
    monkeypatch.setattr(resources, "files", lambda _: tmp_path)
    with pytest.raises(ValueError, match=r"twice\.sql: a query name stands twice"):
        queries.load("twice.sql")


def test_a_query_ends_where_the_next_begins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "two.sql").write_text(
        "-- Of both.\n\n-- :name one\n-- A.\nSELECT 1\n\n-- :name two\n-- B.\nSELECT\n2\n"
    )
    monkeypatch.setattr(resources, "files", lambda _: tmp_path)
    assert queries.load("two.sql") == {"one": "-- A.\nSELECT 1", "two": "-- B.\nSELECT\n2"}


# --- the schema --------------------------------------------------------------------------------------

_TOO_NEW = re.compile(
    # What came after SQLite 3.37: 3.38, 3.39, 3.41–3.48, in this order.
    r"->|\bunixepoch\b|\bformat\s*\("
    r"|\bRIGHT JOIN\b|\bFULL (OUTER )?JOIN\b|\bIS (NOT )?DISTINCT FROM\b"
    r"|\bunhex\b|\bsubsec|\boctet_length\b|\btimediff\b|\bconcat(_ws)?\s*\(|\bstring_agg\b"
    r"|\bjsonb|\bjson_pretty\b|\biif\s*\([^,()]*,[^,()]*\)|\bif\s*\(|\w+\([^()]*ORDER BY[^()]*\)\s*(?!AS)",
    re.IGNORECASE,
)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_no_word_of_a_newer_sqlite_than_is_asked_for(path: Path) -> None:
    told = [line.split("--")[0] for line in path.read_text("utf-8").splitlines()]
    text = re.sub(r"'[^']*'", "''", "\n".join(told))
    assert _TOO_NEW.search(re.sub(r"\(\s*SELECT\b[^()]*(?:\([^()]*\)[^()]*)*\)", "", text)) is None


@pytest.mark.parametrize(
    "sql", ["data ->> '$.x'", "a IS DISTINCT FROM b", "x RIGHT JOIN y", "json_group_array(n ORDER BY n)"]
)
def test_a_word_of_a_newer_sqlite_is_found(sql: str) -> None:
    assert _TOO_NEW.search(sql)


def test_all_tables_are_strict(tmp_path: Path) -> None:
    path = founded(tmp_path / "dialer.db")
    tables = rows_of(path, "SELECT name, strict FROM pragma_table_list WHERE schema = 'main' AND type = 'table'")
    ours = {found["name"]: found["strict"] for found in tables if not found["name"].startswith(("sqlite_", "_sqlite_"))}
    assert set(ours) >= {"campaigns", "contacts", "attempts", "events", "rejects", "runs"}
    assert set(ours.values()) == {1}


RESULTS = [
    "campaign",
    "id",
    "phone",
    "state",
    "attempts",
    "finish_reason",
    "call_status",
    "call_id",
    "platform_id",
    "from_number",
    "ai_agent_id",
    "started_at",
    "ended_at",
    "duration_seconds",
    "recording_url",
    "transcript",
    "due_at",
    "detail",
]


def test_others_open_it_as_it_is_and_find_the_promised_views(tmp_path: Path) -> None:
    db = sqlite_utils.Database(founded(tmp_path / "dialer.db"))
    try:
        assert {"campaigns", "contacts", "attempts", "events", "rejects", "runs"} <= set(db.table_names())
        assert set(db.view_names()) == {"results", "reasons"}
        assert [column.name for column in db["results"].columns][: len(RESULTS)] == RESULTS
        columns = {column.name for column in db["reasons"].columns}
        assert {"campaign", "state", "finish_reason", "detail", "contacts"} <= columns
    finally:
        db.conn.close()


# --- instants ----------------------------------------------------------------------------------------


def test_an_instant_is_text_in_utc_with_milliseconds() -> None:
    moment = datetime(2026, 11, 22, 15, 0, 0, 123999, tzinfo=timezone(timedelta(hours=1)))
    assert moments.text(moment) == "2026-11-22T14:00:00.123Z"
    assert moments.instant("2026-11-22T14:00:00.123Z") == datetime(2026, 11, 22, 14, 0, 0, 123000, tzinfo=UTC)
    assert moments.text_or_none(None) is None
    assert moments.instant_or_none(None) is None
    assert moments.instant_or_none(moments.text_or_none(moment)) == moments.instant(moments.text(moment))


def test_of_the_hour_that_comes_twice_each_has_its_own_text() -> None:
    first = datetime(2026, 11, 1, 1, 30, tzinfo=ZoneInfo("America/New_York"))
    assert moments.text(first) == "2026-11-01T05:30:00.000Z"
    assert moments.text(first.replace(fold=1)) == "2026-11-01T06:30:00.000Z"


def test_an_instant_without_a_zone_has_no_place() -> None:
    with pytest.raises(ValueError, match="without a time zone"):
        moments.text(datetime(2026, 11, 22))  # noqa: DTZ001 - that is the point


zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
instants = st.datetimes(datetime(1000, 1, 2), datetime(9998, 12, 30), timezones=zones)  # noqa: DTZ001 - a zone is drawn


@given(instants, instants)
def test_text_order_is_time_order(first: datetime, second: datetime) -> None:
    one, two = moments.text(first), moments.text(second)
    assert len(one) == len(two) == len("2026-11-22T14:00:00.123Z")
    if abs(first - second) >= timedelta(milliseconds=1):
        assert (one < two) == (first < second)
    assert moments.text(moments.instant(one)) == one
    assert timedelta(0) <= first - moments.instant(one) < timedelta(milliseconds=1)
