"""Whether a conversation was one after which somebody is not to be called again."""

from __future__ import annotations

from collections.abc import Mapping

from dialer.model import JSON, OptOut


def means_stop(opt_out: OptOut, finish_reason: str | None, analysis: Mapping[str, JSON] | None = None) -> str | None:
    """Why a call means "do not call me again", in a few words; None: it does not.

    `finish_reason` is the call's, `analysis` what was found in it afterwards, by name. Words are compared whatever
    their case; true is yes as well, and of several values each counts.
    """
    if finish_reason is not None and finish_reason in opt_out.reasons:
        return finish_reason
    for name, meant in opt_out.analysis.items():
        found = _words((analysis or {}).get(name)) & {word.strip().casefold() for word in meant}
        if found:
            return f"{name}: {min(found)}"
    return None


_TRUTH = {True: frozenset({"true", "yes"}), False: frozenset({"false", "no"})}


def _words(value: JSON) -> frozenset[str]:
    if isinstance(value, bool):
        return _TRUTH[value]
    if isinstance(value, list | tuple):
        return frozenset().union(*map(_words, value))
    return frozenset() if value is None else frozenset({str(value).strip().casefold()})
