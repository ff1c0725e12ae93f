"""Packs, from the YAML beside this file to frozen rules."""

from __future__ import annotations

import dataclasses
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from dialer.model import Pack, Rule
from dialer.policy.rulebook import rule

_KEYS = {"name", "version", "read_on", "expires", "countries", "register_days", "keeps", "rules"}


@cache
def codes() -> tuple[str, ...]:
    """The codes of all packs, in order: au, ca, …"""
    found = (entry.name for entry in files(__package__).iterdir())
    return tuple(sorted(name.removesuffix(".yaml") for name in found if name.endswith(".yaml")))


@cache
def pack(code: str) -> Pack:
    """The pack of this code, in small letters. Raises LookupError, which names those that there are."""
    if code not in codes():
        raise LookupError(f"there is no rule pack {code!r}; there are {', '.join(codes())}")
    text = files(__package__).joinpath(f"{code}.yaml").read_text(encoding="utf-8")
    # Every scalar stays a text: 2026.11 would be a number otherwise, and NO a falsehood.
    return _pack(code, yaml.BaseLoader(text).get_single_data())


def _pack(code: str, tree: dict[str, Any]) -> Pack:
    if unknown := sorted(tree.keys() - _KEYS):
        raise ValueError(f"{code}.yaml: {unknown[0]!r} is no key of a pack")
    return Pack(
        code=code,
        name=tree["name"],
        version=tree["version"],
        read_on=date.fromisoformat(tree["read_on"]),
        expires=date.fromisoformat(tree["expires"]),
        countries=frozenset(tree["countries"]),
        rules=tuple(_rule(code, tree, facts) for facts in tree["rules"]),
        register_days=int(tree["register_days"]) if "register_days" in tree else None,
        keeps=tuple(tree.get("keeps", ())),
    )


def _rule(code: str, tree: dict[str, Any], facts: dict[str, Any]) -> Rule:
    """A rule of this pack; it was read when the pack was, unless it says another day."""
    found = rule({"read_on": tree["read_on"], **facts})
    return dataclasses.replace(found, pack=code, version=tree["version"])
