"""What `browserwatch bench scrape` shows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from rich.console import Console

from browserwatch.bench.scrape import SCRAPE_SECONDS, Scraped, Way
from browserwatch.bench.tables import Spread, table

MILLISECONDS: Final = 1e3


def show(console: Console, found: Mapping[tuple[int, Way], Scraped]) -> None:
    """Print the table."""
    columns = ("kB", "processor, ms", f"% every {SCRAPE_SECONDS:g} s", "answer, ms", "loop late, ms", "without scrapes")
    shown = table("one scrape", 1, "way", "series", *columns)
    for (_, way), scraped in found.items():
        cpu = Spread.of(scraped.cpu_seconds)
        shown.add_row(
            way.name,
            str(scraped.series),
            f"{scraped.bytes / 1e3:.0f}",
            cpu.shown(".1f", MILLISECONDS),
            f"{cpu.median / SCRAPE_SECONDS:.2%}",
            Spread.of(scraped.wall_seconds).shown(".1f", MILLISECONDS),
            Spread.of(scraped.stall_seconds).shown(".1f", MILLISECONDS),
            Spread.of(scraped.quiet_seconds).shown(".1f", MILLISECONDS),
        )
    console.print(shown)
    console.print(
        "ours: `metrics_app`, in a thread. server: `start_metrics_server`. library: prometheus_client's ASGI app, on the"
        " event loop. Loop late: at most, in a round of scrapes, and without them. In brackets: least and most.",
        style="dim",
    )
