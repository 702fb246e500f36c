"""All runs there are: those of this instance in memory, all others in Redis."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final

from browserwatch.runs.errors import IdempotencyConflictError, InvalidRequestError, RunNotFoundError
from browserwatch.runs.fingerprint import Fingerprints
from browserwatch.runs.ids import is_id
from browserwatch.runs.journal import Journal
from browserwatch.runs.live_run import LiveRun
from browserwatch.runs.models import RunEvent, RunRecord, RunRequest
from browserwatch.runs.record_store import Claim, Owner, RecordStore

MAX_LISTED: Final = 200
# Clients say where they were, and a larger number is no id of a stream.
_MAX_NUMBER: Final = 2**53
POLL_SECONDS: Final = 0.5
"""How often a run of another instance is looked at by those who follow it here."""


class RunBook:
    """Looks runs up, and enters new ones.

    Args:
        store: the runs of all instances.
        journal: those of this one.
        fingerprints: tells whether two requests are the same.
    """

    def __init__(self, store: RecordStore, journal: Journal, fingerprints: Fingerprints) -> None:
        self._store = store
        self._journal = journal
        self._fingerprints = fingerprints

    def find(self, tenant: str, run_id: str) -> LiveRun | None:
        """A run of this instance, if the tenant has it."""
        live = self._journal.find(run_id)
        return live if live is not None and live.record.tenant == tenant else None

    async def get(self, tenant: str, run_id: str) -> RunRecord:
        """One run; as `Runs.get`."""
        live = self.find(tenant, run_id)
        record = live.record if live else await self._store.load(tenant, run_id) if is_id(run_id) else None
        if record is None:
            raise RunNotFoundError("there is no such run; records are kept for a limited time")
        return record

    async def list(self, tenant: str, limit: int, before: str | None) -> tuple[RunRecord, ...]:
        """Runs of a tenant; as `Runs.list`."""
        if before is not None and not is_id(before):
            raise InvalidRequestError("before", "is not the id of a run")
        limit = min(max(limit, 1), MAX_LISTED)
        found = {record.id: record for record in await self._store.list(tenant, limit, before)}
        for live in self._journal.runs():
            # What is in memory is newer, and may not be in Redis at all.
            if live.record.tenant == tenant and (before is None or live.record.id < before):
                found[live.record.id] = live.record
        return tuple(found[run_id] for run_id in sorted(found, reverse=True)[:limit])

    async def follow(self, tenant: str, run_id: str, after: int) -> AsyncIterator[RunEvent]:
        """Events of a run; as `Runs.follow`."""
        after = min(max(after, 0), _MAX_NUMBER)
        if live := self.find(tenant, run_id):
            async with contextlib.aclosing(live.follow(after)) as events:
                async for event in events:
                    yield event
            return
        while True:
            # The record first: when it is final, so are the events that are read after it.
            record = await self.get(tenant, run_id)
            while stored := await self._store.events(tenant, run_id, after):
                for event in stored:
                    yield event
                after = stored[-1].number
            if record.final:
                break
            await asyncio.sleep(POLL_SECONDS)
        if (end := await self._missing_end(record)) and end.number > after:
            yield end

    def claim(self, key: str | None, run_id: str, tenant: str, request: RunRequest) -> Claim | None:
        """A run's claim to an idempotency key."""
        return Claim(key, Owner(self._fingerprints.of(tenant, request), run_id)) if key is not None else None

    async def earlier(self, key: str | None, tenant: str, request: RunRequest) -> RunRecord | None:
        """The run that has the idempotency key.

        Raises:
            IdempotencyConflictError: it was used for another request.
        """
        owner = await self._store.owner(tenant, key) if key is not None else None
        return await self.owned(owner, tenant, request) if owner else None

    async def owned(self, owner: Owner, tenant: str, request: RunRequest) -> RunRecord:
        """The run of an owner of an idempotency key.

        Raises:
            IdempotencyConflictError: the key was used for another request.
        """
        if not self._fingerprints.matches(owner.fingerprint, tenant, request):
            raise IdempotencyConflictError("the idempotency key was used before, for another request; use a new one")
        return await self.get(tenant, owner.run_id)

    async def _missing_end(self, record: RunRecord) -> RunEvent | None:
        """The last event of a run whose instance died before it could tell it."""
        last = await self._store.last_event(record.tenant, record.id)
        if last is not None and last.type == "run.finished":
            return None
        data = {"state": record.state, "outcome": record.outcome, "failure_reason": record.failure_reason}
        number = last.number + 1 if last else 1
        return RunEvent(number=number, type="run.finished", time=record.finished or record.created, data=data)
