"""Records and events of runs in Redis 6.2 or newer. Each change is one Lua script, so it happens as a whole or not at all.

Keys of a tenant share a hash tag, the name in braces, so they stay together in a cluster; all of them expire:
``browserwatch:{tenant}:run:ID`` the record as JSON ``:run-events:ID`` a stream, its ids are the events' numbers ``:runs``
ids in order of creation ``:claim:HASH`` which run an idempotency key belongs to. What is asked of a run is never here.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple, cast

import msgspec

from browserwatch.runs.ids import oldest_id
from browserwatch.runs.models import RunEvent, RunRecord
from browserwatch.sessions.names import check_name
from browserwatch.sessions.redis_client import RedisClient, Script

EVENTS_KEPT: Final = 5000
"""Events of one run; the oldest of more are forgotten."""

EVENTS_PER_READ: Final = 500
CLAIM_SECONDS: Final = 86_400.0
# A run may have waited and worked for so long before its last change, from which on the record lives.
_INDEX_MARGIN: Final = 86_400.0
_PACKAGE: Final = "browserwatch.runs"
_WRITE: Final = Script("write", _PACKAGE)
_INTERRUPT: Final = Script("interrupt", _PACKAGE)
_WITHDRAW: Final = Script("withdraw", _PACKAGE)
_log = logging.getLogger(__name__)


class Owner(NamedTuple):
    """Which run has an idempotency key, and for what request."""

    fingerprint: str
    run_id: str

    @classmethod
    def parse(cls, value: bytes) -> Owner:
        """From what is stored."""
        fingerprint, _, run_id = value.decode(errors="replace").partition(" ")
        return cls(fingerprint, run_id)

    def __str__(self) -> str:
        return f"{self.fingerprint} {self.run_id}"


class Claim(NamedTuple):
    """An idempotency key, and who wants it."""

    key: str
    owner: Owner


class EventsLostError(Exception):
    """Redis crashed and lost its last second, or was emptied.

    Attributes:
        last: number of the last event that it has.
    """

    def __init__(self, last: int) -> None:
        super().__init__(f"events after number {last} are missing")
        self.last = last


class RecordStore:
    """Runs of all tenants. Every method raises `StoreUnavailableError` when Redis does not answer in time.

    Args:
        client: the connection; whoever made it closes it.
        ttl: seconds that a record lives after its last change.
    """

    def __init__(self, client: RedisClient, ttl: float) -> None:
        self._client = client
        self._ttl = ttl

    async def write(
        self, record: RunRecord, events: Sequence[RunEvent], claim: Claim | None = None, *, after: int = 0
    ) -> Owner | None:
        """Write a run as it is now, and those of the events that are not there yet.

        With a claim it is written only if that can be made: else nothing is, and the answer is who has the key.

        Args:
            record: the run.
            events: all that it has with a number above `after`, as far as they are known.
            claim: the idempotency key that it wants.
            after: number of the last event that was written before.

        Raises:
            EventsLostError: Redis has forgotten some of those that were written before; nothing was written.
        """
        arguments: list[bytes | str | float] = [
            record.id,
            msgspec.json.encode(record),
            _ms(self._ttl),
            oldest_id(time.time() - self._ttl - _INDEX_MARGIN),
            EVENTS_KEPT,
            str(claim.owner) if claim else "",
            # Not longer than the record, so that a claim always leads to one.
            _ms(min(CLAIM_SECONDS, self._ttl)),
            after,
        ]
        for event in events:
            arguments += [event.number, msgspec.json.encode(event)]
        answer: int | bytes = await self._client.script(_WRITE, _keys(record, claim), arguments)
        if isinstance(answer, bytes):
            return Owner.parse(answer)
        if answer != 1:
            raise EventsLostError(-answer)
        return None

    async def withdraw(self, record: RunRecord, claim: Claim | None) -> None:
        """Undo a first write."""
        await self._client.script(_WITHDRAW, _keys(record, claim), (record.id, str(claim.owner) if claim else ""))

    async def owner(self, tenant: str, key: str) -> Owner | None:
        """Who has an idempotency key."""
        value: bytes | None = await self._client.command("GET", _claim_key(tenant, key))
        return Owner.parse(value) if value else None

    async def load(self, tenant: str, run_id: str) -> RunRecord | None:
        """One record, or None."""
        return _decode(await self._client.command("GET", _key(tenant, f"run:{run_id}")))

    async def list(self, tenant: str, limit: int, before: str | None) -> tuple[RunRecord, ...]:
        """Records of a tenant, newest first."""
        found: list[RunRecord] = []
        top = f"({before}" if before else "+"
        while len(found) < limit:
            command = ("ZREVRANGEBYLEX", _key(tenant, "runs"), top, "-", "LIMIT", 0, limit)
            ids = [one.decode() for one in cast("list[bytes]", await self._client.command(*command))]
            if not ids:
                break
            values = await self._client.command("MGET", *(_key(tenant, f"run:{run_id}") for run_id in ids))
            # What is only in the index has expired.
            found += [record for value in values if (record := _decode(value))]
            top = f"({ids[-1]}"
        return tuple(found[:limit])

    async def events(self, tenant: str, run_id: str, after: int) -> list[RunEvent]:
        """The next events with a number above `after`: at most `EVENTS_PER_READ`."""
        command = ("XRANGE", _key(tenant, f"run-events:{run_id}"), f"({after}-0", "+", "COUNT", EVENTS_PER_READ)
        return _events(await self._client.command(*command))

    async def last_event(self, tenant: str, run_id: str) -> RunEvent | None:
        """The event with the highest number."""
        command = ("XREVRANGE", _key(tenant, f"run-events:{run_id}"), "+", "-", "COUNT", 1)
        return next(iter(_events(await self._client.command(*command))), None)

    async def interrupt(self, tenant: str, run_id: str) -> bool:
        """Mark a run as interrupted, unless it is over, gone or changed meanwhile. Whether it was done."""
        key = _key(tenant, f"run:{run_id}")
        value: bytes | None = await self._client.command("GET", key)
        record = _decode(value)
        if value is None or record is None or record.final:
            return False
        changed = msgspec.json.encode(interrupted(record))
        return bool(await self._client.script(_INTERRUPT, (key,), (value, changed, _ms(self._ttl))))

    def __repr__(self) -> str:
        return f"<RecordStore in {self._client!r}>"


def interrupted(record: RunRecord) -> RunRecord:
    """The record of a run that nobody works on any more."""
    return msgspec.structs.replace(
        record,
        state="interrupted",
        finished=datetime.now(UTC),
        outcome="error",
        failure_reason="infrastructure",
        message="the service ended before the run did; it is not started again by itself",
    )


def _decode(value: bytes | None) -> RunRecord | None:
    if value is None:
        return None
    try:
        return msgspec.json.decode(value, type=RunRecord)
    except msgspec.DecodeError:
        _log.warning("a run's record of %d bytes can't be read; a newer browserwatch may have written it", len(value))
        return None


def _events(entries: list[tuple[bytes, dict[bytes, bytes]]]) -> list[RunEvent]:
    return [msgspec.json.decode(fields[b"event"], type=RunEvent) for _, fields in entries]


def _key(tenant: str, part: str) -> str:
    return f"browserwatch:{{{check_name('tenant', tenant)}}}:{part}"


def _keys(record: RunRecord, claim: Claim | None) -> list[str]:
    keys = [_key(record.tenant, part) for part in (f"run:{record.id}", f"run-events:{record.id}", "runs")]
    return [*keys, _claim_key(record.tenant, claim.key)] if claim else keys


def _claim_key(tenant: str, key: str) -> str:
    # Hashed: callers choose it, so it may have any length and any characters.
    return _key(tenant, f"claim:{hashlib.sha256(key.encode()).hexdigest()}")


def _ms(seconds: float) -> int:
    return max(1, round(seconds * 1000))
