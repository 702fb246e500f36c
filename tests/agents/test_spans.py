"""What real agents show as spans: the tree, its parents, every page load, and how things ended."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import Any, cast

import psutil
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan

from browserwatch import events
from browserwatch.demo import Scenario, Step, demo_site, scripted_model, serve_in_thread
from tests.agents.conftest import Lab, Watched

pytestmark = pytest.mark.real


def tree(spans: list[ReadableSpan]) -> dict[str, list[str]]:
    """Names of the children by the name of their parent ("" for roots)."""
    names = {span.context.span_id: span.name for span in spans if span.context}
    found: dict[str, list[str]] = {}
    for span in spans:
        parent = names[span.parent.span_id] if span.parent else ""
        found.setdefault(parent, []).append(span.name)
    return found


def attribute(span: ReadableSpan, key: str) -> Any:
    """An attribute of a span, None when it has none."""
    return (span.attributes or {}).get(key)


async def test_a_run_is_one_tree(watched: Watched, lab: Lab) -> None:
    """Run, steps, model calls, actions, page loads, launch and state are one trace, each under what caused it."""
    history = await lab.agent("read-table").run(max_steps=5)

    assert history.is_successful()
    run = watched.named("invoke_agent")[0]
    assert run.name == "invoke_agent Agent"
    trace_id = run.context and run.context.trace_id
    mine = [span for span in watched.spans if span.context and span.context.trace_id == trace_id]
    children = tree(mine)
    assert children[""] == ["invoke_agent Agent"]
    assert children["invoke_agent Agent"] == ["browser_launch", "agent_step", "agent_step", "agent_step"]
    assert children["agent_step"].count("chat gpt-4.1-mini") == 3
    assert "browser_state" in children["agent_step"]
    assert [name for name in children["agent_step"] if name.startswith("execute_tool")] == [
        "execute_tool navigate",
        "execute_tool extract",
        "execute_tool done",
    ]
    assert children["execute_tool extract"] == ["chat gpt-4.1-mini"]
    assert "page_fetch" in children["execute_tool navigate"]
    kinds = {span.name.split(" ")[0]: span.kind for span in mine}
    assert kinds.pop("chat") is trace.SpanKind.CLIENT
    assert set(kinds.values()) == {trace.SpanKind.INTERNAL}
    purposes = [attribute(span, "browser.model.purpose") for span in watched.named("chat")]
    assert purposes == ["agent", "agent", "extract", "agent"]
    assert attribute(run, "browser.run.outcome") == "success"
    assert attribute(run, "gen_ai.usage.input_tokens") == sum(
        attribute(span, "gen_ai.usage.input_tokens") for span in watched.named("chat")
    )


async def test_agents_at_once_do_not_mix(watched: Watched, lab: Lab) -> None:
    """Two agents in one process each get their own trace, although they share bubus' lock and its tasks."""
    await asyncio.gather(lab.agent("read-table").run(max_steps=5), lab.agent("failing").run(max_steps=5))

    runs = watched.named("invoke_agent")
    assert len(runs) == 2
    sessions: dict[int, set[Any]] = {}
    for span in watched.spans:
        if (session := attribute(span, "browser.session.id")) and span.parent:
            assert span.context
            sessions.setdefault(span.context.trace_id, set()).add(session)
    assert [len(found) for found in sessions.values()] == [1, 1]
    paths: dict[Any, set[Any]] = {}
    for span in watched.named("page_fetch"):
        if str(attribute(span, "server.address")) == "127.0.0.1" and span.parent and span.context:
            paths.setdefault(span.context.trace_id, set()).add(attribute(span, "url.path"))
    by_outcome = {
        attribute(run, "browser.run.outcome"): paths[run.context.trace_id] for run in runs if run.context is not None
    }
    assert by_outcome == {"success": {"/table"}, "failure": {"/missing", "/"}}


async def test_every_page_load_is_seen(watched: Watched, lab: Lab) -> None:
    """Commands, clicks, redirects, scripts and new tabs: each load is a span with cause, status and milestones."""
    assert (await lab.agent("click-tour").run(max_steps=15)).is_successful()

    loads = [span for span in watched.named("page_fetch") if attribute(span, "server.address") == "127.0.0.1"]
    seen = [(attribute(span, "browser.page.cause"), attribute(span, "url.path")) for span in loads]
    assert seen == [
        ("agent", "/"),
        ("link", "/table"),
        ("link", "/"),
        ("link", "/arrived"),
        ("link", "/"),
        ("link", "/redirect-script"),
        ("script", "/arrived"),
        ("link", "/"),
        ("new_tab", "/arrived"),
        ("link", "/"),
        ("new_tab", "/arrived"),
    ]
    assert {attribute(span, "http.response.status_code") for span in loads} == {200}
    assert attribute(loads[3], "browser.page.redirects") == 2
    for span in (*loads[:5], *loads[6:]):
        first, content, load = (
            attribute(span, f"browser.page.{name}_seconds") for name in ("ttfb", "dom_content_loaded", "load")
        )
        assert 0 < first <= content <= load < 60
    parents = {span.context.span_id: span.name for span in watched.spans if span.context}
    assert {parents[span.parent.span_id] for span in loads if span.parent} == {
        "execute_tool navigate",
        "execute_tool click",
    }


