from collections.abc import Callable, Iterable
from typing import Any, cast, get_args

import pytest
from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.openmetrics import exposition, parser

from browserwatch import events as e
from browserwatch.metrics import Instruments, Recorder
from browserwatch.metrics.recorder import ModelNames
from browserwatch.semantics import ACTIONS, MODEL_PURPOSES
from browserwatch.version import __version__

# The library types these partly.
write_openmetrics: Callable[[CollectorRegistry], bytes] = cast("Any", exposition).generate_latest
read_openmetrics: Callable[[str], Iterable[Metric]] = cast("Any", parser).text_string_to_metric_families
TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
Moves = dict[str, float]


@pytest.fixture
def instruments() -> Instruments:
    return Instruments()


@pytest.fixture
def record(instruments: Instruments) -> Callable[[e.Event], None]:
    return Recorder(instruments).record


def read(instruments: Instruments) -> Moves:
    """Every sample but the buckets, as Prometheus writes it."""
    return {
        sample.name + "{" + ",".join(f"{name}={value}" for name, value in sample.labels.items()) + "}": sample.value
        for metric in instruments.collect()
        for sample in metric.samples
        if not sample.name.endswith("_bucket")
    }


def moved(instruments: Instruments, act: Callable[[], object]) -> Moves:
    """What moved, and by how much."""
    before = read(instruments)
    act()
    return {
        name: value - before.get(name, 0.0)
        for name, value in read(instruments).items()
        if value != before.get(name, 0.0)
    }


CALL = "gen_ai_operation_name=chat,gen_ai_provider_name=openai,gen_ai_request_model=gpt-4.1"
PAID = "provider=openai,model=gpt-4.1"


def called(**fields: Any) -> e.ModelCalled:
    every: dict[str, Any] = {"provider": "openai", "model": "gpt-4.1", "seconds": 2.0, **fields}
    return e.ModelCalled(**every)


def duration(error: str = "", call: str = CALL) -> Moves:
    return {
        f"gen_ai_client_operation_duration_seconds_count{{{call},error_type={error}}}": 1,
        f"gen_ai_client_operation_duration_seconds_sum{{{call},error_type={error}}}": 2,
    }


def tokens(kind: str, count: int) -> Moves:
    return {
        f"gen_ai_client_token_usage_count{{{CALL},gen_ai_token_type={kind}}}": 1,
        f"gen_ai_client_token_usage_sum{{{CALL},gen_ai_token_type={kind}}}": count,
    }


