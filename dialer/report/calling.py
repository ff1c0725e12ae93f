"""When and by which law a campaign calls, in words. Pure."""

from __future__ import annotations

from dialer.model import Campaign, LawRules, Rule
from dialer.policy import timetable

ALWAYS = "always"
NONE = "none"


def hours_words(hours: Rule | None) -> str:
    """`Mon–Fri 09:00–19:30, not on holidays of US`; `always` where people are called at any hour."""
    if hours is None or hours.week is None:
        return ALWAYS
    words = [timetable.words(hours.week)]
    if hours.holidays:
        words.append(f"not on holidays of {' and '.join(hours.holidays)}")
    if hours.not_on:
        words.append(f"not on {', '.join(sorted(day.isoformat() for day in hours.not_on))}")
    return ", ".join(words)


def law_words(law: LawRules | None) -> str:
    """`info, by the packs us and ca`; `none` where no law's rules are checked."""
    if law is None:
        return NONE
    words = [f"{law.purpose}, by the pack{'s' if len(law.packs) > 1 else ''} {' and '.join(law.packs)}"]
    if law.added:
        words.append(f"and {len(law.added)} of its own")
    if law.accepted:
        words.append(f"without {', '.join(sorted(law.accepted))}")
    return " ".join(words)


def said_aloud(campaign: Campaign) -> str:
    """What each run says of its hours and rules, and what it means to have none."""
    hours = hours_words(campaign.hours)
    hours += " (people are rung at any hour)" if campaign.hours is None else " in people's own time"
    rules = law_words(campaign.law)
    rules += " (no law's calling rules are checked)" if campaign.law is None else ""
    return f"hours: {hours}, rules: {rules}"
