"""Signals about the watching itself: from the program to Prometheus and the collector."""

from __future__ import annotations

from typing import Final

from browserwatch.dashboards.places import JOBS, SERVICE_JOB
from browserwatch.dashboards.signal import Signal, or_zero, rate, total

# What every target has is asked of the chosen jobs and of the pipeline's own, not of all that a Prometheus scrapes.
TARGETS: Final = f'{{job=~"{"|".join(["$job", *(job for job in JOBS if job != SERVICE_JOB)])}"}}'

LEFT: Final = Signal(
    rate("browser_telemetry_spans_total", "result"),
    "cps",
    "Spans that ended, per second: exported, dropped because the queue was full, or failed to be sent. Those that started"
    " and are in none of these are running, or in the queue.",
    "{{result}}",
)
LOST: Final = Signal(
    total('browser_telemetry_spans_total{result!="exported"}'),
    "short",
    "Spans lost in the time shown: dropped or failed.",
)
FILL: Final = Signal(
    or_zero("max by (instance) (browser_telemetry_queue_size / (browser_telemetry_queue_capacity > 0))", "instance"),
    "percentunit",
    "How full the programs' queues are; at 100 % spans are dropped. 0 % where nothing is exported.",
    "{{instance}}",
)
AGE: Final = Signal(
    "max by (instance) (time() - (browser_telemetry_last_export_timestamp_seconds > 0))",
    "s",
    "Time since the last successful export of spans. It grows while there is nothing to send, too.",
    "{{instance}}",
    empty="nothing exported yet",
)
HOOKS_MISSING: Final = Signal(
    or_zero('sum(max by (hook) (browser_instrumentation_hooks{installed="false"}))'),
    "short",
    "Places of browser-use that its version does not have: what they show is missing.",
)
HOOK_ERRORS: Final = Signal(
    or_zero(f"{total('browser_instrumentation_errors_total', 'hook')} > 0", "hook"),
    "short",
    "Hooks that raised in the time shown; the runs went on.",
    "{{hook}}",
)
OVERFLOW: Final = Signal(
    total("browser_series_overflow_total"), "short", "Label combinations folded into other in the time shown."
)
REDACTED: Final = Signal(
    f"{rate('browser_redactions_total', 'sink')} * 60",
    "opm",
    "Secrets masked per minute, by where they would have gone.",
    "{{sink}}",
)
UP: Final = Signal(
    f"sum(up{TARGETS}) / count(up{TARGETS})",
    "percentunit",
    "Targets that answer: of the chosen jobs and of the pipeline itself.",
    empty="no target is scraped",
)
SCRAPE: Final = Signal(
    f"max by (job, instance) (scrape_duration_seconds{TARGETS})",
    "s",
    "How long a scrape takes.",
    "{{job}} {{instance}}",
)
SERIES: Final = Signal(
    f"max by (job, instance) (scrape_samples_scraped{TARGETS})", "short", "Series of a target.", "{{job}} {{instance}}"
)
VERSIONS: Final = Signal(
    "max by (job, instance, version, browser_use_version, chromium_version) (browser_build_info)",
    "short",
    "What runs where.",
    empty="no run has started yet",
)
ACCEPTED: Final = (
    Signal(
        or_zero(rate("otelcol_receiver_accepted_spans")), "cps", "Spans the collectors took per second.", "accepted"
    ),
    Signal(or_zero(rate("otelcol_receiver_refused_spans")), "cps", "Spans they refused: short of memory.", "refused"),
)
SENT: Final = (
    Signal(
        or_zero(rate("otelcol_exporter_sent_spans", "exporter"), "exporter"),
        "cps",
        "Spans the collectors delivered per second, after sampling.",
        "{{exporter}}",
    ),
    Signal(
        or_zero(rate("otelcol_exporter_send_failed_spans", "exporter"), "exporter"),
        "cps",
        "Spans they gave up.",
        "{{exporter}} failed",
    ),
)
COLLECTOR_QUEUE: Final = Signal(
    or_zero(
        "max by (exporter, instance) (otelcol_exporter_queue_size / (otelcol_exporter_queue_capacity > 0))", "exporter"
    ),
    "percentunit",
    "How full the collectors' queues on disk are.",
    "{{exporter}} {{instance}}",
)
COLLECTOR_MEMORY: Final = Signal(
    or_zero("max by (instance) (otelcol_process_memory_rss)", "instance"),
    "bytes",
    "Memory of each collector.",
    "{{instance}}",
)
