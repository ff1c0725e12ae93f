"""The contract, read strictly: what is wrong with a request, in the shape of a 422's `detail`."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from dialer.model import JSON

Faults = list[dict[str, JSON]]

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_LONGEST_ID = 128
_MOST_CALLS = 1000  # on a page of the list


def fault(loc: Sequence[str | int], message: str, kind: str) -> dict[str, JSON]:
    """One entry of `detail`."""
    return {"loc": list(loc), "msg": message, "type": kind}


# --- a dial ---------------------------------------------------------------------------------------


def dial_faults(body: JSON, own_numbers: Sequence[str] = ()) -> Faults:
    """All that is wrong with the JSON body of a dial; empty if it may be placed."""
    if not isinstance(body, dict):
        return [fault(["body"], "Input should be a valid dictionary or object", "dict_type")]
    return [*_missing(body), *_unknown(body), *_wrong(body), *_not_own(body, own_numbers)]


def _missing(body: Mapping[str, JSON]) -> Iterator[dict[str, JSON]]:
    for name in ("from_number", "to_number", "direction"):
        if name not in body:
            yield fault(["body", name], "Field required", "missing")


def _unknown(body: Mapping[str, JSON]) -> Iterator[dict[str, JSON]]:
    for name in body:
        if name not in _READERS:
            yield fault(["body", name], "Extra inputs are not permitted", "extra_forbidden")


def _wrong(body: Mapping[str, JSON]) -> Iterator[dict[str, JSON]]:
    for name, reader in _READERS.items():
        if name in body:
            yield from reader(["body", name], body[name])


def _not_own(body: Mapping[str, JSON], own_numbers: Sequence[str]) -> Iterator[dict[str, JSON]]:
    number = body.get("from_number")
    if own_numbers and isinstance(number, str) and number not in own_numbers:
        yield fault(["body", "from_number"], "Value error, not a phone number of this account", "value_error")


def _number(loc: list[str], value: JSON) -> Iterator[dict[str, JSON]]:
    if not isinstance(value, str):
        yield fault(loc, "Input should be a valid string", "string_type")
    elif not _E164.fullmatch(value):
        yield fault(loc, "Value error, not a phone number in E.164", "value_error")


def _direction(loc: list[str], value: JSON) -> Iterator[dict[str, JSON]]:
    if value == "inbound":
        yield fault(loc, "Value error, this endpoint places outbound calls", "value_error")
    elif value != "outbound":
        yield fault(loc, "Input should be 'inbound' or 'outbound'", "enum")


def _id(loc: list[str], value: JSON) -> Iterator[dict[str, JSON]]:
    if value is None:
        return
    if not isinstance(value, str):
        yield fault(loc, "Input should be a valid string", "string_type")
    elif not value:
        yield fault(loc, "String should have at least 1 character", "string_too_short")
    elif len(value) > _LONGEST_ID:
        yield fault(loc, f"String should have at most {_LONGEST_ID} characters", "string_too_long")


def _object(loc: list[str], value: JSON) -> Iterator[dict[str, JSON]]:
    if value is not None and not isinstance(value, dict):
        yield fault(loc, "Input should be a valid dictionary", "dict_type")


def _metadata(loc: list[str], value: JSON) -> Iterator[dict[str, JSON]]:
    yield from _object(loc, value)
    for name, text in value.items() if isinstance(value, dict) else ():
        if not isinstance(text, str):
            yield fault([*loc, name], "Input should be a valid string", "string_type")


_READERS: Mapping[str, Callable[[list[str], JSON], Iterator[dict[str, JSON]]]] = {
    "call_id": _id,
    "from_number": _number,
    "to_number": _number,
    "override_ai_agent_id": _id,
    "metadata": _metadata,
    "pia_llm_dynamic_data": _object,
    "direction": _direction,
}


# --- lists ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PageQuery:
    """How much of a list is asked for, and from where."""

    size: int
    offset: int


def page_query(pairs: Sequence[tuple[str, str]], most: int) -> PageQuery | Faults:
    """Read the query of a list that wants to be told its page size, or tell what is wrong with it."""
    last = dict(pairs)
    if "page_size" not in last:
        return [fault(["query", "page_size"], "Field required", "missing")]
    faults: Faults = []
    query = PageQuery(_page_size(last, faults, most), _offset(last, faults))
    return faults or query


@dataclass(frozen=True, slots=True)
class ListQuery:
    """What a reader of the list asks for; times are epoch seconds, both ends of a span exclusive."""

    agents: frozenset[str] = frozenset()
    batch: str | None = None
    start_after: float | None = None
    start_before: float | None = None
    end_after: float | None = None
    end_before: float | None = None
    ascending: bool = False
    page_size: int = 100
    offset: int = 0


def list_query(pairs: Sequence[tuple[str, str]]) -> ListQuery | Faults:
    """Read the query of the list, or tell what is wrong with it. Unknown parameters are ignored."""
    last = dict(pairs)
    faults: Faults = []
    times = {name: _time(name, last, faults) for name in ("start_time", "end_time") for name in _ends(name)}
    query = ListQuery(
        agents=frozenset(value for name, value in pairs if name == "ai_agent_ids"),
        batch=last.get("batch_call_id"),
        start_after=times["start_time_after"],
        start_before=times["start_time_before"],
        end_after=times["end_time_after"],
        end_before=times["end_time_before"],
        ascending=_ascending(last, faults),
        page_size=_page_size(last, faults, _MOST_CALLS),
        offset=_offset(last, faults),
    )
    return faults or query


def page_token(offset: int) -> str:
    """The token of the page that begins there: a place in the list, so new calls shift what it shows."""
    return base64.urlsafe_b64encode(f"at:{offset}".encode()).decode()


def _ends(name: str) -> tuple[str, str]:
    return f"{name}_after", f"{name}_before"


def _time(name: str, query: Mapping[str, str], faults: Faults) -> float | None:
    text = query.get(name)
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return moment.timestamp()
    except (ValueError, OverflowError):
        faults.append(fault(["query", name], "Input should be a valid datetime", "datetime_from_date_parsing"))
        return None
    faults.append(fault(["query", name], "Input should have timezone info", "timezone_aware"))
    return None


def _ascending(query: Mapping[str, str], faults: Faults) -> bool:
    direction = query.get("sort_direction", "desc")
    if direction not in ("asc", "desc"):
        faults.append(fault(["query", "sort_direction"], "Input should be 'asc' or 'desc'", "enum"))
    return direction == "asc"


def _page_size(query: Mapping[str, str], faults: Faults, most: int) -> int:
    text = query.get("page_size", "100")
    size = int(text) if re.fullmatch(r"[0-9]{1,9}", text) else -1
    if not 1 <= size <= most:
        faults.append(fault(["query", "page_size"], f"Input should be an integer from 1 to {most}", "value_error"))
    return size


def _offset(query: Mapping[str, str], faults: Faults) -> int:
    text = query.get("page_token")
    if text is None:
        return 0
    try:
        place = re.fullmatch(rb"at:([0-9]{1,12})", base64.b64decode(text, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError):
        place = None
    if place is None:
        faults.append(fault(["query", "page_token"], "Value error, not a page token", "value_error"))
        return 0
    return int(place[1])
