"""The instrumentation of OpenAI's SDK from OpenLLMetry alone: it knows model calls, and nothing of browser-use."""

from __future__ import annotations

import os
from functools import cache

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.openai import OpenAIInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from bench.peers.swapping import Swap
from browserwatch.bench.arms import Installed

OWN = ("opentelemetry", "wrapt", "bench", "browserwatch")
CONTENT_VARIABLE = "TRACELOOP_TRACE_CONTENT"


def defaults(endpoint: str) -> Installed:
    """With prompts and answers."""
    return _installed(endpoint, content="true")


def without_content(endpoint: str) -> Installed:
    """Models and tokens."""
    return _installed(endpoint, content="false")


def _installed(endpoint: str, content: str) -> Installed:
    os.environ[CONTENT_VARIABLE] = content  # read at each call
    provider, swap = _once(endpoint)
    swap.put_on()
    return Installed(flush=provider.force_flush, uninstall=swap.take_off)


@cache
def _once(endpoint: str) -> tuple[TracerProvider, Swap]:
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{endpoint}/v1/traces")))
    return provider, Swap(lambda: OpenAIInstrumentor().instrument(tracer_provider=provider), OWN)
