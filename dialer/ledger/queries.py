"""Named queries: SQL lives in `.sql` files beside this one, each query under a name and told in a sentence.

A query begins with `-- :name some_name`; the comment lines that follow say what it is for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib import resources

_HEAD = re.compile(r"^-- :name (\w+)\s*$", re.MULTILINE)


@cache
def migration_names() -> tuple[str, ...]:
    """The changes of the schema that this version knows, in the order in which they are applied."""
    folder = resources.files("dialer.ledger").joinpath("migrations")
    names = (entry.name.removesuffix(".sql") for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return tuple(sorted(names))


@cache
def load(filename: str) -> Mapping[str, str]:
    """The queries of one file by name; a name that stands twice is a fault of ours."""
    text = resources.files("dialer.ledger").joinpath(filename).read_text("utf-8")
    parts = _HEAD.split(text)[1:]
    names, bodies = parts[::2], parts[1::2]
    if len(set(names)) != len(names):
        raise ValueError(f"{filename}: a query name stands twice")
    return {name: body.strip() for name, body in zip(names, bodies, strict=True)}
