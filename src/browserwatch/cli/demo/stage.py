"""The demo from the first agent to the last table."""

from __future__ import annotations

import asyncio
import threading
from contextlib import ExitStack
from typing import Final

from rich.console import Console, RenderableType
from rich.text import Text

from browserwatch import semantics as s
from browserwatch.cli.demo.agents import AT_ONCE, PLANS, Lab, end_leftovers, run_all
from browserwatch.cli.demo.display import shown
from browserwatch.cli.demo.environment import Workspace, exporting_to
from browserwatch.cli.demo.options import Options
from browserwatch.cli.demo.picture import save_picture
from browserwatch.cli.demo.progress import Board
from browserwatch.cli.demo.report import Run, metrics_table, runs_table, steps_table
from browserwatch.cli.demo.scrape import Line, key_metrics, scrape
from browserwatch.cli.demo.tree import span_tree
from browserwatch.cli.demo.watching import Watch, watching
from browserwatch.cli.terminal import make_console
from browserwatch.demo import demo_site, scripted_model, serve_in_thread
from browserwatch.metrics import start_metrics_server
from browserwatch.processes.chromium import Chromium, unsandboxed_because

MODEL_SECONDS: Final = 0.25
"""What the scripted model takes for an answer: quick for a model, and long enough to be seen."""
SHOWN_TREE: Final = "failing"


class Stage:
    """One showing of the demo."""

    def __init__(self, options: Options, chromium: Chromium, workspace: Workspace, console: Console) -> None:
        self._options = options
        self._chromium = chromium
        self._workspace = workspace
        self._console = console
        self._progress = make_console(console.file)  # one of its own: progress is not part of a recorded report
        self._board = Board(tuple(plan.scenario for plan in PLANS), self._tell)

    def play(self) -> bool:
        """Run the agents and report.

        Returns:
            Whether every run ended as designed.
        """
        with ExitStack() as stack:
            server = stack.enter_context(start_metrics_server(self._options.port))
            site = stack.enter_context(serve_in_thread(demo_site()))
            model = stack.enter_context(serve_in_thread(scripted_model(latency=MODEL_SECONDS)))
            self._introduce()
            with watching(self._board) as watch:
                self._run_agents(site, model)
                watch.provider.force_flush()
            runs = self._runs(watch)
            self._report(runs, watch, key_metrics(scrape(server.url)))
            if self._options.record is not None:
                save_picture(self._console, self._options.record)
            self._console.print(Text.assemble(("\nMetrics  ", "bold"), server.url))
            if self._options.serve:
                self._wait(site)
        return all(
            run.root is not None and run.root.get(s.RUN_OUTCOME) == plan.outcome
            for run, plan in zip(runs, PLANS, strict=True)
        )

    def _tell(self, line: str) -> None:
        if not self._progress.is_terminal:
            self._progress.print(line, soft_wrap=True)

    def _introduce(self) -> None:
        reason = unsandboxed_because()
        said = f"{len(PLANS)} agents, {AT_ONCE} at a time, in {self._chromium.version}"
        self._console.print(Text.assemble(("\nbrowserwatch demo  ", "bold"), (said, "dim")))
        if reason:
            self._console.print(f"Chromium runs without its sandbox: it can't be used {reason}.", style="dim")
        self._console.print()

    def _run_agents(self, site: str, model: str) -> None:
        lab = Lab(
            site=site,
            model=model,
            chromium=self._chromium.path,
            files=self._workspace.files,
            headless=not self._options.headed,
            sandbox=not unsandboxed_because(),
            made=self._board.expect,
        )
        try:
            with shown(self._board, self._progress):
                asyncio.run(run_all(lab))
        finally:
            end_leftovers()

    def _runs(self, watch: Watch) -> list[Run]:
        roots = {self._board.name_of(str(root.get(s.GEN_AI_AGENT_ID))): root for root in watch.store.runs()}
        return [Run(plan.scenario, roots.get(plan.scenario)) for plan in PLANS]

    def _report(self, runs: list[Run], watch: Watch, lines: list[Line]) -> None:
        self._section("Runs", runs_table(runs))
        self._console.print(
            f"`{SHOWN_TREE}` fails by design. The model is scripted: tokens and costs are made up.", style="dim"
        )
        self._section("Slowest steps", steps_table(runs, watch.phases.of))
        for run in runs:
            if run.name == SHOWN_TREE and run.root is not None:
                self._section(f"Spans of `{run.name}`", span_tree(run.root, self._console.width))
        self._section("Metrics, as Prometheus sees them", metrics_table(lines))
        if variable := exporting_to():
            self._console.print(sent(variable, lines))

    def _section(self, heading: str, content: RenderableType) -> None:
        self._console.print(Text(f"\n{heading}", style="bold"))
        self._console.print(content)

    def _wait(self, site: str) -> None:
        self._console.print(Text.assemble(("Site     ", "bold"), site))
        self._console.print("\nServing both until Ctrl-C.")
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            self._console.print("\nStopped.", style="dim")


def sent(variable: str, lines: list[Line]) -> str:
    """What became of the spans on their way to the collector that a variable names."""
    counts = {line.labels["result"]: line.value for line in lines if line.sample == "browser_telemetry_spans_total"}
    exported, lost = counts.pop("exported", 0), sum(counts.values())
    if lost:
        return (
            f"The collector of {variable} refused {lost:.0f} of {exported + lost:.0f} spans: see `browserwatch doctor`."
        )
    return f"The collector of {variable} took {exported:.0f} spans."
