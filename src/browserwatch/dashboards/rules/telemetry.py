"""Alerts about the watching itself: what is lost must not be lost silently."""

from __future__ import annotations

from typing import Final

from browserwatch.dashboards import limits
from browserwatch.dashboards.places import COLLECTOR_JOB, PROMETHEUS_JOB
from browserwatch.dashboards.rules.alert import Alert

BY: Final = "sum by (job, instance)"
ON: Final = "on (job, instance)"
WHERE: Final = "{{ $labels.instance }}"
COUNT: Final = '{{ $value | printf "%.0f" }}'

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
        expression=(
            f"time() - browser_telemetry_last_export_timestamp_seconds > {limits.EXPORT_AGE}\n"
            f"and {ON} browser_telemetry_queue_capacity > 0\nand {ON} {BY} (increase(browser_steps_total[10m])) > 0"
        ),
        pending="5m",
        severity="warning",
        component="telemetry",
        summary=f"{WHERE} works, and no span of it arrives",
        description=f"The last successful export of {WHERE} was {{{{ $value | humanizeDuration }}}} ago, and steps go on.",
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

PIPELINE_ALERTS: Final = (
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
        name="AlertsUndelivered",
        expression=(
            f"{BY} (increase(prometheus_notifications_errors_total[5m])) > 0\n"
            "or prometheus_notifications_alertmanagers_discovered < 1"
        ),
        pending="5m",
        severity="critical",
        component="alerting",
        summary=f"Prometheus {WHERE} can't reach its Alertmanager",
        description="Alerts fire and nobody is told. Only the dashboards, and the silence of the watchdog, can show this.",
        board="telemetry",
    ),
    Alert(
        # Always firing while Prometheus works: whoever receives it raises the alarm when it stops.
        name="Watchdog",
        expression=f'max by (job) (up{{job="{PROMETHEUS_JOB}"}}) == 1',
        pending="0m",
        severity="none",
        component="alerting",
        summary="Prometheus evaluates rules and delivers alerts",
        description="This alert always fires. When it stops, something between Prometheus and its receiver is broken.",
        board="telemetry",
    ),
)
