"""Arms: found by name, switched on and off without a trace."""

from __future__ import annotations

import importlib
import json
from typing import Any

import httpx
import pytest
from opentelemetry.sdk.trace.sampling import Decision, TraceIdRatioBased

from browserwatch.bench import arms
from browserwatch.bench.arms import SAMPLED, VARIANTS, arm_name, load_arm, off
from browserwatch.bench.receiver import Receiver, receiving
from browserwatch.bench.trace_ids import EvenTraceIds
from browserwatch.errors import ConfigurationError
from browserwatch.instrumentation.points import patch_points


def patched() -> dict[str, Any]:
    """Every method that is hooked, as it is now."""
    found: dict[str, Any] = {}
    for point in patch_points():
        owner = getattr(importlib.import_module(point.module), point.owner)
        found[point.hook] = owner.__dict__[point.attribute]
    return found


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether they are the very same objects; a wrapper is equal to what it wraps."""
    return all(one[hook] is other[hook] for hook in one)


@pytest.mark.parametrize("variant", VARIANTS)
def test_toggling_leaves_browser_use_as_it_was(variant: str) -> None:
    """On and off again: the very functions that were there before; only `off` never touches them."""
    before = patched()
    installed = load_arm(arm_name(variant))("http://127.0.0.1:9")
    during = patched()
    installed.flush()
    installed.uninstall()
    assert same(patched(), before)
    assert same(during, before) == (variant == "off")


@pytest.mark.parametrize("name", ["", "nonsense", "browserwatch.bench.arms:nothing", "no.such.module:arm"])
def test_an_unknown_arm_is_named(name: str) -> None:
    """The error says what was asked for and how to name an arm."""
    with pytest.raises(ConfigurationError, match="module:function"):
        load_arm(name)


def test_an_unknown_variant_is_named() -> None:
    """The error lists those that there are."""
    with pytest.raises(ConfigurationError, match="off, metrics, traces, all, content, sampled"):
        arm_name("most")


def test_one_trace_in_ten_is_sampled_exactly() -> None:
    """The real sampler takes the same share of any ten traces in a row."""
    ids, sampler = EvenTraceIds(SAMPLED), TraceIdRatioBased(1 / SAMPLED)
    made = [ids.generate_trace_id() for _ in range(10 * SAMPLED)]
    taken = [sampler.should_sample(None, trace, "x").decision is Decision.RECORD_AND_SAMPLE for trace in made]
    assert {sum(taken[start : start + SAMPLED]) for start in range(len(taken) - SAMPLED)} == {1}
    assert len(set(made)) == len(made)


def test_the_sampling_arm_keeps_one_turn_in_ten_though_each_is_switched_on_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In real runs a switch has three traces, that of settling and those of two turns: each is sampled as often."""

    def provider_alone(provider: Any, *_: Any) -> Any:
        return provider

    monkeypatch.setattr(arms, "_with_metrics", provider_alone)
    kept = {"settling": 0, "first": 0, "second": 0}
    for _ in range(2 * SAMPLED):
        provider: Any = arms.sampled("http://127.0.0.1:9")
        tracer = provider.get_tracer("test")
        for name in kept:
            kept[name] += tracer.start_span(name).get_span_context().trace_flags.sampled
        provider.shutdown()
    assert kept == {"settling": 2, "first": 2, "second": 2}


# --- the receiver, a program ---------------------------------------------------------------------------------------------
def send(receiver: Receiver, path: str, body: bytes) -> None:
    httpx.post(f"{receiver.url}{path}", content=body, trust_env=False).raise_for_status()


@pytest.mark.real
def test_the_receiver_counts_and_finds_the_secret() -> None:
    """Requests, bytes, and the exports that have the planted secret in them."""
    with receiving("planted") as receiver:
        send(receiver, "/v1/logs", b"harmless")
        send(receiver, "/v1/metrics", json.dumps({"a": "planted"}).encode())
        tally = receiver.tally()
    assert (tally.requests, tally.spans, tally.leaks) == (2, 0, 1)
    assert tally.bytes == len(b"harmless") + len(json.dumps({"a": "planted"}))


@pytest.mark.real
def test_an_arm_that_does_nothing_has_nothing_to_scrape() -> None:
    """Switching `off` on asks nobody for metrics."""
    with receiving() as receiver:
        installed = off(receiver.url)
        receiver.keep_scraping(installed.metrics_url)
        assert receiver.tally().scrapes == 0
