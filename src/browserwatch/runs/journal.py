"""The runs of this instance: in memory first, written to Redis behind.

A run never waits for Redis. When it is gone the changes wait here, at most `MAX_FINISHED` finished runs with at most
`EVENTS_KEPT` events each, and are written when it is back.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import OrderedDict
from typing import Any, Final

from browserwatch.runs.instances import Instances, RunRef
from browserwatch.runs.live_run import LiveRun
from browserwatch.runs.models import RunRecord
from browserwatch.runs.record_store import Claim, EventsLostError, Owner, RecordStore
from browserwatch.sessions.errors import StoreUnavailableError

MAX_FINISHED: Final = 1000
"""Finished runs that may wait for Redis; beyond this the oldest are lost."""

RETRY_SECONDS: Final = 0.2
MAX_RETRY_SECONDS: Final = 5.0
_log = logging.getLogger(__name__)


class Journal:
    """Keeps the runs of this instance, and writes them down.

    Args:
        store: where to.
        instances: where it is noted which runs are active.
    """

    def __init__(self, store: RecordStore, instances: Instances) -> None:
        self._store = store
        self._instances = instances
        self._runs: dict[str, LiveRun] = {}
        # In the order in which they wait for the writer; the values say nothing.
        self._waiting: OrderedDict[str, None] = OrderedDict()
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._writer: asyncio.Task[None] | None = None
        self.available = True

    def start(self) -> None:
        """Begin to write."""
        self._writer = asyncio.create_task(self._write_for_ever(), name="journal of runs")

    async def close(self, patience: float) -> None:
        """Write what is left, for so many seconds, and stop."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await self._idle.wait()
        if not self._idle.is_set():
            lost = sum(run.unwritten for run in self._runs.values())
            _log.error("runs whose last changes could not be written to Redis: %d", lost)
        if self._writer is not None:
            self._writer.cancel()
            await asyncio.wait([self._writer])

    def add(self, record: RunRecord) -> LiveRun:
        """Keep a new run; nothing is written yet."""
        run = self._runs[record.id] = LiveRun(record)
        run.change("run.queued", {"session": record.session is not None, "max_steps": record.max_steps})
        return run

    def forget(self, run: LiveRun) -> None:
        """Drop a run that was not taken after all."""
        self._runs.pop(run.record.id, None)
        self._waiting.pop(run.record.id, None)

    def find(self, run_id: str) -> LiveRun | None:
        """A run of this instance that is active, or not yet written to its end."""
        return self._runs.get(run_id)

    def runs(self) -> list[LiveRun]:
        """All of those."""
        return list(self._runs.values())

    def active(self) -> list[RunRef]:
        """Those that are not over."""
        return [_ref(run) for run in self._runs.values() if not run.record.final]

    def change(self, run: LiveRun, event: str | None = None, data: dict[str, Any] | None = None, **fields: Any) -> None:
        """Change a run; the change is written when its turn comes."""
        run.change(event, data, **fields)
        self.write_later(run)

    def write_later(self, run: LiveRun) -> None:
        """Have a run written, unless it was dropped."""
        if run.record.id not in self._runs:
            return
        self._waiting.setdefault(run.record.id)
        self._idle.clear()
        self._wake.set()
        if run.record.final:
            self._bound()

    async def create(self, run: LiveRun, claim: Claim | None) -> Owner | None:
        """Write a new run now, if its claim can be made; else who has the idempotency key.

        Raises:
            StoreUnavailableError: Redis does not answer; it may have been written all the same.
        """
        record, events = run.record, run.events(0)
        await self._instances.begin(_ref(run))
        if owner := await self._store.write(record, events, claim):
            await self._instances.end(self._instances.own, _ref(run))
            return owner
        run.stored, run.events_stored = record, events[-1].number
        return None

    async def withdraw(self, run: LiveRun, claim: Claim | None) -> None:
        """Forget a run that was not taken because Redis did not answer; and undo what it may have done all the same."""
        self.forget(run)
        delay = RETRY_SECONDS
        while True:
            try:
                await self._store.withdraw(run.record, claim)
                await self._instances.end(self._instances.own, _ref(run))
            except StoreUnavailableError:
                await asyncio.sleep(delay)
                delay = min(delay * 2, MAX_RETRY_SECONDS)
            else:
                return

    async def _write_for_ever(self) -> None:
        delay = RETRY_SECONDS
        while True:
            if not self._waiting:
                self._wake.clear()
                self._idle.set()
                await self._wake.wait()
            run_id, _ = self._waiting.popitem(last=False)
            run = self._runs[run_id]
            try:
                await self._write(run)
                self._tell(available=True)
                delay = RETRY_SECONDS
            except StoreUnavailableError as error:
                # To the end: one run that Redis refuses must not keep the others waiting.
                self.write_later(run)
                self._tell(available=False, why=error)
                await asyncio.sleep(delay)
                delay = min(delay * 2, MAX_RETRY_SECONDS)
            except Exception as error:  # noqa: BLE001  # one run that can't be written must not stop the writing of all
                _log.error("run %s can't be written down and is lost: %s", run_id, type(error).__name__)
                self.forget(run)

    async def _write(self, run: LiveRun) -> None:
        if run.stored is None:
            await self._instances.begin(_ref(run))
        # All events at once: a record that is final in Redis tells those who follow that there are no more.
        record, events = run.record, run.events(run.events_stored)
        try:
            await self._store.write(record, events, after=run.events_stored)
        except EventsLostError as error:
            run.events_stored = error.last
            # Those that are no longer in memory either can't be had back.
            await self._store.write(record, run.events(error.last))
        run.stored = record
        run.events_stored = events[-1].number if events else run.events_stored
        if run.unwritten:
            self.write_later(run)
        elif record.final:
            await self._instances.end(self._instances.own, _ref(run))
            self.forget(run)

    def _bound(self) -> None:
        finished = [run for run in self._runs.values() if run.record.final]
        if len(finished) > MAX_FINISHED:
            _log.error("run %s is lost: %d finished runs wait for Redis already", finished[0].record.id, MAX_FINISHED)
            self.forget(finished[0])

    def _tell(self, *, available: bool, why: StoreUnavailableError | None = None) -> None:
        """Once for each change: an outage has thousands of failed writes."""
        if available is self.available:
            return
        self.available = available
        if available:
            _log.info("Redis is back; %d runs wait to be written", len(self._waiting))
        else:
            _log.warning("changes of runs wait in memory: %s", why)


def _ref(run: LiveRun) -> RunRef:
    return RunRef(run.record.tenant, run.record.id)
