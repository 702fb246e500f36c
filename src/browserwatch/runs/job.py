"""A run as it is being worked on: what was asked for, which only memory has, and what has become of it so far."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from opentelemetry import context
from opentelemetry.context import Context

from browserwatch.agents.lending import How
from browserwatch.agents.messages import Model, Run
from browserwatch.events import Emit, Event, ModelCalled, RunFinished, RunStarted, StepFinished
from browserwatch.runs.endings import Ending, result_of, total_usage
from browserwatch.runs.journal import Journal
from browserwatch.runs.live_run import LiveRun
from browserwatch.runs.models import RunRequest
from browserwatch.runs.progress import told, with_call
from browserwatch.runs.stopping import StopSign
from browserwatch.tracing.ids import span_ids


class Job:
    """One run.

    Args:
        request: what was asked for.
        model: what it is to be done with.
        timeout: seconds that it may take once it has an agent.
        live: its record.
        journal: where changes of that go.

    Attributes:
        stop: the sign to stop.
        ending: how it ends, once that is known; its session may still have to be saved.
        trace: the trace that it belongs to.
    """

    def __init__(self, request: RunRequest, model: Model, timeout: float, live: LiveRun, journal: Journal) -> None:
        self.request = request
        self.model = model
        self.timeout = timeout
        self.live = live
        self.stop = StopSign()
        self.ending: Ending | None = None
        self.trace: Context = context.get_current()
        self._journal = journal
        self._began: float | None = None

    def command(self, step_timeout: float) -> Run:
        """What the agent is told."""
        return Run(
            task=self.request.task,
            model=self.model,
            start_url=self.request.start_url,
            max_steps=self.live.record.max_steps,
            step_timeout_seconds=step_timeout,
            output_schema=self.request.output_schema,
            sensitive_data=self.request.sensitive_data,
        )

    def begin(self, how: How, emit: Emit) -> None:
        """It has an agent."""
        self._began = time.monotonic()
        emit(RunStarted(**span_ids()))
        self._change("run.started", {"acquired": how}, state="running", started=datetime.now(UTC), acquired=how)

    def hear(self, event: Event) -> None:
        """Take what its agent tells."""
        record, fields = self.live.record, dict[str, Any]()
        if isinstance(event, StepFinished):
            fields["steps"] = record.steps + 1
        elif isinstance(event, ModelCalled):
            fields["usage"] = with_call(record.usage, event)
        if (found := told(event, record.steps)) is not None:
            self._change(found.type, found.data, **fields)
        budget = self.request.budget_usd
        if budget is not None and self.live.record.usage.cost_usd > budget:
            self.stop.give("budget")

    def note_problem(self, problem: str) -> None:
        """Say what is wrong with its session."""
        if problem != self.live.record.session_problem:
            self._change(session_problem=problem)

    def end(self, ending: Ending, emit: Emit) -> float | None:
        """It is over. Seconds since it had an agent, None when it never had one."""
        record = self.live.record
        if record.final:
            return None
        seconds = None if self._began is None else time.monotonic() - self._began
        steps = max(record.steps, ending.done.steps if ending.done else 0)
        usage = total_usage(record.usage, ending.done)
        result = {"outcome": ending.outcome, "failure_reason": ending.failure_reason}
        if seconds is None:
            # Each run that ends has begun, or the gauge of those that run would sink below zero.
            emit(RunStarted(**span_ids()))
        emit(RunFinished(**result, seconds=seconds or 0.0, steps=steps, cost_usd=usage.cost_usd, **span_ids()))
        self._change(
            "run.finished",
            {"state": ending.state, **result, "seconds": seconds or 0.0, "steps": steps, "cost_usd": usage.cost_usd},
            **{"message": ending.message, **result, **result_of(ending.done)},
            state=ending.state,
            finished=datetime.now(UTC),
            steps=steps,
            usage=usage,
            session_problem=ending.problem or record.session_problem,
        )
        return seconds

    def within_trace(self, function: Callable[[], object]) -> None:
        """Call a function in the run's own trace."""
        token = context.attach(self.trace)
        try:
            function()
        finally:
            context.detach(token)

    def _change(self, event: str | None = None, data: dict[str, Any] | None = None, **fields: Any) -> None:
        self._journal.change(self.live, event, data, **fields)

    def __repr__(self) -> str:
        return f"<Job {self.live!r}>"
