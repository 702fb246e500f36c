import os
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette

from browserwatch.demo import demo_site, scripted_model

# browser-use reads these when it is first imported, which is after this file.
os.environ.update(
    ANONYMIZED_TELEMETRY="false",
    BROWSER_USE_CLOUD_HINTS="false",
    BROWSER_USE_DISABLE_EXTENSIONS="1",
    BROWSER_USE_SETUP_LOGGING="false",
    BROWSER_USE_VERSION_CHECK="false",
)


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
