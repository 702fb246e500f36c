"""Events in, samples out: the only place that moves an instrument."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from browserwatch import events
from browserwatch.metrics.families import Exemplar
from browserwatch.metrics.instruments import Instruments
from browserwatch.semantics import CHAT, OTHER
from browserwatch.settings import MAX_MODELS
from browserwatch.version import __version__

NO_ERROR: Final = ""


class ModelNames:
    """Which model names may be labels: the allowed ones, or the first few seen when none were named."""

    def __init__(self, allowed: tuple[str, ...] = (), limit: int = MAX_MODELS) -> None:
        self._names = set(allowed)
        self._open_places = 0 if allowed else limit

    def label(self, model: str) -> str:
        """The name, or ``other`` when it is not among those admitted."""
        if model in self._names:
            return model
        if self._open_places and model:
            self._open_places -= 1
            self._names.add(model)
            return model
        return OTHER


class Recorder:
    """Feeds events to a set of instruments. Thread-safe: events come from loops, exporter threads and sockets."""

    def __init__(self, instruments: Instruments, models: tuple[str, ...] = ()) -> None:
        self._to = instruments
        self._models = ModelNames(models)
        self._handlers: dict[type[events.Event], Callable[[Any], None]] = {
            events.RunStarted: self._run_started,
            events.RunFinished: self._run_finished,
            events.StepFinished: self._step_finished,
            events.ActionFinished: self._action_finished,
            events.ModelCalled: self._model_called,
            events.PageLoaded: self._page_loaded,
            events.PolicyBlocked: lambda event: self._to.policy_blocks.child(event.rule).inc(),
            events.BrowserLaunched: self._browser_launched,
            events.BrowserCrashed: lambda event: self._to.crashes.child(event.kind).inc(),
            events.SessionOperation: self._session_operation,
            events.PageFetchStarted: lambda _: self._to.active_agents.inc(),
            events.PageFetched: self._page_fetched,
            events.AgentAcquired: self._agent_acquired,
            events.AgentReturned: lambda event: self._to.lease_duration.observe(event.seconds, _exemplar(event)),
            events.AgentRetired: lambda event: self._to.agents_retired.child(event.reason).inc(),
            events.OrphansReaped: lambda event: self._to.orphans_reaped.inc(event.count),
            events.SessionReused: lambda event: self._to.session_reuse.labels(event.source).inc(1, _exemplar(event)),
            events.RunRejected: lambda event: self._to.runs_rejected.child(event.reason).inc(),
            events.ProcessesMeasured: self._processes_measured,
            events.BusWaited: lambda event: self._to.bus_wait.observe(event.seconds),
            events.VersionsSeen: self._versions_seen,
            events.HookInstalled: self._hook_installed,
            events.HookFailed: lambda event: self._to.hook_errors.child(event.hook).inc(),
            events.Redacted: lambda event: self._to.redactions.child(event.sink).inc(event.count),
            events.SpansQueued: self._spans_queued,
            events.SpansCounted: self._spans_counted,
        }

    def allow_models(self, models: tuple[str, ...]) -> None:
        """Admit only these model names as labels from now on; an empty tuple admits the first few seen."""
        self._models = ModelNames(models)

    def record(self, event: events.Event) -> None:
        """Move the instruments that this event concerns."""
        self._handlers[type(event)](event)

    def _run_started(self, _: events.RunStarted) -> None:
        self._to.active_agents.inc()

    def _run_finished(self, event: events.RunFinished) -> None:
        exemplar = _exemplar(event)
        self._to.active_agents.dec()
        self._to.runs.child(event.outcome, event.failure_reason).inc(1, exemplar)
        self._to.run_duration.child(event.outcome).observe(event.seconds, exemplar)
        self._to.run_steps.child(event.outcome).observe(event.steps, exemplar)

    def _step_finished(self, event: events.StepFinished) -> None:
        exemplar = _exemplar(event)
        self._to.steps.child(event.outcome).inc(1, exemplar)
        self._to.step_total_duration.observe(event.seconds, exemplar)
        for phase, seconds in event.phases.items():
            self._to.step_duration.child(phase).observe(seconds, exemplar)

    def _action_finished(self, event: events.ActionFinished) -> None:
        exemplar = _exemplar(event)
        self._to.actions.child(event.action, event.outcome).inc(1, exemplar)
        self._to.action_duration.child(event.action).observe(event.seconds, exemplar)

    def _model_called(self, event: events.ModelCalled) -> None:
        exemplar = _exemplar(event)
        model = self._models.label(event.model)
        call = (CHAT, event.provider, model)
        self._to.model_duration.child(*call, event.error).observe(event.seconds, exemplar)
        if event.has_usage:
            self._to.model_tokens.child(*call, "input").observe(event.input_tokens, exemplar)
            self._to.model_tokens.child(*call, "output").observe(event.output_tokens, exemplar)
        if event.cached_tokens:
            self._to.cached_tokens.child(event.provider, model).inc(event.cached_tokens)
        if event.cost_usd is not None:
            self._to.cost.child(event.provider, model).inc(event.cost_usd)
        elif event.error == NO_ERROR:
            self._to.unpriced.child(event.provider, model).inc()

    def _page_loaded(self, event: events.PageLoaded) -> None:
        exemplar = _exemplar(event)
        self._to.navigations.child(event.outcome).inc(1, exemplar)
        self._to.navigations_caused.child(event.cause).inc()
        for milestone in ("ttfb", "dom_content_loaded", "load"):
            seconds = getattr(event, milestone)
            if seconds is not None:
                self._to.navigation_duration.child(milestone).observe(seconds, exemplar)

    def _browser_launched(self, event: events.BrowserLaunched) -> None:
        self._to.launch_duration.child(event.result).observe(event.seconds, _exemplar(event))

    def _page_fetched(self, event: events.PageFetched) -> None:
        self._to.active_agents.dec()
        self._to.page_fetch_duration.child(event.outcome).observe(event.seconds, _exemplar(event))

    def _agent_acquired(self, event: events.AgentAcquired) -> None:
        self._to.acquire_duration.child(event.result).observe(event.seconds, _exemplar(event))

    def _processes_measured(self, event: events.ProcessesMeasured) -> None:
        self._to.process_memory.child(event.role).set(event.memory_bytes)
        self._to.process_cpu.child(event.role).inc(event.cpu_seconds)

    def _session_operation(self, event: events.SessionOperation) -> None:
        exemplar = _exemplar(event)
        self._to.session_operations.child(event.operation, event.result).inc(1, exemplar)
        self._to.session_duration.child(event.operation).observe(event.seconds, exemplar)
        if event.size is not None:
            self._to.session_bytes.observe(event.size, exemplar)

    def _versions_seen(self, event: events.VersionsSeen) -> None:
        self._to.build_info.metric.clear()
        self._to.build_info.metric.labels(__version__, event.browser_use, event.chromium).set(1)

    def _hook_installed(self, event: events.HookInstalled) -> None:
        self._to.hooks.child(event.hook, "true").set(event.installed)
        self._to.hooks.child(event.hook, "false").set(not event.installed)

    def _spans_queued(self, event: events.SpansQueued | events.SpansCounted) -> None:
        self._to.queue_size.set(event.queue_size)
        self._to.queue_capacity.set(event.queue_capacity)

    def _spans_counted(self, event: events.SpansCounted) -> None:
        self._to.spans.child(event.result).inc(event.count)
        self._spans_queued(event)
        if event.result == "exported":
            self._to.last_export.set(event.at)


def _exemplar(event: events.Event) -> Exemplar:
    if not event.trace_id:
        return None
    return {"trace_id": event.trace_id, "span_id": event.span_id}
