"""The platform's contract as the client reads it: the request as it goes out, a call and a page as they come in.

What comes in is read with care for what is at stake. Four fields make a call; without them it is
unreadable. Any other field of a wrong type is dropped and the call kept: it was placed all the same.
Fields that the contract does not name are ignored, and `access_token` is forgotten wherever it stands.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    Strict,
    ValidationError,
)
from pydantic_core import core_schema

from dialer.model import JSON, CallPage, CallRecord, DialRequest

OWN_ID = "dialer_call_id"
"""The key of the metadata under which our call id travels: the platform may not echo `call_id`."""

REQUEST_FIELDS = (
    "call_id",
    "from_number",
    "to_number",
    "override_ai_agent_id",
    "metadata",
    "pia_llm_dynamic_data",
    "direction",
)

T = TypeVar("T")


class Unreadable(ValueError):
    """The body is not what the contract says; the text goes on from "its body …"."""


# --- going out -----------------------------------------------------------------------------------


def payload(request: DialRequest) -> dict[str, JSON]:
    """The JSON body of one dial, as the contract's CreatePhoneCallRequest."""
    body: dict[str, JSON] = {
        "call_id": request.call_id,
        "from_number": request.from_number,
        "to_number": request.to_number,
        "metadata": dict(request.metadata),
        "direction": "outbound",
    }
    if request.agent:
        body["override_ai_agent_id"] = request.agent
    if request.data:
        body["pia_llm_dynamic_data"] = dict(request.data)
    return body


def payload_bytes(request: DialRequest) -> bytes:
    """The very bytes of `payload` that are sent and hashed: the same request always gives the same bytes.

    Raises ValueError for a number that JSON does not have (NaN, infinity).
    """
    return _as_json(payload(request)).encode("ascii")


_as_json = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False).encode
"""Made once: `json.dumps` makes an encoder for each dial."""


# --- coming in: JSON -----------------------------------------------------------------------------

# A pair of halves is a character; half a pair is none, and no database takes it. Escaped backslashes are
# stepped over. That all alternatives begin with one backslash makes it eight times as fast.
_HALVES = re.compile(r"\\(?:\\|u[dD][89abAB]..\\u[dD][c-fC-F]..|(u[dD][89a-fA-F]..))")


def parse(body: bytes) -> JSON:
    """The JSON of a body, free of access tokens and of values that cannot be stored; raises Unreadable."""
    text = body.decode("utf-8-sig", "replace")
    if "\\ud" in text or "\\uD" in text:
        text = _HALVES.sub(lambda found: "\\ufffd" if found[1] else found[0], text)
    try:
        return _from_json(text)
    except (ValueError, RecursionError):
        raise Unreadable("is not JSON" if text.strip() else "is empty") from None


def _forget_token(found: dict[str, JSON]) -> dict[str, JSON]:
    found.pop("access_token", None)
    return found


def _finite(text: str) -> float | None:
    number = float(text)
    return number if math.isfinite(number) else None


def _nothing(_: str) -> None:
    return None


_from_json = json.JSONDecoder(object_hook=_forget_token, parse_float=_finite, parse_constant=_nothing).decode
"""Made once: `json.loads` makes a decoder for each answer."""


# --- coming in: calls ----------------------------------------------------------------------------


@dataclass(frozen=True)
class _Or:
    """What cannot be read as it should be is this instead, whatever is raised in reading it. pydantic does so by
    itself, a third quicker than a function of ours around each field."""

    instead: str | None

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.with_default_schema(handler(source), default=self.instead, on_error="default")


def _whole_seconds(value: object) -> object:
    """Seconds as a whole number, rounded up: a call that lasted is never read as one that did not."""
    if isinstance(value, str):
        value = float(value)
    return math.ceil(value) if isinstance(value, float) else value


def _utc(instant: datetime) -> datetime:
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


Lenient = Annotated[T | None, _Or(None)]
Blank = Annotated[str, _Or("")]
Word = Annotated[str, Field(min_length=1)]
Seconds = Annotated[int, Strict(), Field(ge=0, le=1_000_000_000), BeforeValidator(_whole_seconds)]
Instant = Annotated[datetime, AfterValidator(_utc)]


