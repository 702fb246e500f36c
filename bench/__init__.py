"""Benchmarks that need environments of their own; those of browserwatch itself are `browserwatch bench`."""
