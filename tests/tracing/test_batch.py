import logging
import os
import threading
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, Decision, Sampler, StaticSampler

from browserwatch.events import Event, SpansCounted, SpansQueued
from browserwatch.tracing.batch import Account, AccountingBatchSpanProcessor
from tests.conftest import RunPython

QUEUE, BATCH = 8, 4
NEVER = 3_600_000.0


class Collector(SpanExporter):
    """An exporter whose gate can be closed, and that can refuse or raise."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.busy = threading.Event()
        self.behaviour: SpanExportResult | BaseException = SpanExportResult.SUCCESS
        self.got = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Take a batch, when the gate is open."""
        self.busy.set()
        assert self.gate.wait(30)
        if isinstance(self.behaviour, BaseException):
            raise self.behaviour
        self.got += len(spans) if self.behaviour is SpanExportResult.SUCCESS else 0
        return self.behaviour


class Traced:
    """A provider with the accounting processor before a collector, and what it told."""

    def __init__(self, collector: Collector, sampler: Sampler = ALWAYS_ON, queue: int = QUEUE) -> None:
        self.events: list[Event] = []
        self.processor = AccountingBatchSpanProcessor(
            collector,
            self.events.append,
            max_queue_size=queue,
            schedule_delay_millis=NEVER,
            max_export_batch_size=BATCH,
            export_timeout_millis=1000,
        )
        self.provider = TracerProvider(sampler=sampler, shutdown_on_exit=False)
        self.provider.add_span_processor(self.processor)
        self.tracer = self.provider.get_tracer("test")

    def end(self, count: int) -> None:
        """Start and end spans."""
        for _ in range(count):
            self.tracer.start_span("span").end()

    @property
    def counted(self) -> dict[str, int]:
        """Spans by what became of them."""
        total: Counter[str] = Counter()
        for event in self.events:
            if isinstance(event, SpansCounted):
                total[event.result] += event.count
        return dict(total)

    @property
    def outstanding(self) -> int:
        """Spans in the queue or on the wire, as the account has it."""
        return self.processor.account.outstanding


@pytest.fixture
def collector() -> Collector:
    return Collector()


@pytest.fixture
def traced(collector: Collector) -> Generator[Traced]:
    traced = Traced(collector)
    yield traced
    collector.gate.set()
    traced.provider.shutdown()


# --- the account -------------------------------------------------------------------------------------------------------
def test_all_sent(traced: Traced, collector: Collector) -> None:
    """Every span that was sent is counted once, and none waits."""
    traced.end(3)
    assert (traced.counted, traced.outstanding) == ({}, 3)
    assert traced.provider.force_flush()
    assert (traced.counted, traced.outstanding, collector.got) == ({"exported": 3}, 0, 3)


def blocked(traced: Traced, collector: Collector) -> None:
    """One batch is at a collector that does not answer; the queue is empty again."""
    collector.gate.clear()
    traced.end(BATCH)
    assert collector.busy.wait(10)


def test_full_queue(traced: Traced, collector: Collector) -> None:
    """Spans that a full queue loses are counted one by one, while the collector does not answer, and after."""
    blocked(traced, collector)
    traced.end(QUEUE)
    assert (traced.counted, traced.outstanding) == ({}, BATCH + QUEUE)
    traced.end(3)
    assert (traced.counted, traced.outstanding) == ({"dropped_queue_full": 3}, BATCH + QUEUE)
    collector.gate.set()
    traced.provider.shutdown()
    assert (traced.counted, traced.outstanding) == ({"dropped_queue_full": 3, "exported": BATCH + QUEUE}, 0)
    assert collector.got == BATCH + QUEUE


def test_account_balances_while_blocked(traced: Traced, collector: Collector) -> None:
    """The sum holds: ended = exported + dropped + failed + outstanding, also while a batch is being sent."""
    blocked(traced, collector)
    traced.end(QUEUE + 3)
    assert sum(traced.counted.values()) + traced.outstanding == BATCH + QUEUE + 3


