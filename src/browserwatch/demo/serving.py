"""Serve an ASGI app from a thread, or as a small program that others start and read the address of."""

import argparse
import contextlib
import json
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Generator

import uvicorn
from starlette.types import ASGIApp

from browserwatch.demo.errors import DemoError
from browserwatch.processes.listening import listen

_START_SECONDS = 10.0
_DRAIN_SECONDS = 1  # a slow page in flight is cut off after this
_STOP_SECONDS = 10.0
_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class _Server(uvicorn.Server):
    """A server that says when it listens, so nobody has to poll."""

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                loop="asyncio",
                ws="none",
                lifespan="off",
                log_config=None,
                server_header=False,
                timeout_graceful_shutdown=_DRAIN_SECONDS,
            )
        )
        self.settled = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.settled.set()

    def run_on(self, listener: socket.socket) -> None:
        """Serve until `should_exit`; the thread's target."""
        try:
            self.run(sockets=[listener])
        finally:
            self.settled.set()


class _Quiet(logging.Filter):
    """Keeps one server's routine lines out of the program's logs, and leaves other servers' alone."""

    def __init__(self, thread: threading.Thread) -> None:
        super().__init__()
        self._thread = thread

    def filter(self, record: logging.LogRecord) -> bool:
        # Neither a dropped connection nor a page cut off at the end is a fault here: both are on purpose.
        ours = record.thread == self._thread.ident
        expected = record.getMessage().startswith(("ASGI callable returned without completing", "Cancel "))
        return not ours or (record.levelno >= logging.WARNING and not expected)


@contextlib.contextmanager
def _quieted(thread: threading.Thread) -> Generator[None]:
    loggers = [logging.getLogger(name) for name in ("uvicorn.error", "uvicorn.access")]
    quiet = _Quiet(thread)
    for logger in loggers:
        logger.addFilter(quiet)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(quiet)


def _listen(port: int) -> socket.socket:
    try:
        return listen("127.0.0.1", port)
    except OSError as error:
        raise DemoError(f"can't listen on 127.0.0.1:{port}: {error.strerror}; choose another port, or 0") from error


@contextlib.contextmanager
def serve_in_thread(app: ASGIApp, *, port: int = 0) -> Generator[str]:
    """Serve an app on loopback for as long as the block runs.

    Args:
        app: Any ASGI application; its lifespan is not run.
        port: A port, or 0 for a free one.

    Yields:
        The base URL, without a slash at its end.

    Raises:
        DemoError: The port is taken, or the server neither starts nor stops in time.
    """
    listener = _listen(port)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    server = _Server(app)
    thread = threading.Thread(target=server.run_on, args=(listener,), name=f"demo {url}", daemon=True)
    with contextlib.closing(listener), _quieted(thread):
        thread.start()
        try:
            server.settled.wait(_START_SECONDS)
            if not server.started:
                raise DemoError(f"the demo server at {url} didn't start; see the log above for its error")
            yield url
        finally:
            server.should_exit = True
            thread.join(_STOP_SECONDS)
        if thread.is_alive():
            raise DemoError(
                f"the demo server at {url} didn't stop within {_STOP_SECONDS:g} s; a handler blocks its loop"
            )


def port_argument(parser: argparse.ArgumentParser) -> None:
    """Add the `--port` that both demo programs take."""
    parser.add_argument("--port", type=int, default=0, help="a port on 127.0.0.1; 0, the default, takes a free one")


def serve_until_told(app: ASGIApp, *, port: int = 0) -> None:
    """Print `{"url": ...}` as one line, then serve until stdin closes, or SIGTERM or SIGINT comes.

    Closing stdin ends the server even when the program that started it dies without a word.
    """
    # Blocked before any thread starts, so that every thread inherits it and only sigwait takes them.
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOP_SIGNALS)
    with serve_in_thread(app, port=port) as url:
        sys.stdout.write(json.dumps({"url": url}) + "\n")
        sys.stdout.flush()
        threading.Thread(target=_end_with_stdin, daemon=True).start()
        signal.sigwait(_STOP_SIGNALS)


def _end_with_stdin() -> None:
    # os.read, not sys.stdin: a daemon thread inside a buffered read would abort the interpreter's exit.
    with contextlib.suppress(OSError):
        while os.read(0, 4096):
            pass
    os.kill(os.getpid(), signal.SIGTERM)
