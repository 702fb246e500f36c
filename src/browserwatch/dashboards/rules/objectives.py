"""The service-level objectives: what counts, what of it is bad, and how much of that is allowed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

OUR_FAULT: Final = "infrastructure|browser_crash|browser_unresponsive"
MET: Final = "warm|restored|fresh"
_ACQUIRE: Final = "browser_agent_acquire_duration_seconds"
_STEP: Final = "browser_step_total_duration_seconds"


@dataclass(frozen=True, slots=True)
class Objective:
    """An objective. `bad` and `total` are counters, written with COUNT for the function and WINDOW for its range."""

    slo: str
    name: str
    target: float
    promise: str
    board: str
    bad: str
    total: str

    @property
    def budget(self) -> float:
        """Share of events that may be bad."""
        return round(1 - self.target, 6)

    def bad_events(self, function: str, window: str) -> str:
        """The bad ones, by job."""
        return _filled(self.bad, function, window)

    def all_events(self, function: str, window: str) -> str:
        """All that count, by job."""
        return _filled(self.total, function, window)

    def error_ratio(self, window: str) -> str:
        """Share of bad events; 0 while there are none at all, since an unused budget is whole."""
        total = self.all_events("rate", window)
        return f"({self.bad_events('rate', window)}) / ({total} > 0) or {total} == 0"


def _filled(template: str, function: str, window: str) -> str:
    return template.replace("COUNT", function).replace("WINDOW", window)


OBJECTIVES: Final = (
    Objective(
        slo="runs",
        name="Runs",
        target=0.995,
        promise="99.5 % of runs do not fail by our fault: infrastructure, a crashed or an unresponsive browser",
        board="overview",
        bad=f'sum by (job) (COUNT(browser_runs_total{{failure_reason=~"{OUR_FAULT}"}}[WINDOW]))',
        total='sum by (job) (COUNT(browser_runs_total{outcome!="cancelled"}[WINDOW]))',
    ),
    Objective(
        slo="acquire",
        name="Acquire",
        target=0.99,
        promise="99 % of callers have an agent within 5 s",
        board="pool",
        bad=(
            f'clamp_min(sum by (job) (COUNT({_ACQUIRE}_count{{result!="cancelled"}}[WINDOW]))'
            f' - sum by (job) (COUNT({_ACQUIRE}_bucket{{le="5.0",result=~"{MET}"}}[WINDOW])), 0)'
        ),
        total=f'sum by (job) (COUNT({_ACQUIRE}_count{{result!="cancelled"}}[WINDOW]))',
    ),
    Objective(
        slo="steps",
        name="Steps",
        target=0.95,
        promise="95 % of steps take at most 30 s",
        board="agents",
        bad=(
            f"clamp_min(sum by (job) (COUNT({_STEP}_count[WINDOW]))"
            f' - sum by (job) (COUNT({_STEP}_bucket{{le="30.0"}}[WINDOW])), 0)'
        ),
        total=f"sum by (job) (COUNT({_STEP}_count[WINDOW]))",
    ),
)
