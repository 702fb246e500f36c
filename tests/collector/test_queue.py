"""What the collector has decided to keep survives it."""

from __future__ import annotations

from pathlib import Path

import pytest

from browserwatch.demo import SpanSink, serve_in_thread
from tests.collector.collector import SINGLE, free_ports, running
from tests.collector.spans import Spans, trace_id

pytestmark = pytest.mark.real


def test_spans_survive_sigkill_while_the_store_is_down(tmp_path: Path) -> None:
    """They wait on disk, and arrive when both are back."""
    sink = SpanSink()
    (port,) = free_ports(1)
    spans = Spans()
    kept = spans.add("kept", error="it broke")
    with running(tmp_path, SINGLE, OTELCOL_TRACES_ENDPOINT=f"http://127.0.0.1:{port}") as collector:
        assert spans.send(collector.http)
        collector.until(lambda: collector.own("otelcol_exporter_queue_size") > 0, "they wait")
        collector.kill()
        collector.start()
        with serve_in_thread(sink.app(), port=port):
            assert sink.wait_for(trace_id(kept), ["kept"], timeout=60)
