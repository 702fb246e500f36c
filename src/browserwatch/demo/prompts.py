"""Read from a prompt of browser-use what an answer depends on: who asks, for which step, seeing which page."""

import re
from typing import Any, Literal

import msgspec

from browserwatch.demo.errors import DemoError

_SCENARIO = re.compile(r"\[scenario:\s*([\w.-]+)\s*\]")
_SITE = re.compile(r"\bsite:\s*(https?://[^\s<>\"'`,;)\]]+)")
_STEP = re.compile(r"<step_info>\s*Step\s*(\d+)")  # "Step3 maximum:10", in older versions "Step 3 of 10"
_PAGE = re.compile(r"<browser_state>(.*)</browser_state>", re.DOTALL)
_TAB = re.compile(r"^Tab (\w{4}): (\S+)", re.MULTILINE)
_ELEMENT = re.compile(r"\[(\d+)\]<([\w-]+)(.*)/>")  # "*[18]<a id=home />": number, tag, attributes
_SELECTOR = re.compile(r"([\w-]+)?(?:#([\w.:-]+))?(?:\[([\w-]+)=([^\]]+)\])?")

Purpose = Literal["step", "judge", "extract"]


class Call(msgspec.Struct, frozen=True):
    """A request for an answer, whichever API it came by.

    Attributes:
        model: The model's name.
        text: What the user messages say.
        output_schema: The JSON schema asked for, or None for free text.
        output_name: What the API calls the schema.
    """

    model: str
    text: str
    output_schema: dict[str, Any] | None = None
    output_name: str = ""


class Prompt(msgspec.Struct, frozen=True):
    """What an answer depends on.

    Attributes:
        purpose: A step of the agent, the judge's verdict, or an extraction.
        scenario: The name in `[scenario: …]`, or None.
        site: The URL after `site:`, or None.
        step: The agent's step, from 1; 1 when the prompt has none.
        page: The browser state as the agent shows it to the model.
        fields: The fields of the answer that the schema knows; empty when there is no schema.
        actions: The actions that the schema allows; empty when there is no schema.
    """

    purpose: Purpose
    scenario: str | None
    site: str | None
    step: int
    page: str
    fields: frozenset[str]
    actions: frozenset[str]

    @property
    def only_done(self) -> bool:
        """Whether the agent lets the model do nothing but end the run."""
        return self.actions == frozenset({"done"})

    def tab_id(self, part: str) -> str:
        """The id of the newest tab whose URL contains `part`; `none` (valid, and nobody's) without one."""
        ids = [tab for tab, url in _TAB.findall(self.page) if part in url]
        return ids[-1] if ids else "none"


class _Variant(msgspec.Struct):
    properties: dict[str, Any] = {}


class _Items(_Variant):
    any_of: list[_Variant] = msgspec.field(default_factory=list[_Variant], name="anyOf")


class _Actions(msgspec.Struct):
    items: _Items


def read_prompt(call: Call) -> Prompt:
    """Read a call.

    Raises:
        msgspec.ValidationError: The schema is of a shape that browser-use doesn't send.
    """
    fields = msgspec.convert(call.output_schema or {}, _Variant).properties
    scenario, site, step, page = (pattern.search(call.text) for pattern in (_SCENARIO, _SITE, _STEP, _PAGE))
    return Prompt(
        purpose=_purpose(call, fields),
        scenario=scenario and scenario[1],
        site=site and site[1].rstrip("/"),
        step=int(step[1]) if step else 1,
        page=page[1] if page else "",
        fields=frozenset(fields),
        actions=_action_names(fields.get("action")),
    )


def _purpose(call: Call, fields: dict[str, Any]) -> Purpose:
    # The schemas have no titles any more, and OpenAI's are all called agent_output: tell them by their fields.
    if "verdict" in fields:
        return "judge"
    # A client may leave the schema out and only describe it; then the state message gives a step away.
    unforced = call.output_schema is None and "<user_request>" in call.text
    return "step" if "action" in fields or unforced else "extract"


def _action_names(actions: Any) -> frozenset[str]:
    if actions is None:
        return frozenset()
    items = msgspec.convert(actions, _Actions).items
    return frozenset(name for variant in [items, *items.any_of] for name in variant.properties)


def element_index(selector: str, page: str) -> int | None:
    """Find the number that browser-use gave an element.

    Args:
        selector: `#id`, `tag#id`, `[attribute=value]` or `tag[attribute=value]`. Only what browser-use shows the
            model can be found: interactive elements, with attributes such as id, name, type and placeholder.
        page: The browser state, as in `Prompt.page`.

    Returns:
        The number, or None when the page has no such element.

    Raises:
        DemoError: The selector is of another kind.
    """
    parsed = _SELECTOR.fullmatch(selector)
    if not selector or parsed is None:
        raise DemoError(f"can't read the element {selector!r}; write #id, tag#id or tag[attribute=value]")
    tag, element_id, attribute, value = parsed.groups()
    wanted = [(name, text) for name, text in (("id", element_id), (attribute, value)) if name and text]
    for index, element_tag, attributes in _ELEMENT.findall(page):
        if tag in (None, element_tag) and all(_has(attributes, *pair) for pair in wanted):
            return int(index)
    return None


def _has(attributes: str, name: str, value: str) -> bool:
    # Values are unquoted and may hold spaces, so one ends where the next name= begins.
    return re.search(rf"\s{re.escape(name)}={re.escape(value)}(?=\s+[\w-]+=|\s*$)", attributes) is not None
