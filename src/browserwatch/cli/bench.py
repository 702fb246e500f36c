"""`browserwatch bench`: what watching costs, measured here."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Final

import typer

from browserwatch.cli.terminal import make_console, sentences
from browserwatch.errors import ConfigurationError, MissingDependencyError

NEEDED: Final = ("numpy", "matplotlib", "rich", "psutil", "starlette", "uvicorn", "browser_use", "opentelemetry.sdk")
PICTURES: Final = (".svg", ".png")
QUICK_STEPS: Final = 20
WIDE: Final = 120
"""A table's width, also where the terminal has less: folded cells can't be compared."""

app = typer.Typer(help="Measure what watching costs, on this machine.", no_args_is_help=True)


@app.command()
def hooks(
    *,
    steps: Annotated[int, typer.Option(min=20, help="Steps with each arm, and as many without.")] = 3000,
    arms: Annotated[str, typer.Option(help="Arms, comma-separated; by default all.")] = "",
    profile: Annotated[bool, typer.Option("--profile", help="Also show where the time of `all` goes.")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="A few steps: to see that it works.")] = False,
    as_json: Annotated[Path | None, typer.Option("--json", help="Also write a report.")] = None,
) -> None:
    """Measure what the hooks add to a step, without browser and model.

    The exit code is 1 when all signals take more than they may.
    """
    with sentences():
        require_extra()
        raise typer.Exit(_hooks(QUICK_STEPS if quick else steps, arms, as_json, profile=profile, quick=quick))


@app.command()
def overhead(
    *,
    variants: Annotated[str, typer.Option(help="Variants, comma-separated.")] = "all",
    minutes: Annotated[float, typer.Option(min=0, help="Time for each variant, at most.")] = 30,
    quick: Annotated[bool, typer.Option("--quick", help="Two pairs of runs: to see that it works.")] = False,
    as_json: Annotated[Path | None, typer.Option("--json", help="Also write a report.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Also draw a picture: a name ending in .svg or .png.")] = None,
) -> None:
    """Measure what watching adds to real work in a warm Chromium.

    The exit code is 1 when the interval's upper end is above 5 % of the Python process's processor time.
    """
    with sentences():
        require_extra()
        if plot is not None and plot.suffix not in PICTURES:
            raise ConfigurationError(f"--plot {plot}: use a name that ends in {' or '.join(PICTURES)}.")
        raise typer.Exit(_overhead(variants, minutes, as_json, plot, quick=quick))


def require_extra() -> None:
    """See that the packages of the extra are there.

    Raises:
        MissingDependencyError: one is not.
    """
    for name in NEEDED:
        if not _available(name):
            raise MissingDependencyError(f"The benchmark needs {name}: pip install 'browserwatch[bench]'")


def _available(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:  # not even the parent package
        return False


def _hooks(steps: int, arms: str, as_json: Path | None, *, profile: bool, quick: bool) -> int:
    from rich.progress import Progress  # noqa: PLC0415  # an extra

    from browserwatch.bench import hooks as bench  # noqa: PLC0415  # likewise
    from browserwatch.bench import report  # noqa: PLC0415
    from browserwatch.bench.estimates import exit_code  # noqa: PLC0415

    chosen = bench.programs(_names(arms)) if arms else bench.programs()
    with Progress(console=make_console(sys.stderr), transient=True) as progress:
        task = progress.add_task("", total=steps * len(chosen))
        found = bench.measure(
            chosen,
            steps,
            passes=1 if quick else bench.PASSES,
            profiled="all" if profile else "",
            told=lambda name, done: progress.update(task, advance=done, description=name),
        )
    verdicts = bench.verdicts(found)
    console = make_console(width=max(WIDE, make_console().width))
    report.print_hooks(console, found)
    report.print_verdicts(console, verdicts)
    if as_json is not None:
        report.write(as_json, report.as_json("hooks", found, verdicts))
    return 0 if quick else exit_code(verdicts)


def _overhead(variants: str, minutes: float, as_json: Path | None, plot: Path | None, *, quick: bool) -> int:
    from browserwatch.bench import overhead as bench  # noqa: PLC0415  # an extra
    from browserwatch.bench import report  # noqa: PLC0415
    from browserwatch.bench.estimates import exit_code  # noqa: PLC0415

    effort = bench.QUICK if quick else bench.Effort(seconds=minutes * 60)
    with make_console(sys.stderr).status("hooks, without browser") as status:

        def told(name: str, found: bench.Overhead) -> None:
            ratio = found.ratio()
            status.update(f"{name}: {len(found.pairs)} pairs, {ratio.value:.3f} ± {ratio.half_width:.3f}")

        found = bench.measure(_names(variants), effort, told)
    verdicts = bench.verdicts(found)
    console = make_console(width=max(WIDE, make_console().width))
    report.print_overhead(console, found)
    report.print_verdicts(console, verdicts)
    if as_json is not None:
        report.write(as_json, report.as_json("overhead", found, verdicts))
    if plot is not None:
        from browserwatch.bench.plot import draw  # noqa: PLC0415

        draw(found, plot)
    return 0 if quick else exit_code(verdicts)


def _names(listed: str) -> list[str]:
    return [name.strip() for name in listed.split(",") if name.strip()]
