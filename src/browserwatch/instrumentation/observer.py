"""What every hook shares: the tracer, where events go, what may be shown, and the promise never to raise."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar, Token
from dataclasses import dataclass, field
from typing import Any, Final, ParamSpec, TypeAlias, TypeVar

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

from browserwatch import semantics as s
from browserwatch.events import Emit, Event, HookFailed, Redacted
from browserwatch.instrumentation.identity import IdentityMap
from browserwatch.pricing import Prices
from browserwatch.redaction import MESSAGE_LIMIT, Redactor
from browserwatch.settings import Capture, Settings
from browserwatch.version import __version__

logger: Final = logging.getLogger("browserwatch.instrumentation")
P = ParamSpec("P")
T = TypeVar("T")
Attributes: TypeAlias = dict[str, str | bool | int | float | list[str]]


@dataclass(slots=True)
class WatchedSession:
    """What is known of one browser session: where its page loads belong, and whether its browser died."""

    id: str = ""
    context: Context | None = None
    browser_lost: bool = False


@dataclass(slots=True)
class Run:
    """Totals of one run. Holds numbers and names only: tasks that browser-use starts may keep it alive for long."""

    session: WatchedSession
    steps: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cost_usd: float = 0.0
    last_reason: str = "unknown"
    model_timeout: float = float("inf")


@dataclass(slots=True)
class Step:
    """One step while it goes on."""

    phases: dict[str, float] = field(default_factory=dict[str, float])
    reason: str = ""
    message: str = ""
    actions: int = 0
    action: str = ""
    """The action going on now."""


current_run: Final[ContextVar[Run | None]] = ContextVar("browserwatch_run", default=None)
current_step: Final[ContextVar[Step | None]] = ContextVar("browserwatch_step", default=None)


class Scope:
    """A span that is open and current, with what its hook wants to remember. Closing twice does nothing."""

    __slots__ = ("data", "session", "session_before", "span", "started", "token", "undo")

    def __init__(self, span: Span, token: object, data: Any) -> None:
        self.span = span
        self.token = token
        self.data = data
        self.started = time.perf_counter()
        self.session: WatchedSession | None = None
        self.session_before: Context | None = None
        self.undo: tuple[ContextVar[Any], Token[Any]] | None = None

    @property
    def seconds(self) -> float:
        """Time since the scope opened."""
        return time.perf_counter() - self.started

    def close(self) -> None:
        """End the span and restore what was current before."""
        token, self.token = self.token, None
        if token is None:
            return
        try:
            if self.session is not None:
                self.session.context = self.session_before
            if self.undo is not None:
                self.undo[0].reset(self.undo[1])
            otel_context.detach(token)  # pyright: ignore[reportArgumentType]  # the API's token type is opaque
        finally:
            self.span.end()


class Observer:
    """Shared by all hooks of one `instrument()` call.

    Args:
        emit: takes events.
        redactor: cleans free text.
        settings: limits and lists.
        capture: whether message content is wanted.
        prices: what models cost.
        tracer_provider: the provider to use; by default whatever is set when the first span is made.
    """

    def __init__(
        self,
        *,
        emit: Emit,
        redactor: Redactor,
        settings: Settings,
        capture: Capture,
        prices: Prices,
        tracer_provider: trace.TracerProvider | None = None,
    ) -> None:
        self.active = True
        self._emit = emit
        self.redactor = redactor
        self.settings = settings
        self.capture = capture
        self.prices = prices
        # The API's proxy follows a provider that is set later, so this may be made before there is one.
        self.tracer = trace.get_tracer("browserwatch", __version__, tracer_provider)
        self._sessions: IdentityMap[WatchedSession] = IdentityMap()
        self._warned: set[str] = set()

    # --- never raise -------------------------------------------------------------------------------------------------
    def emit(self, event: Event) -> None:
        """Hand an event on. A receiver that fails loses the event, not the run or the span."""
        try:
            self._emit(event)
        except Exception as error:  # noqa: BLE001  # fail open
            self.failed("emit", error)

    def attempt(self, hook: str, act: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
        """Call our own code on behalf of a hook; what it raises is counted and warned about once, never passed on."""
        try:
            return act(*args, **kwargs)
        except Exception as error:  # noqa: BLE001  # fail open: the user's run matters more than its telemetry
            self.failed(hook, error)
            return None

    def failed(self, hook: str, error: Exception) -> None:
        """Count a failure of ours, and warn at its first time."""
        try:
            if hook not in self._warned:
                self._warned.add(hook)
                logger.warning(
                    "The hook %r failed and is skipped where it does (%s: %s); counted in"
                    " browser_instrumentation_errors_total. This warning comes once.",
                    hook,
                    type(error).__name__,
                    self.redactor.text(str(error), MESSAGE_LIMIT),
                )
            self._emit(HookFailed(hook=hook))
        except Exception:  # even the account of a failure must not break a run
            logger.debug("Could not account for a failed hook", exc_info=True)

    # --- spans -------------------------------------------------------------------------------------------------------
    def open(
        self,
        name: str,
        attributes: Mapping[str, Any],
        *,
        kind: SpanKind = SpanKind.INTERNAL,
        data: Any = None,
        session: WatchedSession | None = None,
        extra: Mapping[str, object] | None = None,
    ) -> Scope:
        """Start a span and make it current; page loads of `session` become its children until it closes."""
        span = self.tracer.start_span(name, kind=kind, attributes=attributes)
        context = trace.set_span_in_context(span)
        if session is not None:
            before, session.context = session.context, context
        else:
            before = None
        if extra:
            context = Context({**context, **extra})
        scope = Scope(span, otel_context.attach(context), data)
        scope.session, scope.session_before = session, before
        return scope

    def fail(self, span: Span, error_type: str, message: str = "") -> None:
        """Mark a span as failed, with a cleaned message."""
        if span.is_recording():
            span.set_attribute(s.ERROR_TYPE, error_type)
            span.set_status(Status(StatusCode.ERROR, self.clean(message, MESSAGE_LIMIT) or None))

    def clean(self, text: str, limit: int, sink: str = "span") -> str:
        """Free text without secrets, at most `limit` characters; what was masked is counted."""
        return self._told(self.redactor.counted(text, limit), sink) if text else ""

    def name(self, text: str, limit: int) -> str:
        """Likewise, for names that come again and again."""
        return self._told(self.redactor.name(text, limit), "span")

    def _told(self, cleaned: tuple[str, int], sink: str) -> str:
        text, found = cleaned
        if found:
            self.emit(Redacted(sink=sink, count=found))
        return text

    # --- sessions ----------------------------------------------------------------------------------------------------
    def session(self, browser_session: object) -> WatchedSession:
        """What is known of a browser session; forgotten when the session is."""
        found = self._sessions.get(browser_session)
        if found is None:
            found = WatchedSession(id=str(getattr(browser_session, "id", "")))
            self._sessions.set(browser_session, found)
        return found


def describe(error: BaseException) -> str:
    """Type and first line of an exception, without what pydantic quotes of its input: that is content."""
    first = str(error).split("\n", 1)[0].split("input_value=", 1)[0]
    return f"{type(error).__name__}: {first}" if first else type(error).__name__