@pytest.mark.parametrize(
    ("scenario", "options", "outcome", "reason"),
    [
        ("failing", {}, "failure", "navigation"),
        ("never-done", {}, "max_steps", "max_steps"),
        ("judge-fails", {"use_judge": True}, "failure", "judge"),
        ("rate-limited", {"max_failures": 3}, "success", "none"),
        ("server-error", {"max_failures": 2}, "error", "llm_error"),
        ("broken-json", {"max_failures": 3}, "success", "none"),
    ],
)
async def test_outcome_comes_from_results(  # the parameters are the table's columns
    watched: Watched, lab: Lab, scenario: str, options: dict[str, Any], outcome: str, reason: str
) -> None:
    """browser-use returns normally from nearly everything: the outcome is read from what the run came to."""
    await lab.agent(scenario, **options).run(max_steps=6)

    run = watched.named("invoke_agent")[0]
    assert attribute(run, "browser.run.outcome") == outcome
    assert attribute(run, "browser.run.failure_reason") == reason
    assert attribute(run, "error.type") == (None if reason == "none" else reason)
    assert (run.status.status_code is trace.StatusCode.ERROR) == (reason != "none")
    assert watched.sample("browser_runs_total", outcome=outcome, failure_reason=reason) == 1
    assert watched.sample("browser_active_agents") == 0


async def test_model_errors_have_types(watched: Watched, lab: Lab) -> None:
    """A refused or unusable answer is an error of the call and of the step, with a type from a closed set."""
    await lab.agent("rate-limited", max_failures=3).run(max_steps=6)
    await lab.agent("broken-json", max_failures=3).run(max_steps=6)

    types = {attribute(span, "error.type") for span in watched.named("chat")}
    assert types == {None, "rate_limit", "invalid_output"}
    steps = {attribute(span, "error.type") for span in watched.named("agent_step")}
    assert steps == {None, "llm_rate_limit", "llm_invalid_output"}
    assert watched.sample("browser_steps_total", outcome="error") >= 2


async def test_judge_is_a_call_of_the_run(watched: Watched, lab: Lab) -> None:
    """The judge's call belongs to the run, after its steps, and its verdict is an attribute."""
    await lab.agent("judge-fails", use_judge=True).run(max_steps=4)

    run = watched.named("invoke_agent")[0]
    judged = [span for span in watched.named("chat") if attribute(span, "browser.model.purpose") == "judge"]
    assert len(judged) == 1
    assert judged[0].parent is not None
    assert run.context is not None
    assert judged[0].parent.span_id == run.context.span_id
    assert attribute(run, "browser.run.judge_verdict") is False


async def test_cancelled_run(watched: Watched, lab: Lab) -> None:
    """A cancelled caller: the run's span says so, and the cancellation arrives unchanged."""
    task = asyncio.create_task(lab.agent("never-done").run(max_steps=20))
    watched.once(events.ModelCalled, task.cancel)  # in the middle of a step
    with pytest.raises(asyncio.CancelledError):
        await task

    run = watched.named("invoke_agent")[0]
    assert attribute(run, "browser.run.outcome") == "cancelled"
    assert attribute(run, "error.type") == "cancelled"
    assert watched.sample("browser_active_agents") == 0


async def test_killed_browser(watched: Watched, lab: Lab) -> None:
    """Chromium killed mid-run: the run ends as browser_crash, and the crash is counted once."""
    session = lab.session(keep_alive=True)
    agent = lab.agent("never-done", browser_session=session)

    def kill() -> None:
        directory = str(session.browser_profile.user_data_dir)
        for process in psutil.process_iter(["cmdline"]):
            line: list[str] = process.info["cmdline"] or []
            if f"--user-data-dir={directory}" in line and not any(part.startswith("--type=") for part in line):
                os.kill(process.pid, signal.SIGKILL)

    watched.once(events.StepFinished, kill)
    await agent.run(max_steps=20)

    run = watched.named("invoke_agent")[0]
    assert attribute(run, "browser.run.outcome") == "error"
    assert attribute(run, "browser.run.failure_reason") == "browser_crash"
    assert watched.sample("browser_crashes_total", kind="browser") == 1


async def test_crashed_tab(watched: Watched, lab: Lab) -> None:
    """A tab that dies is counted, which browser-use never reports, and its load ends."""
    session = lab.session()
    await session.start()
    crashed = asyncio.Event()
    watched.once(events.BrowserCrashed, crashed.set)
    target = await session.get_or_create_cdp_session()
    await target.cdp_client.send.Page.navigate(params={"url": f"{lab.site}/crash?now"}, session_id=target.session_id)
    async with asyncio.timeout(30):
        await crashed.wait()

    assert watched.sample("browser_crashes_total", kind="tab") == 1
    assert watched.sample("browser_crashes_total", kind="browser") == 0


