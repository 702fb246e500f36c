"""The commands and their options. What they do is imported when they run, so that `--help` stays quick."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from browserwatch.cli.bench import app as bench
from browserwatch.cli.terminal import extra, sentences
from browserwatch.dashboards import places
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

dashboards = typer.Typer(no_args_is_help=True, help="The Grafana dashboards that come with browserwatch.")
rules = typer.Typer(no_args_is_help=True, help="The recording rules and alerts that come with browserwatch.")
app.add_typer(dashboards, name="dashboards")
app.add_typer(rules, name="rules")
app.add_typer(bench, name="bench")
Directory = Annotated[Path, typer.Argument(metavar="DIR", help="Where to; made if it is not there.", file_okay=False)]
Force = Annotated[bool, typer.Option("--force", help="Overwrite files that differ.")]


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
def serve(
    *,
    host: Annotated[
        str | None, typer.Option(help="Address to listen on; any but loopback needs API keys. [127.0.0.1]")
    ] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one. [8700]")] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Directory of the embedded Redis, the session key and the agents.")
    ] = None,
    pool_min_idle: Annotated[int | None, typer.Option(help="Agents kept ready beyond those at work. [1]")] = None,
    pool_max_size: Annotated[int | None, typer.Option(help="Agents at most. [4]")] = None,
    egress_allow: Annotated[
        str | None, typer.Option(help="Addresses that are not public and may be visited: host, host:port, network.")
    ] = None,
) -> None:
    """Run the service: agents in a pool, sessions in Redis, runs and page fetches by HTTP, /metrics and /health/browser.

    Every option is also a variable with the prefix BROWSERWATCH_, and there are more: BROWSERWATCH_REDIS_URL (unset: a
    private redis-server), BROWSERWATCH_LLM_PROVIDER, _LLM_MODEL, _LLM_BASE_URL, _LLM_API_KEY, BROWSERWATCH_API_KEYS …
    `browserwatch config` prints all of them as they are in force. SIGTERM and Ctrl-C drain: what runs may finish.
    """
    with sentences():
        with extra("service"):
            from browserwatch.cli.serve import run_service  # noqa: PLC0415  # slow, and an extra
        from browserwatch.settings import load_service_settings  # noqa: PLC0415

        settings = load_service_settings(
            host=host,
            port=port,
            data_dir=data_dir,
            pool_min_idle=pool_min_idle,
            pool_max_size=pool_max_size,
            egress_allow=egress_allow,
        )
        raise typer.Exit(run_service(settings))


@app.command()
def up(
    *,
    demo: Annotated[
        bool, typer.Option("--demo", help="Give it work: a scripted model on a demo site, in a directory of its own.")
    ] = False,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port of the service, or any when it is taken. [8700]")
    ] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Directory of all data and generated configuration. [that of the service]")
    ] = None,
    record: Annotated[Path | None, typer.Option(hidden=True, help="Write what it showed as an SVG picture.")] = None,
) -> None:
    """Start the whole pipeline on this machine: the service, collector, Prometheus, Alertmanager, Grafana; no Docker needed.

    What is not installed is named with how to get it, and left out. All of it listens on loopback, on the usual ports
    where they are free. It shows addresses, states and alerts, and stops everything on Ctrl-C.
    """
    with sentences():
        with extra("service"):
            from browserwatch.cli.up.command import Options, run_up  # noqa: PLC0415  # slow, and an extra

        raise typer.Exit(run_up(Options(demo=demo, port=port, data_dir=data_dir, record=record)))


@app.command()
def run(  # noqa: PLR0913  # the command's options
    task: Annotated[str, typer.Argument(help="What the agent should do.")],
    *,
    session: Annotated[str | None, typer.Option(help="Name of the browser session (login) to use and keep.")] = None,
    start_url: Annotated[str | None, typer.Option(help="Page to begin on.")] = None,
    model: Annotated[str | None, typer.Option(help="Model, one of those the service allows.")] = None,
    max_steps: Annotated[int | None, typer.Option(min=1, help="Most steps.")] = None,
    timeout: Annotated[float | None, typer.Option(help="Longest time in seconds.")] = None,
    budget: Annotated[float | None, typer.Option(help="Cost in US dollars at which it is stopped.")] = None,
    secrets: Annotated[
        Path | None, typer.Option(help="JSON file of values the model never sees: {name: value} or {domain: {…}}.")
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Show its steps, then its result.")] = False,
) -> None:
    """Give a task to a running service, at BROWSERWATCH_URL with the key BROWSERWATCH_API_KEY.

    Ctrl-C ends the following, not the run. With --follow the exit code is 0 when the run succeeded.
    """
    with sentences():
        with extra("service"):
            from browserwatch.cli.run import Task, run_task  # noqa: PLC0415  # slow, and an extra

        wanted = Task(
            task=task,
            session=session,
            start_url=start_url,
            model=model,
            max_steps=max_steps,
            timeout_seconds=timeout,
            budget_usd=budget,
            secrets_file=secrets,
            follow=follow,
        )
        raise typer.Exit(run_task(wanted))


@app.command()
def config() -> None:
    """Print the service's settings as they are in force; secrets are masked."""
    with sentences():
        from browserwatch.cli.config import print_config  # noqa: PLC0415  # slow

        print_config()


@app.command()
def key(tenant: Annotated[str, typer.Argument(help="Whose key: runs and sessions belong to a tenant.")]) -> None:
    """Make an API key: the key for the caller, and the line for BROWSERWATCH_API_KEYS_FILE, which can't be turned back."""
    with sentences():
        with extra("service"):
            from browserwatch.cli.key import print_key  # noqa: PLC0415  # slow, and an extra

        print_key(tenant)


@app.command()
def demo(
    *,
    serve: Annotated[bool, typer.Option("--serve", help="Keep the service and the demo site up until Ctrl-C.")] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the service; 0 takes a free one.")] = 0,
    record: Annotated[Path | None, typer.Option(hidden=True, help="Write the report as an SVG picture.")] = None,
) -> None:
    """Start the service and have it work, on this machine alone: no account, no key, no internet.

    Two pooled agents in Chromium do four runs on a small web site with a scripted model, one of which fails by design, then
    fetch pages with the login that a run has left. It ends with outcomes, slowest steps, a trace, health and metrics.
    """
    with sentences():
        from browserwatch.cli.demo.command import run_demo  # noqa: PLC0415  # slow, and an extra
        from browserwatch.cli.demo.options import Options  # noqa: PLC0415

        raise typer.Exit(run_demo(Options(serve=serve, port=port, record=record)))


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


@dashboards.command("export")
def export_dashboards(directory: Directory, *, force: Force = False) -> None:
    """Write the dashboards as JSON, and what provisions them in Grafana 11 or newer."""
    with sentences():
        from browserwatch.cli import export  # noqa: PLC0415  # slow

        raise typer.Exit(export.export_dashboards(directory, force=force))


@rules.command("export")
def export_rules(
    directory: Directory,
    *,
    force: Force = False,
    grafana_url: Annotated[str, typer.Option(help="Where the alerts' links to dashboards lead.")] = places.GRAFANA,
    runbooks_url: Annotated[str, typer.Option(help="Where their links to runbooks lead.")] = places.RUNBOOKS,
) -> None:
    """Write rules and alerts for Prometheus, and examples of its and Alertmanager's configuration."""
    with sentences():
        from browserwatch.cli import export  # noqa: PLC0415  # slow

        raise typer.Exit(
            export.export_rules(directory, force=force, grafana_url=grafana_url, runbooks_url=runbooks_url)
        )
