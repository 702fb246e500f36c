"""`/v1/sessions`: metadata only."""

from __future__ import annotations

import httpx

from browserwatch.sessions.errors import StoreUnavailableError
from tests.api.fakes import World


async def test_sessions_are_told_of_and_not_shown(http: httpx.AsyncClient, world: World) -> None:
    """Counts, sizes and times."""
    world.sessions.stored["default"] = ["shop", "bank"]
    listed = (await http.get("/v1/sessions")).json()["sessions"]
    assert [one["name"] for one in listed] == ["bank", "shop"]
    assert listed[1] == (await http.get("/v1/sessions/shop")).json()
    assert listed[1] == {
        "name": "shop",
        "created": "2026-01-02T03:04:05Z",
        "saved": "2026-01-02T03:04:05Z",
        "expires": "2026-01-03T03:04:05Z",
        "size": 100,
        "cookies": 2,
        "origins": 1,
    }


async def test_a_session_can_be_forgotten_once(http: httpx.AsyncClient, world: World) -> None:
    """Then there is none."""
    world.sessions.stored["default"] = ["shop"]
    assert (await http.delete("/v1/sessions/shop")).status_code == 204
    again = await http.delete("/v1/sessions/shop")
    assert (again.status_code, again.json()["type"]) == (404, "urn:browserwatch:problem:session-not-found")
    assert (await http.get("/v1/sessions/shop")).status_code == 404


async def test_a_name_that_none_can_have_is_a_problem(http: httpx.AsyncClient) -> None:
    """There is no such session; to forget it, the name must be a name."""
    assert (await http.get("/v1/sessions/a%20b")).status_code == 404
    answer = await http.delete("/v1/sessions/a%20b")
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:browserwatch:problem:invalid-name")


async def test_without_redis_there_is_a_clear_answer(http: httpx.AsyncClient, world: World) -> None:
    """And when to try again."""
    world.sessions.error = StoreUnavailableError("Redis at unix:/data/redis.sock gave no answer within 2 s")
    answer = await http.get("/v1/sessions")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"
    assert "redis.sock" not in answer.text
