"""Signals about the pool and its browsers."""

from __future__ import annotations

from typing import Final

from browserwatch.dashboards.signal import Signal, or_zero, quantiles, rate, share, total

SATURATION: Final = Signal(
    share('sum(browser_pool_agents{state="leased"})', "sum(browser_pool_size)"),
    "percentunit",
    "Agents at work as a share of those the pool may have; 0 % without a pool.",
    "at work",
)
STATES: Final = Signal("sum by (state) (browser_pool_agents)", "short", "Agent processes, by state.", "{{state}}")
SIZE: Final = Signal("sum(browser_pool_size)", "short", "Agents that the pool may have.", "maximum")
WAITERS: Final = Signal("sum(browser_pool_waiters)", "short", "Callers that wait for an agent.", "waiting callers")
OLDEST: Final = Signal(
    "max(browser_pool_oldest_waiter_seconds)", "s", "How long the first of them has waited.", "oldest waiter"
)
ACQUIRED: Final = Signal(
    f"{rate('browser_agent_acquire_duration_seconds_count', 'result')} * 60",
    "opm",
    "Wishes for an agent per minute, by how they were met, or why not.",
    "{{result}}",
)
ACQUIRE: Final = quantiles(
    'browser_agent_acquire_duration_seconds{result!="cancelled"}', "s", "the time until an agent was there"
)
LAUNCH: Final = quantiles('browser_agent_launch_duration_seconds{result="ok"}', "s", "the time to start a browser")
LAUNCH_FAILURES: Final = Signal(
    share(
        total('browser_agent_launch_duration_seconds_count{result="error"}'),
        total("browser_agent_launch_duration_seconds_count"),
    ),
    "percentunit",
    "Share of browsers that did not start, in the time shown.",
)
LEASE: Final = quantiles("browser_agent_lease_duration_seconds", "s", "the time an agent was lent for")
RETIRED: Final = Signal(
    total("browser_agents_retired_total", "reason"),
    "short",
    "Agents that left the pool in the time shown.",
    "{{reason}}",
)
CRASHES: Final = Signal(
    total("browser_crashes_total", "kind"), "short", "Browsers, tabs and agents that died unasked.", "{{kind}}"
)
ORPHANS: Final = Signal(
    "sum(browser_orphans_reaped_total)", "short", "Processes that an earlier service had left, ended at the start."
)
MEMORY: Final = Signal(
    or_zero("sum by (role) (browser_process_memory_bytes)"),
    "bytes",
    "Memory of the agents by role: our process and its Chromium. Shared pages are counted once where the system tells them.",
    "{{role}}",
)
CPU: Final = Signal(
    rate("browser_process_cpu_seconds_total", "role"),
    "short",
    "Processors that the agents keep busy, by role.",
    "{{role}}",
)
BUS_WAIT: Final = quantiles(
    "browser_event_bus_wait_seconds", "s", "the time an event of browser-use waited for its turn"
)
