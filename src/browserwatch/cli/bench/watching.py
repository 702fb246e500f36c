"""`browserwatch bench hooks` and `overhead`: what watching adds."""

from __future__ import annotations

import sys
from pathlib import Path

from rich.progress import Progress

from browserwatch.bench import hooks, overhead, report
from browserwatch.bench.estimates import exit_code
from browserwatch.bench.plot import draw
from browserwatch.cli.bench.consoles import wide_console
from browserwatch.cli.terminal import make_console


def run_hooks(steps: int, arms: str, profile: str, as_json: Path | None, *, quick: bool) -> int:
    """Measure the hooks; 1 when all signals take more than they may."""
    chosen = hooks.programs(_names(arms)) if arms else hooks.programs()
    with Progress(console=make_console(sys.stderr), transient=True) as progress:
        task = progress.add_task("", total=steps * len(chosen))
        found = hooks.measure(
            chosen,
            steps,
            passes=1 if quick else hooks.PASSES,
            profiled=profile,
            told=lambda name, done: progress.update(task, advance=done, description=name),
        )
    verdicts = hooks.verdicts(found)
    console = wide_console()
    report.print_hooks(console, found)
    if not quick:
        report.print_verdicts(console, verdicts)
    if as_json is not None:
        report.write(as_json, report.as_json("hooks", found, verdicts))
    return 0 if quick else exit_code(verdicts)


def run_overhead(
    variants: str, work: str, minutes: float, as_json: Path | None, plot: Path | None, *, quick: bool
) -> int:
    """Measure real work; 1 when watching takes more than it may."""
    effort = overhead.QUICK if quick else overhead.Effort(seconds=minutes * 60)
    with make_console(sys.stderr).status("") as status:
        found = overhead.measure(_names(variants), effort, work, status.update)
    verdicts = overhead.verdicts(found)
    console = wide_console()
    report.print_overhead(console, found)
    if not quick:
        report.print_verdicts(console, verdicts)
    if as_json is not None:
        report.write(as_json, report.as_json("overhead", found, verdicts))
    if plot is not None:
        draw(found, plot)
    return 0 if quick else exit_code(verdicts)


def _names(listed: str) -> list[str]:
    return [name.strip() for name in listed.split(",") if name.strip()]
