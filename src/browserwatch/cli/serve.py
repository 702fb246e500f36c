"""`browserwatch serve`: one process that serves, and drains when it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import signal
import socket
import sys
from collections.abc import Callable, Generator, Iterator
from typing import Final

import uvicorn
from fastapi import FastAPI
from pydantic import SecretStr

from browserwatch.api.app import create_app
from browserwatch.api.composition import open_services
from browserwatch.cli.terminal import make_console
from browserwatch.errors import ConfigurationError, PortInUseError
from browserwatch.logs import configure_logging
from browserwatch.processes.listening import listen
from browserwatch.redaction import redactor
from browserwatch.settings import PREFIX, ServiceSettings
from browserwatch.tracing import configure_tracing, export_only_if_asked

SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
# Requests that are still open when everything has drained: streams of events mostly, which end by themselves.
CLOSE_SECONDS: Final = 3
_log = logging.getLogger(__name__)


class Server(uvicorn.Server):
    """A server that leaves the signals to us.

    uvicorn's own first answer to one is to stop listening, while we go on answering: else nobody could see how the drain
    goes. And it dies of the signal in the end, where a stop that was asked for should be a success.
    """

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Take none."""
        yield


class Stopping:
    """What a signal does: the first one drains, the second one ends what still runs.

    Args:
        app: its services are drained.
        server: it stops serving afterwards.
        grace: seconds that what runs may go on.
        give_up: ends a start that is not finished.
    """

    def __init__(self, app: FastAPI, server: Server, grace: float, give_up: Callable[[], object]) -> None:
        self._app = app
        self._server = server
        self._grace = grace
        self._give_up = give_up
        self._draining: asyncio.Task[None] | None = None

    def told(self, number: int) -> None:
        """Take a signal."""
        if not self._server.started:
            self._give_up()
        elif self._draining is None:
            _log.info("%s: draining for up to %g s", signal.Signals(number).name, self._grace)
            self._draining = asyncio.get_running_loop().create_task(self._drain(), name="drain")
        else:
            _log.warning("told to stop again: ending what still runs")
            self._draining.cancel()

    async def _drain(self) -> None:
        try:
            await self._app.state.services.drain(self._grace)
        finally:
            self._server.should_exit = True

    @contextlib.contextmanager
    def on_signals(self) -> Generator[None]:
        """Take them for the length of the block."""
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            loop.add_signal_handler(number, self.told, number)
        try:
            yield
        finally:
            for number in SIGNALS:
                loop.remove_signal_handler(number)


def run_service(settings: ServiceSettings) -> int:
    """Serve until told to stop.

    Returns:
        The exit code: 0 after a stop that was asked for.

    Raises:
        BrowserwatchError: the service can't be started; the message says why.
    """
    redactor.declare(_secrets(settings))
    _write_logs()
    export_only_if_asked()
    tracing = configure_tracing()
    try:
        app = create_app(settings, open_services)
        with _listening(settings.host, settings.port) as listener:
            asyncio.run(_serve(app, listener, settings.shutdown_grace_seconds))
    finally:
        tracing.shutdown()
    return 0


async def _serve(app: FastAPI, listener: socket.socket, grace: float) -> None:
    config = uvicorn.Config(
        app,
        http="h11",  # strict: what it takes, everything behind it understands the same way
        ws="none",
        lifespan="off",  # entered here, so that an error of the start is ours to tell
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=CLOSE_SECONDS,
    )
    server = Server(config)
    main = asyncio.current_task()
    if main is None:
        raise RuntimeError("there is always a task here")
    with Stopping(app, server, grace, main.cancel).on_signals(), contextlib.suppress(asyncio.CancelledError):
        async with app.router.lifespan_context(app):
            make_console().print(f"browserwatch serves on {_address(listener)}", soft_wrap=True)
            sys.stdout.flush()
            await server.serve(sockets=[listener])


@contextlib.contextmanager
def _listening(host: str, port: int) -> Generator[socket.socket]:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = listen(host, port, family)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortInUseError(
                f"Port {port} on {host} is in use by another program; choose another {PREFIX}PORT, or 0 for a free one."
            ) from None
        raise ConfigurationError(f"Can't listen on {PREFIX}HOST={host!r}, port {port}: {error.strerror}.") from None
    with listener:
        yield listener


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _write_logs() -> None:
    """JSON lines on standard error: ours, and what other libraries warn of."""
    configure_logging(stream=sys.stderr)
    root = logging.getLogger()
    root.handlers[:] = logging.getLogger("browserwatch").handlers
    root.setLevel(logging.WARNING)


def _secrets(settings: ServiceSettings) -> Iterator[str]:
    """Values that must not show in any log or span, should a library quote them."""
    for name in type(settings).model_fields:
        value: object = getattr(settings, name)
        for item in value if isinstance(value, tuple) else (value,):  # pyright: ignore[reportUnknownVariableType]  # of any type
            if isinstance(item, SecretStr):
                yield item.get_secret_value()
