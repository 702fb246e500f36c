"""The instruments: name, help, labels and buckets of every metric, in one place.

Names and units follow https://prometheus.io/docs/practices/naming/; the two `gen_ai_` histograms and their buckets
follow https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-metrics/ as Prometheus spells them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from prometheus_client import Metric
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.registry import Collector

from browserwatch import semantics as s
from browserwatch.metrics.families import AnyFamily, Budget, Families, Label

DURATION: Final = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0)
RUN_DURATION: Final = (1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0)
RUN_STEPS: Final = (1.0, 2.0, 3.0, 5.0, 8.0, 13.0, 21.0, 34.0, 55.0, 100.0)
PAGE_DURATION: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0)
LAUNCH_DURATION: Final = (0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 30.0, 60.0)
ACQUIRE: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
SESSION: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
SESSION_BYTES: Final = tuple(float(4**power) for power in range(4, 13))
BUS_WAIT: Final = (0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
MODEL_DURATION: Final = tuple(0.01 * 2**power for power in range(14))
TOKENS: Final = tuple(float(4**power) for power in range(14))

OUTCOME: Final = Label("outcome", s.RUN_OUTCOMES, "error")
REASON: Final = Label("failure_reason", s.FAILURE_REASONS, "unknown")
PHASE: Final = Label("phase", s.STEP_PHASES, "act")
ACTION: Final = Label("action", s.ACTIONS, "custom")
PROVIDER: Final = Label("provider", s.PROVIDERS)
# The recorder admits only allowed models, so this label is bounded although its values are not known here.
MODEL: Final = Label("model")
GEN_AI: Final = (
    Label("gen_ai_operation_name"),
    Label("gen_ai_provider_name", s.PROVIDERS),
    Label("gen_ai_request_model"),
)


class Instruments(Collector):
    """All metrics as one collector, and as two: those of any program that is watched, and those of the service alone.

    Args:
        max_series: time series after which new label combinations fold into ``other``.
    """

    def __init__(self, max_series: int = 3000) -> None:
        self.budget = Budget(max_series, self._overflowed)
        self.library = make = Families(self.budget)
        """What agents, pages and models do, and the telemetry itself."""
        self.service = Families(self.budget)
        """Queue, pool, stored sessions and Redis: a program without them would only show misleading zeros."""

        self.active_agents = make.plain_gauge("browser_active_agents", "Running browser sessions")
        reuse = make.counter(
            "browser_session_reuse_total",
            "Runs and fetches that found their session",
            Label("source", s.REUSE_SOURCES, "restored"),
        )
        # A plain counter of prometheus_client for whoever imports it, with all its children.
        self.session_reuse = reuse.metric
        for source in s.REUSE_SOURCES:
            reuse.child(source)

        self.runs = make.counter("browser_runs", "Runs that ended", OUTCOME, REASON)
        self.run_duration = make.histogram("browser_run_duration_seconds", "Time of a run", RUN_DURATION, OUTCOME)
        self.run_steps = make.histogram("browser_run_steps", "Steps of a run", RUN_STEPS, OUTCOME)
        self.steps = make.counter("browser_steps", "Steps that ended", Label("outcome", s.STEP_OUTCOMES, "error"))
        self.step_duration = make.histogram(
            "browser_step_duration_seconds", "Time of a step, by phase", DURATION, PHASE
        )
        self.step_total_duration = make.plain_histogram(
            "browser_step_total_duration_seconds", "Time of a whole step", DURATION
        )
        self.actions = make.counter(
            "browser_actions", "Actions that ended", ACTION, Label("outcome", s.ACTION_OUTCOMES, "error")
        )
        self.action_duration = make.histogram("browser_action_duration_seconds", "Time of an action", DURATION, ACTION)

        self.navigations = make.counter(
            "browser_navigations", "Page loads in the main frame of a tab", Label("outcome", s.NAVIGATION_OUTCOMES)
        )
        self.navigations_caused = make.counter(
            "browser_navigation_causes", "Page loads, by what made them", Label("cause", s.PAGE_CAUSES)
        )
        self.navigation_duration = make.histogram(
            "browser_navigation_duration_seconds",
            "Time from the start of a page load to a milestone",
            PAGE_DURATION,
            Label("milestone", s.MILESTONES, "load"),
        )
        self.policy_blocks = make.counter(
            "browser_policy_blocks", "Navigations refused by policy", Label("rule", s.POLICY_RULES)
        )

        self.model_duration = make.histogram(
            "gen_ai_client_operation_duration_seconds",
            "Time of a model call",
            MODEL_DURATION,
            *GEN_AI,
            Label("error_type", ("", *s.MODEL_ERRORS)),
        )
        self.model_tokens = make.histogram(
            "gen_ai_client_token_usage",
            "Tokens of a model call",
            TOKENS,
            *GEN_AI,
            Label("gen_ai_token_type", s.TOKEN_TYPES, "input"),
        )
        self.cached_tokens = make.counter(
            "browser_llm_cached_tokens", "Prompt tokens that the provider read from its cache", PROVIDER, MODEL
        )
        self.cost = make.counter("browser_llm_cost_usd", "Cost of priced model calls in US dollars", PROVIDER, MODEL)
        self.unpriced = make.counter(
            "browser_llm_unpriced_calls", "Model calls whose cost is unknown: no price or no usage", PROVIDER, MODEL
        )

        self.launch_duration = make.histogram(
            "browser_agent_launch_duration_seconds",
            "Time to start a browser",
            LAUNCH_DURATION,
            Label("result", s.LAUNCH_RESULTS, "error"),
        )
        self.crashes = make.counter(
            "browser_crashes", "Browsers, tabs and agents that died unasked", Label("kind", s.CRASH_KINDS, "agent")
        )
        self.bus_wait = make.plain_histogram(
            "browser_event_bus_wait_seconds", "Time an event waits before its handlers run", BUS_WAIT
        )

        self.spans = make.counter(
            "browser_telemetry_spans", "Spans that left the queue", Label("result", s.SPAN_RESULTS, "failed")
        )
        self.queue_size = make.plain_gauge("browser_telemetry_queue_size", "Spans waiting to be sent")
        self.queue_capacity = make.plain_gauge("browser_telemetry_queue_capacity", "Spans that fit in the queue")
        self.last_export = make.plain_gauge(
            "browser_telemetry_last_export_timestamp_seconds", "Unix time of the last successful export; 0: none yet"
        )
        self.hooks = make.gauge(
            "browser_instrumentation_hooks", "1 for each hook and its state", Label("hook"), Label("installed")
        )
        self.hook_errors = make.counter(
            "browser_instrumentation_errors", "Hooks that raised; the run went on", Label("hook")
        )
        self.redactions = make.counter(
            "browser_redactions", "Secrets masked before they left", Label("sink", s.REDACTION_SINKS, "span")
        )
        self.build_info = make.gauge(
            "browser_build_info",
            "1; the labels say what runs",
            Label("version"),
            Label("browser_use_version"),
            Label("chromium_version"),
        )
        self._declare_service(self.service)
        self._declare_pool(self.service)
        # Last, so that it knows the others; closed, so that it can still name one when the budget is gone.
        names = tuple(family.name for family in self.families)
        self.series_overflow = make.counter(
            "browser_series_overflow", "Label combinations folded into other", Label("metric", names, names[0])
        )

    def _declare_service(self, make: Families) -> None:
        self.runs_queued = make.plain_gauge("browser_runs_queued", "Runs that wait for their turn")
        self.run_queue_oldest = make.plain_gauge(
            "browser_run_queue_oldest_seconds", "How long the oldest of them has waited; 0: none waits"
        )
        self.runs_rejected = make.counter(
            "browser_runs_rejected", "Runs that were not taken", Label("reason", s.REJECT_REASONS, "quota")
        )
        self.page_fetch_duration = make.histogram(
            "browser_page_fetch_duration_seconds",
            "Time of a page fetch of the service",
            PAGE_DURATION,
            Label("outcome", s.FETCH_OUTCOMES, "error"),
        )
        operation = Label("operation", s.SESSION_OPERATIONS, "lock")
        self.session_operations = make.counter(
            "browser_session_operations",
            "Operations on stored sessions",
            operation,
            Label("result", s.SESSION_RESULTS, "error"),
        )
        self.session_duration = make.histogram(
            "browser_session_operation_duration_seconds", "Time of an operation on a stored session", SESSION, operation
        )
        self.session_bytes = make.plain_histogram("browser_session_bytes", "Encrypted size of a session", SESSION_BYTES)

        self.redis_up = make.plain_gauge("browser_redis_up", "1 if Redis answered the last ping; 0 before the first")
        self.redis_ping = make.plain_gauge("browser_redis_ping_seconds", "Time of the last ping that was answered")

    def _declare_pool(self, make: Families) -> None:
        self.pool_agents = make.gauge(
            "browser_pool_agents", "Agent processes, by state", Label("state", s.AGENT_STATES, "stopping")
        )
        self.pool_size = make.plain_gauge("browser_pool_size", "Agents that the pool may have")
        self.pool_waiters = make.plain_gauge("browser_pool_waiters", "Callers that wait for an agent")
        self.pool_oldest_waiter = make.plain_gauge(
            "browser_pool_oldest_waiter_seconds", "How long the first of them has waited; 0: none waits"
        )
        self.acquire_duration = make.histogram(
            "browser_agent_acquire_duration_seconds",
            "Time until a wish for an agent was met or given up",
            ACQUIRE,
            Label("result", s.ACQUIRE_RESULTS, "fresh"),
        )
        self.lease_duration = make.plain_histogram(
            "browser_agent_lease_duration_seconds", "Time that an agent was lent for", RUN_DURATION
        )
        self.agents_retired = make.counter(
            "browser_agents_retired", "Agents that left the pool", Label("reason", s.RETIRE_REASONS)
        )
        self.orphans_reaped = make.plain_counter(
            "browser_orphans_reaped", "Processes of an earlier service that were ended"
        )
        role = Label("role", s.PROCESS_ROLES, "agent")
        self.process_memory = make.gauge(
            "browser_process_memory_bytes", "Memory of the agents (PSS where the system tells it), by role", role
        )
        self.process_cpu = make.counter("browser_process_cpu_seconds", "CPU time of the agents, by role", role)

    def _overflowed(self, metric: str) -> None:
        self.series_overflow.child(metric).inc()

    def collect(self) -> Iterable[Metric]:
        """Samples of every instrument."""
        yield from self.library.collect()
        yield from self.service.collect()

    @property
    def families(self) -> list[AnyFamily]:
        """What was declared with labels, for the reference and the dashboards."""
        return [*self.library.families, *self.service.families]

    @property
    def metrics(self) -> list[MetricWrapperBase]:
        """All that was declared, as prometheus_client has it."""
        return [*self.library.metrics, *self.service.metrics]
