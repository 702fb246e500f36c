"""What a browser asks a forward proxy for: read within bounds, and rewritten for the server that is to answer."""

from __future__ import annotations

from asyncio import StreamReader
from collections.abc import Iterator
from typing import Final, NamedTuple

import h11

from browserwatch.egress.hosts import MAX_PORT, PORTS, Target, parse_host

CHUNK: Final = 64 * 1024
_HTTP: Final = b"http://"
# RFC 9110, 7.6.1: between two neighbours only. `Proxy-…` is for the proxy.
_HOP_BY_HOP: Final = frozenset({b"connection", b"keep-alive", b"te", b"upgrade", b"host"})
_PROXY: Final = b"proxy-"
_LENGTH: Final = b"content-length"
_CHUNKED: Final = b"transfer-encoding"
_FRAMING: Final = frozenset({_LENGTH, _CHUNKED})


class BadRequestError(Exception):
    """A request that can't be served; `status` is what to answer."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class ProxyRequest(NamedTuple):
    """The head of a request. `path` is None for CONNECT."""

    host: str
    port: int
    path: bytes | None
    head: h11.Request


class ClientSide:
    """The browser's end of one connection: one request, and no byte beyond it.

    Args:
        reader: what the browser sends.
        max_head: bytes that a head may have.
    """

    def __init__(self, reader: StreamReader, max_head: int) -> None:
        self._reader = reader
        self._parser = h11.Connection(h11.SERVER, max_incomplete_event_size=max_head)

    async def read_head(self) -> ProxyRequest | None:
        """The request; None when the browser went without one.

        Raises:
            BadRequestError: it is none for a forward proxy.
        """
        event = await self._next_event()
        if isinstance(event, h11.ConnectionClosed):
            return None
        if not isinstance(event, h11.Request):
            raise BadRequestError(400)
        return _parse_connect(event) if event.method == b"CONNECT" else _parse_absolute(event)

    async def read_body(self) -> bytes:
        """The next piece of the body; empty at its end.

        Raises:
            BadRequestError: the browser went, or what it sends is no body.
        """
        event = await self._next_event()
        if isinstance(event, h11.Data):
            return bytes(event.data)
        if isinstance(event, h11.EndOfMessage):
            return b""
        raise BadRequestError(400)

    @property
    def left_over(self) -> bytes:
        """What was read beyond the request: the first bytes of a tunnel."""
        return self._parser.trailing_data[0]

    async def _next_event(self) -> h11.Event | type[h11.NEED_DATA | h11.PAUSED]:
        try:
            while (event := self._parser.next_event()) is h11.NEED_DATA:
                self._parser.receive_data(await self._reader.read(CHUNK))
        except h11.RemoteProtocolError as error:
            raise BadRequestError(error.error_status_hint) from None
        except ConnectionError:
            raise BadRequestError(400) from None
        return event


class ServerSide:
    """The same request as the server gets it: framed anew, so that both ends agree on where it ends.

    Args:
        request: what the browser asked for.
    """

    def __init__(self, request: ProxyRequest) -> None:
        self._request = request
        self._writer = h11.Connection(h11.CLIENT)

    def head(self) -> bytes:
        """The head in origin form, for one request on a connection of its own."""
        request = self._request
        headers = [(b"Host", _authority(request)), *_end_to_end(request.head), (b"Connection", b"close")]
        return self._send(h11.Request(method=request.head.method, target=request.path or b"/", headers=headers))

    def body(self, data: bytes) -> bytes:
        """A piece of the body, or with nothing its end."""
        return self._send(h11.Data(data=data) if data else h11.EndOfMessage())

    def _send(self, event: h11.Event) -> bytes:
        return self._writer.send(event) or b""


def _parse_connect(head: h11.Request) -> ProxyRequest:
    target = _split(head.target.decode("ascii"), None)
    return ProxyRequest(str(target.host), target.port, None, head)


def _parse_absolute(head: h11.Request) -> ProxyRequest:
    if head.target[: len(_HTTP)].lower() != _HTTP:
        # `GET /` is for a server, not for a proxy; other schemes are none of ours.
        raise BadRequestError(501 if b"://" in head.target else 400)
    rest = head.target[len(_HTTP) :].decode("ascii")
    end = next((place for place, char in enumerate(rest) if char in "/?#"), len(rest))
    target = _split(rest[:end], PORTS["http"])
    path = rest[end:].partition("#")[0]
    return ProxyRequest(str(target.host), target.port, (path if path.startswith("/") else f"/{path}").encode(), head)


def _split(authority: str, default: int | None) -> Target:
    host, colon, port = authority.rpartition(":")
    if not colon or authority.endswith("]"):
        host, port = authority, str(default or "")
    parsed = parse_host(host)
    if parsed is None or not port.isdecimal() or not 1 <= int(port) <= MAX_PORT:
        raise BadRequestError(400)
    return Target("http", parsed, int(port))


def _authority(request: ProxyRequest) -> bytes:
    # Only an IPv6 address has colons.
    shown = f"[{request.host}]" if ":" in request.host else request.host
    return (shown if request.port == PORTS["http"] else f"{shown}:{request.port}").encode()


def _end_to_end(head: h11.Request) -> Iterator[tuple[bytes, bytes]]:
    named = {name.strip().lower() for key, value in head.headers if key == b"connection" for name in value.split(b",")}
    dropped = _HOP_BY_HOP | (named - _FRAMING)
    # With both, chunks count and the length is ignored: a server must not see the other reading (RFC 9112, 6.1).
    if any(key == _CHUNKED for key, _ in head.headers):
        dropped |= {_LENGTH}
    # As they were written: servers tell browsers apart by that, too.
    for key, value in head.headers.raw_items():
        if key.lower() not in dropped and not key.lower().startswith(_PROXY):
            yield key, value
