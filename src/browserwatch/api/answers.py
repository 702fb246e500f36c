"""What callers get. A record's tenant and the instance that runs it stay inside."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from browserwatch.runs.models import RunRecord, RunState
from browserwatch.sessions.store import SessionInfo


class Answer(BaseModel):
    """A part of an answer, made of an object with attributes of the same names."""

    model_config = ConfigDict(from_attributes=True)


class RunLinks(Answer):
    """Where to go on."""

    self: str
    events: str
    cancel: str


class RunTaken(Answer):
    """A run that was taken."""

    id: str
    state: RunState
    trace_id: str = Field(description="The trace that the run belongs to; empty when nothing is traced.")
    links: RunLinks

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "0199a1b2c3d4e5f60718293a4b5c6d7e",
                    "state": "queued",
                    "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                    "links": {
                        "self": "/v1/runs/0199a1b2c3d4e5f60718293a4b5c6d7e",
                        "events": "/v1/runs/0199a1b2c3d4e5f60718293a4b5c6d7e/events",
                        "cancel": "/v1/runs/0199a1b2c3d4e5f60718293a4b5c6d7e/cancel",
                    },
                }
            ]
        }
    )

    @classmethod
    def of(cls, record: RunRecord) -> Self:
        """The answer about a run."""
        return cls(id=record.id, state=record.state, trace_id=record.trace_id, links=run_links(record.id))


class RunUsage(Answer):
    """Tokens and cost of a run so far."""

    input_tokens: int
    output_tokens: int
    cached_tokens: int
    cost_usd: float
    unpriced_calls: int = Field(description="Model calls whose cost is not known, so not in `cost_usd`.")


class RunView(Answer):
    """A run as it is now."""

    id: str
    state: RunState
    created: datetime
    started: datetime | None
    finished: datetime | None
    trace_id: str
    session: str | None
    model: str
    max_steps: int
    steps: int
    outcome: str | None
    failure_reason: str | None
    message: str = Field(description="Why it did not succeed.")
    usage: RunUsage
    result: str | None
    structured: Any
    acquired: str | None = Field(description="How its wish for an agent was met: warm, restored or fresh.")
    session_problem: str = Field(description="What went wrong with the session; empty when all is well.")
    links: RunLinks | None = None

    @classmethod
    def of(cls, record: RunRecord) -> Self:
        """The answer about a run."""
        return cls.model_validate(record).model_copy(update={"links": run_links(record.id)})


class RunList(Answer):
    """Some runs, newest first."""

    runs: list[RunView]
    next: str | None = Field(description="Where older ones are; null: there are none.")


class PageTiming(Answer):
    """When things happened, in seconds from the start."""

    ttfb_seconds: float | None
    dom_content_loaded_seconds: float | None
    load_seconds: float | None
    seconds: float


class PageView(Answer):
    """A page that was fetched."""

    url: str = Field(description="Where it was found in the end.")
    outcome: str
    status: int | None = Field(description="HTTP status of the page; a page with 404 is a page, too.")
    title: str
    media_type: str
    encoding: Literal["text", "base64"] = Field(description="How `content` has to be read.")
    content: str
    redirects: int
    timing: PageTiming
    acquired: str
    trace_id: str
    session_problem: str


class SessionView(Answer):
    """What may be told of a stored session."""

    name: str
    created: datetime
    saved: datetime
    expires: datetime
    size: int = Field(description="Bytes, encrypted.")
    cookies: int
    origins: int = Field(description="Origins with local storage.")


class SessionList(Answer):
    """All sessions of the caller, by name."""

    sessions: list[SessionView]

    @classmethod
    def of(cls, found: Sequence[SessionInfo]) -> Self:
        """The answer about these sessions."""
        return cls(sessions=[SessionView.model_validate(one) for one in found])


def run_links(run_id: str) -> RunLinks:
    """Where a run can be looked at, followed and stopped."""
    path = f"/v1/runs/{run_id}"
    return RunLinks(self=path, events=f"{path}/events", cancel=f"{path}/cancel")
