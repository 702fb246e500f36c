"""What each agent is doing now, told by its spans as they start and end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor

from browserwatch import semantics as s

WAITING: Final = "waiting"
ACTIVITIES: Final = {
    s.INVOKE_AGENT: "getting ready",
    s.BROWSER_LAUNCH: "starting Chromium",
    s.AGENT_STEP: "next step",
    s.BROWSER_STATE: "looking at the page",
    s.CHAT: "asking the model",
}


@dataclass(slots=True)
class Row:
    """One agent."""

    name: str
    step: int = 0
    outcome: str = ""
    doing: str = WAITING
    started: float | None = None
    ended: float | None = None
    actions: list[str] = field(default_factory=list[str])
    open: dict[int, str] = field(default_factory=dict[int, str])

    @property
    def seconds(self) -> float:
        """Time since its run began, or of the whole run."""
        if self.started is None:
            return 0.0
        return (time.monotonic() if self.ended is None else self.ended) - self.started


class Board(SpanProcessor):
    """A row for each agent, kept up to date by the spans.

    Args:
        names: the agents, in the order to show them.
        tell: takes a line for each step and each run that ends.
    """

    def __init__(self, names: tuple[str, ...], tell: Callable[[str], None] = lambda _: None) -> None:
        self.rows = {name: Row(name) for name in names}
        self._tell = tell
        self._agents: dict[str, Row] = {}
        self._traces: dict[int, Row] = {}
        self._lock = threading.Lock()

    def expect(self, agent_id: str, name: str) -> None:
        """The run of this agent belongs to that row."""
        self._agents[agent_id] = self.rows[name]

    def name_of(self, agent_id: str) -> str:
        """The name of an agent, for its spans."""
        row = self._agents.get(agent_id)
        return row.name if row else ""

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:  # noqa: ARG002  # the SDK's signature
        """Something begins."""
        attributes = dict(span.attributes or {})
        with self._lock:
            row = self._row(span, attributes)
            if row is None:
                return
            if s.STEP_NUMBER in attributes:
                row.step = int(str(attributes[s.STEP_NUMBER]))
                row.actions.clear()
            if s.GEN_AI_TOOL_NAME in attributes:
                row.actions.append(str(attributes[s.GEN_AI_TOOL_NAME]))
            row.open[_id(span)] = row.doing = _activity(span.name)

    def on_end(self, span: ReadableSpan) -> None:
        """Something is over."""
        with self._lock:
            context = span.get_span_context()
            row = self._traces.get(context.trace_id) if context else None
            if row is None:
                return
            row.open.pop(_id(span), None)
            row.doing = next(reversed(row.open.values()), row.doing)  # back to what began before, and goes on
            if span.name == s.AGENT_STEP:
                failed = (span.attributes or {}).get(s.ERROR_TYPE)
                self._tell(
                    f"{row.name}: step {row.step}: {', '.join(row.actions) or 'no action'}"
                    f"{f' ({failed})' if failed else ''}, {_seconds(span):.1f} s"
                )
            elif span.name.startswith(s.INVOKE_AGENT):
                self._over(row, span)

    def _over(self, row: Row, span: ReadableSpan) -> None:
        row.ended = time.monotonic()
        row.outcome = str((span.attributes or {}).get(s.RUN_OUTCOME, "unknown"))
        self._tell(f"{row.name}: {row.outcome} after {_seconds(span):.1f} s")

    def _row(self, span: Span, attributes: dict[str, Any]) -> Row | None:
        context = span.get_span_context()
        row = self._traces.get(context.trace_id)
        if row is None and (row := self._agents.get(str(attributes.get(s.GEN_AI_AGENT_ID)))):
            self._traces[context.trace_id] = row
            row.started = time.monotonic()
        return row


def _id(span: ReadableSpan) -> int:
    context = span.get_span_context()
    return context.span_id if context else 0


def _activity(name: str) -> str:
    kind, _, rest = name.partition(" ")
    return rest if kind == s.EXECUTE_TOOL else ACTIVITIES.get(kind, kind)


def _seconds(span: ReadableSpan) -> float:
    return ((span.end_time or 0) - (span.start_time or 0)) / 1e9
