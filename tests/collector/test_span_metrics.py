"""Metrics that the collector makes of spans: what the dashboards ask for, of every span."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from prometheus_client.samples import Sample

from browserwatch.dashboards.foreign import FOREIGN, SPAN_CALLS, SPAN_DURATION, TARGET
from tests.collector.collector import SINGLE, TO_FILE, Collector, running
from tests.collector.spans import SERVICE, Spans, trace_id

pytestmark = pytest.mark.real

LIMIT = 2000  # aggregation_cardinality_limit of the configuration


@pytest.fixture(scope="module")
def collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    """One that samples no trace."""
    directory = tmp_path_factory.mktemp("collector")
    with running(directory, SINGLE, TO_FILE, OTELCOL_SAMPLING_PERCENTAGE="0") as started:
        yield started


def named(samples: list[Sample], name: str, span: str) -> list[Sample]:
    """Samples of a metric about spans of a name."""
    return [sample for sample in samples if sample.name == name and sample.labels.get("span_name") == span]


def calls(collector: Collector, span: str) -> float:
    """How many spans of a name were counted."""
    return sum(sample.value for sample in named(collector.span_metrics(), SPAN_CALLS, span))


def test_names_and_labels_are_those_of_the_dashboards(collector: Collector) -> None:
    """All that `foreign` says of them, values that it lists, and no label more: none that begins new series at a restart."""
    spans = Spans({"service.instance.id": "agent-1", "process.pid": 4711})
    spans.add("named")
    spans.add("named", error="it broke")
    assert spans.send(collector.http)
    collector.until(lambda: calls(collector, "named") == 2, "both counted")
    found = collector.span_metrics()
    for names, labels, _ in FOREIGN:
        for name in names:
            if not name.startswith("traces_"):
                continue
            samples = named(found, name, "named")
            assert samples, name
            for sample in samples:
                # Prometheus sets its own job and instance above these.
                assert set(sample.labels) | set(TARGET) == set(labels)
                assert all(not known or sample.labels[label] in known for label, known in labels.items() if known)
    assert {sample.labels["service_name"] for sample in named(found, SPAN_CALLS, "named")} == {SERVICE}


def test_every_span_counts_though_none_is_sampled(collector: Collector) -> None:
    """Metrics are made before the sampler drops."""
    spans = Spans()
    for _ in range(50):
        spans.add("dropped")
    assert spans.send(collector.http)
    collector.until(lambda: calls(collector, "dropped") == 50, "all counted")
    collector.until(lambda: collector.own("otelcol_processor_tail_sampling_sampling_traces_on_memory") == 0, "decided")
    assert not collector.written("dropped")


def test_agents_that_come_and_go_are_one_service(collector: Collector) -> None:
    """Another process adds to the same series."""
    for number in range(3):
        spans = Spans({"service.instance.id": f"agent-{number}"})
        spans.add("shared")
        assert spans.send(collector.http)
    collector.until(lambda: calls(collector, "shared") == 3, "all counted")
    assert len(named(collector.span_metrics(), SPAN_CALLS, "shared")) == 1


def test_exemplars_lead_to_the_trace(collector: Collector) -> None:
    """Each bucket tells a trace that fell into it."""
    spans = Spans()
    quick, slow = spans.add("told", seconds=0.03), spans.add("told", seconds=20)
    assert spans.send(collector.http)
    told: dict[str, str] = {}

    def seen() -> bool:
        for sample in named(collector.span_metrics(), f"{SPAN_DURATION}_bucket", "told"):
            if sample.exemplar:
                told[sample.labels["le"]] = sample.exemplar.labels["trace_id"]
        return len(told) == 2

    collector.until(seen, "both exemplars")
    assert told == {"0.05": trace_id(quick), "30.0": trace_id(slow)}


def test_names_without_end_do_not_become_series_without_end(collector: Collector) -> None:
    """Beyond the limit they are counted as one. Last: it fills the collector."""
    spans = Spans()
    for number in range(LIMIT + 100):
        spans.add(f"GET /order/{number}")
    assert spans.send(collector.http)
    collector.until(lambda: overflowed(collector) >= 100, "the rest is counted")
    shown = collector.shown().splitlines()
    assert len([line for line in shown if line.startswith(f"{SPAN_CALLS}{{")]) <= LIMIT + 1


def overflowed(collector: Collector) -> float:
    """How many spans were counted as one series. From the text: reading so many series takes seconds."""
    found = re.search(
        rf'^{SPAN_CALLS}{{[^}}]*otel_metric_overflow="true"[^}}]*}} (\S+)', collector.shown(), re.MULTILINE
    )
    return float(found[1]) if found else 0.0
