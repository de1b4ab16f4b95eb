"""What users would pick instead, from PyPI, measured beside ours: `python -m tests.benchmark.peers`."""
