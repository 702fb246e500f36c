"""What happened in one trace, and which spans are slow or fail?"""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders import dashboard

from browserwatch.dashboards.board import Board, Row, choice
from browserwatch.dashboards.foreign import SPAN_CALLS
from browserwatch.dashboards.panels import Lines, Number, Table
from browserwatch.dashboards.signals import spans
from browserwatch.dashboards.traces import FoundTraces, Note, TraceView
from browserwatch.semantics import INVOKE_AGENT

CHOOSE: Final = (
    "**To see a trace**, click its id above, or put an id into *Trace id* at the top: the service's answers, its logs and"
    " the dots in other panels have one. These panels ask Tempo. Without a data source for it they are empty; the spans by"
    " name above need none."
)
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
    "Find a trace (asks Tempo)",
    (
        FoundTraces(
            "Runs",
            "Which runs were there? A trace id opens the run's spans.",
            (),
            query=f'{{ name =~ "{INVOKE_AGENT}.*" && resource.service.name =~ "$service" }}',
        ),
        FoundTraces(
            "Errors",
            "Where did something fail?",
            (),
            query='{ status = error && resource.service.name =~ "$service" }',
        ),
    ),
)
ONE: Final = Row(
    "The trace chosen above (variable Trace id)",
    (
        Note("", "", (), words=CHOOSE),
        TraceView(
            "Trace",
            "What happened, in which order, and how long did it take?",
            (),
            height=16,
            query="$trace_id",
        ),
        TraceView(
            "Its spans as a graph",
            "Which span called which?",
            (),
            width=12,
            height=12,
            kind="nodeGraph",
            query="$trace_id",
        ),
        TraceView(
            "Services",
            "Which service calls which? Needs the service graphs of Tempo's metrics generator.",
            (),
            width=12,
            height=12,
            kind="nodeGraph",
            query_type="serviceMap",
        ),
    ),
)
TRACES: Final = Board(
    "traces",
    "browserwatch / Traces",
    "What happened in one trace, and which spans are slow or fail?",
    (BY_NAME, SEARCH, ONE),
    (
        choice("service", "Service", f"label_values({SPAN_CALLS}, service_name)").all_value(".*"),
        dashboard.TextBoxVariable("trace_id").label("Trace id").default_value(""),
    ),
)
