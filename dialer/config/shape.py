"""The keys of campaign.yaml, what each of them takes, and the sentence that an editor shows for it.

Whatever may be left out is None here: what it is then, `dialer.model` says.
"""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    PrivateAttr,
    WithJsonSchema,
    model_validator,
)
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from dialer.config import leaves, words
from dialer.config.leaves import RESPONSE
from dialer.config.shape_law import CallerPart, CapsPart, LawPart, OptOutPart, Part, RegisterPart, each_once
from dialer.policy.outcome import REASONS
from dialer.policy.retry import GROUPS


class ContactsPart(Part):
    """The list: which file it is, and what its columns are."""

    file: leaves.Files = Field(
        description="The list: .csv, .csv.gz or .parquet; one file, several, or a pattern such as lists/*.csv."
        " Relative to this file."
    )
    phone: leaves.Phones | None = Field(
        None, description="The column with the number, or several in the order in which they are rung. Default: phone."
    )
    id: leaves.Text | None = Field(
        None, description="The column that says what a row is about. Without it, the number does."
    )
    one_per: leaves.OnePer | None = Field(
        None, description="phone (default): a second row with a number is a reject; id: a number may have several rows."
    )
    country: leaves.Country | None = Field(
        None, description="The ISO region of numbers that are written without a plus. Without it those are rejects."
    )
    timezone: leaves.Text | None = Field(None, description="A column that tells the person's time zone.")
    region: leaves.Text | None = Field(None, description="A column that tells the person's region.")
    postcode: leaves.Text | None = Field(None, description="A column that tells the person's post code.")
    consent: leaves.Text | None = Field(
        None, description="A column that tells whether the person consents; rules.yes says which words mean it."
    )
    debt: leaves.Text | None = Field(
        None, description="A column that tells about which debt it is: some laws count calls by the debt."
    )
    priority: leaves.Text | None = Field(
        None, description="A column with a whole number: whoever has a higher one goes first."
    )
    not_before: leaves.Text | None = Field(
        None, description="A column with the moment before which the person is not called, in their own time."
    )
    not_after: leaves.Text | None = Field(
        None,
        description="A column with the moment from which on the person's telephone does not ring, in their own time.",
    )
    required: leaves.Columns | None = Field(None, description="Columns in which an empty cell makes the row a reject.")
    expires: leaves.SomeTime | None = Field(
        None, description="A contact is given up this long after its row was first seen: 20h."
    )
    max_rejects: leaves.Share | None = Field(
        None, description="If a larger share of the rows is rejected, nothing is dialled: 20%."
    )
    min_rows: leaves.Count | None = Field(
        None, description="If the list has fewer rows, nothing is dialled. Default: 1."
    )
    newer_than: leaves.SomeTime | None = Field(
        None, description="If the list's file is older than this, nothing is dialled: 1d."
    )
    max_gone: leaves.Share | None = Field(
        None, description="If the list has lost a larger share of its rows, nothing is dialled. Default: 10%."
    )
    encoding: leaves.Encoding | None = Field(
        None, description="How a CSV is encoded, where it is not UTF-8: utf-16, latin-1, cp1252."
    )
    delimiter: leaves.Delimiter | None = Field(
        None, description="What stands between two cells: comma, semicolon, tab, or the sign itself. Default: seen."
    )


class CallPart(Part):
    """The call: whose number shows, which agent speaks, what it is told."""

    from_: Annotated[
        tuple[Annotated[CallerPart, WithJsonSchema(leaves.CALLER)], ...],
        BeforeValidator(leaves.some_numbers),
        AfterValidator(each_once),
        WithJsonSchema(leaves.CALLERS),
    ] = Field(
        alias="from",
        description="Your own number, or several, with plus; {number: +1…, for: [US-FL], agent: …, per_day: 300} says"
        " for whom it shows.",
    )
    ring: leaves.Ring | None = Field(
        None,
        description="How long a telephone may ring: nobody is dialled so shortly before the hours end. Default: 60s.",
    )
    rotate: leaves.Flag | None = Field(
        None, description="true: a retry may show another own number. Default: the same person sees the same one."
    )
    agent: leaves.Agent | None = Field(
        None, description="The agent's id; or {column: agent_id} for a column that holds it."
    )
    data: leaves.Sent | None = Field(
        None, description='Columns that the agent is told (pia_llm_dynamic_data); "*" for all with no other use.'
    )
    metadata: leaves.Sent | None = Field(
        None, description='Columns that are kept with the call, as texts; "*" for all with no other use.'
    )
    longest: leaves.SomeTime | None = Field(
        None, description="A call that is not known to have ended by then is unknown. Default: 2h."
    )


