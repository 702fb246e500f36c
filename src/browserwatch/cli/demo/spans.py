"""Keeping the spans of the demo, and putting them together to trees again."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.trace import StatusCode

from browserwatch import semantics as s

MAX_SPANS: Final = 10_000


@dataclass(slots=True)
class Node:
    """A finished span with those below it. Times in seconds."""

    name: str
    span_id: str
    parent_id: str
    started: float
    ended: float
    attributes: Mapping[str, Any]
    failed: bool = False
    message: str = ""
    children: list[Node] = field(default_factory=list["Node"])

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.ended - self.started

    def get(self, key: str, default: Any = None) -> Any:
        """An attribute."""
        return self.attributes.get(key, default)


class SpanStore(SpanProcessor):
    """Keeps the spans that end; the oldest go when there are too many."""

    def __init__(self, limit: int = MAX_SPANS) -> None:
        self._spans: deque[ReadableSpan] = deque(maxlen=limit)
        self._lock = threading.Lock()

    def on_end(self, span: ReadableSpan) -> None:
        """Keep it."""
        with self._lock:
            self._spans.append(span)

    def runs(self) -> list[Node]:
        """The runs, in the order in which they began, each with its tree."""
        with self._lock:
            spans = list(self._spans)
        return [root for root in trees([_node(span) for span in spans]) if root.name.startswith(s.INVOKE_AGENT)]


def trees(nodes: Sequence[Node]) -> list[Node]:
    """Link the nodes below their parents, everything in order of time, and return those without a parent."""
    by_id = {node.span_id: node for node in nodes}
    roots: list[Node] = []
    for node in sorted(nodes, key=lambda node: node.started):
        parent = by_id.get(node.parent_id)
        (roots if parent is None else parent.children).append(node)
    return roots


def _node(span: ReadableSpan) -> Node:
    context = span.get_span_context()
    return Node(
        name=span.name,
        span_id=f"{context.span_id:016x}" if context else "",
        parent_id=f"{span.parent.span_id:016x}" if span.parent else "",
        started=(span.start_time or 0) / 1e9,
        ended=(span.end_time or 0) / 1e9,
        attributes=span.attributes or {},
        failed=span.status.status_code is StatusCode.ERROR,
        message=span.status.description or "",
    )
