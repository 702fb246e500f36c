"""Runs whose instance died are marked as interrupted: our own of an earlier life at once, others' when they stay missing."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from typing import Final

from browserwatch.runs.instances import Instances
from browserwatch.runs.journal import Journal
from browserwatch.runs.record_store import RecordStore
from browserwatch.sessions.errors import StoreUnavailableError

BEAT_SECONDS: Final = 5.0
SWEEPS_MISSED: Final = 2
"""Sweeps in a row that must miss an instance. After an outage of Redis all are missing at first, and beat within one."""

_log = logging.getLogger(__name__)


class Liveness:
    """Says that this instance lives, and looks after the runs of those that do not.

    Args:
        instances: what they tell each other.
        store: where their runs are.
        journal: the runs of this one.
        cancel: called with each run of ours that was asked to be cancelled at another instance.
        interval: seconds between beats.
    """

    def __init__(
        self,
        instances: Instances,
        store: RecordStore,
        journal: Journal,
        cancel: Callable[[str], None],
        interval: float = BEAT_SECONDS,
    ) -> None:
        self._instances = instances
        self._store = store
        self._journal = journal
        self._cancel = cancel
        self._interval = interval
        self._missed: Counter[str] = Counter()

    async def beat_for_ever(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self.beat()
                await self.sweep()
            except StoreUnavailableError as error:
                # Nobody could beat: nothing that was noticed before counts.
                self._missed.clear()
                _log.debug("no beat: %s", error)
            await asyncio.sleep(self._interval)

    async def beat(self) -> None:
        """Say that we live, and cancel what others were asked to cancel for us."""
        for run in await self._instances.beat(self._journal.active()):
            live = self._journal.find(run.run_id)
            if live is not None and live.record.tenant == run.tenant:
                self._cancel(run.run_id)

    async def sweep(self) -> None:
        """Mark the runs of the dead."""
        await self._interrupt(self._instances.own)
        missing = await self._instances.missing() - {self._instances.own}
        self._missed = Counter({instance: self._missed[instance] + 1 for instance in missing})
        for instance, sweeps in list(self._missed.items()):
            if sweeps > SWEEPS_MISSED:
                await self._interrupt(instance)
                await self._instances.forget(instance)

    async def _interrupt(self, instance: str) -> None:
        ours = instance == self._instances.own
        for run in await self._instances.active(instance):
            if ours and self._journal.find(run.run_id) is not None:
                continue
            if await self._store.interrupt(run.tenant, run.run_id):
                _log.warning("run %s was interrupted: instance %s ended before it", run.run_id, instance)
            await self._instances.end(instance, run)
