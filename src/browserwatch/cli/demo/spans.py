"""Putting received spans together to trees again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from browserwatch.demo import ReceivedSpan


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

    @property
    def last(self) -> float:
        """When the last of it and of all below it ended: a request may be over long before the run it began."""
        return max(self.ended, *(child.last for child in self.children)) if self.children else self.ended

    def get(self, key: str, default: Any = None) -> Any:
        """An attribute."""
        return self.attributes.get(key, default)


def span_tree_of(spans: Iterable[ReceivedSpan]) -> Node | None:
    """The tree of one trace; None when its root is not there."""
    roots = trees(
        [
            Node(
                *(span.name, span.span_id, span.parent_id, span.started, span.ended, span.attributes),
                failed=span.failed,
                message=span.message,
            )
            for span in spans
        ]
    )
    return roots[0] if roots else None


def trees(nodes: Sequence[Node]) -> list[Node]:
    """Link the nodes below their parents, everything in order of time, and return those without a parent."""
    by_id = {node.span_id: node for node in nodes}
    roots: list[Node] = []
    for node in sorted(nodes, key=lambda node: node.started):
        parent = by_id.get(node.parent_id)
        (roots if parent is None else parent.children).append(node)
    return roots
