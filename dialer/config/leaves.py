"""The kinds of value in a campaign file: how each is read, and what an editor is told that it takes.

Every scalar may be written with or without quotes, and may be a reference (`${…}`): the schema allows for both.
"""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

from pydantic import AfterValidator, BeforeValidator, PlainValidator, SecretStr, WithJsonSchema

from dialer import model
from dialer.config import calling, hooks, words
from dialer.config.address import SIMULATOR, address
from dialer.config.words import Wrong, nearest, one_or_more, quoted, text
from dialer.model import Action, Response, Rule, Threshold
from dialer.policy.outcome import REASONS
from dialer.policy.pacing import MOST_LINES

Schema: TypeAlias = dict[str, Any]

_REFERENCE: Schema = {"type": "string", "pattern": r"\$\{"}
_SCALAR: Schema = {"type": ["string", "number", "boolean"]}


def _like(pattern: str) -> Schema:
    return {"type": "string", "pattern": rf"^\s*({pattern})\s*$|\$\{{"}


def _number(pattern: str, kind: str = "number", **bounds: float) -> Schema:
    return {"anyOf": [{"type": kind, **bounds}, _like(pattern)]}


def _words(*known: str | int) -> Schema:
    return {"anyOf": [{"enum": list(known)}, _REFERENCE]}


def _list(item: Schema, least: int = 1) -> Schema:
    return {"anyOf": [item, {"type": "array", "items": item, "minItems": least}]}


# --- texts and lists of them ---------------------------------------------------------------------


def unique(found: tuple[str, ...]) -> tuple[str, ...]:
    """The same, or Wrong where one stands there twice."""
    twice = next((word for word in found if found.count(word) > 1), None)
    if twice is not None:
        raise Wrong(f"{quoted(twice)} stands there twice", "name it once")
    return found


def _sent(found: tuple[str, ...]) -> tuple[str, ...]:
    if "*" in found and len(found) > 1:
        raise Wrong("'*' means all columns, and others stand beside it", 'write "*" alone, or name the columns')
    return unique(found)


def some_numbers(value: object) -> list[object]:
    """Own numbers as a list, one alone included."""
    if value in ([], ""):
        raise Wrong("no number of your own stands here", 'write it with a plus: ["+1…"], one or several')
    return _list_or_one(value)


