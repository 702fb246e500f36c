"""One canned run with secrets planted in it, as a program: `python -m bench.peers.planted --arm module:function`.

It says in a line of JSON what came, which of the secrets were where in it, and which other hosts were asked for.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import sys
import tempfile
import threading
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from bench.peers.guard import REFUSED, guard
from bench.peers.plants import Found
from browserwatch.agents.process.environment import BROWSER_USE
from browserwatch.bench.arms import Installed, load_arm


async def plant(arm: str, directory: Path) -> dict[str, Any]:
    """One run under an arm."""
    from bench.peers.planted_run import PlantedRuns  # noqa: PLC0415  # imports browser-use

    found = Found()
    with listening(found) as url:
        runs = PlantedRuns(directory)
        installed = load_arm(arm)(url)
        try:
            await runs.run()
            _flush(installed)
            if installed.metrics_url:
                found.take_text("/metrics", _read(installed.metrics_url))
        finally:
            installed.uninstall()
    return {**found.report(), "refused": dict(REFUSED)}


@contextmanager
def listening(found: Found) -> Generator[str]:
    """Take all that is sent; the address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            found.take(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class's name
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


def _flush(installed: Installed) -> None:
    from opentelemetry import metrics  # noqa: PLC0415  # in a peer's environment

    installed.flush()
    flush: Any = getattr(metrics.get_meter_provider(), "force_flush", None)
    if flush is not None:
        flush()


def _read(url: str) -> str:
    with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310  # http, on loopback
        return answer.read().decode()


def main() -> None:
    """Say what was found."""
    parser = argparse.ArgumentParser(prog="python -m bench.peers.planted", description=main.__doc__)
    parser.add_argument("--arm", required=True, help="module:function")
    options = parser.parse_args()
    guard()
    os.environ.update(BROWSER_USE)
    logging.basicConfig(level=logging.ERROR)
    with tempfile.TemporaryDirectory(prefix="browserwatch-peers-", ignore_cleanup_errors=True) as directory:
        found = asyncio.run(plant(options.arm, Path(directory)))
    sys.stdout.write(json.dumps(found) + "\n")
    sys.stdout.flush()
    os._exit(0)  # an arm's threads need not be waited for


if __name__ == "__main__":
    main()
