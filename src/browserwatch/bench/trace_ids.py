"""Trace ids for the arm that samples. Needs the OpenTelemetry SDK."""

from __future__ import annotations

from typing import Final

from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

LOW_BITS: Final = 64
"""The part of a trace id by which the SDK samples."""


class EvenTraceIds(RandomIdGenerator):
    """Of so many traces in a row, a sampler with the ratio of one in so many takes exactly one: chance is no noise then.

    Args:
        one_in: so many.
        skip: begin after so many traces. What makes one trace and is then made anew begins each time one later, else it
            would be sampled always or never.
    """

    def __init__(self, one_in: int, skip: int = 0) -> None:
        self._one_in = one_in
        self._made = skip

    def generate_trace_id(self) -> int:
        """A random id, whose low half walks evenly through all values."""
        self._made += 1
        part = 2**LOW_BITS // self._one_in
        low = self._made % self._one_in * part + part // 2
        return (super().generate_trace_id() >> LOW_BITS << LOW_BITS) | low
