"""Our writer of OpenMetrics says the same as the library's, byte by byte, whatever there is to say."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, Metric, Summary
from prometheus_client import exposition as library
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector
from prometheus_client.samples import Exemplar

from browserwatch.metrics import Instruments, rendering
from browserwatch.metrics.rendering import negotiate

OPENMETRICS = "application/openmetrics-text; version=1.0.0"
UTF8 = f"{OPENMETRICS}; escaping=allow-utf-8"
# The library types them partly.
write_openmetrics: Any = getattr(openmetrics, "generate_latest")  # noqa: B009
choose_encoder: Any = library.choose_encoder


class Fixed(Collector):
    """Metrics that stay as they are."""

    def __init__(self, *metrics: Metric) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        """All of them."""
        return self._metrics


def same(collector: Any, accept: str) -> None:
    """Both write the same."""
    ours, our_type = negotiate(accept)
    theirs, their_type = choose_encoder(accept)
    assert our_type == their_type
    assert ours(collector) == theirs(collector)


@pytest.mark.parametrize("accept", ["", "text/plain", OPENMETRICS, UTF8, f"{OPENMETRICS}; escaping=dots"])
def test_our_own_metrics(accept: str) -> None:
    """In every format that can be asked for, before and after something happened: lines of what did not are kept."""
    instruments = Instruments()
    same(instruments, accept)
    instruments.runs.child("success", "none").inc(1, {"trace_id": "a" * 32, "span_id": "b" * 16})
    instruments.run_duration.child("success").observe(12.5, {"trace_id": "a" * 32})
    instruments.actions.child('odd "action"\n\\', "ok").inc(1e9)
    instruments.pool_agents.child("idle").set(2)
    same(instruments, accept)
    same(instruments, accept)


def test_the_quick_way_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Our own metrics are not left to the library, which would be right, and slow."""
    monkeypatch.setattr(rendering, "_Collected", None)
    assert negotiate(OPENMETRICS)[0](Instruments()).endswith(b"# EOF\n")


def test_every_kind_of_metric() -> None:
    """Those of a user's, too, in the same registry."""
    registry = CollectorRegistry()
    Counter("c", 'A \\ counter\nwith "quotes".', ["label"], registry=registry).labels("é").inc(0.1)
    Gauge("g", "A gauge.", registry=registry, unit="bytes").set(float("-inf"))
    Histogram("h", "A histogram.", registry=registry).observe(0.2, {"trace_id": "t"})
    Summary("s", "A summary.", registry=registry).observe(3)
    Info("i", "Info.", registry=registry).info({"version": "1"})
    same(registry, OPENMETRICS)


@pytest.mark.parametrize("accept", [OPENMETRICS, UTF8])
@pytest.mark.parametrize(
    ("name", "labels", "timestamp"),
    [
        ("name.with.dots", {}, None),
        ("plain", {"label.with.dots": "x"}, None),
        ("plain", {}, 12.5),
        ("é", {"é": "é"}, None),
    ],
)
def test_what_is_unusual(accept: str, name: str, labels: dict[str, str], timestamp: float | None) -> None:
    """Names beyond the old character set, and timestamps, are written as the library does."""
    metric = Metric(name, "Unusual.", "gauge")
    metric.add_sample(name, labels, 1, timestamp=timestamp)
    same(Fixed(metric), accept)


def test_an_exemplar_where_none_may_be() -> None:
    """Is the same error."""
    metric = Metric("level", "Level.", "gauge")
    metric.add_sample("level", {}, 1, exemplar=Exemplar({"trace_id": "t"}, 1.0))
    with pytest.raises(ValueError, match="is not a histogram bucket or counter"):
        negotiate(OPENMETRICS)[0](Fixed(metric))


@given(
    values=st.lists(st.tuples(st.text(max_size=8), st.floats()), max_size=5, unique_by=lambda pair: pair[0]),
    text=st.text(max_size=20),
)
def test_any_text_and_number(values: list[tuple[str, float]], text: str) -> None:
    """Label values, help texts and numbers."""
    metric = Metric("any", text, "gauge")
    for value, number in values:
        metric.add_sample("any", {"label": value, "another": "x"}, number)
    try:
        expected = write_openmetrics(Fixed(metric))
    except UnicodeEncodeError:  # a lone surrogate: neither writes it
        with pytest.raises(UnicodeEncodeError):
            negotiate(OPENMETRICS)[0](Fixed(metric))
        return
    assert negotiate(OPENMETRICS)[0](Fixed(metric)) == expected
