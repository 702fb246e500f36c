"""What goes through the proxy, and how it behaves when one side does not."""

from __future__ import annotations

import asyncio
import logging

import pytest

from browserwatch.egress.proxy import Limits
from tests.egress.clients import Client, ask, connected
from tests.egress.conftest import Proxying
from tests.egress.network import PUBLIC, PUBLIC_V6, Network, Origin

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi"
CONNECT = b"CONNECT site.test:443 HTTP/1.1\r\nHost: site.test:443\r\n\r\n"
MEGABYTES = 32


@pytest.fixture(autouse=True)
def site(network: Network) -> None:
    """One site, at one address."""
    network.names = {"site.test": [[PUBLIC]]}


async def test_plain_http(proxying: Proxying, network: Network) -> None:
    """The server sees a request as from a browser, without what is for the proxy, and for one connection."""
    async with proxying() as proxy, Origin(OK) as origin:
        network.servers[PUBLIC] = origin.port
        answer = await ask(
            proxy.port,
            b"GET http://site.test:8080/a/b?c=d HTTP/1.1\r\nHost: other.test\r\nProxy-Connection: keep-alive\r\n"
            b"Proxy-Authorization: Basic eA==\r\nConnection: x-hop, keep-alive\r\nX-Hop: 1\r\nKeep-Alive: 5\r\n"
            b"Upgrade: h2c\r\nTE: trailers\r\nCookie: a=b\r\nUser-Agent: X\r\n\r\n",
        )
    assert answer.encode() == OK
    assert origin.text == (
        "GET /a/b?c=d HTTP/1.1\r\nHost: site.test:8080\r\nCookie: a=b\r\nUser-Agent: X\r\nConnection: close\r\n\r\n"
    )
    assert network.connected == [(PUBLIC, 8080)]


