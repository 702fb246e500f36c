"""Can the other dashboards be trusted? From the program to the store of traces."""

from __future__ import annotations

from typing import Final

from browserwatch.dashboards import limits
from browserwatch.dashboards.board import Board, Row
from browserwatch.dashboards.panels import Bars, Lines, Number, Table
from browserwatch.dashboards.signals import telemetry

NOW: Final = Row(
    "Now",
    (
        Number("Targets up", "Does everything answer?", (telemetry.UP,), width=6, low="red", steps=((1, "green"),)),
        Number("Spans lost", "Are traces complete?", (telemetry.LOST,), width=6, steps=((1, "red"),)),
        Number(
            "Hooks missing",
            "Is all of browser-use watched?",
            (telemetry.HOOKS_MISSING,),
            width=6,
            steps=((1, "orange"),),
        ),
        Number("Series overflow", "Are labels complete?", (telemetry.OVERFLOW,), width=6, steps=((1, "orange"),)),
    ),
)
PROGRAM: Final = Row(
    "In the programs",
    (
        Lines("Spans", "What becomes of spans?", (telemetry.LEFT,), stacked=True, width=8),
        Lines(
            "Queue",
            "Will spans be dropped?",
            (telemetry.FILL,),
            width=8,
            steps=((limits.QUEUE_FILL.value, "orange"), (1, "red")),
        ),
        Lines(
            "Age of the last export",
            "Do spans still leave?",
            (telemetry.AGE,),
            width=8,
            steps=((limits.EXPORT_AGE.value, "red"),),
        ),
        Bars("Failing hooks", "Does the instrumentation itself fail?", (telemetry.HOOK_ERRORS,)),
        Lines("Masked secrets", "What would have leaked?", (telemetry.REDACTED,), stacked=True),
        Table("Versions", "What runs where?", (telemetry.VERSIONS,), width=24, height=6, labels_only=True),
    ),
)
COLLECTOR: Final = Row(
    "Collector",
    (
        Lines("Received", "Does the collector take what it is sent?", telemetry.ACCEPTED, width=6),
        Lines("Delivered", "Does it deliver?", telemetry.SENT, width=6),
        Lines(
            "Queue on disk",
            "Does it fall behind?",
            (telemetry.COLLECTOR_QUEUE,),
            width=6,
            steps=((limits.QUEUE_FILL.value, "red"),),
        ),
        Lines("Memory", "Is it near its limit?", (telemetry.COLLECTOR_MEMORY,), width=6),
    ),
)
PROMETHEUS: Final = Row(
    "Prometheus",
    (
        Lines(
            "Scrape time",
            "Is a target slow to show its metrics?",
            (telemetry.SCRAPE,),
            steps=((limits.SCRAPE_TIME.value, "orange"),),
        ),
        Lines("Series", "Does a target have too many series?", (telemetry.SERIES,)),
    ),
)
TELEMETRY: Final = Board(
    "telemetry",
    "browserwatch / Pipeline health",
    "Can the other dashboards be trusted?",
    (NOW, PROGRAM, COLLECTOR, PROMETHEUS),
)
