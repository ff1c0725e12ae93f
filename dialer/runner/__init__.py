"""The composition root: builds the parts of a run, and owns the order in which they begin and stop."""

from dialer.runner.options import Options
from dialer.runner.session import Closed, Closing, run

__all__ = ["Closed", "Closing", "Options", "run"]
