"""The OpenAPI document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest


@pytest.fixture
async def document(http: httpx.AsyncClient) -> dict[str, Any]:
    return (await http.get("/openapi.json")).json()


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every operation with its path and method."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def test_every_route_is_there_with_its_problems_and_its_key(document: dict[str, Any]) -> None:
    """Problems have their own media type, and FastAPI's own form of a validation error is nowhere."""
    found = {(method, path) for path, method, _ in operations(document)}
    assert found == {
        ("get", "/v1/runs"),
        ("post", "/v1/runs"),
        ("get", "/v1/runs/{run_id}"),
        ("get", "/v1/runs/{run_id}/events"),
        ("post", "/v1/runs/{run_id}/cancel"),
        ("post", "/v1/pages"),
        ("get", "/v1/sessions"),
        ("get", "/v1/sessions/{name}"),
        ("delete", "/v1/sessions/{name}"),
        ("get", "/health/live"),
        ("get", "/health/ready"),
        ("get", "/health/browser"),
    }
    for path, _, operation in operations(document):
        if path.startswith("/v1/"):
            assert operation["security"] == [{"API key": []}]
            assert "401" in operation["responses"]
            for status, response in operation["responses"].items():
                if int(status) >= 400:
                    assert list(response["content"]) == ["application/problem+json"], (path, status)
    assert "HTTPValidationError" not in document["components"]["schemas"]


def test_bodies_and_answers_have_examples(document: dict[str, Any]) -> None:
    """For those who read it, and for tools that try it."""
    schemas = document["components"]["schemas"]
    for name in ("RunBody", "PageBody", "RunTaken", "Problem"):
        assert schemas[name]["examples"], name


async def test_examples_are_true(http: httpx.AsyncClient, document: dict[str, Any]) -> None:
    """Those of the bodies are taken."""
    schemas = document["components"]["schemas"]
    assert (await http.post("/v1/runs", json=schemas["RunBody"]["examples"][0])).status_code == 202
    assert (await http.post("/v1/pages", json=schemas["PageBody"]["examples"][0])).status_code == 200


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
async def test_no_page_loads_scripts_from_elsewhere(http: httpx.AsyncClient, path: str) -> None:
    """The pages that FastAPI makes would."""
    assert (await http.get(path)).status_code == 404
