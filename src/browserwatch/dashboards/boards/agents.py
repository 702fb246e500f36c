"""What do agents do, how does it end, and where does the time go?"""

from __future__ import annotations

from typing import Final

from browserwatch.dashboards.board import Board, Row
from browserwatch.dashboards.panels import Bars, Heat, Lines
from browserwatch.dashboards.signals import runs, steps
from browserwatch.dashboards.traces import FoundTraces
from browserwatch.semantics import AGENT_STEP, INVOKE_AGENT, RUN_OUTCOME

RUNS: Final = Row(
    "Runs",
    (
        Lines("Outcomes", "How do runs end?", (runs.PER_MINUTE,), stacked=True),
        Lines("Failures", "Why do runs fail, and since when?", (runs.REASONS_OVER_TIME,), stacked=True),
        Heat(
            "Duration of runs",
            "How long do runs take, and which one was that? A dot is a run: its trace opens from there.",
            (runs.DURATIONS,),
            width=16,
            height=9,
        ),
        Lines("Steps of a run", "Do runs go round in circles?", runs.STEPS_PER_RUN, width=8, height=9),
    ),
)
STEPS: Final = Row(
    "Steps",
    (
        Lines(
            "Where a step's time goes", "Slow page, slow model, or slow action?", (steps.PHASES,), stacked=True, width=8
        ),
        Lines("Duration of a step", "How long does a step take?", steps.DURATION, width=8, steps=((30, "red"),)),
        Lines("Steps", "Do steps succeed?", (steps.PER_MINUTE,), stacked=True, width=8),
    ),
)
ACTIONS: Final = Row(
    "Actions",
    (
        Lines("Actions", "Which tools are used?", (steps.ACTIONS,), stacked=True, width=8),
        Lines("Failing actions", "Which tool fails?", (steps.ACTION_FAILURES,), width=8, steps=((0.2, "orange"),)),
        Lines("Time of an action", "Which tool is slow?", (steps.ACTION_LATENCY,), width=8),
        Bars("Failure reasons", "Why did runs fail in the time shown?", (runs.REASONS,), width=24, height=7),
    ),
)
TRACES: Final = Row(
    "Traces (asks Tempo)",
    (
        FoundTraces(
            "Runs that did not succeed",
            "Which runs failed? Their traces show where.",
            (),
            query=f'{{ name =~ "{INVOKE_AGENT}.*" && span.{RUN_OUTCOME} != "success" }}',
        ),
        FoundTraces(
            "Slow steps",
            "Which steps took longer than the objective of 30 s?",
            (),
            query=f'{{ name = "{AGENT_STEP}" && duration > 30s }}',
        ),
    ),
)
AGENTS: Final = Board(
    "agents",
    "browserwatch / Agents and steps",
    "What do agents do, how does it end, and where does the time go?",
    (RUNS, STEPS, ACTIONS, TRACES),
)
