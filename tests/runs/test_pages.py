import asyncio
import base64
from collections.abc import Callable

import pytest

from browserwatch import semantics
from browserwatch.agents.errors import AcquireTimeoutError, AgentLostError, CommandFailedError
from browserwatch.agents.messages import Capture, Fetch, Fetched, Restore
from browserwatch.events import PageFetched, PageFetchStarted, PolicyBlocked, SessionReused
from browserwatch.runs.errors import InvalidRequestError, PageFailedError
from browserwatch.runs.models import PageRequest
from browserwatch.runs.pages import AgentPages
from browserwatch.sessions.errors import SessionBusyError
from browserwatch.sessions.vault import SessionVault
from browserwatch.settings import ServiceSettings
from tests.runs.fakes import FakeLease, FakeLender, Heard, eventually
from tests.sessions.logins import LOGIN

URL = "https://shop.example/cart?secret=1"
PAGE = PageRequest(url=URL, timeout_seconds=5)


@pytest.fixture
def pages(
    make_settings: Callable[..., ServiceSettings], lender: FakeLender, vault: SessionVault, heard: Heard
) -> AgentPages:
    return AgentPages(make_settings(acquire_timeout_seconds=0.3, fetch_max_mb=3), lender, vault, heard)


def outcomes(heard: Heard) -> list[str]:
    """Of all fetches, after a check that each began once and ended once, and that nothing is still lent."""
    ended = [event for event in heard.events if isinstance(event, PageFetched)]
    assert len(heard.of(PageFetchStarted)) == len(ended)
    assert all(event.outcome in semantics.FETCH_OUTCOMES for event in ended)
    return [event.outcome for event in ended]


async def test_a_page(pages: AgentPages, tenant: str, lender: FakeLender, heard: Heard) -> None:
    """Its content comes back with where it was found; the agent was told the limits."""
    page = await pages.fetch(tenant, PAGE)
    assert (page.content, page.status, page.outcome, page.acquired) == ("<p>ü".encode(), 200, "ok", "fresh")
    (command,) = lender.leases[0].commands
    assert command == Fetch(url=URL, timeout_seconds=5, max_bytes=3 * 1024 * 1024)
    assert "secret" not in repr(page) + repr(command) + repr(PAGE)
    assert outcomes(heard) == ["ok"]
    assert lender.kept == []


async def test_a_screenshot(pages: AgentPages, tenant: str, lender: FakeLender) -> None:
    """Binary content comes as it was; a page with an error status is a page."""

    async def load(lease: FakeLease, command: Fetch) -> Fetched:
        data = base64.b64encode(b"\x89PNG").decode()
        return Fetched(id=0, url=URL, outcome="http_4xx", status=404, media_type="image/png", data=data)

    lender.load = load
    page = await pages.fetch(tenant, PageRequest(url=URL, format="screenshot"))
    assert (page.content, page.status, page.outcome) == (b"\x89PNG", 404, "http_4xx")


async def test_a_page_of_a_session(
    pages: AgentPages, tenant: str, lender: FakeLender, heard: Heard, vault: SessionVault
) -> None:
    """The session is put in before, saved after, and then still there for the next one."""
    async with vault.open(tenant, "shop") as opened:
        await opened.save(LOGIN)
    request = PageRequest(url=URL, session="shop")
    assert (await pages.fetch(tenant, request)).acquired == "restored"
    lender.browser = LOGIN
    assert (await pages.fetch(tenant, request)).acquired == "warm"
    kinds = [[type(command) for command in lease.commands] for lease in lender.leases]
    assert kinds == [[Restore, Fetch, Capture], [Fetch, Capture]]
    assert heard.of(SessionReused) == [SessionReused(source="restored"), SessionReused(source="warm")]


@pytest.mark.parametrize(
    ("reason", "outcome"), [("too_large", "too_large"), ("net_error", "net_error"), ("nonsense", "error")]
)
async def test_a_page_that_fails(
    pages: AgentPages, tenant: str, lender: FakeLender, heard: Heard, reason: str, outcome: str
) -> None:
    """The error has an outcome of the closed set; the session is saved all the same."""

    async def load(lease: FakeLease, command: Fetch) -> Fetched:
        raise CommandFailedError("could not be loaded", reason)

    lender.load = load
    with pytest.raises(PageFailedError, match="could not be loaded") as caught:
        await pages.fetch(tenant, PageRequest(url=URL, session="shop"))
    assert caught.value.outcome == outcome
    assert outcomes(heard) == [outcome]
    assert len(lender.kept) == 1