def test_queue_is_told(traced: Traced, collector: Collector) -> None:
    """Each count says how full the queue is, how much fits, and when it was."""
    blocked(traced, collector)
    traced.end(QUEUE + 1)
    event = traced.events[-1]
    assert isinstance(event, SpansCounted)
    assert (event.queue_size, event.queue_capacity) == (QUEUE, QUEUE)
    assert event.at > 1_600_000_000


def test_a_filling_queue_is_told(collector: Collector) -> None:
    """A queue that fills is told of at sixteen levels, before it loses the first span."""
    traced = Traced(collector, queue=64)
    blocked(traced, collector)
    traced.end(64)
    told = [(event.queue_size, event.queue_capacity) for event in traced.events if isinstance(event, SpansQueued)]
    assert told == [(min(size, 64), 64) for size in range(4, 64 + BATCH + 1, 4)]
    assert traced.counted == {}
    collector.gate.set()
    traced.provider.shutdown()


@pytest.mark.parametrize(
    "behaviour", [SpanExportResult.FAILURE, RuntimeError("no route"), ConnectionError("reset by peer")], ids=repr
)
def test_failed(traced: Traced, collector: Collector, behaviour: SpanExportResult | BaseException) -> None:
    """A batch that the collector refused, or that raised, is counted as failed; the next one can be fine."""
    collector.behaviour = behaviour
    traced.end(2)
    traced.provider.force_flush()
    assert (traced.counted, traced.outstanding) == ({"failed": 2}, 0)
    collector.behaviour = SpanExportResult.SUCCESS
    traced.end(1)
    traced.provider.force_flush()
    assert (traced.counted, traced.outstanding) == ({"failed": 2, "exported": 1}, 0)


def test_shutdown_sends_what_waits(traced: Traced, collector: Collector) -> None:
    """A shutdown with a collector that answers loses nothing."""
    traced.end(3)
    traced.provider.shutdown()
    assert (traced.counted, traced.outstanding, collector.got) == ({"exported": 3}, 0, 3)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_shutdown_counts_leftovers(traced: Traced, collector: Collector) -> None:
    """What could not be sent before the end is counted as failed, once."""
    collector.behaviour = SystemExit()  # ends the worker thread: nobody sends any more
    traced.end(BATCH)
    inner: Any = traced.processor
    inner._batch_processor._worker_thread.join(10)
    traced.end(3)
    assert (traced.counted, traced.outstanding) == ({"failed": BATCH}, 3)
    traced.processor.shutdown()
    traced.processor.shutdown()
    assert (traced.counted, traced.outstanding) == ({"failed": BATCH + 3}, 0)


def test_ended_after_shutdown(traced: Traced) -> None:
    """A span that ends when the processor is gone is lost, and counted so."""
    traced.processor.shutdown()
    traced.end(2)
    assert (sum(traced.counted.values()), traced.outstanding) == (2, 0)


def test_ended_while_a_batch_is_taken(collector: Collector) -> None:
    """A span that ends between a batch leaving the queue and its export has its place, and is not counted as dropped."""
    traced = Traced(collector, queue=BATCH)
    inner: Any = traced.processor
    exporter = inner._batch_processor._exporter
    popped, go_on = threading.Event(), threading.Event()

    class Late:
        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            popped.set()
            assert go_on.wait(30)
            return exporter.export(spans)

        def shutdown(self) -> None:
            exporter.shutdown()

    inner._batch_processor._exporter = Late()
    traced.end(BATCH)
    assert popped.wait(10)
    traced.end(1)
    go_on.set()
    traced.provider.shutdown()
    assert traced.counted == {"exported": BATCH + 1}


def test_unsampled_spans(collector: Collector) -> None:
    """A span that is not sampled is nobody's loss: it is not counted."""
    traced = Traced(collector, ALWAYS_OFF)
    traced.end(QUEUE * 3)
    traced.provider.shutdown()
    assert (traced.counted, traced.outstanding, collector.got) == ({}, 0, 0)


def test_recorded_but_not_sampled(collector: Collector) -> None:
    """A span that is recorded for others only is not ours to send, nor to count."""
    traced = Traced(collector, StaticSampler(Decision.RECORD_ONLY))
    traced.end(QUEUE * 3)
    traced.provider.shutdown()
    assert (traced.counted, traced.outstanding, collector.got) == ({}, 0, 0)


