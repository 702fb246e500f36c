"""Sites, a model, and agent processes that are ready."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from browserwatch.agents.messages import Model, Run
from browserwatch.demo import demo_site, scripted_model, serve_in_thread
from tests.agentprocess.harness import AgentProcess, agent_process
from tests.agentprocess.scenarios import SCENARIOS
from tests.agentprocess.sites import ExtraSite


@pytest.fixture(scope="session")
def site() -> Iterator[str]:
    """The demo site."""
    with serve_in_thread(demo_site()) as url:
        yield url


@pytest.fixture(scope="session")
def extra() -> ExtraSite:
    """What the extra site has seen."""
    return ExtraSite()


@pytest.fixture(scope="session")
def extra_site(extra: ExtraSite) -> Iterator[str]:
    """The extra site."""
    with serve_in_thread(extra.app()) as url:
        yield url


@pytest.fixture(scope="session")
def model_url() -> Iterator[str]:
    """The scripted model."""
    with serve_in_thread(scripted_model(SCENARIOS)) as url:
        yield f"{url}/v1"


class Tasks:
    """Makes runs of the scripted model's scenarios."""

    def __init__(self, site: str, model_url: str) -> None:
        self.site = site
        self.model = Model(
            provider="openai", name="gpt-4.1-mini", base_url=model_url, api_key="sk-test-0123456789abcdef"
        )

    def run(self, scenario: str, site: str = "", **options: object) -> Run:
        """A run of a scenario, on a site."""
        fields = {"max_steps": 8, "model": self.model, **options}
        return Run(task=f"[scenario: {scenario}] site: {site or self.site}", **fields)  # pyright: ignore[reportArgumentType]


@pytest.fixture(scope="session")
def tasks(site: str, model_url: str) -> Tasks:
    """Runs on the demo site."""
    return Tasks(site, model_url)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[AgentProcess]:
    """One agent process for the tests of a module that leave it well."""
    async with agent_process(tmp_path_factory.mktemp("agent")) as agent:
        yield agent


@pytest_asyncio.fixture
async def agent(tmp_path: Path) -> AsyncGenerator[AgentProcess]:
    """An agent process for one test."""
    async with agent_process(tmp_path) as agent:
        yield agent
