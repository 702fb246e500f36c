"""Alerts about what agents do: model calls, cost, loops, and where they wanted to go."""

from __future__ import annotations

from typing import Final

from browserwatch.dashboards import limits
from browserwatch.dashboards.rules.alert import Alert
from browserwatch.dashboards.rules.recording import COST_DAY, COST_NOW

MODEL: Final = "job, gen_ai_provider_name, gen_ai_request_model"
CALLS: Final = "gen_ai_client_operation_duration_seconds_count"
WHICH: Final = "{{ $labels.gen_ai_request_model }} ({{ $labels.gen_ai_provider_name }})"
CIRCLES: Final = 'sum by (job) (increase(browser_runs_total{failure_reason=~"loop|max_steps"}[1h]))'


def _failing(matcher: str, ratio: limits.Limit) -> str:
    failed = f"sum by ({MODEL}) (increase({CALLS}{{{matcher}}}[15m]))"
    return (
        f"{failed}\n/ sum by ({MODEL}) (increase({CALLS}[15m])) > {ratio}\nand {failed} >= {limits.MODEL_ERROR_COUNT}"
    )


MODEL_ALERTS: Final = (
    Alert(
        name="ModelErrors",
        expression=_failing('error_type!="",error_type!~"rate_limit|cancelled"', limits.MODEL_ERRORS),
        pending="5m",
        severity="warning",
        component="model",
        summary=f"Calls of {WHICH} fail",
        description=f"{{{{ $value | humanizePercentage }}}} of the calls of {WHICH} failed in 15 minutes.",
        board="model",
    ),
    Alert(
        name="ModelRateLimited",
        expression=_failing('error_type="rate_limit"', limits.RATE_LIMITS),
        pending="5m",
        severity="warning",
        component="model",
        summary=f"{WHICH} limits our rate",
        description=f"{{{{ $value | humanizePercentage }}}} of the calls of {WHICH} hit the rate limit in 15 minutes.",
        board="model",
    ),
    Alert(
        name="CostSpike",
        expression=(
            f"{COST_NOW} * 3600 > {limits.COST_PER_HOUR}\nand {COST_NOW} > {limits.COST_FACTOR} * {COST_DAY} offset 1h\n"
            f"and {COST_DAY} offset 1h * 86400 >= {limits.COST_PER_HOUR}"
        ),
        pending="5m",
        severity="warning",
        component="model",
        summary="{{ $labels.job }} spends far more on models than it did",
        description=('{{ $value | printf "%.2f" }} USD per hour, more than three times the average of the day before.'),
        board="model",
    ),
)

BEHAVIOUR_ALERTS: Final = (
    Alert(
        name="RunsInCircles",
        expression=(
            f"{CIRCLES} / sum by (job) (increase(browser_runs_total[1h])) > {limits.LOOPS}\n"
            f"and {CIRCLES} >= {limits.LOOP_COUNT}"
        ),
        pending="5m",
        severity="warning",
        component="behaviour",
        summary="Runs of {{ $labels.job }} go round in circles",
        description="{{ $value | humanizePercentage }} of the runs of an hour ended in a loop or at their step limit.",
        board="agents",
    ),
    Alert(
        name="PolicyBlocks",
        expression=(
            f"sum by (job, instance, rule) (increase(browser_policy_blocks_total[15m])) > {limits.POLICY_BLOCKS}"
        ),
        pending="5m",
        severity="warning",
        component="behaviour",
        summary="Agents of {{ $labels.instance }} keep going where they may not: {{ $labels.rule }}",
        description='{{ $value | printf "%.0f" }} navigations were refused by the rule {{ $labels.rule }} in 15 minutes.',
        board="pages",
    ),
    Alert(
        # What a page that talks an agent into something tries first: the credentials of the machine.
        name="MetadataAddressBlocked",
        expression=('sum by (job, instance) (increase(browser_policy_blocks_total{rule="metadata_address"}[15m])) > 0'),
        pending="0m",
        severity="critical",
        component="behaviour",
        summary="An agent of {{ $labels.instance }} tried to reach the cloud's metadata service",
        description='{{ $value | printf "%.0f" }} requests to a metadata address were refused in 15 minutes.',
        board="pages",
    ),
)
