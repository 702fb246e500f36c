import asyncio
import json
import time
from typing import Any

import httpx
import pytest
from demo_prompts import ALL_ACTIONS, JUDGEMENT, ONLY_DONE, action_schema, chat, messages, state
from starlette.applications import Starlette

from browserwatch.demo import Fault, Scenario, Step, scripted_model

CHAT = "/v1/chat/completions"
MESSAGES = "/v1/messages"
SITE = "site: http://site.test"


def answer(response: httpx.Response) -> dict[str, Any]:
    assert response.status_code == 200, response.text
    return json.loads(response.json()["choices"][0]["message"]["content"])


async def ask(client: httpx.AsyncClient, scenario: str, *, step: int = 1, **request: Any) -> dict[str, Any]:
    return answer(await client.post(CHAT, json=chat(state(f"[scenario: {scenario}] {SITE}", step=step), **request)))


def client_of(model: Starlette) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(model), base_url="http://model")


def one_step(*actions: dict[str, dict[str, Any]], **fields: Any) -> Scenario:
    return Scenario(name="mine", steps=(Step(actions=actions, **fields),))


async def test_openai_step(model_client: httpx.AsyncClient) -> None:
    """A step is answered with its actions, the site of the task filled in."""
    content = await ask(model_client, "read-table")
    assert content["action"] == [{"navigate": {"url": "http://site.test/table"}}]


async def test_anthropic_step(model_client: httpx.AsyncClient) -> None:
    """Anthropic's API gets the same answer as the use of the tool it forced."""
    response = await model_client.post(MESSAGES, json=messages(state(f"[scenario: read-table] {SITE}")))
    (block,) = response.json()["content"]
    assert (block["type"], block["name"]) == ("tool_use", "AgentOutput")
    assert block["input"]["action"] == [{"navigate": {"url": "http://site.test/table"}}]


async def test_scenario_by_model_name(model_client: httpx.AsyncClient) -> None:
    """Without a scenario in the task the model's name chooses, and a name that is none says done."""
    named = answer(await model_client.post(CHAT, json=chat(state(SITE), model="read-table")))
    other = answer(await model_client.post(CHAT, json=chat(state(SITE), model="gpt-4.1")))
    assert [list(content["action"][0]) for content in (named, other)] == [["navigate"], ["done"]]


async def test_own_scenario_replaces_builtin() -> None:
    """A scenario of the user's takes the place of a built-in one of its name."""
    mine = Scenario(name="default", steps=(Step(actions=({"wait": {"seconds": 1}},)),))
    async with client_of(scripted_model([mine])) as client:
        assert (await ask(client, "default"))["action"] == [{"wait": {"seconds": 1}}]


@pytest.mark.parametrize(
    ("task", "message"),
    [("[scenario: nonsense]", "known are: broken-json, "), ("[scenario: read-table]", "add `site: http://")],
)
async def test_task_problems(model_client: httpx.AsyncClient, task: str, message: str) -> None:
    """What is wrong with the task is the client's error and says what to write."""
    response = await model_client.post(CHAT, json=chat(state(task)))
    assert response.status_code == 400
    assert message in response.json()["error"]["message"]


@pytest.mark.parametrize("path", [CHAT, MESSAGES])
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"messages": [], "stream": true}'])
async def test_unreadable_requests(model_client: httpx.AsyncClient, path: str, body: bytes) -> None:
    """Streaming and garbage are the client's errors."""
    response = await model_client.post(path, content=body)
    assert response.status_code == 400
    assert response.json()["error"]["message"]


async def test_parameters_are_filled() -> None:
    """Elements and tabs become browser-use's numbers and ids; the site is filled in at any depth."""
    actions = (
        {"click": {"element": "#home"}},
        {"input": {"element": "#no-such", "text": "x"}},
        {"switch": {"tab": "/table"}},
        {"mine": {"list": ["{site}/a", 1], "map": {"url": "{site}"}}},
    )
    async with client_of(scripted_model([one_step(*actions)])) as client:
        assert (await ask(client, "mine"))["action"] == [
            {"click": {"index": 18}},
            {"input": {"index": 999_999, "text": "x"}},
            {"switch": {"tab_id": "1A2B"}},
            {"mine": {"list": ["http://site.test/a", 1], "map": {"url": "http://site.test"}}},
        ]


async def test_only_known_fields(model_client: httpx.AsyncClient) -> None:
    """An answer has no field that the agent's mode doesn't know."""
    flash = action_schema("navigate", "done", fields=("memory",))
    assert set(await ask(model_client, "read-table", schema=flash)) == {"memory", "action"}


async def test_gives_up_when_only_done_is_allowed(model_client: httpx.AsyncClient) -> None:
    """When only done is allowed a model obeys and reports failure, unless its scenario says that it doesn't."""
    (obeys,) = (await ask(model_client, "read-table", schema=ONLY_DONE))["action"]
    assert obeys["done"]["success"] is False
    assert "done" not in (await ask(model_client, "never-done", schema=ONLY_DONE))["action"][0]


async def test_extraction(model_client: httpx.AsyncClient) -> None:
    """An extract action's query carries the scenario, by which the extraction call finds its reply."""
    content = await ask(model_client, "read-table", step=2)
    query = content["action"][0]["extract"]["query"]
    assert query == "Which product is the cheapest? [scenario: read-table]"
    response = await model_client.post(CHAT, json=chat(f"<query>{query}</query>", None))
    assert response.json()["choices"][0]["message"]["content"].startswith("Cheapest product: Chisel")


