"""The receiver of traces, fed by the SDK's own exporter."""

from __future__ import annotations

import httpx
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import Status, StatusCode

from browserwatch.demo import SpanSink, serve_in_thread


def test_spans_arrive_as_they_were_sent() -> None:
    """Names, ids, times, attributes of every kind, status and resource; compressed or not."""
    sink = SpanSink()
    with serve_in_thread(sink.app()) as url:
        for compression in (Compression.NoCompression, Compression.Gzip):
            provider = TracerProvider(resource=Resource({"service.name": "mine"}), shutdown_on_exit=False)
            exporter = OTLPSpanExporter(f"{url}/v1/traces", compression=compression)
            provider.add_span_processor(SimpleSpanProcessor(exporter))
            tracer = provider.get_tracer("test")
            with tracer.start_as_current_span("outer") as outer:
                outer.set_status(Status(StatusCode.ERROR, "why"))
                with tracer.start_as_current_span("inner", attributes={"n": 1, "f": 0.5, "b": True, "l": ["x", "y"]}):
                    pass
            provider.shutdown()
            trace_id = f"{outer.get_span_context().trace_id:032x}"
            assert sink.wait_for(trace_id, ("outer", "inner"))
            inner, received = sink.trace(trace_id)
            assert (received.name, received.failed, received.message) == ("outer", True, "why")
            assert inner.parent_id == received.span_id
            assert inner.attributes == {"n": 1, "f": 0.5, "b": True, "l": ["x", "y"]}
            assert received.resource["service.name"] == "mine"
            assert received.started <= inner.started <= inner.ended <= received.ended
    assert len(sink.spans) == 4


def test_nonsense_is_refused_and_a_missing_span_is_not_waited_for_for_ever() -> None:
    """Status 400 for what is no export; a time-out gives False."""
    sink = SpanSink()
    with serve_in_thread(sink.app()) as url:
        assert httpx.post(f"{url}/v1/traces", content=b"\xff\xff").status_code == 400
        headers = {"content-encoding": "gzip"}
        assert httpx.post(f"{url}/v1/traces", content=b"no gzip", headers=headers).status_code == 400
    assert not sink.wait_for("00", ("outer",), timeout=0.01)
