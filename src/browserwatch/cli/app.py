"""The commands and their options. What they do is imported when they run, so that `--help` stays quick."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from browserwatch.cli.terminal import sentences
from browserwatch.version import __version__

app = typer.Typer(
    name="browserwatch",
    help="See what browser-use agents do: traces, Prometheus metrics, dashboards, alerts and health.",
    no_args_is_help=True,
    add_completion=False,
    # A traceback with local variables would show tasks and keys.
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:  # noqa: FBT001  # the signature of a Typer callback
    if wanted:
        typer.echo(f"browserwatch {__version__}")
        raise typer.Exit


@app.callback()
def program(
    *,
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Take the options of the program itself."""
    del version  # its callback has done the work


@app.command()
def demo(
    *,
    serve: Annotated[bool, typer.Option("--serve", help="Keep the metrics and the demo site up until Ctrl-C.")] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the metrics; 0 takes a free one.")] = 0,
    headed: Annotated[bool, typer.Option("--headed", help="Show the browser windows.")] = False,
    record: Annotated[Path | None, typer.Option(hidden=True, help="Write the report as an SVG picture.")] = None,
) -> None:
    """Watch a few real agents at work, on this machine alone: no account, no key, no internet.

    Four browser-use agents in Chromium, two at a time, on a small web site and with a scripted model.
    One of them fails, by design. It ends with their outcomes, slowest steps, spans and metrics.
    """
    with sentences():
        from browserwatch.cli.demo.command import run_demo  # noqa: PLC0415  # slow, and an extra
        from browserwatch.cli.demo.options import Options  # noqa: PLC0415

        raise typer.Exit(run_demo(Options(serve=serve, port=port, headed=headed, record=record)))


@app.command()
def doctor(
    *,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="Port of the metrics; by default BROWSERWATCH_METRICS_PORT, else 9464."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as JSON.")] = False,
) -> None:
    """Check this machine: browser-use, its hooks, Chromium, collector, ports and settings.

    The exit code is 1 when a check fails, 0 when all pass or only warn.
    """
    with sentences():
        from browserwatch.cli.doctor.command import run_doctor  # noqa: PLC0415  # slow

        raise typer.Exit(run_doctor(port, as_json=as_json))
