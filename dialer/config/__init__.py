"""The campaign file: read as text, checked as a whole, handed on as a frozen Campaign."""

from dialer.config.loading import line_of, load
from dialer.config.shape import json_schema
from dialer.config.starter import starter

__all__ = ["json_schema", "line_of", "load", "starter"]