async def test_a_page_that_did_not_come(pages: AgentPages, tenant: str, lender: FakeLender, heard: Heard) -> None:
    """An answer without a page is a failure with its outcome."""

    async def load(lease: FakeLease, command: Fetch) -> Fetched:
        return Fetched(id=0, url=URL, outcome="timeout")

    lender.load = load
    with pytest.raises(PageFailedError, match=r"^the page was not loaded: timeout$"):
        await pages.fetch(tenant, PAGE)
    assert outcomes(heard) == ["timeout"]


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("http://127.0.0.1:6379/geheim", "private_address"),
        ("http://169.254.169.254/geheim", "metadata_address"),
        ("http://localhost/geheim", "private_address"),
    ],
)
async def test_a_page_that_is_forbidden(
    pages: AgentPages, tenant: str, lender: FakeLender, heard: Heard, url: str, rule: str
) -> None:
    """Is refused before an agent is asked for, and counted as blocked."""
    with pytest.raises(PageFailedError, match=rule) as caught:
        await pages.fetch(tenant, PageRequest(url=url))
    assert caught.value.outcome == "blocked"
    assert "geheim" not in str(caught.value)
    assert lender.leases == []
    assert heard.of(PolicyBlocked) == [PolicyBlocked(rule=rule)]
    assert outcomes(heard) == ["blocked"]


async def test_a_page_that_is_allowed(
    make_settings: Callable[..., ServiceSettings], lender: FakeLender, vault: SessionVault, heard: Heard, tenant: str
) -> None:
    """By the settings: the demo site, for example."""
    pages = AgentPages(make_settings(egress_allow=("127.0.0.1:8000",)), lender, vault, heard)
    assert (await pages.fetch(tenant, PageRequest(url="http://127.0.0.1:8000/"))).status == 200


async def test_a_request_that_can_not_be_used(pages: AgentPages, tenant: str, heard: Heard) -> None:
    """Is no fetch at all."""
    with pytest.raises(InvalidRequestError):
        await pages.fetch(tenant, PageRequest(url="about:blank"))
    assert heard.events == []


async def test_a_session_in_use(pages: AgentPages, tenant: str, vault: SessionVault, heard: Heard) -> None:
    """Is waited for a while, then it is an error; a fetch that waited has it when it is free."""
    request = PageRequest(url=URL, session="shop")
    async with vault.open(tenant, "shop"):
        with pytest.raises(SessionBusyError):
            await pages.fetch(tenant, request)
        waiting = asyncio.create_task(pages.fetch(tenant, request))
        await asyncio.sleep(0)
    assert (await waiting).status == 200
    assert outcomes(heard) == ["error", "ok"]


@pytest.mark.parametrize("error", [AcquireTimeoutError("none"), AgentLostError("died", "crash")])
async def test_no_agent(pages: AgentPages, tenant: str, lender: FakeLender, heard: Heard, error: Exception) -> None:
    """The error is the caller's, and counted."""
    lender.refuse = error
    with pytest.raises(type(error)):
        await pages.fetch(tenant, PAGE)
    assert outcomes(heard) == ["error"]


async def test_an_agent_that_dies(pages: AgentPages, tenant: str, lender: FakeLender, heard: Heard) -> None:
    """Likewise; its browser is not kept."""

    async def load(lease: FakeLease, command: Fetch) -> Fetched:
        raise AgentLostError("died", "crash")

    lender.load = load
    with pytest.raises(AgentLostError):
        await pages.fetch(tenant, PageRequest(url=URL, session="shop"))
    assert outcomes(heard) == ["error"]
    assert (lender.kept, lender.lent) == ([], 0)


async def test_the_caller_goes_away(
    pages: AgentPages, tenant: str, lender: FakeLender, heard: Heard, vault: SessionVault
) -> None:
    """In any phase: agent and session are free again, and the fetch was cancelled."""
    request = PageRequest(url=URL, session="shop")
    cancelled = 0
    for turns in range(0, 60, 3):
        fetching = asyncio.create_task(pages.fetch(tenant, request))
        for _ in range(turns):
            await asyncio.sleep(0.0001)
        fetching.cancel()
        await asyncio.wait([fetching])
        cancelled += fetching.cancelled()
        assert lender.lent == 0
    assert outcomes(heard).count("cancelled") >= cancelled - 1  # the first is over before it begins
    async with vault.open(tenant, "shop"):
        pass


async def test_the_caller_goes_away_while_the_page_loads(
    pages: AgentPages, tenant: str, lender: FakeLender, heard: Heard
) -> None:
    """The agent is given back, and the fetch was cancelled."""

    async def load(lease: FakeLease, command: Fetch) -> Fetched:
        await asyncio.Event().wait()
        raise AssertionError

    lender.load = load
    fetching = asyncio.create_task(pages.fetch(tenant, PAGE))
    await eventually(lambda: lender.lent == 1)
    fetching.cancel()
    await asyncio.wait([fetching])
    assert fetching.cancelled()
    assert outcomes(heard) == ["cancelled"]
    assert lender.lent == 0
