"""Sessions in Redis 6.2 or newer. Each change is one Lua script, so it happens as a whole or not at all.

Keys of a tenant share a hash tag, the name in braces, so they stay together in a cluster:
``browserwatch:{tenant}:session:NAME`` the envelope and its metadata; expires ``:lock:NAME`` there while somebody holds
the session; runs out ``:owner:NAME`` who leased it last ``:sessions`` names by expiry ``:fences`` counts the leases.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, cast

from browserwatch.sessions.errors import SessionBusyError, SessionConflictError, SessionTooLargeError
from browserwatch.sessions.names import SessionId, check_name
from browserwatch.sessions.redis_client import RedisClient, Script
from browserwatch.sessions.snapshot import Counts
from browserwatch.sessions.store import OWNER_SECONDS, SessionInfo, SessionLease, StoredSession

DEFAULT_TTL: Final = 30 * 86_400.0
DEFAULT_LIMIT: Final = 16 * 1024 * 1024
_PREFIX: Final = "browserwatch"
_ACQUIRE: Final = Script("acquire")
_RENEW: Final = Script("renew")
_RELEASE: Final = Script("release")
_SAVE: Final = Script("save")
_DELETE: Final = Script("delete")
_FIELDS: Final = ("created", "saved", "expires", "size", "cookies", "origins")


class RedisStore:
    """A `SessionStore` in Redis.

    Args:
        client: the connection; whoever made it closes it.
        ttl: seconds that a session lives after it was saved.
        limit: largest envelope in bytes.
    """

    def __init__(self, client: RedisClient, ttl: float = DEFAULT_TTL, limit: int = DEFAULT_LIMIT) -> None:
        self._client = client
        self._ttl = ttl
        self._limit = limit

    async def load(self, session: SessionId) -> StoredSession | None:
        """What is stored, or None."""
        command = ("HMGET", _key(session, "session"), "envelope", *_FIELDS)
        envelope, *row = cast("list[bytes | None]", await self._client.command(*command))
        if envelope is None and not any(row):
            return None
        return StoredSession(envelope or b"", _info(session.name, row))

    async def save(self, lease: SessionLease, envelope: bytes, counts: Counts) -> SessionInfo:
        """Store the envelope, unless the lease is stale or the envelope too large."""
        if len(envelope) > self._limit:
            raise SessionTooLargeError(len(envelope), self._limit)
        session = lease.session
        times: list[bytes] | None = await self._client.script(
            _SAVE,
            (_key(session, "session"), _key(session, "owner"), _tenant_key(session.tenant, "sessions")),
            (lease.owner, _ms(self._ttl), session.name, envelope, counts.cookies, counts.origins),
        )
        if times is None:
            raise _stale(lease)
        created, saved, expires = (_time(value) for value in times)
        return SessionInfo(session.name, created, saved, expires, len(envelope), counts.cookies, counts.origins)

    async def delete(self, session: SessionId) -> bool:
        """Forget the session, and whoever holds it."""
        keys = [_key(session, part) for part in ("session", "lock", "owner")]
        index = _tenant_key(session.tenant, "sessions")
        return bool(await self._client.script(_DELETE, (*keys, index), (session.name,)))

    async def list(self, tenant: str) -> tuple[SessionInfo, ...]:
        """All sessions of a tenant, by name."""
        index = _tenant_key(check_name("tenant", tenant), "sessions")
        found: list[bytes] = await self._client.command("ZRANGE", index, 0, -1)
        sessions = [SessionId(tenant, name.decode()) for name in sorted(found)]
        rows = await self._client.commands([("HMGET", _key(session, "session"), *_FIELDS) for session in sessions])
        # A row without values expired, or was deleted, after the index was read.
        return tuple(_info(session.name, row) for session, row in zip(sessions, rows, strict=True) if any(row))

    async def acquire(self, session: SessionId, ttl: float) -> SessionLease:
        """Become the session's only writer."""
        token = secrets.token_hex(16)
        fence: int = await self._client.script(
            _ACQUIRE,
            (_key(session, "lock"), _key(session, "owner"), _tenant_key(session.tenant, "fences")),
            (token, _ms(ttl), _ms(OWNER_SECONDS)),
        )
        if fence < 0:
            raise SessionBusyError(
                f"session {session} is in use; its lease ends in {-fence / 1000:.1f} s unless it is renewed",
                -fence / 1000,
            )
        return SessionLease(session, fence, token, ttl)

    async def renew(self, lease: SessionLease) -> None:
        """Hold the session for another `ttl`."""
        keys = (_key(lease.session, "lock"), _key(lease.session, "owner"))
        if not await self._client.script(_RENEW, keys, (lease.owner, _ms(lease.ttl), _ms(OWNER_SECONDS))):
            raise _stale(lease)

    async def release(self, lease: SessionLease) -> None:
        """Give the session back."""
        keys = (_key(lease.session, "lock"), _key(lease.session, "owner"))
        await self._client.script(_RELEASE, keys, (lease.owner,))

    def __repr__(self) -> str:
        return f"<RedisStore in {self._client!r}>"


def _tenant_key(tenant: str, part: str) -> str:
    return f"{_PREFIX}:{{{tenant}}}:{part}"


def _key(session: SessionId, part: str) -> str:
    return _tenant_key(session.tenant, f"{part}:{session.name}")


def _ms(seconds: float) -> int:
    return max(1, round(seconds * 1000))


def _time(milliseconds: bytes | int) -> datetime:
    return datetime.fromtimestamp(int(milliseconds) / 1000, UTC)


def _info(name: str, row: Sequence[bytes | None]) -> SessionInfo:
    """From the values of `_FIELDS`. One that was removed by hand counts as zero: the rest can still be looked at."""
    created, saved, expires, size, cookies, origins = (int(value or 0) for value in row)
    return SessionInfo(name, _time(created), _time(saved), _time(expires), size, cookies, origins)


def _stale(lease: SessionLease) -> SessionConflictError:
    return SessionConflictError(
        f"session {lease.session}: another writer took it, or it was deleted, after lease {lease.fence}; nothing was written"
    )
