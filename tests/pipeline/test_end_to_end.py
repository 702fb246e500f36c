"""The whole pipeline with the real programs: what agents do arrives in every panel, in traces, and at whoever is woken."""

from __future__ import annotations

import json
import math
import os
import signal
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import psutil
import pytest

from browserwatch import semantics as s
from browserwatch.cli.client import ServiceClient
from browserwatch.cli.demo.plans import PAGE
from browserwatch.cli.demo.serving import scripted
from browserwatch.cli.demo.spans import Node, trees
from browserwatch.cli.up.workload import ROUND, Workload
from browserwatch.demo import demo_site, scripted_model, serve_in_thread
from tests.dashboards.prometheus import until
from tests.dashboards.test_boards import SHIPPED
from tests.dashboards.test_queries import EVERY_QUERY
from tests.pipeline.conftest import Up, running_up

pytestmark = [pytest.mark.real, pytest.mark.timeout(600), pytest.mark.usefixtures("all_programs")]
VALUES = {"$__rate_interval": "1m", "$__range": "15m", "$job": ".*", "$instance": ".*", "$service": ".*"}
TOURS = 2
# Panels without a number here, and why. Every other one must have one; today all have.
MAY_BE_EMPTY: dict[str, str] = {}
METADATA_ALERT = "BrowserwatchMetadataAddressBlocked"
BELOW_A_RUN = {s.AGENT_ACQUIRE, s.INVOKE_AGENT}


class Pipeline:
    """A pipeline, and what it was given to do."""

    def __init__(self, up: Up, site: str) -> None:
        self.up = up
        self.site = site
        self.url = up.address("service")
        self.prometheus = up.prometheus
        self.told: list[str] = []

    def work(self) -> None:
        """Two runs at once, then a round of the demo's work; done when it has been scraped, and the alert for it fires."""
        with ServiceClient(self.url) as service, ThreadPoolExecutor(TOURS) as threads:
            list(threads.map(self._tour, [service] * TOURS))
            Workload(self.url, self.site, self.told.append).round(service)
        self.prometheus.wait_for(f"sum(browser_runs_total) == {len(self.runs())}")
        self.prometheus.wait_for(f'ALERTS{{alertname="{METADATA_ALERT}",alertstate="firing"}}')

    def _tour(self, service: ServiceClient) -> None:
        run_id = str(service.submit({"task": f"[scenario: click-tour] site: {self.site}"})["id"])
        for _ in service.follow(run_id):
            pass

    def runs(self) -> list[dict[str, Any]]:
        """The service's own records."""
        return httpx.get(f"{self.url}/v1/runs", trust_env=False).json()["runs"]

    def ask(self, expression: str) -> list[float]:
        """The values that a panel would get."""
        for variable, value in VALUES.items():
            expression = expression.replace(variable, value)
        return self.prometheus.query(expression)

    def spans(self, trace_id: str) -> list[Node]:
        """Of a trace, as the collector has written it."""
        file = self.up.data_dir / "up" / "collector" / "traces.jsonl"
        written = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
        return [
            _node(span)
            for batch in written
            for resource in batch["resourceSpans"]
            for scope in resource["scopeSpans"]
            for span in scope["spans"]
            if span["traceId"] == trace_id
        ]


def _node(span: dict[str, Any]) -> Node:
    """A span of OTLP's JSON."""
    times = (int(span["startTimeUnixNano"]) / 1e9, int(span["endTimeUnixNano"]) / 1e9)
    return Node(span["name"], span["spanId"], span.get("parentSpanId", ""), *times, attributes={})


@pytest.fixture(scope="module")
def pipeline() -> Iterator[Pipeline]:
    """One that has worked."""
    with (
        serve_in_thread(demo_site()) as site,
        serve_in_thread(scripted_model(latency=0.1)) as model,
        running_up(environment={**scripted(site, model), "BROWSERWATCH_SHUTDOWN_GRACE_SECONDS": "3"}) as up,
    ):
        # First: what follows must be in the last minute when panels are asked for rates.
        up.prometheus.wait_for_slow_rules()
        found = Pipeline(up, site)
        found.work()
        yield found


def test_every_part_is_up(pipeline: Pipeline) -> None:
    """Each has an address, and Prometheus scrapes all of them."""
    for part in ("collector", "alertmanager", "prometheus", "service"):
        assert pipeline.up.address(part)
    assert sorted(pipeline.ask("up")) == [1.0] * 5