class PhoneCall(BaseModel):
    """The contract's PhoneCallResponse; statuses and finish reasons are open sets."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    call_status: Word
    from_number: Word
    to_number: Word
    direction: Literal["inbound", "outbound"]
    platform_id: Lenient[Word] = Field(None, alias="_id")
    ai_agent_id: Lenient[str] = None
    ai_agent_name: Lenient[str] = None
    override_ai_agent_id: Lenient[str] = None
    metadata: Lenient[dict[str, Any]] = None
    pia_llm_dynamic_data: Lenient[dict[str, Any]] = None
    call_start_time: Lenient[Instant] = None
    call_end_time: Lenient[Instant] = None
    messages: Lenient[list[Any]] = None
    recorded_call_audio_url: Lenient[str] = None
    call_duration_seconds: Lenient[Seconds] = None
    call_type: Lenient[str] = None
    call_finish_reason: Lenient[Word] = None


class ListedCall(PhoneCall):
    """A call in the list, where all calls of the account stand, those that are no phone calls among them.

    What lacks a number or a status is kept with an empty one: a call that is ours must not look absent.
    """

    call_status: Blank = ""
    from_number: Blank = ""
    to_number: Blank = ""
    direction: Blank = ""  # type: ignore[assignment] # wider than the contract, on purpose


class Page(BaseModel):
    """The envelope of the list; a token that cannot be read must not look like the end of it."""

    model_config = ConfigDict(extra="ignore", frozen=True, coerce_numbers_to_str=True)

    calls: list[ListedCall]
    next_page_token: str | None = None
    total_count: Lenient[int] = None


CONTRACT = {field.alias or name: name for name, field in PhoneCall.model_fields.items()}
"""The contract's names of the fields that are kept, each with the model's name for it."""


def call(body: JSON) -> CallRecord:
    """One call from its JSON; raises Unreadable where one of the four required fields is not as it must be."""
    try:
        return _record(PhoneCall.model_validate(body), body)
    except ValidationError as exc:
        raise Unreadable(_complaint(exc)) from None


def page(body: JSON) -> CallPage:
    """A page of the list from its JSON; raises Unreadable where it is no list of calls."""
    try:
        read = Page.model_validate(body)
    except ValidationError as exc:
        raise Unreadable(_complaint(exc)) from None
    calls = tuple(_record(listed, raw) for listed, raw in zip(read.calls, body["calls"], strict=True))
    return CallPage(calls, read.next_page_token or None, read.total_count)


def _complaint(exc: ValidationError) -> str:
    places = (".".join(str(part) for part in error["loc"]) for error in exc.errors(include_input=False))
    wrong = ", ".join(place for place in places if place)
    return f"lacks a readable {wrong}" if wrong else "is not an object"


def _record(told: PhoneCall, body: Mapping[str, JSON]) -> CallRecord:
    return CallRecord(
        platform_id=told.platform_id,
        own_id=_own_id(told, body),
        to_number=told.to_number,
        from_number=told.from_number,
        status=told.call_status,
        finish_reason=told.call_finish_reason,
        started_at=told.call_start_time,
        ended_at=told.call_end_time,
        duration_seconds=told.call_duration_seconds,
        # Even messages of an unheard-of kind say that somebody spoke.
        has_messages=bool(body.get("messages")),
        record=_kept(told, body),
    )


def _own_id(told: PhoneCall, body: Mapping[str, JSON]) -> str | None:
    # The metadata first: what the platform calls `call_id` may be an id of its own.
    for value in ((told.metadata or {}).get(OWN_ID), body.get("call_id")):
        if isinstance(value, str) and value:
            return value
    return None


def _kept(told: PhoneCall, body: Mapping[str, JSON]) -> dict[str, JSON]:
    """The contract's fields as they came, without those that were dropped."""
    fields = told.__dict__
    return {
        name: body[name]
        for name, own in CONTRACT.items()
        if name in body and (body[name] is None or fields[own] is not None)
    }
