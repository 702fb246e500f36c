"""What both halves of the store's contract use."""

from browserwatch.sessions.names import SessionId
from browserwatch.sessions.redis_client import RedisClient
from browserwatch.sessions.snapshot import Counts
from browserwatch.sessions.store import SessionLease, SessionStore

TTL = 30.0
COUNTS = Counts(cookies=3, origins=2)
ENVELOPE = bytes(range(256)) * 4


def key(session: SessionId, part: str) -> str:
    return f"browserwatch:{{{session.tenant}}}:{part}:{session.name}"


async def run_out(client: RedisClient, session: SessionId, part: str) -> None:
    """Let a key reach the end of its time now, as Redis itself does it."""
    assert await client.command("PTTL", key(session, part)) > 0
    assert await client.command("PEXPIRE", key(session, part), 0) == 1


async def saved(store: SessionStore, session: SessionId, envelope: bytes = ENVELOPE) -> SessionLease:
    lease = await store.acquire(session, TTL)
    await store.save(lease, envelope, COUNTS)
    return lease


async def envelope_of(store: SessionStore, session: SessionId) -> bytes | None:
    stored = await store.load(session)
    return stored and stored.envelope
