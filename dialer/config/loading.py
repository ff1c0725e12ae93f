"""The way from a campaign file's path to a Campaign: read, fill in, check everything, convert."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from dialer.config.checks import faults
from dialer.config.convert import campaign
from dialer.config.document import Place
from dialer.config.law_checks import law_faults, register_faults
from dialer.config.lists import find
from dialer.config.problems import listed, problem, shaped
from dialer.config.references import fill
from dialer.config.yaml_text import read
from dialer.errors import CampaignError
from dialer.model import Campaign


def load(path: Path, environ: Mapping[str, str], *, without: Iterable[tuple[str, ...]] = ()) -> Campaign:
    """The campaign that a file describes, with its references filled from `environ`; all paths absolute.

    Raises CampaignError with every problem of the file at once, in the order of its lines. That the list's files
    are there is looked up; what is in them is not. What stands under the keys of `without` is not looked at: it may
    refer to what is yet to be made.
    """
    absolute = path.absolute()
    document, problems = read(path)
    for keys in without:
        document = document.without(*keys)
    document, unfilled = fill(document, environ, absolute.parent)
    lists, amiss = find(document, absolute.parent)
    found = {**amiss, **dict(faults(document)), **dict(law_faults(document))}
    found |= dict(register_faults(document, absolute.parent))
    file, misshapen = shaped(document, found)
    between = [problem(document, place, wrong) for place, wrong in found.items()]
    everything = listed(document, (*problems, *unfilled, *between, *misshapen))
    if everything or file is None:
        raise CampaignError(str(path), everything)
    return campaign(absolute, file, lists)


def line_of(path: Path, place: Place) -> int:
    """The line at which something stands in a campaign file that was loaded before; 0 where that cannot be told."""
    try:
        document, _ = read(path)
    except CampaignError:
        return 0
    return document.line(place)
