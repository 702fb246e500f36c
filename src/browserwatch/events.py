"""What happened, as data.

Every metric is fed from these and from nothing else. In a program of its own the events go straight to the metrics;
from an agent process of the service they cross the border as JSON lines. Durations are seconds, costs US dollars. Free text
never appears here: names come from closed sets or are bounded by the receiver.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import msgspec


def _tag(name: str) -> str:
    return "".join(f"_{char.lower()}" if char.isupper() else char for char in name).lstrip("_")


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag=_tag):
    """Something that happened, with the span it happened in when that span is sampled (hex ids, else empty)."""

    trace_id: str = ""
    span_id: str = ""


class RunStarted(Event, frozen=True):
    """An agent began a run."""


class RunFinished(Event, frozen=True):
    """A run ended. `outcome` and `failure_reason` are from the closed sets in `semantics`."""

    outcome: str
    failure_reason: str
    seconds: float
    steps: int
    cost_usd: float = 0.0


class StepFinished(Event, frozen=True):
    """A step ended; `phases` has the seconds of each phase that was reached."""

    outcome: str
    seconds: float
    phases: dict[str, float]


class ActionFinished(Event, frozen=True):
    """One action ended. `action` is browser-use's tool name, or any other name for a user's own tool."""

    action: str
    outcome: str
    seconds: float


class ModelCalled(Event, frozen=True):
    """A model call ended. `cost_usd` is None when the model has no known price; `error` is empty on success."""

    provider: str
    model: str
    seconds: float
    purpose: str = "other"
    error: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    has_usage: bool = False
    cost_usd: float | None = None


class PageLoaded(Event, frozen=True):
    """A page load in a tab's main frame ended. A milestone that was not reached, or not measured, is None."""

    outcome: str
    cause: str
    ttfb: float | None = None
    dom_content_loaded: float | None = None
    load: float | None = None


class PolicyBlocked(Event, frozen=True):
    """A navigation or a connection was refused: by browser-use's own domain policy, or by the service's egress policy."""

    rule: str


class BrowserLaunched(Event, frozen=True):
    """A local browser was started, or failed to."""

    result: str
    seconds: float


class BrowserCrashed(Event, frozen=True):
    """A browser, a tab or an agent process died without being asked to."""

    kind: str


class SessionOperation(Event, frozen=True):
    """A stored session was leased, read, written or deleted. `size` is that of the envelope in bytes, if there was one."""

    operation: str
    result: str
    seconds: float
    size: int | None = None


class PageFetchStarted(Event, frozen=True):
    """The service began to fetch a page with an agent."""


class PageFetched(Event, frozen=True):
    """The service's page fetch ended."""

    outcome: str
    seconds: float


class AgentAcquired(Event, frozen=True):
    """A wish for an agent was met or given up."""

    result: str
    seconds: float


class AgentReturned(Event, frozen=True):
    """A lease of an agent ended, after `seconds`."""

    seconds: float


class AgentRetired(Event, frozen=True):
    """An agent left the pool for good."""

    reason: str


class OrphansReaped(Event, frozen=True):
    """Processes that an earlier service left behind were ended."""

    count: int


class SessionReused(Event, frozen=True):
    """A run or fetch found its session: still in the browser (`warm`), or stored (`restored`)."""

    source: str


class RunRejected(Event, frozen=True):
    """A run was not taken."""

    reason: str


class ProcessesMeasured(Event, frozen=True):
    """What all processes of a role use: memory now (PSS where the system tells it), CPU since the last measurement."""

    role: str
    memory_bytes: int
    cpu_seconds: float


class BusWaited(Event, frozen=True):
    """An event waited this long between its dispatch and its handlers, mostly for the event bus's lock."""

    seconds: float


class VersionsSeen(Event, frozen=True):
    """What is running: browser-use's version when it was hooked, Chromium's major version when a page was loaded."""

    browser_use: str
    chromium: str = "unknown"


class HookInstalled(Event, frozen=True):
    """State of one hook into browser-use."""

    hook: str
    installed: bool


class HookFailed(Event, frozen=True):
    """A hook raised; the run went on without it."""

    hook: str


class Redacted(Event, frozen=True):
    """Secrets were removed from something that was about to leave the process."""

    sink: str
    count: int = 1


class SpansQueued(Event, frozen=True):
    """The queue of spans to be sent has reached another level."""

    queue_size: int
    queue_capacity: int


class SpansCounted(Event, frozen=True):
    """Spans left the queue: sent, lost to a full queue, or refused by the other side."""

    result: str
    count: int
    queue_size: int = 0
    queue_capacity: int = 0
    at: float = 0.0


AnyEvent: TypeAlias = (
    RunStarted
    | RunFinished
    | StepFinished
    | ActionFinished
    | ModelCalled
    | PageLoaded
    | PolicyBlocked
    | BrowserLaunched
    | BrowserCrashed
    | SessionOperation
    | PageFetchStarted
    | PageFetched
    | AgentAcquired
    | AgentReturned
    | AgentRetired
    | OrphansReaped
    | SessionReused
    | RunRejected
    | ProcessesMeasured
    | BusWaited
    | VersionsSeen
    | HookInstalled
    | HookFailed
    | Redacted
    | SpansQueued
    | SpansCounted
)
Emit: TypeAlias = Callable[[Event], None]

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[AnyEvent] = msgspec.json.Decoder(AnyEvent)


def encode(event: Event) -> bytes:
    """One event as one line of JSON, without the line feed."""
    return _encoder.encode(event)


def decode(line: bytes | str) -> AnyEvent:
    """The event that `encode` made.

    Raises:
        msgspec.DecodeError: not JSON, an unknown type of event, or a field of the wrong type.
    """
    try:
        return _decoder.decode(line)
    except UnicodeDecodeError as error:
        raise msgspec.DecodeError(f"not UTF-8: {error.reason}") from None
