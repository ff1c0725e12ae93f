"""What dialer costs, measured side by side with something else in the same run: `python -m tests.benchmarks --help`."""
