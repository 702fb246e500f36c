"""Instances of the service that share a Redis: which of them live, and what they were working on.

``browserwatch:{instances}:all`` every instance ``:alive:ID`` while it beats ``:active:ID`` its runs as ``tenant/run``
``:cancel:ID`` those of them that somebody asked another instance to cancel. All of it expires.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

from browserwatch.errors import ConfigurationError
from browserwatch.runs.ids import is_id
from browserwatch.sessions.errors import InvalidNameError
from browserwatch.sessions.names import check_name
from browserwatch.sessions.redis_client import RedisClient, Script

DEAD_AFTER: Final = 20.0
"""Seconds without a beat after which an instance is missed."""

_MEMORY_MS: Final = 30 * 86_400_000
_BEAT: Final = Script("beat", "browserwatch.runs")
_INSTANCE = re.compile(r"[0-9a-f]{16}", re.ASCII)


class RunRef(NamedTuple):
    """A run by its full name."""

    tenant: str
    run_id: str

    def __str__(self) -> str:
        return f"{self.tenant}/{self.run_id}"


def instance_id(data_dir: Path) -> str:
    """The id of the service on this data directory, made when there is none.

    One service at a time uses a data directory: the same id again means that the earlier service is dead.

    Raises:
        ConfigurationError: the directory can't be used.
    """
    path = data_dir / "instance"
    try:
        found = path.read_text(encoding="ascii", errors="replace").strip() if path.exists() else ""
        if _INSTANCE.fullmatch(found):
            return found
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        made = secrets.token_hex(8)
        draft = path.with_name(f"instance.{made}")
        draft.write_text(made + "\n", encoding="ascii")
        os.replace(draft, path)  # noqa: PTH105  # Path.replace reads as if it changed the text
    except OSError as error:
        raise ConfigurationError(f"{path}: can't be read or made: {error.strerror}") from None
    return made


class Instances:
    """What the instances tell each other. Every method raises `StoreUnavailableError` when Redis does not answer.

    Args:
        client: the connection; whoever made it closes it.
        own: the id of this instance.
    """

    def __init__(self, client: RedisClient, own: str) -> None:
        self._client = client
        self.own = own

    async def beat(self, active: Iterable[RunRef]) -> list[RunRef]:
        """Say that this instance lives and works on these runs. Which of its runs others want cancelled."""
        keys = (_key("alive", self.own), _key("all"), _key("active", self.own), _key("cancel", self.own))
        arguments = (self.own, round(DEAD_AFTER * 1000), _MEMORY_MS, *(str(run) for run in active))
        return _refs(await self._client.script(_BEAT, keys, arguments))

    async def begin(self, run: RunRef) -> None:
        """Note a run of this instance, before its record is written: whoever dies in between leaves no trace of it."""
        await self._client.command("SADD", _key("active", self.own), str(run))

    async def end(self, instance: str, run: RunRef) -> None:
        """Forget a run of an instance, after its record is final."""
        await self._client.command("SREM", _key("active", instance), str(run))

    async def cancel(self, instance: str, run: RunRef) -> None:
        """Ask an instance to cancel a run at its next beat."""
        await self._client.commands(
            [("SADD", _key("cancel", instance), str(run)), ("EXPIRE", _key("cancel", instance), "3600")]
        )

    async def missing(self) -> set[str]:
        """Instances that do not beat."""
        known = sorted(one.decode() for one in await self._client.command("SMEMBERS", _key("all")))
        alive = await self._client.commands([("EXISTS", _key("alive", instance)) for instance in known])
        return {instance for instance, beats in zip(known, alive, strict=True) if not beats}

    async def active(self, instance: str) -> list[RunRef]:
        """What an instance worked on."""
        return _refs(await self._client.command("SMEMBERS", _key("active", instance)))

    async def forget(self, instance: str) -> None:
        """An instance that is gone, with nothing left to do for it. One that lives comes back with its next beat."""
        await self._client.command("SREM", _key("all"), instance)


def _refs(members: Iterable[bytes]) -> list[RunRef]:
    """Those that are runs: what else may be there must not stop the heartbeat."""
    found: list[RunRef] = []
    for member in members:
        tenant, _, run_id = member.decode(errors="replace").partition("/")
        with contextlib.suppress(InvalidNameError):
            if is_id(run_id):
                found.append(RunRef(check_name("tenant", tenant), run_id))
    return found


def _key(part: str, instance: str | None = None) -> str:
    return f"browserwatch:{{instances}}:{part}" + (f":{instance}" if instance else "")
