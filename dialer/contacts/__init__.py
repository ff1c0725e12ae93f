"""Contact lists: CSV and Parquet files in pieces, into rows that may be called and rejects that may not."""

from dialer.contacts.lists import columns, read, samples
from dialer.contacts.stamps import fingerprint, identify, recognise

__all__ = ["columns", "fingerprint", "identify", "read", "recognise", "samples"]
