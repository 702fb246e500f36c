"""A Redis connection with bounds: every command ends within its time-out, in an answer or in one kind of error.

The only module that knows redis-py. Nothing it raises or shows has the URL's user name or password in it.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import re
import time
from collections.abc import Sequence
from importlib import resources
from typing import Any, Final, cast
from urllib.parse import urlsplit

from redis import exceptions
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from browserwatch.errors import ConfigurationError
from browserwatch.sessions.errors import StoreUnavailableError

DEFAULT_TIMEOUT: Final = 2.0
DEFAULT_PORT: Final = 6379
PROBE_KEY: Final = "browserwatch:probe"
PROBE_MILLISECONDS: Final = 60_000
URL_FORMS: Final = "redis://host:6379/0, rediss://user:password@host:6380/0 (TLS), unix:///path/redis.sock"
# redis-py has a class for some refusals, but not for the same ones inside a script, and wraps those of connecting.
_REFUSALS: Final = {
    "WRONGPASS": "refuses the user name or password of its URL",
    "NOAUTH": "wants a user name and password in its URL",
    "NOPERM": "does not let this user run a command or touch a key that is needed",
    "OOM": "is out of memory (maxmemory)",
    "MISCONF": "can't write to its disk",
    "READONLY": "is a read-only replica",
    "LOADING": "is still loading its data",
    "WRONGTYPE": "has a value of another kind under this key",
}
_CODES: Final[dict[type[BaseException], str]] = {
    exceptions.AuthenticationError: "WRONGPASS",
    exceptions.AuthenticationWrongNumberOfArgsError: "WRONGPASS",
    exceptions.NoPermissionError: "NOPERM",
    exceptions.OutOfMemoryError: "OOM",
    exceptions.ReadOnlyError: "READONLY",
    exceptions.BusyLoadingError: "LOADING",
}
_CODE = re.compile(rf"\b({'|'.join(_REFUSALS)})\b")


class Script:
    """A Lua script in the folder `scripts` of a package; Redis knows it by its hash."""

    def __init__(self, name: str, package: str = "browserwatch.sessions") -> None:
        self.text = resources.files(package).joinpath("scripts", f"{name}.lua").read_text(encoding="utf-8")
        self.sha = hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()


class RedisClient:
    """Commands to one Redis.

    Args:
        url: one of `URL_FORMS`; redis-py's options go in as its query.
        timeout: seconds within which a command ends, connecting included.

    Raises:
        ConfigurationError: the URL can't be used.
    """

    def __init__(self, url: str, timeout: float = DEFAULT_TIMEOUT) -> None:
        self.address = _address(url)
        self._timeout = timeout
        self._redis = _connect_lazily(url)

    async def command(self, *arguments: bytes | str | float) -> Any:
        """One command's answer.

        Raises:
            StoreUnavailableError: there was none in time, or Redis refused.
        """
        return await self._bounded(self._redis.execute_command(*arguments))

    async def script(self, script: Script, keys: Sequence[str], arguments: Sequence[bytes | str | float] = ()) -> Any:
        """A script's answer, sent as a whole only when Redis does not know it (any more).

        Raises:
            StoreUnavailableError: there was none in time, or Redis refused.
        """
        return await self._bounded(self._evaluate(script, (len(keys), *keys, *arguments)))

    async def commands(self, commands: Sequence[tuple[str, ...]]) -> list[Any]:
        """The answers to several commands that are sent together.

        Raises:
            StoreUnavailableError: they did not come in time, or Redis refused one.
        """
        pipeline = self._redis.pipeline(transaction=False)
        for command in commands:
            pipeline.execute_command(*command)
        return await self._bounded(pipeline.execute())

    async def ping(self) -> float:
        """Seconds that Redis took to answer.

        Raises:
            StoreUnavailableError: it did not, in time.
        """
        started = time.perf_counter()
        await self.command("PING")
        return time.perf_counter() - started

    async def write(self) -> None:
        """Write a key of no meaning: a Redis whose disk or memory is full, or that is a replica, answers pings all the same.

        Raises:
            StoreUnavailableError: it can't be written to.
        """
        await self.command("SET", PROBE_KEY, "1", "PX", PROBE_MILLISECONDS)

    async def close(self) -> None:
        """Close all connections. One that can't be closed properly in time is dropped."""
        with contextlib.suppress(StoreUnavailableError):
            await self._bounded(self._redis.aclose())

    async def _evaluate(self, script: Script, arguments: tuple[bytes | str | float, ...]) -> Any:
        with contextlib.suppress(exceptions.NoScriptError):
            return await self._redis.execute_command("EVALSHA", script.sha, *arguments)
        return await self._redis.execute_command("EVAL", script.text, *arguments)

    async def _bounded(self, answer: Any) -> Any:
        try:
            async with asyncio.timeout(self._timeout):
                return await answer
        except (exceptions.TimeoutError, TimeoutError):
            raise StoreUnavailableError(f"Redis at {self.address} gave no answer within {self._timeout:g} s") from None
        except (exceptions.RedisError, OSError) as error:
            raise StoreUnavailableError(f"Redis at {self.address} {_reason(error)}") from None

    def __repr__(self) -> str:
        return f"<RedisClient {self.address}>"


def _connect_lazily(url: str) -> Any:
    """redis-py's client, untyped: its methods are declared for the blocking client and this one at once."""
    try:
        client = cast("Any", Redis).from_url(
            url,
            # `_bounded` bounds all there is. redis-py's own bound on a write is `asyncio.wait_for`, which before
            # Python 3.12 may swallow a cancellation, and the task that was cancelled goes on for ever.
            socket_timeout=None,
            socket_connect_timeout=None,
            # A write that timed out may have been done, so the caller decides whether to ask again.
            retry=Retry(NoBackoff(), 0),
            protocol=2,
        )
        # Connects to nothing yet, but shows now what is wrong with the options in the URL.
        client.connection_pool.make_connection()
    except (ValueError, TypeError):
        # From None: the original quotes parts of the URL.
        raise _bad_url() from None
    return client


def _address(url: str) -> str:
    """Where a URL leads, without who goes there."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "localhost", parts.port or DEFAULT_PORT
    except ValueError:
        raise _bad_url() from None
    if parts.scheme == "unix" and parts.path:
        return f"unix:{parts.path}"
    # A password with `/`, `?` or `#` in it ends the host too early: what seems to be one is a part of the password.
    if parts.scheme not in ("redis", "rediss") or "@" in f"{parts.path}{parts.query}{parts.fragment}":
        raise _bad_url()
    return f"{host}:{port}"


def _bad_url() -> ConfigurationError:
    return ConfigurationError(
        f"the Redis URL can't be used; it looks like one of: {URL_FORMS} (user and password percent-encoded)"
    )


def _reason(error: Exception) -> str:
    """Why, in words of ours: what a server or a library says of a connection may quote it."""
    cause = error.__cause__ or error
    code = _CODES.get(type(cause)) or next(iter(_CODE.findall(str(cause))), None)
    if code is not None:
        return _REFUSALS[code]
    if isinstance(cause, exceptions.ResponseError):
        return "refuses a command"
    return f"can't be reached: {type(error.__cause__ or error.__context__ or error).__name__}"