class SimulatorPart(Part):
    """The simulated Verbex: its people and its limits."""

    seed: leaves.Count | None = Field(None, description="The same seed gives the same people. Default: 1.")
    time_scale: leaves.AboveZero | None = Field(
        None, description="Simulated seconds that pass in a real one. Default: 1."
    )
    concurrent_calls: leaves.OneOrMore | None = Field(None, description="The account's limit. Default: 20.")
    calls_per_second: leaves.AboveZero | None = Field(None, description="The account's limit. Default: 50.")
    call_seconds: leaves.AboveZero | None = Field(None, description="How long people talk. Default: 60.")
    ring_seconds: leaves.AboveZero | None = Field(None, description="How long it rings in vain. Default: 20.")
    mix: leaves.Mix | None = Field(
        None, description="Weights of the finish reasons of each ring. Default: people have habits instead."
    )
    script: leaves.Script | None = Field(
        None, description="By number: the finish reasons of that person's rings in order; the last one repeats."
    )
    full_answer: leaves.FullAnswer | None = Field(
        None, description="Where it is said that the account is full: 201, record, 429 or 403. Default: 201."
    )
    lookup: leaves.Lookup | None = Field(
        None, description="Which id finds a call: custom, platform or both. Default: both."
    )
    repeated: leaves.Repeated | None = Field(
        None, description="What a repeated call_id does: refused, merged or dialled. Default: refused."
    )
    api_key: leaves.Key | None = Field(None, description="The only key that it takes. Default: any.")
    own_numbers: leaves.OwnNumbers | None = Field(
        None, description="The only numbers that it calls from. Default: any."
    )
    webhook_id: leaves.WebhookId | None = Field(
        None, description="Which id its webhook events carry: custom or platform. Default: platform."
    )
    webhook_calls: leaves.WebhookCalls | None = Field(
        None, description="Which calls have webhook events: all, or connected alone. Default: all."
    )
    webhook_encoding: leaves.WebhookEncoding | None = Field(
        None, description="How a webhook's signature is written: hex or base64. Default: hex."
    )
    webhook_repeats: leaves.Share | None = Field(
        None, description="The share of webhook events that are sent twice: 10%. Default: 0."
    )
    webhook_disorder: leaves.Share | None = Field(
        None, description="The share of webhook events that are late and overtaken: 10%. Default: 0."
    )


class PlatformPart(Part):
    """Where the calls are placed."""

    url: leaves.Url = Field(description="https://api.verbex.ai, or simulator for a Verbex that rings nobody.")
    api_key: leaves.Key | None = Field(
        None, description="${VERBEX_API_KEY} or ${file:/etc/dialer/key}. Not needed for the simulator."
    )
    simulator: SimulatorPart | None = Field(None, description="The simulated Verbex, for `url: simulator` alone.")


class LinesPart(Part):
    """How many calls at once: a limit that is learned, with what may be said of it, or a plain number."""

    auto: leaves.Auto
    at_most: leaves.OneOrMore | None = None
    leave_free: leaves.LeftFree | None = None
    _number: int | None = PrivateAttr(None)

    @model_validator(mode="wrap")
    @classmethod
    def _read(cls, value: object, read: ModelWrapValidatorHandler[Self]) -> Self:
        """Keys of its own, or one word for all of them."""
        if isinstance(value, dict):
            return read(value)
        part = cls.model_construct(auto=True)
        part._number = words.lines(value)
        return part

    @property
    def number(self) -> int | None:
        """The plain number; None if the limit is learned."""
        return self._number


class PacePart(Part):
    """How fast, how many at once, and who goes first."""

    calls_per_second: leaves.Rate | None = Field(None, description="New calls a second, at most 1000. Default: 1.")
    concurrent_calls: Annotated[LinesPart, WithJsonSchema(leaves.LINES)] | None = Field(
        None,
        description="Calls at the same time, or auto: learn the account's limit; {auto: true, at_most: 200,"
        " leave_free: 2} caps it. Default: 5.",
    )
    priority: leaves.Priority | None = Field(
        None,
        description="Of campaigns that share a run, the one with the higher number (0 to 100) gets a free line first."
        " Default: 0.",
    )


def _with_reasons(schema: JsonSchemaValue) -> None:
    told = {group: f"Any of {', '.join(sorted(reasons))}." for group, reasons in GROUPS.items()}
    told |= dict.fromkeys(sorted(REASONS), "After this finish reason.")
    how = " Waits after the first, second… time, or never, done, stop."
    schema["properties"] |= {word: {"description": text + how, **RESPONSE} for word, text in told.items()}
    schema["additionalProperties"] = False


