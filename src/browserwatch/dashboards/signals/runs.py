"""Signals about runs: outcome, duration, steps, and the objectives."""

from __future__ import annotations

from typing import Final

from browserwatch.dashboards.rules.objectives import OBJECTIVES, OUR_FAULT
from browserwatch.dashboards.rules.recording import error_ratio
from browserwatch.dashboards.signal import Signal, buckets_of, or_zero, quantiles, rate, ratio, share, total

ENDED: Final = 'browser_runs_total{outcome!="cancelled"}'
SUCCEEDED: Final = 'browser_runs_total{outcome="success"}'
UNSUCCESSFUL: Final = 'browser_runs_total{failure_reason!="none"}'
OURS: Final = f'browser_runs_total{{failure_reason=~"{OUR_FAULT}"}}'

SUCCESS: Final = Signal(
    ratio(total(SUCCEEDED), total(ENDED)),
    "percentunit",
    "Successful runs as a share of those that ended in the time shown, cancelled ones left out.",
    empty="no run has ended",
)
NOT_OUR_FAULT: Final = Signal(
    f"1 - ({share(total(OURS), total(ENDED))})",
    "percentunit",
    "Runs that did not fail by infrastructure, a crashed or an unresponsive browser; 100 % while none has ended.",
)
BUDGETS: Final = tuple(
    Signal(
        f'1 - max({error_ratio("30d")}{{slo="{objective.slo}"}}) / {objective.budget:.6g}',
        "percentunit",
        f"{objective.name}: {objective.promise}; of the whole job, whatever instance is chosen.",
        objective.name,
        empty="recording rules not loaded",
    )
    for objective in OBJECTIVES
)
PER_MINUTE: Final = Signal(
    f"{rate('browser_runs_total', 'outcome')} * 60", "opm", "Runs that ended per minute, by outcome.", "{{outcome}}"
)
DURATION: Final = quantiles("browser_run_duration_seconds", "s", "the time of a run")
DURATIONS: Final = buckets_of("browser_run_duration_seconds", "s", "Runs that ended, by how long they took.")
STEPS_PER_RUN: Final = quantiles("browser_run_steps", "short", "the number of steps of a run")
REASONS: Final = Signal(
    or_zero(f"topk(8, {total(UNSUCCESSFUL, 'failure_reason')} > 0)", "failure_reason"),
    "short",
    "Runs that did not succeed in the time shown, by reason; the eight most frequent.",
    "{{failure_reason}}",
)
REASONS_OVER_TIME: Final = Signal(
    or_zero(f"{rate(UNSUCCESSFUL, 'failure_reason')} * 60 > 0", "failure_reason"),
    "opm",
    "Runs that did not succeed per minute, by reason; only reasons that occur.",
    "{{failure_reason}}",
)
ACTIVE: Final = Signal("sum(browser_active_agents)", "short", "Agents that are running a task or a page fetch now.")
QUEUED: Final = Signal("sum(browser_runs_queued)", "short", "Runs that wait for their turn.", "queued runs")
QUEUE_AGE: Final = Signal(
    "max(browser_run_queue_oldest_seconds)", "s", "How long the oldest queued run has waited.", "oldest queued run"
)
REJECTED: Final = Signal(
    f"{rate('browser_runs_rejected_total', 'reason')} * 60", "opm", "Runs that were refused per minute.", "{{reason}}"
)
OPEN_ALERTS: Final = 'ALERTS{alertstate="firing",alertname=~"Browserwatch.+",severity!="none"}'
FIRING: Final = Signal(
    or_zero('count(ALERTS{alertstate="firing",alertname=~"Browserwatch.+",severity=~"critical|warning"})'),
    "short",
    "Alerts of browserwatch that fire now and want somebody: critical ones and warnings.",
)
FIRING_LIST: Final = Signal(
    f"count by (alertname, severity, job) ({OPEN_ALERTS})",
    "short",
    "Each with its severity and how many times it fires; the runbook of the same name says what to do.",
    empty="no alert fires",
)
