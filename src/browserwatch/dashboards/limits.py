"""Every threshold of a panel or an alert, with its unit and why it is what it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Limit:
    """A threshold."""

    value: float
    unit: str
    reason: str

    def __str__(self) -> str:
        return f"{self.value:.12g}"


MIN_BAD_EVENTS: Final = Limit(
    5, "events", "With little traffic one failure is a high ratio; fewer than this wake nobody."
)
WAITER_AGE: Final = Limit(
    30, "s", "Half of the default BROWSERWATCH_ACQUIRE_TIMEOUT_SECONDS: time to act before callers fail."
)
SATURATION: Final = Limit(0.8, "ratio", "Above this, waits grow faster than load.")
LAUNCH_FAILURES: Final = Limit(
    0.2, "ratio", "One in five: more than the odd lost start, and the pool still half works."
)
LAUNCH_FAILURE_COUNT: Final = Limit(3, "launches", "One failed start is retried and harms nobody.")
CRASHES: Final = Limit(5, "crashes in 15 min", "A page may kill a tab; the pool replaces a few browsers unnoticed.")
AGENT_MEMORY: Final = Limit(1.5 * 2**30, "bytes", "Three quarters of the default BROWSERWATCH_AGENT_MEMORY_LIMIT_MB.")
UNRESPONSIVE: Final = Limit(2, "agents in 30 min", "One is a page that hung; two are a pattern.")
MODEL_ERRORS: Final = Limit(0.1, "ratio", "browser-use retries; above one in ten, runs get visibly slower and fail.")
RATE_LIMITS: Final = Limit(0.05, "ratio", "Each costs a back-off of seconds to minutes.")
MODEL_ERROR_COUNT: Final = Limit(5, "calls", "A ratio of fewer says nothing.")
COST_FACTOR: Final = Limit(3, "times", "Three times the day's average is no usual peak.")
COST_PER_HOUR: Final = Limit(1, "USD per hour", "Below this a spike is not worth a person's time.")
LOOPS: Final = Limit(0.1, "ratio", "One in ten runs going round in circles is a broken task or site, not bad luck.")
LOOP_COUNT: Final = Limit(5, "runs in 1 h", "A ratio of fewer says nothing.")
POLICY_BLOCKS: Final = Limit(
    20, "blocks in 15 min", "Pages link elsewhere all the time; this many are a wrong policy or an attack."
)
EXPORT_AGE: Final = Limit(
    600, "s", "Many times the batch processor's delay of 5 s, and longer than a collector's restart."
)
QUEUE_FILL: Final = Limit(0.8, "ratio", "Next are lost spans.")
REDIS_PING: Final = Limit(
    0.05, "s", "A Redis nearby answers within a millisecond; sessions are then still opened in time."
)
BUS_WAIT: Final = Limit(1, "s", "An agent that waits a second for its own events is short of processor.")
SCRAPE_TIME: Final = Limit(1, "s", "A tenth of the scrape's time-out.")