async def test_extraction_by_schema() -> None:
    """Extraction by schema is answered with the scenario's data."""
    scenario = Scenario(name="mine", steps=(Step(actions=({"done": {}},)),), extraction={"products": ["Anvil"]})
    async with client_of(scripted_model([scenario])) as client:
        request = chat("<query>all [scenario: mine]</query>", {"properties": {"products": {}}})
        assert answer(await client.post(CHAT, json=request)) == {"products": ["Anvil"]}


async def test_judge(model_client: httpx.AsyncClient) -> None:
    """The judge says what the scenario says, in the fields that this version's judgement has."""
    task = "<task>[scenario: judge-fails]</task>"
    assert answer(await model_client.post(CHAT, json=chat(task, JUDGEMENT))) == {
        "verdict": False,
        "reasoning": "The agent names a price that is on no page it saw.",
        "failure_reason": "The price was made up.",
    }


async def test_rate_limit_then_recovery(model_client: httpx.AsyncClient) -> None:
    """A fault with a count hits the first calls of each key's step, and again in the next run."""
    request = chat(state(f"[scenario: rate-limited] {SITE}", step=2))

    async def statuses(key: str, calls: int) -> list[int]:
        headers = {"authorization": f"Bearer {key}"}
        return [(await model_client.post(CHAT, json=request, headers=headers)).status_code for _ in range(calls)]

    assert await statuses("one", 1) == [429]
    assert await statuses("two", 6) == [429, 429, 200, 429, 429, 200]
    assert await statuses("one", 2) == [429, 200]


@pytest.mark.parametrize(("path", "request_for"), [(CHAT, chat), (MESSAGES, messages)])
async def test_http_errors(model_client: httpx.AsyncClient, path: str, request_for: Any) -> None:
    """An HTTP fault is in the form of its API and says when to try again."""
    response = await model_client.post(path, json=request_for(state("[scenario: server-error]")))
    assert (response.status_code, response.headers["retry-after"]) == (500, "0.2")
    assert response.json()["error"]["type"] == "api_error"


async def test_unusable_answers(model_client: httpx.AsyncClient) -> None:
    """An unusable answer is no JSON, or JSON with an action that isn't there; Anthropic's is no tool use."""
    task = f"[scenario: broken-json] {SITE}"
    with pytest.raises(json.JSONDecodeError):
        await ask(model_client, "broken-json")
    assert (await ask(model_client, "broken-json", step=2))["action"] == [{"no_such_action": {}}]
    response = await model_client.post(MESSAGES, json=messages(state(task)))
    assert [block["type"] for block in response.json()["content"]] == ["text"]


async def test_usage(model_client: httpx.AsyncClient) -> None:
    """OpenAI's prompt tokens include those from the cache, Anthropic's don't."""
    text = state(f"[scenario: read-table] {SITE}")
    openai = (await model_client.post(CHAT, json=chat(text))).json()["usage"]
    anthropic = (await model_client.post(MESSAGES, json=messages(text))).json()["usage"]
    assert (openai["prompt_tokens"], openai["prompt_tokens_details"]["cached_tokens"]) == (6500, 4096)
    assert (anthropic["input_tokens"], anthropic["cache_read_input_tokens"]) == (6500 - 4096, 4096)
    assert openai["completion_tokens"] == anthropic["output_tokens"] == 120


@pytest.mark.parametrize(
    "scenario",
    [
        one_step({"done": {}}, latency=0.1),
        Scenario(name="mine", steps=(Step(actions=({"done": {}},)),), latency=0.1),
        one_step({"done": {}}, fault=Fault("slow", seconds=0.1)),
    ],
)
async def test_latency(scenario: Scenario) -> None:
    """A step, a scenario or a slow fault takes its time, where the server by itself would take none."""
    async with client_of(scripted_model([scenario], latency=0)) as client:
        begin = time.monotonic()
        await ask(client, "mine")
        assert time.monotonic() - begin >= 0.1


async def test_many_agents_at_once(model_client: httpx.AsyncClient) -> None:
    """Agents at different steps of different scenarios don't disturb each other."""
    scenarios = ["read-table", "click-tour", "shop-login"] * 10
    contents = await asyncio.gather(
        *(ask(model_client, name, step=index % 3 + 1) for index, name in enumerate(scenarios))
    )
    assert [list(content["action"][0]) for content in contents[:3]] == [["navigate"], ["click"], ["find_text"]]
    assert all(content == contents[index % 3] for index, content in enumerate(contents))


async def test_recorded_requests(model: Starlette, model_client: httpx.AsyncClient) -> None:
    """Requests are on record with what they asked for, headers in lower case and keys masked."""
    headers = {"Authorization": "Bearer key-1", "X-Api-Key": "key-2", "Traceparent": "00-abc"}
    await model_client.post(CHAT, json=chat(state(f"[scenario: read-table] {SITE}", step=3)), headers=headers)
    (request,) = model.state.requests
    assert (request.path, request.status, request.purpose, request.scenario, request.step) == (
        CHAT,
        200,
        "step",
        "read-table",
        3,
    )
    assert request.headers["traceparent"] == "00-abc"
    assert "key-" not in str(request.headers)
    assert json.loads(request.body)["model"] == "scripted"


async def test_record_is_bounded(model: Starlette, model_client: httpx.AsyncClient) -> None:
    """The record keeps the latest requests only."""
    for _ in range(300):
        await model_client.post(CHAT, content=b"")
    assert len(model.state.requests) == 256


async def test_schema_of_all_actions_is_read() -> None:
    """The fixture's schema allows more than done, or the tests above would prove little."""
    assert len(ALL_ACTIONS["properties"]["action"]["items"]["anyOf"]) > 1
