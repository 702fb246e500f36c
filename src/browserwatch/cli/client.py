"""The service by HTTP, as far as the command line needs it."""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, Final, Self

import httpx
from httpx_sse import connect_sse

from browserwatch.errors import BrowserwatchError

ANSWER_SECONDS: Final = 30.0
LONGEST_FETCH_SECONDS: Final = 600.0
MAX_RECONNECTS: Final = 5


class ServiceError(BrowserwatchError):
    """The service refused, failed or can't be reached; the message is what it said."""


class ServiceClient:
    """A connection to a service. Use as a context manager.

    Args:
        url: address of the service.
        api_key: key to it.
    """

    def __init__(self, url: str, api_key: str | None = None) -> None:
        self.url = url.rstrip("/")
        headers = {"authorization": f"Bearer {api_key}"} if api_key else {}
        # Without the environment's proxies: the service is on this machine, or has an address of its own.
        self._http = httpx.Client(base_url=self.url, headers=headers, timeout=ANSWER_SECONDS, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def submit(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Have a task run; its id, trace id and links.

        Raises:
            ServiceError: it was not taken.
        """
        return self._json("POST", "/v1/runs", json=dict(request))

    def run(self, run_id: str) -> dict[str, Any]:
        """A run as it is now."""
        return self._json("GET", f"/v1/runs/{run_id}")

    def fetch(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """A page."""
        return self._json("POST", "/v1/pages", json=dict(request), timeout=LONGEST_FETCH_SECONDS)

    def health(self) -> dict[str, Any]:
        """The health report, whatever its status."""
        with self._reachable():
            return self._http.get("/health/browser").json()

    def follow(self, run_id: str) -> Generator[tuple[str, dict[str, Any]]]:
        """Type and data of each event of a run, those that were missed included, until it is over."""
        last, failures = "", 0
        while True:
            headers = {"last-event-id": last} if last else {}
            try:
                with connect_sse(
                    self._http, "GET", f"/v1/runs/{run_id}/events", headers=headers, timeout=ANSWER_SECONDS
                ) as source:
                    if source.response.is_error:
                        source.response.read()
                        raise ServiceError(_problem(source.response))
                    if source.response.status_code == HTTPStatus.NO_CONTENT:
                        return  # over, and all of it was seen
                    for event in source.iter_sse():
                        if not event.data:
                            continue  # how long to wait before the next try, say
                        last, failures = event.id or last, 0
                        yield event.event, json.loads(event.data)
                        if event.event == "run.finished":
                            return
            except httpx.TransportError:
                failures += 1
                if failures > MAX_RECONNECTS:
                    raise ServiceError(f"The connection to {self.url} broke {failures} times.") from None

    def _json(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        with self._reachable():
            answer = self._http.request(method, path, **options)
        if answer.is_error:
            raise ServiceError(_problem(answer))
        return answer.json()

    @contextmanager
    def _reachable(self) -> Generator[None]:
        try:
            yield
        except httpx.TransportError as error:
            raise ServiceError(
                f"The service at {self.url} does not answer ({type(error).__name__}):"
                " start it with `browserwatch serve`, or set BROWSERWATCH_URL."
            ) from None
        except httpx.InvalidURL:
            raise ServiceError(f"{self.url!r} is no address of a service; use one like http://127.0.0.1:8700") from None


def _problem(answer: httpx.Response) -> str:
    """What a problem document says, in one sentence."""
    try:
        document = answer.json()
        told = f"{document['title']}: {document.get('detail', '')}".rstrip(": ")
    except (ValueError, KeyError, TypeError):
        told = answer.reason_phrase or "no reason given"
    return f"{told} (status {answer.status_code})"
