"""Secrets where a run has them, and a search for them in what is exported."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

PLANTS: Final = {
    "sensitive_data": "plant1-8c2f41d7",
    "typed text": "plant2-5e90ab36",
    "page URL": "plant3-71d3f0c8",
    "task": "plant4-e64b2295",
    "model key": "plant5-0a7fd91e",
}
"""Letters, digits and a hyphen: no encoding of text changes them."""

OTLP: Final = {
    "traces": ("trace", "ExportTraceServiceRequest"),
    "logs": ("logs", "ExportLogsServiceRequest"),
    "metrics": ("metrics", "ExportMetricsServiceRequest"),
}


@dataclass
class Found:
    """What came, and which secrets were where in it."""

    spans: dict[str, int] = field(default_factory=dict[str, int])
    requests: dict[str, int] = field(default_factory=dict[str, int])
    leaks: dict[str, set[str]] = field(default_factory=lambda: {name: set[str]() for name in PLANTS})

    def take(self, path: str, headers: Mapping[str, str], body: bytes) -> None:
        """Look at one request."""
        self.requests[path] = self.requests.get(path, 0) + 1
        encoding = headers.get("content-encoding", "")
        told = _read(path, headers, gzip.decompress(body) if encoding == "gzip" else body)
        for span in _spans(told):
            self.spans[span] = self.spans.get(span, 0) + 1
        for place, text in (*_texts(told, path), *((f"header {name}", value) for name, value in headers.items())):
            self._look(place, text)

    def take_text(self, place: str, text: str) -> None:
        """Look at a text as it is."""
        self._look(place, text)

    def report(self) -> dict[str, Any]:
        """As JSON."""
        leaks = {name: sorted(places) for name, places in self.leaks.items()}
        return {"names": self.spans, "requests": self.requests, "leaks": leaks}

    def _look(self, place: str, text: str) -> None:
        for name, plant in PLANTS.items():
            if plant in text:
                self.leaks[name].add(place)


def _read(path: str, headers: Mapping[str, str], body: bytes) -> Any:
    """JSON of a request; of what is neither JSON nor OTLP, the text."""
    try:
        if "json" in headers.get("content-type", ""):
            return json.loads(body)
        return _from_protobuf(path.rpartition("/")[2], body)
    except (ValueError, KeyError):
        return body.decode(errors="replace")


def _from_protobuf(signal: str, body: bytes) -> Any:
    from importlib import import_module  # noqa: PLC0415

    from google.protobuf.json_format import MessageToDict  # noqa: PLC0415  # in a peer's environment

    package, message = OTLP[signal]
    service = import_module(f"opentelemetry.proto.collector.{package}.v1.{package}_service_pb2")
    return MessageToDict(getattr(service, message).FromString(body))


def _spans(told: Any) -> Iterator[str]:
    groups = told.get("resourceSpans", ()) if isinstance(told, dict) else ()
    for group in groups:
        for scope in group.get("scopeSpans", ()):
            yield from (span["name"] for span in scope.get("spans", ()))


def _texts(told: Any, place: str) -> Iterator[tuple[str, str]]:
    """Every text, and where it is: the name of the span, event or metric, and the key of the attribute."""
    if isinstance(told, str):
        yield place, told
    elif isinstance(told, list):
        for value in told:
            yield from _texts(value, place)
    elif isinstance(told, dict):
        named = told.get("key") or told.get("name")
        for key, value in told.items():
            yield from _texts(value, _narrowed(place, named if isinstance(named, str) else "", key))


def _narrowed(place: str, named: str, key: str) -> str:
    if named:
        return f"{place} > {named}"
    return place if key in STRUCTURE else f"{place} > {key}"


STRUCTURE: Final = frozenset(
    {
        "resourceSpans",
        "scopeSpans",
        "spans",
        "resourceLogs",
        "scopeLogs",
        "logRecords",
        "resourceMetrics",
        "scopeMetrics",
    }
    | {
        "metrics",
        "resource",
        "scope",
        "attributes",
        "value",
        "stringValue",
        "arrayValue",
        "kvlistValue",
        "values",
        "events",
    }
)
