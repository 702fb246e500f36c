"""What the API sees of runs and page fetches. An implementation on Temporal could stand behind the same port."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from browserwatch.runs.models import Page, PageRequest, RunEvent, RunRecord, RunRequest


class Runs(Protocol):
    """Runs of all tenants. Every method may raise `StoreUnavailableError` when Redis is needed and does not answer."""

    async def submit(self, tenant: str, request: RunRequest, idempotency_key: str | None = None) -> RunRecord:
        """Take a run; with a key that was used for the same request, the run of that time.

        The run continues the current trace.

        Raises:
            InvalidRequestError: a field can't be used, the model is not allowed, or has no price to keep a budget by.
            RejectedError: the queue or the tenant's part of it is full, or the service drains.
            IdempotencyConflictError: the key belongs to another request.
        """
        ...

    async def get(self, tenant: str, run_id: str) -> RunRecord:
        """One run.

        Raises:
            RunNotFoundError: the tenant has none of this id.
        """
        ...

    async def list(self, tenant: str, limit: int = 50, before: str | None = None) -> tuple[RunRecord, ...]:
        """The tenant's runs, newest first; `before` is the id of the last one seen."""
        ...

    async def cancel(self, tenant: str, run_id: str) -> RunRecord:
        """Stop a run; one that is over stays as it is.

        Raises:
            RunNotFoundError: the tenant has none of this id.
        """
        ...

    def follow(self, tenant: str, run_id: str, after: int = 0) -> AsyncIterator[RunEvent]:
        """Events with a number above `after`, then those to come, until the run is over.

        Raises:
            RunNotFoundError: the tenant has none of this id (at the first step of the iteration).
        """
        ...


class Pages(Protocol):
    """Page fetches."""

    async def fetch(self, tenant: str, request: PageRequest) -> Page:
        """Load a page with an agent of the pool, within the current trace.

        Raises:
            InvalidRequestError: a field can't be used.
            PageFailedError: it could not be loaded, is blocked by policy, or is too large.
            PoolError, AgentLostError: there was no agent, or it died.
            SessionError: the session is in use elsewhere, can't be read, or Redis does not answer.
        """
        ...
