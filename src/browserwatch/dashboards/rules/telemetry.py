"""Alerts about the watching itself: what is lost must not be lost silently."""

from __future__ import annotations

from typing import Final

from browserwatch.dashboards import limits
from browserwatch.dashboards.foreign import SPAN_CALLS
from browserwatch.dashboards.places import COLLECTOR_JOB, SERVICE_JOB
from browserwatch.dashboards.rules.alert import Alert

BY: Final = "sum by (job, instance)"
ON: Final = "on (job, instance)"
WHERE: Final = "{{ $labels.instance }}"
COUNT: Final = '{{ $value | printf "%.0f" }}'
# A program without an exporter is none of our business; a service that had one beside a collector has lost it.
NO_EXPORT: Final = (
    f"(time() - browser_telemetry_last_export_timestamp_seconds > {limits.EXPORT_AGE}\n"
    f"    and {ON} browser_telemetry_queue_capacity > 0)\n"
    f"  or (browser_telemetry_queue_capacity == 0\n"
    f'    and {ON} browser_pool_size > 0 and on () up{{job="{COLLECTOR_JOB}"}} == 1)'
)

TELEMETRY_ALERTS: Final = (
    Alert(
        name="SpansLost",
        expression='sum by (job, instance, result) (increase(browser_telemetry_spans_total{result!="exported"}[10m])) > 0',
        pending="5m",
        severity="warning",
        component="telemetry",
        summary=f"{WHERE} loses spans: {{{{ $labels.result }}}}",
        description=f"{COUNT} spans of {WHERE} were lost in ten minutes ({{{{ $labels.result }}}}).",
        board="telemetry",
    ),
    Alert(
        name="TelemetryStale",
        expression=f"{BY} (increase(browser_steps_total[10m])) > 0\nand {ON} (\n  {NO_EXPORT}\n)",
        pending="5m",
        severity="warning",
        component="telemetry",
        summary=f"{WHERE} works, and no span of it arrives",
        description=f"{COUNT} steps ended on {WHERE} in ten minutes, and no span was exported in that time.",
        board="telemetry",
    ),
    Alert(
        name="MetricsMissing",
        expression=f'up{{job="{SERVICE_JOB}"}} == 1\nunless {ON} browser_active_agents',
        pending="5m",
        severity="critical",
        component="telemetry",
        summary=f"{WHERE} of {{{{ $labels.job }}}} answers Prometheus without our metrics",
        description=f"{WHERE} is scraped and has no browser_active_agents: no other alert can say anything of it.",
        board="telemetry",
    ),
    Alert(
        name="HookMissing",
        expression='max by (job, instance, hook) (browser_instrumentation_hooks{installed="false"}) == 1',
        pending="5m",
        severity="warning",
        component="telemetry",
        summary=f"browser-use on {WHERE} is only partly watched: {{{{ $labels.hook }}}}",
        description=f"The hook {{{{ $labels.hook }}}} is not installed on {WHERE}: what it shows is missing since then.",
        board="telemetry",
    ),
    Alert(
        name="SeriesOverflow",
        expression="sum by (job, instance, metric) (increase(browser_series_overflow_total[1h])) > 0",
        pending="0m",
        severity="warning",
        component="telemetry",
        summary=f"{WHERE} has too many series: {{{{ $labels.metric }}}}",
        description=f'{COUNT} label combinations of {{{{ $labels.metric }}}} were folded into "other" in an hour.',
        board="telemetry",
    ),
)

COLLECTOR_ALERTS: Final = (
    Alert(
        name="CollectorDown",
        expression=f'absent(up{{job="{COLLECTOR_JOB}"}})\nor max by (job) (up{{job="{COLLECTOR_JOB}"}}) == 0',
        pending="2m",
        severity="critical",
        component="collector",
        summary="No OpenTelemetry Collector answers",
        description="No collector could be scraped for two minutes, or none is configured: traces and span metrics stop.",
        board="telemetry",
    ),
    Alert(
        name="CollectorRefusing",
        expression=f"{BY} (rate(otelcol_receiver_refused_spans[5m])) > 0",
        pending="5m",
        severity="warning",
        component="collector",
        summary=f"The collector {WHERE} refuses spans",
        description=f'{{{{ $value | printf "%.1f" }}}} spans per second are refused by {WHERE}: it is short of memory.',
        board="telemetry",
    ),
    Alert(
        name="CollectorQueueStuck",
        expression="max by (job, instance, exporter) (min_over_time(otelcol_exporter_queue_size[10m])) > 0",
        pending="5m",
        severity="warning",
        component="collector",
        summary=f"The collector {WHERE} can't deliver: {{{{ $labels.exporter }}}}",
        description=f"For ten minutes {COUNT} batches or more have waited in the queue of {{{{ $labels.exporter }}}}.",
        board="telemetry",
    ),
    Alert(
        name="CollectorLosingSpans",
        expression=(
            "sum by (job, instance, exporter) (increase(otelcol_exporter_send_failed_spans[10m])) > 0\n"
            "or sum by (job, instance, exporter) (increase(otelcol_exporter_enqueue_failed_spans[10m])) > 0"
        ),
        pending="1m",
        severity="warning",
        component="collector",
        summary=f"The collector {WHERE} loses spans: {{{{ $labels.exporter }}}}",
        description=f"{COUNT} spans for {{{{ $labels.exporter }}}} were given up in ten minutes.",
        board="telemetry",
    ),
    Alert(
        # Also when their target is gone from Prometheus' configuration, which no `up` shows.
        name="SpanMetricsMissing",
        expression=f"sum(increase(otelcol_receiver_accepted_spans[10m])) > 0\nunless on () count({SPAN_CALLS})",
        pending="5m",
        severity="warning",
        component="collector",
        summary="Spans arrive at the collector, and Prometheus has no span metrics",
        description=f"{COUNT} spans were taken in ten minutes, and there is not one series of {SPAN_CALLS}.",
        board="telemetry",
    ),
)
