"""Pages, fetched by a real agent process in real Chromium."""

from __future__ import annotations

import base64
import struct

import pytest

from browserwatch.agents.messages import Capture, Captured, Failed, Fetch, Fetched, PageFormat, Ping, Pong, WaitUntil
from browserwatch.events import BrowserCrashed, PageLoaded, PolicyBlocked
from tests.agentprocess.harness import AgentProcess
from tests.agentprocess.sites import ExtraSite

pytestmark = [pytest.mark.real, pytest.mark.asyncio(loop_scope="module")]


async def failure(agent: AgentProcess, fetch: Fetch) -> str:
    """Why a fetch fails."""
    failed = await agent.ask(fetch, Failed)
    assert failed.kind == "command"
    assert fetch.url not in failed.message
    return failed.reason


@pytest.mark.parametrize(
    ("page_format", "media_type", "part"),
    [
        ("html", "text/html", "<td>Chisel</td>"),
        ("text", "text/plain", "Chisel"),
        ("markdown", "text/markdown", "| Chisel |"),
    ],
)
async def test_text_formats(
    shared: AgentProcess, site: str, page_format: PageFormat, media_type: str, part: str
) -> None:
    """A page comes as html, text or markdown, with its title, status and timing."""
    page = await shared.ask(Fetch(url=f"{site}/table", format=page_format), Fetched)
    assert (page.outcome, page.status, page.title, page.media_type) == ("ok", 200, "Products", media_type)
    assert page.text is not None
    assert part in page.text
    assert page.data is None
    assert page.ttfb_seconds is not None
    assert page.load_seconds is not None
    assert 0 <= page.ttfb_seconds <= page.load_seconds <= page.seconds


async def test_screenshot(shared: AgentProcess, site: str) -> None:
    """A screenshot is a PNG."""
    page = await shared.ask(Fetch(url=f"{site}/table", format="screenshot"), Fetched)
    assert page.media_type == "image/png"
    assert base64.b64decode(page.data or "").startswith(b"\x89PNG")


async def test_long_screenshot(shared: AgentProcess, extra_site: str) -> None:
    """A screenshot is of the whole page, down to a limit."""
    page = await shared.ask(Fetch(url=f"{extra_site}/long", format="screenshot"), Fetched)
    assert struct.unpack(">I", base64.b64decode(page.data or "")[20:24]) == (16_384,)


async def test_pdf(shared: AgentProcess, site: str) -> None:
    """A page can be had as PDF."""
    page = await shared.ask(Fetch(url=f"{site}/table", format="pdf"), Fetched)
    assert page.media_type == "application/pdf"
    assert base64.b64decode(page.data or "").startswith(b"%PDF")


@pytest.mark.parametrize(("path", "outcome", "status"), [("/missing", "http_4xx", 404), ("/error", "http_5xx", 500)])
async def test_error_pages(shared: AgentProcess, site: str, path: str, outcome: str, status: int) -> None:
    """A page with an error status is a page."""
    page = await shared.ask(Fetch(url=site + path), Fetched)
    assert (page.outcome, page.status) == (outcome, status)
    assert str(status) in (page.text or "")


@pytest.mark.parametrize(("path", "status"), [("/no-content", 204), ("/no-body", 404)])
async def test_status_alone(shared: AgentProcess, extra_site: str, path: str, status: int) -> None:
    """A status without a page is no page of Chromium's."""
    page = await shared.ask(Fetch(url=extra_site + path, timeout_seconds=10), Fetched)
    assert (page.status, page.text) == (status, "")


@pytest.mark.parametrize(
    ("path", "redirects"), [("/redirect?hops=3", 3), ("/redirect-script", 0), ("/redirect-meta", 0)]
)
async def test_redirects(shared: AgentProcess, site: str, path: str, redirects: int) -> None:
    """The page at the end of redirects is the one that counts, and its address is told."""
    page = await shared.ask(Fetch(url=site + path, wait_until="networkidle"), Fetched)
    assert (page.title, page.redirects) == ("Arrived", redirects)
    assert page.url.startswith(f"{site}/arrived")


@pytest.mark.parametrize("wait_until", ["commit", "domcontentloaded"])
async def test_early(shared: AgentProcess, site: str, wait_until: WaitUntil) -> None:
    """Whoever does not want to wait for a slow image need not."""
    page = await shared.ask(Fetch(url=f"{site}/slow-asset?seconds=20", wait_until=wait_until), Fetched, seconds=15)
    assert (page.outcome, page.load_seconds) == ("ok", None)


async def test_dialogs(shared: AgentProcess, site: str) -> None:
    """A dialog does not stop a page."""
    page = await shared.ask(Fetch(url=f"{site}/alert"), Fetched)
    assert page.title == "Alert"


async def test_half_characters(shared: AgentProcess, extra_site: str) -> None:
    """Half a character, which UTF-8 has not, becomes the replacement character."""
    page = await shared.ask(Fetch(url=f"{extra_site}/half", format="text"), Fetched)
    assert page.text == "\N{REPLACEMENT CHARACTER}"


