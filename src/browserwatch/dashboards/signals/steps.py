"""Signals about steps and actions: where the time goes, and what fails."""

from __future__ import annotations

from typing import Final

from browserwatch.dashboards.signal import Signal, or_zero, quantiles, rate, share

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
    or_zero(f"{rate('browser_actions_total', 'action')} * 60 > 0", "action"),
    "opm",
    "Actions per minute, by tool; only those in use.",
    "{{action}}",
)
ACTION_FAILURES: Final = Signal(
    or_zero(f"({share(FAILED_ACTIONS, ALL_ACTIONS)}) > 0", "action"),
    "percentunit",
    "Share of actions that failed, by tool; only tools that fail.",
    "{{action}}",
)
ACTION_LATENCY: Final = Signal(
    or_zero(f"histogram_quantile(0.95, {rate('browser_action_duration_seconds_bucket', 'le, action')}) > 0", "action"),
    "s",
    "95th percentile of the time of an action, by tool.",
    "{{action}}",
    exemplars=True,
)
