"""The browser: launch, state requests, navigation, and browser-use's own navigation policy."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from typing import Any

from opentelemetry import context as otel_context

from browserwatch import semantics as s
from browserwatch.events import BrowserLaunched, PolicyBlocked
from browserwatch.instrumentation.observer import Observer, Scope, WatchedSession, describe
from browserwatch.instrumentation.outcomes import reason_of
from browserwatch.instrumentation.patching import Args, Kwargs, Replacement
from browserwatch.tracing.ids import span_ids


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


def policy(observer: Observer, name: str) -> Replacement:
    """Around `SecurityWatchdog._is_url_allowed`: counts refusals."""

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

    def replace(is_url_allowed: Callable[..., bool]) -> Callable[..., bool]:
        @functools.wraps(is_url_allowed)
        def call(watchdog: Any, *args: Any, **kwargs: Any) -> bool:
            allowed = is_url_allowed(watchdog, *args, **kwargs)
            if not allowed and observer.active:
                observer.attempt(name, refused, watchdog)
            return allowed

        return call

    return replace
