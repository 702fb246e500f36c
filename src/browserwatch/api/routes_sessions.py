"""Sessions: which there are, and forgetting them. What is in them is nobody's to see."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from browserwatch.api.answers import SessionList, SessionView
from browserwatch.api.dependencies import Opened, Tenant, problems
from browserwatch.api.error_kinds import SessionNotFoundError

router: Final = APIRouter(prefix="/v1/sessions", tags=["sessions"])


@router.get("", responses=problems(401, 503))
async def list_sessions(tenant: Tenant, services: Opened) -> SessionList:
    """Your stored sessions, by name."""
    return SessionList.of(await services.sessions.list(tenant))


@router.get("/{name}", responses=problems(401, 404, 422, 503))
async def get_session(name: str, tenant: Tenant, services: Opened) -> SessionView:
    """What is known of one of them."""
    for found in await services.sessions.list(tenant):
        if found.name == name:
            return SessionView.model_validate(found)
    raise SessionNotFoundError


@router.delete("/{name}", status_code=204, response_model=None, responses=problems(401, 404, 422, 503))
async def delete_session(name: str, tenant: Tenant, services: Opened) -> None:
    """Forget one at once: whoever uses it now can't save it any more."""
    if not await services.sessions.delete(tenant, name):
        raise SessionNotFoundError
