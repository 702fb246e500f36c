"""What happened in one trace, and which spans are slow or fail?"""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders import dashboard

from browserwatch.dashboards.board import Board, Row, choice
from browserwatch.dashboards.foreign import SPAN_CALLS
from browserwatch.dashboards.panels import Lines, Number, Table
from browserwatch.dashboards.signals import spans
from browserwatch.dashboards.traces import FoundTraces, TraceView
from browserwatch.semantics import INVOKE_AGENT

CHOOSE: Final = "put a trace id into the variable above"
BY_NAME: Final = Row(
    "Spans by name",
    (
        Lines("Rate", "What happens how often?", (spans.RATE,), width=8),
        Lines("Errors", "What fails?", (spans.ERRORS,), width=8),
        Lines("Duration", "What is slow?", (spans.DURATION,), width=8),
        Table(
            "Spans",
            "Which spans are there, and how many fail?",
            spans.TABLE,
            width=16,
            value_names={"A": "Spans", "B": "Failed"},
        ),
        Number("All spans", "How much is traced?", (spans.SPANS,), height=8),
        Number(
            "Failed", "How much of it fails?", (spans.FAILED_SHARE,), height=8, steps=((0.05, "orange"), (0.2, "red"))
        ),
    ),
)
SEARCH: Final = Row(
    "Find a trace",
    (
        FoundTraces(
            "Runs",
            "Which runs were there? A trace id opens the run's spans.",
            (),
            height=10,
            query=f'{{ name =~ "{INVOKE_AGENT}.*" && resource.service.name =~ "$service" }}',
        ),
        FoundTraces(
            "Errors",
            "Where did something fail?",
            (),
            height=10,
            query='{ status = error && resource.service.name =~ "$service" }',
        ),
    ),
)
ONE: Final = Row(
    "The trace chosen above (variable Trace id)",
    (
        TraceView(
            "Trace",
            "What happened, in which order, and how long did it take?",
            (),
            width=24,
            height=16,
            query="$trace_id",
            nothing=CHOOSE,
        ),
        TraceView(
            "Its spans as a graph",
            "Which span called which?",
            (),
            height=12,
            kind="nodeGraph",
            query="$trace_id",
            nothing=CHOOSE,
        ),
        TraceView(
            "Services",
            "Which service calls which? Needs the service graphs of Tempo's metrics generator.",
            (),
            height=12,
            kind="nodeGraph",
            query_type="serviceMap",
            nothing="no service graphs",
        ),
    ),
)
TRACES: Final = Board(
    "traces",
    "browserwatch / Traces",
    "What happened in one trace, and which spans are slow or fail?",
    (BY_NAME, SEARCH, ONE),
    (
        choice("service", "Service", f"label_values({SPAN_CALLS}, service_name)"),
        dashboard.TextBoxVariable("trace_id").label("Trace id").default_value(""),
    ),
)
