"""Pools of agents that are ended, and that leave nothing."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from browserwatch.agents.orphans import find_processes_in
from browserwatch.agents.pool import AgentPool
from tests.pool.contract import Faults, Heard, directories_in, make_pool, make_settings

StartPool: TypeAlias = Callable[..., Awaitable[AgentPool]]


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def faults(data_dir: Path) -> Faults:
    return Faults(data_dir)


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.real)])
def kind(request: pytest.FixtureRequest) -> str:
    """Both kinds of agents keep the contract."""
    return str(request.param)


async def _starting(data_dir: Path, heard: Heard, *, real: bool) -> AsyncGenerator[StartPool]:
    pools: list[AgentPool] = []

    async def start(**chosen: Any) -> AgentPool:
        pool = make_pool(make_settings(data_dir, **chosen), heard, real=real)
        pools.append(pool)
        await pool.start()
        return pool

    yield start
    for pool in pools:
        await pool.stop()
        assert sum(pool.stats().states.values()) == 0
    assert directories_in(data_dir) == []
    assert find_processes_in(data_dir) == set()


@pytest.fixture
async def start_pool(data_dir: Path, heard: Heard, faults: Faults) -> AsyncGenerator[StartPool]:
    """Starts a pool of fake agents; whatever the test does, nothing of it is left in the end."""
    async for start in _starting(data_dir, heard, real=False):
        yield start


@pytest.fixture
async def start_either(data_dir: Path, heard: Heard, kind: str) -> AsyncGenerator[StartPool]:
    """The same with either kind of agents."""
    async for start in _starting(data_dir, heard, real=kind == "real"):
        yield start