def test_many_threads(collector: Collector) -> None:
    """Spans ended in many threads, beside a worker that sends: each is exported or dropped, and none is both."""
    traced = Traced(collector, queue=100_000)
    ready = threading.Barrier(4)

    def work() -> None:
        ready.wait(10)
        traced.end(250)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    traced.provider.shutdown()
    assert (traced.counted, traced.outstanding, collector.got) == ({"exported": 1000}, 0, 1000)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_fork(run_python: RunPython) -> None:
    """A child begins with an empty account and its own counts: the parent has and sends the spans that waited."""
    program = """
        import os
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
        from browserwatch.tracing.batch import AccountingBatchSpanProcessor

        events = []
        processor = AccountingBatchSpanProcessor(
            InMemorySpanExporter(), events.append, max_queue_size=10, schedule_delay_millis=3600_000,
            max_export_batch_size=10, export_timeout_millis=1000,
        )
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(processor)
        tracer = provider.get_tracer("test")
        for _ in range(3):
            tracer.start_span("parent").end()
        child = os.fork()
        who = "parent" if child else "child"
        before = processor.account.outstanding
        if not child:
            tracer.start_span("child").end()
        provider.shutdown()
        counted = [(event.result, event.count) for event in events if hasattr(event, "result")]
        if child:
            assert os.waitpid(child, 0)[1] == 0
        print(who, before, counted, processor.account.outstanding, flush=True)
        if not child:
            os._exit(0)
    """
    lines = run_python(program, "-W", "ignore::DeprecationWarning").splitlines()
    assert lines == ["child 0 [('exported', 1)] 0", "parent 3 [('exported', 3)] 0"]


def test_a_processor_can_go(collector: Collector) -> None:
    """The fork handler, which can't be taken back, does not keep a processor's account alive."""
    import gc
    import weakref

    traced = Traced(collector)
    traced.end(1)
    traced.provider.shutdown()
    gone = weakref.ref(traced.processor.account)
    del traced
    gc.collect()
    assert gone() is None


# --- warnings ----------------------------------------------------------------------------------------------------------
@pytest.fixture
def account() -> Account:
    return Account(2, 1, lambda _: None)


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def drop(account: Account) -> None:
    for _ in range(4):
        account.admit()


def fail(account: Account) -> None:
    account.admit()
    account.settle("failed", 1)


@pytest.mark.parametrize(
    ("lose", "reason"),
    [(drop, "1 span(s) lost (dropped_queue_full)"), (fail, "1 span(s) lost (failed)")],
)
def test_warns_once_an_interval(
    account: Account, caplog: pytest.LogCaptureFixture, lose: Callable[[Account], None], reason: str
) -> None:
    """The first loss is warned about, with the metric that counts the others; the next after the interval."""
    for _ in range(100):
        lose(account)
    assert len(warnings(caplog)) == 1
    assert warnings(caplog)[0].startswith(reason)
    assert "browser_telemetry_spans_total" in warnings(caplog)[0]
    account._next_warning = 0.0  # pyright: ignore[reportPrivateUsage]  # as if the interval had passed
    lose(account)
    assert len(warnings(caplog)) == 2


def test_no_warning_without_loss(account: Account, caplog: pytest.LogCaptureFixture) -> None:
    """Spans that were sent, and a shutdown with nothing left, warn about nothing."""
    account.admit()
    account.settle("exported", 1)
    account.close()
    assert warnings(caplog) == []


def test_more_settled_than_admitted(account: Account) -> None:
    """The account never shows a negative queue."""
    account.settle("exported", 5)
    assert account.outstanding == 0


def test_arrived_after_the_end() -> None:
    """A batch that was given up at the shutdown, and arrives all the same, is not counted twice."""
    events: list[Event] = []
    account = Account(2, 1, events.append)
    account.admit()
    account.close()
    account.settle("exported", 1)
    assert sum(event.count for event in events if isinstance(event, SpansCounted)) == 1
