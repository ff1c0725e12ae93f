"""Keeps the account's learned limit in the ledger, for the next run to begin with."""

from __future__ import annotations

import contextlib

from dialer.clock import Clock
from dialer.errors import LedgerError
from dialer.ledger import Ledger
from dialer.lines import Share

_EVERY = 30.0
"""Seconds after which it is written down again, since a killed run says nothing at its end."""


async def remember(ledger: Ledger, campaign: int, share: Share) -> None:
    """Write down what is learned by now, where the campaign learns."""
    if share.learns and (learned := share.account.learned) is not None:
        await ledger.remember_lines(campaign, learned)


async def keep_remembering(ledger: Ledger, campaign: int, share: Share, clock: Clock) -> None:
    """Write it down now and then. Ends by being cancelled."""
    while True:
        await clock.sleep(_EVERY)
        with contextlib.suppress(LedgerError):  # it is no promise: whoever writes what is one will say it
            await remember(ledger, campaign, share)