CASES: dict[str, tuple[e.Event, Moves]] = {
    "page_fetch_started": (e.PageFetchStarted(), {"browser_active_agents{}": 1}),
    "page_fetched": (
        e.PageFetched(outcome="ok", seconds=2),
        {
            "browser_active_agents{}": -1,
            "browser_page_fetch_duration_seconds_count{outcome=ok}": 1,
            "browser_page_fetch_duration_seconds_sum{outcome=ok}": 2,
        },
    ),
    "agent_acquired": (
        e.AgentAcquired(result="warm", seconds=2),
        {
            "browser_agent_acquire_duration_seconds_count{result=warm}": 1,
            "browser_agent_acquire_duration_seconds_sum{result=warm}": 2,
        },
    ),
    "agent_returned": (
        e.AgentReturned(seconds=2),
        {"browser_agent_lease_duration_seconds_count{}": 1, "browser_agent_lease_duration_seconds_sum{}": 2},
    ),
    "agent_retired": (e.AgentRetired(reason="max_uses"), {"browser_agents_retired_total{reason=max_uses}": 1}),
    "orphans_reaped": (e.OrphansReaped(count=3), {"browser_orphans_reaped_total{}": 3}),
    "session_reused": (e.SessionReused(source="warm"), {"browser_session_reuse_total{source=warm}": 1}),
    "run_rejected": (e.RunRejected(reason="quota"), {"browser_runs_rejected_total{reason=quota}": 1}),
    "processes_measured": (
        e.ProcessesMeasured(role="chromium", memory_bytes=5, cpu_seconds=2),
        {"browser_process_memory_bytes{role=chromium}": 5, "browser_process_cpu_seconds_total{role=chromium}": 2},
    ),
    "run started": (e.RunStarted(), {"browser_active_agents{}": 1}),
    "run finished": (
        e.RunFinished(outcome="failure", failure_reason="captcha", seconds=7, steps=4, cost_usd=0.5),
        {
            "browser_active_agents{}": -1,
            "browser_runs_total{outcome=failure,failure_reason=captcha}": 1,
            "browser_run_duration_seconds_count{outcome=failure}": 1,
            "browser_run_duration_seconds_sum{outcome=failure}": 7,
            "browser_run_steps_count{outcome=failure}": 1,
            "browser_run_steps_sum{outcome=failure}": 4,
        },
    ),
    "run of unknown kind": (
        e.RunFinished(outcome="new", failure_reason="new", seconds=7, steps=4),
        {
            "browser_active_agents{}": -1,
            "browser_runs_total{outcome=error,failure_reason=unknown}": 1,
            "browser_run_duration_seconds_count{outcome=error}": 1,
            "browser_run_duration_seconds_sum{outcome=error}": 7,
            "browser_run_steps_count{outcome=error}": 1,
            "browser_run_steps_sum{outcome=error}": 4,
        },
    ),
    "step": (
        e.StepFinished(outcome="ok", seconds=3, phases={"prepare": 1, "model": 2}),
        {
            "browser_steps_total{outcome=ok}": 1,
            "browser_step_total_duration_seconds_count{}": 1,
            "browser_step_total_duration_seconds_sum{}": 3,
            "browser_step_duration_seconds_count{phase=prepare}": 1,
            "browser_step_duration_seconds_sum{phase=prepare}": 1,
            "browser_step_duration_seconds_count{phase=model}": 1,
            "browser_step_duration_seconds_sum{phase=model}": 2,
        },
    ),
    "step without phases": (
        e.StepFinished(outcome="timeout", seconds=3, phases={}),
        {
            "browser_steps_total{outcome=timeout}": 1,
            "browser_step_total_duration_seconds_count{}": 1,
            "browser_step_total_duration_seconds_sum{}": 3,
        },
    ),
    "session": (
        e.SessionOperation(operation="restore", result="ok", seconds=0.5, size=1000),
        {
            "browser_session_operations_total{operation=restore,result=ok}": 1,
            "browser_session_operation_duration_seconds_count{operation=restore}": 1,
            "browser_session_operation_duration_seconds_sum{operation=restore}": 0.5,
            "browser_session_bytes_count{}": 1,
            "browser_session_bytes_sum{}": 1000,
        },
    ),
    "session that is not there": (
        e.SessionOperation(operation="delete", result="miss", seconds=0.5),
        {
            "browser_session_operations_total{operation=delete,result=miss}": 1,
            "browser_session_operation_duration_seconds_count{operation=delete}": 1,
            "browser_session_operation_duration_seconds_sum{operation=delete}": 0.5,
        },
    ),
    "action": (
        e.ActionFinished(action="click", outcome="error", seconds=2),
        {
            "browser_actions_total{action=click,outcome=error}": 1,
            "browser_action_duration_seconds_count{action=click}": 1,
            "browser_action_duration_seconds_sum{action=click}": 2,
        },
    ),
    "a user's own action": (
        e.ActionFinished(action="order_pizza", outcome="ok", seconds=2),
        {
            "browser_actions_total{action=custom,outcome=ok}": 1,
            "browser_action_duration_seconds_count{action=custom}": 1,
            "browser_action_duration_seconds_sum{action=custom}": 2,
        },
    ),
    "model call, priced": (
        called(has_usage=True, input_tokens=10, output_tokens=3, cost_usd=0.25),
        {**duration(), **tokens("input", 10), **tokens("output", 3), f"browser_llm_cost_usd_total{{{PAID}}}": 0.25},
    ),
    "model call, cached": (
        called(has_usage=True, input_tokens=10, output_tokens=3, cached_tokens=4, cost_usd=0.25),
        {
            **duration(),
            **tokens("input", 10),
            **tokens("output", 3),
            f"browser_llm_cached_tokens_total{{{PAID}}}": 4,
            f"browser_llm_cost_usd_total{{{PAID}}}": 0.25,
        },
    ),
    "model call, no usage": (called(), {**duration(), f"browser_llm_unpriced_calls_total{{{PAID}}}": 1}),
    "model call, no price": (
        called(has_usage=True, input_tokens=10, output_tokens=3),
        {**duration(), **tokens("input", 10), **tokens("output", 3), f"browser_llm_unpriced_calls_total{{{PAID}}}": 1},
    ),
    "model call, failed": (called(error="rate_limit"), duration("rate_limit")),
    "model call, failed in a new way": (called(error="on_fire"), duration("other")),
    "model call, provider unknown": (
        called(provider="acme", error="timeout"),
        duration("timeout", CALL.replace("openai", "other")),
    ),
    "page load": (
        e.PageLoaded(outcome="ok", cause="link", ttfb=0.25, dom_content_loaded=0.5, load=1),
        {
            "browser_navigations_total{outcome=ok}": 1,
            "browser_navigation_causes_total{cause=link}": 1,
            **{
                f"browser_navigation_duration_seconds_{kind}{{milestone={name}}}": value
                for name, seconds in (("ttfb", 0.25), ("dom_content_loaded", 0.5), ("load", 1))
                for kind, value in (("count", 1), ("sum", seconds))
            },
        },
    ),
    "page load, first byte only": (
        e.PageLoaded(outcome="timeout", cause="agent", ttfb=0.25),
        {
            "browser_navigations_total{outcome=timeout}": 1,
            "browser_navigation_causes_total{cause=agent}": 1,
            "browser_navigation_duration_seconds_count{milestone=ttfb}": 1,
            "browser_navigation_duration_seconds_sum{milestone=ttfb}": 0.25,
        },
    ),
    "page load, cause unknown": (
        e.PageLoaded(outcome="net_error", cause="magic"),
        {"browser_navigations_total{outcome=net_error}": 1, "browser_navigation_causes_total{cause=other}": 1},
    ),
    "policy": (e.PolicyBlocked(rule="ip_address"), {"browser_policy_blocks_total{rule=ip_address}": 1}),
    "launch": (
        e.BrowserLaunched(result="ok", seconds=2),
        {
            "browser_agent_launch_duration_seconds_count{result=ok}": 1,
            "browser_agent_launch_duration_seconds_sum{result=ok}": 2,
        },
    ),
    "crash": (e.BrowserCrashed(kind="tab"), {"browser_crashes_total{kind=tab}": 1}),
    "bus": (
        e.BusWaited(seconds=0.5),
        {"browser_event_bus_wait_seconds_count{}": 1, "browser_event_bus_wait_seconds_sum{}": 0.5},
    ),
    "versions": (
        e.VersionsSeen(browser_use="0.13.14", chromium="156"),
        {f"browser_build_info{{version={__version__},browser_use_version=0.13.14,chromium_version=156}}": 1},
    ),
    "hook installed": (
        e.HookInstalled(hook="run", installed=True),
        {"browser_instrumentation_hooks{hook=run,installed=true}": 1},
    ),
    "hook missing": (
        e.HookInstalled(hook="run", installed=False),
        {"browser_instrumentation_hooks{hook=run,installed=false}": 1},
    ),
    "hook failed": (e.HookFailed(hook="run"), {"browser_instrumentation_errors_total{hook=run}": 1}),
    "redacted": (e.Redacted(sink="log", count=3), {"browser_redactions_total{sink=log}": 3}),
    "spans queued": (
        e.SpansQueued(queue_size=4, queue_capacity=10),
        {"browser_telemetry_queue_size{}": 4, "browser_telemetry_queue_capacity{}": 10},
    ),
    "spans exported": (
        e.SpansCounted(result="exported", count=5, queue_size=2, queue_capacity=10, at=99.0),
        {
            "browser_telemetry_spans_total{result=exported}": 5,
            "browser_telemetry_queue_size{}": 2,
            "browser_telemetry_queue_capacity{}": 10,
            "browser_telemetry_last_export_timestamp_seconds{}": 99,
        },
    ),
    "spans dropped": (
        e.SpansCounted(result="dropped_queue_full", count=1, queue_size=10, queue_capacity=10, at=99.0),
        {
            "browser_telemetry_spans_total{result=dropped_queue_full}": 1,
            "browser_telemetry_queue_size{}": 10,
            "browser_telemetry_queue_capacity{}": 10,
        },
    ),
}


