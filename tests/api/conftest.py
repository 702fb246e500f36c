"""The API on ports in memory, asked without a network."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, TypeAlias

import httpx
import pytest

from browserwatch.api.app import create_app
from browserwatch.settings import ServiceSettings
from tests.api.fakes import World

URL = "http://127.0.0.1:8700"
Serve: TypeAlias = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def serve(world: World, tmp_path: Path) -> Serve:
    """Runs the app with these settings, from its start to its end."""

    @asynccontextmanager
    async def running(base_url: str = URL, **settings: Any) -> AsyncGenerator[httpx.AsyncClient]:
        app = create_app(ServiceSettings(data_dir=tmp_path, **settings), world.open)
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url=base_url) as http:
            yield http

    return running


@pytest.fixture
async def http(serve: Serve) -> AsyncGenerator[httpx.AsyncClient]:
    """A client of a service with nothing but defaults."""
    async with serve() as client:
        yield client
