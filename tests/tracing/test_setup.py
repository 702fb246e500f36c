import json
import socket
import time
from contextlib import closing
from typing import Any

import pytest
from opentelemetry.sdk.trace.export import ConsoleSpanExporter
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from browserwatch.errors import ConfigurationError, MissingDependencyError
from browserwatch.events import Event, SpansCounted
from browserwatch.tracing import configure_tracing, otel_batch_span_processor
from browserwatch.tracing import setup as our_setup
from tests.conftest import RunPython

# Prints what configure_tracing(...) made: the global provider can be set only once in a process.
SHOW = """
import json
from opentelemetry import trace
from browserwatch.tracing import configure_tracing
from browserwatch.tracing.batch import CountingExporter

tracing = configure_tracing({arguments})
provider = tracing.provider
batches = [each._batch_processor for each in provider._active_span_processor._span_processors]
print(json.dumps({{
    "ours": tracing.ours,
    "set": trace.get_tracer_provider() is provider,
    "resource": dict(provider.resource.attributes),
    "sampler": provider.sampler.get_description(),
    "exporters": [type(each._exporter._exporter).__name__ for each in batches],
    "modules": [type(each._exporter._exporter).__module__ for each in batches],
    "numbers": [
        (each._max_queue_size, each._max_export_batch_size, each._schedule_delay_millis, each._export_timeout_millis)
        for each in batches
    ],
}}))
assert tracing.shutdown(5)
"""


@pytest.fixture
def configured(run_python: RunPython) -> Any:
    """What a program gets that calls `configure_tracing` with these arguments and variables."""

    def run(arguments: str = "", **variables: str) -> Any:
        return json.loads(run_python(SHOW.format(arguments=arguments), **variables))

    return run


# --- the provider ------------------------------------------------------------------------------------------------------
def test_defaults(configured: Any) -> None:
    """With nothing set: our service name, every new trace, OTLP over HTTP, and a queue with room for a burst."""
    found = configured()
    assert (found["ours"], found["set"]) == (True, True)
    assert found["resource"]["service.name"] == "browserwatch"
    assert found["resource"]["telemetry.sdk.language"] == "python"
    assert found["sampler"].startswith("ParentBased{root:TraceIdRatioBased{1.0}")
    assert found["exporters"] == ["OTLPSpanExporter"]
    assert ".http." in found["modules"][0]
    assert found["numbers"] == [[4096 + 512, 512, 5000.0, 30_000.0]]


def test_arguments(configured: Any) -> None:
    """Arguments are used where no variable says otherwise."""
    found = configured("'shop', sample_ratio=0.25, resource_attributes={'team': 'a', 'service.version': '1'}")
    assert {name: found["resource"][name] for name in ("service.name", "team", "service.version")} == {
        "service.name": "shop",
        "team": "a",
        "service.version": "1",
    }
    assert found["sampler"].startswith("ParentBased{root:TraceIdRatioBased{0.25}")


def test_variables_win(configured: Any) -> None:
    """Who runs a program has the last word: each standard variable wins over its argument."""
    found = configured(
        "'shop', sample_ratio=0.25, resource_attributes={'team': 'a', 'stage': 'x'}",
        OTEL_RESOURCE_ATTRIBUTES="team=b,service.name=from-attributes",
        OTEL_TRACES_SAMPLER="always_off",
        OTEL_TRACES_EXPORTER="console",
        OTEL_BSP_MAX_QUEUE_SIZE="100",
        OTEL_BSP_MAX_EXPORT_BATCH_SIZE="50",
        OTEL_BSP_SCHEDULE_DELAY="70",
        OTEL_BSP_EXPORT_TIMEOUT="80",
    )
    assert {name: found["resource"][name] for name in ("service.name", "team", "stage")} == {
        "service.name": "from-attributes",
        "team": "b",
        "stage": "x",
    }
    assert found["sampler"] == "AlwaysOffSampler"
    assert found["exporters"] == ["ConsoleSpanExporter"]
    assert found["numbers"] == [[100 + 50, 50, 70.0, 80.0]]


def test_service_name_variable(configured: Any) -> None:
    """OTEL_SERVICE_NAME wins over all other names; OTEL_TRACES_EXPORTER=none makes spans that go nowhere."""
    found = configured(
        "'shop', resource_attributes={'service.name': 'attribute'}",
        OTEL_SERVICE_NAME="from-variable",
        OTEL_RESOURCE_ATTRIBUTES="service.name=from-attributes",
        OTEL_TRACES_EXPORTER="none",
    )
    assert found["resource"]["service.name"] == "from-variable"
    assert (found["set"], found["exporters"]) == (True, [])


