"""A receiver of traces: takes spans as a collector does (OTLP over HTTP) and keeps them, to be looked at.

Protocol: https://opentelemetry.io/docs/specs/otlp/#otlphttp-request
"""

from __future__ import annotations

import gzip
import threading
import zlib
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_KEPT_SPANS: Final = 10_000
_PROTOBUF: Final = "application/x-protobuf"


class ReceivedSpan(msgspec.Struct, frozen=True):
    """A finished span. Ids in hex, times in seconds since 1970."""

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    started: float
    ended: float
    attributes: Mapping[str, Any]
    failed: bool
    message: str
    resource: Mapping[str, Any]


class SpanSink:
    """Keeps the spans that come; the oldest go when there are too many. Thread-safe.

    They are read when somebody looks: what is measured beside it should not pay for that.
    """

    def __init__(self, limit: int = _KEPT_SPANS) -> None:
        self._spans: deque[ReceivedSpan] = deque(maxlen=limit)
        self._unread: deque[ExportTraceServiceRequest] = deque(maxlen=limit)
        self._changed = threading.Condition()  # on a lock that its holder may take again

    def add(self, request: ExportTraceServiceRequest) -> None:
        """Keep the spans of a request."""
        with self._changed:
            self._unread.append(request)
            self._changed.notify_all()

    @property
    def spans(self) -> tuple[ReceivedSpan, ...]:
        """All that are kept, in the order in which they came."""
        with self._changed:
            while self._unread:
                self._spans.extend(_read(self._unread.popleft()))
            return tuple(self._spans)

    def trace(self, trace_id: str) -> tuple[ReceivedSpan, ...]:
        """The spans of one trace."""
        return tuple(span for span in self.spans if span.trace_id == trace_id)

    def wait_for(self, trace_id: str, names: Iterable[str], timeout: float = 10.0) -> bool:
        """Whether spans whose names begin so have come within `timeout` seconds."""
        wanted = tuple(names)

        def there() -> bool:
            found = [span.name for span in self.trace(trace_id)]
            return all(any(name.startswith(start) for name in found) for start in wanted)

        with self._changed:
            return self._changed.wait_for(there, timeout)

    def app(self) -> Starlette:
        """The ASGI app that takes `POST /v1/traces`."""

        async def take(request: Request) -> Response:
            body = await request.body()
            try:
                if request.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                self.add(ExportTraceServiceRequest.FromString(body))
            except (DecodeError, OSError, EOFError, zlib.error):
                return Response("not a trace export in protobuf", status_code=400)
            return Response(ExportTraceServiceResponse().SerializeToString(), media_type=_PROTOBUF)

        return Starlette(routes=[Route("/v1/traces", take, methods=["POST"])])


def _read(request: ExportTraceServiceRequest) -> list[ReceivedSpan]:
    return [
        _span(span, resource)
        for group in request.resource_spans
        for resource in [_attributes(group.resource.attributes)]
        for scope in group.scope_spans
        for span in scope.spans
    ]


def _span(span: Span, resource: Mapping[str, Any]) -> ReceivedSpan:
    return ReceivedSpan(
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        name=span.name,
        started=span.start_time_unix_nano / 1e9,
        ended=span.end_time_unix_nano / 1e9,
        attributes=_attributes(span.attributes),
        failed=span.status.code == Status.STATUS_CODE_ERROR,
        message=span.status.message,
        resource=resource,
    )


def _attributes(pairs: Iterable[KeyValue]) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(item) for item in value.array_value.values]
    return getattr(value, kind) if kind else None
