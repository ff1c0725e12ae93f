"""By what it is known where people are: a newer dialer, or a newer table of a library, may know better."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files

from dialer.model import ListRules

_LIBRARIES = ("phonenumbers", "tzdata", "zipcodes")
_ENDINGS = (".py", ".toml")


def geography(rules: ListRules) -> str:
    """A part of the list's fingerprint: by what its people were placed; '' where it does not matter where they are.

    A list is read again, and its people placed anew, once this differs.
    """
    return _edition() if rules.placed else ""


@cache
def _edition() -> str:
    """SHA-256 of `dialer.places` and the versions of what it asks: takes a few milliseconds, and imports none of it."""
    digest = hashlib.sha256(repr([_version(name) for name in _LIBRARIES]).encode())
    for path in sorted(files("dialer").joinpath("places").iterdir(), key=lambda path: path.name):
        if path.name.endswith(_ENDINGS):
            digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:  # installed without its metadata; its tables are there all the same
        return ""
