"""Real agents in a real Chromium: the scripted model and the site are what browser-use takes them for."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Iterator
from pathlib import Path
from typing import Any, Protocol, cast

import anthropic
import openai
import pytest
from browser_use import Agent, BrowserProfile, BrowserSession, ChatAnthropic, ChatOpenAI
from browser_use.agent.views import AgentHistoryList
from cdp_use.cdp.target.events import TargetCrashedEvent
from starlette.applications import Starlette

from browserwatch.demo import Scenario, Step, demo_site, scripted_model, serve_in_thread

CHROMIUM = os.environ.get("BROWSERWATCH_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium on the path"),
]

PAGES = Scenario(
    name="pages",
    steps=(
        Step(actions=({"navigate": {"url": "{site}/form"}},)),
        Step(actions=({"input": {"element": "#get-text", "text": "<b>hi"}}, {"click": {"element": "#get-submit"}})),
        Step(actions=({"navigate": {"url": "{site}/app"}},)),
        Step(actions=({"click": {"element": "#view-two"}},)),
        Step(actions=({"navigate": {"url": "{site}/frames"}},)),
        Step(actions=({"click": {"element": "#frame-button"}},)),
        Step(actions=({"navigate": {"url": "{site}/redirect-meta"}},)),
        Step(actions=({"navigate": {"url": "{site}/alert"}},)),
        Step(actions=({"done": {"text": "Seen them all.", "success": True}},)),
    ),
)


class Run(Protocol):
    """Runs an agent through a scenario; options go to the agent."""

    def __call__(self, scenario: str, **options: Any) -> Awaitable[AgentHistoryList[Any]]:
        """Run it to its end."""
        ...


@pytest.fixture
def model() -> Starlette:
    return scripted_model([PAGES])


@pytest.fixture
def model_url(model: Starlette) -> Iterator[str]:
    with serve_in_thread(model) as url:
        yield url


@pytest.fixture
def site_url() -> Iterator[str]:
    with serve_in_thread(demo_site()) as url:
        yield url


@pytest.fixture
async def openai_chat(model_url: str) -> AsyncIterator[ChatOpenAI]:
    async with openai.DefaultAsyncHttpxClient() as client:
        yield ChatOpenAI(model="scripted", base_url=f"{model_url}/v1", api_key="any", http_client=client)


@pytest.fixture
async def anthropic_chat(model_url: str) -> AsyncIterator[ChatAnthropic]:
    # Anthropic's newest SDK takes no client of httpx but one of its own httpx2, and browser-use's types don't know.
    async with anthropic.DefaultAsyncHttpxClient() as client:
        yield ChatAnthropic(model="scripted", base_url=model_url, api_key="any", http_client=cast("Any", client))


@pytest.fixture
async def session(tmp_path: Path) -> AsyncIterator[BrowserSession]:
    profile = BrowserProfile(
        executable_path=CHROMIUM,
        headless=True,
        chromium_sandbox=False,
        enable_default_extensions=False,
        keep_alive=True,
        user_data_dir=tmp_path / "profile",
        downloads_path=tmp_path / "downloads",
    )
    session = BrowserSession(browser_profile=profile)
    yield session
    await session.kill()


@pytest.fixture
def run(session: BrowserSession, site_url: str) -> Run:
    async def run(scenario: str, **options: Any) -> AgentHistoryList[Any]:
        settings: dict[str, Any] = {
            "browser_session": session,
            "directly_open_url": False,
            "enable_signal_handler": False,
            "use_judge": False,
            "use_vision": False,
        }
        agent = Agent(task=f"Demo. [scenario: {scenario}] site: {site_url}", **settings | options)
        # Its callbacks' types have parameters left open.
        return await agent.run(max_steps=12)  # pyright: ignore[reportUnknownMemberType]

    return run


async def test_openai_signs_in(run: Run, openai_chat: ChatOpenAI, model: Starlette, site_url: str) -> None:
    """An agent on OpenAI's API signs in, and the model sees no secret."""
    secrets = {"user": "ada", "password": "correct horse"}
    history = await run("shop-login", llm=openai_chat, sensitive_data={site_url: secrets})
    assert history.is_successful()
    assert history.urls()[-1] == f"{site_url}/account"
    assert "Scrolled to text: Cart: 3 items" in history.extracted_content()
    assert all(b"correct horse" not in request.body for request in model.state.requests)


async def test_anthropic_reads_and_is_judged(run: Run, anthropic_chat: ChatAnthropic, model: Starlette) -> None:
    """An agent on Anthropic's API reads a page by extraction, its judge agrees, and the usage is as scripted."""
    history = await run("read-table", llm=anthropic_chat, use_judge=True)
    assert history.is_successful()
    assert history.is_validated()
    assert "Cheapest product: Chisel" in " ".join(history.extracted_content())
    purposes = [request.purpose for request in model.state.requests]
    assert purposes == ["step", "step", "extract", "step", "judge"]
    assert history.usage is not None
    assert (history.usage.total_prompt_tokens, history.usage.total_prompt_cached_tokens) == (5 * 6500, 5 * 4096)


async def test_elements_are_found_on_every_page(run: Run, openai_chat: ChatOpenAI, site_url: str) -> None:
    """Forms, frames, a single-page app, an alert and a meta refresh work with the elements' ids."""
    history = await run("pages", llm=openai_chat)
    assert history.is_successful()
    assert not any(history.errors())
    assert not [text for text in history.extracted_content() if "not available" in text]
    assert [str(url).removeprefix(site_url) for url in history.urls()[1:]] == [
        "/form",
        "/echo?text=%3Cb%3Ehi",
        "/app",
        "/app/two",
        "/frames",
        "/frames",
        "/arrived?from=meta",
        "/alert",
    ]


async def test_crash_is_the_tabs_alone(session: BrowserSession, site_url: str) -> None:
    """The crash page kills its tab, as Chromium itself reports, and the browser lives on."""
    crashed: asyncio.Queue[str] = asyncio.Queue()

    def on_crash(event: TargetCrashedEvent, _: str | None) -> None:
        crashed.put_nowait(event["targetId"])

    await session.start()
    session.cdp_client.register.Target.targetCrashed(on_crash)
    created = await session.cdp_client.send.Target.createTarget({"url": f"{site_url}/crash?now"})
    assert await asyncio.wait_for(crashed.get(), 30) == created["targetId"]
    await asyncio.wait_for(session.navigate_to(f"{site_url}/table"), 30)
    assert await session.get_current_page_url() == f"{site_url}/table"
