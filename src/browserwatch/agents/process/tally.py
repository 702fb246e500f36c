"""What a run has used and come to, from the events of the instrumentation on their way to the service."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from browserwatch.events import BrowserCrashed, Emit, Event, ModelCalled, RunFinished

# Reasons behind which a blocked navigation may stand: browser-use sees only that a page did not come.
VAGUE: Final = frozenset({"navigation", "page_timeout", "element", "max_failures", "unknown"})


class Tally:
    """Totals of one run.

    Args:
        was_blocked: whether the navigation policy kept the run from a page.
    """

    def __init__(self, was_blocked: Callable[[], bool]) -> None:
        self._was_blocked = was_blocked
        self.browser_failure = ""
        """Why the browser was given up, when it was: what the run's own end says then is only that it was cancelled."""
        self.finished: RunFinished | None = None
        self.input_tokens = 0
        self.output_tokens = 0
        self.cached_tokens = 0
        self.cost_usd = 0.0
        self.unpriced_calls = 0

    def take(self, event: Event) -> Event:
        """Count an event; gives the event to pass on, which knows more of how the run ended than browser-use does."""
        match event:
            case ModelCalled():
                self._count(event)
            case RunFinished():
                event = self.finished = self._amended(event)
            case _:
                pass
        return event

    def _count(self, call: ModelCalled) -> None:
        self.input_tokens += call.input_tokens
        self.output_tokens += call.output_tokens
        self.cached_tokens += call.cached_tokens
        self.cost_usd += call.cost_usd or 0.0
        self.unpriced_calls += call.has_usage and call.cost_usd is None

    def _amended(self, event: RunFinished) -> RunFinished:
        if self.browser_failure:
            return msgspec.structs.replace(event, outcome="error", failure_reason=self.browser_failure)
        if event.outcome not in ("success", "cancelled") and event.failure_reason in VAGUE and self._was_blocked():
            return msgspec.structs.replace(event, failure_reason="policy_blocked")
        return event


class Outlet:
    """Takes the instrumentation's events, and passes them on.

    Args:
        send: where to; from any thread.
    """

    def __init__(self, send: Emit) -> None:
        self._send = send
        self.tally: Tally | None = None
        """The run that goes on."""

    def __call__(self, event: Event) -> None:
        """Take an event."""
        if isinstance(event, BrowserCrashed) and event.kind == "browser":
            return  # told by `Browser`, which knows the process, and also sees those that nobody is connected to
        self._send(self.tally.take(event) if self.tally is not None else event)
