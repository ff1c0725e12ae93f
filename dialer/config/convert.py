"""From a campaign file's shape to the frozen types of `dialer.model`; what the file leaves out is the model's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path, PurePath
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, SecretStr

from dialer.config import calling
from dialer.config.address import SIMULATOR
from dialer.config.shape import (
    CallPart,
    CampaignFile,
    ContactsPart,
    LinesPart,
    PacePart,
    PlatformPart,
    RetryPart,
    SimulatorPart,
    WebhooksPart,
)
from dialer.config.shape_law import CallerPart, LawPart, OptOutPart, RegisterPart
from dialer.model import (
    CallerId,
    CallRules,
    Campaign,
    LawRules,
    ListRules,
    OptOut,
    Order,
    PaceRules,
    PlatformRules,
    RecoveryRules,
    Register,
    RetryRules,
    Rule,
    Secret,
    SimulatorRules,
    StopWhen,
    WebhookRules,
)
from dialer.policy.retry import rules

ATTEMPTS = 3
LEDGER = "dialer.db"
SIMULATED_KEY = "API_simulated"


def campaign(path: Path, file: CampaignFile, lists: tuple[Path, ...]) -> Campaign:
    """The campaign that a file says; `path` is absolute, `lists` are the files that `contacts.file` means."""
    hours = file.hours if "hours" in file.model_fields_set else calling.default_hours()
    law = _law(file.rules, file.contacts.consent)
    call, placed = _call(file.call), _asks_where(file, hours, law)
    return Campaign(
        name=file.name,
        path=path,
        contacts=_contacts(file.contacts, lists, file.rules, placed=placed, ring=call.ring),
        call=call,
        platform=_platform(file.platform),
        pace=_pace(file.pace),
        retry=_retry(file.retry),
        recovery=RecoveryRules(**_given(file.recovery)),
        stop_when=StopWhen(**_given(file.stop_when)),
        webhooks=_webhooks(file.webhooks),
        ledger=path.parent / (file.ledger or LEDGER),
        hours=hours,
        law=law,
        caps=None if file.caps is None else calling.caps_rule(file.caps.per_person, file.caps.gap),
        per_day=None if file.caps is None else file.caps.per_day,
        registers=_registers(file.dnc or (), path.parent),
        opt_out=_opt_out(file.opt_out_when),
        order=Order(file.order or Order.RETRIES_FIRST),
        analysis=bool(file.analysis),
    )


def _given(part: BaseModel | None, *names: str) -> dict[str, Any]:
    """What a part says itself, by name; all of it where no names are given."""
    if part is None:
        return {}
    return {name: getattr(part, name) for name in part.model_fields_set if not names or name in names}


def _asks_where(file: CampaignFile, hours: Rule | None, law: LawRules | None) -> bool:
    """Whether anything depends on where people are: hours, law, own numbers that are meant for places, or a time of
    their own at which they want to be called again."""
    has_places = any(caller.places for caller in _call(file.call).callers)
    has_callback = file.retry is not None and file.retry.callback is not None
    return hours is not None or law is not None or has_places or has_callback


def _contacts(
    part: ContactsPart, lists: tuple[Path, ...], law: LawPart | None, *, placed: bool, ring: float
) -> ListRules:
    given: dict[str, Any] = {**_given(part), "placed": placed}
    if law is not None and not law.is_none and law.consent not in (None, calling.GIVEN):
        given["consent"] = law.consent
    asks = _law(law, part.consent)
    given |= {} if asks is None else {"consents": asks.consent, "yes": asks.yes}
    given.pop("file", None)
    return ListRules(files=lists, ring=ring, **given)


def _call(part: CallPart) -> CallRules:
    agent, column = part.agent or (None, None)
    callers = tuple(map(_caller, part.from_))
    return CallRules(
        from_numbers=tuple(caller.number for caller in callers),
        agent=agent,
        agent_column=column,
        callers=callers,
        rotates=bool(part.rotate),
        **_given(part, "data", "metadata", "longest", "ring"),
    )


def _caller(part: CallerPart) -> CallerId:
    given = _given(part)
    return CallerId(places=given.pop("for_", None) or frozenset(), **given)


def _law(part: LawPart | None, consent_column: str | None) -> LawRules | None:
    if part is None or part.is_none:
        return None
    said = part.consent or consent_column
    return LawRules(
        purpose=part.purpose,
        packs=part.packs,
        consent=None if said is None else calling.consent_word(said),
        yes=part.yes or frozenset(),
        added=part.add or (),
        accepted=frozenset(part.i_accept or ()),
    )


def _registers(parts: tuple[RegisterPart, ...], folder: Path) -> tuple[Register, ...]:
    return tuple(
        Register(str(folder / part.file), part.max_age, part.column, str(PurePath(part.file))) for part in parts
    )


def _opt_out(part: OptOutPart | None) -> OptOut:
    if part is None:
        return OptOut()
    return OptOut(frozenset(part.reasons or ()), part.analysis or {})


def _platform(part: PlatformPart) -> PlatformRules:
    return PlatformRules(
        url=None if part.url == SIMULATOR else part.url,
        api_key=_secret(part.api_key) or Secret(SIMULATED_KEY),
        simulator=_simulator(part.simulator),
    )


def _simulator(part: SimulatorPart | None) -> SimulatorRules:
    given = _given(part)
    if part is not None and part.api_key is not None:
        given["api_key"] = _secret(part.api_key)
    return SimulatorRules(**given)


def _secret(key: SecretStr | None) -> Secret | None:
    return None if key is None else Secret(key.get_secret_value())


def _pace(part: PacePart | None) -> PaceRules:
    given = _given(part)
    lines = given.pop("concurrent_calls", None)
    if isinstance(lines, LinesPart):
        given |= {"concurrent_calls": lines.number, **_given(lines, "at_most", "leave_free")}
    return PaceRules(**given)


def _webhooks(part: WebhooksPart | None) -> WebhookRules | None:
    if part is None:
        return None
    host, port = part.listen
    secrets = tuple(Secret(secret.get_secret_value()) for secret in part.secret or ())
    return WebhookRules(host, port, part.url, urlsplit(part.url).path, secrets)


def _retry(part: RetryPart | None) -> RetryRules:
    if part is None:
        return rules(ATTEMPTS, {})
    found = rules(part.attempts or ATTEMPTS, part.__pydantic_extra__ or {})
    return replace(found, spreads=bool(part.spread), callback=part.callback)
