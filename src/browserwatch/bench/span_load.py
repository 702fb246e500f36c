"""The work of `browserwatch bench batch`, as a program: spans like ours through our batch processor, to a receiver.

`python -m browserwatch.bench.span_load --endpoint URL WORK` says what it found as a line of JSON. Each processor gets a
process of its own, so that neither memory nor processor time of the one before is counted.
"""

from __future__ import annotations

import argparse
import gc
import itertools
import json
import logging
import os
import random
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import psutil
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import Span, set_span_in_context

from browserwatch import otel_batch_span_processor
from browserwatch.bench.step_spans import SPANS_A_STEP, spans_of_steps
from browserwatch.bench.tables import percentile
from browserwatch.metrics import instruments
from browserwatch.metrics.readings import readings

BURST: Final = 4000
STEP_SECONDS: Final = 5.0
"""Between two steps of an agent."""

PERIODS: Final = 3.0
"""How many exports a measurement of latency lasts for."""

PATIENCE: Final = 1e-3
SEED: Final = 7


@dataclass(frozen=True, slots=True)
class Burst:
    """What became of spans that ended all at once."""

    ended: int
    exported: int
    dropped: int
    failed: int
    end_seconds: float
    """Processor time of the thread that ended them, for all of them."""


@dataclass(frozen=True, slots=True)
class Rate:
    """How it goes when a queue is always full; processor time in seconds a span."""

    spans_a_second: float
    make_seconds: float
    """Of the thread that makes and ends them."""
    export_seconds: float
    """Of the rest of the process."""


@dataclass(frozen=True, slots=True)
class Steady:
    """How it goes when agents do their steps."""

    dropped: int
    spans_a_request: float
    latency_p50: float
    latency_p99: float
    export_seconds: float
    """Processor time beside the thread that makes them, a span."""


