"""Setting up a tracer provider for programs that have none of their own.

Environment variables: https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/. They win over
arguments, and a provider that the program has set is never replaced.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Final, cast

from opentelemetry import trace

from browserwatch import metrics
from browserwatch.errors import ConfigurationError, MissingDependencyError
from browserwatch.events import Emit

if TYPE_CHECKING:  # the SDK is an extra: importing browserwatch must work without it
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.sdk.trace.sampling import Sampler

    from browserwatch.tracing.batch import AccountingBatchSpanProcessor

logger: Final = logging.getLogger("browserwatch.tracing")

MAX_QUEUE_SIZE: Final = 4096
MAX_EXPORT_BATCH_SIZE: Final = 512
SCHEDULE_DELAY_MILLIS: Final = 5000.0
EXPORT_TIMEOUT_MILLIS: Final = 30_000.0
SHUTDOWN_SECONDS: Final = 5.0
EXPORT_VARIABLES: Final = (
    "OTEL_TRACES_EXPORTER",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
)
_SDK_MISSING: Final = "This needs the OpenTelemetry SDK: pip install 'browserwatch[otlp]'"


class Tracing:
    """What `configure_tracing` set up, or found; `shutdown` sends what waits, within a deadline."""

    def __init__(self, provider: trace.TracerProvider, *, ours: bool) -> None:
        self.provider = provider
        self.ours = ours
        self._close = threading.Lock()

    def shutdown(self, timeout_seconds: float = SHUTDOWN_SECONDS) -> bool:
        """Send the queued spans and stop. A provider of the user's is left alone.

        The SDK's own shutdown waits up to 30 s for a dead collector and ignores its time-out, so it runs in a thread.

        Returns:
            Whether everything was done in time.
        """
        if not self.ours or not self._close.acquire(blocking=False):
            return True
        atexit.unregister(self.shutdown)
        thread = threading.Thread(
            target=cast("TracerProvider", self.provider).shutdown, name="browserwatch-shutdown", daemon=True
        )
        thread.start()
        thread.join(timeout_seconds)
        return not thread.is_alive()


def configure_tracing(
    service_name: str = "browserwatch",
    *,
    sample_ratio: float = 1.0,
    resource_attributes: Mapping[str, str] | None = None,
    exporter: SpanExporter | None = None,
    emit: Emit = metrics.record,
) -> Tracing:
    """Set up OpenTelemetry traces with an OTLP exporter, unless the program already has a tracer provider.

    Args:
        service_name: `service.name`, unless ``OTEL_SERVICE_NAME`` or ``OTEL_RESOURCE_ATTRIBUTES`` gives one.
        sample_ratio: share of new traces to keep, 0 to 1; a caller's decision is followed. ``OTEL_TRACES_SAMPLER`` wins.
        resource_attributes: more attributes of the resource; ``OTEL_RESOURCE_ATTRIBUTES`` wins.
        exporter: where spans go; by default what ``OTEL_TRACES_EXPORTER`` names, else OTLP over HTTP.
        emit: takes the events about exported and lost spans; the process's metrics by default.

    Raises:
        ConfigurationError: an argument or a variable can't be used.
        MissingDependencyError: the extra ``browserwatch[otlp]`` is not installed.
    """
    if not 0 <= sample_ratio <= 1:
        raise ConfigurationError(f"sample_ratio={sample_ratio} is not a share; use a number from 0 to 1.")
    existing = trace.get_tracer_provider()
    if not isinstance(existing, trace.ProxyTracerProvider):
        logger.info("A tracer provider is set already (%s); it stays.", type(existing).__name__)
        return Tracing(existing, ours=False)
    try:
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415  # an extra
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    except ImportError:
        raise MissingDependencyError(_SDK_MISSING) from None
    # Later ones win in a merge, and Resource.create() reads the environment.
    resource = Resource({"service.name": service_name, **(resource_attributes or {})}).merge(
        Resource({key: value for key, value in Resource.create().attributes.items() if not _is_default(key, value)})
    )
    provider = TracerProvider(resource=resource, sampler=_sampler(sample_ratio), shutdown_on_exit=False)
    for chosen in [exporter] if exporter is not None else _exporters_from_environment():
        provider.add_span_processor(otel_batch_span_processor(chosen, emit=emit))
    trace.set_tracer_provider(provider)
    tracing = Tracing(provider, ours=True)
    atexit.register(tracing.shutdown)
    return tracing


def otel_batch_span_processor(
    exporter: SpanExporter | None = None,
    *,
    max_queue_size: int = MAX_QUEUE_SIZE,
    schedule_delay_millis: float = SCHEDULE_DELAY_MILLIS,
    max_export_batch_size: int | None = None,
    export_timeout_millis: float = EXPORT_TIMEOUT_MILLIS,
    emit: Emit = metrics.record,
) -> AccountingBatchSpanProcessor:
    """The SDK's batch span processor, with room for a burst, and with a count of every span that is lost.

    ``OTEL_BSP_MAX_QUEUE_SIZE``, ``OTEL_BSP_SCHEDULE_DELAY``, ``OTEL_BSP_MAX_EXPORT_BATCH_SIZE`` and
    ``OTEL_BSP_EXPORT_TIMEOUT`` win over the arguments.

    Args:
        exporter: where spans go; OTLP over HTTP by default.
        max_queue_size: spans that wait at most, besides one batch that is being sent; more are dropped, and counted.
        schedule_delay_millis: longest time between two exports, in milliseconds.
        max_export_batch_size: spans in one request, at most `max_queue_size`; by default 512, or the whole smaller queue.
        export_timeout_millis: time for one export, in milliseconds.
        emit: takes the events about exported and lost spans; the process's metrics by default.

    Raises:
        ConfigurationError: a number is not positive, or the batch is larger than the queue.
        MissingDependencyError: the extra ``browserwatch[otlp]`` is not installed.
    """
    try:
        from browserwatch.tracing.batch import AccountingBatchSpanProcessor  # noqa: PLC0415  # an extra
    except ImportError:
        raise MissingDependencyError(_SDK_MISSING) from None
    queue = int(_number("OTEL_BSP_MAX_QUEUE_SIZE", max_queue_size, least=1))
    wanted = min(MAX_EXPORT_BATCH_SIZE, queue) if max_export_batch_size is None else max_export_batch_size
    batch = int(_number("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", wanted, least=1))
    if batch > queue:
        raise ConfigurationError(
            f"A batch of {batch} spans does not fit a queue of {queue}; make max_queue_size (OTEL_BSP_MAX_QUEUE_SIZE) larger"
            " or max_export_batch_size (OTEL_BSP_MAX_EXPORT_BATCH_SIZE) smaller."
        )
    return AccountingBatchSpanProcessor(
        exporter or _otlp_exporter(),
        emit,
        max_queue_size=queue,
        schedule_delay_millis=_number("OTEL_BSP_SCHEDULE_DELAY", schedule_delay_millis),
        max_export_batch_size=batch,
        export_timeout_millis=_number("OTEL_BSP_EXPORT_TIMEOUT", export_timeout_millis),
    )


def export_only_if_asked() -> None:
    """Export no traces unless a variable says where to: a service without a collector would only complain of its absence.

    OpenTelemetry's own default is a collector on this machine. Trace ids are made all the same. Agent processes inherit it.
    """
    if not any(os.environ.get(name) for name in EXPORT_VARIABLES):
        os.environ["OTEL_TRACES_EXPORTER"] = "none"


def _is_default(key: str, value: object) -> bool:
    return key == "service.name" and str(value).startswith("unknown_service")


def _sampler(ratio: float) -> Sampler | None:
    if os.environ.get("OTEL_TRACES_SAMPLER"):
        return None  # the SDK reads it
    from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio  # noqa: PLC0415  # an extra

    return ParentBasedTraceIdRatio(ratio)


def _exporters_from_environment() -> list[SpanExporter]:
    listed = os.environ.get("OTEL_TRACES_EXPORTER", "").split(",")
    names = [name.strip() for name in listed if name.strip()] or ["otlp"]
    return [
        _otlp_exporter() if name == "otlp" else _exporter(name, "OTEL_TRACES_EXPORTER")
        for name in names
        if name != "none"
    ]


def _otlp_exporter() -> SpanExporter:
    variable = "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"
    if not os.environ.get(variable):
        variable = "OTEL_EXPORTER_OTLP_PROTOCOL"
    protocol = os.environ.get(variable, "").strip() or "http/protobuf"
    names = {"http/protobuf": "otlp_proto_http", "grpc": "otlp_proto_grpc"}
    if protocol not in names:
        raise ConfigurationError(f"{variable}={protocol!r} is not supported; use {' or '.join(names)}.")
    return _exporter(names[protocol], variable)


def _exporter(name: str, variable: str) -> SpanExporter:
    for found in entry_points(group="opentelemetry_traces_exporter", name=name):
        make = cast("Callable[[], SpanExporter]", found.load())
        return make()
    raise MissingDependencyError(
        f"No span exporter named {name!r} is installed (wanted by {variable} or its default);"
        " pip install 'browserwatch[otlp]' brings OTLP over HTTP."
    )


def _number(variable: str, default: float, least: float = 0.001) -> float:
    raw = os.environ.get(variable, "").strip()
    try:
        value = float(raw) if raw else float(default)
    except ValueError:
        raise ConfigurationError(f"{variable}={raw!r} is not a number; the default is {default:g}.") from None
    if not least <= value < float("inf"):
        raise ConfigurationError(f"{variable}={value:g} must be at least {least:g}; the default is {default:g}.")
    return value
