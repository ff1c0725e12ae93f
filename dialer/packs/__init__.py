"""The rules of countries as they ship: one YAML file a pack, versioned, each rule with its source; and days of rest.

    pack(code) → Pack · codes() · holidays(calendar, year) → days

What is not known is an error here, never a day or a country without rules.
"""

from dialer.packs.calendars import holidays
from dialer.packs.reading import codes, pack

__all__ = ["codes", "holidays", "pack"]
