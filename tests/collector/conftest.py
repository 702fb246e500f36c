"""A store of traces for the collector to send to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from browserwatch.demo import SpanSink, serve_in_thread


@pytest.fixture(scope="module")
def store() -> Iterator[tuple[SpanSink, str]]:
    """What came, and where it is sent."""
    sink = SpanSink()
    with serve_in_thread(sink.app()) as address:
        yield sink, address
