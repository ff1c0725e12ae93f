"""Contact lists: CSV and Parquet files in pieces, into rows that may be called and rejects that may not."""

from dialer.contacts.files import fingerprint
from dialer.contacts.lists import columns, read, samples

__all__ = ["columns", "fingerprint", "read", "samples"]
