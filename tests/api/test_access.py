"""Who may ask, under which name, and with what kind of body."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from browserwatch.api.auth import make_key
from browserwatch.api.middleware import MAX_BODY
from tests.api.conftest import Serve
from tests.api.fakes import World

TASK = {"task": "Buy milk"}


def bearer(key: str) -> dict[str, str]:
    """The header that has a key."""
    return {"Authorization": f"Bearer {key}"}


async def test_without_a_key_nothing_under_v1_is_answered(serve: Serve) -> None:
    """Neither known nor unknown paths, with any method; before the body is looked at."""
    _, line = make_key("acme")
    async with serve(api_keys=(line,)) as http:
        for method, path in (("GET", "/v1/runs"), ("POST", "/v1/pages"), ("GET", "/v1/nope"), ("DELETE", "/v1")):
            for headers in ({}, bearer("bw_wrong"), {"Authorization": "Basic Zm9v"}, {"Authorization": "Bearer"}):
                answer = await http.request(method, path, headers=headers)
                assert answer.status_code == 401, (method, path, headers)
                assert answer.headers["www-authenticate"].startswith("Bearer")
                assert answer.json()["type"] == "urn:browserwatch:problem:unauthorized"


async def test_tenants_see_only_what_is_theirs(serve: Serve, world: World) -> None:
    """Another's runs and sessions are not found, whatever is tried on them."""
    (acme, acme_line), (evil, evil_line) = make_key("acme"), make_key("evil")
    world.sessions.stored["acme"] = ["shop"]
    async with serve(api_keys=(acme_line, evil_line)) as http:
        run = (await http.post("/v1/runs", json=TASK, headers=bearer(acme))).json()
        path = run["links"]["self"]
        for method, tried in (
            ("GET", path),
            ("GET", f"{path}/events"),
            ("POST", f"{path}/cancel"),
            ("GET", "/v1/sessions/shop"),
            ("DELETE", "/v1/sessions/shop"),
        ):
            answer = await http.request(method, tried, headers=bearer(evil))
            assert answer.status_code == 404, (method, tried)
        assert (await http.get("/v1/runs", headers=bearer(evil))).json()["runs"] == []
        assert (await http.get("/v1/sessions", headers=bearer(evil))).json()["sessions"] == []
        assert (await http.get(path, headers=bearer(acme))).json()["state"] == "queued"
        assert (await http.get("/v1/sessions/shop", headers=bearer(acme))).status_code == 200


async def test_health_metrics_and_the_documentation_need_no_key(serve: Serve) -> None:
    """They tell nothing of a tenant's."""
    async with serve(api_keys=(make_key("acme")[1],)) as http:
        for path in ("/health/live", "/health/ready", "/health/browser", "/metrics", "/openapi.json"):
            assert (await http.get(path)).status_code == 200, path


@pytest.mark.parametrize(
    "url", ["http://localhost", "http://127.0.0.1:8700", "http://[::1]:8700", "http://LOCALHOST:1"]
)
async def test_names_of_this_machine_are_answered(serve: Serve, url: str) -> None:
    """With any port: it may be forwarded."""
    async with serve(base_url=url) as http:
        assert (await http.get("/v1/runs")).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8700", "127.0.0.1.evil.example", "", "[", "10.0.0.1"])
async def test_a_page_cannot_reach_the_service_under_a_name_of_its_own(serve: Serve, host: str) -> None:
    """DNS rebinding: without keys, any other name than loopback is refused."""
    async with serve() as http:
        answer = await http.get("/v1/runs", headers={"Host": host})
    assert answer.status_code == 421
    assert answer.json()["type"] == "urn:browserwatch:problem:misdirected"


async def test_with_keys_any_name_will_do(serve: Serve) -> None:
    """A proxy in front keeps the name that its clients used, and a page in a browser has no key."""
    key, line = make_key("acme")
    async with serve(base_url="http://agents.example", api_keys=(line,)) as http:
        assert (await http.get("/v1/runs", headers=bearer(key))).status_code == 200


@pytest.mark.parametrize("kind", [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
async def test_only_json_is_taken(http: httpx.AsyncClient, world: World, kind: str | None) -> None:
    """What a browser sends across origins without asking is refused."""
    answer = await http.post("/v1/runs", content=b'{"task": "t"}', headers={"content-type": kind} if kind else {})
    assert answer.status_code == 415
    assert not world.runs.requests


async def test_json_may_have_parameters(http: httpx.AsyncClient) -> None:
    """And any case."""
    answer = await http.post(
        "/v1/runs", content=b'{"task":"t"}', headers={"content-type": "Application/JSON; charset=utf-8"}
    )
    assert answer.status_code == 202


@pytest.mark.parametrize("announced", [True, False])
async def test_a_body_has_a_largest_size(http: httpx.AsyncClient, world: World, *, announced: bool) -> None:
    """Whether its length is announced or not."""
    body = b'{"task": "' + b"x" * MAX_BODY + b'"}'

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 65536):
            yield body[start : start + 65536]

    content = body if announced else pieces()
    answer = await http.post("/v1/runs", content=content, headers={"content-type": "application/json"})
    assert answer.status_code == 413
    assert answer.json()["type"] == "urn:browserwatch:problem:body-too-large"
    assert not world.runs.requests


async def test_answers_are_not_guessed_at(http: httpx.AsyncClient) -> None:
    """A browser must not take JSON for a page."""
    assert (await http.get("/v1/runs")).headers["x-content-type-options"] == "nosniff"