def _list_or_one(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def _choice(*known: str) -> tuple[PlainValidator, WithJsonSchema]:
    return PlainValidator(words.choice(*known)), WithJsonSchema(_words(*known))


_Text = Annotated[str, PlainValidator(text)]
_Number = Annotated[str, PlainValidator(words.own_number)]
_Texts = tuple[_Text, ...]

Text = Annotated[str, PlainValidator(text), WithJsonSchema(_SCALAR)]
Name = Annotated[str, PlainValidator(words.name), WithJsonSchema(_number(words.NAME, "integer"))]
Files = Annotated[_Texts, BeforeValidator(one_or_more), WithJsonSchema(_list(_SCALAR))]
Phones = Annotated[_Texts, BeforeValidator(one_or_more), AfterValidator(unique), WithJsonSchema(_list(_SCALAR))]
Columns = Annotated[_Texts, BeforeValidator(_list_or_one), AfterValidator(unique), WithJsonSchema(_list(_SCALAR, 0))]
Sent = Annotated[_Texts, BeforeValidator(_list_or_one), AfterValidator(_sent), WithJsonSchema(_list(_SCALAR, 0))]
OwnNumbers = Annotated[
    tuple[_Number, ...],
    BeforeValidator(some_numbers),
    AfterValidator(unique),
    WithJsonSchema(_list({"type": ["string", "integer"]})),
]
Country = Annotated[str, PlainValidator(words.country), WithJsonSchema(_like(words.COUNTRY))]
OnePer = Annotated[str, *_choice("phone", "id")]
Encoding = Annotated[str, PlainValidator(words.encoding), WithJsonSchema({"type": "string"})]
Delimiter = Annotated[str, PlainValidator(words.delimiter), WithJsonSchema({"type": "string"})]
Url = Annotated[str, PlainValidator(address), WithJsonSchema(_like(f"{SIMULATOR}|https?://[^/?#]+/*"))]
Key = Annotated[SecretStr, BeforeValidator(words.key), WithJsonSchema({"type": "string"})]
Listen = Annotated[tuple[str, int], PlainValidator(hooks.listen), WithJsonSchema(_like(hooks.LISTEN))]
HookUrl = Annotated[str, PlainValidator(hooks.url), WithJsonSchema(_like("https?://.+"))]
HookSecrets = Annotated[
    tuple[Annotated[SecretStr, BeforeValidator(hooks.secret)], ...],
    BeforeValidator(hooks.some_secrets),
    WithJsonSchema(_list({"type": "string"})),
]
_WINDOWS: Schema = _list(_like("[0-9]{1,2}:[0-9]{2}-[0-9]{1,2}:[0-9]{2}"), 0)
_CALENDARS: Schema = _list(_like("[A-Z]{2}(-[A-Z0-9]{1,3})?"), 0)
_DAYS: Schema = _list(_like("[0-9]{4}-[0-9]{2}-[0-9]{2}"), 0)
Hours = Annotated[
    Rule | None,
    PlainValidator(calling.hours),
    WithJsonSchema(
        {
            "anyOf": [
                *_words(calling.ALWAYS)["anyOf"],
                {
                    "type": "object",
                    "properties": {"holidays": _CALENDARS, "not_on": _DAYS},
                    "additionalProperties": _WINDOWS,
                },
            ]
        }
    ),
]
Purpose = Annotated[
    model.Purpose, PlainValidator(calling.purpose), WithJsonSchema(_words(*(each.value for each in model.Purpose)))
]
Packs = Annotated[
    tuple[Annotated[str, PlainValidator(calling.pack)], ...],
    BeforeValidator(one_or_more),
    AfterValidator(unique),
    WithJsonSchema(_list(_like("[A-Za-z]{2}"))),
]
Consent = Text
Yes = Annotated[frozenset[str], PlainValidator(calling.yes), WithJsonSchema(_list(_SCALAR))]
Added = Annotated[
    tuple[Annotated[Rule, PlainValidator(calling.added)], ...],
    BeforeValidator(one_or_more),
    WithJsonSchema({"type": "array", "items": {"type": "object"}}),
]
Accepted = Annotated[
    tuple[Annotated[str, PlainValidator(calling.rule_id)], ...],
    BeforeValidator(one_or_more),
    AfterValidator(unique),
    WithJsonSchema(_list(_SCALAR)),
]
PerPerson = Annotated[model.Cap, PlainValidator(calling.cap), WithJsonSchema(_like(r"[0-9]+\s+(per|in)\s+\S+"))]
Gap = Annotated[float, PlainValidator(calling.gap), WithJsonSchema(_like(words.DURATION))]
Order = Annotated[str, *_choice("retries", "fresh")]
Flag = Annotated[bool, PlainValidator(words.flag), WithJsonSchema(_words(True, False, "true", "false"))]
Places = Annotated[
    frozenset[Annotated[str, PlainValidator(calling.place)]],
    BeforeValidator(one_or_more),
    WithJsonSchema(_list(_like("[A-Z]{2}(-[A-Z0-9]{1,3})?"))),
]
OwnNumber = Annotated[str, PlainValidator(words.own_number), WithJsonSchema({"type": ["string", "integer"]})]
Reasons = Annotated[
    tuple[Annotated[str, PlainValidator(calling.opt_out_reason)], ...],
    BeforeValidator(one_or_more),
    AfterValidator(unique),
    WithJsonSchema(_list(_words(*sorted(REASONS)))),
]
Meanings = Annotated[dict[str, Yes], WithJsonSchema({"type": "object", "additionalProperties": _list(_SCALAR)})]

LAW: Schema = {
    "anyOf": [
        *_words(calling.NONE)["anyOf"],
        {
            "type": "object",
            "properties": {
                "purpose": {
                    "description": "For what is called.",
                    **_words(*(each.value for each in model.Purpose)),
                },
                "packs": {"description": "The packs of law that apply: us.", **_list(_like("[A-Za-z]{2}"))},
                "consent": {
                    "description": "The column that tells who consents, or given: everybody on the list does.",
                    **_SCALAR,
                },
                "yes": {"description": "The words in that column that mean yes.", **_list(_SCALAR)},
                "add": {
                    "description": "Rules of your own, in the words of the packs.",
                    **_list({"type": "object"}),
                },
                "i_accept": {
                    "description": "Ids of rules that do not bind this campaign, and for which you answer.",
                    **_list(_SCALAR),
                },
            },
            "required": ["purpose", "packs"],
            "additionalProperties": False,
        },
    ]
}
"""The law: `none`, or keys of its own."""

CALLER: Schema = {
    "anyOf": [
        {"type": ["string", "integer"]},
        {
            "type": "object",
            "properties": {
                "number": {"description": "Your own number, with plus.", "type": ["string", "integer"]},
                "for": {
                    "description": "The places whose people see it: US-FL, or GB. Default: everywhere.",
                    **_list(_like("[A-Z]{2}(-[A-Z0-9]{1,3})?")),
                },
                "agent": {"description": "The id of the agent that speaks when this number shows.", **_SCALAR},
                "per_day": {
                    "description": "So many calls a day (UTC) at most from this number.",
                    **_number(words.WHOLE, "integer", minimum=1),
                },
            },
            "required": ["number"],
            "additionalProperties": False,
        },
    ]
}
CALLERS: Schema = _list(CALLER)
"""An own number, and for whom it shows; one or several."""

# --- lengths of time, shares, numbers ------------------------------------------------------------

Duration = Annotated[float, PlainValidator(words.duration), WithJsonSchema(_like(words.DURATION))]
SomeTime = Annotated[float, PlainValidator(words.some_time), WithJsonSchema(_like(words.DURATION))]
Ring = Annotated[float, PlainValidator(words.ring), WithJsonSchema(_like(words.DURATION))]
Share = Annotated[
    float, PlainValidator(words.share), WithJsonSchema(_number(words.SHARE, "number", minimum=0, maximum=1))
]
Limit = Annotated[
    Threshold,
    PlainValidator(lambda value: Threshold(*words.threshold(value))),
    WithJsonSchema(_like(words.THRESHOLD)),
]
Rate = Annotated[
    float,
    PlainValidator(words.calls_per_second),
    WithJsonSchema(_number(words.NUMBER, exclusiveMinimum=0, maximum=words.MOST_CALLS_PER_SECOND)),
]
AboveZero = Annotated[
    float, PlainValidator(words.above_zero), WithJsonSchema(_number(words.NUMBER, exclusiveMinimum=0))
]
Number = Annotated[float, PlainValidator(words.number), WithJsonSchema(_number(words.NUMBER, minimum=0))]
Count = Annotated[int, PlainValidator(words.whole(0)), WithJsonSchema(_number(words.WHOLE, "integer", minimum=0))]
OneOrMore = Annotated[int, PlainValidator(words.whole(1)), WithJsonSchema(_number(words.WHOLE, "integer", minimum=1))]
Auto = Annotated[bool, PlainValidator(words.auto)]
LeftFree = Annotated[int, PlainValidator(words.left_free)]
Priority = Annotated[
    int,
    PlainValidator(words.priority),
    WithJsonSchema(_number(words.WHOLE, "integer", minimum=0, maximum=words.MOST_PRIORITY)),
]

LINES: Schema = {
    "anyOf": [
        *_number(f"{words.WHOLE}|auto", "integer", minimum=1)["anyOf"],
        {
            "type": "object",
            "properties": {
                "auto": {"description": "true: learn the account's limit.", **_words(True, "true")},
                "at_most": {
                    "description": "So many calls of this campaign at once, even if the account takes more.",
                    **_number(words.WHOLE, "integer", minimum=1),
                },
                "leave_free": {
                    "description": "So many of the account's lines are left for others. Default: 0.",
                    **_number(words.WHOLE, "integer", minimum=0, exclusiveMaximum=MOST_LINES),
                },
            },
            "required": ["auto"],
            "additionalProperties": False,
        },
    ]
}
"""How many calls at once: a number, `auto`, or keys of its own."""

# --- the agent -----------------------------------------------------------------------------------


def _agent(value: object) -> tuple[str | None, str | None]:
    if not isinstance(value, dict):
        return text(value), None
    if list(value) != ["column"]:
        raise Wrong("the only key below it is `column`", "write an agent's id, or {column: agent_id}")
    return None, text(value["column"])


_AGENT_COLUMN: Schema = {
    "type": "object",
    "properties": {"column": _SCALAR},
    "required": ["column"],
    "additionalProperties": False,
}
Agent = Annotated[
    tuple[str | None, str | None], PlainValidator(_agent), WithJsonSchema({"anyOf": [_SCALAR, _AGENT_COLUMN]})
]
"""An agent's id and None, or None and the column that holds one."""

# --- what follows a finish reason ----------------------------------------------------------------

_ACTIONS = {action.value: action for action in (Action.NEVER, Action.DONE, Action.STOP)}


def _response(value: object) -> Response:
    if isinstance(value, str) and value.strip() in _ACTIONS:
        return Response(_ACTIONS[value.strip()])
    try:
        return Response(Action.WAIT, tuple(words.some_time(wait) for wait in one_or_more(value)))
    except Wrong as wrong:
        message = wrong.message
    raise Wrong(message, "write waits as 10m or [10m, 1h], or one of never, done, stop")


RESPONSE: Schema = {"anyOf": [_words(*_ACTIONS), *_list(_like(words.DURATION))["anyOf"]]}
Answer = Annotated[Response, PlainValidator(_response), WithJsonSchema(RESPONSE)]


def reason(value: object) -> str:
    """One of the finish reasons that the platform is known to have."""
    word = text(value)
    if word not in REASONS:
        meant = nearest(word, REASONS)
        raise Wrong(f"{quoted(word)} is not a finish reason", f"did you mean {meant}?" if meant else "")
    return word


# --- the simulator's people ----------------------------------------------------------------------

_Reason = Annotated[str, PlainValidator(reason)]
_REASON: Schema = _words(*sorted(REASONS))


def _some_weight(mix: dict[str, float]) -> dict[str, float]:
    if not any(mix.values()):
        raise Wrong("no finish reason has a weight above 0", "write it as {no_answer: 3, user_ended_call: 7}")
    return mix


Mix = Annotated[
    dict[_Reason, Number],
    AfterValidator(_some_weight),
    WithJsonSchema(
        {"type": "object", "propertyNames": _REASON, "additionalProperties": _number(words.NUMBER, minimum=0)}
    ),
]
Script = Annotated[
    dict[_Number, Annotated[tuple[_Reason, ...], BeforeValidator(one_or_more)]],
    WithJsonSchema({"type": "object", "additionalProperties": _list(_REASON)}),
]
FullAnswer = Annotated[
    str,
    PlainValidator(words.choice("201", "record", "429", "403")),
    WithJsonSchema(_words("201", 201, "record", "429", 429, "403", 403)),
]
Lookup = Annotated[str, *_choice("custom", "platform", "both")]
Repeated = Annotated[str, *_choice("refused", "merged", "dialled")]
WebhookId = Annotated[str, *_choice("custom", "platform")]
WebhookCalls = Annotated[str, *_choice("all", "connected")]
WebhookEncoding = Annotated[str, *_choice("hex", "base64")]