async def test_patched_page(shared: AgentProcess, extra_site: str) -> None:
    """A page that replaces JavaScript's own functions can't forge what is read."""
    page = await shared.ask(Fetch(url=f"{extra_site}/patched", format="text"), Fetched)
    assert page.text == "the real text"
    captured = await shared.ask(Capture(full=True), Captured)
    assert b'"real":"yes"' in captured.snapshot
    assert b"forged" not in captured.snapshot


@pytest.mark.parametrize(
    ("path", "reason"), [("/download", "download"), ("/slow?seconds=20", "timeout"), ("/crash?now", "crashed")]
)
async def test_no_page(shared: AgentProcess, site: str, path: str, reason: str) -> None:
    """A download, a page that does not come and one that crashes are failures of the command, each by its name."""
    assert await failure(shared, Fetch(url=site + path, timeout_seconds=2)) == reason
    await shared.ask(Ping(), Pong)


async def test_crash_is_told(shared: AgentProcess, site: str) -> None:
    """A crashed tab is counted."""
    await failure(shared, Fetch(url=f"{site}/crash?now"))
    assert await shared.seen(BrowserCrashed, lambda event: event.kind == "tab")


async def test_nobody_there(shared: AgentProcess) -> None:
    """A server that is not there is a network error."""
    assert await failure(shared, Fetch(url="http://127.0.0.1:9/")) == "net_error"


@pytest.mark.parametrize("url", ["file:///etc/hostname", "chrome://version/", "http://10.0.0.1/", "not a url"])
async def test_forbidden(shared: AgentProcess, url: str) -> None:
    """What the policy sees to be forbidden is not even begun."""
    assert await failure(shared, Fetch(url=url)) == "blocked"


@pytest.mark.parametrize("path", ["/to-private", "/to-private-tls"])
async def test_redirect_to_private(shared: AgentProcess, extra_site: str, path: str) -> None:
    """A redirect to a private address is blocked outside of the page."""
    assert await failure(shared, Fetch(url=extra_site + path)) == "blocked"
    assert await shared.seen(PolicyBlocked, lambda event: event.rule == "private_address")


async def test_redirect_to_file(shared: AgentProcess, extra_site: str) -> None:
    """A redirect can't reach the machine's files."""
    assert await failure(shared, Fetch(url=f"{extra_site}/to-file")) == "net_error"


@pytest.mark.parametrize("page_format", ["html", "text", "markdown", "screenshot", "pdf"])
async def test_too_large(shared: AgentProcess, site: str, page_format: PageFormat) -> None:
    """More than the limit is not returned, in no format."""
    assert await failure(shared, Fetch(url=f"{site}/table", format=page_format, max_bytes=50)) == "too_large"


async def test_deep_page(shared: AgentProcess, extra_site: str) -> None:
    """A page that is nested too deeply for markdown is an error of that page alone."""
    page = await shared.ask(Fetch(url=f"{extra_site}/deep", format="html"), Fetched)
    assert "deep" in (page.text or "")
    number = shared.send(Fetch(url=f"{extra_site}/deep", format="markdown"))
    answer = await shared.outcome(number)
    assert isinstance(answer, Fetched) or answer.reason == "error"


async def test_cancel(shared: AgentProcess, site: str) -> None:
    """A fetch that is cancelled is answered, and the next one works."""
    number = shared.send(Fetch(url=f"{site}/slow?seconds=25"))
    shared.cancel(number)
    assert (await shared.answer(number, Failed)).reason == "cancelled"
    await shared.ask(Fetch(url=f"{site}/table"), Fetched)


async def test_one_at_a_time(shared: AgentProcess, site: str) -> None:
    """A second command beside one that goes on is refused; a sign of life is not."""
    first = shared.send(Fetch(url=f"{site}/slow?seconds=1"))
    assert (await shared.ask(Fetch(url=f"{site}/table"), Failed)).reason == "infrastructure"
    await shared.ask(Ping(), Pong)
    await shared.answer(first, Fetched)


async def test_popups_do_not_stay(shared: AgentProcess, extra_site: str, extra: ExtraSite) -> None:
    """Tabs that a page opens are closed with it: a capture of open tabs finds none."""
    await shared.ask(Fetch(url=f"{extra_site}/popup", wait_until="networkidle"), Fetched)
    captured = await shared.ask(Capture(full=False), Captured)
    assert b'"localStorage":{}' in captured.snapshot
    assert captured.failed_origins == 0
    assert "/popup" in [path for path, _ in extra.requests]


async def test_page_loads_are_told(shared: AgentProcess, site: str) -> None:
    """Every fetch tells of one page load, with its milestones."""
    before = len(shared.of(PageLoaded))
    await shared.ask(Fetch(url=f"{site}/table"), Fetched)
    loads = shared.of(PageLoaded)[before:]
    assert [(load.outcome, load.cause) for load in loads] == [("ok", "agent")]
    assert loads[0].load is not None
