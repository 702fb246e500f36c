"""Errors as documents: RFC 9457 (https://www.rfc-editor.org/rfc/rfc9457), one stable type for each kind of problem.

A document says what was wrong and how to go on. It never repeats a value of the request.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from opentelemetry import trace
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse

TYPE_PREFIX: Final = "urn:browserwatch:problem:"
MEDIA_TYPE: Final = "application/problem+json"


class FieldProblem(BaseModel):
    """What is wrong with one part of a request."""

    detail: str
    pointer: str | None = Field(default=None, description="Where in the body, as a JSON pointer in a URI fragment.")
    parameter: str | None = Field(default=None, description="Which parameter of the query, the path or the headers.")


class Problem(BaseModel):
    """Why a request was not done."""

    type: str = Field(description=f"A URI that names the kind of problem: {TYPE_PREFIX}NAME.")
    title: str = Field(description="The kind of problem in words; the same for all of this type.")
    status: int
    detail: str = Field(description="What happened this time, and what to do about it.")
    trace_id: str | None = Field(default=None, description="The trace of this request.")
    errors: list[FieldProblem] | None = Field(default=None, description="Parts of the request that can't be used.")
    outcome: str | None = Field(default=None, description="How a page fetch failed.")

    model_config = {
        "json_schema_extra": {
            "examples": [
                {
                    "type": f"{TYPE_PREFIX}queue-full",
                    "title": "The queue is full",
                    "status": 429,
                    "detail": "the queue is full: 100 runs wait, 4 run; try again later",
                    "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                }
            ]
        }
    }


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem.

    Attributes:
        name: last part of its type.
        detail: what is said instead of the error's own words, where those are for operators.
        retry_after: seconds after which to try again, when the error does not know better.
    """

    name: str
    status: int
    title: str
    detail: str | None = None
    retry_after: float | None = None


INTERNAL: Final = Kind(
    "internal", 500, "Internal error", "an error of the service; its log has more under the trace id"
)


class ProblemResponse(JSONResponse):
    """A problem as an answer."""

    media_type = MEDIA_TYPE

    def __init__(
        self,
        kind: Kind,
        detail: str | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        errors: Sequence[FieldProblem] = (),
        outcome: str | None = None,
    ) -> None:
        problem = Problem(
            type=TYPE_PREFIX + kind.name,
            title=kind.title,
            status=kind.status,
            detail=kind.detail or detail or kind.title,
            trace_id=current_trace_id() or None,
            errors=list(errors) or None,
            outcome=outcome,
        )
        body: dict[str, Any] = problem.model_dump(exclude_none=True)
        super().__init__(body, kind.status, {"cache-control": "no-store", **(headers or {})})


def retry_header(seconds: float | None) -> dict[str, str]:
    """``Retry-After`` in whole seconds, at least one."""
    return {} if seconds is None else {"retry-after": str(max(1, math.ceil(seconds)))}


def current_trace_id() -> str:
    """The id of the trace that the current work belongs to; empty: none."""
    context = trace.get_current_span().get_span_context()
    return trace.format_trace_id(context.trace_id) if context.is_valid else ""
