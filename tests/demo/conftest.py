from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette

from browserwatch.demo import demo_site, scripted_model


@pytest.fixture
def model() -> Starlette:
    return scripted_model()


@pytest.fixture
async def model_client(model: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(model)
    async with httpx.AsyncClient(transport=transport, base_url="http://model") as client:
        yield client


@pytest.fixture
async def site_client() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(demo_site())
    async with httpx.AsyncClient(transport=transport, base_url="http://site") as client:
        yield client
