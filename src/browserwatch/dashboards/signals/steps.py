"""Signals about steps and actions: where the time goes, and what fails."""

from __future__ import annotations

from typing import Final

from browserwatch.dashboards.signal import Signal, quantiles, rate, share

STEPS: Final = rate("browser_steps_total")
ALL_ACTIONS: Final = rate("browser_actions_total", "action")
FAILED_ACTIONS: Final = rate('browser_actions_total{outcome="error"}', "action")
DURATION: Final = quantiles("browser_step_total_duration_seconds", "s", "the time of a step")
PER_MINUTE: Final = Signal(
    f"{rate('browser_steps_total', 'outcome')} * 60", "opm", "Steps that ended per minute, by outcome.", "{{outcome}}"
)
PHASES: Final = Signal(
    f"{rate('browser_step_duration_seconds_sum', 'phase')} / on () group_left () ({STEPS} > 0)"
    f" or {rate('browser_step_duration_seconds_sum', 'phase')} == 0",
    "s",
    "Mean time of a step in each phase: preparing (reading the page), the model, acting, finishing.",
    "{{phase}}",
)
ACTIONS: Final = Signal(
    f"{rate('browser_actions_total', 'action')} * 60 > 0 or on () vector(0)",
    "opm",
    "Actions per minute, by tool; only those in use.",
    "{{action}}",
)
ACTION_FAILURES: Final = Signal(
    f"({share(FAILED_ACTIONS, ALL_ACTIONS)}) > 0 or on () vector(0)",
    "percentunit",
    "Share of actions that failed, by tool; only tools that fail.",
    "{{action}}",
)
ACTION_LATENCY: Final = Signal(
    "histogram_quantile(0.95, sum by (le, action) (rate(browser_action_duration_seconds_bucket[$__rate_interval]))) > 0"
    " or on () vector(0)",
    "s",
    "95th percentile of the time of an action, by tool.",
    "{{action}}",
    exemplars=True,
)
