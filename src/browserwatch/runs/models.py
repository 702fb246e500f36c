"""What is asked for, and what became of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, TypeAlias

import msgspec

from browserwatch.agents.messages import PageFormat, WaitUntil

RunState: TypeAlias = Literal["queued", "running", "succeeded", "failed", "cancelled", "interrupted"]
FINAL_STATES: frozenset[RunState] = frozenset({"succeeded", "failed", "cancelled", "interrupted"})


class RunRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A task. Never stored: it may have secrets."""

    task: str
    session: str | None = None
    start_url: str | None = None
    max_steps: int | None = None
    timeout_seconds: float | None = None
    output_schema: dict[str, Any] | None = None
    sensitive_data: dict[str, Any] | None = None
    model: str | None = None
    """`model` or `provider/model`, one of those allowed."""
    budget_usd: float | None = None

    def __repr__(self) -> str:
        return "<RunRequest>"


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens and cost of a run so far."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cost_usd: float = 0.0
    unpriced_calls: int = 0


class RunRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A run as it is stored and shown. Times are UTC."""

    id: str
    tenant: str
    state: RunState
    created: datetime
    trace_id: str = ""
    session: str | None = None
    model: str = ""
    max_steps: int = 0
    started: datetime | None = None
    finished: datetime | None = None
    steps: int = 0
    outcome: str | None = None
    failure_reason: str | None = None
    message: str = ""
    """Why it did not succeed, in a sentence without secrets."""
    usage: Usage = Usage()
    result: str | None = None
    structured: Any = None
    acquired: str | None = None
    """How its wish for an agent was met: warm, restored, fresh."""
    session_problem: str = ""
    """What went wrong with the session: could not be restored, or saved; empty when all is well."""
    owner: str = ""
    """The instance of the service that runs it."""

    @property
    def final(self) -> bool:
        """Whether it is over."""
        return self.state in FINAL_STATES


class RunEvent(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened in a run, for those who follow it. `number` counts from 1 without gaps.

    Types: `run.queued`, `run.started`, `run.finished`, `step`, `action`, `model_call`, `page`. `data` has names, counts and
    durations, never content.
    """

    number: int
    type: str
    time: datetime
    data: dict[str, Any] = {}


class PageRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A page to fetch."""

    url: str
    session: str | None = None
    format: PageFormat = "html"
    wait_until: WaitUntil = "load"
    timeout_seconds: float | None = None

    def __repr__(self) -> str:
        return "<PageRequest>"


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """A page that was fetched."""

    url: str
    outcome: str
    status: int | None
    title: str
    media_type: str
    content: bytes
    redirects: int
    ttfb_seconds: float | None
    dom_content_loaded_seconds: float | None
    load_seconds: float | None
    seconds: float
    acquired: str
    trace_id: str
    session_problem: str = ""

    def __repr__(self) -> str:
        return f"<Page: {self.outcome}, {len(self.content):,} bytes>"
