"""For every alert: when it fires, and when it stays silent though something like it is going on.

Samples are a minute apart (ten minutes for those named in SLOW), written as promtool does: ``0+2x60`` is 0, 2, 4 … 120.
"""

from __future__ import annotations

from dataclasses import dataclass

Series = dict[str, str]
QUIET = "0+0x60"
COLLECTOR = "otel-collector"
SLOW = ("RunsBurnSlow", "AcquireBurnSlow", "StepsBurnSlow", "CostSpike")


@dataclass(frozen=True)
class Case:
    """Two stories of one alert; `at` is when they are looked at."""

    alert: str
    fires_when: str
    fires: Series
    silent_when: str
    silent: Series
    at: str = "30m"
    silent_at: str = ""


def one(name: str, values: str, job: str = "browserwatch", **labels: str) -> Series:
    """A series of an instance."""
    written = ",".join(f'{label}="{value}"' for label, value in {"job": job, "instance": "a:8700", **labels}.items())
    return {f"{name}{{{written}}}": values}


def runs(success: str, failed: str, reason: str = "infrastructure") -> Series:
    """Runs that went well, and runs that failed for a reason."""
    return one("browser_runs_total", success, outcome="success", failure_reason="none") | one(
        "browser_runs_total", failed, outcome="error", failure_reason=reason
    )


def acquired(all_of_them: str, in_time: str) -> Series:
    """Wishes for an agent, and those met within 5 s."""
    name = "browser_agent_acquire_duration_seconds"
    return one(f"{name}_count", all_of_them, result="warm") | one(f"{name}_bucket", in_time, result="warm", le="5.0")


def stepped(all_of_them: str, in_time: str) -> Series:
    """Steps, and those done within 30 s."""
    name = "browser_step_total_duration_seconds"
    return one(f"{name}_count", all_of_them) | one(f"{name}_bucket", in_time, le="30.0")


def pool(waiters: str, idle: str, leased: str) -> Series:
    """A pool of at most two agents."""
    return (
        one("browser_pool_waiters", waiters)
        | one("browser_pool_size", "2+0x60")
        | one("browser_pool_agents", idle, state="idle")
        | one("browser_pool_agents", leased, state="leased")
    )


def launches(ok: str, error: str) -> Series:
    """Starts of a browser."""
    name = "browser_agent_launch_duration_seconds_count"
    return one(name, ok, result="ok") | one(name, error, result="error")


def calls(ok: str, failed: str, error: str) -> Series:
    """Calls of a model."""
    name = "gen_ai_client_operation_duration_seconds_count"
    model = {"gen_ai_operation_name": "chat", "gen_ai_provider_name": "openai", "gen_ai_request_model": "gpt-4.1-mini"}
    return one(name, ok, **model) | one(name, failed, **model, error_type=error)


def exporting(steps: str) -> Series:
    """A program with an exporter that has never got anything through."""
    return (
        one("browser_telemetry_last_export_timestamp_seconds", "0+0x60")
        | one("browser_telemetry_queue_capacity", "2048+0x60")
        | one("browser_steps_total", steps, outcome="ok")
    )


def busy(steps: str, fetches: str) -> Series:
    """An agent at work."""
    return (
        one("browser_active_agents", "1+0x60")
        | one("browser_steps_total", steps, outcome="ok")
        | one("browser_page_fetch_duration_seconds_count", fetches, outcome="ok")
    )


def without_exporter(size: str) -> Series:
    """A service at work that exports no spans."""
    return (
        one("browser_telemetry_queue_capacity", QUIET)
        | one("browser_pool_size", size)
        | one("browser_steps_total", "0+1x60", outcome="ok")
    )


def received(spans: str) -> Series:
    """Spans that the collector took."""
    return one("otelcol_receiver_accepted_spans", spans, job=COLLECTOR, receiver="otlp", transport="http")


def spans_counted(spans: str) -> Series:
    """The collector's metrics of them."""
    return one("traces_span_metrics_calls_total", spans, job="otel-collector-spans", span_name="agent_step")


def rules_failing(group: str) -> Series:
    """A group of rules that Prometheus can't evaluate."""
    return one("prometheus_rule_evaluation_failures_total", "0+1x60", job="prometheus", rule_group=group)