@pytest.mark.parametrize(("event", "moves"), CASES.values(), ids=CASES)
def test_moves(instruments: Instruments, record: Callable[[e.Event], None], event: e.Event, moves: Moves) -> None:
    """Each event moves exactly the instruments that it concerns."""
    assert moved(instruments, lambda: record(event)) == moves


SHOWN = {
    "browser_pool_agents",
    "browser_pool_oldest_waiter_seconds",
    "browser_pool_size",
    "browser_pool_waiters",
    "browser_redis_ping_seconds",
    "browser_redis_up",
    "browser_run_queue_oldest_seconds",
    "browser_runs_queued",
}
"""Gauges that the service sets at each scrape, to what is."""


def test_every_event_is_recorded() -> None:
    """The table above leaves no event out."""
    assert {type(event) for event, _ in CASES.values()} == set(get_args(e.AnyEvent))


def test_every_instrument_moves() -> None:
    """No instrument is there for nothing: each moves in the table above, but those the service sets, and the overflow."""
    moving = {name.partition("{")[0] for _, moves in CASES.values() for name in moves}
    still = {
        metric.name
        for metric in Instruments().collect()
        if not any(name.startswith(metric.name + suffix) for name in moving for suffix in ("_total", "_count"))
        and metric.name not in moving
    }
    assert still == SHOWN | {"browser_series_overflow"}