async def test_failed_launch(watched: Watched, lab: Lab) -> None:
    """A browser that does not start is an error of the launch and of the run."""
    session = lab.session()
    session.browser_profile.executable_path = "/bin/false"
    with pytest.raises(Exception):  # noqa: B017, PT011  # whatever browser-use raises
        await lab.agent("read-table", browser_session=session).run(max_steps=2)

    launch = watched.named("browser_launch")[0]
    assert attribute(launch, "error.type") == "infrastructure"
    assert watched.sample("browser_agent_launch_duration_seconds_count", result="error") == 1
    assert attribute(watched.named("invoke_agent")[0], "browser.run.outcome") == "error"


async def test_shared_model_is_counted_per_agent(watched: Watched, lab: Lab) -> None:
    """Two agents with one model object get each their own tokens; browser-use itself adds them to both."""
    llm = lab.llm()
    await asyncio.gather(
        lab.agent("read-table", llm=llm).run(max_steps=5), lab.agent("default", llm=llm).run(max_steps=3)
    )

    runs = watched.named("invoke_agent")
    calls: dict[int, list[Any]] = {}
    for span in watched.named("chat"):
        assert span.context
        calls.setdefault(span.context.trace_id, []).append(attribute(span, "gen_ai.usage.input_tokens"))
    assert sorted(len(found) for found in calls.values()) == [1, 4]
    for run in runs:
        assert run.context
        assert attribute(run, "gen_ai.usage.input_tokens") == sum(calls[run.context.trace_id])


async def test_anthropic(watched: Watched, lab: Lab) -> None:
    """The other message format of the two that matter is seen just the same."""
    from anthropic import DefaultAsyncHttpxClient
    from browser_use import ChatAnthropic

    client: Any = DefaultAsyncHttpxClient()  # browser-use's annotation names another client than the SDK takes
    lab.clients.append(client)
    llm = ChatAnthropic(
        model="claude-sonnet-4-6", base_url=lab.model, api_key="sk-ant-test-0123456789", http_client=client
    )
    assert (await lab.agent("read-table", llm=llm).run(max_steps=5)).is_successful()

    calls = watched.named("chat claude-sonnet-4-6")
    assert len(calls) == 4
    assert {attribute(span, "gen_ai.provider.name") for span in calls} == {"anthropic"}
    assert watched.sample("browser_llm_cost_usd_total", provider="anthropic", model="claude-sonnet-4-6") > 0
    assert watched.sample("browser_llm_unpriced_calls_total", provider="anthropic", model="claude-sonnet-4-6") == 0


async def test_page_loads_outside_of_runs(watched: Watched, lab: Lab) -> None:
    """Code that drives a session by itself: the load belongs to the span that was current when it asked."""
    session = lab.session()
    await session.start()
    tracer = watched.provider.get_tracer("user")
    with tracer.start_as_current_span("mine") as mine:
        await session.navigate_to(f"{lab.site}/error")

    load = next(span for span in watched.named("page_fetch") if attribute(span, "url.path") == "/error")
    assert load.parent is not None
    assert load.parent.span_id == mine.get_span_context().span_id
    assert attribute(load, "http.response.status_code") == 500
    assert attribute(load, "error.type") == "http_5xx"


async def test_policy_blocks_are_counted(watched: Watched, lab: Lab) -> None:
    """A navigation that browser-use's own domain policy refuses is counted, by rule."""
    agent = lab.agent("read-table", browser_session=lab.session(allowed_domains=["example.com"]))
    await agent.run(max_steps=2)

    assert watched.sample("browser_policy_blocks_total", rule="allowed_domains") >= 1
    actions = [span for span in watched.named("execute_tool navigate") if attribute(span, "error.type")]
    assert attribute(actions[0], "error.type") == "policy_blocked"


async def test_callbacks_of_the_user_run(watched: Watched, lab: Lab) -> None:
    """The user's own callbacks are called as without us, with the step's or run's span current."""
    current: list[trace.SpanContext] = []

    async def on_new_step(*_: object) -> None:
        current.append(trace.get_current_span().get_span_context())

    await lab.agent("read-table", register_new_step_callback=on_new_step).run(max_steps=5)

    steps = {span.context.span_id for span in watched.named("agent_step") if span.context}
    assert [context.span_id in steps for context in current] == [True, True, True]


async def test_custom_action_is_a_tool(watched: Watched, lab: Lab) -> None:
    """A tool of the user's own has its name on the span and `custom` as label."""
    from browser_use import ActionResult, Tools

    tools = cast("Any", Tools)()

    @tools.action("Look up a price")
    async def look_up_price() -> Any:
        return ActionResult(extracted_content="42")

    scenario = Scenario(
        name="own-tool",
        steps=(Step(actions=({"look_up_price": {}},)), Step(actions=({"done": {"text": "ok", "success": True}},))),
    )
    with serve_in_thread(scripted_model([scenario])) as model, serve_in_thread(demo_site()):
        lab.model = model
        assert (await lab.agent(scenario, tools=tools).run(max_steps=3)).is_successful()

    assert watched.named("execute_tool look_up_price")
    assert watched.sample("browser_actions_total", action="custom", outcome="ok") == 1
