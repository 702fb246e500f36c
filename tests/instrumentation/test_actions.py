import pytest
from hypothesis import given
from hypothesis import strategies as st

from browserwatch.instrumentation.actions import MIN_QUOTED, without_parameters
from browserwatch.redaction import MASK


@pytest.mark.parametrize(
    ("message", "parameters", "shown"),
    [
        ("Failed to type 'hunter22' into element 3", {"input": {"index": 3, "text": "hunter22"}}, f"'{MASK}'"),
        ("a Alice b Bob c", {"x": ["Alice", {"y": "Bob"}]}, f"a {MASK} b {MASK} c"),
        ("Alice", {"x": ("Alice",)}, MASK),
        ("Alice and Alice", "Alice", f"{MASK} and {MASK}"),
    ],
)
def test_what_was_typed_is_masked(message: str, parameters: object, shown: str) -> None:
    """Every text of the parameters, however deep, is masked in an error that quotes it."""
    assert shown in without_parameters(message, parameters)
    for typed in ("hunter22", "Alice", "Bob"):
        assert typed not in without_parameters(message, parameters)


@pytest.mark.parametrize(
    ("message", "parameters"),
    [
        ("Element 3 not found", {"click": {"index": 3}}),
        ("no on it", {"x": "no", "y": "", "z": None, "w": True}),
        ("Could not open https://shop.example/a", {"navigate": {"url": "https://shop.example/a"}}),
        ("Could not open http://shop.example/a", {"navigate": {"url": "http://shop.example/a"}}),
        ("the name of a field", {"name": 1.5, "field": 3}),
        ("nothing to mask", {}),
        ("nothing to mask", None),
        ("", {"text": "hunter22"}),
    ],
)
def test_the_rest_stays(message: str, parameters: object) -> None:
    """Numbers, short texts, the names of parameters, and URLs (the redactor cleans those) stay."""
    assert without_parameters(message, parameters) == message


def test_first_line_only() -> None:
    """Further lines quote whole inputs and answers."""
    assert without_parameters("Failed: Alice\nwith hunter22\n", {"x": "Alice"}) == f"Failed: {MASK}"


def test_text_of_several_lines() -> None:
    """A text that was typed over several lines does not leave its first one behind."""
    assert "hunter22" not in without_parameters(
        "Failed to type hunter22\nmore: no such element", {"x": "hunter22\nmore"}
    )


@pytest.mark.parametrize("text", ['it\'s "me"', "C:\\keys\\private", "hunter22\nmore"])
def test_quoted_text(text: str) -> None:
    """Python's errors quote a text as repr does, with backslashes before quotes, backslashes and line feeds."""
    shown = without_parameters(f"invalid value: {text!r}", {"text": text})
    assert shown == f"invalid value: '{MASK}'"


def test_longest_first() -> None:
    """A text inside another one leaves no rest of the longer one."""
    assert without_parameters("typed Alice Smith", {"a": "Alice", "b": "Alice Smith"}) == f"typed {MASK}"


def test_mask_stays_whole() -> None:
    """A parameter that is a part of the mask itself does not break the masks of the others."""
    assert without_parameters("typed hunter22", {"a": "hunter22", "b": "RED"}) == f"typed {MASK}"


WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("C",)), min_size=MIN_QUOTED, max_size=12)


@given(word=WORDS.filter(lambda word: not word.startswith("http")), around=st.text("xyz ", max_size=5))
def test_no_parameter_survives(word: str, around: str) -> None:
    """Whatever the model typed, an error that quotes it does not show it."""
    shown = without_parameters(f"{around}{word}{around}", {"text": word})
    assert word not in shown.replace(MASK, "\0")
