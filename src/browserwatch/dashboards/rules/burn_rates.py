"""Burn-rate alerts: the error budget of 30 days is being spent too fast.

Rates and windows follow https://sre.google/workbook/alerting-on-slos/: 14.4 times over an hour spends 2 % of a month's
budget, 6 times over six hours 5 %, once over three days 10 %. The short window ends an alert soon after the cause is gone.
"""

from __future__ import annotations

from typing import Final

from browserwatch.dashboards.limits import MIN_BAD_EVENTS
from browserwatch.dashboards.rules.alert import Alert
from browserwatch.dashboards.rules.objectives import OBJECTIVES, Objective
from browserwatch.dashboards.rules.recording import bad_events, error_ratio

Burn = tuple[float, str, str]
FAST: Final[tuple[Burn, ...]] = ((14.4, "5m", "1h"), (6, "30m", "6h"))
SLOW: Final[tuple[Burn, ...]] = ((3, "2h", "1d"), (1, "6h", "3d"))


def _burning(objective: Objective, burn: Burn) -> str:
    rate, short, long = burn
    limit = f"{rate * objective.budget:.6g}"
    chosen = f'{{slo="{objective.slo}"}}'
    return (
        f"({error_ratio(short)}{chosen} > {limit}\n  and {error_ratio(long)}{chosen} > {limit}\n"
        f"  and {bad_events(long)}{chosen} >= {MIN_BAD_EVENTS})"
    )


def _alert(objective: Objective, *, fast: bool) -> Alert:
    speed = "fast" if fast else "slowly but steadily"
    expression = "\nor\n".join(_burning(objective, burn) for burn in (FAST if fast else SLOW))
    return Alert(
        name=f"{objective.name}Burn{'Fast' if fast else 'Slow'}",
        expression=expression,
        pending="2m" if fast else "15m",
        severity="critical" if fast else "warning",
        component="slo",
        summary=f"The error budget of {objective.name.lower()} of {{{{ $labels.job }}}} is being spent {speed}",
        description=(
            f"{objective.promise}. Of the recent ones {{{{ $value | humanizePercentage }}}} were bad;"
            f" {objective.budget * 100:.3g} % may be."
        ),
        board=objective.board,
    )


SLO_ALERTS: Final = tuple(_alert(objective, fast=fast) for objective in OBJECTIVES for fast in (True, False))
