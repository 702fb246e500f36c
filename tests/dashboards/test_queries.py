"""Every query of every panel, asked of a real Prometheus: on a system where nothing has happened, and on a busy one."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, ProcessCollector

from browserwatch.metrics import Instruments, Recorder, start_metrics_server
from tests.dashboards.happenings import TRACE, everything, make_a_pool, make_requests
from tests.dashboards.prometheus import Prometheus, running_prometheus, until
from tests.dashboards.test_boards import SHIPPED

pytestmark = pytest.mark.real
VALUES = {"$__rate_interval": "10s", "$__range": "30s", "$job": ".*", "$instance": ".*", "$service": ".*"}
QUERIES = [
    pytest.param(panel, target, id=f"{name}: {panel['title']} {target['refId']}")
    for name, board in SHIPPED.items()
    for panel in board["panels"]
    for target in panel.get("targets", [])
    if "expr" in target
]
EVERY_QUERY = pytest.mark.parametrize(("panel", "target"), QUERIES)
# Without an answer on a busy system, and why.
MAY_BE_EMPTY = {"Firing": "no alert fires yet: the shortest waits a minute"}


def serving(directory: Path, *registries: CollectorRegistry) -> Iterator[Prometheus]:
    """A Prometheus that has scraped registries a few times and evaluated the rules."""
    with ExitStack() as stack:
        servers = [stack.enter_context(start_metrics_server(0, registry=registry)) for registry in registries]
        prometheus = stack.enter_context(running_prometheus(directory, *(server.port for server in servers)))
        prometheus.wait_for("min(count_over_time(browser_active_agents[1m])) >= 4")
        prometheus.wait_for('job_slo:browser_slo_errors:ratio_rate30d{slo="steps"}')
        yield prometheus


@pytest.fixture(scope="module")
def young(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """Prometheus with a program in which nothing has happened."""
    yield from serving(tmp_path_factory.mktemp("young"), a_program(Instruments()))


def a_program(instruments: Instruments) -> CollectorRegistry:
    """What a program shows."""
    registry = CollectorRegistry()
    registry.register(instruments)
    ProcessCollector(registry=registry)
    return registry


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """Prometheus with a service in which everything happens, again and again, and a program in which nothing does."""
    instruments, over = Instruments(), threading.Event()
    registry = a_program(instruments)
    make_a_pool(instruments)
    requests = make_requests(registry)
    recorder = Recorder(instruments)

    def happen() -> None:
        while not over.wait(0.3):
            for event in everything():
                recorder.record(event)
            requests.observe(0.02)

    work = threading.Thread(target=happen)
    work.start()
    try:
        yield from serving(tmp_path_factory.mktemp("busy"), registry, a_program(Instruments()))
    finally:
        over.set()
        work.join()


def ask(prometheus: Prometheus, expression: str) -> list[float]:
    """The values that a panel would get."""
    for variable, value in VALUES.items():
        expression = expression.replace(variable, value)
    return prometheus.query(expression)


@EVERY_QUERY
def test_a_young_system_shows_zeros(young: Prometheus, panel: dict[str, Any], target: dict[str, Any]) -> None:
    """No query errs; each has an answer before anything has happened, or its panel says in words why not."""
    values = ask(young, target["expr"])
    assert values or panel["fieldConfig"]["defaults"].get("noValue")
    if panel["type"] == "stat":
        assert all(math.isfinite(value) for value in values)


@EVERY_QUERY
def test_a_busy_system_shows_numbers(busy: Prometheus, panel: dict[str, Any], target: dict[str, Any]) -> None:
    """Each query about our own metrics has a number once everything has happened."""
    values = ask(busy, target["expr"])
    assert panel["title"] in MAY_BE_EMPTY or any(math.isfinite(value) for value in values)


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Success", 0.5),
        ("Not our fault", 0.5),
        ("Active agents", 0),
        ("Sessions reused", 0.5),
        ("Saturation", 0.5),
        ("Cost per run", 0.005),
        ("From the cache", 1 / 3),
        ("Cost per success", 0.01),
        ("Redis", 1),
        ("Targets up", 1),
    ],
)
def test_numbers_are_right(busy: Prometheus, title: str, expected: float) -> None:
    """What the panels show is what happened: one of two runs succeeds, one of two sessions is found, a cent for two runs.

    The program beside the service changes none of it.
    """
    panel = next(p for board in SHIPPED.values() for p in board["panels"] if p["title"] == title)
    (value,) = ask(busy, panel["targets"][0]["expr"])
    # A scrape may come between two events of one round.
    assert value == pytest.approx(expected, rel=0.25, abs=1 if title == "Active agents" else 0)


def test_rules_have_no_errors(busy: Prometheus) -> None:
    """Every recording rule and alert has been evaluated, and none failed: not for matching many to many, either."""

    def all_evaluated() -> bool:
        return all(rule["health"] != "unknown" for group in busy.get("rules")["groups"] for rule in group["rules"])

    until(all_evaluated, "evaluation of all rules")
    rules = [rule for group in busy.get("rules")["groups"] for rule in group["rules"]]
    assert len(rules) > 60
    assert not [rule for rule in rules if rule["health"] != "ok"]


def test_exemplars_name_their_trace(busy: Prometheus) -> None:
    """The heat map of runs has dots, and they know the trace to open."""
    (found,) = {
        exemplar["labels"]["trace_id"]
        for series in busy.get(
            "query_exemplars", query="browser_run_duration_seconds_bucket", start="0", end="99999999999"
        )
        for exemplar in series["exemplars"]
    }
    assert found == TRACE["trace_id"]
