"""Turn a scenario and a prompt into what the model says, before it is written as one API's answer."""

import logging
from typing import Any, cast

import msgspec

from browserwatch.demo.errors import DemoError
from browserwatch.demo.prompts import Prompt, element_index
from browserwatch.demo.scenarios import Fault, Scenario, Step, Usage

_log = logging.getLogger(__name__)

# No page of ours has so many nodes: browser-use answers that the element isn't there.
MISSING_ELEMENT = 999_999

_GAVE_UP = {"done": {"text": "The script has more steps, but only done is allowed now.", "success": False}}
_UNKNOWN_ACTION: dict[str, Any] = {"no_such_action": {}}
_HALF_AN_ANSWER = '{"memory": "this answer stops in the middle", "action": [{"click": {"ind'


class Reply(msgspec.Struct, frozen=True):
    """What the model says: data when a schema was asked for, else text; and the tokens it cost."""

    content: str | dict[str, Any]
    usage: Usage


def reply_to(prompt: Prompt, scenario: Scenario, fault: Fault | None = None) -> Reply:
    """Answer a prompt.

    Raises:
        DemoError: The scenario needs something that the task doesn't say.
    """
    if prompt.purpose == "judge":
        verdict = msgspec.to_builtins(scenario.judge)
        return Reply({name: verdict[name] for name in verdict if name in prompt.fields}, scenario.usage)
    if prompt.purpose == "extract":
        return Reply(scenario.extraction, scenario.usage)
    step = scenario.step(prompt.step)
    return Reply(_step_content(prompt, scenario, step, fault), step.usage or scenario.usage)


def _step_content(prompt: Prompt, scenario: Scenario, step: Step, fault: Fault | None) -> str | dict[str, Any]:
    if fault and fault.kind == "invalid-json":
        return _HALF_AN_ANSWER
    if fault and fault.kind == "schema-mismatch":
        return _answer(prompt, scenario, step, [_UNKNOWN_ACTION])
    obeys = prompt.only_done and scenario.gives_up
    if obeys and not all("done" in action for action in step.actions):
        return _answer(prompt, scenario, step, [_GAVE_UP])
    return _answer(prompt, scenario, step, [_fill_action(action, prompt, scenario) for action in step.actions])


def _answer(prompt: Prompt, scenario: Scenario, step: Step, actions: list[dict[str, Any]]) -> dict[str, Any]:
    names = ", ".join(name for action in actions for name in action)
    answer: dict[str, Any] = {
        "thinking": f"The script of {scenario.name} says: {names}.",
        "evaluation_previous_goal": "As scripted.",
        "memory": f"Step {prompt.step} of the scenario {scenario.name}.",
        "next_goal": step.goal or names,
        "action": actions,
    }
    # Which fields there are depends on the agent's mode, and one too many is an error.
    return {name: value for name, value in answer.items() if not prompt.fields or name in prompt.fields}


def _fill_action(action: dict[str, dict[str, Any]], prompt: Prompt, scenario: Scenario) -> dict[str, Any]:
    ((name, parameters),) = action.items()
    filled: dict[str, Any] = {}
    for key, value in parameters.items():
        if key == "element":
            filled["index"] = _index(value, prompt, scenario)
        elif key == "tab":
            filled["tab_id"] = prompt.tab_id(value)
        else:
            filled[key] = _fill_site(value, prompt, scenario)
    if name == "extract":
        # The extraction call that follows carries the query and nothing else of the task.
        filled["query"] = f"{filled.get('query', '')} [scenario: {scenario.name}]".strip()
    return {name: filled}


def _index(selector: str, prompt: Prompt, scenario: Scenario) -> int:
    index = element_index(selector, prompt.page)
    if index is None:
        _log.info("scenario %s, step %d: the page has no element %s", scenario.name, prompt.step, selector)
    return MISSING_ELEMENT if index is None else index


def _fill_site(value: Any, prompt: Prompt, scenario: Scenario) -> Any:
    if isinstance(value, dict):
        items = cast("dict[str, Any]", value).items()
        return {key: _fill_site(item, prompt, scenario) for key, item in items}
    if isinstance(value, list):
        return [_fill_site(item, prompt, scenario) for item in cast("list[Any]", value)]
    if not isinstance(value, str) or "{site}" not in value:
        return value
    if prompt.site is None:
        raise DemoError(f"scenario {scenario.name!r} plays on a site; add `site: http://…` to the task")
    return value.replace("{site}", prompt.site)