class Observed(SpanExporter):
    """Passes spans on while its gate is open, and notes how long after their end they had arrived."""

    def __init__(self, exporter: SpanExporter) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.latencies: list[float] = []
        self.requests = 0
        self._exporter = exporter

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send a batch, when the gate is open."""
        self.gate.wait()
        result = self._exporter.export(spans)
        now = time.time_ns()
        self.requests += 1
        self.latencies += [(now - (span.end_time or now)) / 1e9 for span in spans]
        return result

    def shutdown(self) -> None:
        """Close the exporter."""
        self._exporter.shutdown()


class Load:
    """A processor with its exporter, and what it is put under.

    Args:
        endpoint: address for OTLP over HTTP.
        queue: size of the queue.
        batch: spans in a request at most.
        delay: between two exports at most, in seconds.
        compression: of the requests.
    """

    def __init__(self, endpoint: str, queue: int, batch: int, delay: float, compression: Compression) -> None:
        self.exporter = Observed(OTLPSpanExporter(f"{endpoint}/v1/traces", compression=compression))
        self.processor = otel_batch_span_processor(
            self.exporter,
            max_queue_size=queue,
            max_export_batch_size=batch,
            schedule_delay_millis=delay * 1000,
        )
        self._delay, self._batch, self._places = delay, batch, queue + batch
        provider = TracerProvider(resource=Resource({"service.name": "bench"}), shutdown_on_exit=False)
        provider.add_span_processor(self.processor)
        self.shutdown = provider.shutdown
        self._tracer = provider.get_tracer("browserwatch")
        self._steps = itertools.cycle(spans_of_steps())

    def step(self) -> None:
        """The spans of a step."""
        for span in self._started():
            span.end()

    def _started(self) -> list[Span]:
        (name, attributes), *children = next(self._steps).items()
        step = self._tracer.start_span(name, attributes=attributes)
        context = set_span_in_context(step)
        return [*(self._tracer.start_span(name, context, attributes=found) for name, found in children), step]

    def warm_up(self) -> None:
        """Send once: what the first export imports and connects is not what is measured."""
        self.step()
        self._let_go()
        self.exporter.latencies.clear()
        self.exporter.requests = 0

    def full_queue_bytes(self) -> int:
        """Memory of a queue that is full because the receiver does not answer; to be asked first."""
        gc.collect()
        before, dropped = psutil.Process().memory_info().rss, counted()["dropped_queue_full"]
        self.exporter.gate.clear()
        while counted()["dropped_queue_full"] == dropped:
            for _ in range(10):
                self.step()
        grown = psutil.Process().memory_info().rss - before
        self._let_go()
        return grown

    def burst(self, *, answered: bool = True) -> Burst:
        """End many spans at once, while the receiver answers or does not."""
        spans = [span for _ in range(BURST // SPANS_A_STEP) for span in self._started()]
        before = counted()
        if not answered:
            self.exporter.gate.clear()
        started = time.thread_time()
        for span in spans:
            span.end()
        took = time.thread_time() - started
        self._let_go()
        became = {result: count - before[result] for result, count in counted().items()}
        return Burst(len(spans), became["exported"], became["dropped_queue_full"], became["failed"], took)

    def rate(self, seconds: float) -> Rate:
        """Make spans as fast as they can be sent: wait when the queue is full."""
        account, spans = self.processor.account, 0
        began, process, thread = time.perf_counter(), time.process_time(), time.thread_time()
        while time.perf_counter() - began < seconds:
            if account.outstanding + SPANS_A_STEP > self._places:
                time.sleep(PATIENCE)
            else:
                self.step()
                spans += SPANS_A_STEP
        thread = time.thread_time() - thread
        self.processor.force_flush()
        process, took = time.process_time() - process, time.perf_counter() - began
        return Rate(spans / took, thread / spans, (process - thread) / spans)

    def steady(self, agents: int) -> Steady:
        """Steps of agents at irregular times; for some exports, which the last and incomplete one is not counted among."""
        between, chance = STEP_SECONDS / agents, random.Random(SEED)  # noqa: S311  # no secret
        period = max(between, min(self._delay, self._batch * between / SPANS_A_STEP))
        dropped = counted()["dropped_queue_full"]
        began, process, thread = time.perf_counter(), time.process_time(), time.thread_time()
        due = began
        while due - began < max(PERIODS * period, 2.0):
            time.sleep(max(0.0, due - time.perf_counter()))
            self.step()
            due += between * chance.uniform(0.5, 1.5)
        process, thread = time.process_time() - process, time.thread_time() - thread
        latencies, requests = list(self.exporter.latencies), self.exporter.requests
        self._let_go()
        return Steady(
            dropped=counted()["dropped_queue_full"] - dropped,
            spans_a_request=len(latencies) / requests,
            latency_p50=percentile(latencies, 0.5),
            latency_p99=percentile(latencies, 0.99),
            export_seconds=(process - thread) / len(latencies),
        )

    def _let_go(self) -> None:
        self.exporter.gate.set()
        self.processor.force_flush()


def counted() -> dict[str, int]:
    """What `browser_telemetry_spans_total` says."""
    return {result: int(value) for (result,), value in readings(instruments.spans, "result").items()}


def _bursts(load: Load, rounds: int, seconds: float) -> dict[str, Any]:
    return {
        "full_queue_bytes": load.full_queue_bytes(),
        "unanswered": asdict(load.burst(answered=False)),
        "answered": [asdict(load.burst()) for _ in range(rounds)],
        "rates": [asdict(load.rate(seconds)) for _ in range(rounds)],
    }


def main(arguments: list[str] | None = None) -> None:
    """Put a batch processor under load."""
    parser = argparse.ArgumentParser(prog="python -m browserwatch.bench.span_load", description=main.__doc__)
    parser.add_argument("work", choices=("bursts", "steady"))
    parser.add_argument("--endpoint", required=True, help="address for OTLP over HTTP")
    parser.add_argument("--queue", type=int, default=4096, help="size of the queue, in spans")
    parser.add_argument("--batch", type=int, default=512, help="spans in a request at most")
    parser.add_argument("--delay", type=float, default=5.0, help="seconds between two exports at most")
    parser.add_argument("--compression", choices=("none", "gzip"), default="none")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0.5, help="of each measurement of the highest rate")
    parser.add_argument("--agents", type=int, default=100)
    options = parser.parse_args(arguments)
    for name in [name for name in os.environ if name.startswith("OTEL_")]:
        del os.environ[name]  # they would win over what is measured
    logging.basicConfig(level=logging.ERROR)
    load = Load(options.endpoint, options.queue, options.batch, options.delay, Compression(options.compression))
    load.warm_up()
    if options.work == "bursts":
        found = _bursts(load, options.rounds, options.seconds)
    else:
        found = {"steady": asdict(load.steady(options.agents))}
    load.shutdown()
    found["account"] = counted()
    sys.stdout.write(json.dumps(found) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
