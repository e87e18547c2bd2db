"""Benchmarks: `.venv/bin/python -m tests.bench NAME --json`; without a name they are listed.

Each compares two things in one run and prints one object: figures with medians and p95, and bars that
say whether a bound holds. None of them is a test.
"""
