"""What is switched on and off: an arm is a function that installs something and says how to flush and remove it.

Other instrumentations are arms, too, in environments of their own: `python -m browserwatch.bench.workload --arm
module:function` runs the same work under them.
"""

from __future__ import annotations

import itertools
import os
import random
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final, TypeAlias

from browserwatch.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Installed:
    """What is on.

    Args:
        flush: sends what waits; what that takes is counted.
        uninstall: puts browser-use back as it was, and ends all threads of the arm's.
        metrics_url: where its metrics can be scraped, if it has any.
    """

    flush: Callable[[], object]
    uninstall: Callable[[], object]
    metrics_url: str = ""


Install: TypeAlias = Callable[[str], Installed]
"""Switches an arm on. Its argument is the address for OTLP over HTTP, as in ``OTEL_EXPORTER_OTLP_ENDPOINT``."""

SAMPLED: Final = 10
"""One trace in so many is kept in the arm that samples."""

_installations: Final = itertools.count(random.randrange(SAMPLED))  # noqa: S311  # no secret
"""Of the arm that samples: each keeps another one of its traces. Begun by chance: a process may have few of them."""


def load_arm(name: str) -> Install:
    """The arm of a name like ``module:function``.

    Raises:
        ConfigurationError: there is none.
    """
    return named(name, "arm")


def named(name: str, kind: str) -> Any:
    """The function of a name like ``module:function``.

    Args:
        name: its name.
        kind: what it would be, for the error.

    Raises:
        ConfigurationError: there is none.
    """
    module, _, function = name.partition(":")
    try:
        return getattr(import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigurationError(f"There is no {kind} {name!r} ({error}); name it as module:function.") from None


def off(endpoint: str) -> Installed:  # noqa: ARG001  # an arm's argument
    """Nothing, against which nothing is measured: what comes out is the noise."""
    return Installed(flush=_nothing, uninstall=_nothing)


def metrics_only(endpoint: str) -> Installed:  # noqa: ARG001  # likewise
    """All metrics, no trace."""
    from opentelemetry.trace import NoOpTracerProvider  # noqa: PLC0415  # an arm imports what it installs

    return _with_metrics(NoOpTracerProvider(), _nothing, _nothing)


def traces_only(endpoint: str) -> Installed:
    """All spans, no metric."""
    from browserwatch import instrument, uninstrument  # noqa: PLC0415

    provider = _provider(endpoint, emit=_ignored)
    instrument(tracer_provider=provider, emit=_ignored)
    return Installed(flush=provider.force_flush, uninstall=lambda: (uninstrument(), provider.shutdown()))


def everything(endpoint: str) -> Installed:
    """All spans, and all metrics with exemplars, redacted, served and exported: what the limits are for."""
    provider = _provider(endpoint)
    return _with_metrics(provider, provider.force_flush, provider.shutdown)


def with_content(endpoint: str) -> Installed:
    """Everything, and what the model was sent and answered."""
    from browserwatch.settings.library import CAPTURE_VARIABLE  # noqa: PLC0415

    os.environ[CAPTURE_VARIABLE] = "span_only"
    try:
        return everything(endpoint)
    finally:
        del os.environ[CAPTURE_VARIABLE]


def sampled(endpoint: str) -> Installed:
    """All metrics, and the spans of one run in ten."""
    from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio  # noqa: PLC0415

    from browserwatch.bench.trace_ids import EvenTraceIds  # noqa: PLC0415

    ids = EvenTraceIds(SAMPLED, next(_installations))
    provider = _provider(endpoint, sampler=ParentBasedTraceIdRatio(1 / SAMPLED), id_generator=ids)
    return _with_metrics(provider, provider.force_flush, provider.shutdown)


VARIANTS: Final[dict[str, Install]] = {
    "off": off,
    "metrics": metrics_only,
    "traces": traces_only,
    "all": everything,
    "content": with_content,
    "sampled": sampled,
}


def arm_name(variant: str) -> str:
    """A variant of ours as `load_arm` takes it.

    Raises:
        ConfigurationError: there is none of that name.
    """
    if variant not in VARIANTS:
        raise ConfigurationError(f"There is no variant {variant!r}; use one of {', '.join(VARIANTS)}.")
    return f"{__name__}:{VARIANTS[variant].__name__}"


def _provider(endpoint: str, *, emit: Any = None, **options: Any) -> Any:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415

    from browserwatch import metrics, otel_batch_span_processor  # noqa: PLC0415

    provider = TracerProvider(resource=Resource({"service.name": "bench"}), shutdown_on_exit=False, **options)
    exporter = OTLPSpanExporter(f"{endpoint}/v1/traces")
    provider.add_span_processor(otel_batch_span_processor(exporter, max_queue_size=4096, emit=emit or metrics.record))
    return provider


def _with_metrics(provider: Any, flush: Callable[[], object], shutdown: Callable[[], object]) -> Installed:
    from prometheus_client import CollectorRegistry  # noqa: PLC0415

    from browserwatch import instrument, start_metrics_server, uninstrument  # noqa: PLC0415

    registry = CollectorRegistry(auto_describe=False)
    instrument(tracer_provider=provider, registry=registry)
    server = start_metrics_server(0, registry=registry)
    return Installed(
        flush=flush,
        uninstall=lambda: (uninstrument(), server.close(), shutdown()),
        metrics_url=server.url,
    )


def _ignored(_: object) -> None:
    pass


def _nothing() -> None:
    pass
