"""Looking names up in daemon threads: asyncio's own pool would keep the process from ending while a DNS server is silent."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import ip_address
from typing import Final, TypeAlias

from browserwatch.egress.addresses import IPAddress

Resolve: TypeAlias = Callable[[str, int], Awaitable[Sequence[IPAddress]]]
MAX_LOOKUPS: Final = 64
# Held by the threads, not by those who wait for them: a look-up that nobody waits for any more still counts.
_running: Final = threading.BoundedSemaphore(MAX_LOOKUPS)


async def resolve(host: str, port: int) -> Sequence[IPAddress]:
    """The addresses of a host, in the system's order of preference.

    Raises:
        OSError: there are none, or too many look-ups are under way.
    """
    if not _running.acquire(blocking=False):
        raise OSError(f"{MAX_LOOKUPS} look-ups are under way")
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[Sequence[IPAddress]] = loop.create_future()
    try:
        threading.Thread(target=_look_up, args=(host, port, loop, answer), name="egress look-up", daemon=True).start()
    except RuntimeError as error:  # no more threads
        _running.release()
        raise OSError(str(error)) from None
    return await answer


def _look_up(
    host: str, port: int, loop: asyncio.AbstractEventLoop, answer: asyncio.Future[Sequence[IPAddress]]
) -> None:
    found: Sequence[IPAddress] | OSError
    try:
        infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        found = tuple(dict.fromkeys(ip_address(info[4][0]) for info in infos))
    except (OSError, ValueError) as error:  # ValueError: a label too long for IDNA
        found = OSError(str(error))
    finally:
        _running.release()
    try:
        loop.call_soon_threadsafe(_settle, answer, found)
    except RuntimeError:
        # The proxy has stopped meanwhile.
        return


def _settle(answer: asyncio.Future[Sequence[IPAddress]], found: Sequence[IPAddress] | OSError) -> None:
    if answer.done():
        return
    if isinstance(found, OSError):
        answer.set_exception(found)
    else:
        answer.set_result(found)