class RetryPart(BaseModel):
    """How often, and what follows each finish reason or group of them; the more exact word wins."""

    model_config = ConfigDict(extra="allow", frozen=True, hide_input_in_errors=True, json_schema_extra=_with_reasons)
    __pydantic_extra__: dict[str, leaves.Answer]

    attempts: leaves.OneOrMore | None = Field(
        None, description="For one contact, all finish reasons together. Default: 3."
    )
    spread: leaves.Flag | None = Field(
        None, description="true: a retry falls into another part of the day than the attempt before."
    )
    callback: leaves.Text | None = Field(
        None, description="The field of the post-call analysis that tells when somebody asks to be called again."
    )


class RecoveryPart(Part):
    """What is done about calls whose fate is not known."""

    hold: leaves.Duration | None = Field(
        None, description="How long a lost answer waits before an absence is believed. Default: 120s."
    )
    max_unknown: leaves.Count | None = Field(
        None, description="If more calls are unknown, the run stops for somebody to look. Default: 50."
    )
    look_back: leaves.SomeTime | None = Field(
        None,
        description="How far back calls are looked up: longer than hold; at least 1h for real people. Default: 7d.",
    )


class StopWhenPart(Part):
    """When the campaign stops for somebody to look, because too many of the last calls went wrong."""

    platform_failed: leaves.Limit | None = Field(
        None, description="More of the last calls failed on the platform's side: 10% of 50."
    )
    under_8s: leaves.Limit | None = Field(
        None, description="More of the last answered calls were under 8 seconds, as with a mute agent: 40% of 50."
    )
    opt_out: leaves.Limit | None = Field(
        None,
        description="More of the last calls ended with an opt-out: 3% of 200."
        " What counts as one is told by opt_out_when and by `dialer dnc`.",
    )


class WebhooksPart(Part):
    """What the platform tells by itself while a run is under way. Calls are read all the same, only less often."""

    listen: leaves.Listen = Field(description="The address and port of this machine on which `run` listens.")
    url: leaves.HookUrl = Field(
        description="What the platform sends to, and what leads to that address: https://calls.example.com/verbex."
    )
    secret: leaves.HookSecrets | None = Field(
        None,
        description="What the platform signs with; two while one takes the other's place. `dialer webhooks subscribe`"
        " writes it into a file for ${file:…}.",
    )


class CampaignFile(Part):
    """A campaign of dialer: whom to call, through which platform, how fast, and what follows each call."""

    name: leaves.Name = Field(description="Letters a-z, digits, _ and -, at most 64: the campaign's identity.")
    contacts: ContactsPart
    call: CallPart
    platform: PlatformPart
    pace: PacePart | None = None
    retry: RetryPart | None = None
    hours: leaves.Hours = Field(
        None,
        description="When people may be called, in their own time: {mon-fri: [09:00-12:00, 13:00-19:30],"
        " holidays: [US], not_on: [2026-12-24]}, or always. May be left out for a simulator or this machine:"
        " 09:00-20:00.",
    )
    rules: Annotated[LawPart, WithJsonSchema(leaves.LAW)] | None = Field(
        None,
        description="Which packs of law apply: {purpose: info, packs: [us], consent: given}, or none."
        " May be left out for a simulator or this machine.",
    )
    caps: CapsPart | None = None
    dnc: Annotated[tuple[RegisterPart, ...], BeforeValidator(words.one_or_more)] | None = Field(
        None, description="Lists of numbers that are not to be rung: [{file: national.csv, max_age: 31d}]."
    )
    opt_out_when: OptOutPart | None = None
    order: leaves.Order | None = Field(
        None, description="Who goes first: retries (default), or fresh: those who were not rung yet."
    )
    analysis: leaves.Flag | None = Field(
        None, description="true: what the platform finds in a call afterwards is fetched and exported."
    )
    recovery: RecoveryPart | None = None
    stop_when: StopWhenPart | None = None
    webhooks: WebhooksPart | None = None
    ledger: leaves.Text | None = Field(
        None, description="Where it is written down, relative to this file. Default: dialer.db."
    )


class _ForEditors(GenerateJsonSchema):
    """What is left out is left out: there is no null in a campaign file, and no default but the described one."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of campaign.yaml, with a description of each key."""
    schema = CampaignFile.model_json_schema(schema_generator=_ForEditors)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "dialer campaign"}
