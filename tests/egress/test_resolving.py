from __future__ import annotations

import asyncio
import socket
import threading
from ipaddress import ip_address
from typing import Any

import pytest

from browserwatch.egress.resolving import MAX_LOOKUPS, resolve


async def test_the_systems_names() -> None:
    """The addresses of this machine, each once."""
    found = await resolve("localhost", 80)
    assert set(found) <= {ip_address("127.0.0.1"), ip_address("::1")}
    assert len(found) == len(set(found)) > 0


@pytest.mark.parametrize("name", ["a..b", "x" * 64, "\0"])
async def test_names_that_can_be_none(name: str) -> None:
    """One kind of error, whatever the system says."""
    with pytest.raises(OSError, match=r"."):
        await resolve(name, 80)


async def test_a_silent_server_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look-ups that nobody waits for any more go on in threads, of which there is a highest number."""
    release = threading.Event()
    started = threading.Semaphore(0)

    def silent(*_: Any, **__: Any) -> list[Any]:
        started.release()
        release.wait(10)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 80))]

    monkeypatch.setattr("socket.getaddrinfo", silent)
    waiting = [asyncio.create_task(resolve("silent.test", 80)) for _ in range(MAX_LOOKUPS)]
    await asyncio.to_thread(lambda: [started.acquire(timeout=10) for _ in waiting])
    with pytest.raises(OSError, match="64 look-ups are under way"):
        await resolve("silent.test", 80)
    for task in waiting[1:]:
        task.cancel()
    await asyncio.wait(waiting[1:], timeout=10)
    lookups = [thread for thread in threading.enumerate() if thread.name == "egress look-up"]
    release.set()
    assert await waiting[0] == (ip_address("127.0.0.1"),)
    await asyncio.to_thread(lambda: [thread.join(10) for thread in lookups])
    assert await resolve("again.test", 80) == (ip_address("127.0.0.1"),)
