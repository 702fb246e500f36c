"""A scripted model: a server that speaks OpenAI's and Anthropic's APIs and says what a scenario says."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Protocol

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from browserwatch.demo import anthropic_api, openai_api
from browserwatch.demo.bookkeeping import Attempts, RecordedRequest, masked
from browserwatch.demo.errors import DemoError
from browserwatch.demo.prompts import Call, Prompt, read_prompt
from browserwatch.demo.replies import Reply, reply_to
from browserwatch.demo.scenarios import DEFAULT, Fault, Scenario, builtin_scenarios

_KEPT_REQUESTS = 256
_ERRORS = {"rate-limit": (429, "rate_limit_error"), "server-error": (500, "api_error")}


class _Api(Protocol):
    """What `openai_api` and `anthropic_api` have in common."""

    def decode(self, body: bytes) -> Call: ...
    def encode(self, reply: Reply, call: Call) -> dict[str, Any]: ...
    def encode_error(self, kind: str, message: str) -> dict[str, Any]: ...


class _Dropped(Response):
    """Begins an answer and leaves it there, on which the server cuts the connection."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  # ASGI's signature
        headers = [(b"content-type", b"application/json"), (b"content-length", b"1000")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b'{"id": ', "more_body": True})


class _Model:
    def __init__(self, scenarios: dict[str, Scenario], latency: float) -> None:
        self.requests: deque[RecordedRequest] = deque(maxlen=_KEPT_REQUESTS)
        self._scenarios = scenarios
        self._latency = latency
        self._attempts = Attempts()

    def endpoint(self, api: _Api) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            body = await request.body()
            prompt: Prompt | None = None
            scenario: Scenario | None = None
            try:
                call = api.decode(body)
                prompt = read_prompt(call)
                scenario = self._choose(prompt, call)
                response = await self._respond(api, call, prompt, scenario, _api_key(request))
            except (msgspec.DecodeError, DemoError) as error:
                response = JSONResponse(api.encode_error("invalid_request_error", str(error)), status_code=400)
            self._record(request, body, response, prompt, scenario)
            return response

        return answer

    def _choose(self, prompt: Prompt, call: Call) -> Scenario:
        if prompt.scenario is None:
            return self._scenarios.get(call.model) or self._scenarios[DEFAULT]
        if prompt.scenario not in self._scenarios:
            known = ", ".join(sorted(self._scenarios))
            raise DemoError(f"the task names an unknown scenario {prompt.scenario!r}; known are: {known}")
        return self._scenarios[prompt.scenario]

    async def _respond(self, api: _Api, call: Call, prompt: Prompt, scenario: Scenario, api_key: str) -> Response:
        fault: Fault | None = None
        delays = [scenario.latency, self._latency]
        if prompt.purpose == "step":
            step = scenario.step(prompt.step)
            fault = self._attempts.due((api_key, scenario.name, prompt.step), step.fault)
            delays.insert(0, step.latency)
        latency = next(delay for delay in delays if delay is not None)
        await asyncio.sleep(latency + (fault.seconds if fault else 0))
        return _failure(api, fault) or JSONResponse(api.encode(reply_to(prompt, scenario, fault), call))

    def _record(
        self, request: Request, body: bytes, response: Response, prompt: Prompt | None, scenario: Scenario | None
    ) -> None:
        self.requests.append(
            RecordedRequest(
                path=request.url.path,
                headers=masked(request.headers),
                body=body,
                status=0 if isinstance(response, _Dropped) else response.status_code,
                purpose=prompt.purpose if prompt else None,
                scenario=scenario.name if scenario else None,
                step=prompt.step if prompt and prompt.purpose == "step" else None,
            )
        )


def _failure(api: _Api, fault: Fault | None) -> Response | None:
    if fault is None:
        return None
    if fault.kind == "dropped":
        return _Dropped()
    if fault.kind not in _ERRORS:
        return None
    status, kind = _ERRORS[fault.kind]
    body = api.encode_error(kind, f"scripted fault: {fault.kind}")
    wait = {} if fault.retry_after is None else {"retry-after": f"{fault.retry_after:g}"}
    return JSONResponse(body, status_code=status, headers=wait)


def _api_key(request: Request) -> str:
    return request.headers.get("authorization") or request.headers.get("x-api-key") or ""


def scripted_model(scenarios: Iterable[Scenario] = (), *, latency: float = 0.0) -> Starlette:
    """Make the app of a scripted model.

    It serves `POST /v1/chat/completions` (for `ChatOpenAI(base_url=f"{url}/v1")`) and `POST /v1/messages` (for
    `ChatAnthropic(base_url=url)`); any key will do. A scenario is chosen by `[scenario: name]` in the task, or by
    the model's name, or is `default`, which just says done. The last requests are in `app.state.requests`, a
    bounded deque of `RecordedRequest`.

    Args:
        scenarios: Scenarios beside the built-in ones; one of the same name replaces the built-in one.
        latency: Seconds until an answer, where scenario and step don't say.
    """
    model = _Model({scenario.name: scenario for scenario in (*builtin_scenarios(), *scenarios)}, latency)
    app = Starlette(
        routes=[
            Route("/v1/chat/completions", model.endpoint(openai_api), methods=["POST"]),
            Route("/v1/messages", model.endpoint(anthropic_api), methods=["POST"]),
        ]
    )
    app.state.requests = model.requests
    return app
