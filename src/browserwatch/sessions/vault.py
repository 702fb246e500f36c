"""Sessions for those who use them: leased, read, decrypted; encrypted, saved, given back; and all of it counted."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncGenerator, Generator
from datetime import datetime
from typing import Final

from browserwatch.events import Emit, SessionOperation
from browserwatch.sessions.cipher import SessionCipher
from browserwatch.sessions.errors import (
    SessionConflictError,
    SessionError,
    SessionTooLargeError,
    SessionUndecryptableError,
    SessionVersionError,
    StoreUnavailableError,
)
from browserwatch.sessions.names import SessionId
from browserwatch.sessions.snapshot import Snapshot, merge
from browserwatch.sessions.store import SessionInfo, SessionLease, SessionStore

LEASE_SECONDS: Final = 30.0
# Two renewals may fail before the lease runs out.
RENEWALS_PER_LEASE: Final = 3
_RESULTS: Final[tuple[tuple[type[BaseException], str], ...]] = (
    (SessionConflictError, "conflict"),
    (SessionUndecryptableError, "undecryptable"),
    (SessionVersionError, "undecryptable"),
    (SessionTooLargeError, "too_large"),
)
_log = logging.getLogger(__name__)


class SessionVault:
    """Opens sessions.

    Args:
        store: where they are.
        cipher: what makes them unreadable there.
        emit: told of every operation.
        lease_seconds: after this long without its holder a session may be opened by another.
    """

    def __init__(
        self, store: SessionStore, cipher: SessionCipher, emit: Emit, lease_seconds: float = LEASE_SECONDS
    ) -> None:
        self._store = store
        self._cipher = cipher
        self._emit = emit
        self._lease_seconds = lease_seconds

    @contextlib.asynccontextmanager
    async def open(self, tenant: str, name: str) -> AsyncGenerator[OpenSession]:
        """Hold a session for the length of the block. What can't be read raises here, and stays stored.

        Raises:
            InvalidNameError: tenant or name can't be used.
            SessionBusyError: somebody else holds the session.
            SessionUndecryptableError, SessionVersionError, SessionTooLargeError: what is stored can't be read.
            StoreUnavailableError: Redis does not answer.
        """
        session = SessionId(tenant, name)
        with self._reported("lock"):
            lease = await self._acquire(session)
        try:
            opened = OpenSession(self, lease, *await self._restore(session))
            keeping = asyncio.create_task(self._keep(opened), name=f"lease of {session}")
            try:
                yield opened
            finally:
                keeping.cancel()
                await asyncio.wait([keeping])
        finally:
            await self._release(lease)

    async def delete(self, tenant: str, name: str) -> bool:
        """Forget a session at once; whoever holds it can't save any more. Whether there was one."""
        session = SessionId(tenant, name)
        with self._reported("delete") as report:
            existed = await self._store.delete(session)
            report.result = "ok" if existed else "miss"
        return existed

    async def list(self, tenant: str) -> tuple[SessionInfo, ...]:
        """What may be told of a tenant's sessions."""
        return await self._store.list(tenant)

    async def save(self, lease: SessionLease, snapshot: Snapshot) -> SessionInfo:
        """Encrypt and store; `OpenSession.save` is the way to it."""
        with self._reported("save") as report:
            # In a thread: a megabyte takes some ten milliseconds, which other requests would wait.
            envelope = await asyncio.to_thread(self._seal, lease.session, snapshot)
            report.size = len(envelope)
            return await self._store.save(lease, envelope, snapshot.counts)

    async def _acquire(self, session: SessionId) -> SessionLease:
        acquiring = asyncio.create_task(self._store.acquire(session, self._lease_seconds))
        try:
            return await asyncio.shield(acquiring)
        except asyncio.CancelledError:
            # Redis may have said yes to somebody who is no longer there.
            with contextlib.suppress(SessionError):
                await self._release(await acquiring)
            raise

    async def _restore(self, session: SessionId) -> tuple[Snapshot | None, datetime | None]:
        with self._reported("restore") as report:
            stored = await self._store.load(session)
            if stored is None:
                report.result = "miss"
                return None, None
            report.size = len(stored.envelope)
            return await asyncio.to_thread(self._unseal, session, stored.envelope), stored.info.saved

    async def _keep(self, opened: OpenSession) -> None:
        while True:
            await asyncio.sleep(self._lease_seconds / RENEWALS_PER_LEASE)
            started = time.perf_counter()
            try:
                await self._store.renew(opened.lease)
            except SessionConflictError:
                opened.lost = True
                self._emit(SessionOperation(operation="lock", result="conflict", seconds=time.perf_counter() - started))
                return
            except StoreUnavailableError as error:
                _log.warning("can't renew the lease of session %s, trying again: %s", opened.lease.session, error)

    async def _release(self, lease: SessionLease) -> None:
        try:
            await self._store.release(lease)
        except StoreUnavailableError as error:
            _log.warning("session %s stays leased for up to %g s: %s", lease.session, lease.ttl, error)

    def _seal(self, session: SessionId, snapshot: Snapshot) -> bytes:
        return self._cipher.seal(session, snapshot.encode())

    def _unseal(self, session: SessionId, envelope: bytes) -> Snapshot:
        return Snapshot.decode(self._cipher.open(session, envelope))

    @contextlib.contextmanager
    def _reported(self, operation: str) -> Generator[_Report]:
        report = _Report()
        started = time.perf_counter()
        try:
            yield report
        except BaseException as error:
            report.result = next((result for kind, result in _RESULTS if isinstance(error, kind)), "error")
            raise
        finally:
            seconds = time.perf_counter() - started
            self._emit(SessionOperation(operation=operation, result=report.result, seconds=seconds, size=report.size))


class OpenSession:
    """A session that this program alone may write.

    Attributes:
        snapshot: what is stored: as it was found, then as it was saved last. None: nothing yet.
        saved: the store's time of that very state.
        lost: somebody else took the session, or it was deleted; saving would fail.
    """

    def __init__(
        self, vault: SessionVault, lease: SessionLease, snapshot: Snapshot | None, saved: datetime | None
    ) -> None:
        self.lease = lease
        self.snapshot = snapshot
        self.saved = saved
        self.lost = False
        self._vault = vault
        self._saving = asyncio.Lock()

    async def save(self, seen: Snapshot) -> SessionInfo:
        """Store what the browser has now, together with the local storage of origins that it does not show now.

        Raises:
            SessionConflictError: the session was taken or deleted; what is stored was not touched.
            SessionTooLargeError: too large; what is stored was not touched.
            StoreUnavailableError: Redis does not answer.
        """
        async with self._saving:
            merged = merge(self.snapshot, seen) if self.snapshot else seen
            info = await self._vault.save(self.lease, merged)
            self.snapshot, self.saved = merged, info.saved
        return info

    def __repr__(self) -> str:
        return f"<OpenSession {self.lease.session}: {self.snapshot!r}>"


class _Report:
    def __init__(self) -> None:
        self.result = "ok"
        self.size: int | None = None
