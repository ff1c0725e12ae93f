"""The keys of campaign.yaml about who may be called: law, caps, lists of those not to call, and whose number shows."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ModelWrapValidatorHandler, PrivateAttr, model_validator

from dialer.config import calling, leaves, words
from dialer.config.words import Wrong, quoted


class Part(BaseModel):
    """Keys that stand together; what is none of them is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class LawPart(Part):
    """The law: for what is called, by which packs, with whose consent."""

    purpose: leaves.Purpose = Field(description="For what is called: marketing, debt, info or survey.")
    packs: leaves.Packs = Field(description="The packs of law that apply: us; `dialer rules show` lists them.")
    consent: leaves.Consent | None = Field(
        None, description="The column that tells who consents, or given: everybody on the list does."
    )
    yes: leaves.Yes | None = Field(None, description="The words in that column that mean yes.")
    add: leaves.Added | None = Field(None, description="Rules of your own, in the words of the packs.")
    i_accept: leaves.Accepted | None = Field(
        None, description="Ids of rules that do not bind this campaign, and for which you answer."
    )
    _is_none: bool = PrivateAttr(False)

    @model_validator(mode="wrap")
    @classmethod
    def _read(cls, value: object, read: ModelWrapValidatorHandler[Self]) -> Self:
        """Keys of its own, or the word none."""
        if isinstance(value, str) and value.strip() == calling.NONE:
            part = cls.model_construct()
            part._is_none = True
            return part
        if isinstance(value, str):
            message = f"{quoted(value)} is neither none nor rules"
            raise Wrong(message, "write rules: {purpose: info, packs: [us], consent: given}, or none")
        return read(value)

    @property
    def is_none(self) -> bool:
        """Whether no law's rules are checked."""
        return self._is_none


class CapsPart(Part):
    """How often people are rung, over all campaigns of the ledger; and how often this campaign rings on a day."""

    per_person: leaves.PerPerson | None = Field(None, description="So many rings of one person: 3 per 7d.")
    gap: leaves.Gap | None = Field(None, description="So long at least from a ring of a person to the next: 4h.")
    per_day: leaves.OneOrMore | None = Field(None, description="So many calls of this campaign on a day (UTC).")


class RegisterPart(Part):
    """A list of numbers that are not to be rung, in a file of its own."""

    file: leaves.Text = Field(description="The list: .csv, .csv.gz, .parquet or .txt. Relative to this file.")
    max_age: leaves.SomeTime | None = Field(None, description="If the file is older, nothing is dialled: 31d.")
    column: leaves.Text | None = Field(
        None, description="The column with the numbers. Default: phone, or the only one."
    )


class OptOutPart(Part):
    """What in a conversation means that somebody does not want to be called again."""

    reasons: leaves.Reasons | None = Field(None, description="Finish reasons that mean it.")
    analysis: leaves.Meanings | None = Field(
        None, description="Fields of the post-call analysis, each with the values that mean it."
    )


class CallerPart(Part):
    """One of your own numbers, and for whom it shows; a number alone is for everybody."""

    number: leaves.OwnNumber
    for_: leaves.Places | None = Field(
        None, alias="for", description="The places whose people see it: US-FL, or GB. Default: everywhere."
    )
    agent: leaves.Text | None = Field(None, description="The id of the agent that speaks when this number shows.")
    per_day: leaves.OneOrMore | None = Field(None, description="So many calls a day (UTC) at most from this number.")

    @model_validator(mode="wrap")
    @classmethod
    def _read(cls, value: object, read: ModelWrapValidatorHandler[Self]) -> Self:
        """Keys of its own, or the number alone."""
        return read(value) if isinstance(value, dict) else cls.model_construct(number=words.own_number(value))


def each_once(found: tuple[CallerPart, ...]) -> tuple[CallerPart, ...]:
    """The same, or Wrong where a number stands there twice."""
    leaves.unique(tuple(part.number for part in found))
    return found
