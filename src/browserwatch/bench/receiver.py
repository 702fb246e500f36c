"""Takes what an arm exports and scrapes its metrics, as a program: what that costs falls to another process.

`python -m browserwatch.bench.receiver [--secret TEXT]` prints its address and serves until standard input ends. It counts
and forgets. It needs the standard library and OpenTelemetry's protobuf messages alone, for environments of other arms.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
import threading
import urllib.request
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import quote, unquote

from browserwatch.bench.programs import serving

SCRAPE_SECONDS: Final = 5.0
GOLDEN: Final = 0.618034
OPENMETRICS: Final = "application/openmetrics-text; version=1.0.0"
TALLY: Final = "/tally"
SCRAPE: Final = "/scrape/"


@dataclass
class Tally:
    """What has come.

    Args:
        requests: exports.
        bytes: of their bodies, as sent.
        spans: in them.
        leaks: exports that had the planted secret in them.
        scrapes: of metrics.
        names: spans by name.
    """

    requests: int = 0
    bytes: int = 0
    spans: int = 0
    leaks: int = 0
    scrapes: int = 0
    names: dict[str, int] = field(default_factory=dict[str, int])


class Receiver:
    """A receiver that runs, from the side of who started it."""

    def __init__(self, url: str) -> None:
        self.url = url
        """The address for OTLP over HTTP."""

    def tally(self) -> Tally:
        """What has come until now."""
        return Tally(**json.loads(_ask(f"{self.url}{TALLY}")))

    def scrape(self, metrics_url: str) -> None:
        """Scrape once, now."""
        _ask(f"{self.url}{SCRAPE}{quote(metrics_url, safe='')}", "POST")

    def keep_scraping(self, metrics_url: str) -> None:
        """Scrape every five seconds from now on; nothing any more when the address is empty."""
        _ask(f"{self.url}{SCRAPE}{quote(metrics_url, safe='')}", "PUT")


@contextmanager
def receiving(secret: str = "") -> Generator[Receiver]:
    """A receiver for the length of the block."""
    with serving("browserwatch.bench.receiver", "--secret", secret) as url:
        yield Receiver(url)


def main(arguments: list[str] | None = None) -> None:
    """Count what comes until standard input ends."""
    parser = argparse.ArgumentParser(prog="python -m browserwatch.bench.receiver", description=main.__doc__)
    parser.add_argument("--secret", default="", help="a text that must not be in what comes")
    counting = _Counting(parser.parse_args(arguments).secret.encode())
    server = ThreadingHTTPServer(("127.0.0.1", 0), counting.handler())
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(json.dumps({"url": f"http://127.0.0.1:{server.server_port}"}) + "\n")
    sys.stdout.flush()
    sys.stdin.read()
    server.shutdown()


class _Counting:
    def __init__(self, secret: bytes) -> None:
        self.tally = Tally()
        self._secret = secret
        self._names: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._end_scraping = threading.Event()
        self._switched_on = 0

    def take(self, path: str, body: bytes, encoding: str) -> None:
        read = gzip.decompress(body) if encoding == "gzip" else body
        names = _span_names(read) if path.endswith("/traces") else []
        with self._lock:
            self._names.update(names)
            self.tally.requests += 1
            self.tally.bytes += len(body)
            self.tally.spans += len(names)
            self.tally.leaks += bool(self._secret and self._secret in read)
            self.tally.names = dict(self._names)

    def scrape(self, url: str) -> None:
        _ask(url, accept=OPENMETRICS)
        with self._lock:
            self.tally.scrapes += 1

    def keep_scraping(self, url: str) -> None:
        self._end_scraping.set()
        self._end_scraping = threading.Event()
        if url:
            self._switched_on += 1
            threading.Thread(target=self._scrape_until, args=(self._end_scraping, url), daemon=True).start()

    def _scrape_until(self, end: threading.Event, url: str) -> None:
        # The first comes earlier or later from time to time, evenly: turns get as many scrapes as their length deserves.
        wait = self._switched_on * GOLDEN % 1 * SCRAPE_SECONDS
        while not end.wait(wait):
            wait = SCRAPE_SECONDS
            try:
                self.scrape(url)
            except OSError:
                return  # it was switched off meanwhile

    def handler(self) -> type[BaseHTTPRequestHandler]:
        counting = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                if self.path.startswith(SCRAPE):
                    counting.scrape(unquote(self.path.removeprefix(SCRAPE)))
                else:
                    counting.take(self.path, body, self.headers.get("content-encoding", ""))
                self._answer(b"")

            def do_PUT(self) -> None:
                counting.keep_scraping(unquote(self.path.removeprefix(SCRAPE)))
                self._answer(b"")

            def do_GET(self) -> None:
                self._answer(json.dumps(asdict(counting.tally)).encode())

            def _answer(self, body: bytes) -> None:
                self.send_response(200)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class's name
                """Say nothing."""

        return Handler


def _span_names(body: bytes) -> list[str]:
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (  # noqa: PLC0415  # not for who only asks
        ExportTraceServiceRequest,
    )

    request = ExportTraceServiceRequest.FromString(body)
    return [span.name for group in request.resource_spans for scope in group.scope_spans for span in scope.spans]


def _ask(url: str, method: str = "GET", accept: str = "*/*") -> bytes:
    request = urllib.request.Request(url, method=method, headers={"accept": accept})  # noqa: S310  # http, on loopback
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=30) as answer:
        return answer.read()


if __name__ == "__main__":
    main()