CASES = (
    Case(
        "RunsBurnFast",
        "one run in ten fails by our fault",
        runs("0+9x120", "0+1x120"),
        "the only run of an hour fails",
        runs("0+0x120", "0+0x59 1+0x60"),
        "120m",
    ),
    Case(
        "RunsBurnSlow",
        "one run in fifty fails by our fault for a day",
        runs("0+490x200", "0+10x200"),
        "one run in fifty fails because the model does",
        runs("0+490x200", "0+10x200", "llm_error"),
        "26h",
    ),
    Case(
        "AcquireBurnFast",
        "one caller in five waits longer than 5 s",
        acquired("0+10x120", "0+8x120"),
        "all callers have an agent in time",
        acquired("0+10x120", "0+10x120"),
        "120m",
    ),
    Case(
        "AcquireBurnSlow",
        "one caller in twenty waits longer than 5 s for a day",
        acquired("0+100x200", "0+95x200"),
        "one caller in two hundred does",
        acquired("0+200x200", "0+199x200"),
        "26h",
    ),
    Case(
        "StepsBurnFast",
        "four steps in five take longer than 30 s",
        stepped("0+10x120", "0+2x120"),
        "one step in five does",
        stepped("0+10x120", "0+8x120"),
        "120m",
    ),
    Case(
        "StepsBurnSlow",
        "one step in five takes longer than 30 s for a day",
        stepped("0+10x200", "0+8x200"),
        "one step in fifty does",
        stepped("0+50x200", "0+49x200"),
        "26h",
    ),
    Case(
        "ServiceDown",
        "both instances are down",
        {'up{job="browserwatch",instance="a:8700"}': QUIET, 'up{job="browserwatch",instance="b:8700"}': QUIET},
        "one of two instances is down",
        {'up{job="browserwatch",instance="a:8700"}': "1+0x60", 'up{job="browserwatch",instance="b:8700"}': QUIET},
    ),
    Case(
        "ServiceDown",
        "Prometheus has no such target",
        one("up", "1+0x60", job="node"),
        "the service answers",
        one("up", "1+0x60"),
    ),
    Case(
        "TargetDown",
        "an instance is down",
        one("up", QUIET),
        "a target that is not ours is down",
        one("up", QUIET, job="node"),
    ),
    Case(
        "PoolExhausted",
        "callers wait and all agents are taken",
        pool("3+0x60", QUIET, "2+0x60"),
        "all agents are taken and nobody waits",
        pool(QUIET, QUIET, "2+0x60"),
    ),
    Case(
        "WaitersOld",
        "a caller has waited for more than half a minute",
        one("browser_pool_oldest_waiter_seconds", "40+0x60"),
        "a caller has waited for ten seconds",
        one("browser_pool_oldest_waiter_seconds", "10+0x60"),
    ),
    Case(
        "RunsRejected",
        "runs are refused because the queue is full",
        one("browser_runs_rejected_total", "0+1x60", reason="queue_full"),
        "runs are refused because a tenant has used its quota",
        one("browser_runs_rejected_total", "0+1x60", reason="quota"),
    ),
    Case(
        "LaunchesFailing",
        "every second browser does not start",
        launches("0+1x60", "0+1x60"),
        "one browser did not start",
        launches("0+0x60", "0+0x20 1+0x40"),
    ),
    Case(
        "CrashLoop",
        "a browser crashes every minute",
        one("browser_crashes_total", "0+1x60", kind="browser"),
        "a tab crashed once",
        one("browser_crashes_total", "0+0x20 1+0x40", kind="tab"),
    ),
    Case(
        "OrphansReaped",
        "the service found processes when it started",
        one("browser_orphans_reaped_total", "3+0x200") | one("process_start_time_seconds", "0+0x200"),
        "that was two hours ago",
        one("browser_orphans_reaped_total", "3+0x200") | one("process_start_time_seconds", "0+0x200"),
        silent_at="2h",
    ),
    Case(
        "AgentMemoryHigh",
        "two agents take 4 GiB",
        one("browser_process_memory_bytes", f"{4 * 2**30}+0x60", role="chromium")
        | one("browser_pool_agents", "2+0x60", state="leased"),
        "four agents take 4 GiB",
        one("browser_process_memory_bytes", f"{4 * 2**30}+0x60", role="chromium")
        | one("browser_pool_agents", "4+0x60", state="leased"),
    ),
    Case(
        "AgentsStuck",
        "an agent is busy and no step ends",
        busy(QUIET, QUIET),
        "an agent is busy with page fetches",
        busy(QUIET, "0+1x60"),
    ),
    Case(
        "AgentsUnresponsive",
        "agents are ended because they answer nothing",
        one("browser_agents_retired_total", "0+0x20 3+0x40", reason="unresponsive"),
        "agents are replaced because they have done enough",
        one("browser_agents_retired_total", "0+0x20 3+0x40", reason="max_uses"),
    ),
    Case(
        "RedisDown",
        "the service's Redis does not answer",
        one("browser_redis_up", QUIET) | one("browser_pool_size", "2+0x60"),
        "a program without a service has no Redis",
        one("browser_redis_up", QUIET) | one("browser_pool_size", QUIET),
    ),
    Case(
        "SessionsUndecryptable",
        "a session can't be decrypted",
        one("browser_session_operations_total", "0+0x20 1+0x40", operation="restore", result="undecryptable"),
        "a session is not there",
        one("browser_session_operations_total", "0+0x20 1+0x40", operation="restore", result="miss"),
    ),
    Case(
        "ModelErrors",
        "one call in five fails",
        calls("0+4x60", "0+1x60", "server"),
        "one call in five is cancelled",
        calls("0+4x60", "0+1x60", "cancelled"),
    ),
    Case(
        "ModelRateLimited",
        "one call in five hits the rate limit",
        calls("0+4x60", "0+1x60", "rate_limit"),
        "two calls of a quiet hour do",
        calls("0+0x60", "0+0x20 2+0x40", "rate_limit"),
    ),
    Case(
        "CostSpike",
        "a day of a dollar per hour is followed by ten dollars per hour",
        one("browser_llm_cost_usd_total", "0+0.1666x150 25+1.666x10", provider="openai", model="gpt-4.1"),
        "ten dollars per hour are usual",
        one("browser_llm_cost_usd_total", "0+1.666x160", provider="openai", model="gpt-4.1"),
        "1590m",
    ),
    Case(
        "RunsInCircles",
        "one run in three ends in a loop",
        runs("0+2x120", "0+1x120", "loop"),
        "one run in a hundred does",
        runs("0+99x120", "0+1x120", "loop"),
        "90m",
    ),
    Case(
        "PolicyBlocks",
        "navigations are refused all the time",
        one("browser_policy_blocks_total", "0+3x60", rule="allowed_domains"),
        "one is refused now and then",
        one("browser_policy_blocks_total", "0+1x60", rule="allowed_domains"),
    ),
    Case(
        "MetadataAddressBlocked",
        "an agent tries to reach the metadata service",
        one("browser_policy_blocks_total", "0+0x20 1+0x40", rule="metadata_address"),
        "an agent tries to leave its domains",
        one("browser_policy_blocks_total", "0+0x20 1+0x40", rule="allowed_domains"),
    ),
    Case(
        "SpansLost",
        "the queue is full",
        one("browser_telemetry_spans_total", "0+5x60", result="dropped_queue_full"),
        "spans are exported",
        one("browser_telemetry_spans_total", "0+5x60", result="exported"),
    ),
    Case(
        "TelemetryStale",
        "steps go on and no span arrives",
        exporting("0+1x60"),
        "nothing is going on",
        exporting(QUIET),
    ),
    Case(
        "TelemetryStale",
        "a service has lost its exporter, and a collector is there",
        without_exporter("2+0x60") | one("up", "1+0x60", job=COLLECTOR),
        "there is no collector to send spans to",
        without_exporter("2+0x60"),
    ),
    Case(
        "MetricsMissing",
        "something else answers in the service's place",
        one("up", "1+0x60"),
        "the service shows its metrics",
        one("up", "1+0x60") | one("browser_active_agents", QUIET),
    ),
    Case(
        "HookMissing",
        "a hook is not installed",
        one("browser_instrumentation_hooks", "1+0x60", hook="chat", installed="false"),
        "all hooks are installed",
        one("browser_instrumentation_hooks", QUIET, hook="chat", installed="false"),
    ),
    Case(
        "SeriesOverflow",
        "a metric has too many label combinations",
        one("browser_series_overflow_total", "0+0x20 7+0x40", metric="browser_llm_cost_usd"),
        "that was two hours ago",
        one("browser_series_overflow_total", "0+0x20 7+0x300", metric="browser_llm_cost_usd"),
        silent_at="3h",
    ),
    Case(
        "CollectorDown",
        "no collector is configured",
        one("up", "1+0x60"),
        "the collector answers",
        one("up", "1+0x60", job=COLLECTOR),
    ),
    Case(
        "CollectorDown",
        "the collector does not answer",
        one("up", QUIET, job=COLLECTOR),
        "one of two collectors does",
        one("up", QUIET, job=COLLECTOR) | {f'up{{job="{COLLECTOR}",instance="b:8888"}}': "1+0x60"},
    ),
    Case(
        "CollectorRefusing",
        "the collector refuses spans",
        one("otelcol_receiver_refused_spans", "0+60x60", job=COLLECTOR, receiver="otlp", transport="http"),
        "the collector has refused spans before",
        one("otelcol_receiver_refused_spans", "600+0x60", job=COLLECTOR, receiver="otlp", transport="http"),
    ),
    Case(
        "CollectorQueueStuck",
        "the queue is never empty",
        one("otelcol_exporter_queue_size", "2+1x60", job=COLLECTOR, exporter="otlp_http/traces"),
        "the queue is emptied again and again",
        one("otelcol_exporter_queue_size", "5 0 9 0 5 0 9 0" + " 4 0" * 30, job=COLLECTOR, exporter="otlp_http/traces"),
    ),
    Case(
        "CollectorLosingSpans",
        "spans are given up",
        one("otelcol_exporter_send_failed_spans", "0+10x60", job=COLLECTOR, exporter="otlp_http/traces"),
        "spans are delivered",
        one("otelcol_exporter_send_failed_spans", QUIET, job=COLLECTOR, exporter="otlp_http/traces"),
    ),
    Case(
        "SpanMetricsMissing",
        "spans arrive and no span metrics do",
        received("0+10x60"),
        "spans and span metrics arrive",
        received("0+10x60") | spans_counted("0+10x60"),
    ),
    Case(
        "RulesFailing",
        "a group of ours fails",
        rules_failing("/etc/prometheus/rules/browserwatch.yaml;browserwatch-slo"),
        "somebody else's group fails",
        rules_failing("/etc/prometheus/rules/node.yaml;node"),
    ),
    Case(
        "NotificationsFailing",
        "a webhook does not answer",
        one("alertmanager_notification_requests_failed_total", "0+1x60", job="alertmanager", integration="webhook"),
        "it did not for two minutes, and does again",
        one(
            "alertmanager_notification_requests_failed_total",
            "0 0 1 5 9+0x60",
            job="alertmanager",
            integration="webhook",
        ),
        silent_at="8m",
    ),
    Case(
        "AlertsUndelivered",
        "no Alertmanager is configured",
        one("prometheus_notifications_alertmanagers_discovered", QUIET, job="prometheus"),
        "there are two",
        one("prometheus_notifications_alertmanagers_discovered", "2+0x60", job="prometheus"),
    ),
    Case(
        "AlertsUndelivered",
        "Alertmanager does not take alerts",
        one("prometheus_notifications_errors_total", "0+1x60", job="prometheus", alertmanager="http://a:9093"),
        "Alertmanager takes alerts",
        one("prometheus_notifications_errors_total", QUIET, job="prometheus", alertmanager="http://a:9093")
        | one("prometheus_notifications_alertmanagers_discovered", "1+0x60", job="prometheus"),
    ),
    Case(
        "Watchdog",
        "Prometheus scrapes itself",
        one("up", "1+0x60", job="prometheus"),
        "Prometheus can't even scrape itself",
        one("up", QUIET, job="prometheus"),
    ),
)
