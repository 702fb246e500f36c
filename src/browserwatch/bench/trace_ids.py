"""Trace ids for the arm that samples. Needs the OpenTelemetry SDK."""

from __future__ import annotations

from typing import Final

from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

LOW_BITS: Final = 64
"""The part of a trace id by which the SDK samples."""


class EvenTraceIds(RandomIdGenerator):
    """Of so many traces in a row, a sampler with the ratio of one in so many takes exactly one: chance is no noise then."""

    def __init__(self, one_in: int) -> None:
        self._one_in = one_in
        self._made = 0

    def generate_trace_id(self) -> int:
        """A random id, whose low half walks evenly through all values."""
        self._made += 1
        part = 2**LOW_BITS // self._one_in
        low = self._made % self._one_in * part + part // 2
        return (super().generate_trace_id() >> LOW_BITS << LOW_BITS) | low
