"""What `browserwatch bench scrape` asks, as a program: metrics with so many series, served in three ways.

`python -m browserwatch.bench.scrape_target --series N` prints its address and serves until standard input ends. Under
`/ours` is `browserwatch.metrics_app`, under `/library` what prometheus_client has for ASGI: it renders on the event loop.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from dataclasses import dataclass
from typing import Any, Final, cast

import msgspec
import prometheus_client
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from browserwatch import events, metrics_app, start_metrics_server
from browserwatch.demo.serving import serve_until_told
from browserwatch.metrics import Instruments, Recorder
from browserwatch.metrics.exposition import ASGIApp

TICK_SECONDS: Final = 1e-3
MODELS: Final = 250
"""As many as fill the largest guard that is measured."""

PROVIDERS: Final = ("openai", "anthropic", "google")
TRACE: Final = {"trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "span_id": "00f067aa0ba902b7"}
READING: Final = "/reading"
PLACES: Final = "/places"


@dataclass(frozen=True, slots=True)
class Reading:
    """What was seen since the last reading."""

    cpu_seconds: float
    """Processor time of the process, since its start."""
    stall_seconds: float
    """The longest time that the event loop came too late; 0 when nobody watched."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where to scrape."""

    ours: str
    library: str
    server: str
    """Of `browserwatch.start_metrics_server`."""


class Ticker:
    """Sees how late the event loop is; costs a little, so only when wanted."""

    def __init__(self) -> None:
        self._worst = 0.0
        self._task: asyncio.Task[None] | None = None

    def reading(self, *, watch: bool) -> Reading:
        """What was seen until now; what to do from now on."""
        found = Reading(time.process_time(), self._worst)
        if self._task is not None:
            self._task.cancel()
        self._worst, self._task = 0.0, asyncio.create_task(self._tick()) if watch else None
        return found

    async def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + TICK_SECONDS
            await asyncio.sleep(TICK_SECONDS)
            self._worst = max(self._worst, loop.time() - due)


def filled(series: int) -> Instruments:
    """Our instruments with as many series as the guard allows, exemplars on those that come; 0: only the fixed ones."""
    instruments = Instruments(max_series=series)
    models = tuple(f"model-{number}" for number in range(MODELS)) if series else ()
    recorder = Recorder(instruments, models)
    for model in models:
        for provider in PROVIDERS:
            recorder.record(
                events.ModelCalled(
                    provider=provider,
                    model=model,
                    seconds=1.5,
                    input_tokens=5000,
                    output_tokens=200,
                    cached_tokens=1000,
                    has_usage=True,
                    cost_usd=0.01,
                    **TRACE,
                )
            )
    return instruments


def target(registry: CollectorRegistry, server: str) -> Starlette:
    """The app, and beside it what is seen of its event loop."""
    ticker = Ticker()
    library: ASGIApp = cast("Any", prometheus_client).make_asgi_app(registry)  # which has no type

    async def reading(request: Request) -> Response:
        return _json(ticker.reading(watch="watch" in request.query_params))

    async def places(request: Request) -> Response:
        root = str(request.base_url)
        return _json(Places(f"{root}ours/metrics", f"{root}library/metrics", server))

    return Starlette(
        routes=[
            Route(READING, reading),
            Route(PLACES, places),
            Mount("/ours", metrics_app(registry)),
            Mount("/library", library),
        ]
    )


def _json(found: Reading | Places) -> Response:
    return Response(msgspec.json.encode(found), media_type="application/json")


def main(arguments: list[str] | None = None) -> None:
    """Serve metrics with so many series."""
    parser = argparse.ArgumentParser(prog="python -m browserwatch.bench.scrape_target", description=main.__doc__)
    parser.add_argument("--series", type=int, default=0, help="the guard, to be filled; 0: as after a start")
    registry = CollectorRegistry(auto_describe=False)
    registry.register(filled(parser.parse_args(arguments).series))
    with start_metrics_server(0, registry=registry) as server:
        serve_until_told(target(registry, server.url))


if __name__ == "__main__":
    main()
