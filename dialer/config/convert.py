"""From a campaign file's shape to the frozen types of `dialer.model`; what the file leaves out is the model's."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, SecretStr

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
from dialer.model import (
    CallRules,
    Campaign,
    ListRules,
    PaceRules,
    PlatformRules,
    RecoveryRules,
    RetryRules,
    Secret,
    SimulatorRules,
    StopWhen,
    WebhookRules,
)
from dialer.policy.retry import rules

ATTEMPTS = 3
LEDGER = "dialer.db"
SIMULATED_KEY = "API_simulated"

_STEERING = ("timezone", "region", "postcode")


def campaign(path: Path, file: CampaignFile, lists: tuple[Path, ...]) -> Campaign:
    """The campaign that a file says; `path` is absolute, `lists` are the files that `contacts.file` means."""
    return Campaign(
        name=file.name,
        path=path,
        contacts=_contacts(file.contacts, lists),
        call=_call(file.call),
        platform=_platform(file.platform),
        pace=_pace(file.pace),
        retry=_retry(file.retry),
        recovery=RecoveryRules(**_given(file.recovery)),
        stop_when=StopWhen(**_given(file.stop_when)),
        webhooks=_webhooks(file.webhooks),
        ledger=path.parent / (file.ledger or LEDGER),
        **_given(file, "hours", "rules"),
    )


def _given(part: BaseModel | None, *names: str) -> dict[str, Any]:
    """What a part says itself, by name; all of it where no names are given."""
    if part is None:
        return {}
    return {name: getattr(part, name) for name in part.model_fields_set if not names or name in names}


def _contacts(part: ContactsPart, lists: tuple[Path, ...]) -> ListRules:
    given = _given(part)
    steering = tuple(given[name] for name in _STEERING if name in given)
    for name in ("file", *_STEERING):
        given.pop(name, None)
    return ListRules(files=lists, steering=steering, **given)


def _call(part: CallPart) -> CallRules:
    agent, column = part.agent or (None, None)
    return CallRules(
        from_numbers=part.from_, agent=agent, agent_column=column, **_given(part, "data", "metadata", "longest")
    )


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
    return rules(part.attempts or ATTEMPTS, part.__pydantic_extra__ or {})
