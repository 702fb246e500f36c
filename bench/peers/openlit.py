"""OpenLIT, as the documentation of browser-use shows it, with an exporter to one's own collector."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import openlit
from opentelemetry import _logs, trace

from bench.peers.swapping import Swap
from browserwatch.bench.arms import Installed

WANTED = ("browser-use", "openai")
OWN = ("openlit", "opentelemetry", "wrapt", "bench", "browserwatch")


def defaults(endpoint: str) -> Installed:
    """With content, metrics, and every instrumentation that it has for what is installed, HTTP clients among them."""
    return _installed(endpoint, content=True, disabled=("urllib",))  # by which the benchmark asks its own receiver


def without_content(endpoint: str) -> Installed:
    """Only browser-use and the model's SDK, and neither prompts nor answers."""
    from openlit._instrumentors import MODULE_NAME_MAP  # noqa: PLC0415  # to name all others

    return _installed(endpoint, content=False, disabled=tuple(name for name in MODULE_NAME_MAP if name not in WANTED))


def _installed(endpoint: str, *, content: bool, disabled: Sequence[str] = ()) -> Installed:
    swap = _swap(endpoint, content=content, disabled=tuple(disabled))
    swap.put_on()
    return Installed(flush=_flush, uninstall=swap.take_off)


@cache  # a process has one
def _swap(endpoint: str, *, content: bool, disabled: tuple[str, ...]) -> Swap:
    def install() -> None:
        openlit.init(otlp_endpoint=endpoint, capture_message_content=content, disabled_instrumentors=list(disabled))

    return Swap(install, OWN)


def _flush() -> None:
    # Not the metrics: they go out once a minute, and would be charged for each turn.
    for provider in (trace.get_tracer_provider(), _logs.get_logger_provider()):
        provider.force_flush()
