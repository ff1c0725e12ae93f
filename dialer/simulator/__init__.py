"""A Verbex of our own: strict, seeded, and honest about what is not known of the real one.

`Simulator` serves it over HTTP; `Platform` is its core, without sockets and without a clock; `read_rings`
reads back who was rung, which makes it the oracle of the tests.
"""

from dialer.simulator.calls import CANARY, Ring
from dialer.simulator.platform import HttpAnswer, Platform
from dialer.simulator.rings import read_rings
from dialer.simulator.server import Simulator

__all__ = ["CANARY", "HttpAnswer", "Platform", "Ring", "Simulator", "read_rings"]
