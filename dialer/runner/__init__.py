"""The composition root: builds the parts of a run, and owns the order in which they begin and stop."""

from dialer.runner.conduct import Closed, Closing, run
from dialer.runner.options import Options

__all__ = ["Closed", "Closing", "Options", "run"]
