"""Is all well? The dashboard to open first."""

from __future__ import annotations

from typing import Final

from browserwatch.dashboards import limits
from browserwatch.dashboards.board import Board, Row
from browserwatch.dashboards.panels import Bars, Lines, Number, Table
from browserwatch.dashboards.signals import model, pool, requests, runs, sessions, steps

RED: Final = "red"
ORANGE: Final = "orange"

HEALTH: Final = Row(
    "Now",
    (
        Number(
            "Success",
            "Do runs succeed?",
            (runs.SUCCESS,),
            low=RED,
            steps=((0.5, ORANGE), (0.9, "green")),
            detail="agents",
        ),
        Number(
            "Not our fault", "Does the service do its part?", (runs.NOT_OUR_FAULT,), low=RED, steps=((0.995, "green"),)
        ),
        Number("Active agents", "How much is going on?", (runs.ACTIVE,), detail="pool"),
        Number(
            "Sessions reused", "Are logins reused, or made again?", (sessions.REUSE,), low="text", detail="sessions"
        ),
        Number(
            "Cost per hour",
            "What is being spent?",
            (model.COST_PER_HOUR,),
            steps=((limits.COST_PER_HOUR.value, ORANGE),),
            detail="model",
        ),
        Number("Firing alerts", "Does something need me?", (runs.FIRING,), steps=((1, RED),)),
    ),
)
BUDGET: Final = Row(
    "Error budget",
    (
        Bars(
            "Budget left of 30 days",
            "How much may still go wrong this month?",
            runs.BUDGETS,
            width=6,
            height=7,
            low=RED,
            steps=((0.25, ORANGE), (0.5, "green")),
        ),
        Bars("Failure reasons", "Why do runs fail?", (runs.REASONS,), width=6, height=7, detail="agents"),
        Table("Firing", "Which alerts fire?", (runs.FIRING_LIST,), width=12, height=7),
    ),
)
WORK: Final = Row(
    "Work",
    (
        Lines(
            "Runs per minute",
            "How much gets done, and how does it end?",
            (runs.PER_MINUTE,),
            width=8,
            stacked=True,
            detail="agents",
        ),
        Lines("Run duration", "How long do runs take?", runs.DURATION, width=8, detail="agents"),
        Lines(
            "Step duration", "How long does a step take?", steps.DURATION, width=8, steps=((30, RED),), detail="agents"
        ),
    ),
)
CAPACITY: Final = Row(
    "Capacity and cost",
    (
        Lines(
            "Saturation",
            "Are there enough agents?",
            (pool.SATURATION,),
            width=8,
            steps=((limits.SATURATION.value, ORANGE), (1, RED)),
            detail="pool",
        ),
        Lines("Waiting", "Does work pile up?", (pool.WAITERS, runs.QUEUED), width=8, stacked=True, detail="pool"),
        Lines(
            "Cost per hour by model",
            "Which model costs what?",
            (model.COST_BY_MODEL,),
            width=8,
            stacked=True,
            detail="model",
        ),
    ),
)
API: Final = Row(
    "The service's API",
    (
        Lines("Requests", "How much is asked of the service?", (requests.REQUESTS,), width=8, stacked=True),
        Lines("Refused and failed", "Do callers get an error?", (requests.ERRORS,), width=8, stacked=True),
        Lines("Time of a request", "Do callers wait?", (requests.LATENCY,), width=8),
    ),
)
OVERVIEW: Final = Board(
    "overview",
    "browserwatch / Overview",
    "Is all well, and if not, where to look?",
    (HEALTH, BUDGET, WORK, CAPACITY, API),
)
