"""Respan's instrumentation of browser-use, as its README says, with an exporter to one's own collector."""

from __future__ import annotations

from functools import cache
from typing import Any

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from respan import Respan
from respan_instrumentation_browser_use import BrowserUseInstrumentor

from browserwatch.bench.arms import Installed


def defaults(endpoint: str) -> Installed:
    """With content and screenshots."""
    return _installed(endpoint)


def without_content(endpoint: str) -> Installed:
    """Structure, timings, models and tokens."""
    return _installed(endpoint, capture_content=False)


def _installed(endpoint: str, **options: bool) -> Installed:
    respan = _respan(endpoint)
    instrumentor = BrowserUseInstrumentor(**options)
    instrumentor.activate()
    return Installed(flush=respan.flush, uninstall=instrumentor.deactivate)


@cache  # a process has one
def _respan(endpoint: str) -> Any:
    respan = Respan(instrumentations=[], log_level="ERROR")  # no key, hence nothing to its makers
    respan.telemetry.add_processor(OTLPSpanExporter(f"{endpoint}/v1/traces"))
    return respan
