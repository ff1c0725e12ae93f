"""`webhooks subscribe`, `webhooks list` and `webhooks remove`."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from dialer import config
from dialer.clock import Clock
from dialer.errors import CampaignError, DialerError, LookFirst, Problem, UsageError
from dialer.model import Campaign, Secret, WebhookRules
from dialer.verbex.excerpt import excerpt
from dialer.verbex.subscriptions import Subscription, Subscriptions
from dialer.verbex.webhooks import USED

T = TypeVar("T")

_PART = "webhooks: {listen: 127.0.0.1:8089, url: https://calls.example.com/verbex}"


def subscribe(path: Path, secret_to: Path | None) -> None:
    """Subscribe the campaign's URL, once, and write the secret into a file of its own."""
    campaign = _loaded(path)
    rules = _rules(campaign)
    kept = (secret_to or Path(f"{campaign.name}.webhook-secret")).expanduser()
    file = Path.cwd() / kept if secret_to is not None else campaign.path.parent / kept
    reference = _reference(file, campaign.path.parent)
    made = _asked(campaign, lambda platform: _subscribed(platform, campaign, rules, file))
    if made is None:
        return
    print(f"Verbex sends {', '.join(USED)} to {rules.url} (subscription {made.id}).")
    print(f"Its secret stands in {file}, for you alone. Put this line under `webhooks:` in {path}:")
    print(f"  secret: {reference}")


def show(path: Path) -> None:
    """Print the account's subscriptions, those to the campaign's URL marked."""
    campaign = _loaded(path)
    found = _asked(campaign, lambda platform: platform.list())
    url = campaign.webhooks.url if campaign.webhooks is not None else None
    for each in found:
        ours = "(webhooks.url of this campaign)" if url is not None and is_same(each.url, url) else ""
        told = (
            excerpt(words, campaign.platform.api_key) for words in (each.id, each.url or "(no URL told)", each.name)
        )
        print("  ".join(filter(None, (*told, ours))))
    if not found:
        print("There are no subscriptions.")


def remove(path: Path, subscription: str) -> None:
    """Remove one subscription of the account."""
    _asked(_loaded(path), lambda platform: platform.remove(subscription))
    print(f"Subscription {subscription} is removed; the platform sends nothing to it any more.")


def is_same(one: str, other: str) -> bool:
    """Whether two URLs, however they are written, are one address."""
    try:
        return _parts(one) == _parts(other)
    except ValueError:
        return False


def _parts(url: str) -> tuple[str, str | None, int | None, str, str]:
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, parts.hostname, port, parts.path or "/", parts.query


# --- the campaign ----------------------------------------------------------------------------------


def _loaded(path: Path) -> Campaign:
    """The campaign, whose secret may be a file that is yet to be written.

    Raises:
        UsageError: it is for the simulator within `run`.
    """
    campaign = config.load(path, os.environ, without=[("webhooks", "secret")])
    if campaign.platform.url is None:
        raise UsageError(
            f"{path}: the simulator within `run` has no subscriptions outside a run; `dialer simulator`, a server of "
            "its own, has them"
        )
    return campaign


def _rules(campaign: Campaign) -> WebhookRules:
    if campaign.webhooks is None:
        problem = Problem("webhooks", 0, "is missing, so there is nothing to subscribe", f"add {_PART}")
        raise CampaignError(str(campaign.path), (problem,))
    return campaign.webhooks


# --- the platform ----------------------------------------------------------------------------------


def _asked(campaign: Campaign, ask: Callable[[Subscriptions], Awaitable[T]]) -> T:
    """What the campaign's platform answers."""

    async def asked() -> T:
        url = campaign.platform.url or ""
        async with Subscriptions(url, campaign.platform.api_key, Clock().now) as platform:
            return await ask(platform)

    return asyncio.run(asked())


async def _subscribed(
    platform: Subscriptions, campaign: Campaign, rules: WebhookRules, file: Path
) -> Subscription | None:
    """The subscription that was made, its secret on disk; None where there was one."""
    there = next((each for each in await platform.list() if is_same(each.url, rules.url)), None)
    if there is not None:
        print(
            f"There is a subscription to {rules.url} already ({there.id}), and nothing was changed. If its secret is "
            f"lost: `dialer webhooks remove {campaign.path.name} {there.id}`, then subscribe again."
        )
        return None
    # The file first: a secret that has no place to go to would be lost, since it is told only once.
    with _reserved(file) as to:
        made = await platform.create(f"dialer {campaign.name}", rules.url, USED)
        await _write(platform, made, to, file)
    return made


async def _write(platform: Subscriptions, made: Subscription, to: int, file: Path) -> None:
    if made.secret is None:
        raise LookFirst(
            f"Subscription {made.id} was made, but the answer tells no secret: take it from Verbex, or remove the "
            "subscription and try again."
        )
    try:
        _put(to, made.secret)
    except OSError as error:
        raise UsageError(f"{file} cannot be written ({error.strerror}); {await _taken_back(platform, made)}") from None


def _put(to: int, secret: Secret) -> None:
    with os.fdopen(to, "w", encoding="utf-8", closefd=False) as file:
        file.write(f"{secret.reveal()}\n")
        file.flush()
        os.fsync(to)


async def _taken_back(platform: Subscriptions, made: Subscription) -> str:
    """What became of a subscription whose secret is lost."""
    try:
        await platform.remove(made.id)
    except DialerError:
        return f"subscription {made.id} could not be taken back: remove it, and try again"
    return "the subscription was taken back"


# --- the file --------------------------------------------------------------------------------------


@contextlib.contextmanager
def _reserved(file: Path) -> Iterator[int]:
    """The file, open and empty; it goes again where what should stand in it does not come."""
    to = _created(file)
    try:
        yield to
    except BaseException:
        file.unlink(missing_ok=True)
        raise
    finally:
        os.close(to)


def _created(file: Path) -> int:
    """A new file for nobody but its owner."""
    try:
        return os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except FileExistsError:
        why = "is there already, and is not overwritten; name another file with --secret-to"
    except OSError as error:
        why = f"cannot be made ({error.strerror}); name another file with --secret-to"
    raise UsageError(f"{file} {why}. No subscription was made.")


def _reference(file: Path, folder: Path) -> str:
    """The words for a campaign file in that folder that stand for what is in the file."""
    name = str(file.relative_to(folder)) if file.is_relative_to(folder) else str(file)
    if any(sign in name for sign in "{}$") or not name.isprintable():
        raise UsageError(f"{file}: no campaign file can refer to a name with {{, }} or $; choose another --secret-to")
    quoted = name.replace("'", "''")
    return f"'${{file:{quoted}}}'"
