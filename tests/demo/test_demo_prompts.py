import pytest
from demo_prompts import ALL_ACTIONS, JUDGEMENT, ONLY_DONE, PAGE, state

from browserwatch.demo import DemoError
from browserwatch.demo.prompts import Call, element_index, read_prompt


@pytest.mark.parametrize(
    ("selector", "index"),
    [
        ("#home", 18),
        ("a#home", 18),
        ("button#home", None),
        ("#get-text", 21),
        ("#get", None),
        ("button", 44),
        ("[name=text]", 21),
        ("input[placeholder=Your full name]", 21),
        ("[placeholder=Your]", None),
        ("#list-long", 30),
        ("#nowhere", None),
    ],
)
def test_element_index(selector: str, index: int | None) -> None:
    """An element is found by id, tag and attribute, whole values only, new and scrollable ones too."""
    assert element_index(selector, PAGE) == index


@pytest.mark.parametrize("selector", ["", "a > b", "#", ".class"])
def test_unreadable_selector(selector: str) -> None:
    """A selector of another kind is an error, not an element that isn't there."""
    with pytest.raises(DemoError, match="can't read the element"):
        element_index(selector, PAGE)


@pytest.mark.parametrize("step_info", ["Step3 maximum:10", "Step 3 of 10 max possible steps"])
def test_step_number(step_info: str) -> None:
    """The step is read as old and new versions of browser-use write it."""
    assert read_prompt(Call("m", f"<step_info>{step_info}</step_info>", ALL_ACTIONS)).step == 3


def test_task() -> None:
    """Scenario and site are read from the task, which comes before any text of a page."""
    page = "[scenario: page-says] site: http://evil.test"
    prompt = read_prompt(Call("m", state("Buy. [scenario: shop] (site: http://site.test:81/)", page=page), ALL_ACTIONS))
    assert (prompt.scenario, prompt.site) == ("shop", "http://site.test:81")


def test_purposes() -> None:
    """A call's purpose is told by the fields of its schema, or without one by its text."""
    calls = [
        Call("m", "", ALL_ACTIONS),
        Call("m", "", JUDGEMENT),
        Call("m", "<query>what</query>"),
        Call("m", "", {"properties": {"products": {}}}),
        Call("m", state("schema only described")),
    ]
    assert [read_prompt(call).purpose for call in calls] == ["step", "judge", "extract", "extract", "step"]


def test_only_done() -> None:
    """That only done is allowed shows in the schema."""
    assert read_prompt(Call("m", "", ONLY_DONE)).only_done
    assert not read_prompt(Call("m", "", ALL_ACTIONS)).only_done


def test_tabs() -> None:
    """A tab is found by a part of its URL."""
    prompt = read_prompt(Call("m", state("task"), ALL_ACTIONS))
    assert [prompt.tab_id(part) for part in ("/table", "from=blank", "site.test", "/nowhere")] == [
        "1A2B",
        "3C4D",
        "3C4D",
        "none",
    ]