def test_nothing_listens_off_loopback(pipeline: Pipeline) -> None:
    """No part, no agent, no Chromium."""
    listening = {
        (process.name(), connection.laddr.ip)
        for process in pipeline.up.processes()
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert len(listening) >= 5
    assert {ip for _, ip in listening} <= {"127.0.0.1", "::1"}, listening


def test_runs_ended_as_designed(pipeline: Pipeline) -> None:
    """Else the numbers below would be of something else."""
    outcomes = Counter(run["outcome"] for run in pipeline.runs())
    assert outcomes == Counter(["success"] * TOURS + [plan.outcome for plan in ROUND])


def test_agents_and_reuse_are_what_really_ran(pipeline: Pipeline) -> None:
    """`browser_active_agents` reached two, and `browser_session_reuse_total` counts the page fetched in a kept login."""
    assert pipeline.ask("max_over_time(browser_active_agents[10m:1s])") == [float(TOURS)]
    sessions = [run for run in pipeline.runs() if run["session"] == PAGE.session]
    met = Counter(run["acquired"] for run in sessions)
    reused = sum(met[source] for source in s.REUSE_SOURCES)
    # The run that signs in is the first to use the session; the page fetched after it finds it.
    assert pipeline.ask("sum(browser_session_reuse_total)") == [reused + 1]


@pytest.mark.parametrize("outcome", ["success", "failure", "max_steps"])
def test_runs_are_counted_as_recorded(pipeline: Pipeline, outcome: str) -> None:
    """By outcome, in Prometheus as in the service's records."""
    recorded = sum(run["outcome"] == outcome for run in pipeline.runs())
    assert pipeline.ask(f'sum(browser_runs_total{{outcome="{outcome}"}})') == [recorded]


@EVERY_QUERY
def test_every_panel_has_its_numbers(pipeline: Pipeline, panel: dict[str, Any], target: dict[str, Any]) -> None:
    """No query errs, and each has a number, unless the list says why not."""
    values = pipeline.ask(target["expr"])
    if panel["title"] not in MAY_BE_EMPTY:
        assert any(math.isfinite(value) for value in values), target["expr"]


def test_no_panel_is_excused_for_nothing(pipeline: Pipeline) -> None:
    """The list names the panels that are empty here, and no others."""
    empty = {
        panel["title"]
        for board in SHIPPED.values()
        for panel in board["panels"]
        for target in panel.get("targets", [])
        if "expr" in target and not any(map(math.isfinite, pipeline.ask(target["expr"])))
    }
    assert empty == set(MAY_BE_EMPTY)


def test_every_rule_works(pipeline: Pipeline) -> None:
    """Each was evaluated, and none failed."""

    def rules() -> list[dict[str, Any]]:
        return [rule for group in pipeline.prometheus.get("rules")["groups"] for rule in group["rules"]]

    until(lambda: all(rule["health"] != "unknown" for rule in rules()), "evaluation of all rules")
    assert len(rules()) > 60
    assert not [rule for rule in rules() if rule["health"] != "ok"]


@pytest.mark.parametrize(
    "metric", ["browser_run_duration_seconds_bucket", "traces_span_metrics_duration_seconds_bucket"]
)
def test_exemplars_lead_to_traces(pipeline: Pipeline, metric: str) -> None:
    """The dots of panels, of our own metrics and of the collector's, name traces that the collector has sent on."""
    found = pipeline.prometheus.get("query_exemplars", query=metric, start="0", end="99999999999")
    traces = {exemplar["labels"]["trace_id"] for series in found for exemplar in series["exemplars"]}
    assert traces
    until(lambda: all(pipeline.spans(trace) for trace in traces), f"traces {traces} in the collector's file")


def test_the_trace_of_a_run_is_whole(pipeline: Pipeline) -> None:
    """One tree: below the request the agent's acquisition and its work, below that each step with its model call."""
    run = next(run for run in pipeline.runs() if run["session"] == PAGE.session)
    until(lambda: _kinds(pipeline.spans(run["trace_id"])) >= BELOW_A_RUN, "the trace of a run")
    (root,) = trees(pipeline.spans(run["trace_id"]))
    assert root.name == "POST /v1/runs"
    assert _kinds(root.children) >= BELOW_A_RUN
    work = next(child for child in root.children if child.name.startswith(s.INVOKE_AGENT))
    steps = [child for child in work.children if child.name.startswith(s.AGENT_STEP)]
    assert len(steps) == run["steps"]
    assert all(any(below.name.startswith(s.CHAT) for below in step.children) for step in steps)


def _kinds(nodes: list[Node]) -> set[str]:
    return {kind for kind in s.SPANS for node in nodes if node.name.split(" ")[0] == kind}


def test_an_alert_wakes_somebody(pipeline: Pipeline) -> None:
    """A page on the cloud's metadata address was refused; Prometheus fires, Alertmanager tells, the webhook hears."""
    pipeline.up.wait_for(rf"alert firing: {METADATA_ALERT}")
    told = next(alert for alert in pipeline.up.alerts() if alert["labels"]["alertname"] == METADATA_ALERT)
    assert told["labels"]["severity"] == "critical"
    assert told["annotations"]["runbook_url"].endswith(f"{METADATA_ALERT}.md")


def test_a_part_that_is_cut_is_noticed(pipeline: Pipeline) -> None:
    """A dead collector: the table says so, and the alert for it waits to fire."""
    os.kill(pipeline.up.part("otelcol").pid, signal.SIGKILL)
    pipeline.up.wait_for("collector has ended: status -9")
    pipeline.prometheus.wait_for('ALERTS{alertname="BrowserwatchCollectorDown"}')


def test_it_ends_with_all_its_parts(pipeline: Pipeline) -> None:
    """Ctrl-C: the exit code is 0, and no process is left."""
    processes = pipeline.up.processes()
    pipeline.up.process.send_signal(signal.SIGINT)
    assert pipeline.up.process.wait(120) == 0
    _, alive = psutil.wait_procs(processes, timeout=10)
    assert not alive
