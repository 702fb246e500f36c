"""Reading our own `/metrics` as Prometheus does, and picking what tells most."""

from __future__ import annotations

import urllib.request
from collections import defaultdict
from typing import Final, NamedTuple

from prometheus_client.parser import text_string_to_metric_families

SCRAPE_SECONDS: Final = 10.0


class Pick(NamedTuple):
    """A sample to show, and the labels to tell apart; over the other labels it is summed up."""

    sample: str
    labels: tuple[str, ...] = ()
    always: bool = False
    """Whether a zero is worth a line."""


PICKS: Final = (
    Pick("browser_active_agents", always=True),
    Pick("browser_session_reuse_total", ("source",), always=True),
    Pick("browser_runs_total", ("outcome", "failure_reason")),
    Pick("browser_pool_agents", ("state",)),
    Pick("browser_agent_acquire_duration_seconds_count", ("result",)),
    Pick("browser_session_operations_total", ("operation", "result")),
    Pick("browser_redis_ping_seconds"),
    Pick("browser_process_memory_bytes", ("role",)),
    Pick("browser_steps_total", ("outcome",)),
    Pick("browser_navigations_total", ("outcome",)),
    Pick("browser_actions_total", ("outcome",)),
    Pick("gen_ai_client_token_usage_sum", ("gen_ai_token_type",)),
    Pick("browser_llm_cost_usd_total", ("model",)),
    Pick("browser_redactions_total", ("sink",)),
    Pick("browser_crashes_total", always=True),
    Pick("browser_instrumentation_errors_total", always=True),
    Pick("browser_telemetry_spans_total", ("result",)),
)


class Line(NamedTuple):
    """A sample as Prometheus has it."""

    sample: str
    labels: dict[str, str]
    value: float


def scrape(url: str) -> str:
    """What the server at this address exposes, in the text format."""
    # Without a proxy: it is on this machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=SCRAPE_SECONDS) as answer:
        return str(answer.read(), "utf-8")


def key_metrics(text: str, picks: tuple[Pick, ...] = PICKS) -> list[Line]:
    """The samples to show, in the order of `picks`."""
    wanted = {pick.sample: pick for pick in picks}
    sums: dict[str, dict[tuple[str, ...], float]] = {pick.sample: defaultdict(float) for pick in picks}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if pick := wanted.get(sample.name):
                sums[sample.name][tuple(sample.labels.get(label, "") for label in pick.labels)] += sample.value
    lines: list[Line] = []
    for pick in picks:
        found = sums[pick.sample] or ({(): 0.0} if pick.always else {})
        lines += [
            Line(pick.sample, dict(zip(pick.labels, values, strict=True)), value)
            for values, value in found.items()
            if value or pick.always
        ]
    return lines
