"""A scripted model and a small web site, to run real browser-use agents without a provider or the internet.

Test your own agent against them:

```python
from browser_use import Agent, ChatOpenAI
from browserwatch.demo import Scenario, Step, demo_site, scripted_model, serve_in_thread

greeting = Scenario(
    name="greeting",
    steps=(
        Step(actions=({"navigate": {"url": "{site}/form"}},)),
        Step(actions=({"input": {"element": "#get-text", "text": "hello"}}, {"click": {"element": "#get-submit"}})),
        Step(actions=({"done": {"text": "Said hello.", "success": True}},)),
    ),
)


async def test_greeting() -> None:
    model = scripted_model([greeting])
    with serve_in_thread(model) as model_url, serve_in_thread(demo_site()) as site_url:
        llm = ChatOpenAI(model="scripted", base_url=f"{model_url}/v1", api_key="any")
        agent = Agent(task=f"Say hello. [scenario: greeting] site: {site_url}", llm=llm, use_judge=False)
        history = await agent.run(max_steps=5)
    assert history.is_successful()
    assert [request.step for request in model.state.requests] == [1, 2, 3]
```

`SpanSink` takes the traces of your program as a collector does, for a test to look at. `builtin_scenarios()` lists what
there is to choose from; `load_scenarios(path)` reads your own from JSON.
"""

from browserwatch.demo.bookkeeping import RecordedRequest
from browserwatch.demo.errors import DemoError
from browserwatch.demo.model_app import scripted_model
from browserwatch.demo.scenarios import (
    Fault,
    Scenario,
    Step,
    Usage,
    Verdict,
    builtin_scenarios,
    load_scenarios,
    parse_scenarios,
)
from browserwatch.demo.serving import serve_in_thread
from browserwatch.demo.site_app import demo_site
from browserwatch.demo.span_sink import ReceivedSpan, SpanSink

__all__ = [
    "DemoError",
    "Fault",
    "ReceivedSpan",
    "RecordedRequest",
    "Scenario",
    "SpanSink",
    "Step",
    "Usage",
    "Verdict",
    "builtin_scenarios",
    "demo_site",
    "load_scenarios",
    "parse_scenarios",
    "scripted_model",
    "serve_in_thread",
]
