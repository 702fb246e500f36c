"""The browser: launch, state requests, navigation policy, and the DevTools events that tell of page loads."""

from __future__ import annotations

import asyncio
import contextvars
import re
import time
from collections.abc import Callable
from typing import Any, Final

from opentelemetry import context as otel_context
from opentelemetry import trace

from browserwatch import semantics as s
from browserwatch.devtools.page_loads import PageLoad, PageLoads, Params, http_outcome
from browserwatch.events import BrowserCrashed, BrowserLaunched, PageLoaded, PolicyBlocked, VersionsSeen
from browserwatch.instrumentation.observer import Attributes, Observer, Scope, WatchedSession, describe, span_ids
from browserwatch.instrumentation.outcomes import reason_of
from browserwatch.instrumentation.patching import Args, Kwargs, Wrapper
from browserwatch.instrumentation.versions import installed_version

DEFAULT_PORTS: Final = {"http": 80, "https": 443}
FAILED: Final = frozenset(s.NAVIGATION_OUTCOMES) - {"ok", "download", "aborted"}
MISSED_TIMEOUT: Final = 2.0
# Asked only of a tab whose load was over before anyone could listen; the times are the browser's own.
_TIMING: Final = (
    "(() => { const n = performance.getEntriesByType('navigation')[0]; return n && [n.responseStatus, n.redirectCount,"
    " n.responseStart, n.domContentLoadedEventEnd, n.loadEventEnd, performance.now()]; })()"
)
_CHROMIUM: Final = re.compile(r"Chrome/(\d+)")


class LaunchHook:
    """Watches `LocalBrowserWatchdog._launch_browser`."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer

    def enter(self, watchdog: Any, args: Args, kwargs: Kwargs) -> Scope:
        """Open the launch's span."""
        return self._observer.open(s.BROWSER_LAUNCH, {})

    def leave(self, scope: Scope, result: Any, error: BaseException | None) -> None:
        """Say whether Chromium came up."""
        outcome = "ok" if error is None else "error"
        self._observer.emit(BrowserLaunched(result=outcome, seconds=scope.seconds, **span_ids(scope.span)))
        if error is not None:
            self._observer.fail(scope.span, "infrastructure", describe(error))


class StateHook:
    """Watches `BrowserSession.get_browser_state_summary`."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer

    def enter(self, browser_session: Any, args: Args, kwargs: Kwargs) -> Scope:
        """Open the request's span; loads that begin meanwhile belong to the step, not to it."""
        return self._observer.open(s.BROWSER_STATE, {})

    def leave(self, scope: Scope, result: Any, error: BaseException | None) -> None:
        """Note a failure."""
        if error is not None:
            cancelled = isinstance(error, asyncio.CancelledError)
            self._observer.fail(scope.span, "cancelled" if cancelled else reason_of(error), describe(error))
        elif text := getattr(result, "state_error", None):
            # After a tab crash browser-use waits 30 s, then hands out an empty state with only this in it.
            self._observer.fail(scope.span, "browser_unresponsive", str(text))


class _Navigation:
    __slots__ = ("before", "session")

    def __init__(self, session: WatchedSession) -> None:
        self.session: WatchedSession | None = session
        self.before, session.context = session.context, otel_context.get_current()

    def close(self) -> None:
        session, self.session = self.session, None
        if session is not None:
            session.context = self.before


class NavigationHook:
    """Watches `BrowserSession._navigate_and_wait`: the load it causes belongs to whoever asked, outside of runs too."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer

    def enter(self, browser_session: Any, args: Args, kwargs: Kwargs) -> _Navigation:
        """Make the caller's span the parent of page loads."""
        return _Navigation(self._observer.session(browser_session))

    def leave(self, scope: _Navigation, result: Any, error: BaseException | None) -> None:
        """Restore it."""
        scope.close()


def policy_wrapper(observer: Observer, name: str) -> Wrapper:
    """Wrapper of `SecurityWatchdog._is_url_allowed`: counts refusals."""

    def refused(watchdog: Any) -> None:
        profile = watchdog.browser_session.browser_profile
        rule = s.OTHER
        if getattr(profile, "allowed_domains", None):
            rule = "allowed_domains"
        elif getattr(profile, "prohibited_domains", None):
            rule = "prohibited_domains"
        elif getattr(profile, "block_ip_addresses", False):
            rule = "ip_address"
        observer.emit(PolicyBlocked(rule=rule))

    def call(wrapped: Callable[..., bool], instance: Any, args: Args, kwargs: dict[str, Any]) -> bool:
        allowed = wrapped(*args, **kwargs)
        if not allowed and observer.active:
            observer.attempt(name, refused, instance)
        return allowed

    return call


class ConnectionHook:
    """Watches `SessionManager.start_monitoring`, where browser-use has a new DevTools connection, the first or a later one.

    browser-use enables the Page and Network domains on every tab, so everything about page loads already comes over its
    own connection. A second one would cost its own parsing, and be a second paid session with some remote browsers.
    """

    def __init__(self, observer: Observer) -> None:
        self._observer = observer

    def enter(self, manager: Any, args: Args, kwargs: Kwargs) -> None:
        """Start following the connection."""
        browser_session = manager.browser_session
        client = browser_session._cdp_client_root  # noqa: SLF001  # browser-use has no public accessor for it
        session = self._observer.session(browser_session)
        session.browser_lost = False
        watcher = PageWatcher(self._observer, session, client)
        client._event_registry.browserwatch_watcher = watcher  # noqa: SLF001  # found again by `devtools_wrapper`
        task = client._message_handler_task  # noqa: SLF001

        def disconnected(done: asyncio.Task[Any]) -> None:
            # A client that is stopped on purpose cancels its task; a lost browser ends it.
            watcher.attempt_close(
                lost=not done.cancelled() and not getattr(browser_session, "_intentional_stop", False)
            )

        task.add_done_callback(disconnected, context=contextvars.Context())

    def leave(self, scope: Any, result: Any, error: BaseException | None) -> None:
        """Nothing to do: `enter` opens no scope."""


def devtools_wrapper(observer: Observer, name: str) -> Wrapper:
    """Wrapper of cdp-use's `EventRegistry.handle_event`: shows every event to the connection's watcher first."""

    def call(wrapped: Callable[..., Any], instance: Any, args: Args, kwargs: dict[str, Any]) -> Any:
        watcher = getattr(instance, "browserwatch_watcher", None)
        if watcher is not None and observer.active:
            observer.attempt(name, watcher.feed, *args, **kwargs)
        return wrapped(*args, **kwargs)

    return call


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
