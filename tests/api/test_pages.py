"""`POST /v1/pages`."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import httpx
import msgspec
import pytest
from starlette.requests import Request

from browserwatch.api.connection import ClientGoneError, while_connected
from tests.api.fakes import PNG, World

PAGE = {"url": "https://shop.example/orders"}


async def test_text_comes_as_text_with_what_is_known_of_the_page(http: httpx.AsyncClient, world: World) -> None:
    """JSON unless something else is asked for; the service's defaults for what is not given."""
    answer = await http.post("/v1/pages", json=PAGE)
    assert answer.status_code == 200
    assert answer.json() == {
        "url": "https://shop.example/möbel?q=1",
        "outcome": "ok",
        "status": 200,
        "title": "Möbel",
        "media_type": "text/html",
        "encoding": "text",
        "content": "<h1>Möbel</h1>",
        "redirects": 1,
        "timing": {
            "ttfb_seconds": 0.1,
            "dom_content_loaded_seconds": 0.2,
            "load_seconds": 0.3,
            "seconds": 0.4,
        },
        "acquired": "warm",
        "trace_id": "cd" * 16,
        "session_problem": "",
    }
    request = world.pages.requests[0]
    assert (request.format, request.wait_until, request.timeout_seconds) == ("html", "load", None)


async def test_pictures_come_in_base64(http: httpx.AsyncClient, world: World) -> None:
    """JSON has no bytes."""
    world.pages.page = msgspec.structs.replace(world.pages.page, content=PNG)
    page = (await http.post("/v1/pages", json={**PAGE, "format": "screenshot"})).json()
    assert (page["encoding"], page["media_type"]) == ("base64", "image/png")
    assert base64.b64decode(page["content"]) == PNG


@pytest.mark.parametrize(
    ("form", "accept"),
    [
        ("html", "text/html"),
        ("markdown", "text/markdown"),
        ("text", "text/plain; q=0.9, application/json; q=0.1"),
        ("screenshot", "IMAGE/PNG"),
        ("pdf", "application/pdf"),
    ],
)
async def test_who_names_the_type_gets_the_bare_content(
    http: httpx.AsyncClient, world: World, form: str, accept: str
) -> None:
    """And the rest in headers, which stay plain ASCII; a browser would neither show nor run it."""
    world.pages.page = msgspec.structs.replace(world.pages.page, content=PNG, session_problem="not saved:\r\nbusy")
    answer = await http.post("/v1/pages", json={**PAGE, "format": form}, headers={"Accept": accept})
    assert answer.content == PNG
    assert answer.headers["content-type"].split(";")[0] in accept.lower()
    assert answer.headers["x-page-url"] == "https://shop.example/m%C3%B6bel?q=1"
    assert answer.headers["x-page-status"] == "200"
    assert answer.headers["x-page-session-problem"] == "not saved:%0D%0Abusy"
    assert answer.headers["content-security-policy"] == "sandbox"
    assert answer.headers["content-disposition"] == "attachment"


@pytest.mark.parametrize("accept", ["*/*", "image/*", "text/html", "application/json", ""])
async def test_every_other_wish_is_answered_in_json(http: httpx.AsyncClient, accept: str) -> None:
    """Wildcards and other types are no names."""
    answer = await http.post("/v1/pages", json={**PAGE, "format": "screenshot"}, headers={"Accept": accept})
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize("change", [{"format": "gif"}, {"wait_until": "never"}, {"url": 1}, {"cookie": "x"}])
async def test_fields_have_their_values(http: httpx.AsyncClient, change: dict[str, Any]) -> None:
    """Closed sets are closed, and unknown fields are no fields."""
    assert (await http.post("/v1/pages", json={**PAGE, **change})).status_code == 422


async def test_work_for_a_client_that_went_away_is_cancelled() -> None:
    """And has ended, with all that it must give back, when that is told."""
    let_go = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            let_go.set()

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    request = Request({"type": "http"}, receive)
    with pytest.raises(ClientGoneError):
        await while_connected(request, work())
    assert let_go.is_set()
