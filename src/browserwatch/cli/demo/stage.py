"""The demo from the start of the service to the last table."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from typing import Final

from rich.console import Console, RenderableType
from rich.text import Text

from browserwatch import semantics as s
from browserwatch.cli.client import ServiceClient
from browserwatch.cli.demo.display import shown
from browserwatch.cli.demo.environment import Workspace
from browserwatch.cli.demo.options import Options
from browserwatch.cli.demo.plans import AGENTS, PAGE, PLANS, SIGN_IN, Plan
from browserwatch.cli.demo.progress import Board
from browserwatch.cli.demo.report import (
    Fetch,
    Run,
    health_table,
    metrics_table,
    pages_table,
    runs_table,
    steps_table,
)
from browserwatch.cli.demo.scrape import key_metrics, scrape
from browserwatch.cli.demo.serving import running, variables
from browserwatch.cli.demo.spans import span_tree_of
from browserwatch.cli.demo.tree import span_tree
from browserwatch.cli.picture import save_picture
from browserwatch.cli.terminal import make_console
from browserwatch.demo import SpanSink, demo_site, scripted_model, serve_in_thread
from browserwatch.processes.chromium import Chromium, unsandboxed_because

MODEL_SECONDS: Final = 0.25
"""What the scripted model takes for an answer: quick for a model, and long enough to be seen."""
SHOWN_TREE: Final = "failing"
START_SECONDS: Final = 60.0
POLL_SECONDS: Final = 0.1


class Stage:
    """One showing of the demo."""

    def __init__(self, options: Options, chromium: Chromium, workspace: Workspace, console: Console) -> None:
        self._options = options
        self._chromium = chromium
        self._workspace = workspace
        self._console = console
        self._progress = make_console(console.file)  # one of its own: progress is not part of a recorded report
        self._board = Board(tuple(plan.scenario for plan in PLANS), self._tell)
        self._sink = SpanSink()

    def play(self) -> bool:
        """Start the service, have it work, and report.

        Returns:
            Whether every run and page fetch ended as designed.
        """
        with ExitStack() as stack:
            site = stack.enter_context(serve_in_thread(demo_site()))
            model = stack.enter_context(serve_in_thread(scripted_model(latency=MODEL_SECONDS)))
            sink = stack.enter_context(serve_in_thread(self._sink.app()))
            self._introduce()
            environment = variables(self._workspace, site=site, model=model, spans=sink, port=self._options.port)
            url = stack.enter_context(running(environment, self._workspace.log))
            service = stack.enter_context(ServiceClient(url))
            self._wait_for_agents(service)
            runs = self._run_all(service, site)
            fetches = self._fetch_all(service, site)
            self._report(runs, fetches, service)
            if self._options.record is not None:
                save_picture(self._console, self._options.record, "browserwatch demo")
            self._tell_addresses(url, site)
            if self._options.serve:
                self._wait()
        ended = [run.record is not None and run.record.get("outcome") for run in runs]
        return ended == [plan.outcome for plan in PLANS] and all(fetch.good for fetch in fetches)

    def _tell(self, line: str) -> None:
        if not self._progress.is_terminal:
            self._progress.print(line, soft_wrap=True)

    def _introduce(self) -> None:
        said = f"a service with {AGENTS} agents, {len(PLANS)} runs, in {self._chromium.version}"
        self._console.print(Text.assemble(("\nbrowserwatch demo  ", "bold"), (said, "dim")))
        if reason := unsandboxed_because():
            self._console.print(f"Chromium runs without its sandbox: it can't be used {reason}.", style="dim")
        self._console.print()

    def _run_all(self, service: ServiceClient, site: str) -> list[Run]:
        ids = [
            self._submit(service, site, plan) for plan in PLANS
        ]  # one after the other: they are served in this order
        with shown(self._board, self._progress), ThreadPoolExecutor(len(PLANS)) as threads:
            return list(threads.map(partial(self._follow, service), PLANS, ids))

    def _submit(self, service: ServiceClient, site: str, plan: Plan) -> str:
        request = {
            "task": f"[scenario: {plan.scenario}] site: {site}",
            "sensitive_data": SIGN_IN,
            "max_steps": 15,
            **({"session": plan.session} if plan.session else {}),
        }
        return str(service.submit(request)["id"])

    def _follow(self, service: ServiceClient, plan: Plan, run_id: str) -> Run:
        for kind, data in service.follow(run_id):
            self._board.hear(plan.scenario, kind, data)
        return Run(plan.scenario, service.run(run_id), self._board.rows[plan.scenario].steps)

    def _wait_for_agents(self, service: ServiceClient) -> None:
        """Runs could wait in the queue as well, but the time of the first ones would be that of the start."""
        started = time.monotonic()
        while service.health()["agents"]["states"]["idle"] < AGENTS and time.monotonic() - started < START_SECONDS:
            time.sleep(POLL_SECONDS)
        self._console.print(f"Agents ready after {time.monotonic() - started:.1f} s.\n", style="dim")

    def _fetch_all(self, service: ServiceClient, site: str) -> list[Fetch]:
        """With the login that a run has left: in the browser that still has it, then in one that gets it from Redis."""
        first = self._fetch(service, site)
        with ThreadPoolExecutor(AGENTS) as threads:  # others use all browsers meanwhile
            list(threads.map(service.fetch, [{"url": f"{site}/slow?seconds=1"}] * AGENTS))
        return [first, self._fetch(service, site)]

    def _fetch(self, service: ServiceClient, site: str) -> Fetch:
        page = service.fetch({"url": f"{site}{PAGE.path}", "session": PAGE.session, "format": "text"})
        return Fetch(PAGE.path, page, PAGE.shows in str(page.get("content")))

    def _report(self, runs: list[Run], fetches: list[Fetch], service: ServiceClient) -> None:
        self._section("Runs", runs_table(runs))
        self._console.print(
            f"`{SHOWN_TREE}` fails by design. The model is scripted: tokens and costs are made up.", style="dim"
        )
        self._section("Pages fetched with the login of `shop-login`", pages_table(fetches))
        self._section("Slowest steps", steps_table(runs))
        for run in runs:
            if run.name == SHOWN_TREE and run.record is not None:
                self._show_tree(run.name, str(run.record.get("trace_id")))
        self._section("GET /health/browser", health_table(service.health()))
        lines = key_metrics(scrape(f"{service.url}/metrics"))
        self._section("GET /metrics, as Prometheus sees them", metrics_table(lines))

    def _show_tree(self, name: str, trace_id: str) -> None:
        self._sink.wait_for(trace_id, (s.AGENT_ACQUIRE, s.INVOKE_AGENT))
        if root := span_tree_of(self._sink.trace(trace_id)):
            self._section(f"Trace of `{name}`", span_tree(root, self._console.width))

    def _section(self, heading: str, content: RenderableType) -> None:
        self._console.print(Text(f"\n{heading}", style="bold"))
        self._console.print(content)

    def _tell_addresses(self, url: str, site: str) -> None:
        self._console.print()
        for name, address in (("Service", url), ("Health", f"{url}/health/browser"), ("Metrics", f"{url}/metrics")):
            self._console.print(Text.assemble((f"{name:<9}", "bold"), address))
        if self._options.serve:
            self._console.print(Text.assemble((f"{'Site':<9}", "bold"), site))

    def _wait(self) -> None:
        self._console.print("\nServing all of it until Ctrl-C.")
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            self._console.print("\nStopped.", style="dim")
