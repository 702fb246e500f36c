from pathlib import Path

import msgspec
import pytest

from browserwatch.demo import DemoError, Scenario, Step, builtin_scenarios, load_scenarios, parse_scenarios

DONE = '"steps": [{"actions": [{"done": {"text": "ok"}}]}]'


def test_builtin_names() -> None:
    """The built-in scenarios are an interface: tests and docs name them."""
    assert {scenario.name for scenario in builtin_scenarios()} == {
        "broken-json",
        "click-tour",
        "default",
        "failing",
        "judge-fails",
        "never-done",
        "rate-limited",
        "read-table",
        "server-error",
        "shop-login",
        "slow-page",
        "tab-crash",
    }


def test_builtins_are_described() -> None:
    """Every built-in scenario says what it shows."""
    assert all(scenario.description for scenario in builtin_scenarios())


def test_json_round_trip() -> None:
    """A scenario written as JSON reads back as itself."""
    assert parse_scenarios(msgspec.json.encode(builtin_scenarios())) == builtin_scenarios()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "truncated"),
        ("{}", "Expected `array`"),
        ('[{"name": "a", "steps": []}]', "scenario 'a' needs at least one step"),
        ('[{"name": "a", "stepps": []}]', "unknown field `stepps`"),
        ('[{"name": "a", "steps": [{"goal": "none"}]}]', "a step needs actions, a fault or both"),
        ('[{"name": "a", "steps": [{"actions": [{"click": {}, "wait": {}}]}]}]', "an action is one name"),
        ('[{"name": "a", "steps": [{"fault": {"kind": "flood"}}]}]', "Invalid enum value 'flood'"),
        (f'[{{"name": "a", "usage": {{"prompt": 1, "cached": 2}}, {DONE}}}]', "0 <= cached <= prompt"),
        (f'[{{"name": "a", {DONE}}}, {{"name": "a", {DONE}}}]', "more than one scenario is called 'a'"),
    ],
)
def test_bad_scenarios(text: str, message: str) -> None:
    """What is wrong with a scenario, and where from it was read, is in the error."""
    with pytest.raises(DemoError) as caught:
        parse_scenarios(text, "my.json")
    assert str(caught.value).startswith("my.json: ")
    assert message in str(caught.value)


def test_bad_scenario_is_located() -> None:
    """The error points into the JSON."""
    with pytest.raises(DemoError, match=r"\$\[0\]\.steps\[0\]"):
        parse_scenarios('[{"name": "a", "steps": [{"actions": [{}]}]}]')


def test_load(tmp_path: Path) -> None:
    """A file of scenarios loads; a missing one is named in the error."""
    path = tmp_path / "mine.json"
    path.write_text(f'[{{"name": "mine", {DONE}}}]')
    assert [scenario.name for scenario in load_scenarios(path)] == ["mine"]
    with pytest.raises(DemoError, match=r"other\.json: No such file"):
        load_scenarios(tmp_path / "other.json")


def test_last_step_repeats() -> None:
    """An agent with more steps than the scenario gets the last one again."""
    first, last = Step(actions=({"wait": {}},)), Step(actions=({"done": {}},))
    scenario = Scenario(name="two", steps=(first, last))
    assert [scenario.step(number) for number in (1, 2, 3, 99)] == [first, last, last, last]