def test_exporter_argument(run_python: RunPython) -> None:
    """Spans reach the exporter that the program gave, and each is told of; a second call replaces nothing."""
    program = """
        from opentelemetry import trace
        from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
        from browserwatch.tracing import configure_tracing

        exporter, events = InMemorySpanExporter(), []
        first = configure_tracing(exporter=exporter, emit=events.append)
        second = configure_tracing("other", exporter=InMemorySpanExporter())
        trace.get_tracer("test").start_span("span").end()
        print(second.ours, second.provider is first.provider, second.shutdown())
        print(len(exporter.get_finished_spans()))
        print(first.shutdown(), first.shutdown())
        print([span.name for span in exporter.get_finished_spans()], [(e.result, e.count) for e in events])
    """
    assert run_python(program).splitlines() == ["False True True", "0", "True True", "['span'] [('exported', 1)]"]


def test_never_replaces_a_provider(run_python: RunPython) -> None:
    """A provider that the program has set stays, gets nothing added, and is not shut down by us."""
    program = """
        from opentelemetry import trace
        from opentelemetry.sdk.trace import TracerProvider
        from browserwatch.tracing import configure_tracing

        theirs = TracerProvider(shutdown_on_exit=False)
        closed = []
        theirs.shutdown = lambda: closed.append(1)
        trace.set_tracer_provider(theirs)
        tracing = configure_tracing("shop")
        print(tracing.ours, tracing.provider is theirs, trace.get_tracer_provider() is theirs)
        print(theirs._active_span_processor._span_processors, tracing.shutdown(), closed)
    """
    assert run_python(program).splitlines() == ["False True True", "() True []"]


def test_spans_are_sent_at_exit(run_python: RunPython) -> None:
    """A program that ends without a word loses no span."""
    program = """
        from opentelemetry import trace
        from browserwatch.tracing import configure_tracing

        configure_tracing()
        trace.get_tracer("test").start_span("the last one").end()
    """
    assert '"name": "the last one"' in run_python(program, OTEL_TRACES_EXPORTER="console")


def test_shutdown_deadline(run_python: RunPython) -> None:
    """A collector that takes connections and never answers holds a shutdown no longer than its deadline."""
    program = """
        import time
        from opentelemetry import trace
        from browserwatch.tracing import configure_tracing

        tracing = configure_tracing()
        trace.get_tracer("test").start_span("span").end()
        started = time.monotonic()
        done = tracing.shutdown(0.3)
        print(done, 0.3 <= time.monotonic() - started < 10)
    """
    with closing(socket.socket()) as black_hole:
        black_hole.bind(("127.0.0.1", 0))
        black_hole.listen()
        started = time.monotonic()
        output = run_python(
            program,
            timeout=25,  # the SDK's own shutdown waits for 30 s
            OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{black_hole.getsockname()[1]}",
            OTEL_EXPORTER_OTLP_TIMEOUT="600",
        )
        assert output.split() == ["False", "True"]
        assert time.monotonic() - started < 20


@pytest.mark.parametrize("missing", ["opentelemetry.sdk", "opentelemetry.sdk.trace"])
def test_sdk_missing(run_python: RunPython, missing: str) -> None:
    """Without the SDK everything can be imported, and what needs it names the extra that brings it."""
    program = f"""
        import sys
        sys.modules["{missing}"] = None
        import browserwatch
        from browserwatch.errors import MissingDependencyError
        from browserwatch.tracing import configure_tracing, otel_batch_span_processor

        for call in (configure_tracing, otel_batch_span_processor):
            try:
                call()
            except MissingDependencyError as error:
                print(error)
    """
    expected = "This needs the OpenTelemetry SDK: pip install 'browserwatch[otlp]'"
    assert run_python(program).splitlines() == [expected, expected]


def test_no_network_at_import(run_python: RunPython) -> None:
    """Importing opens no socket, starts no thread and no program, and sets no provider."""
    program = """
        import sys, threading
        used = []
        sys.addaudithook(lambda event, _: used.append(event) if event.startswith(("socket.", "subprocess.")) else None)
        import browserwatch, browserwatch.metrics, browserwatch.tracing.batch, browserwatch.instrumentation
        from opentelemetry import trace
        print(used, threading.active_count(), type(trace.get_tracer_provider()).__name__)
    """
    assert run_python(program).split() == ["[]", "1", "ProxyTracerProvider"]


# --- arguments and variables that can't be used ------------------------------------------------------------------------
@pytest.mark.parametrize("ratio", [-0.1, 1.1, float("nan"), float("inf")])
def test_bad_ratio(ratio: float) -> None:
    """A share of traces is a number from 0 to 1."""
    with pytest.raises(ConfigurationError, match=r"^sample_ratio=.* from 0 to 1\.$"):
        configure_tracing(sample_ratio=ratio)


