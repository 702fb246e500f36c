"""The proxy on an event loop of its own, for a program whose main loop blocks at times, as it does under browser-use."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from typing import Final, Self

from browserwatch.egress.dialling import Connect, connect_tcp
from browserwatch.egress.policy import EgressPolicy
from browserwatch.egress.proxy import DEFAULT_LIMITS, EgressProxy, Limits
from browserwatch.egress.resolving import Resolve, resolve
from browserwatch.events import Emit

START_SECONDS: Final = 10.0
STOP_SECONDS: Final = 5.0


class ThreadedEgressProxy:
    """An `EgressProxy` in a daemon thread. Use as a context manager, or `start` and `stop`: both block for milliseconds.

    Args:
        policy: where connections may go.
        emit: told of every block, in the proxy's thread: it must be safe to call from there.
        resolve: looks names up, in the proxy's loop.
        connect: connects to an address, likewise; the only way out.
        limits: its bounds.
    """

    def __init__(
        self,
        policy: EgressPolicy,
        emit: Emit,
        *,
        resolve: Resolve = resolve,
        connect: Connect = connect_tcp,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        self._proxy = EgressProxy(policy, emit, resolve=resolve, connect=connect, limits=limits)
        self._started: Future[asyncio.AbstractEventLoop] = Future()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="egress proxy", daemon=True)

    @property
    def port(self) -> int:
        """Where it listens on 127.0.0.1; 0 before it was started."""
        return self._proxy.port

    def blocked_rule(self, host: str, port: int | None = None) -> str | None:
        """The rule of `semantics.POLICY_RULES` that blocked a host lately, at this port or any; None: it was not."""
        return self._proxy.blocked_rule(host, port)

    def start(self) -> None:
        """Listen; `port` says where. Once for each object.

        Raises:
            OSError: there is no free port.
        """
        self._thread.start()
        try:
            self._started.result(START_SECONDS)
        except OSError:
            self._thread.join(STOP_SECONDS)
            raise

    def stop(self) -> None:
        """Stop listening and cut off what is open; the thread ends."""
        if self._thread.is_alive():
            self._started.result(START_SECONDS).call_soon_threadsafe(self._stop.set)
            self._thread.join(STOP_SECONDS)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        try:
            await self._proxy.start()
        except OSError as error:
            self._started.set_exception(error)
            return
        self._started.set_result(asyncio.get_running_loop())
        await self._stop.wait()
        await self._proxy.stop()
