"""Recording rules: what alerts and panels share, and what is too dear to compute at every look."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from browserwatch.dashboards.catalog import Catalog
from browserwatch.dashboards.promql import check
from browserwatch.dashboards.rules.objectives import OBJECTIVES, Objective

SHORT_WINDOWS: Final = ("5m", "30m", "1h", "2h", "6h")
LONG_WINDOWS: Final = ("1d", "3d", "30d")
COUNTED_WINDOWS: Final = ("1h", "6h", "1d", "3d")


@dataclass(frozen=True, slots=True)
class Recording:
    """A series that Prometheus computes; `labels` are those of the result, `fixed` the ones the rule adds."""

    name: str
    expression: str
    labels: tuple[str, ...] = ("job",)
    fixed: tuple[tuple[str, str], ...] = ()


def error_ratio(window: str) -> str:
    """Name of the recorded share of bad events."""
    return f"job_slo:browser_slo_errors:ratio_rate{window}"


def bad_events(window: str) -> str:
    """Name of the recorded number of bad events."""
    return f"job_slo:browser_slo_errors:increase{window}"


COST_NOW: Final = "job:browser_llm_cost_usd:rate15m"
COST_DAY: Final = "job:browser_llm_cost_usd:rate1d"
COST: Final = (
    Recording(COST_NOW, "sum by (job) (rate(browser_llm_cost_usd_total[15m]))"),
    Recording(COST_DAY, "sum by (job) (rate(browser_llm_cost_usd_total[1d]))"),
)


def _of(objective: Objective, name: str, expression: str) -> Recording:
    return Recording(name, expression, ("job", "slo"), (("slo", objective.slo),))


def _ratios(windows: tuple[str, ...]) -> tuple[Recording, ...]:
    return tuple(_of(each, error_ratio(window), each.error_ratio(window)) for each in OBJECTIVES for window in windows)


def _counts() -> tuple[Recording, ...]:
    return tuple(
        _of(each, bad_events(window), each.bad_events("increase", window))
        for each in OBJECTIVES
        for window in COUNTED_WINDOWS
    )


# Long windows move slowly and cost much: now and then is enough, but within the five minutes a sample is looked back for.
GROUPS: Final = {
    "browserwatch-slo": ("30s", _ratios(SHORT_WINDOWS)),
    "browserwatch-slo-counts": ("1m", _counts()),
    "browserwatch-slo-long": ("2m", _ratios(LONG_WINDOWS)),
    "browserwatch-cost": ("1m", COST),
}
RECORDINGS: Final = tuple(recording for _, group in GROUPS.values() for recording in group)


def with_recordings(catalog: Catalog) -> Catalog:
    """A catalog in which the recorded series exist, too, each rule checked against what was there before."""
    for recording in RECORDINGS:
        check(recording.expression, catalog)
    return catalog.with_recorded({recording.name: recording.labels for recording in RECORDINGS})
