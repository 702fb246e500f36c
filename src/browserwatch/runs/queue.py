"""Who is next: a bounded queue with a share for each tenant. Pure: no clock, no tasks, no Redis.

First come, first served, except that a run is passed by as long as its tenant has as many runs as it may have at once,
or its session is in use by another run.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Final

from browserwatch.runs.errors import RejectedError

MIN_RETRY: Final = 1.0
MAX_RETRY: Final = 60.0
# Before any run has ended nothing is known of how long they take.
FIRST_GUESS: Final = 10.0
_DURATIONS_KEPT: Final = 50


@dataclass(frozen=True, slots=True)
class Limits:
    """How many runs there may be."""

    running: int
    queued: int
    tenant_running: int
    tenant_queued: int


@dataclass(slots=True)
class Ticket:
    """A run's place in the queue.

    Attributes:
        since: when it came, by the caller's clock.
        ready: whether it may begin; one that is still being written down only holds its place.
    """

    run_id: str
    tenant: str
    session: str | None
    since: float
    ready: bool = field(default=False, compare=False)


class RunQueue:
    """Runs that wait, and those that were let through."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._waiting: dict[str, Ticket] = {}
        self._running: dict[str, Ticket] = {}
        self._durations: deque[float] = deque(maxlen=_DURATIONS_KEPT)
        self._closed = False

    def add(self, ticket: Ticket) -> bool:
        """Take a run. True: it may begin at once; False: it waits, and `next` has it when its turn comes.

        Raises:
            RejectedError: there is no place for it.
        """
        if self._closed:
            raise RejectedError("the service is shutting down", "draining", self.retry_after())
        if self._may_run(ticket):
            self._running[ticket.run_id] = ticket
            return True
        self._check_places(ticket.tenant)
        self._waiting[ticket.run_id] = ticket
        return False

    def next(self) -> str | None:
        """The run whose turn it is, which then counts as running; None: nobody's."""
        for ticket in self._waiting.values():
            if ticket.ready and self._may_run(ticket):
                del self._waiting[ticket.run_id]
                self._running[ticket.run_id] = ticket
                return ticket.run_id
        return None

    def ready(self, run_id: str) -> None:
        """Let a waiting run have its turn."""
        if run_id in self._waiting:
            self._waiting[run_id].ready = True

    def close(self) -> None:
        """Take no more."""
        self._closed = True

    def remove(self, run_id: str) -> bool:
        """Take a run out of those that wait. Whether it was there."""
        return self._waiting.pop(run_id, None) is not None

    def done(self, run_id: str, seconds: float | None = None) -> None:
        """A run ended, after so many seconds; None: it never began."""
        if self._running.pop(run_id, None) is not None and seconds is not None:
            self._durations.append(seconds)

    @property
    def queued(self) -> int:
        """Runs that wait."""
        return len(self._waiting)

    @property
    def running(self) -> int:
        """Runs that were let through."""
        return len(self._running)

    def waiting(self) -> list[str]:
        """The runs that wait, the first one first."""
        return list(self._waiting)

    def oldest(self, now: float) -> float:
        """Seconds that the first one has waited; 0 when none waits. Safe from any thread."""
        # A copy: metrics are rendered in a thread, while the queue changes.
        return max((now - ticket.since for ticket in list(self._waiting.values())), default=0.0)

    def retry_after(self) -> float:
        """Seconds until a place is likely to be free: what a run takes, shared by all that run at once."""
        usual = sum(self._durations) / len(self._durations) if self._durations else FIRST_GUESS
        return min(max(usual / self._limits.running, MIN_RETRY), MAX_RETRY)

    def _may_run(self, ticket: Ticket) -> bool:
        if len(self._running) >= self._limits.running:
            return False
        mine = [other for other in self._running.values() if other.tenant == ticket.tenant]
        if len(mine) >= self._limits.tenant_running:
            return False
        return ticket.session is None or all(other.session != ticket.session for other in mine)

    def _check_places(self, tenant: str) -> None:
        if len(self._waiting) >= self._limits.queued:
            raise RejectedError(
                f"the queue is full: {len(self._waiting)} runs wait, {len(self._running)} run; try again later",
                "queue_full",
                self.retry_after(),
            )
        waiting = Counter(ticket.tenant for ticket in self._waiting.values())[tenant]
        if waiting >= self._limits.tenant_queued:
            raise RejectedError(
                f"{waiting} of your runs wait already, more may not; try again when one of them has begun",
                "quota",
                self.retry_after(),
            )
