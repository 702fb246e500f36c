"""What the service and an agent process say to each other: one JSON object a line, over a socket pair.

The service sends commands, each with a number; the agent answers each command once, with the reply that belongs to it or
with `Failed`. Between them it sends `Happened` with the events of the instrumentation. `Ping` is answered at any time, also
during a run. Nothing else is shared, and nothing is pickled.
"""

from __future__ import annotations

from typing import Any, Final, Literal, TypeAlias

import msgspec

from browserwatch.events import AnyEvent

LINE_LIMIT: Final = 128 * 1024 * 1024
"""Longest line in bytes: a screenshot or PDF of the largest allowed size in base64 fits."""

PageFormat: TypeAlias = Literal["html", "markdown", "text", "screenshot", "pdf"]
MEDIA_TYPES: Final[dict[PageFormat, str]] = {
    "html": "text/html",
    "markdown": "text/markdown",
    "text": "text/plain",
    "screenshot": "image/png",
    "pdf": "application/pdf",
}
WaitUntil: TypeAlias = Literal["commit", "domcontentloaded", "load", "networkidle"]


class Message(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """Anything that crosses the border."""


# --- what an agent is told at its start ------------------------------------------------------------------------------
class Configure(Message, frozen=True, kw_only=True, tag="configure"):
    """The first line an agent process reads. It launches Chromium, warms up, and answers `Ready`."""

    directory: str
    """Its own, which exists and is empty: profile, downloads and temporary files go there; the service removes it."""
    chromium: str
    sandbox: bool
    egress_allow: tuple[str, ...] = ()


class Ready(Message, frozen=True, kw_only=True, tag="ready"):
    """The agent takes commands."""

    pid: int
    chromium_pid: int
    browser_use_version: str
    chromium_version: str
    seconds: float


# --- commands --------------------------------------------------------------------------------------------------------
class Command(Message, frozen=True, kw_only=True):
    """Something to do. `trace` is the W3C trace context (traceparent, tracestate) to continue."""

    id: int = 0
    trace: dict[str, str] = {}


class Ping(Command, frozen=True, kw_only=True, tag="ping"):
    """Are you and your browser well?"""


class Reset(Command, frozen=True, kw_only=True, tag="reset"):
    """Forget everything: a new Chromium with a new profile."""


class Restore(Command, frozen=True, kw_only=True, tag="restore"):
    """Put a session into the browser, which is fresh. `snapshot` is `Snapshot.encode()`.

    Bytes, not JSON within JSON: half characters, which pages keep in local storage, msgspec does not let through.
    """

    snapshot: bytes


class Capture(Command, frozen=True, kw_only=True, tag="capture"):
    """Read the session. During a run only cookies and open tabs are read (`full` false); after it every origin visited."""

    full: bool


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """Which model, and how to reach it. Never logged or shown."""

    provider: str
    name: str
    base_url: str | None = None
    api_key: str | None = None

    def __repr__(self) -> str:
        return f"<Model {self.provider}/{self.name}>"


class Run(Command, frozen=True, kw_only=True, tag="run"):
    """Give a task to browser-use."""

    task: str
    model: Model
    start_url: str | None = None
    max_steps: int = 50
    step_timeout_seconds: float = 180.0
    output_schema: dict[str, Any] | None = None
    sensitive_data: dict[str, Any] | None = None

    def __repr__(self) -> str:
        return f"<Run {self.id}>"


class Fetch(Command, frozen=True, kw_only=True, tag="fetch"):
    """Load one page and return its content."""

    url: str
    format: PageFormat = "html"
    wait_until: WaitUntil = "load"
    timeout_seconds: float = 60.0
    max_bytes: int = 20 * 1024 * 1024

    def __repr__(self) -> str:
        return f"<Fetch {self.id}>"


class Cancel(Message, frozen=True, kw_only=True, tag="cancel"):
    """Stop a command. It is still answered: a run by what it came to, others by `Failed`."""

    id: int


class Shutdown(Message, frozen=True, kw_only=True, tag="shutdown"):
    """End the browser and the process. Not answered."""


# --- replies ---------------------------------------------------------------------------------------------------------
class Reply(Message, frozen=True, kw_only=True):
    """The answer to the command of this number."""

    id: int


class Pong(Reply, frozen=True, kw_only=True, tag="pong"):
    """All is well."""


class ResetDone(Reply, frozen=True, kw_only=True, tag="reset_done"):
    """The new Chromium is up."""

    chromium_pid: int


class Restored(Reply, frozen=True, kw_only=True, tag="restored"):
    """What was put in and read back."""

    cookies: int
    origins: int
    failed_cookies: int = 0
    failed_origins: int = 0


class Captured(Reply, frozen=True, kw_only=True, tag="captured"):
    """`snapshot` is `Snapshot.encode()`; origins that could not be read are missing from it, and counted."""

    snapshot: bytes
    failed_origins: int = 0


class RunDone(Reply, frozen=True, kw_only=True, tag="run_done"):
    """What a run came to; `outcome` and `failure_reason` are from the closed sets in `semantics`."""

    outcome: str
    failure_reason: str
    steps: int
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cost_usd: float = 0.0
    unpriced_calls: int = 0
    result: str | None = None
    """What the agent answered: content, for the caller alone."""
    structured: Any = None
    """The same as JSON when an output schema was given and met."""
    message: str = ""
    """Why it did not succeed, redacted."""

    def __repr__(self) -> str:
        return f"<RunDone {self.id}: {self.outcome}>"


class Fetched(Reply, frozen=True, kw_only=True, tag="fetched"):
    """A page. Text formats are in `text`, the others as base64 in `data`."""

    url: str
    """Where it was found in the end."""
    outcome: str
    """From `semantics.NAVIGATION_OUTCOMES`: a page with status 404 is a page, too."""
    status: int | None = None
    title: str = ""
    media_type: str = ""
    text: str | None = None
    data: str | None = None
    redirects: int = 0
    ttfb_seconds: float | None = None
    dom_content_loaded_seconds: float | None = None
    load_seconds: float | None = None
    seconds: float = 0.0

    def __repr__(self) -> str:
        return f"<Fetched {self.id}: {self.outcome}>"


class Failed(Reply, frozen=True, kw_only=True, tag="failed"):
    """It could not be done. `kind` says whose fault: of the command, or of the browser, which is then lost."""

    kind: Literal["command", "browser"]
    reason: str
    message: str


class Happened(Message, frozen=True, kw_only=True, tag="happened"):
    """An event of the instrumentation."""

    event: AnyEvent
    command: int = 0
    """The command that was being done; 0: none."""


ToAgent: TypeAlias = Configure | Ping | Reset | Restore | Capture | Run | Fetch | Cancel | Shutdown
FromAgent: TypeAlias = Ready | Pong | ResetDone | Restored | Captured | RunDone | Fetched | Failed | Happened

_encoder = msgspec.json.Encoder()
_to_agent: msgspec.json.Decoder[ToAgent] = msgspec.json.Decoder(ToAgent)
_from_agent: msgspec.json.Decoder[FromAgent] = msgspec.json.Decoder(FromAgent)


def encode(message: Message) -> bytes:
    """One message as one line, line feed included. JSON escapes line feeds in texts, so a line is a message."""
    return _encoder.encode(message) + b"\n"


def decode_to_agent(line: bytes) -> ToAgent:
    """A message from the service.

    Raises:
        msgspec.DecodeError: not a message to an agent.
    """
    return _to_agent.decode(line)


def decode_from_agent(line: bytes) -> FromAgent:
    """A message from an agent.

    Raises:
        msgspec.DecodeError: not a message from an agent.
    """
    return _from_agent.decode(line)
