"""Every Prometheus instrument of browserwatch, and what feeds it.

`active_agents` and `session_reuse` are the two that most people look at first; `register_collectors` puts all of them
on a registry, with every child of a closed label set present, so that a first scrape already shows zeros.
"""

from __future__ import annotations

import threading
import weakref
from typing import Final

from prometheus_client import REGISTRY, CollectorRegistry

from browserwatch.metrics.exposition import metrics_app, start_metrics_server
from browserwatch.metrics.families import Families
from browserwatch.metrics.instruments import Instruments
from browserwatch.metrics.recorder import Recorder
from browserwatch.settings import Settings

__all__ = [
    "Instruments",
    "Recorder",
    "active_agents",
    "configure",
    "instruments",
    "metrics_app",
    "record",
    "register_collectors",
    "register_library",
    "session_reuse",
    "start_metrics_server",
]

instruments: Final = Instruments()
"""The process's own set of instruments, on no registry until `register_collectors`."""

active_agents: Final = instruments.active_agents
session_reuse: Final = instruments.session_reuse
_recorder: Final = Recorder(instruments)
record: Final = _recorder.record
"""Feeds an event of `browserwatch.events` to the process's instruments."""

_lock: Final = threading.Lock()
_registered: Final[weakref.WeakKeyDictionary[CollectorRegistry, tuple[Families, ...]]] = weakref.WeakKeyDictionary()


def configure(settings: Settings) -> None:
    """Apply the limits that a user has set."""
    instruments.budget.limit = settings.max_series
    _recorder.allow_models(settings.models)


def register_collectors(registry: CollectorRegistry = REGISTRY) -> None:
    """Make all instruments visible on a registry; a second call with the same registry changes nothing.

    A program that only watches its agents needs no call: `instrument()` registers what concerns it.

    Raises:
        ValueError: another collector of the registry already has one of our names (from prometheus_client).
    """
    _register(registry, instruments.library, instruments.service)


def register_library(registry: CollectorRegistry = REGISTRY) -> None:
    """Likewise, without those that only the service moves.

    Raises:
        ValueError: another collector of the registry already has one of our names (from prometheus_client).
    """
    _register(registry, instruments.library)


def _register(registry: CollectorRegistry, *parts: Families) -> None:
    with _lock:
        before = _registered.get(registry, ())
        done: list[Families] = []
        try:
            for part in parts:
                if part not in before:
                    registry.register(part)
                    done.append(part)
        except ValueError:
            for part in done:
                registry.unregister(part)
            raise
        _registered[registry] = (*before, *done)
