"""What a place for sessions must do, whatever it is made of.

One writer at a time: a writer acquires a lease, and its writes carry the lease. A lease that is not renewed runs out, so
no crash locks a session for good. A writer whose lease ran out may still write as long as nobody else took the session
and nobody deleted it: an outage shorter than `OWNER_SECONDS` costs no login.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, Protocol

import msgspec

from browserwatch.sessions.names import SessionId
from browserwatch.sessions.snapshot import Counts

OWNER_SECONDS: Final = 86_400.0
"""How long it is remembered who held a session last."""


class SessionInfo(msgspec.Struct, frozen=True):
    """What may be told of a stored session. Times are the store's, in UTC; `size` is that of the envelope in bytes."""

    name: str
    created: datetime
    saved: datetime
    expires: datetime
    size: int
    cookies: int
    origins: int


class StoredSession(msgspec.Struct, frozen=True):
    """An envelope as it was found, and what is known of it without opening it."""

    envelope: bytes
    info: SessionInfo

    def __repr__(self) -> str:
        return f"<StoredSession {self.info.name}: {len(self.envelope):,} bytes>"


class SessionLease(msgspec.Struct, frozen=True):
    """The right to write a session.

    Attributes:
        fence: grows with every lease of a tenant, so that of two writers it is known which is the later.
        token: made by the holder; tells it from another with the same number after a store lost its last second.
        ttl: seconds without a renewal until somebody else may have it.
    """

    session: SessionId
    fence: int
    token: str
    ttl: float

    @property
    def owner(self) -> str:
        """What the store remembers the holder by."""
        return f"{self.fence}:{self.token}"

    def __repr__(self) -> str:
        return f"<SessionLease of {self.session}: fence {self.fence}>"


class SessionStore(Protocol):
    """A place for sessions. Every method raises `StoreUnavailableError` when it gets no answer in time."""

    async def load(self, session: SessionId) -> StoredSession | None:
        """What is stored, or None. Needs no lease."""
        ...

    async def save(self, lease: SessionLease, envelope: bytes, counts: Counts) -> SessionInfo:
        """Store the envelope and begin its time to live anew.

        Raises:
            SessionConflictError: another writer took the session since, or it was deleted; nothing was written.
            SessionTooLargeError: above the limit; nothing was written.
        """
        ...

    async def delete(self, session: SessionId) -> bool:
        """Forget the session at once, even when it is leased: its holder can't save any more. Whether there was one."""
        ...

    async def list(self, tenant: str) -> tuple[SessionInfo, ...]:
        """All sessions of a tenant, by name."""
        ...

    async def acquire(self, session: SessionId, ttl: float) -> SessionLease:
        """Become the session's only writer.

        Raises:
            SessionBusyError: somebody else is.
        """
        ...

    async def renew(self, lease: SessionLease) -> None:
        """Hold it for another `ttl`.

        Raises:
            SessionConflictError: another writer took the session since, or it was deleted.
        """
        ...

    async def release(self, lease: SessionLease) -> None:
        """Give it back. Nothing happens if it was lost before."""
        ...
