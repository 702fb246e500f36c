"""`browserwatch bench`: what watching costs, measured here."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Final

import typer

from browserwatch.cli.terminal import sentences
from browserwatch.errors import ConfigurationError, MissingDependencyError

NEEDED: Final = (
    "numpy",
    "matplotlib",
    "rich",
    "httpx",
    "psutil",
    "starlette",
    "uvicorn",
    "browser_use",
    "opentelemetry.sdk",
)
PICTURES: Final = (".svg", ".png")
QUICK_STEPS: Final = 20

app = typer.Typer(help="Measure what watching costs, on this machine.", no_args_is_help=True)


@app.command()
def hooks(
    *,
    steps: Annotated[int, typer.Option(min=20, help="Steps with each arm, and as many without.")] = 2000,
    arms: Annotated[str, typer.Option(help="Arms, comma-separated; by default all.")] = "",
    profile: Annotated[str, typer.Option(help="An arm: also show where its time goes.")] = "",
    quick: Annotated[bool, typer.Option("--quick", help="A few steps: to see that it works.")] = False,
    as_json: Annotated[Path | None, typer.Option("--json", help="Also write a report.")] = None,
) -> None:
    """Measure what the hooks add to a step, without browser and model.

    The exit code is 1 when all signals take more than they may; with --quick it is 0.
    """
    with sentences():
        require_extra()
        from browserwatch.cli.bench.watching import run_hooks  # noqa: PLC0415  # slow, and an extra

        raise typer.Exit(run_hooks(QUICK_STEPS if quick else steps, arms, profile, as_json, quick=quick))


@app.command()
def overhead(
    *,
    variants: Annotated[str, typer.Option(help="Variants, comma-separated.")] = "all",
    work: Annotated[
        str,
        typer.Option(
            metavar="MODULE:FUNCTION",
            help="Your own work: an async function that is given the address of a warm Chromium's DevTools, has an agent run"
            " there and returns what Agent.run() returned. By default a scripted run on the demo site.",
        ),
    ] = "",
    minutes: Annotated[float, typer.Option(min=0, help="Time for each variant, at most.")] = 30,
    quick: Annotated[bool, typer.Option("--quick", help="Two pairs of runs: to see that it works.")] = False,
    as_json: Annotated[Path | None, typer.Option("--json", help="Also write a report.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Also draw a picture: a name ending in .svg or .png.")] = None,
) -> None:
    """Measure what watching adds to real work in a warm Chromium.

    The exit code is 1 when the interval's upper end is above 5 % of the Python process's processor time;
    with --quick it is 0.
    """
    with sentences():
        require_extra()
        _check_picture(plot)
        from browserwatch.cli.bench.watching import run_overhead  # noqa: PLC0415  # slow, and an extra

        raise typer.Exit(run_overhead(variants, work, minutes, as_json, plot, quick=quick))


@app.command()
def batch(
    *,
    quick: Annotated[bool, typer.Option("--quick", help="A few bursts: to see that it works.")] = False,
    as_json: Annotated[Path | None, typer.Option("--json", help="Also write a report.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Also draw a picture: a name ending in .svg or .png.")] = None,
) -> None:
    """Measure the batch span processor: what a burst loses, what a span costs, how late it arrives.

    The exit code is 1 when the defaults lose a span of a burst of 4,000, or an account does not add up.
    """
    with sentences():
        require_extra()
        _check_picture(plot)
        from browserwatch.cli.bench.parts import run_batch  # noqa: PLC0415  # slow, and an extra

        raise typer.Exit(run_batch(as_json, plot, quick=quick))


@app.command()
def scrape(
    *,
    quick: Annotated[bool, typer.Option("--quick", help="A few scrapes: to see that it works.")] = False,
    as_json: Annotated[Path | None, typer.Option("--json", help="Also write a report.")] = None,
) -> None:
    """Measure scrapes of /metrics against the number of series, and what they do to the event loop."""
    with sentences():
        require_extra()
        from browserwatch.cli.bench.parts import run_scrape  # noqa: PLC0415  # slow, and an extra

        raise typer.Exit(run_scrape(as_json, quick=quick))


@app.command()
def pool(
    *,
    rounds: Annotated[int, typer.Option(min=1, help="Turns of all arms; one takes some five minutes.")] = 5,
    as_json: Annotated[Path | None, typer.Option("--json", help="Also write the single values.")] = None,
) -> None:
    """Measure what the service's pool is worth: ratios against agents in one process, and its answers under load."""
    with sentences():
        require_extra()
        from browserwatch.cli.bench.parts import run_pool  # noqa: PLC0415  # slow, and an extra

        raise typer.Exit(run_pool(rounds, as_json))


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


def _check_picture(plot: Path | None) -> None:
    if plot is not None and plot.suffix not in PICTURES:
        raise ConfigurationError(f"--plot {plot}: use a name that ends in {' or '.join(PICTURES)}.")
