"""How fast are the models, do they answer, and what do they cost?"""

from __future__ import annotations

from typing import Final

from browserwatch.dashboards import limits
from browserwatch.dashboards.board import Board, Row
from browserwatch.dashboards.panels import Lines, Number, Table
from browserwatch.dashboards.signals import model

NOW: Final = Row(
    "In the time shown",
    (
        Number("Cost", "What was spent?", (model.COST,)),
        Number("Cost per run", "What does a run cost?", (model.COST_PER_RUN,)),
        Number("Cost per success", "What does a result cost?", (model.COST_PER_SUCCESS,)),
        Number("Unpriced calls", "Is cost missing from these numbers?", (model.UNPRICED,), steps=((1, "orange"),)),
        Number(
            "Errors",
            "Does the model answer?",
            (model.ERROR_SHARE,),
            steps=((0.01, "orange"), (limits.MODEL_ERRORS.value, "red")),
        ),
        Number(
            "Rate-limited",
            "Do we ask too much of it?",
            (model.RATE_LIMITED,),
            steps=((0.01, "orange"), (limits.RATE_LIMITS.value, "red")),
        ),
    ),
)
COST: Final = Row(
    "Cost and tokens",
    (
        Lines("Cost per hour", "Which model costs what?", (model.COST_BY_MODEL,), stacked=True, width=8),
        Lines("Tokens", "How much goes in and comes out?", model.TOKENS, width=8),
        Number("From the cache", "Does caching of prompts work?", (model.CACHED,), width=8, height=8),
    ),
)
CALLS: Final = Row(
    "Calls",
    (
        Lines("Calls", "How often are models asked?", (model.CALLED,), stacked=True),
        Lines("Failed calls", "What goes wrong?", (model.ERRORS,), stacked=True),
        Lines("Median time", "How fast is a usual answer?", (model.MEDIAN,)),
        Lines("Slow calls", "How slow are the slow ones?", (model.LATENCY,)),
        Table(
            "By model",
            "Which model does how much?",
            model.TABLE,
            width=24,
            height=7,
            value_names={"A": "Calls", "B": "Failed", "C": "Tokens in", "D": "Tokens out", "E": "Cost (USD)"},
        ),
    ),
)
MODEL: Final = Board(
    "model",
    "browserwatch / Model and cost",
    "How fast are the models, do they answer, and what do they cost?",
    (NOW, COST, CALLS),
)
