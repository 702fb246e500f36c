"""Runs: give a task, look at it, follow it, stop it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Header, Query, Response

from browserwatch.api.answers import RunList, RunTaken, RunView
from browserwatch.api.bodies import RunBody
from browserwatch.api.dependencies import Opened, Tenant, problems
from browserwatch.api.streaming import close, event_stream
from browserwatch.runs.models import RunEvent

MAX_LIMIT: Final = 200
router: Final = APIRouter(prefix="/v1/runs", tags=["runs"])


@router.post(
    "",
    status_code=202,
    responses={
        202: {
            "headers": {
                "Location": {"description": "The run.", "schema": {"type": "string"}},
                "X-Trace-Id": {"description": "The trace of request and run.", "schema": {"type": "string"}},
            }
        },
        **problems(401, 413, 415, 422, 429, 503),
    },
)
async def submit(
    body: RunBody,
    answer: Response,
    tenant: Tenant,
    services: Opened,
    idempotency_key: Annotated[
        str | None,
        Header(
            min_length=1, max_length=255, description="Sent again with the same request: the run of the first time."
        ),
    ] = None,
) -> RunTaken:
    """Give a task to an agent. It is done as soon as one is free; follow `links.events`."""
    record = await services.runs.submit(tenant, body.request(), idempotency_key)
    taken = RunTaken.of(record)
    answer.headers["location"] = taken.links.self
    return taken


@router.get("", responses=problems(401, 422, 503))
async def list_runs(
    tenant: Tenant,
    services: Opened,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = 50,
    before: Annotated[str | None, Query(max_length=64, description="Id of the last run seen.")] = None,
) -> RunList:
    """Your runs, newest first."""
    records = await services.runs.list(tenant, limit, before)
    more = len(records) == limit
    older = f"/v1/runs?{urlencode({'limit': limit, 'before': records[-1].id})}" if more else None
    return RunList(runs=[RunView.of(record) for record in records], next=older)


@router.get("/{run_id}", responses=problems(401, 404, 422, 503))
async def get_run(run_id: str, tenant: Tenant, services: Opened) -> RunView:
    """A run as it is now."""
    return RunView.of(await services.runs.get(tenant, run_id))


@router.post("/{run_id}/cancel", responses=problems(401, 404, 422, 503))
async def cancel(run_id: str, tenant: Tenant, services: Opened) -> RunView:
    """Stop a run. One that is over stays as it is."""
    return RunView.of(await services.runs.cancel(tenant, run_id))


@router.get(
    "/{run_id}/events",
    response_class=Response,
    responses={
        200: {
            "description": "Server-sent events; the last one is `run.finished`.",
            "content": {
                "text/event-stream": {
                    "schema": {"type": "string"},
                    "example": 'id: 3\nevent: step\ndata: {"number": 1, "outcome": "ok", "seconds": 1.2}\n\n',
                }
            },
        },
        204: {"description": "The run is over and you have all its events: don't ask again."},
        **problems(401, 404, 422, 503),
    },
)
async def events(
    run_id: str,
    tenant: Tenant,
    services: Opened,
    last_event_id: Annotated[int, Header(ge=0, le=2**53, description="Number of the last event you have.")] = 0,
) -> Response:
    """What happens in a run, from its beginning or from where you stopped, until it is over."""
    record = await services.runs.get(tenant, run_id)
    if record.final and await _is_last(services.runs.follow(tenant, run_id, last_event_id)):
        return Response(status_code=204)
    return event_stream(services.runs.follow(tenant, run_id, last_event_id), services.closing)


async def _is_last(events: AsyncIterator[RunEvent]) -> bool:
    """Whether none follows. To an answer without one, a browser would connect again and again."""
    try:
        return await anext(events, None) is None
    finally:
        await close(events)
