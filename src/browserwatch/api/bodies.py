"""What callers may send. Types and fields are checked here, limits that depend on settings by the rooms below."""

from __future__ import annotations

import json
from typing import Annotated, Any, Final, TypeAlias

import msgspec
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from browserwatch.agents.messages import PageFormat, WaitUntil
from browserwatch.runs.models import PageRequest, RunRequest


def _plain_json(value: dict[str, Any]) -> dict[str, Any]:
    """Refuse what Python's parser takes and JSON has not: NaN, numbers without end, halves of a surrogate pair."""
    try:
        json.dumps(value, allow_nan=False)
        msgspec.json.encode(value)
    except (ValueError, OverflowError, RecursionError):
        # From None: the original quotes the value.
        raise ValueError("has a number or a text that JSON can't carry") from None
    return value


JsonObject: TypeAlias = Annotated[dict[str, Any], AfterValidator(_plain_json)]
Seconds: TypeAlias = Annotated[float, Field(gt=0, allow_inf_nan=False)]
SESSION_HELP: Final = "Name of the browser session (login) to use and keep; without one the browser has no past."


class Body(BaseModel):
    """A body of a request, which never shows its values."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    def __repr_args__(self) -> list[tuple[str | None, Any]]:
        """Nothing: a task or a value in it may be secret."""
        return []


class RunBody(Body):
    """A task for an agent."""

    task: str = Field(min_length=1, description="What the agent should do.")
    session: str | None = Field(default=None, description=SESSION_HELP)
    start_url: str | None = Field(default=None, description="Page to begin on; http or https.")
    max_steps: int | None = Field(default=None, ge=1, description="Most steps; the service has a limit of its own.")
    timeout_seconds: Seconds | None = Field(default=None, description="Longest time, from when it gets its agent.")
    output_schema: JsonObject | None = Field(default=None, description="JSON Schema that the result must meet.")
    sensitive_data: JsonObject | None = Field(
        default=None,
        description="Values that the agent may type and the model never sees: {name: value}, or {domain: {name: value}}.",
    )
    model: str | None = Field(default=None, description="One of the models that the service allows.")
    budget_usd: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = Field(
        default=None, description="Cost of model calls in US dollars at which it is stopped."
    )

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "task": "Find the cheapest notebook and put it in the basket.",
                    "session": "shop",
                    "start_url": "https://shop.example/",
                    "max_steps": 20,
                    "budget_usd": 0.5,
                }
            ]
        }
    )

    def request(self) -> RunRequest:
        """The same for the room below."""
        return msgspec.convert(dict(self), RunRequest)


class PageBody(Body):
    """A page to fetch."""

    url: str = Field(min_length=1, description="http or https.")
    session: str | None = Field(default=None, description=SESSION_HELP)
    format: PageFormat = Field(default="html", description="What to return of the page.")
    wait_until: WaitUntil = Field(default="load", description="When the page counts as loaded.")
    timeout_seconds: Seconds | None = Field(default=None, description="Longest time; the service has a limit, too.")

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"url": "https://shop.example/orders", "session": "shop", "format": "markdown"}]
        }
    )

    def request(self) -> PageRequest:
        """The same for the room below."""
        return msgspec.convert(dict(self), PageRequest)