def test_active_agents_come_back_to_zero(instruments: Instruments, record: Callable[[e.Event], None]) -> None:
    """Each run that started and finished, however, leaves the gauge where it was."""
    for _ in range(5):
        record(e.RunStarted())
    assert read(instruments)["browser_active_agents{}"] == 5
    for outcome in ("success", "failure", "cancelled", "timeout", "error"):
        record(e.RunFinished(outcome=outcome, failure_reason="none", seconds=1, steps=1))
    assert read(instruments)["browser_active_agents{}"] == 0


def test_hook_has_one_state(instruments: Instruments, record: Callable[[e.Event], None]) -> None:
    """A hook that is off and comes on again is not both."""
    for installed in (True, False, True):
        record(e.HookInstalled(hook="run", installed=installed))
    found = read(instruments)
    assert found["browser_instrumentation_hooks{hook=run,installed=true}"] == 1
    assert found["browser_instrumentation_hooks{hook=run,installed=false}"] == 0


def test_one_version_at_a_time(instruments: Instruments, record: Callable[[e.Event], None]) -> None:
    """Versions seen later replace those seen before."""
    record(e.VersionsSeen(browser_use="0.13.14"))
    record(e.VersionsSeen(browser_use="0.13.14", chromium="156"))
    assert [name for name in read(instruments) if name.startswith("browser_build_info")] == [
        f"browser_build_info{{version={__version__},browser_use_version=0.13.14,chromium_version=156}}"
    ]