VARIABLES = {
    "OTEL_BSP_MAX_QUEUE_SIZE": "4096",
    "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "512",
    "OTEL_BSP_SCHEDULE_DELAY": "5000",
    "OTEL_BSP_EXPORT_TIMEOUT": "30000",
}


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """None of the standard variables is set."""
    for name in (*VARIABLES, "OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("raw", ["many", "-1", "0", "nan", "inf", "1,5"])
@pytest.mark.parametrize("variable", VARIABLES)
def test_bad_numbers(monkeypatch: pytest.MonkeyPatch, variable: str, raw: str) -> None:
    """A number that can't be used is told with its variable and the default."""
    monkeypatch.setenv(variable, raw)
    with pytest.raises(ConfigurationError) as caught:
        otel_batch_span_processor(InMemorySpanExporter())
    message = str(caught.value)
    assert message.startswith(f"{variable}=")
    assert raw in message
    assert message.endswith(f"the default is {VARIABLES[variable]}.")


@pytest.mark.parametrize("variable", ["OTEL_BSP_MAX_QUEUE_SIZE", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE"])
def test_less_than_one(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    """A queue for half a span is told like any other number that can't be used."""
    monkeypatch.setenv(variable, "0.5")
    with pytest.raises(ConfigurationError, match=variable):
        otel_batch_span_processor(InMemorySpanExporter())


@pytest.mark.parametrize(
    ("arguments", "variables"),
    [
        ({"max_queue_size": 10, "max_export_batch_size": 11}, {}),
        ({}, {"OTEL_BSP_MAX_QUEUE_SIZE": "511", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "512"}),
        ({}, {"OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "4097"}),
    ],
)
def test_batch_larger_than_queue(
    monkeypatch: pytest.MonkeyPatch, arguments: dict[str, Any], variables: dict[str, str]
) -> None:
    """A batch that never fits is refused, wherever the two numbers came from."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match="does not fit a queue of"):
        otel_batch_span_processor(InMemorySpanExporter(), **arguments)


def test_batch_as_large_as_the_queue() -> None:
    """The largest batch is the queue; what it takes is told."""
    events: list[Event] = []
    processor = otel_batch_span_processor(
        InMemorySpanExporter(), max_queue_size=1, max_export_batch_size=1, emit=events.append
    )
    for _ in range(3):
        processor.account.admit()
    processor.shutdown()
    assert [event.result for event in events if isinstance(event, SpansCounted)] == ["dropped_queue_full", "failed"]


@pytest.mark.parametrize("variable", ["OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"])
def test_unknown_protocol(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    """A protocol that we can't speak is told with its variable and those that we can."""
    monkeypatch.setenv(variable, "http/json")
    with pytest.raises(ConfigurationError) as caught:
        otel_batch_span_processor()
    assert str(caught.value) == f"{variable}='http/json' is not supported; use http/protobuf or grpc."


def test_protocol_of_traces_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable for traces wins over the one for all signals."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", " http/protobuf ")
    otel_batch_span_processor().shutdown()


def test_empty_protocol(monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty variable is the same as an unset one, says the specification."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "")
    otel_batch_span_processor().shutdown()


def test_protocol_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A protocol whose exporter is not installed is told with the variable that wants it."""

    def nothing_installed(**_: str) -> list[object]:
        return []

    monkeypatch.setattr(our_setup, "entry_points", nothing_installed)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
    with pytest.raises(MissingDependencyError, match=r"'otlp_proto_grpc'.*OTEL_EXPORTER_OTLP_PROTOCOL"):
        otel_batch_span_processor()


def exporters(monkeypatch: pytest.MonkeyPatch, value: str) -> Any:
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", value)
    module: Any = our_setup
    return module._exporters_from_environment()


def test_traces_exporter(monkeypatch: pytest.MonkeyPatch) -> None:
    """The exporter is the one that the variable names; none is none."""
    assert exporters(monkeypatch, "none") == []
    assert isinstance(exporters(monkeypatch, " console ")[0], ConsoleSpanExporter)
    assert [type(each).__name__ for each in exporters(monkeypatch, "")] == ["OTLPSpanExporter"]


def test_traces_exporter_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """An exporter that is not installed is told with its name and the variable."""
    with pytest.raises(MissingDependencyError, match=r"'zipkin'.*OTEL_TRACES_EXPORTER"):
        exporters(monkeypatch, "zipkin")


def test_several_exporters(run_python: RunPython) -> None:
    """``OTEL_TRACES_EXPORTER`` may name several, and `none` among them is none."""
    program = """
        from browserwatch import configure_tracing
        tracing = configure_tracing()
        processors = tracing.provider._active_span_processor._span_processors
        print([type(each.span_exporter._exporter).__name__ for each in processors])
        tracing.shutdown()
    """
    told = run_python(
        program, OTEL_TRACES_EXPORTER="console, none,otlp", OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9"
    )
    assert told.strip().endswith("['ConsoleSpanExporter', 'OTLPSpanExporter']")


def test_small_queue_makes_a_small_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """A queue smaller than the default batch is taken as it is."""
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "100")
    processor = otel_batch_span_processor(InMemorySpanExporter(), emit=lambda _: None)
    processor.shutdown()
    assert processor.account.capacity == 100
