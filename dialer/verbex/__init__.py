"""The platform's HTTP interface: dial a call, read one call, read the list of calls."""

from dialer.verbex.client import Client
from dialer.verbex.wire import payload, payload_bytes

__all__ = ["Client", "payload", "payload_bytes"]
