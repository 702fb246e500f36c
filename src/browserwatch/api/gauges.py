"""Gauges of what is now, filled at each scrape."""

from __future__ import annotations

import logging
from collections.abc import Generator
from contextlib import contextmanager

from browserwatch.api.services import Services
from browserwatch.metrics import Instruments

_log = logging.getLogger(__name__)


@contextmanager
def live_gauges(services: Services, instruments: Instruments) -> Generator[None]:
    """Have pool and queue in the metrics for the length of the block."""

    def refresh() -> None:
        try:
            _show_pool(services, instruments)
            _show_queue(services, instruments)
        except Exception:  # noqa: BLE001  # the other metrics are more than these
            _log.warning("gauges of pool and queue could not be refreshed", exc_info=True)

    remove = instruments.service.on_collect(refresh)
    try:
        yield
    finally:
        remove()


def _show_pool(services: Services, to: Instruments) -> None:
    pool = services.lender.stats()
    for state, count in pool.states.items():
        to.pool_agents.child(state).set(count)
    to.pool_size.set(pool.size)
    to.pool_waiters.set(pool.waiters)
    to.pool_oldest_waiter.set(pool.oldest_waiter_seconds)


def _show_queue(services: Services, to: Instruments) -> None:
    queue = services.queue_stats()
    to.runs_queued.set(queue.queued)
    to.run_queue_oldest.set(queue.oldest_seconds)
