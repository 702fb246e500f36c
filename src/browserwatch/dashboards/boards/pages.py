"""Do pages load, how fast, and what was refused?"""

from __future__ import annotations

from typing import Final

from browserwatch.dashboards.board import Board, Row
from browserwatch.dashboards.panels import Bars, Heat, Lines, Number
from browserwatch.dashboards.signals import pages

NOW: Final = Row(
    "In the time shown",
    (
        Number("Page loads", "How many pages were loaded?", (pages.TOTAL,), width=8),
        Number(
            "Without error", "Do pages load?", (pages.OK,), width=8, low="red", steps=((0.5, "orange"), (0.9, "green"))
        ),
        Number("Refused", "Do agents go where they may not?", (pages.BLOCKS,), width=8, steps=((1, "orange"),)),
    ),
)
LOADS: Final = Row(
    "Page loads",
    (
        Lines("Outcomes", "How do page loads end?", (pages.LOADED,), stacked=True),
        Bars("Causes", "What makes pages load?", (pages.CAUSES,)),
        Lines("Milestones", "Slow site, or slow page?", pages.MILESTONES),
        Heat("Time to load", "How are the times spread? A dot's trace opens from there.", (pages.LOADS,)),
    ),
)
FETCHES: Final = Row(
    "Fetches and policy",
    (
        Lines("Fetches", "How do the service's page fetches end?", (pages.FETCHED,), stacked=True, width=8),
        Lines("Time of a fetch", "How long does a fetch take?", pages.FETCH_TIME, width=8),
        Lines("Refused by policy", "Which rule refuses what agents try?", (pages.BLOCKED,), stacked=True, width=8),
    ),
)
PAGES: Final = Board(
    "pages", "browserwatch / Pages", "Do pages load, how fast, and what was refused?", (NOW, LOADS, FETCHES)
)
