"""Two tiers: a balancer that takes spans from anywhere, and a sampler that judges whole traces.

The collector that we build has no load_balancing exporter. Here the balancer has the plain one and one sampler; that a
trace stays together among several is that exporter's promise, and not tried.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from browserwatch.demo import SpanSink
from tests.collector.collector import BALANCER, SAMPLER, program, running, validate
from tests.collector.spans import SERVICE, Spans, trace_id

pytestmark = pytest.mark.real


def with_one_sampler(directory: Path, sampler: str) -> Path:
    """gateway-balancer.yaml with the plain exporter, and all else as it is."""
    config: Any = yaml.safe_load(BALANCER.read_text())
    balancing = config["exporters"].pop("load_balancing")
    config["exporters"]["otlp_grpc"] = {
        **balancing["protocol"]["otlp"],
        "endpoint": sampler,
        "sending_queue": balancing["sending_queue"],
        "retry_on_failure": balancing["retry_on_failure"],
    }
    config["service"]["pipelines"]["traces"]["exporters"] = ["otlp_grpc"]
    derived = directory / "balancer.yaml"
    derived.write_text(yaml.safe_dump(config))
    return derived


def test_accepts_the_balancer_but_for_its_exporter(tmp_path: Path) -> None:
    """All but how it finds the samplers."""
    done = validate(with_one_sampler(tmp_path, "127.0.0.1:4317"))
    assert done.returncode == 0, done.stderr


def test_accepts_the_balancer() -> None:
    """As it is, by a collector that has the exporter."""
    done = subprocess.run([program(), "components"], capture_output=True, text=True, timeout=60, check=True)
    if "load_balancing" not in done.stdout:
        pytest.skip("this collector has no load_balancing exporter; BROWSERWATCH_OTELCOL can name otelcol-contrib")
    done = validate(BALANCER)
    assert done.returncode == 0, done.stderr


def test_a_trace_goes_through_both_tiers(tmp_path: Path, store: tuple[SpanSink, str]) -> None:
    """Redacted by the first, measured and judged as a whole by the second."""
    sink, address = store
    spans = Spans()
    root = spans.add("invoke_agent")
    with (
        running(tmp_path / "s", SAMPLER, OTELCOL_TRACES_ENDPOINT=address, OTELCOL_SAMPLING_PERCENTAGE="0") as sampler,
        running(tmp_path / "b", with_one_sampler(tmp_path, sampler.grpc), settings=()) as balancer,
    ):
        assert spans.send(balancer.http)
        spans.add("agent_step", {"oauth.access_token": "hunter2"}, parent=root, error="it broke")
        assert spans.send(balancer.http)
        assert sink.wait_for(trace_id(root), ["invoke_agent", "agent_step"], timeout=30)
        sampler.until(lambda: f'service_name="{SERVICE}"' in sampler.shown(), "span metrics")
        assert sampler.listens_on() == balancer.listens_on() == {"127.0.0.1"}
    (step,) = [span for span in sink.trace(trace_id(root)) if span.name == "agent_step"]
    assert "****" in step.attributes.values()
    assert "hunter2" not in step.attributes.values()
