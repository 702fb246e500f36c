"""Switching the instrumentation on and off: by a call, or by `opentelemetry-instrument`."""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection
from typing import Any, Final

import wrapt
from opentelemetry.instrumentation.instrumentor import (  # pyright: ignore[reportMissingTypeStubs]
    BaseInstrumentor,
)
from opentelemetry.trace import TracerProvider
from prometheus_client import REGISTRY, CollectorRegistry

from browserwatch import metrics
from browserwatch.errors import BrowserwatchError
from browserwatch.events import Emit, VersionsSeen
from browserwatch.instrumentation.observer import Observer
from browserwatch.instrumentation.patching import Patches
from browserwatch.instrumentation.points import patch_points
from browserwatch.instrumentation.versions import installed_version, warn_if_untested
from browserwatch.pricing import Prices
from browserwatch.redaction import redactor
from browserwatch.settings import capture_mode, load_settings

logger: Final = logging.getLogger("browserwatch.instrumentation")


class _State:
    """The one instrumentation a process can have."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.patches: Patches | None = None


_state: Final = _State()


def instrument(
    *,
    tracer_provider: TracerProvider | None = None,
    registry: CollectorRegistry | None = REGISTRY,
    emit: Emit | None = None,
) -> None:
    """Watch every browser-use agent of this process, those that exist already included as far as their classes go.

    May be called before or after browser-use is imported; a second call changes nothing. Spans go to the given tracer
    provider, or to whatever provider is set; metrics to prometheus_client's default registry.

    Args:
        tracer_provider: where spans go; by default OpenTelemetry's global provider, also one that is set later.
        registry: where the process's metrics are registered; None registers them nowhere.
        emit: takes the events instead of the process's metrics (`browserwatch.metrics.record`); nothing is registered then.

    Raises:
        ConfigurationError: a setting can't be used; the message names the variable.
    """
    with _state.lock:
        if _state.patches is not None:
            return
        settings = load_settings()
        observer = Observer(
            emit=emit or metrics.record,
            redactor=redactor,
            settings=settings,
            capture=capture_mode(),
            prices=Prices.load(settings.prices_file),
            tracer_provider=tracer_provider,
        )
        metrics.configure(settings)
        if emit is None and registry is not None:
            metrics.register_library(registry)
        _state.patches = Patches(observer, patch_points())
        _state.patches.apply()
        _on_import(observer)


def uninstrument() -> None:
    """Put browser-use's own methods back. Metrics stay registered; a second call changes nothing."""
    with _state.lock:
        if _state.patches is not None:
            _state.patches.restore()
            _state.patches = None


def _on_import(observer: Observer) -> None:
    def imported(_: Any) -> None:
        if observer.active:
            observer.attempt("version", _check_version, observer)

    wrapt.register_post_import_hook(imported, "browser_use")


def _check_version(observer: Observer) -> None:
    warn_if_untested()
    observer.emit(VersionsSeen(browser_use=installed_version()))


class BrowserUseInstrumentor(BaseInstrumentor):
    """Entry point `browser-use` of the group `opentelemetry_instrumentor`.

    Source: https://opentelemetry.io/docs/zero-code/python/. With ``BROWSERWATCH_METRICS_PORT`` set it also serves metrics.
    A wrong setting is reported and leaves the program unwatched: zero-code instrumentation must not stop it.
    """

    def instrumentation_dependencies(self) -> Collection[str]:
        """What must be installed; untested versions are tried, with a warning."""
        return ("browser-use",)

    def _instrument(self, **kwargs: Any) -> None:
        try:
            instrument(tracer_provider=kwargs.get("tracer_provider"))
            settings = load_settings()
            if settings.metrics_port is not None:
                server = metrics.start_metrics_server(settings.metrics_port, settings.metrics_host)
                logger.info("Serving metrics on %s", server.url)
        except BrowserwatchError as error:
            logger.error("browserwatch: %s", error)  # noqa: TRY400  # the sentence is for the user, not a traceback

    def _uninstrument(self, **kwargs: Any) -> None:
        uninstrument()
