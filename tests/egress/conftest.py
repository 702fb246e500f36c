"""A made-up network, and proxies that know no other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TypeAlias

import pytest

from browserwatch.egress import EgressPolicy, EgressProxy
from browserwatch.egress.proxy import DEFAULT_LIMITS, Limits
from browserwatch.events import Event
from tests.egress.network import Network

Proxying: TypeAlias = Callable[..., AbstractAsyncContextManager[EgressProxy]]


@pytest.fixture
def network() -> Network:
    return Network()


@pytest.fixture
def happened() -> list[Event]:
    """What the proxy emitted."""
    return []


@pytest.fixture
def proxying(network: Network, happened: list[Event]) -> Proxying:
    """Runs a proxy on the made-up network, and sees that it leaves no task behind."""

    @asynccontextmanager
    async def proxying(*allow: str, limits: Limits = DEFAULT_LIMITS) -> AsyncGenerator[EgressProxy]:
        before = asyncio.all_tasks()
        proxy = EgressProxy(
            EgressPolicy.parse(allow), happened.append, resolve=network.resolve, connect=network.connect, limits=limits
        )
        async with proxy:
            yield proxy
        assert {task for task in asyncio.all_tasks() - before if "egress" in task.get_name()} == set()

    return proxying
