"""A run in memory: its record as it is now, its events, and those who wait for more."""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Any

import msgspec

from browserwatch.runs.models import RunEvent, RunRecord
from browserwatch.runs.record_store import EVENTS_KEPT


class LiveRun:
    """A run that this instance works on.

    Attributes:
        record: as it is now.
        stored: as it was written last; None: never.
        events_stored: number of the last event that was written.
    """

    def __init__(self, record: RunRecord) -> None:
        self.record = record
        self.stored: RunRecord | None = None
        self.events_stored = 0
        self._numbers = 0
        self._events: deque[RunEvent] = deque(maxlen=EVENTS_KEPT)
        self._changed = asyncio.Event()

    @property
    def unwritten(self) -> bool:
        """Whether Redis does not have all of it."""
        return self.stored is not self.record or self.events_stored < self._numbers

    def change(self, event: str | None = None, data: dict[str, Any] | None = None, **fields: Any) -> None:
        """Set fields of the record, append an event, and wake those who follow."""
        if fields:
            self.record = msgspec.structs.replace(self.record, **fields)
        if event is not None:
            self._numbers += 1
            self._events.append(
                RunEvent(number=self._numbers, type=event, time=datetime.now(UTC), data=data or {}),
            )
        self._changed.set()
        self._changed = asyncio.Event()

    def events(self, after: int) -> list[RunEvent]:
        """Events with a number above `after`, as far as they are still known."""
        if not self._events:
            return []
        return list(itertools.islice(self._events, max(0, after + 1 - self._events[0].number), None))

    async def follow(self, after: int) -> AsyncGenerator[RunEvent]:
        """Events with a number above `after`, then those to come, until the run is over."""
        while True:
            changed, final = self._changed, self.record.final
            # All that is known before anything is awaited: what comes meanwhile sets `changed`.
            for event in self.events(after):
                yield event
                after = event.number
            if final:
                return
            await changed.wait()

    def __repr__(self) -> str:
        return f"<LiveRun {self.record.id}: {self.record.state}, {self._numbers} events>"
