"""Page loads: what the DevTools connection of a browser session says -> span `page_fetch`."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import re
import time
from collections.abc import Callable
from typing import Any, Final

from opentelemetry import trace

from browserwatch import semantics as s
from browserwatch.devtools.page_loads import METHODS, PageLoad, PageLoads, Params, concerns, http_outcome
from browserwatch.events import BrowserCrashed, PageLoaded, VersionsSeen
from browserwatch.instrumentation.observer import Attributes, Observer, WatchedSession
from browserwatch.instrumentation.patching import Args, Kwargs, Replacement
from browserwatch.instrumentation.versions import installed_version
from browserwatch.tracing.ids import span_ids

DEFAULT_PORTS: Final = {"http": 80, "https": 443}
FAILED: Final = frozenset(s.NAVIGATION_OUTCOMES) - {"ok", "download", "aborted"}
POSITIONAL: Final = 2
MISSED_TIMEOUT: Final = 2.0
# Asked only of a tab whose load was over before anyone could listen; the times are the browser's own.
_TIMING: Final = (
    "(() => { const n = performance.getEntriesByType('navigation')[0]; return n && [n.responseStatus, n.redirectCount,"
    " n.responseStart, n.domContentLoadedEventEnd, n.loadEventEnd, performance.now()]; })()"
)
_CHROMIUM: Final = re.compile(r"Chrome/(\d+)")


def connection(observer: Observer) -> Callable[[Any, Args, Kwargs], None]:
    """Watches `SessionManager.start_monitoring`, where browser-use has a new DevTools connection, the first or a later one.

    browser-use enables the Page and Network domains on every tab, so everything about page loads already comes over its
    own connection. A second one would cost its own parsing, and be a second paid session with some remote browsers.
    """

    def follow(manager: Any, args: Args, kwargs: Kwargs) -> None:
        browser_session = manager.browser_session
        client = browser_session._cdp_client_root  # noqa: SLF001  # browser-use has no public accessor for it
        session = observer.session(browser_session)
        session.browser_lost = False
        watcher = PageWatcher(observer, session, client)
        client._event_registry.browserwatch_watcher = watcher  # noqa: SLF001  # found again by `devtools_event`
        task = client._message_handler_task  # noqa: SLF001

        def disconnected(done: asyncio.Task[Any]) -> None:
            # A client that is stopped on purpose cancels its task; a lost browser ends it.
            stopped = done.cancelled() or getattr(browser_session, "_intentional_stop", False)
            watcher.attempt_close(lost=not stopped)

        task.add_done_callback(disconnected, context=contextvars.Context())

    return follow


def devtools_event(observer: Observer, name: str) -> Replacement:
    """What takes the place of cdp-use's `EventRegistry.handle_event`: shows events to the connection's watcher first.

    Some fifty come in a step, most of which mean nothing here: those cost one look, in one frame.
    """

    def replace(handle_event: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(handle_event)
        def call(registry: Any, *args: Any, **kwargs: Any) -> Any:
            # cdp-use gives them by position. Should another version not, the watcher sorts them out itself.
            if observer.active and (len(args) < POSITIONAL or (args[0] in METHODS and concerns(args[0], args[1]))):
                watcher = getattr(registry, "browserwatch_watcher", None)
                if watcher is not None:
                    observer.attempt(name, watcher.feed, *args, **kwargs)
            return handle_event(registry, *args, **kwargs)

        return call

    return replace


class PageWatcher:
    """Turns the page loads of one connection into spans and events."""

    def __init__(self, observer: Observer, session: WatchedSession, client: Any) -> None:
        self._observer = observer
        self._session = session
        self._client: Any = client
        self._loads = PageLoads(time.time, self._began, self._ended, self._tab_crashed)
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._chromium = ""

    def feed(self, method: str, params: Params, session_id: str | None = None) -> None:
        """Take one DevTools event."""
        if not self._chromium and method == "Network.requestWillBeSent":
            self._learn_version(params)
        self._loads.feed(method, params, session_id)

    def attempt_close(self, *, lost: bool) -> None:
        """The connection ended; `lost` when nobody asked for that."""
        self._observer.attempt("devtools", self._close, lost)

    def _close(self, lost: bool) -> None:  # noqa: FBT001  # called through `attempt`
        if lost:
            self._session.browser_lost = True
            self._observer.emit(BrowserCrashed(kind="browser"))
        self._loads.close()
        self._client = None

    def _learn_version(self, params: Params) -> None:
        agent = params.get("request", {}).get("headers", {}).get("User-Agent", "")
        if found := _CHROMIUM.search(agent):
            self._chromium = found.group(1)
            self._observer.emit(VersionsSeen(browser_use=installed_version(), chromium=self._chromium))

    # --- the tracker's callbacks -------------------------------------------------------------------------------------
    def _began(self, load: PageLoad) -> None:
        load.owner = self._session.context
        # An empty context: a timer would otherwise keep the caller's context variables alive for as long as it waits.
        self._timers[load.loader_id] = asyncio.get_running_loop().call_later(
            self._observer.settings.page_timeout_seconds, self._expire, load, context=contextvars.Context()
        )

    def _expire(self, load: PageLoad) -> None:
        self._observer.attempt("devtools", self._loads.expire, load)

    def _ended(self, load: PageLoad) -> None:
        if timer := self._timers.pop(load.loader_id, None):
            timer.cancel()
        if load.outcome == "ok" and not load.complete and self._client is not None:
            task = asyncio.get_running_loop().create_task(self._complete(load), context=contextvars.Context())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        else:
            self._report(load)

    def _tab_crashed(self) -> None:
        self._observer.emit(BrowserCrashed(kind="tab"))

    async def _complete(self, load: PageLoad) -> None:
        """Ask the tab for what was missed, then report; a tab that does not answer is reported as it is."""
        try:
            async with asyncio.timeout(MISSED_TIMEOUT):
                answer = await self._client.send.Runtime.evaluate(
                    params={"expression": _TIMING, "returnByValue": True}, session_id=load.session_id
                )
            status, redirects, first_byte, content, loaded, age = answer["result"]["value"]
            load.status = int(status) or None
            load.redirects = int(redirects)
            load.outcome = http_outcome(load.status)
            load.ttfb, load.dom_content_loaded, load.load = first_byte / 1000, content / 1000, loaded / 1000
            load.started_at = time.time() - age / 1000
        except Exception as error:  # noqa: BLE001  # the tab may be gone, or the answer not what a browser gives
            self._observer.failed("devtools", error)
        self._observer.attempt("devtools", self._report, load)

    def _report(self, load: PageLoad) -> None:
        observer = self._observer
        address = observer.redactor.address(load.url)
        attributes: Attributes = {
            s.PAGE_CAUSE: load.cause,
            s.PAGE_OUTCOME: load.outcome,
            s.URL_SCHEME: address.scheme,
            s.SERVER_ADDRESS: address.host,
            s.URL_PATH: address.path,
            s.SESSION_ID: self._session.id,
        }
        if address.port is not None and address.port != DEFAULT_PORTS.get(address.scheme):
            attributes[s.SERVER_PORT] = address.port
        if load.status is not None:
            attributes[s.HTTP_STATUS] = load.status
        if load.redirects:
            attributes[s.PAGE_REDIRECTS] = load.redirects
        if load.new_tab:
            attributes[s.PAGE_NEW_TAB] = True
        for key, value in (
            (s.PAGE_TTFB, load.ttfb),
            (s.PAGE_DOM_CONTENT_LOADED, load.dom_content_loaded),
            (s.PAGE_LOAD, load.load),
        ):
            if value is not None:
                attributes[key] = round(value, 6)
        ended_at = load.started_at + load.load if load.load is not None else time.time()
        span = observer.tracer.start_span(
            s.PAGE_FETCH,
            context=load.owner or trace.set_span_in_context(trace.INVALID_SPAN),
            attributes=attributes,
            start_time=int(load.started_at * 1e9),
        )
        if load.outcome in FAILED:
            observer.fail(span, load.outcome, load.net_error)
        span.end(int(ended_at * 1e9))
        observer.emit(
            PageLoaded(
                outcome=load.outcome,
                cause=load.cause,
                ttfb=load.ttfb,
                dom_content_loaded=load.dom_content_loaded,
                load=load.load,
                **span_ids(span),
            )
        )
