"""Which traces the sampler keeps when it samples no share of the rest."""

from __future__ import annotations

import pytest

from browserwatch import semantics
from browserwatch.demo import SpanSink
from tests.collector.collector import SINGLE, running
from tests.collector.spans import Spans

pytestmark = pytest.mark.real

KEPT = ("failed", "failed in a child", "slow", "costly", "failure", "timeout", "max_steps", "error")
DROPPED = ("plain", "cheap", "success", "cancelled")


def traces() -> Spans:
    """A trace for each rule, and some that none of them keeps."""
    spans = Spans()
    spans.add("plain")
    spans.add("failed", error="it broke")
    spans.add("child", parent=spans.add("failed in a child"), error="it broke")
    spans.add("slow", seconds=61)
    spans.add("costly", {semantics.RUN_COST_USD: 0.51})
    spans.add("cheap", {semantics.RUN_COST_USD: 0.49})
    for outcome in semantics.RUN_OUTCOMES:
        spans.add(outcome, {semantics.RUN_OUTCOME: outcome})
    return spans


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory, store: tuple[SpanSink, str]) -> set[str]:
    """The names of the spans that reached the store."""
    sink, address = store
    directory = tmp_path_factory.mktemp("collector")
    with running(directory, SINGLE, OTELCOL_SAMPLING_PERCENTAGE="0", OTELCOL_TRACES_ENDPOINT=address) as collector:
        assert traces().send(collector.http)
        decided = "otelcol_processor_tail_sampling_global_count_traces_sampled"
        collector.until(lambda: collector.own(decided) == len(KEPT) + len(DROPPED), "all decided")
        sampled = collector.own(decided, sampled="true")
        collector.until(lambda: len({span.trace_id for span in sink.spans}) == sampled, "all that is kept is stored")
    return {span.name for span in sink.spans}


@pytest.mark.parametrize("name", KEPT)
def test_keeps_what_somebody_will_ask_about(kept: set[str], name: str) -> None:
    """Errors anywhere in a trace, slow and costly ones, and runs that did not succeed."""
    assert name in kept


@pytest.mark.parametrize("name", DROPPED)
def test_drops_the_rest(kept: set[str], name: str) -> None:
    """With a share of 0, all of it."""
    assert name not in kept


def test_keeps_traces_whole(kept: set[str]) -> None:
    """One span decides for all of its trace."""
    assert {"failed in a child", "child"} <= kept
