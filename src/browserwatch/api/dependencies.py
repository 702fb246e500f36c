"""What routes ask for: the services, the caller's tenant, and how the documentation names it all."""

from __future__ import annotations

from typing import Annotated, Any, Final, TypeAlias, cast

from fastapi import Depends, Request
from fastapi.security import HTTPBearer

from browserwatch.api.problems import Problem
from browserwatch.api.services import Services

PROBLEM_TITLES: Final = {
    401: "No valid API key",
    403: "Not allowed by policy",
    404: "Not found",
    409: "The session is in use, or can't be read",
    413: "The body is too large",
    415: "The body is not JSON",
    422: "The request can't be used",
    429: "Too much at once; see Retry-After",
    500: "Internal error",
    502: "The page could not be fetched",
    503: "Not now; see Retry-After",
    504: "The page did not load in time",
}


def services(request: Request) -> Services:
    """What the lifespan opened."""
    return cast("Services", request.app.state.services)


def tenant(request: Request) -> str:
    """Whose request it is, as the key says."""
    return cast("str", request.state.tenant)


# Documentation alone: the middleware has looked at the key before.
key_needed = HTTPBearer(auto_error=False, scheme_name="API key", description="A key made by `browserwatch key TENANT`.")
Opened: TypeAlias = Annotated[Services, Depends(services)]
Tenant: TypeAlias = Annotated[str, Depends(tenant)]


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problems that a route may answer with, for the documentation."""
    return {status: {"model": Problem, "description": PROBLEM_TITLES[status]} for status in (*statuses, 500)}
