"""Signals about page loads."""

from __future__ import annotations

from typing import Final

from browserwatch.dashboards.signal import Signal, buckets_of, or_zero, quantiles, rate, ratio, total

LOADED: Final = Signal(
    f"{rate('browser_navigations_total', 'outcome')} * 60", "opm", "Page loads per minute, by outcome.", "{{outcome}}"
)
OK: Final = Signal(
    ratio(total('browser_navigations_total{outcome="ok"}'), total("browser_navigations_total")),
    "percentunit",
    "Page loads without an error, as a share of all in the time shown.",
    empty="no page loaded",
)
TOTAL: Final = Signal(total("browser_navigations_total"), "short", "Page loads in the time shown.")
CAUSES: Final = Signal(
    total("browser_navigation_causes_total", "cause"),
    "short",
    "Page loads in the time shown, by what made them.",
    "{{cause}}",
)
MILESTONES: Final = quantiles(
    "browser_navigation_duration_seconds", "s", "the time from the start of a page load to a milestone", by="milestone"
)
LOADS: Final = buckets_of(
    'browser_navigation_duration_seconds{milestone="load"}', "s", "Pages that were loaded, by how long it took."
)
FETCHED: Final = Signal(
    or_zero(f"{rate('browser_page_fetch_duration_seconds_count', 'outcome')} * 60 > 0", "outcome"),
    "opm",
    "Page fetches of the service per minute, by outcome.",
    "{{outcome}}",
)
FETCH_TIME: Final = quantiles("browser_page_fetch_duration_seconds", "s", "the time of a page fetch")
BLOCKED: Final = Signal(
    f"{rate('browser_policy_blocks_total', 'rule')} * 60", "opm", "Navigations refused per minute, by rule.", "{{rule}}"
)
BLOCKS: Final = Signal(total("browser_policy_blocks_total"), "short", "Navigations that the policy refused.")
