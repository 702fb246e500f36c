"""Benchmarks: ratios of arms that take turns in one run, with their spread. Never part of the tests."""