def test_actions_and_purposes_are_known() -> None:
    """The catch-alls are in their sets."""
    assert "custom" in ACTIONS
    assert "other" in MODEL_PURPOSES


# --- model names -------------------------------------------------------------------------------------------------------
def test_first_ten_models() -> None:
    """Without a list the first ten names are labels, and stay; any later one is `other`."""
    names = ModelNames()
    first = [f"model-{number}" for number in range(10)]
    assert [names.label(name) for name in first] == first
    assert names.label("model-10") == "other"
    assert [names.label(name) for name in first] == first


def test_allowed_models() -> None:
    """With a list, its names are labels and no other is."""
    names = ModelNames(("gpt-4.1",))
    assert [names.label(name) for name in ("gpt-4.1", "gpt-4o", "")] == ["gpt-4.1", "other", "other"]


def test_empty_model_takes_no_place() -> None:
    """A call without a model's name is `other` and uses up no place."""
    names = ModelNames(limit=1)
    assert [names.label(name) for name in ("", "", "a", "b")] == ["other", "other", "a", "other"]


def test_hostile_model_names(instruments: Instruments, record: Callable[[e.Event], None]) -> None:
    """Ten thousand model names make eleven, and no call is lost."""
    for number in range(10_000):
        record(called(model=f"model-{number}"))
    found = [name for name in read(instruments) if name.startswith("gen_ai_client_operation_duration_seconds_count")]
    assert len(found) == 11
    assert sum(read(instruments)[name] for name in found) == 10_000


def test_allow_models_later(instruments: Instruments) -> None:
    """A list that is set after the first events holds from then on."""
    recorder = Recorder(instruments)
    recorder.record(called(model="before"))
    recorder.allow_models(("gpt-4.1",))
    assert moved(instruments, lambda: recorder.record(called(model="before", error="timeout"))) == duration(
        "timeout", CALL.replace("gpt-4.1", "other")
    )


# --- exemplars ---------------------------------------------------------------------------------------------------------
def exemplars(instruments: Instruments) -> list[dict[str, str]]:
    """The exemplars that a scraper reads."""
    registry = CollectorRegistry()
    registry.register(instruments)
    text = write_openmetrics(registry).decode()
    families = read_openmetrics(text)
    return [sample.exemplar.labels for family in families for sample in family.samples if sample.exemplar]


@pytest.mark.parametrize(
    "event",
    [
        e.RunFinished(outcome="success", failure_reason="none", seconds=1, steps=1, trace_id=TRACE, span_id=SPAN),
        e.StepFinished(outcome="ok", seconds=1, phases={"model": 1}, trace_id=TRACE, span_id=SPAN),
        e.ActionFinished(action="click", outcome="ok", seconds=1, trace_id=TRACE, span_id=SPAN),
        called(has_usage=True, input_tokens=1, output_tokens=1, trace_id=TRACE, span_id=SPAN),
        e.PageLoaded(outcome="ok", cause="link", load=1, trace_id=TRACE, span_id=SPAN),
        e.BrowserLaunched(result="ok", seconds=1, trace_id=TRACE, span_id=SPAN),
    ],
    ids=lambda event: type(event).__name__,
)
def test_exemplars(instruments: Instruments, event: e.Event) -> None:
    """An event of a sampled span leads from the metric to its trace, in the OpenMetrics format."""
    Recorder(instruments).record(event)
    found = exemplars(instruments)
    assert found
    assert all(labels == {"trace_id": TRACE, "span_id": SPAN} for labels in found)
    registry = CollectorRegistry()
    registry.register(instruments)
    assert TRACE not in generate_latest(registry).decode()


def test_no_exemplars_without_a_trace(instruments: Instruments) -> None:
    """Without a sampled span there is no exemplar: it would lead nowhere."""
    recorder = Recorder(instruments)
    for event, _ in CASES.values():
        recorder.record(event)
    assert exemplars(instruments) == []
