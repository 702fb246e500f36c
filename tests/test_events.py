import re
import types
from typing import Any, get_args, get_type_hints

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from browserwatch import events
from browserwatch.events import AnyEvent, Event, decode, encode

EVENTS: tuple[type[Event], ...] = get_args(AnyEvent)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
VALUES: dict[Any, st.SearchStrategy[Any]] = {
    str: st.text(),
    float: FINITE,
    int: st.integers(-(2**63), 2**63 - 1),
    bool: st.booleans(),
    float | None: st.none() | FINITE,
    int | None: st.none() | st.integers(0, 2**53),
    dict[str, float]: st.dictionaries(st.text(), FINITE),
}
TAGS = {
    "RunStarted": "run_started",
    "RunFinished": "run_finished",
    "StepFinished": "step_finished",
    "ActionFinished": "action_finished",
    "ModelCalled": "model_called",
    "PageLoaded": "page_loaded",
    "PolicyBlocked": "policy_blocked",
    "BrowserLaunched": "browser_launched",
    "BrowserCrashed": "browser_crashed",
    "BusWaited": "bus_waited",
    "VersionsSeen": "versions_seen",
    "HookInstalled": "hook_installed",
    "HookFailed": "hook_failed",
    "Redacted": "redacted",
    "SessionOperation": "session_operation",
    "PageFetchStarted": "page_fetch_started",
    "PageFetched": "page_fetched",
    "AgentAcquired": "agent_acquired",
    "AgentReturned": "agent_returned",
    "AgentRetired": "agent_retired",
    "OrphansReaped": "orphans_reaped",
    "SessionReused": "session_reused",
    "RunRejected": "run_rejected",
    "ProcessesMeasured": "processes_measured",
    "SpansQueued": "spans_queued",
    "SpansCounted": "spans_counted",
}
EXAMPLE = {
    str: "text",
    float: 1.5,
    int: 3,
    bool: True,
    float | None: 0.25,
    int | None: 7,
    dict[str, float]: {"model": 1.0},
}
WRONG = {
    str: 3,
    float: "1.5",
    int: "3",
    bool: "yes",
    float | None: "free",
    int | None: "big",
    dict[str, float]: {"model": "slow"},
}


def fields(kind: type[Event]) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in msgspec.structs.fields(kind)}


def examples(kind: type[Event]) -> dict[str, Any]:
    return {name: EXAMPLE[hint] for name, hint in fields(kind).items()}


def built(kind: type[Event]) -> st.SearchStrategy[Event]:
    return st.builds(kind, **{name: VALUES[hint] for name, hint in fields(kind).items()})


def test_union_is_complete() -> None:
    """Every event class of the module can be decoded: none is missing in the union."""
    declared = {
        value
        for value in vars(events).values()
        if isinstance(value, type) and issubclass(value, Event) and value is not Event
    }
    assert declared == set(EVENTS)
    assert isinstance(AnyEvent, types.UnionType)


@pytest.mark.parametrize("kind", EVENTS)
@given(data=st.data())
def test_round_trip(kind: type[Event], data: st.DataObject) -> None:
    """What is encoded is decoded to the same event, on one line."""
    event = data.draw(built(kind))
    line = encode(event)
    assert b"\n" not in line
    decoded = decode(line)
    assert decoded == event
    assert type(decoded) is kind
    assert decode(line.decode()) == event


def test_tags_are_stable() -> None:
    """The names on the wire stay what they are: another release may be at the other end."""
    assert {kind.__name__: kind.__struct_config__.tag for kind in EVENTS} == TAGS
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", tag) for tag in TAGS.values())
    assert {kind.__struct_config__.tag_field for kind in EVENTS} == {"type"}


@pytest.mark.parametrize("kind", EVENTS)
def test_required_fields_suffice(kind: type[Event]) -> None:
    """Defaults stay out of the line, and come back."""
    required = {field.name for field in msgspec.structs.fields(kind) if field.required}
    event = kind(**{name: value for name, value in examples(kind).items() if name in required})
    assert set(msgspec.json.decode(encode(event))) == {"type", *required}
    assert decode(encode(event)) == event


@pytest.mark.parametrize(("kind", "field"), [(kind, name) for kind in EVENTS for name in fields(kind)], ids=str)
def test_wrong_type(kind: type[Event], field: str) -> None:
    """A field of the wrong type is refused."""
    right = {"type": TAGS[kind.__name__], **examples(kind)}
    assert decode(msgspec.json.encode(right)) == kind(**examples(kind))
    with pytest.raises(msgspec.DecodeError):
        decode(msgspec.json.encode({**right, field: WRONG[fields(kind)[field]]}))


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"run_started"',
        b"{}",
        b'{"type":"unheard_of"}',
        b'{"type":"RunStarted"}',
        b'{"type":3}',
        b'{"type":"hook_failed"}',
        b'{"type":"run_started"}{"type":"run_started"}',
        b'{"type":"hook_failed","hook":"\xff"}',
    ],
)
def test_not_an_event(line: bytes) -> None:
    """What is not exactly one known event is refused."""
    with pytest.raises(msgspec.DecodeError):
        decode(line)


def test_unknown_fields_are_ignored() -> None:
    """A newer sender may tell more."""
    assert decode(b'{"type":"run_started","mood":"good"}') == events.RunStarted()


@pytest.mark.parametrize("kind", EVENTS)
def test_frozen(kind: type[Event]) -> None:
    """An event that was emitted can't be changed by one of its receivers."""
    event = kind(**examples(kind))
    for field in fields(kind):
        with pytest.raises(AttributeError):
            setattr(event, field, getattr(event, field))
