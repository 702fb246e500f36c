"""Pages: fetch one with a browser of the pool.

The answer is JSON, with the content as text or in base64. Who names the content's own media type in ``Accept``, such as
``image/png``, gets the bare content, and what is known of the page in headers.
"""

from __future__ import annotations

import base64
from typing import Final
from urllib.parse import quote

import msgspec
from fastapi import APIRouter, Request, Response

from browserwatch.agents.messages import MEDIA_TYPES
from browserwatch.api.answers import PageTiming, PageView
from browserwatch.api.bodies import PageBody
from browserwatch.api.connection import ClientGoneError, while_connected
from browserwatch.api.dependencies import Opened, Tenant, problems
from browserwatch.runs.models import Page

# Known to some servers; here it is only for the metrics, as nobody is there to read it.
CLIENT_CLOSED_REQUEST: Final = 499
# Content of strangers, from our own origin: a browser must neither show nor run it.
_INERT: Final = {"content-disposition": "attachment", "content-security-policy": "sandbox"}
_URL_CHARACTERS: Final = "!#$%&'()*+,/:;=?@[]~"
router: Final = APIRouter(prefix="/v1/pages", tags=["pages"])


@router.post(
    "",
    response_model=PageView,
    responses={
        200: {
            "description": "The page; bare when `Accept` names its media type.",
            "content": {media_type: {"schema": {"type": "string"}} for media_type in MEDIA_TYPES.values()},
        },
        **problems(401, 403, 409, 413, 415, 422, 429, 502, 503, 504),
    },
)
async def fetch(body: PageBody, request: Request, tenant: Tenant, services: Opened) -> Response:
    """Load a page and return its content. It is given up when you close the connection."""
    try:
        page = await while_connected(request, services.pages.fetch(tenant, body.request()))
    except ClientGoneError:
        return Response(status_code=CLIENT_CLOSED_REQUEST)
    media_type = MEDIA_TYPES[body.format]
    if _names(request.headers.getlist("accept"), media_type):
        return Response(page.content, media_type=media_type, headers={**_INERT, **_headers(page)})
    return Response(_json(page, media_type), media_type="application/json")


def _names(accepts: list[str], media_type: str) -> bool:
    """Whether a type is among those that are accepted by their own names; a wildcard is none."""
    ranges = ",".join(accepts).split(",")
    return media_type in [one.split(";")[0].strip().lower() for one in ranges]


def _json(page: Page, media_type: str) -> bytes:
    """Up to some tens of megabytes, so without a detour over pydantic."""
    is_text = media_type.startswith("text/")
    view = PageView.model_construct(
        url=page.url,
        outcome=page.outcome,
        status=page.status,
        title=page.title,
        media_type=media_type,
        encoding="text" if is_text else "base64",
        content=page.content.decode(errors="replace") if is_text else base64.b64encode(page.content).decode(),
        redirects=page.redirects,
        timing=PageTiming.model_validate(page),
        acquired=page.acquired,
        trace_id=page.trace_id,
        session_problem=page.session_problem,
    )
    return msgspec.json.encode({**dict(view), "timing": dict(view.timing)})


def _headers(page: Page) -> dict[str, str]:
    known: dict[str, object] = {
        "x-page-url": quote(page.url, safe=_URL_CHARACTERS),
        "x-page-outcome": page.outcome,
        "x-page-status": page.status,
        "x-page-redirects": page.redirects,
        "x-page-seconds": page.seconds,
        "x-page-acquired": page.acquired,
        "x-page-session-problem": quote(page.session_problem, safe=" ,:;") or None,
    }
    return {name: str(value) for name, value in known.items() if value is not None}
