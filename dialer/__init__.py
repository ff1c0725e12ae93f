"""dialer: bulk outbound phone campaigns for AI agents that call through Verbex."""

__version__ = "0.1.0"
