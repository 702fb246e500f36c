"""Serving metrics: an ASGI app that never renders on the event loop, and a small server of its own."""

from __future__ import annotations

import asyncio
import errno
import logging
import selectors
import socket
import threading
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Self, TypeAlias

from prometheus_client import REGISTRY, CollectorRegistry

from browserwatch.errors import ConfigurationError, PortInUseError
from browserwatch.metrics.rendering import negotiate

Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
ASGIApp: TypeAlias = Callable[[Message, Receive, Send], Awaitable[None]]
MAX_PORT: Final = 65535
CLIENT_SECONDS: Final = 30.0
"""A client that says nothing for so long loses its connection: each takes a thread."""

_log = logging.getLogger(__name__)


class MetricsServer:
    """A running metrics server; `close` stops it, and it is also a context manager."""

    def __init__(self, host: str, port: int, close: Callable[[], None]) -> None:
        self.host = host
        self.port = port
        self._close = close

    @property
    def url(self) -> str:
        """Address to scrape."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}/metrics"

    def close(self) -> None:
        """Stop serving and free the port."""
        self._close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def start_metrics_server(
    port: int = 9464, host: str = "127.0.0.1", registry: CollectorRegistry = REGISTRY
) -> MetricsServer:
    """Serve ``/metrics`` from a daemon thread, in the text or the OpenMetrics format as the scraper asks.

    Args:
        port: port to listen on; 0 takes a free one. The default is OpenTelemetry's for Prometheus exporters.
        host: address to listen on; loopback by default, since metrics tell about a program.
        registry: what to show.

    Raises:
        ConfigurationError: the port is out of range or the address is not one of this machine.
        PortInUseError: another program listens there.
    """
    if not 0 <= port <= MAX_PORT:
        raise ConfigurationError(f"Metrics port {port} is out of range; use 0 (any free port) to {MAX_PORT}.")
    try:
        server = _listening(host, port, registry)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortInUseError(
                f"Metrics port {port} on {host} is in use by another program; choose another port, or 0 for a free one."
            ) from None
        raise ConfigurationError(f"Can't serve metrics on {host}:{port}: {error.strerror or error}.") from None
    except UnicodeError:  # from the look-up of what can't be a host name
        raise ConfigurationError(f"{host!r} is no host name or address to serve metrics on.") from None

    thread = threading.Thread(target=server.serve_forever, name="browserwatch metrics", daemon=True)
    thread.start()

    def close() -> None:
        if thread.is_alive():  # not in the child of a fork, which has only copies of the sockets: its parent goes on
            server.shutdown()
            thread.join()
        server.server_close()

    return MetricsServer(host, server.server_port, close)


class _Server(ThreadingHTTPServer):
    """Sleeps until somebody connects, or it is shut down.

    The library's own loop looks twice a second whether to stop: with a scrape in 15 s, that takes more than the scrapes do.
    """

    daemon_threads = True
    timeout = 0  # `handle_request` is only called when somebody is there

    def __init__(
        self, family: socket.AddressFamily, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]
    ) -> None:
        self.address_family = family
        self._stop, self._stopped = socket.socketpair()
        super().__init__(address, handler)

    def serve_forever(self, poll_interval: float | None = None) -> None:
        """Answer whoever connects."""
        with selectors.DefaultSelector() as selector:
            selector.register(self, selectors.EVENT_READ)
            selector.register(self._stopped, selectors.EVENT_READ)
            while all(key.fileobj is not self._stopped for key, _ in selector.select(poll_interval)):
                self.handle_request()

    def shutdown(self) -> None:
        """End `serve_forever`, without waiting for it."""
        self._stop.shutdown(socket.SHUT_WR)  # unlike close, which would wait for a copy that a fork has

    def server_close(self) -> None:
        """Free the port."""
        super().server_close()
        self._stop.close()
        self._stopped.close()


def _listening(host: str, port: int, registry: CollectorRegistry) -> _Server:
    class Handler(BaseHTTPRequestHandler):
        """Answers any path with the metrics, as prometheus_client's own server does."""

        timeout = CLIENT_SECONDS

        def do_GET(self) -> None:
            encode, content_type = negotiate(",".join(self.headers.get_all("accept", ())))
            try:
                body = encode(registry)
            except Exception as error:  # noqa: BLE001  # a collector of anybody's
                _log.warning("A scrape failed (%s)", type(error).__name__)
                self.send_error(500)
                return
            self.send_response(200)
            self.send_header("content-type", content_type)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_HEAD = do_GET  # noqa: N815  # the base class's name

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # likewise
            """A scrape every few seconds is no news."""

    family, *_ = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    return _Server(family, (host, port), Handler)


def metrics_app(registry: CollectorRegistry = REGISTRY) -> ASGIApp:
    """An ASGI app that serves the registry, to be mounted on ``/metrics`` of any ASGI program.

    Rendering some thousand series takes tens of milliseconds, so it happens in a thread; scrapes in the same format
    that arrive while one is being rendered get that rendering.
    """
    rendering: dict[str, asyncio.Task[bytes]] = {}

    async def render(accept: str) -> tuple[bytes, str]:
        encoder, content_type = negotiate(accept)
        task = rendering.get(content_type)
        if task is None:
            task = rendering[content_type] = asyncio.create_task(asyncio.to_thread(encoder, registry))
            task.add_done_callback(lambda _: rendering.pop(content_type, None))
        # One scraper that hangs up must not cancel the rendering of the others.
        return await asyncio.shield(task), content_type

    async def app(scope: Message, _receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise ValueError(f"metrics_app serves http, not {scope['type']}.")
        if scope["method"] not in ("GET", "HEAD"):
            await _respond(send, 405, b"", [(b"allow", b"GET, HEAD")])
            return
        body, content_type = await render(_accept(scope["headers"]))
        body = b"" if scope["method"] == "HEAD" else body
        await _respond(send, 200, body, [(b"content-type", content_type.encode())])

    return app


def _accept(headers: Iterable[tuple[bytes, bytes]]) -> str:
    return ",".join(value.decode("latin-1") for name, value in headers if name.lower() == b"accept")


async def _respond(send: Send, status: int, body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
