from __future__ import annotations

import socket
import threading
import time
from collections.abc import Generator

import pytest

from browserwatch.egress import EgressPolicy, ThreadedEgressProxy
from browserwatch.events import Event, PolicyBlocked
from tests.egress.network import Network

BLOCKED = b"GET http://10.0.0.1/ HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture
def heard() -> list[tuple[Event, str]]:
    """Events, and the threads they were told in."""
    return []


@pytest.fixture
def proxy(network: Network, heard: list[tuple[Event, str]]) -> Generator[ThreadedEgressProxy]:
    before = set(threading.enumerate())
    yield ThreadedEgressProxy(
        EgressPolicy.parse([]),
        lambda event: heard.append((event, threading.current_thread().name)),
        resolve=network.resolve,
        connect=network.connect,
    )
    assert set(threading.enumerate()) == before


def ask(port: int, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        connection.sendall(request)
        answer = b""
        while data := connection.recv(65536):
            answer += data
        return answer


def test_serves_while_this_thread_is_busy(proxy: ThreadedEgressProxy, heard: list[tuple[Event, str]]) -> None:
    """It needs no event loop of the program's; events come in its own thread, and any thread may ask it."""
    with proxy:
        assert ask(proxy.port, BLOCKED).startswith(b"HTTP/1.1 403 ")
        assert proxy.blocked_rule("10.0.0.1") == "private_address"
    assert heard == [(PolicyBlocked(rule="private_address"), "egress proxy")]


def test_stops_at_once_with_connections_open(proxy: ThreadedEgressProxy) -> None:
    """They are cut off, and its thread is gone."""
    with proxy:
        open_ones = [socket.create_connection(("127.0.0.1", proxy.port), 10) for _ in range(5)]
        for connection in open_ones:
            connection.sendall(b"GET")
        assert ask(proxy.port, BLOCKED)
        started = time.monotonic()
        proxy.stop()
        assert time.monotonic() - started < 2
        for connection in open_ones:
            with connection:
                assert _ended(connection)
    with pytest.raises(ConnectionRefusedError):
        ask(proxy.port, BLOCKED)


def test_never_started(proxy: ThreadedEgressProxy) -> None:
    """Stopping is fine then."""
    proxy.stop()
    assert proxy.port == 0


def test_no_free_port(proxy: ThreadedEgressProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever starts it is told."""

    async def none_free(*_: object) -> None:
        raise OSError("no port")

    monkeypatch.setattr("asyncio.start_server", none_free)
    with pytest.raises(OSError, match="no port"):
        proxy.start()
    proxy.stop()


def _ended(connection: socket.socket) -> bool:
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True
