"""`browserwatch bench batch`, `scrape` and `pool`: the parts of the pipeline, each under its own load."""

from __future__ import annotations

import sys
from pathlib import Path

from rich.progress import Progress

from browserwatch.bench import batch, batch_report, report, scrape, scrape_report, tables
from browserwatch.bench.estimates import exit_code
from browserwatch.bench.pool.__main__ import main
from browserwatch.cli.bench.consoles import wide_console
from browserwatch.cli.terminal import make_console


def run_batch(as_json: Path | None, plot: Path | None, *, quick: bool) -> int:
    """Measure the batch processor; 1 when the defaults lose spans of a burst."""
    effort = batch.QUICK if quick else batch.Effort()
    with Progress(console=make_console(sys.stderr), transient=True) as progress:
        task = progress.add_task("bursts", total=effort.programs)
        found = batch.measure(effort, lambda name: progress.update(task, advance=1, description=name))
    console = wide_console()
    batch_report.show(console, found)
    report.print_verdicts(console, found.verdicts())
    if as_json is not None:
        report.write(as_json, tables.as_json("batch", found.report()))
    if plot is not None:
        batch_report.draw(found, plot)
    return exit_code(found.verdicts())


def run_scrape(as_json: Path | None, *, quick: bool) -> int:
    """Measure scrapes."""
    effort = scrape.QUICK if quick else scrape.Effort()
    with Progress(console=make_console(sys.stderr), transient=True) as progress:
        task = progress.add_task("start", total=effort.rounds * len(effort.series))
        found = scrape.measure(
            effort, lambda series: progress.update(task, advance=1, description=f"guard of {series} series")
        )
    scrape_report.show(wide_console(), found)
    if as_json is not None:
        report.write(as_json, tables.as_json("scrape", scrape.report(found)))
    return 0


def run_pool(rounds: int, as_json: Path | None) -> int:
    """Measure what the pool is worth."""
    main(["--rounds", str(rounds), *(("--json", str(as_json)) if as_json is not None else ())])
    return 0
