"""Alerts about the service itself: its pool, its browsers, its sessions and its targets."""

from __future__ import annotations

from typing import Final

from browserwatch.dashboards import limits
from browserwatch.dashboards.places import JOBS, SERVICE_JOB
from browserwatch.dashboards.rules.alert import Alert

BY: Final = "sum by (job, instance)"
ON: Final = "on (job, instance)"
LAUNCHES: Final = "sum by (job, instance) (increase(browser_agent_launch_duration_seconds_count[15m]))"
FAILED_LAUNCHES: Final = LAUNCHES.replace("[15m]", '{result="error"}[15m]')
WHERE: Final = "{{ $labels.instance }}"

TARGET_ALERTS: Final = (
    Alert(
        name="ServiceDown",
        expression=f'absent(up{{job="{SERVICE_JOB}"}})\nor max by (job) (up{{job="{SERVICE_JOB}"}}) == 0',
        pending="2m",
        severity="critical",
        component="target",
        summary="No instance of {{ $labels.job }} answers Prometheus",
        description="Not one target of the job {{ $labels.job }} could be scraped for two minutes, or there is none at all.",
        board="telemetry",
    ),
    Alert(
        name="TargetDown",
        expression=f'up{{job=~"{"|".join(JOBS)}"}} == 0',
        pending="2m",
        severity="warning",
        component="target",
        summary=f"{WHERE} of {{{{ $labels.job }}}} does not answer Prometheus",
        description=f"The target {WHERE} of the job {{{{ $labels.job }}}} could not be scraped for two minutes.",
        board="telemetry",
    ),
)

POOL_ALERTS: Final = (
    Alert(
        name="PoolExhausted",
        expression=(
            f'browser_pool_waiters > 0\nand {ON} browser_pool_agents{{state="idle"}} == 0\n'
            f"and {ON} {BY} (browser_pool_agents) >= {ON} browser_pool_size"
        ),
        pending="5m",
        severity="warning",
        component="pool",
        summary=f"All agents of {WHERE} are taken",
        description=f"{{{{ $value }}}} callers wait, no agent of {WHERE} is idle, and the pool is at its maximum.",
        board="pool",
    ),
    Alert(
        name="WaitersOld",
        expression=f"browser_pool_oldest_waiter_seconds > {limits.WAITER_AGE}",
        pending="2m",
        severity="critical",
        component="pool",
        summary=f"Callers of {WHERE} wait too long for an agent",
        description=f"The first caller has waited {{{{ $value | humanizeDuration }}}} at {WHERE}; next, callers give up.",
        board="pool",
    ),
    Alert(
        name="RunsRejected",
        expression=f'{BY} (increase(browser_runs_rejected_total{{reason="queue_full"}}[10m])) > 0',
        pending="5m",
        severity="warning",
        component="pool",
        summary=f"{WHERE} refuses runs: its queue is full",
        description=f'{{{{ $value | printf "%.0f" }}}} runs were refused by {WHERE} in ten minutes.',
        board="pool",
    ),
    Alert(
        name="LaunchesFailing",
        expression=(
            f"{FAILED_LAUNCHES}\n/ {LAUNCHES} > {limits.LAUNCH_FAILURES}\n"
            f"and {FAILED_LAUNCHES} >= {limits.LAUNCH_FAILURE_COUNT}"
        ),
        pending="1m",
        severity="critical",
        component="browser",
        summary=f"Browsers of {WHERE} do not start",
        description=f"{{{{ $value | humanizePercentage }}}} of the starts on {WHERE} failed in 15 minutes.",
        board="pool",
    ),
    Alert(
        name="CrashLoop",
        expression=f"sum by (job, instance, kind) (increase(browser_crashes_total[15m])) >= {limits.CRASHES}",
        pending="1m",
        severity="critical",
        component="browser",
        summary=f"Crash after crash on {WHERE}: {{{{ $labels.kind }}}}",
        description=f'{{{{ $value | printf "%.0f" }}}} crashes of kind {{{{ $labels.kind }}}} on {WHERE} in 15 minutes.',
        board="pool",
    ),
    Alert(
        # The counter moves when the service starts, before its first scrape: an increase would not be seen.
        name="OrphansReaped",
        expression=(f"browser_orphans_reaped_total > 0\nand {ON} time() - process_start_time_seconds < 3600"),
        pending="0m",
        severity="info",
        component="browser",
        summary=f"{WHERE} found processes that an earlier service had left",
        description=f"{{{{ $value }}}} processes of an earlier service were ended when {WHERE} started.",
        board="pool",
    ),
    Alert(
        name="AgentMemoryHigh",
        expression=(
            f"{BY} (browser_process_memory_bytes)\n/ {ON} ({BY} (browser_pool_agents) > 0) > {limits.AGENT_MEMORY}"
        ),
        pending="10m",
        severity="warning",
        component="browser",
        summary=f"The agents of {WHERE} need much memory",
        description=f"An agent of {WHERE} with its Chromium takes {{{{ $value | humanize1024 }}}}B on average.",
        board="pool",
    ),
    Alert(
        name="AgentsStuck",
        expression=(
            f"browser_active_agents > 0\nand {ON} {BY} (increase(browser_steps_total[15m])) == 0\n"
            f"and {ON} {BY} (increase(browser_page_fetch_duration_seconds_count[15m])) == 0"
        ),
        pending="5m",
        severity="warning",
        component="browser",
        summary=f"Agents of {WHERE} are busy and do nothing",
        description=f"{{{{ $value }}}} agents of {WHERE} have work, and not one step or page fetch ended in 15 minutes.",
        board="agents",
    ),
    Alert(
        name="AgentsUnresponsive",
        expression=f'{BY} (increase(browser_agents_retired_total{{reason="unresponsive"}}[30m])) >= {limits.UNRESPONSIVE}',
        pending="0m",
        severity="warning",
        component="browser",
        summary=f"Agents of {WHERE} stop answering",
        description=f'{{{{ $value | printf "%.0f" }}}} agents of {WHERE} answered nothing and were ended in 30 minutes.',
        board="pool",
    ),
)

SESSION_ALERTS: Final = (
    Alert(
        # A program without a pool has no Redis, and shows 0 for ever.
        name="RedisDown",
        expression=f"browser_redis_up == 0\nand {ON} browser_pool_size > 0",
        pending="1m",
        severity="critical",
        component="redis",
        summary=f"{WHERE} can't reach its Redis",
        description=f"Redis has not answered {WHERE} for a minute: no session can be opened or kept, no run recorded.",
        board="sessions",
    ),
    Alert(
        name="SessionsUndecryptable",
        expression=f'{BY} (increase(browser_session_operations_total{{result="undecryptable"}}[15m])) > 0',
        pending="0m",
        severity="critical",
        component="sessions",
        summary=f"{WHERE} can't decrypt stored sessions",
        description=f'{{{{ $value | printf "%.0f" }}}} sessions could not be decrypted by {WHERE} in 15 minutes.',
        board="sessions",
    ),
)
