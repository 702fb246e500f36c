"""The event bus: carries the trace context from who dispatches an event to the handlers that run for it.

Handlers run in the bus's own task, where the current span is whatever was current when the bus first ran.
"""

from __future__ import annotations

import functools
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any, Final

from opentelemetry import context as otel_context
from opentelemetry.context import Context

from browserwatch.events import BusWaited
from browserwatch.instrumentation.observer import Observer
from browserwatch.instrumentation.patching import Replacement

# Events that are dispatched and never processed (a bus that is stopped drops them) must not pile up.
MAX_WAITING: Final = 1000


class EventBusHooks:
    """What takes the place of bubus's `EventBus.dispatch` and `EventBus.process_event`, which share the map between them."""

    def __init__(self) -> None:
        self.waiting: OrderedDict[str, tuple[Context, float]] = OrderedDict()

    def dispatch(self, observer: Observer, name: str) -> Replacement:
        """Remembers the caller's context and the time."""

        def remember(event: Any) -> None:
            # An event forwarded to a second bus keeps its first dispatch.
            self.waiting.setdefault(event.event_id, (otel_context.get_current(), time.perf_counter()))
            if len(self.waiting) > MAX_WAITING:
                self.waiting.popitem(last=False)

        def replace(dispatch: Callable[..., Any]) -> Callable[..., Any]:
            @functools.wraps(dispatch)
            def call(bus: Any, *args: Any, **kwargs: Any) -> Any:
                event = args[0] if args else kwargs.get("event")
                if event is not None and observer.active:
                    observer.attempt(name, remember, event)
                try:
                    return dispatch(bus, *args, **kwargs)
                except BaseException:
                    self.waiting.pop(getattr(event, "event_id", ""), None)
                    raise

            return call

        return replace

    def process(self, observer: Observer, name: str) -> Replacement:
        """Makes the remembered context current while the handlers run."""

        def attach(event: Any) -> Any:
            found = self.waiting.pop(event.event_id, None)
            if found is None:
                return None
            context, dispatched_at = found
            observer.emit(BusWaited(seconds=time.perf_counter() - dispatched_at))
            return otel_context.attach(context)

        def replace(process_event: Callable[..., Awaitable[Any]]) -> Callable[..., Any]:
            @functools.wraps(process_event)
            async def call(bus: Any, *args: Any, **kwargs: Any) -> Any:
                event = args[0] if args else kwargs.get("event")
                token = observer.attempt(name, attach, event) if observer.active and event is not None else None
                try:
                    return await process_event(bus, *args, **kwargs)
                finally:
                    if token is not None:
                        otel_context.detach(token)

            return call

        return replace
