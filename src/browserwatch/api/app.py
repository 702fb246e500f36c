"""The service's ASGI application."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.params import Depends
from starlette.middleware import Middleware
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from browserwatch import metrics
from browserwatch.api import routes_health, routes_pages, routes_runs, routes_sessions
from browserwatch.api.auth import load_keys
from browserwatch.api.dependencies import key_needed
from browserwatch.api.error_handlers import add_error_handlers
from browserwatch.api.gauges import live_gauges
from browserwatch.api.middleware import Bodies, Keys, LastResort, LoopbackHost, TraceHeaders
from browserwatch.api.problems import MEDIA_TYPE
from browserwatch.api.redis_watch import RedisWatch
from browserwatch.api.routes_health import Health
from browserwatch.api.services import OpenServices
from browserwatch.api.telemetry import watch_requests
from browserwatch.settings import ServiceSettings, is_loopback
from browserwatch.version import __version__

DESCRIPTION: Final = (
    "Tasks and page fetches on a pool of browser-use agents, with logins that outlive them."
    " Errors are problem documents (RFC 9457)."
)


def create_app(settings: ServiceSettings, open_services: OpenServices) -> FastAPI:
    """The application.

    Args:
        settings: what the operator chose.
        open_services: makes all that requests are answered with, for as long as the application runs.

    Raises:
        ConfigurationError: an API key can't be used.
    """
    app = FastAPI(
        title="browserwatch",
        version=__version__,
        description=DESCRIPTION,
        lifespan=_lifespan(settings, open_services),
        middleware=_middleware(settings),
        # Their pages load scripts from a CDN; /openapi.json can be opened with any tool.
        docs_url=None,
        redoc_url=None,
        # It would send callers to whatever their Host header says.
        redirect_slashes=False,
    )
    for router in (routes_runs.router, routes_pages.router, routes_sessions.router):
        app.include_router(router, dependencies=[Depends(key_needed)])
    app.include_router(routes_health.router)
    if settings.metrics_port is None:
        app.router.routes.append(Route("/metrics", _Scrape(), include_in_schema=False))
    add_error_handlers(app)
    app.openapi = lambda: _document(app)
    watch_requests(app)
    return app


def _middleware(settings: ServiceSettings) -> list[Middleware]:
    """From the outside in."""
    keys = load_keys(settings)
    hosts = [Middleware(LoopbackHost)] if is_loopback(settings.host) and not keys.required else []
    return [Middleware(TraceHeaders), Middleware(LastResort), *hosts, Middleware(Keys, table=keys), Middleware(Bodies)]


def _lifespan(
    settings: ServiceSettings, open_services: OpenServices
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        # Before the first request is served: the first scrape has every series.
        metrics.configure(settings)
        metrics.register_collectors()
        async with contextlib.AsyncExitStack() as stack:
            if settings.metrics_port is not None:
                stack.enter_context(metrics.start_metrics_server(settings.metrics_port, settings.metrics_host))
            services = await stack.enter_async_context(open_services(settings))
            watch = RedisWatch(services.redis, metrics.instruments)
            app.state.services = services
            app.state.health = Health(services, settings, watch, metrics.instruments)
            stack.enter_context(live_gauges(services, metrics.instruments))
            await stack.enter_async_context(watch.running())
            stack.callback(services.closing.set)
            yield

    return lifespan


class _Scrape:
    """`metrics_app` as an endpoint: Starlette would take a bare function for one that gets a request."""

    def __init__(self) -> None:
        self._app = metrics.metrics_app()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the metrics."""
        await self._app(scope, receive, send)


def _document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document, in which problems have their own media type: FastAPI knows only one for all models."""
    if app.openapi_schema is None:
        app.openapi_schema = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        for path in app.openapi_schema["paths"].values():
            for operation in path.values():
                _name_problems(operation["responses"])
    return app.openapi_schema


def _name_problems(responses: dict[str, dict[str, Any]]) -> None:
    for response in responses.values():
        content: dict[str, Any] = response.get("content", {})
        if content.get("application/json", {}).get("schema", {}).get("$ref", "").endswith("/Problem"):
            content[MEDIA_TYPE] = content.pop("application/json")