@pytest.mark.parametrize(
    ("target", "line", "host"),
    [
        (b"http://site.test", "GET / HTTP/1.1", "site.test"),
        (b"HTTP://site.test:80?q", "GET /?q HTTP/1.1", "site.test"),
        (b"http://[2606:4700::1111]/x", "GET /x HTTP/1.1", "[2606:4700::1111]"),
        (b"http://[2606:4700::1111]:81/", "GET / HTTP/1.1", "[2606:4700::1111]:81"),
    ],
)
async def test_targets(target: bytes, line: str, host: str, proxying: Proxying, network: Network) -> None:
    """Paths and hosts in all their forms."""
    async with proxying() as proxy, Origin(OK) as origin:
        network.servers = {PUBLIC: origin.port, PUBLIC_V6: origin.port}
        await ask(proxy.port, b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n" % target)
    assert origin.text.startswith(f"{line}\r\nHost: {host}\r\n")


@pytest.mark.parametrize(
    ("framing", "body", "expected"),
    [
        (b"Content-Length: 5\r\n", b"hello", "Content-Length: 5\r\nConnection: close\r\n\r\nhello"),
        (
            b"Transfer-Encoding: chunked\r\n",
            b"2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n",
            "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
        ),
        (
            b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\nConnection: transfer-encoding\r\n",
            b"5\r\nhello\r\n0\r\n\r\n",
            "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        ),
    ],
)
async def test_bodies(framing: bytes, body: bytes, expected: str, proxying: Proxying, network: Network) -> None:
    """Framed anew, so that the server can't see another end of the request than the proxy did."""
    async with proxying() as proxy, Origin(None) as origin:
        network.servers[PUBLIC] = origin.port
        async with connected(proxy.port) as client:
            await client.send(b"POST http://site.test/ HTTP/1.1\r\nHost: x\r\n" + framing + b"\r\n" + body)
            async with asyncio.timeout(10):
                while not origin.text.endswith(expected[-5:]):
                    origin.got.clear()
                    await origin.got.wait()
    assert origin.text == f"POST / HTTP/1.1\r\nHost: site.test\r\n{expected}"


async def test_a_second_request_goes_nowhere(proxying: Proxying, network: Network) -> None:
    """A request on the same connection may be for another host: its bytes must not reach the first one's server."""
    async with proxying() as proxy, Origin(None) as origin:
        network.servers[PUBLIC] = origin.port
        async with connected(proxy.port) as client:
            await client.send(b"GET http://site.test/ HTTP/1.1\r\nHost: x\r\n\r\n")
            await asyncio.wait_for(origin.got.wait(), 10)
            await client.send(b"GET http://10.0.0.1/ HTTP/1.1\r\nHost: x\r\nCookie: secret\r\n\r\n")
            assert await client.rest() == ""
    assert "secret" not in origin.text
    assert origin.connections == 1


async def test_a_pipelined_request_goes_nowhere(proxying: Proxying, network: Network) -> None:
    """Also when it comes in the same piece."""
    async with proxying() as proxy, Origin(OK) as origin:
        network.servers[PUBLIC] = origin.port
        request = b"GET http://site.test/ HTTP/1.1\r\nHost: x\r\n\r\n"
        assert (await ask(proxy.port, request + request.replace(b"site", b"more"))).encode() == OK
    assert "more.test" not in origin.text


async def test_a_tunnel(proxying: Proxying, network: Network) -> None:
    """Bytes go both ways as they are; what came together with the request is not lost."""
    async with proxying() as proxy, Origin(b"\x00server") as origin:
        network.servers[PUBLIC] = origin.port
        async with connected(proxy.port) as client:
            await client.send(CONNECT + b"\x00early")
            assert await client.head() == "HTTP/1.1 200 Connection established\r\n\r\n"
            assert await client.rest() == "\x00server"
    assert origin.text == "\x00early"
    assert network.connected == [(PUBLIC, 443)]


async def test_a_tunnel_for_a_websocket(proxying: Proxying, network: Network) -> None:
    """Browsers open ws:// by CONNECT, too; the upgrade inside is not the proxy's business."""
    upgrade = b"GET /chat HTTP/1.1\r\nHost: site.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    switching = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n\x81\x02hi"
    async with proxying() as proxy, Origin(switching) as origin:
        network.servers[PUBLIC] = origin.port
        async with connected(proxy.port) as client:
            await client.send(CONNECT.replace(b"443", b"80"))
            await client.head()
            await client.send(upgrade)
            assert (await client.head() + await client.rest()).encode("latin-1") == switching
    assert origin.text.encode() == upgrade


async def test_big_bodies_stream(proxying: Proxying, network: Network) -> None:
    """A server that sends more than fits into any buffer is not read faster than the browser reads."""
    size = MEGABYTES * 1024 * 1024
    async with proxying() as proxy, Origin(bytes(size)) as origin:
        network.servers[PUBLIC] = origin.port
        async with connected(proxy.port) as client:
            await client.send(CONNECT + b"x")
            await client.head()
            with pytest.raises(TimeoutError):
                # The server can't get rid of it while nobody reads.
                await asyncio.wait_for(origin.ended.wait(), 0.2)
            assert await client.exactly(size) == bytes(size)


async def test_a_slow_head_is_cut_off(proxying: Proxying) -> None:
    """A few bytes at a time keep no connection open for longer than a head may take."""
    async with proxying(limits=Limits(head_seconds=0.2)) as proxy, connected(proxy.port) as client:
        await client.send(b"GET http://site.test/ HT")
        assert await client.rest() == ""


async def test_silence_is_cut_off(proxying: Proxying, network: Network) -> None:
    """A tunnel in which nobody speaks ends, with its connection to the server."""
    async with proxying(limits=Limits(idle_seconds=0.2)) as proxy, Origin(None) as origin:
        network.servers[PUBLIC] = origin.port
        async with connected(proxy.port) as client:
            await client.send(CONNECT + b"x")
            await client.head()
            assert await client.rest() == ""
        await asyncio.wait_for(origin.ended.wait(), 10)


async def test_talk_keeps_a_tunnel_open(proxying: Proxying, network: Network) -> None:
    """Only silence counts, not time."""
    async with proxying(limits=Limits(idle_seconds=0.5)) as proxy, Origin(None) as origin:
        network.servers[PUBLIC] = origin.port
        async with connected(proxy.port) as client:
            await client.send(CONNECT)
            await client.head()
            for _ in range(8):
                origin.got.clear()
                await client.send(b"x")
                await asyncio.wait_for(origin.got.wait(), 10)
                await asyncio.sleep(0.1)  # the time that would have been too long
            assert not origin.ended.is_set()
    assert origin.text == "x" * 8


async def test_a_connection_that_does_not_come_about(
    proxying: Proxying, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither looking up nor connecting may take for ever."""

    async def never(*_: object) -> None:
        await asyncio.Event().wait()

    for method in ("connect", "resolve"):
        monkeypatch.setattr(network, method, never)
        async with proxying(limits=Limits(connect_seconds=0.1)) as proxy:
            assert (await ask(proxy.port, CONNECT)).startswith("HTTP/1.1 502 ")


@pytest.mark.parametrize("request_", [CONNECT + b"x", b"GET http://site.test/ HTTP/1.1\r\nHost: x\r\n\r\n"])
async def test_a_browser_that_goes_away(request_: bytes, proxying: Proxying, network: Network) -> None:
    """Its connection to the server ends, too."""
    async with proxying() as proxy, Origin(None) as origin:
        network.servers[PUBLIC] = origin.port
        async with connected(proxy.port) as client:
            await client.send(request_)
            await asyncio.wait_for(origin.got.wait(), 10)
        await asyncio.wait_for(origin.ended.wait(), 10)


async def test_a_browser_that_goes_in_the_middle_of_a_body(proxying: Proxying, network: Network) -> None:
    """The server gets half a request and the end, not a whole one."""
    async with proxying() as proxy, Origin(None) as origin:
        network.servers[PUBLIC] = origin.port
        async with connected(proxy.port) as client:
            await client.send(b"POST http://site.test/ HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf")
            await asyncio.wait_for(origin.got.wait(), 10)
        await asyncio.wait_for(origin.ended.wait(), 10)
    assert origin.text.endswith(("Connection: close\r\n\r\n", "half"))


async def test_stopping_cuts_off_what_is_open(proxying: Proxying, network: Network) -> None:
    """In every stage of a connection; no task is left (see `proxying`)."""
    async with (
        Origin(None) as origin,
        proxying() as proxy,
        connected(proxy.port) as silent,
        connected(proxy.port) as tunnel,
        connected(proxy.port) as plain,
    ):
        network.servers[PUBLIC] = origin.port
        await tunnel.send(CONNECT + b"x")
        await tunnel.head()
        await plain.send(b"POST http://site.test/ HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n")
        await silent.send(b"GET")
        await asyncio.wait_for(origin.got.wait(), 10)
        await proxy.stop()
        for client in (silent, tunnel, plain):
            assert await _ended(client)
        with pytest.raises(ConnectionError):
            await ask(proxy.port, CONNECT)


async def test_stopping_does_not_wait_for_who_does_not_read(proxying: Proxying, network: Network) -> None:
    """A browser that takes nothing any more holds nobody up."""
    async with Origin(bytes(MEGABYTES * 1024 * 1024)) as origin, proxying() as proxy, connected(proxy.port) as client:
        network.servers[PUBLIC] = origin.port
        await client.send(CONNECT + b"x")
        await client.head()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(origin.ended.wait(), 0.3)  # everything in between is full now
        await asyncio.wait_for(proxy.stop(), 1.5)


async def test_too_many_connections(proxying: Proxying) -> None:
    """One more than may be is told so at once; those that are open go on."""
    async with (
        proxying(limits=Limits(connections=2)) as proxy,
        connected(proxy.port) as first,
        connected(proxy.port) as second,
        connected(proxy.port) as third,
    ):
        assert (await third.rest()).startswith("HTTP/1.1 503 ")
        for client in (first, second):
            await client.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert (await client.rest()).startswith("HTTP/1.1 400 ")


async def test_logs_have_no_url(proxying: Proxying, caplog: pytest.LogCaptureFixture) -> None:
    """Host and port of a block; never path, query or cookies."""
    caplog.set_level(logging.DEBUG)
    async with proxying() as proxy:
        await ask(proxy.port, b"GET http://10.0.0.1/secret?secret HTTP/1.1\r\nHost: x\r\nCookie: secret\r\n\r\n")
    assert "blocked a connection to 10.0.0.1:80: private_address" in caplog.text
    assert "secret" not in caplog.text


async def _ended(client: Client) -> bool:
    try:
        return await client.rest() == ""
    except ConnectionError:
        return True
