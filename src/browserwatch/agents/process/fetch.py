"""Loading one page and returning its content: DevTools alone, without browser-use and without a model."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from opentelemetry import trace
from opentelemetry.trace import Status, StatusCode

from browserwatch import semantics as s
from browserwatch.agents.messages import MEDIA_TYPES, Fetch, Fetched
from browserwatch.agents.process.content import Content, Reader
from browserwatch.agents.process.errors import CommandError
from browserwatch.agents.process.visit import LOADED, Visit
from browserwatch.devtools.connection import DevTools
from browserwatch.devtools.errors import DevToolsClosedError, DevToolsCommandError, DevToolsError
from browserwatch.devtools.page_loads import PageLoad
from browserwatch.devtools.tabs import Tab, new_tab
from browserwatch.egress import EgressPolicy, ThreadedEgressProxy
from browserwatch.events import BrowserCrashed, Emit, PageLoaded, PolicyBlocked
from browserwatch.instrumentation.pages import DEFAULT_PORTS
from browserwatch.redaction import redactor
from browserwatch.tracing.ids import span_ids
from browserwatch.version import __version__

tracer: Final = trace.get_tracer("browserwatch", __version__)

FORBIDDEN: Final = 403
SENTENCES: Final = {
    "aborted": "The page did not come: its load was broken off.",
    "crashed": "The page crashed its tab.",
    "download": "The address is a download, not a page.",
    "timeout": "The page was not there in time.",
}


class Fetcher:
    """Fetches pages.

    Args:
        policy: where pages may be.
        proxy: what enforces it; knows what it blocked.
        shown: told the address of every page that is shown.
        emit: takes events.
    """

    def __init__(
        self, policy: EgressPolicy, proxy: ThreadedEgressProxy, shown: Callable[[str], None], emit: Emit
    ) -> None:
        self._policy = policy
        self._proxy = proxy
        self._shown = shown
        self._emit = emit

    @tracer.start_as_current_span(s.PAGE_FETCH, record_exception=False, set_status_on_exception=False)
    async def fetch(self, devtools: DevTools, command: Fetch) -> Fetched:
        """Load a page in a tab of its own, which is closed afterwards.

        Raises:
            CommandError: it can't be had; the reason is one of `semantics.FETCH_OUTCOMES`.
            DevToolsError: the browser is gone.
        """
        span = trace.get_current_span()
        span.set_attribute(s.PAGE_FORMAT, command.format)
        _set_address(span, command.url)
        outcome = "error"
        try:
            fetched = await self._fetch(devtools, command)
            outcome = fetched.outcome
        except CommandError as error:
            outcome = error.reason
            raise
        except asyncio.CancelledError:
            outcome = "cancelled"
            raise
        finally:
            span.set_attribute(s.PAGE_OUTCOME, outcome)
            if outcome != "ok":
                span.set_attribute(s.ERROR_TYPE, outcome)
                span.set_status(Status(StatusCode.ERROR))
        return fetched

    async def _fetch(self, devtools: DevTools, command: Fetch) -> Fetched:
        if (rule := self._policy.check_url(command.url)) is not None:
            self._emit(PolicyBlocked(rule=rule))
            raise CommandError("blocked", f"The navigation policy forbids this address ({rule}).")
        # browser-use, if it was here, allowed downloads.
        await devtools.send("Browser.setDownloadBehavior", {"behavior": "deny"})
        async with new_tab(devtools) as tab:
            return await self._in_tab(tab, command)

    async def _in_tab(self, tab: Tab, command: Fetch) -> Fetched:
        started = time.perf_counter()
        deadline = asyncio.timeout(command.timeout_seconds)
        # A crashed tab answers nothing any more: what waits for it ends at once.
        visit = Visit(tab, lambda: deadline.reschedule(asyncio.get_running_loop().time()), self._shown)
        outcome = "aborted"
        try:
            async with deadline:
                await self._load(visit, command)
                outcome = self._outcome(visit)
                content = await self._content(tab, visit, outcome, command)
        except TimeoutError:
            outcome = "crashed" if visit.has_crashed else "timeout"
            if visit.has_crashed:
                self._emit(BrowserCrashed(kind="tab"))
            raise CommandError(outcome, SENTENCES[outcome]) from None
        finally:
            await visit.close()
            self._report(visit.load, outcome)
        trace.get_current_span().set_attribute(s.PAGE_BYTES, content.size)
        return _fetched(command, visit.load, outcome, content, time.perf_counter() - started)

    async def _load(self, visit: Visit, command: Fetch) -> None:
        try:
            # One second more than there is: the deadline is to end it, and not the command's own time-out.
            await visit.open(command.url, command.timeout_seconds + 1)
        except DevToolsCommandError:
            raise CommandError("net_error", "Chromium does not take this address.") from None
        await visit.until(command.wait_until)

    def _outcome(self, visit: Visit) -> str:
        outcome, load = visit.outcome, visit.load
        if load is not None and (outcome == "net_error" or load.status == FORBIDDEN):
            parts = urlsplit(visit.document)
            port = parts.port or DEFAULT_PORTS.get(parts.scheme)
            if self._proxy.blocked_rule(parts.hostname or "", port) is not None:
                return "blocked"
        return outcome

    async def _content(self, tab: Tab, visit: Visit, outcome: str, command: Fetch) -> Content:
        if outcome not in LOADED:
            raise CommandError(outcome, _sentence(outcome, visit.load))
        if not visit.has_page:
            return Content("", 0, text="")
        try:
            return await Reader(tab, command.max_bytes, command.timeout_seconds + 1).read(command.format)
        except DevToolsClosedError:
            raise
        except DevToolsError:
            raise CommandError("error", f"The page can't be had as {command.format}.") from None

    def _report(self, load: PageLoad | None, outcome: str) -> None:
        span = trace.get_current_span()
        if load is None:
            return
        _set_address(span, load.url)
        attributes = {
            s.PAGE_CAUSE: load.cause,
            s.HTTP_STATUS: load.status,
            s.PAGE_REDIRECTS: load.redirects or None,
            s.PAGE_TTFB: load.ttfb,
            s.PAGE_DOM_CONTENT_LOADED: load.dom_content_loaded,
            s.PAGE_LOAD: load.load,
        }
        for key, value in attributes.items():
            if value is not None:
                span.set_attribute(key, round(value, 6) if isinstance(value, float) else value)
        self._emit(
            PageLoaded(
                outcome=outcome,
                cause=load.cause,
                ttfb=load.ttfb,
                dom_content_loaded=load.dom_content_loaded,
                load=load.load,
                **span_ids(span),
            )
        )


def _set_address(span: trace.Span, url: str) -> None:
    address = redactor.address(url)
    span.set_attributes({s.URL_SCHEME: address.scheme, s.SERVER_ADDRESS: address.host, s.URL_PATH: address.path})
    if address.port is not None and address.port != DEFAULT_PORTS.get(address.scheme):
        span.set_attribute(s.SERVER_PORT, address.port)


def _sentence(outcome: str, load: PageLoad | None) -> str:
    if outcome == "blocked":
        return "The navigation policy forbids where this page is, or leads."
    if outcome == "net_error" and load is not None:
        return f"The page did not come: {load.net_error or 'no answer'}."
    return SENTENCES.get(outcome, "The page did not come.")


def _fetched(command: Fetch, load: PageLoad | None, outcome: str, content: Content, seconds: float) -> Fetched:
    assert load is not None  # noqa: S101  # without one there would be no content
    return Fetched(
        id=command.id,
        url=load.url,
        outcome=outcome,
        status=load.status,
        title=content.title,
        media_type=MEDIA_TYPES[command.format],
        text=content.text,
        data=content.data,
        redirects=load.redirects,
        ttfb_seconds=load.ttfb,
        dom_content_loaded_seconds=load.dom_content_loaded,
        load_seconds=load.load,
        seconds=seconds,
    )
